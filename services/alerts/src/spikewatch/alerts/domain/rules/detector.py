"""Any detector of counts as a rule: the steps are calendar days or weeks, and the one that runs is judged by those before it."""

from collections import OrderedDict
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, Final

import numpy as np
from pydantic import Field, PrivateAttr, ValidationError, model_validator
from typing_extensions import override

from spikewatch.alerts.domain.detection.detection import ALARM, Detected
from spikewatch.alerts.domain.detection.registry import ALGORITHMS
from spikewatch.alerts.domain.detection.series import Floats
from spikewatch.alerts.domain.detection.series import Series as Counts
from spikewatch.alerts.domain.instants import DAY, HOUR, Bools, Instants
from spikewatch.alerts.domain.rules.criterion import Criterion, Finding
from spikewatch.alerts.domain.series import Series
from spikewatch.contracts.contract import ShortText

__all__ = ["NO_RULE", "DetectorRule"]

NO_RULE: Final = frozenset({"trend"})
"""Algorithms that raise no alarm for a step."""

_SHOWN: Final = 30  # steps in an explanation; more would not be read and makes alerts large
_STEPS: Final = (DAY, 7 * DAY)
_MONDAY: Final = 4 * DAY  # 1970-01-05, so that weeks begin on Mondays
_BLOCKS_A_HISTORY: Final = 4
_FEW: Final = 2  # steps for which it is cheaper to ask each than all at once
_MOST: Final = 1 << 20  # overdoses in a step; what is no alarm with so many never is
_MOST_KNOWN: Final = 65_536  # some hundred bytes each


