"""The back-test on what is stored: what rules would have raised here, answered before they are switched on.

It runs beside the consumers of the same process. What is heavy runs in one thread of its own, a rule for all areas and then an area and
a rule at a time, so that the event loop goes on, one test cannot crowd out the batches, and a test whose caller has gone ends after at
most one more step.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, TypeVar

import numpy as np
from pydantic import TypeAdapter, ValidationError

from spikewatch.alerts.domain.backtest.foreseen import foreseen
from spikewatch.alerts.domain.backtest.histories import Histories, Labelled
from spikewatch.alerts.domain.backtest.question import Answer, NothingStored, Question, TestedArea, TooMuch, Unusable, Wrong
from spikewatch.alerts.domain.backtest.scanned import with_draws
from spikewatch.alerts.domain.backtest.verdict import Verdict, past_of, verdicts, year
from spikewatch.alerts.domain.instants import DAY, Instants, micros
from spikewatch.alerts.domain.rule import Rule
from spikewatch.alerts.domain.rule_failed import RuleFailed
from spikewatch.alerts.domain.rulebook import Rulebook, UnusableRules
from spikewatch.alerts.domain.series import History
from spikewatch.alerts.ports import ContributionStore
from spikewatch.alerts.service.stored_scans import scans_on_stored
from spikewatch.alerts.service.together import all_of
from spikewatch.chassis.clock import Clock
from spikewatch.contracts.contract import AreaId

__all__ = ["BackTest", "Bounds", "ReadRules"]

T = TypeVar("T")
ReadRules = Callable[[str, str], Rulebook]
"""Reads a text of rules; the second argument is what errors call it. Raises ``UnusableRules``."""

_MOST_BYTES: Final = 256 * 1024
_MOST_RULES: Final = 200
_MOST_LABELLED: Final = 1_000
_MOST_TOLD: Final = 50  # things wrong with one file; who made the first fifty mends those first
_LONGEST_YEARS: Final = 20
_LONGEST_NAME: Final = 128
_EARLIEST: Final = micros(datetime(1900, 1, 1, tzinfo=UTC))
_LATEST: Final = micros(datetime(2200, 1, 1, tzinfo=UTC))
_area_id: Final[TypeAdapter[str]] = TypeAdapter(AreaId)


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much one test may take: memory for overdoses (sixteen bytes each), time, and size of the answer."""

    areas: int = 100
    overdoses: int = 1_000_000
    alarms: int = 20_000


