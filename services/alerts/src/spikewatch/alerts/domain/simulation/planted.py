"""Documented spikes within drawn histories: what is known of one is its count and its days, all around it is drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from spikewatch.alerts.domain.instants import DAY, HOUR, Instants
from spikewatch.alerts.domain.simulation.daily import structure
from spikewatch.alerts.domain.simulation.drawn import overdispersed

__all__ = ["Burst", "planted_in", "usual_times"]

_MONDAY: Final = 3  # the first day of 1970 was a Thursday
_WIDEST: Final = 1.6


@dataclass(frozen=True, slots=True)
class Burst:
    """So many overdoses within some hours, counted from midnight (UTC) of the spike's first day."""

    begins: float
    hours: float
    number: int


def usual_times(draws: np.random.Generator, level: float, span: tuple[int, int], present: int, histories: int) -> list[Instants]:
    """Draw the usual overdoses of one area several times: sorted event times in microseconds in whole days ``[span)``.

    ``level`` is the mean a day around ``present`` (a moment), apart from weekday and season. Every second history is Poisson,
    the others vary 1.6 times as much from day to day. Within a day any time is as likely as another.
    """
    days = np.arange(span[0] // DAY, span[1] // DAY, dtype=np.int64)
    mean = level * structure(draws, histories, days + _MONDAY, present // DAY + _MONDAY)
    dispersion = np.where(np.arange(histories) % 2, _WIDEST, 1.0)[:, None]
    counts = overdispersed(draws, mean, dispersion).astype(np.int64)
    drawn: list[NDArray[np.int64]] = []
    for row in counts:
        times = np.repeat(days, row) * DAY + draws.integers(0, DAY, row.sum())
        drawn.append(np.sort(times))
    return drawn


def planted_in(
    draws: np.random.Generator, usual: Instants, bursts: Sequence[Burst], day: int, *, is_total: bool
) -> tuple[Instants, int, int]:
    """Return the times with a spike that begins on a day (its midnight), and the spike's first and last overdose.

    ``is_total``: what is known is how many there were in all, so the usual ones of its hours are taken out first.
    """
    spans = [(day + round(one.begins * HOUR), round(one.hours * HOUR), one.number) for one in bursts]
    extra = np.sort(np.concatenate([draws.integers(start, start + length, number) for start, length, number in spans]))
    kept = usual
    if is_total:
        for start, length, _ in spans:
            kept = kept[(kept < start) | (kept >= start + length)]
    return np.sort(np.concatenate((kept, extra))), int(extra[0]), int(extra[-1])
