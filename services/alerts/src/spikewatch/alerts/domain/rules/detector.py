"""Any detector of counts as a rule: the steps are calendar days or weeks, and the one that runs is judged by those before it."""

from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from functools import partial
from hashlib import blake2b
from typing import Any, Final

import numpy as np
from pydantic import Field, PrivateAttr, ValidationError, model_validator
from typing_extensions import override

from spikewatch.alerts.domain.detection.detection import ALARM, NOT_EVALUATED, Detected, blank
from spikewatch.alerts.domain.detection.false_alarms import recurrence_interval
from spikewatch.alerts.domain.detection.partly_reported import CORRECTABLE, partly_reported
from spikewatch.alerts.domain.detection.registry import ALGORITHMS
from spikewatch.alerts.domain.detection.reporting_delay import nowcast
from spikewatch.alerts.domain.detection.series import Floats, SeriesError
from spikewatch.alerts.domain.detection.series import Series as Counts
from spikewatch.alerts.domain.instants import DAY, HOUR, Bools, Instants
from spikewatch.alerts.domain.reported import Reported
from spikewatch.alerts.domain.rules.criterion import Correction, Criterion, Finding
from spikewatch.alerts.domain.rules.least_alarm import least_alarms
from spikewatch.alerts.domain.series import Series
from spikewatch.contracts.contract import ShortText

__all__ = ["COUNT_TAILS", "NO_RULE", "DetectorRule"]

NO_RULE: Final = frozenset({"trend"})
"""Algorithms that raise no alarm for a step."""

COUNT_TAILS: Final = ("predictive", "poisson_trailing", "nb_trailing", "bayes")
"""Algorithms whose p-value is the tail of a count, so that it holds in quiet areas too, and whose alpha is its bound."""

