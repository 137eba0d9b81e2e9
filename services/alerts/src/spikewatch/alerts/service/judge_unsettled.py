"""Judges anew, by the rules that are corrected for delays, the days of which reports may still come.

What was expected of such a day by now changes when a day ends, when a feed falls silent or speaks again, and with what is learnt; no record
tells of it. Whichever instance does it first wins by compare-and-set. What overdoses change is judged when they come, not here.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from spikewatch.alerts.domain.identity import Kept
from spikewatch.alerts.domain.instants import DAY, HOUR, micros
from spikewatch.alerts.domain.lifecycle import with_contacts, with_silent_feeds
from spikewatch.alerts.domain.reported import Reported
from spikewatch.alerts.domain.rule import Rule
from spikewatch.alerts.domain.series import History
from spikewatch.alerts.ports import AlertStore, AreaStore, ContactBook, ContributionStore, FeedBook, Publishing
from spikewatch.alerts.service.learn_delays import LONGEST, LearnDelays
from spikewatch.alerts.service.messages import alert_message
from spikewatch.alerts.service.revision import AreaRevision
from spikewatch.chassis.clock import Clock
from spikewatch.chassis.outcome import Transient

__all__ = ["JudgeUnsettled"]

_FAR: Final = 2**62  # microseconds: later than any event time
_LOOKED_BACK: Final = (LONGEST + 60) * DAY  # for alerts that still wait; longer than a service is ever away


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
        self._turn: int | None = None
        self._judged: dict[str, Reported | None] = {}

    async def __call__(self) -> None:
        """Look if an hour has begun since the last look.

        Raises:
            Transient: a store does not answer; the next call looks again.
        """
        turn = micros(self._clock()) // HOUR
        if turn != self._turn:
            await self.look()
            self._turn = turn

    async def look(self) -> None:
        """Learn, and bring the alerts of every area up to what is known now."""
        now = self._clock()
        as_of = micros(now)
        await self._delays.learn(as_of // DAY)
        waiting = await self._waiting(as_of)
        for area in sorted({*self._delays.unsettled, *waiting}):
            asked = self._asked(area)
            reported = self._delays.reported(asked, as_of)
            before = self._judged.get(area)
            if reported == before and not (reported is None and area in waiting):
                continue
            starts = [each.unsettled_from for each in (reported, before) if each is not None]
            low = min([*starts, *(each.episode.opened_at for each in waiting.get(area, ()))]) - DAY
            if await self._judge(asked, reported, low, now):
                self._judged[area] = reported

    async def _waiting(self, as_of: int) -> dict[str, list[Kept]]:
        """Return by area the alerts that were raised by a part of the reports."""
        waiting: dict[str, list[Kept]] = defaultdict(list)
        for rule in self._rules:
            for each in await self._alerts.standing(rule.id, as_of - _LOOKED_BACK):
                if each.alert.reporting is not None and each.alert.rule.version == rule.version:
                    waiting[each.alert.area].append(each)
        return waiting

    async def _judge(self, asked: Sequence[str], reported: Reported | None, low: int, now: datetime) -> bool:
        """Judge an area's days from a time on; False if another writer was first, and the next look finds it as it was."""
        area, as_of = asked[0], micros(now)
        state = (await self._areas.load([area])).get(area)
        first = state.first if state is not None and state.first is not None else await self._contributions.first(area)
        rules = [rule for rule in self._rules if rule.applies_to(area)]
        if first is None or not rules:
            return True
        start = low - max(rule.reach + rule.quiet for rule in rules)
        history = History.of((await self._contributions.rows({area: (start, _FAR)})).get(area, ()), first, start)
        kept = await self._alerts.touching({area: low - max(rule.quiet for rule in rules)})
        revision = AreaRevision(area, history, self._contributions, self._alerts, reported)
        changed: list[tuple[Rule, Kept]] = []
        for rule in rules:
            mine = [
                each
                for each in kept
                if not each.is_retracted and (each.alert.rule.rule_id, each.alert.rule.version) == (rule.id, rule.version)
            ]
            changed += [(rule, each) for each in await revision.revise(rule, [(low, as_of)], mine, as_of=as_of, now=now)]
        if not changed:
            return True
        if (await self._areas.load([area])).get(area) != state:
            return False  # overdoses came meanwhile, which may not have been among those that were read
        contacts = await self._contacts.responsible(asked)
        shown = [
            with_silent_feeds(with_contacts(each, contacts, rule.tells), self._feeds.silent(asked, each.alert.window.end))
            for rule, each in changed
        ]
        try:
            await self._alerts.save(shown)
        except Transient:
            return False
        await self._publishing.send([alert_message(each.alert) for each in shown])
        await self._alerts.settle({each.alert_id: each.alert.version for each in shown})
        return True

    def _asked(self, area: str) -> list[str]:
        """Return the area, its county and its state as far as they are known, the most specific first."""
        kind, _, code = area.partition(":")
        place = code if kind == "county" else self._delays.places.get(area, "")
        asked = [area]
        if len(place) == 5 and place.isdigit() and kind != "state":  # digits of a county's FIPS code
            asked += [f"county:{place}", f"state:{place[:2]}"]
        return list(dict.fromkeys(asked))
