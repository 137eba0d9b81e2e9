"""Bounded, jittered back-off."""

import random
from collections.abc import Iterator

__all__ = ["delays"]

_FIRST_SECONDS = 0.05
_LONGEST_SECONDS = 5.0


def delays(total_seconds: float, *, draw: random.Random | None = None) -> Iterator[float]:
    """Yield waiting times in seconds that double from 50 ms to 5 s and together do not pass the total.

    Each is drawn from the upper half of its step, so that instances that failed together do not return together.
    """
    draw = draw or random.Random()  # noqa: S311  # spreads load, guards no secret
    step, spent = _FIRST_SECONDS, 0.0
    while spent < total_seconds:
        delay = min(draw.uniform(step / 2, step), total_seconds - spent)
        spent += delay
        yield delay
        step = min(step * 2, _LONGEST_SECONDS)