_SHOWN: Final = 30  # steps in an explanation; more would not be read and makes alerts large
_STEPS: Final = (DAY, 7 * DAY)
_MONDAY: Final = 4 * DAY  # 1970-01-05, so that weeks begin on Mondays
_BLOCKS_A_HISTORY: Final = 4
_FEW: Final = 2  # steps for which it is cheaper to ask each than all at once
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

    # Chance of an alarm in one step, where many areas share false discoveries.
    _allowed: float = PrivateAttr(default=1.0)

    # Of a block's counts: which of its steps end with an alarm. Filled by ``foresee`` alone, for one back-test.
    _ended: dict[bytes, Bools] = PrivateAttr(default_factory=dict)

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
        stated = ALGORITHMS[self.algorithm].parameters.model_validate(self.model_extra or {})
        return stated.model_copy(update={"alpha": min(self._allowed, getattr(stated, "alpha", 1.0))}) if self._allowed < 1 else stated

    @property
    @override
    def tells_recurrence(self) -> bool:
        return self.algorithm in COUNT_TAILS

    @override
    def allow(self, chance: float) -> str | None:
        self._allowed = chance
        return None if self.algorithm in COUNT_TAILS else f"an algorithm whose p-value is the tail of a count ({', '.join(COUNT_TAILS)})"

    @override
    def refuses(self, window: int) -> str | None:
        return None if window in _STEPS else "window_hours is the step of a detector; expected 24 (a day) or 168 (a week)"

    @override
    def refuses_correction(self) -> str | None:
        if self.algorithm in CORRECTABLE:
            return None
        return f"{self.algorithm} cannot be corrected for the delay of reports; expected one of {', '.join(CORRECTABLE)}"

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
        known_since = self.step(series.first, window)
        candidates = np.flatnonzero((counts > 0) & (steps - known_since >= self.minimum_history_days * DAY / window))
        if not len(candidates):
            return met
        size = _block(self._history(window))
        for block in _distinct(steps[candidates] // size).tolist():
            mine = candidates[steps[candidates] // size == block]
            asked = _distinct(steps[mine])
            if len(asked) > _FEW:
                # More overdoses never undo an alarm: only in steps that end with one is it asked at which count it came.
                asked = asked[self._ends(series, block, window)[asked - block * size]]
            if not len(asked):
                continue
            first, told = self._told(series, int(asked.max()), window)
            share = self._share(series, first, len(told), window)
            for step in asked.tolist():
                looks = mine[steps[mine] == step]
                met[looks] = counts[looks] >= self._least(first, told[: step - first], window, _upto(share, step - first + 1))
        return met

    @override
    def step(self, at: int, window: int) -> int:
        return (at - 1 - self._origin(window)) // window

    @override
    def prepare(self, many: Sequence[Series], at: int, window: int) -> None:
        """Find for all areas together from which count on the step is an alarm: one by one it takes a hundred times as long."""
        step = self.step(at, window)
        alike: dict[tuple[int, int], list[Floats]] = defaultdict(list)
        for series in many:
            first, told = self._told(series, step, window)
            if self._key(first, told[:-1], window) not in self._known and len(told) > 1:
                alike[first, len(told)].append(told[:-1])
        for (first, _), before in alike.items():
            leasts = least_alarms(partial(self._run, first, window=window), np.stack(before))
            for told, least in zip(before, leasts.tolist(), strict=True):
                self._remember(self._key(first, told, window), least)

    @override
    def foresee(self, many: Sequence[Series], window: int) -> None:
        """Ask about all steps of all areas together, block by block: a back-test of many areas takes a small part of the time."""
        size = _block(self._history(window))
        alike: dict[tuple[int, int, int], dict[bytes, Floats]] = defaultdict(dict)
        for series in many:
            if len(series.times):
                for block in range(self.step(int(series.times[0]), window) // size, self.step(int(series.times[-1]), window) // size + 1):
                    first, told = self._told(series, (block + 1) * size - 1, window)
                    alike[block, first, len(told)][self._key(first, told, window)] = told
        for (block, first, _), asked in alike.items():
            found = self._run(first, np.stack(list(asked.values())), window).alarm == ALARM
            for key, ends in zip(asked, found, strict=True):
                self._ended[key] = _of_block(ends, first, block * size, size)

    def _ends(self, series: Series, block: int, window: int) -> Bools:
        """Tell for each step of a block whether it ends with an alarm."""
        size = _block(self._history(window))
        first, told = self._told(series, (block + 1) * size - 1, window)
        share = self._share(series, first, len(told), window)
        known = self._ended.get(self._key(first, told, window, share))
        return (
            _of_block(self._run(first, told[np.newaxis, :], window, share).alarm[0] == ALARM, first, block * size, size)
            if known is None
            else known
        )

    @override
    def finding(self, series: Series, at: int, count: int, window: int) -> Finding:
        """Give what the algorithm expected, its threshold and the newest steps."""
        step = self.step(at, window)
        first, told = self._told(series, step, window)
        share = self._share(series, first, len(told), window)
        found = self._run(first, told[np.newaxis, :], window, share)
        place = step - first
        shown = range(max(place - _SHOWN, 0), place)
        threshold = _number(found.threshold[0, place])
        asked = "" if threshold is None else f"more than {threshold:.1f} in a {'day' if window == DAY else 'week'} by "
        return Finding(
            demand=f"{asked or 'an alarm of '}{self.algorithm}",
            threshold=threshold,
            expected=_number(found.expected[0, place]),
            probability=_number(found.p_value[0, place]),
            recurrence_days=self._recurrence(float(found.p_value[0, place]), window),
            baseline=tuple((self._start(first + one, window), self._start(first + one + 1, window), int(told[one])) for one in shown),
            correction=None if share is None else _correction(found, count, float(share[place]), place, series.reported),
        )

    def _recurrence(self, p_value: float, window: int) -> float | None:
        if not self.tells_recurrence or not p_value > 0:
            return None
        return float(recurrence_interval(np.array([p_value]), interval_days=window / DAY)[0])

    def _told(self, series: Series, last: int, window: int) -> tuple[int, Floats]:
        """Return the first step that the block of a step looks back to, and the counts from there to that step."""
        history = self._history(window)
        block = _block(history)
        known_since = self.step(series.first, window)
        first = max(last // block * block - history, known_since)
        edges = self._origin(window) + window * np.arange(first, last + 2, dtype=np.int64)
        return first, series.steps(edges).astype(np.float64)

    def _share(self, series: Series, first: int, number: int, window: int) -> Floats | None:
        """Return the part that is reported of the counts that ``_told`` returns; None where all is."""
        return None if series.reported is None else series.reported.of_steps(self._start(first, window), window, number)

    def _run(self, first: int, counts: Floats, window: int, share: Floats | None = None) -> Detected:
        steps = np.arange(first, first + counts.shape[1], dtype=np.int64)
        days = (self._origin(window) // DAY + steps * (window // DAY)).astype("datetime64[D]")
        asked = Counts(days, counts, tuple(map(str, range(len(counts)))))
        try:
            if share is not None:
                return partly_reported(self.algorithm, asked, self._settings(), np.broadcast_to(share, counts.shape))
            return ALGORITHMS[self.algorithm].run(asked, self._settings())
        except SeriesError:  # fewer steps than the algorithm needs: the first days of an area
            return Detected(*(blank(asked),) * 4, np.full(counts.shape, NOT_EVALUATED, dtype=np.int8))

    def _least(self, first: int, before: Floats, window: int, share: Floats | None = None) -> float:
        """Return the smallest count that is an alarm after the steps before; infinite if none is. ``share`` is of those and the step."""
        key = self._key(first, before, window, share)
        known = self._known.get(key)
        if known is None:
            known = float(least_alarms(lambda counts: self._run(first, counts, window, share), before[np.newaxis, :])[0])
            self._remember(key, known)
        return known

    def _remember(self, key: bytes, least: float) -> None:
        self._known[key] = least
        if len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)

    def _key(self, first: int, before: Floats, window: int, share: Floats | None = None) -> bytes:
        told = before.tobytes() if share is None else before.tobytes() + share.tobytes()
        return blake2b(told, digest_size=16, key=f"{first} {window}{'' if share is None else ' corrected'}".encode()).digest()

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


def _distinct(steps: Instants) -> Instants:
    return steps if len(steps) < 2 else np.unique(steps)


def _of_block(ends: Bools, first: int, block_start: int, size: int) -> Bools:
    """Return the steps of a block; none where the area was not known yet."""
    whole = np.zeros(size, dtype=np.bool_)
    begin = max(first, block_start)
    whole[begin - block_start :] = ends[begin - first :]
    return whole


def _upto(share: Floats | None, steps: int) -> Floats | None:
    return None if share is None or (share[:steps] == 1.0).all() else share[:steps]


def _correction(found: Detected, count: int, share: float, place: int, reported: Reported | None) -> Correction | None:
    expected = float(found.expected[0, place])
    if share >= 1.0 or share <= 0.0 or not expected > 0:
        return None
    phi = float(found.also["phi"][0, place])
    mean = np.array([expected / share])
    whole = nowcast(np.array([float(count)]), mean, np.array([share]), dispersion=max(phi, 1.0) if np.isfinite(phi) else 1.0)
    silent = reported.silent if reported is not None else ()
    return Correction(share, float(whole.expected[0]), float(whole.low[0]), float(whole.high[0]), silent)


def _number(value: float) -> float | None:
    return max(float(value), 0.0) if np.isfinite(value) else None
