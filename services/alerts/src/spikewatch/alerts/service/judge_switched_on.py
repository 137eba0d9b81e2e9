"""Judges the areas that a rule which was switched on finds with a spike going on: they need not wait for their next overdose.

Every instance looks, aside from the batches and a few areas at a time; compare-and-set lets one of them win, and what is found depends on
the overdoses and the moment of the exchange alone. A second look, when every batch of the time of the first has ended, mends what the two
did beside each other: an overdose that one of them had not seen, or one spike raised under two ids. What is due is held in memory: after
a crash an area is judged with its next overdose.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from spikewatch.alerts.domain.containing import with_containing
from spikewatch.alerts.domain.identity import Kept
from spikewatch.alerts.domain.instants import micros
from spikewatch.alerts.domain.lifecycle import with_contacts, with_silent_feeds
from spikewatch.alerts.domain.reaching import looked_back, reaching_from, switched_on
from spikewatch.alerts.domain.rule import Rule
from spikewatch.alerts.domain.rulebook import Rulebook
from spikewatch.alerts.domain.series import History
from spikewatch.alerts.domain.spans import Span
from spikewatch.alerts.ports import AlertStore, AreaState, AreaStore, ContactBook, ContributionStore, FeedBook, Overtaken, Publishing
from spikewatch.alerts.service.failing_rules import FailingRules
from spikewatch.alerts.service.messages import alert_message
from spikewatch.alerts.service.revision import AreaRevision
from spikewatch.chassis.clock import Clock
from spikewatch.contracts.contract import area_kind

__all__ = ["AGAIN", "JudgeSwitchedOn"]

AGAIN: Final = timedelta(seconds=60)
"""How long after the first look the second is taken: longer than a batch takes that has no cause to be tried again."""

_AT_ONCE: Final = 32  # areas, as many as a look at unsettled days reads in one question
_TRIES: Final = 3  # then an area is so busy that its next overdose mends what this look has not seen
_FAR: Final = 2**62  # microseconds: later than any event time


Asked = tuple[list["_Found"], list[tuple[Rule, Exception]]]
Aside = Callable[[Callable[[Sequence["_Read"]], Asked], Sequence["_Read"]], Awaitable[Asked]]
"""Asks rules where the event loop need not wait for it."""


@dataclass(slots=True, eq=False)
class _Due:
    """A rule whose areas are to be looked at. ``at`` is the event time of the exchange, None where it must be asked for."""

    rule: Rule
    at: int | None
    looked_on: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Look:
    """A look of a rule as of a moment; the second looks at the alerts that were raised since, too."""

    rule: Rule
    at: int
    is_second: bool

    @property
    def low(self) -> int:
        return looked_back(self.rule, self.at)

    def known(self, kept: Sequence[Kept]) -> list[Kept]:
        """Return the alerts that a second look judges again, whether their windows meet the rule or not."""
        mine = [each for each in kept if (each.alert.rule.rule_id, each.alert.rule.version) == (self.rule.id, self.rule.version)]
        return [each for each in mine if self.is_second and not each.is_withdrawn and each.episode.last_met_at >= self.low]


@dataclass(slots=True)
class _Read:
    """What was read of an area, after its state: what comes later changes that."""

    area: str
    looks: list[_Look]
    state: AreaState | None
    history: History
    kept: list[Kept]


@dataclass(slots=True)
class _Found:
    """What each rule judges in an area: from the overdose on with which it finds its spike of now, and alerts that are known."""

    read: _Read
    spans: list[tuple[Rule, list[Span]]]


class JudgeSwitchedOn:
    """Called often; looks when rules were exchanged. ``is_live``: now is the wall clock, else the newest event time."""

    def __init__(
        self,
        rulebook: Rulebook,
        contributions: ContributionStore,
        areas: AreaStore,
        alerts: AlertStore,
        contacts: ContactBook,
        feeds: FeedBook,
        publishing: Publishing,
        *,
        clock: Clock,
        is_live: bool,
        aside: Aside = asyncio.to_thread,
    ) -> None:
        self._rulebook = rulebook
        self._contributions = contributions
        self._areas = areas
        self._alerts = alerts
        self._contacts = contacts
        self._feeds = feeds
        self._publishing = publishing
        self._clock = clock
        self._is_live = is_live
        self._aside = aside
        self._failing = FailingRules(remembers=False)
        self._due: list[_Due] = []

    def exchange(self, rulebook: Rulebook) -> None:
        """Look at the areas of the rules that these switch on, from the next call on; no more at those of rules that left."""
        at = micros(self._clock()) if self._is_live else None
        # what is corrected for delays judges its days itself, at once
        fresh = [rule for rule in switched_on(self._rulebook, rulebook) if not (self._is_live and rule.is_corrected)]
        left = {(rule.id, rule.version) for rule in rulebook.at_overdoses} - {(rule.id, rule.version) for rule in fresh}
        self._due = [each for each in self._due if (each.rule.id, each.rule.version) in left] + [_Due(rule, at) for rule in fresh]
        self._rulebook = rulebook

    async def __call__(self) -> None:
        """Take the looks that are due.

        Raises:
            Transient: a store does not answer; the next call looks again, as of the same moment.
        """
        now = self._clock()
        due = [each for each in self._due if each.looked_on is None or now - each.looked_on >= AGAIN]
        if any(each.at is None for each in due):
            newest = await self._contributions.newest()
            for each in due:
                each.at = newest if each.at is None else each.at
        due = [each for each in due if each.at is not None]  # where nothing is stored the next call asks again
        if not due:
            return
        async for areas in self._several(due):
            in_force = [each for each in due if each in self._due]  # others may have been exchanged meanwhile
            looks = [_Look(each.rule, each.at or 0, is_second=each.looked_on is not None) for each in in_force]
            watched = {area: [look for look in looks if look.rule.applies_to(area)] for area in areas}
            await self._judge_all({area: mine for area, mine in watched.items() if mine})
        self._due = [each for each in self._due if each not in due or each.looked_on is None]
        for each in due:
            each.looked_on = self._clock()

    async def _several(self, due: Sequence[_Due]) -> AsyncIterator[list[str]]:
        """Yield the areas that rules watch and in which anything is stored, some at a time."""
        kinds = {kind for each in due for kind in each.rule.area_kinds}
        for kind in sorted(kinds):
            after = ""
            while areas := await self._contributions.areas(kind, _AT_ONCE, after):
                yield areas
                after = areas[-1]
        named = sorted({area for each in due for area in (*each.rule.areas, *each.rule.vicinities) if area_kind(area) not in kinds})
        for start in range(0, len(named), _AT_ONCE):
            yield named[start : start + _AT_ONCE]

    async def _judge_all(self, watched: Mapping[str, Sequence[_Look]]) -> None:
        """Judge some areas; those of which another writer was first once more, and in the end whatever may come beside."""
        for tries in range(_TRIES):
            found = await self._found(watched)
            overtaken = {each.read.area for each in found if not await self._judge(each, is_last=tries == _TRIES - 1)}
            watched = {area: looks for area, looks in watched.items() if area in overtaken}
            if not watched:
                return
        raise Overtaken("areas of rules that were switched on: other writers were first, again and again")

    async def _found(self, watched: Mapping[str, Sequence[_Look]]) -> list[_Found]:
        states = await self._areas.load(list(watched))
        kept: dict[str, list[Kept]] = defaultdict(list)
        since = {area: min(look.low - look.rule.quiet for look in looks) for area, looks in watched.items()}
        for each in await self._alerts.touching(since):
            kept[each.alert.area].append(each)
        reads = [
            _Read(area, looks, states.get(area), await self._history(area, looks, states.get(area), kept[area]), kept[area])
            for area, looks in (await self._with_overdoses(watched, kept)).items()
        ]
        found, failed = await self._aside(_asked_together, reads)
        for rule, error in failed:
            self._failing.tell(rule, error)
        return found

    async def _with_overdoses(self, watched: Mapping[str, Sequence[_Look]], kept: Mapping[str, Sequence[Kept]]) -> dict[str, list[_Look]]:
        """Return the looks that find any overdose or alert: in most areas no past needs to be read."""
        spans = {area: (min(look.low for look in looks), max(look.at for look in looks)) for area, looks in watched.items()}
        rows = await self._contributions.rows(spans)
        found: dict[str, list[_Look]] = {}
        for area, looks in watched.items():
            times = [time for time, _ in rows.get(area, ())]
            mine = [look for look in looks if look.known(kept[area]) or any(look.low <= time <= look.at for time in times)]
            if mine:
                found[area] = mine
        return found

    async def _history(self, area: str, looks: Sequence[_Look], state: AreaState | None, kept: Sequence[Kept]) -> History:
        first = state.first if state is not None else None
        if first is None:
            first = await self._contributions.first(area)
        starts = [(look, min([look.low, *(each.episode.opened_at for each in look.known(kept))])) for look in looks]
        start = min(low - look.rule.quiet - look.rule.reach for look, low in starts)
        return History.of((await self._contributions.rows({area: (start, _FAR)})).get(area, ()), first, start)

    async def _judge(self, found: _Found, *, is_last: bool) -> bool:
        """Judge an area's windows of now; False if another writer was first."""
        read, now = found.read, self._clock()
        as_of = micros(now) if self._is_live else read.history.newest or 0
        revision = AreaRevision(read.area, read.history, self._contributions, self._alerts)
        changed: list[tuple[Rule, Kept]] = []
        try:
            for rule, spans in found.spans:
                changed += await self._failing.revised(revision, [rule], spans, read.kept, as_of=as_of, now=now)
            if not changed:
                return True
            if not is_last and (await self._areas.load([read.area])).get(read.area) != read.state:
                return False  # overdoses came meanwhile, which may not have been among those that were read
            shown = await self._shown(read.area, changed)
        except Overtaken:
            if is_last:
                raise
            return False
        written = [each for each in shown if await self._is_written(each)]
        await self._publishing.send([alert_message(each.alert) for each in written])
        await self._alerts.settle({each.alert_id: each.alert.version for each in written})
        return len(written) == len(shown)

    async def _is_written(self, kept: Kept) -> bool:
        """Write an alert by itself, so that what was written is known and told when another writer was first with the next."""
        try:
            await self._alerts.save([kept])
        except Overtaken:
            return False
        return True

    async def _shown(self, area: str, changed: Sequence[tuple[Rule, Kept]]) -> list[Kept]:
        """Return alerts with who is told of them, and which feeds are silent."""
        newest = max((kept for _, kept in changed), key=lambda kept: kept.episode.peak_at)
        held = await self._contributions.within(area, newest.episode.opened_at - 1, newest.episode.peak_at)
        asked = with_containing(area, max(held, key=lambda each: max(each.times)).place_key if held else "")
        contacts = await self._contacts.responsible(asked)
        return [
            with_silent_feeds(with_contacts(each, contacts, rule.tells), self._feeds.silent(asked, each.alert.window.end))
            for rule, each in changed
        ]


