"""Any detector of counts as a rule: the steps are calendar days or weeks, and the one that runs is judged by those before it."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import count as numbers
from typing import Any, Final

import numpy as np
from pydantic import Field, PrivateAttr, ValidationError, model_validator
from typing_extensions import override

from spikewatch.alerts.domain.detection.detection import ALARM, NOT_EVALUATED, Detected, blank
from spikewatch.alerts.domain.detection.false_alarms import recurrence_interval
from spikewatch.alerts.domain.detection.partly_reported import CORRECTABLE, partly_reported
from spikewatch.alerts.domain.detection.registry import ALGORITHMS
from spikewatch.alerts.domain.detection.series import Floats, SeriesError
from spikewatch.alerts.domain.detection.series import Series as Counts
from spikewatch.alerts.domain.instants import DAY, Bools, Instants
from spikewatch.alerts.domain.rules.calendar_steps import CalendarSteps, distinct, of_block, upto
from spikewatch.alerts.domain.rules.criterion import MOST_HISTORY_DAYS, Finding
from spikewatch.alerts.domain.rules.detector_finding import StepFound, correction_of
from spikewatch.alerts.domain.rules.detector_memory import Foreseen, Founds, Leasts, key_of
from spikewatch.alerts.domain.rules.least_alarm import Ask, by_runs, least_alarms
from spikewatch.alerts.domain.rules.least_history import refusal_of
from spikewatch.alerts.domain.rules.newest_step import NewestStep, Watched
from spikewatch.alerts.domain.rules.refusal import Refusal, misnamed, refused, whys
from spikewatch.alerts.domain.series import Series
from spikewatch.contracts.contract import ShortText

__all__ = ["COUNT_TAILS", "NO_RULE", "DetectorRule"]

_numbers: Final = numbers()

NO_RULE: Final = frozenset({"trend"})
"""Algorithms that raise no alarm for a step."""

COUNT_TAILS: Final = ("predictive", "poisson_trailing", "nb_trailing", "bayes")
"""Algorithms whose p-value is the tail of a count, so that it holds in quiet areas too, and whose alpha is its bound."""

_SHOWN: Final = 30  # steps in an explanation; more would not be read and makes alerts large
_COMING: Final = 12  # further counts of a step that are asked about with the first
_FEW: Final = 2  # steps for which it is cheaper to ask each than all at once


class DetectorRule(CalendarSteps, extra="allow"):
    """Met when an algorithm raises an alarm by the steps before and the count of the step so far.

    Further parameters are the algorithm's own (docs/detection/detectors.md).

    First days: silent until ``minimum_history_days`` lie behind the area's first overdose, and as long as the algorithm asks.
    A silent day after that counts as a day with none.
    """

    algorithm: ShortText = Field(description="Name of the algorithm, for example ears_c2.")

    _number: int = PrivateAttr(default_factory=lambda: next(_numbers))
    _known: Leasts = PrivateAttr(default_factory=Leasts)
    _found: Founds = PrivateAttr(default_factory=Founds)

    _allowed: float = PrivateAttr(default=1.0)  # chance of an alarm in one step, where many areas share false discoveries
    _watched: Watched = PrivateAttr(default_factory=Watched)  # filled by ``prepare`` alone

    # Filled by ``foresee`` alone, for one back-test or one look at many areas.
    _foreseen: Foreseen = PrivateAttr(default_factory=Foreseen)

    @model_validator(mode="after")
    def _has_an_algorithm(self) -> "DetectorRule":
        if self.algorithm not in ALGORITHMS or self.algorithm in NO_RULE:
            usable = ", ".join(name for name in ALGORITHMS if name not in NO_RULE)
            raise refused(Refusal(("algorithm",), f"is an unknown algorithm; expected one of {usable}"))
        try:
            self._settings()
        except ValidationError as error:
            raise refused(*self._wrong_settings(error)) from None
        return self

    def _wrong_settings(self, error: ValidationError) -> Iterator[Refusal]:
        """Return what is wrong with the algorithm's own parameters; a name that it does not know may be a rule's, misspelt."""
        own = ALGORITHMS[self.algorithm].parameters
        for why in whys(error, own):
            is_unknown = len(why.path) == 1 and why.path[0] not in own.model_fields
            known = own.model_fields | DetectorRule.model_fields
            yield Refusal(why.path, misnamed(str(why.path[0]), known)) if is_unknown else why

    @override
    def refuses(self, window: int) -> Refusal | None:
        """Refuse what no history of this length lets the algorithm judge, too: such a rule would be silent for ever."""
        wrong = super().refuses(window)
        return wrong or refusal_of(self.algorithm, self._settings(), window, self._history(window), MOST_HISTORY_DAYS)

    def _settings(self) -> Any:
        stated = ALGORITHMS[self.algorithm].parameters.model_validate(self.model_extra or {})
        return stated.model_copy(update={"alpha": min(self._allowed, getattr(stated, "alpha", 1.0))}) if self._allowed < 1 else stated

    @property
    @override
    def tells_recurrence(self) -> bool:
        return self.algorithm in COUNT_TAILS

    @property
    @override
    def budget(self) -> tuple[str, float] | None:
        return ("alpha", self._settings().alpha) if self.tells_recurrence else None

    @override
    def allow(self, chance: float) -> str | None:
        self._allowed = chance
        return None if self.algorithm in COUNT_TAILS else f"an algorithm whose p-value is the tail of a count ({', '.join(COUNT_TAILS)})"

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
    def met(self, series: Series, at: Instants, counts: Instants, window: int) -> Bools:
        """Ask for each block of steps once, then for the counts so far of the steps that are alarms."""
        met = np.zeros(len(at), dtype=np.bool_)
        steps = self._step(at, window)
        known_since = self.step(series.first, window)
        candidates = np.flatnonzero((counts > 0) & (steps - known_since >= self.minimum_history_days * DAY / window))
        if not len(candidates):
            return met
        size = self._block(window)
        for block in distinct(steps[candidates] // size).tolist():
            mine = candidates[steps[candidates] // size == block]
            asked = distinct(steps[mine])
            if len(asked) > _FEW or self._foreseen.ended:
                # More overdoses never undo an alarm: only in steps that end with one is it asked at which count it came.
                asked = asked[self._ends(series, block, window)[asked - block * size]]
            if not len(asked):
                continue
            first, told = self._told(series, int(asked.max()), window)
            share = self._share(series, first, len(told), window)
            for step in asked.tolist():
                looks = mine[steps[mine] == step]
                met[looks] = counts[looks] >= self._least(first, told[: step - first], window, upto(share, step - first + 1))
        return met

    @override
    def met_once(self, series: Series, at: int, count: int, window: int) -> bool:
        """Ask for the least count that is an alarm; it is known for all overdoses of a step but the first."""
        step = self.step(at, window)
        if count <= 0 or step - self.step(series.first, window) < self.minimum_history_days * DAY / window:
            return False
        if self._foreseen.ended:
            return super().met_once(series, at, count, window)
        least = None if series.settled is None else series.settled.known(self._number, step)
        if least is None:
            first, told = self._told(series, step, window)
            least = self._least(first, told[:-1], window, upto(self._share(series, first, len(told), window), len(told)))
            if series.settled is not None:
                series.settled.remember(self._number, step, self._start(step, window), least)
        return count >= least

    @override
    def prepare(self, many: Sequence[Series], at: int, window: int) -> None:
        """Find for all areas together from which count on the step is an alarm: one by one it takes a hundred times as long."""
        step = self.step(at, window)
        alike: dict[tuple[int, int], list[Floats]] = defaultdict(list)
        for series in many:
            first, told = self._told(series, step, window)
            if key_of(first, told[:-1], window) not in self._known and len(told) > 1:
                alike[first, len(told)].append(told[:-1])
        for (first, _), several in alike.items():
            before = np.stack(several)
            if self.algorithm == "predictive":
                ask: Ask = self._watched.newest(first, before, self._start(first, window), window, self._settings())
            else:
                ask = self._asked(first, before, window)
            leasts = least_alarms(ask, len(before))
            for told, least in zip(before, leasts.tolist(), strict=True):
                self._known.remember(key_of(first, told, window), least)

    @override
    def foresee(self, many: Sequence[Series], window: int, since: int | None = None) -> None:
        """Ask about all steps of all areas together, block by block: of many areas that takes a small part of the time."""
        size = self._block(window)
        alike: dict[tuple[int, int, int, bool], dict[bytes, tuple[Floats, Floats | None]]] = defaultdict(dict)
        for series in many:
            if len(series.times):
                low = int(series.times[0]) if since is None else max(int(series.times[0]), since)
                for block in range(self.step(low, window) // size, self.step(int(series.times[-1]), window) // size + 1):
                    first, told = self._told(series, (block + 1) * size - 1, window)
                    share = self._share(series, first, len(told), window)
                    alike[block, first, len(told), share is None][key_of(first, told, window, share)] = (told, share)
        for (block, first, _, is_whole), asked in alike.items():
            told = np.stack([counts for counts, _ in asked.values()])
            share = None if is_whole else np.stack([part for _, part in asked.values() if part is not None])
            found = self._run(first, told, window, share, max(block * size - first, 0))
            for key, mine in zip(asked, found.alarm == ALARM, strict=True):
                self._foreseen.ended[key] = of_block(mine, first, block * size, size)
            if since is not None:
                self._foresee_alarms(found, told, share, first, max(block * size, self.step(since, window)), window)

    def _foresee_alarms(self, found: Detected, told: Floats, share: Floats | None, first: int, since: int, window: int) -> None:
        """Keep what was found in steps that end with an alarm, and find at which of their counts it came."""
        alike: dict[tuple[int, bool], list[tuple[Floats, Floats | None]]] = defaultdict(list)
        for area, place in np.argwhere(found.alarm == ALARM).tolist():
            if first + place >= since:
                part = None if share is None else upto(share[area], place + 1)
                self._foreseen.found[key_of(first, told[area, : place + 1], window, part)] = StepFound.of(found, area, place)
                alike[place, part is None].append((told[area, : place + 1], part))
        for (place, is_whole), several in alike.items():
            counts = np.stack([upto_alarm for upto_alarm, _ in several])
            parts = None if is_whole else np.stack([part for _, part in several if part is not None])
            leasts = least_alarms(self._asked(first, counts[:, :place], window, parts), len(counts), counts[:, place])
            for (mine, part), least in zip(several, leasts.tolist(), strict=True):
                self._known.remember(key_of(first, mine[:place], window, part), least)

    def _ends(self, series: Series, block: int, window: int) -> Bools:
        """Tell for each step of a block whether it ends with an alarm."""
        size = self._block(window)
        first, told = self._told(series, (block + 1) * size - 1, window)
        share = self._share(series, first, len(told), window)
        known = self._foreseen.ended.get(key_of(first, told, window, share))
        if known is not None:
            return known
        found = self._run(first, told[np.newaxis, :], window, share, max(block * size - first, 0))
        return of_block(found.alarm[0] == ALARM, first, block * size, size)

    @override
    def finding(self, series: Series, at: int, count: int, window: int) -> Finding:
        """Give what the algorithm expected, the least count that is an alarm after the steps before, and the newest of those."""
        step = self.step(at, window)
        first, told = self._told(series, step, window)
        share = self._share(series, first, len(told), window)
        found = self._found_in(first, told, window, share)
        shown = range(max(step - first - _SHOWN, 0), step - first)
        return found.finding(
            self.algorithm,
            self._least(first, told[:-1], window, share),
            window,
            since=self._start(step - max(found.steps - 1, 0), window),
            recurrence_days=self._recurrence(found.p_value, window),
            baseline=tuple((self._start(first + one, window), self._start(first + one + 1, window), int(told[one])) for one in shown),
            correction=None if share is None else correction_of(found, count, float(share[-1]), series.reported),
        )

    def _found_in(self, first: int, told: Floats, window: int, share: Floats | None) -> StepFound:
        """Return what the algorithm finds in the last step; asked once for the counts that follow, too: most alarms grow."""
        key = key_of(first, told, window, share)
        found = self._foreseen.found.get(key) or self._found.get(key)
        if found is not None:
            return found
        coming = np.repeat(told[np.newaxis, :], 1 if share is not None else _COMING, axis=0)
        coming[:, -1] += np.arange(len(coming))
        answers = self._run(first, coming, window, share, len(told) - 1)
        for place, counts in enumerate(coming):
            self._found.remember(key_of(first, counts, window, share), StepFound.of(answers, place, len(told) - 1))
        return self._found[key]

    def _recurrence(self, p_value: float, window: int) -> float | None:
        is_told = self.tells_recurrence and p_value > 0
        return float(recurrence_interval(np.array([p_value]), interval_days=window / DAY)[0]) if is_told else None

    def _run(self, first: int, counts: Floats, window: int, share: Floats | None = None, judged_from: int = 0) -> Detected:
        """Ask the algorithm; steps before ``judged_from`` need not be judged."""
        steps = np.arange(first, first + counts.shape[1], dtype=np.int64)
        days = (self._origin(window) // DAY + steps * (window // DAY)).astype("datetime64[D]")
        asked = Counts(days, counts, tuple(map(str, range(len(counts)))))
        try:
            if share is not None:
                return partly_reported(self.algorithm, asked, self._settings(), np.broadcast_to(share, counts.shape), judged_from)
            return ALGORITHMS[self.algorithm].judged(asked, self._settings(), judged_from)
        except SeriesError:  # fewer steps than the algorithm needs: the first days of an area
            return Detected(*(blank(asked),) * 4, np.full(counts.shape, NOT_EVALUATED, dtype=np.int8))

    def _asked(self, first: int, before: Floats, window: int, share: Floats | None = None) -> Ask:
        """Return what answers about counts of the step after those before; ``share`` is of those and the step."""
        if self.algorithm == "predictive":
            return NewestStep.after(before, self._start(first, window), window, self._settings(), share)

        def run(tried: Floats, areas: Instants) -> Detected:
            return self._run(first, tried, window, None if share is None else share[areas], before.shape[1])

        return by_runs(run, before)

    def _least(self, first: int, before: Floats, window: int, share: Floats | None = None) -> float:
        """Return the smallest count that is an alarm after the steps before; infinite if none is. ``share`` is of those and the step."""
        key = key_of(first, before, window, share)
        known = self._known.get(key)
        if known is None:
            parts = None if share is None else share[np.newaxis, :]
            known = float(least_alarms(self._asked(first, before[np.newaxis, :], window, parts), 1)[0])
            self._known.remember(key, known)
        return known
