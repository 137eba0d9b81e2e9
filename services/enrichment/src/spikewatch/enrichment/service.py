"""The two use cases: place reports on the map, and keep the incidents that follow from all reports so far."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, TypeVar
from uuid import UUID

from spikewatch.chassis.outcome import Transient
from spikewatch.contracts.report import LocatedReport, Report
from spikewatch.enrichment.domain.candidate import Candidate
from spikewatch.enrichment.domain.hot_reports import HotReports
from spikewatch.enrichment.domain.locate import Geodata, locate
from spikewatch.enrichment.domain.matched import MatchedIncident, matched
from spikewatch.enrichment.domain.matching.weights import Weights
from spikewatch.enrichment.domain.neighbourhood import Neighbourhood
from spikewatch.enrichment.domain.survivorship import Masking
from spikewatch.enrichment.domain.transition import StoredIncident, transitions, with_true_aliases
from spikewatch.enrichment.ports import DecisionSource, KnownReport, MatchStore, ReportState, StoredReport

__all__ = ["LocateReports", "MatchReports", "Publication"]

R = TypeVar("R")
# Above it a step takes tenths of a second: long enough to be late with the heartbeat by which Kafka knows that this member lives.
_LARGE: Final = 1_000


def _unheard(_agency: str, _reports: int) -> None:
    """Tell nobody of a flood."""


class LocateReports:
    """Places reports on the map."""

    def __init__(self, geodata: Geodata) -> None:
        self._geodata = geodata

    def use(self, geodata: Geodata) -> None:
        """Place what comes from now on by other geodata."""
        self._geodata = geodata

    def locate(self, reports: Sequence[Report]) -> list[LocatedReport]:
        """Return each report with its place, in the same order."""
        return locate(reports, self._geodata)


@dataclass(slots=True)
class Publication:
    """An incident's current state that must be on its topic, and the reports of the batch it follows from."""

    incident: StoredIncident
    causes: frozenset[UUID]


