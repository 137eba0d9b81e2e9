"""Looks for clusters in space and time on a schedule, and publishes them as alerts.

A look is at the last full step of the schedule (the full hour), so that looks are the same whenever within the step they are taken,
and on whichever instance. Compare-and-set lets one instance win; what a crash leaves unpublished, ``CloseQuiet`` publishes.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from spikewatch.alerts.domain.clusters.accepted import accepted
from spikewatch.alerts.domain.clusters.cells import CELL_KIND
from spikewatch.alerts.domain.clusters.draft import draft_of, is_same
from spikewatch.alerts.domain.clusters.identity import carried, goes_on, is_revised
from spikewatch.alerts.domain.clusters.look import Found, Placed, areas_of, joined, look, looked_from, watched_in
from spikewatch.alerts.domain.identity import Kept
from spikewatch.alerts.domain.instants import DAY, micros, moment
from spikewatch.alerts.domain.lifecycle import lived_on, retracted, with_contacts, with_silent_feeds
from spikewatch.alerts.domain.rule import Rule
from spikewatch.alerts.domain.rule_failed import RuleFailed
from spikewatch.alerts.domain.rulebook import Rulebook
from spikewatch.alerts.ports import AlertStore, ContactBook, ContributionStore, FeedBook, Publishing
from spikewatch.alerts.service.failing_rules import FailingRules
from spikewatch.alerts.service.messages import alert_message
from spikewatch.alerts.service.new_alert import new_alert
from spikewatch.chassis.clock import Clock
from spikewatch.chassis.outcome import Transient

__all__ = ["ScanClusters"]

# In a replay every step is looked at. More at once are a wrong date, not a replay: then only the last is.
_MOST_STEPS: Final = 31 * 24
_MICROSECONDS: Final = 1_000_000


class ScanClusters:
    """Called often; looks when a step has ended. ``is_live``: steps are of the wall clock, else of the newest event time."""

    def __init__(
        self,
        rulebook: Rulebook,
        contributions: ContributionStore,
        alerts: AlertStore,
        contacts: ContactBook,
        feeds: FeedBook,
        publishing: Publishing,
        *,
        clock: Clock,
        every_seconds: float,
        is_live: bool,
    ) -> None:
        self._rules = rulebook.scheduled
        self._contributions = contributions
        self._alerts = alerts
        self._contacts = contacts
        self._feeds = feeds
        self._publishing = publishing
        self._clock = clock
        self._step = round(every_seconds * _MICROSECONDS)
        self._looks_a_day = DAY / self._step
        self._is_live = is_live
        self._failing = FailingRules(remembers=False)
        self._looked: int | None = None

    def exchange(self, rulebook: Rulebook) -> None:
        """Look by other rules from the next look on."""
        self._rules = rulebook.scheduled

    async def __call__(self) -> None:
        """Look at each step that has ended since the last call; at the first call at the last of them.

        Raises:
            Transient: a store does not answer; the step is looked at again by the next call.
        """
        if not self._rules:
            return
        now = micros(self._clock()) if self._is_live else await self._contributions.newest()
        if now is None:
            return
        for step in self._ended(now // self._step):
            if not await self.look(step * self._step):
                return
            self._looked = step

    def _ended(self, last: int) -> range:
        looked = self._looked
        if looked is not None and last <= looked:
            return range(0)
        if self._is_live or looked is None or last - looked > _MOST_STEPS:
            return range(last, last + 1)
        return range(looked + 1, last + 1)

    async def look(self, at: int) -> bool:
        """Scan as of a moment of event time and bring the alerts up to it; False if another writer was first."""
        now = self._clock()
        changed: list[Kept] = []
        for rule in self._rules:
            known = [
                each for each in await self._alerts.standing(rule.id, looked_from(rule, at)) if each.alert.rule.version == rule.version
            ]
            low = min([looked_from(rule, at), *(micros(each.alert.window.start) for each in known)])
            placed = await self._placed(rule, low, at)
            kept: dict[str, list[Kept]] = defaultdict(list)
            for each in known:
                kept[joined(rule, each.alert.area)].append(each)
            try:
                found = await self._found(rule, placed, at)
                for area in sorted(placed.keys() | kept.keys()):
                    changed += await self._revised(rule, area, found.get(area, ()), kept.get(area, ()), placed.get(area, ()), at, now)
            except RuleFailed as failed:
                self._failing.tell(rule, failed)
        if not changed:
            return True
        try:
            await self._alerts.save(changed)
        except Transient:
            return False
        await self._publishing.send([alert_message(each.alert) for each in changed])
        await self._alerts.settle({each.alert_id: each.alert.version for each in changed})
        return True

    async def _found(self, rule: Rule, placed: Mapping[str, Sequence[Placed]], at: int) -> dict[str, tuple[Found, ...]]:
        """Return the clusters in all areas as of a moment that stand when the areas are judged together.

        Raises:
            RuleFailed: the rule cannot be judged.
        """
        try:
            return accepted(
                rule, {area: await asyncio.to_thread(look, rule, area, placed[area], at, self._looks_a_day) for area in sorted(placed)}
            )
        except Exception as error:  # as in names_its_rule
            raise RuleFailed(rule, error) from error

    async def _placed(self, rule: Rule, low: int, high: int) -> dict[str, list[Placed]]:
        """Return what lies in cells, by the county or state that the rule watches; several states are one place."""
        found: dict[str, list[Placed]] = defaultdict(list)
        for each in await self._contributions.placed(CELL_KIND, (low, high)):
            for area in watched_in(rule, each.place_key):
                found[area].append(each)
        return found

    async def _revised(
        self, rule: Rule, area: str, found: Sequence[Found], kept: Sequence[Kept], placed: Sequence[Placed], at: int, now: datetime
    ) -> list[Kept]:
        """Return the alerts of one area that changed."""
        pairing = carried(found, kept)
        taken = {each.alert_id for each in kept}
        changed: list[Kept] = []
        carriers: list[Kept] = []
        for cluster, alive in pairing.living:
            after = await self._living(rule, area, cluster, alive, {*taken, *(each.alert_id for each in carriers)}, at, now)
            if after is not None:
                changed.append(after)
            carriers.append(after or alive)  # type: ignore[arg-type]  # a new alert always comes back
        by_incident = {str(each.incident): each for each in placed}
        for each, place in pairing.others:
            if place is not None:
                changed.append(retracted(each, carriers[place].alert_id, now))
            elif is_revised(each, rule, by_incident):
                changed += await self._looked_again(rule, area, each, at, now)
        return changed

    async def _living(
        self, rule: Rule, area: str, cluster: Found, alive: Kept | None, taken: set[UUID], at: int, now: datetime
    ) -> Kept | None:
        held = (await self._contributions.load(cluster.contributions)).values()
        if ":" not in area:  # all states: the alert is of the one with the most overdoses, and stays with it
            area = cluster.states[0] if alive is None else alive.alert.area
        draft = draft_of(area, rule, cluster, held, alive=alive, as_of=at)
        if alive is None:
            after: Kept | None = await new_alert(
                self._alerts, draft, f"{moment(cluster.newest).isoformat()} {cluster.cells[0]}", taken, now
            )
        else:
            after = None if is_same(alive, draft) else lived_on(alive, draft, now)
        if after is None:
            return None
        # the counties in which it lies know whom to send; the state's desks come after them
        asked = list(
            dict.fromkeys((*cluster.counties, area, *(one for key in cluster.counties for one in areas_of(key.partition(":")[2])[1:])))
        )
        contacts = await self._contacts.responsible(asked)
        return with_silent_feeds(with_contacts(after, contacts, rule.tells), self._feeds.silent(asked, after.alert.window.end))

    async def _looked_again(self, rule: Rule, area: str, kept: Kept, at: int, now: datetime) -> list[Kept]:
        """Look again at the moment of an alert whose incidents were corrected: it stands corrected, or is taken back."""
        then = kept.episode.peak_at
        everywhere = await self._placed(rule, looked_from(rule, then), then)
        placed = everywhere.get(area, ())
        # judged among all areas as it was then; where each is judged alone the others need not be looked at
        asked = everywhere if rule.false_discovery_rate is not None else {area: placed}
        found = await self._found(rule, asked, then)
        cluster = next((each for each in found.get(area, ()) if goes_on(kept, each)), None)
        if cluster is None:
            return [retracted(kept, None, now)]
        after = await self._living(rule, area, cluster, kept, set(), at, now)
        return [] if after is None else [after]
