"""Judges anew, by the rules that are corrected for delays, the days of which reports may still come.

What was expected of such a day by now changes when a day ends, when a feed falls silent or speaks again, and with what is learnt; no record
tells of it. Whichever instance does it first wins by compare-and-set. What overdoses change is judged when they come, not here.

When a day turns all areas are judged: rules are asked about them together, in a thread, which takes a small part of the time that each
by itself takes, and evaluation goes on meanwhile.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from spikewatch.alerts.domain.containing import with_containing
from spikewatch.alerts.domain.identity import Kept
from spikewatch.alerts.domain.instants import DAY, HOUR, micros
from spikewatch.alerts.domain.lifecycle import with_contacts, with_silent_feeds
from spikewatch.alerts.domain.reported import Reported
from spikewatch.alerts.domain.rule import Rule
from spikewatch.alerts.domain.rulebook import Rulebook
from spikewatch.alerts.domain.series import History
from spikewatch.alerts.ports import AlertStore, AreaState, AreaStore, ContactBook, ContributionStore, FeedBook, Overtaken, Publishing
from spikewatch.alerts.service.failing_rules import FailingRules
from spikewatch.alerts.service.learn_delays import LONGEST, LearnDelays
from spikewatch.alerts.service.messages import alert_message
from spikewatch.alerts.service.revision import AreaRevision
from spikewatch.chassis.clock import Clock
from spikewatch.chassis.outcome import Transient

__all__ = ["JudgeUnsettled"]

_READ_AT_ONCE: Final = 32  # areas in one question; what is made of the answer is short work
_HELD_AT_ONCE: Final = 3_000_000  # overdoses of areas that are judged together; 16 bytes each
_FAR: Final = 2**62  # microseconds: later than any event time
_LOOKED_BACK: Final = (LONGEST + 60) * DAY  # for alerts that still wait; longer than a service is ever away


@dataclass(slots=True)
class Due:
    """An area whose days are judged from a time on, by what is reported now. ``asked`` are it, its county and its state."""

    asked: Sequence[str]
    reported: Reported | None
    low: int

    @property
    def area(self) -> str:
        """The area."""
        return self.asked[0]


@dataclass(slots=True)
class Read:
    """What was read of an area, after its state: what comes later changes that."""

    due: Due
    rules: list[Rule]
    state: AreaState | None
    history: History
    kept: list[Kept]

    def told(self) -> History:
        """Return the history as a corrected rule is told it."""
        return self.history if self.due.reported is None else replace(self.history, reported=self.due.reported)


class JudgeUnsettled:
    """Called often; looks once an hour, and at an area only where something has changed since it last looked there."""

    def __init__(
        self,
        rules: Sequence[Rule],
        delays: LearnDelays,
        contributions: ContributionStore,
        areas: AreaStore,
        alerts: AlertStore,
        contacts: ContactBook,
        feeds: FeedBook,
        publishing: Publishing,
        *,
        clock: Clock,
    ) -> None:
        self._rules = rules
        self._delays = delays
        self._contributions = contributions
        self._areas = areas
        self._alerts = alerts
        self._contacts = contacts
        self._feeds = feeds
        self._publishing = publishing
        self._clock = clock
        self._failing = FailingRules(remembers=False)
        self._turn: int | None = None
        self._judged: dict[str, Reported | None] = {}

    def exchange(self, rulebook: Rulebook) -> None:
        """Judge by other rules from the next look on; each area is looked at anew."""
        self._rules = [rule for rule in rulebook.at_overdoses if rule.is_corrected]
        self._judged = {}
        self._turn = None

    async def __call__(self) -> None:
        """Look if an hour has begun since the last look.

        Raises:
            Transient: a store does not answer; the next call looks again.
        """
        turn = micros(self._clock()) // HOUR
        if turn != self._turn:
            rules = self._rules
            await self.look()
            if self._rules is rules:  # other rules look at once
                self._turn = turn

    async def look(self) -> None:
        """Learn, and bring the alerts of every area up to what is known now."""
        rules, judged = self._rules, self._judged
        if not rules:
            return
        now = self._clock()
        as_of = micros(now)
        await self._delays.learn(as_of // DAY)
        waiting = await self._waiting(as_of)
        due: list[Due] = []
        for number, area in enumerate(sorted({*self._delays.unsettled, *waiting})):
            if number % _READ_AT_ONCE == 0:
                await asyncio.sleep(0)  # others may go on
            asked = with_containing(area, self._delays.places.get(area, ""))
            reported = self._delays.reported(asked, as_of)
            before = judged.get(area)
            if reported == before and not (reported is None and area in waiting):
                continue
            starts = [each.unsettled_from for each in (reported, before) if each is not None]
            due.append(Due(asked, reported, min([*starts, *(each.episode.opened_at for each in waiting.get(area, ()))]) - DAY))
        overtaken = await self._judge_all(rules, judged, due, now)
        await self._judge_all(rules, judged, overtaken, now)  # who is overtaken again waits for the next look

    async def _waiting(self, as_of: int) -> dict[str, list[Kept]]:
        """Return by area the alerts that were raised by a part of the reports."""
        waiting: dict[str, list[Kept]] = defaultdict(list)
        for rule in self._rules:
            for each in await self._alerts.standing(rule.id, as_of - _LOOKED_BACK):
                if each.alert.reporting is not None and each.alert.rule.version == rule.version:
                    waiting[each.alert.area].append(each)
        return waiting

    async def _judge_all(self, rules: Sequence[Rule], judged: dict[str, Reported | None], due: Sequence[Due], now: datetime) -> list[Due]:
        """Judge areas, as many together as may be held at once; return those of which another writer was first."""
        overtaken: list[Due] = []
        held: list[Read] = []
        for start in range(0, len(due), _READ_AT_ONCE):
            held += await self._read(rules, due[start : start + _READ_AT_ONCE])
            if start + _READ_AT_ONCE < len(due) and sum(len(each.history) for each in held) < _HELD_AT_ONCE:
                continue
            ready, failed = await asyncio.to_thread(_asked_together, rules, held)
            for rule, error in failed:
                self._failing.tell(rule, error)
            for each in held:
                if await self._judge(each, ready, now):
                    judged[each.due.area] = each.due.reported
                else:
                    overtaken.append(each.due)
            held = []
        return overtaken

    async def _read(self, rules: Sequence[Rule], due: Sequence[Due]) -> list[Read]:
        """Read what rules look at in some areas."""
        watching = {one.area: [rule for rule in rules if rule.applies_to(one.area)] for one in due}
        due = [one for one in due if watching[one.area]]
        states = await self._areas.load([one.area for one in due])
        firsts = {area: state.first for area, state in states.items()}
        for one in due:
            if firsts.get(one.area) is None:
                firsts[one.area] = await self._contributions.first(one.area)
        due = [one for one in due if firsts[one.area] is not None]
        starts = {one.area: one.low - max(rule.reach + rule.quiet for rule in watching[one.area]) for one in due}
        rows = await self._contributions.rows({area: (start, _FAR) for area, start in starts.items()})
        kept: dict[str, list[Kept]] = defaultdict(list)
        for each in await self._alerts.touching({one.area: one.low - max(rule.quiet for rule in watching[one.area]) for one in due}):
            kept[each.alert.area].append(each)
        return [
            Read(
                one,
                watching[one.area],
                states.get(one.area),
                History.of(rows.get(one.area, ()), firsts[one.area], starts[one.area]),
                kept[one.area],
            )
            for one in due
        ]

    async def _judge(self, read: Read, ready: Sequence[Rule], now: datetime) -> bool:
        """Judge an area's days from a time on; False if another writer was first."""
        due, area, as_of = read.due, read.due.area, micros(now)
        revision = AreaRevision(area, read.history, self._contributions, self._alerts, due.reported)
        rules = [rule for rule in ready if rule.applies_to(area)]
        try:
            changed = await self._failing.revised(revision, rules, [(due.low, as_of)], read.kept, as_of=as_of, now=now)
        except Overtaken:
            return False
        if not changed:
            return True
        if (await self._areas.load([area])).get(area) != read.state:
            return False  # overdoses came meanwhile, which may not have been among those that were read
        contacts = await self._contacts.responsible(due.asked)
        shown = [
            with_silent_feeds(with_contacts(each, contacts, rule.tells), self._feeds.silent(due.asked, each.alert.window.end))
            for rule, each in changed
        ]
        try:
            await self._alerts.save(shown)
        except Transient:
            return False
        await self._publishing.send([alert_message(each.alert) for each in shown])
        await self._alerts.settle({each.alert_id: each.alert.version for each in shown})
        return True


def _asked_together(rules: Sequence[Rule], several: Sequence[Read]) -> tuple[list[Rule], list[tuple[Rule, Exception]]]:
    """Return copies of rules that were asked about all areas together, and those that failed.

    They hold what they were told, and go with this look.
    """
    ready: list[Rule] = []
    failed: list[tuple[Rule, Exception]] = []
    for rule in [Rule.model_validate(rule.model_dump()) for rule in rules]:
        mine = [each for each in several if rule.applies_to(each.due.area)]
        if mine:
            low = min(each.due.low for each in mine) - rule.quiet
            many = [each.told().select(each.due.low - rule.quiet - rule.reach, _FAR, rule.asks) for each in mine]
            try:
                rule.criterion.foresee(many, rule.window, since=low)
            except Exception as error:  # noqa: BLE001  # one rule must not stop the others
                failed.append((rule, error))
                continue
        ready.append(rule)
    return ready, failed