class BackTest:
    """Answers one question at a time; others wait for their turn."""

    def __init__(
        self, rulebook: Rulebook, contributions: ContributionStore, read: ReadRules, *, clock: Clock, bounds: Bounds | None = None
    ) -> None:
        self._rulebook = rulebook
        self._contributions = contributions
        self._read = read
        self._clock = clock
        self._bounds = Bounds() if bounds is None else bounds
        self._turn = asyncio.Lock()
        # A step whose caller has gone goes on to its end; with one worker the next question's steps wait for it.
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="back-test")

    def exchange(self, rulebook: Rulebook) -> None:
        """Answer the next question about other rules."""
        self._rulebook = rulebook

    async def close(self) -> None:
        """Take no more steps; the one under way ends by itself."""
        self._worker.shutdown(wait=False, cancel_futures=True)

    async def __call__(self, question: Question) -> Answer:
        """Return what the rules would have raised.

        Raises:
            Unusable: rules, areas, times or labelled spikes cannot be used; all that is wrong is told.
            TooMuch: fewer areas or a shorter time must be asked for.
            NothingStored: there is no overdose to test on.
            Transient: the store does not answer.
        """
        async with self._turn:
            rules = await self._rules(question)
            areas = await self._areas(question, rules)
            start, end, firsts = await self._span(question, areas)
            read = alarms = 0
            tested: list[TestedArea] = []
            histories: dict[str, History] = {}
            for area in areas:
                mine = [rule for rule in rules if rule.applies_to(area) and not rule.is_scheduled]
                history = await self._history(area, (start - past_of(mine), end), firsts[area], self._bounds.overdoses - read)
                read += len(history)
                histories[area] = history
                alone = Histories({area: history}, start, end)
                tested.append(TestedArea(area, alone.counted(area), start // DAY * DAY, alone.daily(area)))
            found: dict[tuple[str, str], Verdict] = {}
            for rule in rules:
                if rule.is_scheduled:
                    continue
                mine_too = Histories({area: history for area, history in histories.items() if rule.applies_to(area)}, start, end)
                ready = await self._judged_aside(foreseen, rule, mine_too)
                for area, history in mine_too.areas.items():
                    alone = Histories({area: history}, start, end)
                    for verdict in await self._judged_aside(_verdicts, ready, alone, question.labelled):
                        found[area, rule.id] = replace(verdict, rule=rule)
                        alarms += len(verdict.alarms)
                    if alarms > self._bounds.alarms:
                        raise TooMuch("TOO_MANY_ALARMS", f"the rules raise more than {self._bounds.alarms:,} alarms; {_LESS}")
            scans = [rule for rule in rules if rule.is_scheduled]
            for verdict in await self._scanned(scans, areas, (start, end), question):
                found[verdict.area, verdict.rule.id] = verdict
                alarms += len(verdict.alarms)
            if alarms > self._bounds.alarms:
                raise TooMuch("TOO_MANY_ALARMS", f"the rules raise more than {self._bounds.alarms:,} alarms; {_LESS}")
            by_area = tuple(found[area, rule.id] for area in areas for rule in rules if (area, rule.id) in found)
            return Answer(start, end, tuple(tested), by_area)

    async def _scanned(self, scans: Sequence[Rule], areas: Sequence[str], span: tuple[int, int], question: Question) -> list[Verdict]:
        ready = [rule if question.draws is None else with_draws(rule, question.draws) for rule in scans]
        return await scans_on_stored(
            ready, areas, span, question.labelled, contributions=self._contributions, aside=self._aside, most=self._bounds.overdoses
        )

    async def _aside(self, step: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._worker, step, *arguments)

    async def _judged_aside(self, step: Callable[..., T], *arguments: object) -> T:
        try:
            return await self._aside(step, *arguments)
        except RuleFailed as failed:
            raise Unusable([Wrong("rules_yaml", f"holds what cannot be judged: {failed}", "other parameters")]) from None

    async def _rules(self, question: Question) -> tuple[Rule, ...]:
        wrongs = _wrongs_of(question)
        rules: tuple[Rule, ...] = ()
        if len(question.rules.encode()) > _MOST_BYTES:
            wrongs.append(Wrong("rules_yaml", "is too large", "at most 256 KB"))
        else:
            try:
                rules = (await self._aside(self._read, question.rules, "rules_yaml")).known if question.rules else self._in_force()
            except UnusableRules as error:
                told = error.problems[:_MOST_TOLD]
                wrongs += [Wrong("rules_yaml", f"line {line}: {one.rule}: {one.field}: {one.text}") for line, one in told]
        if len(rules) > _MOST_RULES:
            wrongs.append(Wrong("rules_yaml", "holds too many rules", f"at most {_MOST_RULES}"))
        if rules and set(question.rule_ids) - {rule.id for rule in rules}:
            wrongs.append(Wrong("rule_ids", "names a rule that is not among the rules", f"some of {_some(rules)}"))
        chosen = [rule for rule in rules if not question.rule_ids or rule.id in question.rule_ids]
        wrongs += _too_few_draws(question.draws, chosen)
        if wrongs:
            raise Unusable(wrongs)
        return tuple(chosen)

    def _in_force(self) -> tuple[Rule, ...]:
        """Return the service's rules anew: a rule remembers what it learnt, and the event loop's must not be changed by another thread."""
        return tuple(Rule.model_validate(rule.model_dump()) for rule in self._rulebook.known)

    async def _areas(self, question: Question, rules: Sequence[Rule]) -> list[str]:
        areas = list(dict.fromkeys(question.areas))
        if question.area_kind:
            areas = await self._contributions.areas(question.area_kind, self._bounds.areas + 1)
            if not areas:
                raise NothingStored("no overdose is stored in an area of this kind")
        if len(areas) > self._bounds.areas:
            raise TooMuch("TOO_MANY_AREAS", f"more than {self._bounds.areas} areas are asked for; name fewer")
        if not any(rule.applies_to(area) for rule in rules for area in areas):
            field = "area_kind" if question.area_kind else "areas"
            watched = sorted({kind for rule in rules for kind in rule.kinds_watched})
            raise Unusable([Wrong(field, "is watched by none of the rules", f"areas of the kinds they watch ({', '.join(watched)})")])
        return areas

    async def _span(self, question: Question, areas: Sequence[str]) -> tuple[int, int, dict[str, int | None]]:
        """Return where the test begins and ends, and the first overdose of each area."""
        newest = await self._contributions.newest()
        if newest is None:
            raise NothingStored("no overdose is stored")
        now = micros(self._clock())
        end = min(now, newest if question.end is None else question.end)
        start = end - round(year) if question.start is None else question.start
        if start >= end:
            raise Unusable([Wrong("start", "is not before the end, or lies in the future", "a moment before the end")])
        if end - start > _LONGEST_YEARS * year:
            raise Unusable([Wrong("start", "is too long before the end", f"at most {_LONGEST_YEARS} years")])
        firsts = dict(zip(areas, await all_of(self._contributions.first(area) for area in areas), strict=True))
        earliest = min((first for first in firsts.values() if first is not None), default=None)
        if earliest is None or earliest > end:
            raise NothingStored("no overdose is stored in these areas before the end of the test")
        # Before anything was stored nothing was watched: those years would make every rule look quiet.
        return max(start, earliest), end, firsts

    async def _history(self, area: str, span: tuple[int, int], first: int | None, most: int) -> History:
        pages: list[Instants] = []
        async for page in self._contributions.pages(area, span):
            most -= len(page)
            if most < 0:
                raise TooMuch("TOO_MANY_OVERDOSES", f"more than {self._bounds.overdoses:,} overdoses are stored there; {_LESS}")
            pages.append(np.array(page, dtype=np.int64).reshape(-1, 2))
        return await self._aside(History.of_pairs, np.concatenate([np.empty((0, 2), dtype=np.int64), *pages]), first, span[0])


_LESS: Final = "ask for fewer areas or rules, or a shorter time"


def _verdicts(rule: Rule, alone: Histories, labelled: Sequence[Labelled]) -> list[Verdict]:
    within = [one for one in labelled if one.end >= alone.start and one.start <= alone.end]
    return list(verdicts([rule], alone, within))


def _too_few_draws(draws: int | None, rules: Sequence[Rule]) -> Iterator[Wrong]:
    for rule in rules if draws is not None else ():
        try:
            if rule.is_scheduled:
                with_draws(rule, draws or 0)
        except ValueError as error:
            yield Wrong("draws", f"are too few: {error}", "as many as show the chance that the rule asks for", "199")


def _some(rules: Sequence[Rule]) -> str:
    ids = ", ".join(rule.id for rule in rules[:_MOST_TOLD])
    return f"{ids} and more" if len(rules) > _MOST_TOLD else ids


def _is_area(text: str) -> bool:
    try:
        _area_id.validate_python(text)
    except ValidationError:
        return False
    return True


def _wrongs_of(question: Question) -> list[Wrong]:
    wrongs: list[Wrong] = []
    if bool(question.areas) == bool(question.area_kind):
        wrongs.append(Wrong("areas", "and area_kind are both set, or neither is", "one of them", "county:42091"))
    wrongs += [
        Wrong(f"areas[{place}]", "is no area", "kind:code", "county:42091")
        for place, area in enumerate(question.areas[:_MOST_TOLD])
        if not _is_area(area)
    ]
    if question.area_kind and not _is_area(f"{question.area_kind}:0"):
        wrongs.append(Wrong("area_kind", "is no kind of area", "small letters, digits and underscores", "county"))
    if len(question.labelled) > _MOST_LABELLED:
        wrongs.append(Wrong("labelled_spikes", "are too many", f"at most {_MOST_LABELLED:,}"))
    for place, one in enumerate(question.labelled[:_MOST_LABELLED]):
        if not _is_area(one.area):
            wrongs.append(Wrong(f"labelled_spikes[{place}].area", "is no area", "kind:code", "county:42091"))
        if not all(_EARLIEST <= at <= _LATEST for at in (one.start, one.end)):
            wrongs.append(Wrong(f"labelled_spikes[{place}]", "has a start or end that is no time", "a moment from 1900 to 2200"))
        elif one.end < one.start:
            wrongs.append(Wrong(f"labelled_spikes[{place}].end", "is before its start", "a moment from the start on"))
        if not 0 < len(one.name) <= _LONGEST_NAME:
            wrongs.append(Wrong(f"labelled_spikes[{place}].name", "is missing or too long", f"1 to {_LONGEST_NAME} characters"))
    return wrongs[:_MOST_TOLD]