class DetectorRule(Criterion, extra="allow"):
    """Met when an algorithm raises an alarm by the steps before and the count of the step so far.

    The rule's window is the step: 24 hours (a day) or 168 (a week from Monday). Further parameters are the algorithm's own
    (docs/detection/detectors.md). A day begins at ``day_starts_hour`` UTC.

    First days: silent until ``minimum_history_days`` lie behind the area's first overdose, and as long as the algorithm asks.
    A silent day after that counts as a day with none.

    How far an algorithm looks back follows from the step alone, never from what is asked together: its series begins
    ``history_days`` before the block of steps in which the step lies. So any order of arrival gives the same thresholds.
    """

    algorithm: ShortText = Field(description="Name of the algorithm, for example ears_c2.")
    history_days: float = Field(default=400, ge=14, le=3660, description="How much of the past the algorithm sees at least.")
    minimum_history_days: float = Field(default=28, ge=0)
    day_starts_hour: int = Field(default=0, ge=0, le=23, description="Hour of UTC at which a day begins, for example 5.")

    # Of the steps before: the count that is an alarm. A step is asked about with each of its overdoses.
    _known: OrderedDict[bytes, float] = PrivateAttr(default_factory=OrderedDict)

    @model_validator(mode="after")
    def _has_an_algorithm(self) -> "DetectorRule":
        if self.algorithm not in ALGORITHMS or self.algorithm in NO_RULE:
            usable = ", ".join(name for name in ALGORITHMS if name not in NO_RULE)
            raise ValueError(f"unknown algorithm; expected one of {usable}")
        try:
            self._settings()
        except ValidationError as error:
            named = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
            raise ValueError(f"{self.algorithm}: {named}") from None
        return self

    def _settings(self) -> Any:
        return ALGORITHMS[self.algorithm].parameters.model_validate(self.model_extra or {})

    @override
    def refuses(self, window: int) -> str | None:
        return None if window in _STEPS else "window_hours is the step of a detector; expected 24 (a day) or 168 (a week)"

    @override
    def asks(self) -> str:
        """Name the algorithm and its settings."""
        stated = ", ".join(f"{name} {value}" for name, value in (self.model_extra or {}).items())
        return f"{self.algorithm}{f' ({stated})' if stated else ''} raises an alarm for the calendar step so far"

    @override
    def reach(self, window: int) -> int:
        """An overdose counts in its step and in every later one whose block looks back to it."""
        history = self._history(window)
        return (history + _block(history) + 1) * window

    @override
    def starts(self, at: Instants, window: int) -> Instants:
        return np.asarray(self._step(at, window) * window + self._origin(window))

    @override
    def met(self, series: Series, at: Instants, counts: Instants, window: int) -> Bools:
        """Ask for each block of steps once, then for the counts so far of the steps that are alarms."""
        met = np.zeros(len(at), dtype=np.bool_)
        steps = self._step(at, window)
        known_since = int(self._step(np.array([series.first]), window)[0])
        candidates = np.flatnonzero((counts > 0) & (steps - known_since >= self.minimum_history_days * DAY / window))
        size = _block(self._history(window))
        for block in np.unique(steps[candidates] // size).tolist():
            mine = candidates[steps[candidates] // size == block]
            first, told = self._told(series, int(steps[mine].max()), window)
            asked = np.unique(steps[mine])
            if len(asked) > _FEW:
                # More overdoses never undo an alarm: only in steps that end with one is it asked at which count it came.
                whole = self._run(first, told[np.newaxis, :], window).alarm[0] == ALARM
                asked = asked[whole[asked - first]]
            for step in asked.tolist():
                looks = mine[steps[mine] == step]
                met[looks] = counts[looks] >= self._least(first, told[: step - first], window)
        return met

    @override
    def finding(self, series: Series, at: int, count: int, window: int) -> Finding:
        """Give what the algorithm expected, its threshold and the newest steps."""
        step = int(self._step(np.array([at]), window)[0])
        first, told = self._told(series, step, window)
        found = self._run(first, told[np.newaxis, :], window)
        place = step - first
        shown = range(max(place - _SHOWN, 0), place)
        threshold = _number(found.threshold[0, place])
        asked = "" if threshold is None else f"more than {threshold:.1f} in a {'day' if window == DAY else 'week'} by "
        return Finding(
            demand=f"{asked or 'an alarm of '}{self.algorithm}",
            threshold=threshold,
            expected=_number(found.expected[0, place]),
            probability=_number(found.p_value[0, place]),
            baseline=tuple((self._start(first + one, window), self._start(first + one + 1, window), int(told[one])) for one in shown),
        )

    def _told(self, series: Series, last: int, window: int) -> tuple[int, Floats]:
        """Return the first step that the block of a step looks back to, and the counts from there to that step."""
        history = self._history(window)
        block = _block(history)
        known_since = int(self._step(np.array([series.first]), window)[0])
        first = max(last // block * block - history, known_since)
        edges = self._origin(window) + window * np.arange(first, last + 2, dtype=np.int64)
        return first, series.count(edges[:-1], edges[1:]).astype(np.float64)

    def _run(self, first: int, counts: Floats, window: int) -> Detected:
        steps = np.arange(first, first + counts.shape[1], dtype=np.int64)
        days = (self._origin(window) // DAY + steps * (window // DAY)).astype("datetime64[D]")
        asked = Counts(days, counts, tuple(map(str, range(len(counts)))))
        return ALGORITHMS[self.algorithm].run(asked, self._settings())

    def _least(self, first: int, before: Floats, window: int) -> float:
        """Return the smallest count that is an alarm after the steps before; infinite if none is."""
        key = blake2b(before.tobytes(), digest_size=16, key=f"{first} {window}".encode()).digest()
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._searched(first, before, window)
            if len(self._known) > _MOST_KNOWN:
                self._known.popitem(last=False)
        return known

    def _searched(self, first: int, before: Floats, window: int) -> float:
        def are_alarms(counts: Sequence[int]) -> list[bool]:
            looks = np.column_stack((np.repeat(before[np.newaxis, :], len(counts), axis=0), np.array(counts, dtype=np.float64)))
            found = self._run(first, looks, window)
            guessed[:] = [float(found.threshold[0, -1])]
            return [value == ALARM for value in found.alarm[:, -1].tolist()]

        guessed: list[float] = []
        if not are_alarms([_MOST])[0]:
            return np.inf
        guess = int(guessed[0]) if np.isfinite(guessed[0]) and 1 <= guessed[0] < _MOST else 1
        low, high = 0, _MOST
        for tried in ([guess, guess + 1], *([2**power for power in range(1, _MOST.bit_length())],)):
            for count, is_alarm in zip(tried, are_alarms(tried), strict=True):
                low, high = (low, min(high, count)) if is_alarm else (max(low, count), high)
            if high - low == 1:
                return high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if are_alarms([middle])[0] else (middle, high)
        return high

    def _start(self, step: int, window: int) -> int:
        return self._origin(window) + step * window

    def _history(self, window: int) -> int:
        return max(2, -(-round(self.history_days * DAY) // window))

    def _origin(self, window: int) -> int:
        return self.day_starts_hour * HOUR + (0 if window == DAY else _MONDAY)

    def _step(self, at: Instants, window: int) -> Instants:
        # spans are open at their start: what happens exactly when a step begins belongs to the one that ended
        return np.asarray((at - 1 - self._origin(window)) // window)


def _block(history: int) -> int:
    return max(1, history // _BLOCKS_A_HISTORY)


def _number(value: float) -> float | None:
    return max(float(value), 0.0) if np.isfinite(value) else None
