"""The two use cases: place reports on the map, and keep the incidents that follow from all reports so far."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar
from uuid import UUID

from spikewatch.chassis.outcome import Transient
from spikewatch.contracts.report import LocatedReport, Report
from spikewatch.enrichment.domain.candidate import Candidate, Extract
from spikewatch.enrichment.domain.component import Components
from spikewatch.enrichment.domain.locate import Geodata, locate
from spikewatch.enrichment.domain.match import match
from spikewatch.enrichment.domain.survivorship import Masking
from spikewatch.enrichment.domain.transition import StoredIncident, transitions
from spikewatch.enrichment.ports import KnownReport, MatchStore, ReportState, StoredReport

__all__ = ["LocateReports", "MatchReports", "Publication"]

R = TypeVar("R")
# Above it a step takes tenths of a second: long enough to be late with the heartbeat by which Kafka knows that this member lives.
_LARGE: Final = 1_000


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

    Holds no state: everything is read from the store, so a batch may be repeated at any point of its way. Reports are
    written before they are matched: of two writers at work at the same time, the later one sees both reports.
    """

    def __init__(self, store: MatchStore, masking: Masking | None = None) -> None:
        self._store = store
        self._masking = masking

    def use(self, masking: Masking | None) -> None:
        """Show what changes from now on by other maps."""
        self._masking = masking

    async def apply(self, reports: Sequence[LocatedReport]) -> list[Publication]:
        """Take a batch in and return what must be published, also when nothing changed since an earlier attempt.

        Raises:
            Transient: another writer changed the same incidents; the batch must be repeated.
        """
        components = Components()
        return await self._settle(await self._take_in(reports, components), components)

    async def rematch(self, reports: Collection[UUID]) -> list[Publication]:
        """Match reports that are known already anew, because people decided about them; unknown ones are passed over.

        Raises:
            Transient: another writer changed the same incidents; the batch must be repeated.
        """
        components = Components()
        for report in await self._store.reports(reports):
            components.reach(report.key, _candidate(report))
        return await self._settle(frozenset(reports), components)

    async def _settle(self, batch: frozenset[UUID], components: Components) -> list[Publication]:
        stored = await self._grow(components)
        changed = await _aside(components.size, lambda: _changed(components, stored, batch, self._masking))
        await self._write(changed, stored)
        renewed = {publication.incident.incident_id for publication in changed}
        again = [
            Publication(one, batch & one.keys)
            for one in stored.values()
            if one.incident_id not in renewed and not batch.isdisjoint(one.keys)
        ]
        return changed + again

    async def _take_in(self, reports: Sequence[LocatedReport], components: Components) -> frozenset[UUID]:
        newest: dict[UUID, LocatedReport] = {}
        for located in reports:
            rival = newest.get(located.report.report_key)
            if rival is None or _state(located) > _state(rival):
                newest[located.report.report_key] = located
        candidates = {key: None if located.report.withdrawn else Candidate.of(Extract.of(located)) for key, located in newest.items()}
        fresh = {key: _kept(located, candidates[key]) for key, located in newest.items()}
        # Most reports are new: they are written without a look at what is there, and only those that were known cost one.
        taken = await self._store.add_reports(list(fresh.values()))
        before = {report.key: report for report in await self._store.reports(taken)} if taken else {}
        replacing: list[StoredReport] = []
        for key in newest:
            known = before.get(key)
            if known is not None and known.state >= fresh[key].state:
                components.reach(key, _candidate(known))
                continue
            components.reach(key, candidates[key])
            if key in taken:
                replacing.append(fresh[key])
        if replacing:
            await self._store.write_reports(
                replacing, {report.key: before[report.key].state for report in replacing if report.key in before}
            )
        return frozenset(newest)

    async def _grow(self, components: Components) -> dict[UUID, StoredIncident]:
        stored: dict[UUID, StoredIncident] = {}
        asked = components.reached
        # Side by side: what the batch's own reports belong to, and what lies around them.
        found, _ = await asyncio.gather(self._store.incidents(asked), self._spread(components))
        while True:
            stored |= {one.incident_id: one for one in found}
            await self._reach_members([one for one in found if one.active], components)
            await self._spread(components)
            unasked = components.reached - asked
            if not unasked:
                return stored
            asked |= unasked
            found = await self._store.incidents(unasked)

    async def _spread(self, components: Components) -> None:
        growing = True
        while growing:
            if wanted := components.wanted():
                lying = await self._store.reports_in(wanted)
                new = [report for report in lying if not components.knows(report.key)]
                await _aside(len(new), partial(_learn, components, new))
            growing = await _aside(components.size, components.spread)

    async def _reach_members(self, incidents: Sequence[StoredIncident], components: Components) -> None:
        # A report that moved, changed or was withdrawn leaves its former incident behind: the others are matched anew.
        absent = {member for one in incidents for member in one.members} - components.reached
        if absent:
            known = {report.key: report for report in await self._store.reports(absent)}
            for key in sorted(absent):
                components.reach(key, _candidate(known[key]) if key in known else None)
        for one in incidents:
            components.unite(one.members)

    async def _write(self, changed: Sequence[Publication], stored: dict[UUID, StoredIncident]) -> None:
        if not changed:
            return
        await self._store.write_incidents([publication.incident for publication in changed])
        members = {member for publication in changed for member in publication.incident.members}
        members |= {member for publication in changed if (old := stored.get(publication.incident.incident_id)) for member in old.members}
        # Versions guard one incident, not a report that two writers put into two new ones. Both look again after
        # writing, so at least the later one notices.
        seen: set[UUID] = set()
        for held in (await self._store.owners(members)).values():
            if not seen.isdisjoint(held):
                raise Transient("a report was put into two incidents by two writers at the same time")
            seen.update(held)


async def _aside(reports: int, step: Callable[[], R]) -> R:
    """Run a pure step over so many reports: a long one in a thread, so that the loop is free meanwhile."""
    return step() if reports < _LARGE else await asyncio.to_thread(step)


def _changed(
    components: Components, stored: dict[UUID, StoredIncident], batch: frozenset[UUID], masking: Masking | None
) -> list[Publication]:
    held: dict[UUID, set[UUID]] = defaultdict(set)
    for one in stored.values():
        for member in one.members:
            held[member].add(one.incident_id)
    changed: list[Publication] = []
    for keys, candidates in components.groups():
        causes = keys & batch
        old_ids = {identity for key in keys for identity in held.get(key, ())}
        for one in transitions(match(candidates), stored, old_ids, causes, masking):
            mine = causes & (one.keys if one.active else frozenset(stored[one.incident_id].members))
            changed.append(Publication(one, mine or causes))
    return changed


def _kept(located: LocatedReport, candidate: Candidate | None) -> StoredReport:
    report = located.report
    content = None if candidate is None else candidate.extract.to_json()
    blocks = () if candidate is None else candidate.links.blocks
    return StoredReport(report.report_key, _state(located), content, report.received_at, blocks)


def _state(located: LocatedReport) -> ReportState:
    return located.report.revision, located.geodata_version


def _candidate(report: KnownReport) -> Candidate | None:
    return None if report.content is None else Candidate.of(Extract.model_validate_json(report.content))


def _learn(components: Components, reports: Sequence[KnownReport]) -> None:
    components.learn(candidate for report in reports if (candidate := _candidate(report)) is not None)