def _asked_together(reads: Sequence[_Read]) -> Asked:
    """Return the areas in which a rule finds a spike of now, and the rules that failed.

    Rules are asked of all areas together, in copies: batches ask them at the same time. What is found names the copies, which hold what
    they were told.
    """
    found = [_Found(read, []) for read in reads]
    failed: list[tuple[Rule, Exception]] = []
    for look in {id(look): look for read in reads for look in read.looks}.values():
        rule, low = look.rule, look.low
        mine = [each for each in found if any(one is look for one in each.read.looks)]
        ready = Rule.model_validate(rule.model_dump())
        try:
            many = [each.read.history.select(low - rule.quiet - rule.reach, _FAR, rule.asks) for each in mine]
            ready.criterion.foresee(many, rule.window, since=low - rule.quiet)
            starts = [reaching_from(each.read.history, ready, look.at) for each in mine]
        except Exception as error:  # noqa: BLE001  # one rule must not stop the others
            failed.append((rule, error))
            continue
        for each, start in zip(mine, starts, strict=True):
            # up to what was met last and no further: what begins there was judged with the overdoses that came
            spans = [(one.episode.opened_at, one.episode.last_met_at - rule.reach) for one in look.known(each.read.kept)]
            spans += [] if start is None else [(start, look.at)]
            if spans:
                each.spans.append((ready, spans))
    return [each for each in found if each.spans], failed