class MatchReports:
    """Keeps incidents equal to what the newest revisions of all reports amount to.

    What there is, the store says each time, so a batch may be repeated at any point of its way. Reports are
    written before they are matched: of two writers at work at the same time, the later one sees both reports.

    Args:
        store: keeps reports and incidents.
        weights: what agreement and difference of two reports weigh.
        masking: says where an incident may be shown to everybody; None: nowhere.
        people: what people decided about matches; None: nobody decides.
        on_flood: is told of each flood when it is found: the agency, and how many reports it had.
        hot: the reports compared last; it spares reading them, and decides nothing.
    """

    def __init__(
        self,
        store: MatchStore,
        weights: Weights,
        masking: Masking | None = None,
        *,
        people: DecisionSource | None = None,
        on_flood: Callable[[str, int], None] = _unheard,
        hot: HotReports | None = None,
    ) -> None:
        self._store = store
        self._weights = weights
        self._masking = masking
        self._people = people
        self._on_flood = on_flood
        self._hot = HotReports() if hot is None else hot

    def use(self, masking: Masking | None) -> None:
        """Show what changes from now on by other maps."""
        self._masking = masking

    async def apply(self, reports: Sequence[LocatedReport]) -> list[Publication]:
        """Take a batch in and return what must be published, also when nothing changed since an earlier attempt.

        Raises:
            Transient: another writer changed the same incidents; the batch must be repeated.
        """
        near = Neighbourhood(self._weights, await self._store.floods())
        batch, new = await self._take_in(reports, near)
        return await self._settle(near, batch, new)

    async def rematch(self, reports: Collection[UUID]) -> list[Publication]:
        """Match some reports anew, because people decided about them; returns and raises as ``apply``."""
        near = Neighbourhood(self._weights, await self._store.floods())
        known = {report.key: report for report in await self._store.reports(reports)}
        for key in sorted(set(reports)):
            near.reach(key, self._candidate(known[key]) if key in known else None)
        return await self._settle(near, frozenset(reports), frozenset())

    async def _settle(self, near: Neighbourhood, batch: frozenset[UUID], new: frozenset[UUID]) -> list[Publication]:
        stored = await self._grow(near, new)
        # After reading: another writer takes a flood out of the blocks when it has marked it, so one that was read in part is marked.
        near.flood(await self._store.floods())
        changed = await _aside(near.size, lambda: self._changed(near, stored, batch))
        self._hot.keep(near.candidates)
        await self._write(changed, stored, near)
        if near.new_floods:
            # Last, so that a batch that is repeated after a crash finds the flood again and leaves nothing half done.
            await self._store.mark_floods(near.new_floods.keys(), {key for keys in near.new_floods.values() for key in keys})
            for spot, keys in sorted(near.new_floods.items()):
                self._on_flood(spot.partition("|")[0], len(keys))
        renewed = {publication.incident.incident_id for publication in changed}
        # With those reports by which it is told again, and no others of the batch, should that be delivered once more in part.
        again = [
            Publication(one, batch.intersection({*one.causes, *one.members}))
            for one in stored.values()
            if one.incident_id not in renewed and one.follows_from(batch)
        ]
        return changed + again

    async def _take_in(self, reports: Sequence[LocatedReport], near: Neighbourhood) -> tuple[frozenset[UUID], frozenset[UUID]]:
        """Store the reports; return which they are, and which of them nobody had stored."""
        newest: dict[UUID, LocatedReport] = {}
        for located in reports:
            rival = newest.get(located.report.report_key)
            if rival is None or _state(located) > _state(rival):
                newest[located.report.report_key] = located
        candidates = {key: None if located.report.withdrawn else Candidate.of(located) for key, located in newest.items()}
        fresh = {key: _kept(located, candidates[key], near) for key, located in newest.items()}
        # Most reports are new: they are written without a look at what is there, and only those that were known cost one.
        taken = await self._store.add_reports(list(fresh.values()))
        before = {report.key: report for report in await self._store.reports(taken)} if taken else {}
        replacing: list[StoredReport] = []
        for key in newest:
            known = before.get(key)
            if known is not None and known.state >= fresh[key].state:
                near.reach(key, self._candidate(known))
                continue
            near.reach(key, candidates[key])
            if key in taken:
                replacing.append(fresh[key])
        if replacing:
            await self._store.write_reports(
                replacing, {report.key: before[report.key].state for report in replacing if report.key in before}
            )
        return frozenset(newest), frozenset(newest.keys() - taken)

    async def _grow(self, near: Neighbourhood, new: frozenset[UUID]) -> dict[UUID, StoredIncident]:
        stored: dict[UUID, StoredIncident] = {}
        asked = near.reached
        # No incident is found by a report that was not there. Should one be (another writer was faster, or the report was kept less long
        # than its incident), then writing is refused, and the repeated batch finds the report stored.
        known = asked - new
        # Side by side: what the batch's own reports belong to, and what lies around them.
        found, _ = await asyncio.gather(self._store.incidents(known | near.counted()), self._spread(near))
        while True:
            stored |= {one.incident_id: one for one in found}
            # A report that moved, changed or was withdrawn leaves its former incident behind: the others are matched anew.
            await self._reach_groups([one.members for one in found if one.active], near)
            await self._spread(near)
            if self._people is not None:
                await self._reach_groups(near.obey(await self._people.about(near.reached)), near)
                await self._spread(near)
            unasked = near.reached - asked
            if not unasked:
                return stored
            asked |= unasked
            found = await self._store.incidents(unasked)

    async def _spread(self, near: Neighbourhood) -> None:
        growing = True
        while growing:
            if wanted := near.wanted():
                lying = await self._store.lying_in(wanted)
                new = {key: state for key, state in lying.items() if not near.knows(key)}
                ready = self._hot.find_all(new)
                near.learn(ready.values())
                if cold := new.keys() - ready.keys():
                    read = await self._store.reports(cold)
                    await _aside(len(read), partial(self._learn, near, read))
            growing = await _aside(near.size, near.spread)

    async def _reach_groups(self, groups: Sequence[Collection[UUID]], near: Neighbourhood) -> None:
        absent = {member for group in groups for member in group} - near.reached
        if absent:
            known = {report.key: report for report in await self._store.reports(absent)}
            for key in sorted(absent):
                near.reach(key, self._candidate(known[key]) if key in known else None)
        for group in groups:
            near.unite(group)

    def _candidate(self, report: KnownReport) -> Candidate | None:
        if report.compared is None or report.content is None:
            return None
        return self._hot.find(report.key, report.state) or Candidate.kept(report.key, report.state, report.compared, report.content)

    def _learn(self, near: Neighbourhood, reports: Sequence[KnownReport]) -> None:
        near.learn(candidate for report in reports if (candidate := self._candidate(report)) is not None)

    def _changed(self, near: Neighbourhood, stored: dict[UUID, StoredIncident], batch: frozenset[UUID]) -> list[Publication]:
        held: dict[UUID, set[UUID]] = defaultdict(set)
        for one in stored.values():
            for member in one.members:
                held[member].add(one.incident_id)
        components = near.components()
        # All at once: matching asks for a few milliseconds a call, and nothing for what else is matched with it.
        reports = [report for component in components for report in component.reports]
        flooded = {report.key: near.counted_by(report) for report in reports if near.is_flooded(report)}
        home = {report.key: number for number, component in enumerate(components) for report in component.reports}
        incidents: dict[int, list[MatchedIncident]] = defaultdict(list)
        for found in matched(reports, self._weights, near.decisions, flooded.keys()):
            incidents[home[found.members[0].key]].append(found)
        changed: list[Publication] = []
        for number, component in enumerate(components):
            # One that was found only because a report of the batch changed it earlier is told with any report of the batch.
            causes = component.keys & batch or frozenset({min(batch)})
            old_ids = {identity for key in component.keys for identity in held.get(key, ())}
            for one in transitions(incidents[number], stored, old_ids, causes, component.keys - flooded.keys(), self._masking, flooded):
                # Never with a report that it does not name as its cause: delivered again, that one alone would not find it.
                mine = one.causes if one.active else one.causes.intersection(stored[one.incident_id].members)
                changed.append(Publication(one, mine or one.causes))
        renamed = with_true_aliases([publication.incident for publication in changed], stored)
        changed = [Publication(renamed.pop(one.incident.incident_id, one.incident), one.causes) for one in changed]
        for one in renamed.values():
            mine = batch & one.keys or frozenset({min(batch)})
            changed.append(Publication(replace(one, causes=mine, keys=one.keys | mine), mine))
        return changed

    async def _write(self, changed: Sequence[Publication], stored: dict[UUID, StoredIncident], near: Neighbourhood) -> None:
        if not changed:
            return
        await self._store.write_incidents([publication.incident for publication in changed])
        members = {member for publication in changed for member in publication.incident.members}
        members |= {member for publication in changed if (old := stored.get(publication.incident.incident_id)) for member in old.members}
        # Versions guard one incident, not a report that two writers put into two new ones, nor one that another writer replaced before
        # this incident was there for it to find. Both look again after writing, so at least the later one notices.
        matched_by = near.states({key for publication in changed if publication.incident.active for key in publication.incident.keys})
        own = {publication.incident.incident_id for publication in changed}
        owners, is_late = await asyncio.gather(self._store.other_owners(members, own), self._store.has_other_states(matched_by))
        if is_late:
            raise Transient("a report was changed by another writer while it was matched")
        seen = {member for publication in changed for member in publication.incident.members}
        for held in owners.values():
            if not seen.isdisjoint(held):
                raise Transient("a report was put into two incidents by two writers at the same time")
            seen.update(held)


async def _aside(reports: int, step: Callable[[], R]) -> R:
    """Run a pure step over so many reports: a long one in a thread, so that the loop is free meanwhile."""
    return step() if reports < _LARGE else await asyncio.to_thread(step)


def _kept(located: LocatedReport, candidate: Candidate | None, near: Neighbourhood) -> StoredReport:
    report = located.report
    if candidate is None:
        return StoredReport(report.report_key, _state(located), None, None, report.received_at, ())
    # Of a known flood nothing is ever looked up by what it says.
    found_by = () if near.knows_flood(candidate.spots) else candidate.blocks
    return StoredReport(report.report_key, _state(located), candidate.compared, candidate.content, report.received_at, found_by)


def _state(located: LocatedReport) -> ReportState:
    return located.report.revision, located.geodata_version
