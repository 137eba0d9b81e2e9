"""How much of the past an algorithm must be told until it judges a step: a rule that tells less would be silent for ever."""

from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np

from spikewatch.alerts.domain.detection.algorithm import Parameters
from spikewatch.alerts.domain.detection.detection import NOT_EVALUATED
from spikewatch.alerts.domain.detection.registry import ALGORITHMS
from spikewatch.alerts.domain.detection.series import Series
from spikewatch.alerts.domain.instants import DAY
from spikewatch.alerts.domain.rules.refusal import Refusal

__all__ = ["refusal_of"]

_FEWEST: Final = 2
_GROWTH: Final = 1.4  # of the steps tried; with twice as many an algorithm that needs five years would judge many, which costs seconds
_SLOW_GROWTH: Final = 1.15  # where the least number is looked for
# How much is asked for, not how far back is looked: rules that differ in these alone share one answer.
_LEVELS: Final = ("alpha", "k", "limit", "minimum", "least_recent", "run_length", "shift")
_TOLD: Final = (3.0, 5, 4, 2, 6, 4, 3, 7, 5, 2, 4, 6, 3)  # overdoses in a step, again and again: an ordinary area
# Five years before it have two leap days, as many as there can be. It lies far ahead: a fixed day of the past (baseline_end) falls
# out of every rule's history in the end. A Monday, for the weeks.
_NEWEST: Final = np.datetime64("2096-03-05", "D")
_LENGTHS: Final = {DAY: "day", 7 * DAY: "week"}


def refusal_of(algorithm: str, settings: Parameters, window: int, before: int, most_days: int) -> Refusal | None:
    """Return why an algorithm never judges a step of a length (microseconds) by so many steps before it; None if it does.

    ``most_days`` is as far as any rule may look back.
    """
    told = before + 1
    settings = _usual(settings)
    if _is_judged(algorithm, settings, window, told):
        return None
    least = _least_judged(algorithm, settings, window, told, most_days * DAY // window + 1)
    step = _LENGTHS[window]
    if least is not None:
        needed = -(-(least - 1) * window // DAY)
        why = f"is too short: {algorithm} with these settings judges a {step} by at least {least - 1} {step}s before it"
        return Refusal(("parameters", "history_days"), f"{why}, and is told {before}; expected at least {needed}")
    why = _asked(algorithm, settings, window, told).why or f"it looks further back than the {most_days:,} days that a rule may"
    other = next(length for length in _LENGTHS if length != window)
    if _is_judged(algorithm, settings, other, most_days * DAY // other):
        return Refusal(("window_hours",), f"{algorithm} judges no {step}s ({why}); expected {24 * other // DAY} (a {_LENGTHS[other]})")
    field, found, text = why.partition(": ")
    if found and field in type(settings).model_fields:
        return Refusal(("parameters", field), f"{algorithm} cannot be asked so by a rule, which tells it counts of days or weeks: {text}")
    return Refusal(("parameters",), f"{algorithm} with these settings never judges a {step} of a rule: {why}")


def _is_judged(algorithm: str, settings: Parameters, window: int, told: int) -> bool:
    """Tell whether the newest of so many steps is judged; who judges by fewer judges by more, and few steps cost little."""
    few = _FEWEST
    while few < told:
        if _asked(algorithm, settings, window, few).newest:
            return True
        few = int(few * _GROWTH) + 1
    return _asked(algorithm, settings, window, told).newest


def _least_judged(algorithm: str, settings: Parameters, window: int, told: int, most: int) -> int | None:
    """Return the least number of steps, the newest among them, of which the newest is judged; None where no rule can tell so many."""
    low, high = told, told
    while not (answer := _asked(algorithm, settings, window, high)).newest:
        if high >= most:
            return None
        low, high = high, min(int(high * _SLOW_GROWTH) + 1, most)
    # Who judges each step by those before it has told where it begins, but for leap days; else nearly all were judged.
    ahead, begins = 1, answer.first or low
    while low < begins < high and not _asked(algorithm, settings, window, begins).newest:
        low, begins, ahead = begins, begins + ahead, 2 * ahead
    high = min(high, begins) if begins > low else high
    while high - low > 1:
        middle = (low + high) // 2
        if _asked(algorithm, settings, window, middle).newest:
            high = middle
        else:
            low = middle
    return high


def _usual(settings: Parameters) -> Parameters:
    fields = type(settings).model_fields
    return settings.model_copy(update={name: fields[name].default for name in _LEVELS if name in fields and not fields[name].is_required()})


class _Answer(NamedTuple):
    """Whether the newest step is judged, the number of the first that is (from 1), and what the algorithm refuses the steps with."""

    newest: bool
    first: int | None = None
    why: str = ""


@lru_cache(maxsize=4_096)  # rules are read anew with every look at unsettled days
def _asked(algorithm: str, settings: Parameters, window: int, told: int) -> _Answer:
    """Ask about so many steps of an ordinary area."""
    days = _NEWEST + window // DAY * np.arange(1 - told, 1)
    asked = Series(days, np.resize(np.array(_TOLD), told)[np.newaxis, :], ("one",))
    try:
        found = ALGORITHMS[algorithm].judged(asked, settings, told - 1)
    except (ArithmeticError, LookupError, ValueError) as error:  # what it would raise in the service, whatever it is
        return _Answer(newest=False, why=str(error) or type(error).__name__)
    judged = found.alarm[0] != NOT_EVALUATED
    return _Answer(bool(judged[-1]), int(judged.argmax()) + 1 if judged.any() else None)
