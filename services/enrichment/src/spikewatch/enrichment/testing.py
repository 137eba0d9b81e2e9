"""In-memory stores that behave as the MongoDB ones, for tests and for the batch verbs on files."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from spikewatch.chassis.outcome import Transient
from spikewatch.contracts.decision import Decision
from spikewatch.enrichment.domain.matching.decisions import Decisions
from spikewatch.enrichment.domain.transition import StoredIncident
from spikewatch.enrichment.ports import KnownReport, ReportState, StoredReport

__all__ = ["InMemoryDecisions", "InMemoryMatchStore"]


class InMemoryMatchStore:
    """Keeps everything in dictionaries; passes the same contract suite as ``MongoMatchStore``."""

    def __init__(self) -> None:
        self.kept_reports: dict[UUID, StoredReport] = {}
        self.kept_incidents: dict[UUID, StoredIncident] = {}
        self.kept_floods: dict[str, None] = {}

    async def reports(self, keys: Collection[UUID]) -> list[KnownReport]:
        """Return the known ones of these reports."""
        return [self.kept_reports[key] for key in keys if key in self.kept_reports]

    async def lying_in(self, blocks: Sequence[int]) -> dict[UUID, ReportState]:
        """Return every report that lies in any of these blocks, and in which state it is kept."""
        wanted = set(blocks)
        return {report.key: report.state for report in self.kept_reports.values() if not wanted.isdisjoint(report.blocks)}

    async def reports_since(self, received: datetime, limit: int) -> list[KnownReport]:
        """Return the reports that came since a moment, the newest first; those that lie in no block are left out."""
        lately = [one for one in self.kept_reports.values() if one.received_at >= received and one.blocks]
        return list(sorted(lately, key=lambda one: one.received_at, reverse=True)[:limit])

    async def incident(self, identity: UUID) -> StoredIncident | None:
        """Return an incident by its id, also a retracted one."""
        return self.kept_incidents.get(identity)

    async def incident_once_called(self, identity: UUID) -> StoredIncident | None:
        """Return the active incident that an id became a part of."""
        return next((one for one in self.kept_incidents.values() if one.active and identity in one.aliases), None)

    async def has_other_states(self, states: Mapping[UUID, ReportState]) -> bool:
        """Return whether any of these reports is kept in another state now; what is not kept is in none."""
        return any(key in self.kept_reports and self.kept_reports[key].state != state for key, state in states.items())

    async def add_reports(self, reports: Sequence[StoredReport]) -> frozenset[UUID]:
        """Store the reports that are new and return the keys of the others, which stay as they are."""
        known = frozenset(report.key for report in reports if report.key in self.kept_reports)
        self.kept_reports |= {report.key: report for report in reports if report.key not in known}
        return known

    async def write_reports(self, reports: Sequence[StoredReport], replaced: Mapping[UUID, ReportState]) -> None:
        """Store reports: new ones, and over the states named in ``replaced``."""
        late = False
        for report in reports:
            known = self.kept_reports.get(report.key)
            if (None if known is None else known.state) == replaced.get(report.key):
                self.kept_reports[report.key] = report
            else:
                late = True
        if late:
            raise Transient("a report was changed by another writer")

    async def incidents(self, keys: Collection[UUID]) -> list[StoredIncident]:
        """Return every incident, retracted ones included, that is found by any of these reports."""
        return [one for one in self.kept_incidents.values() if not one.keys.isdisjoint(keys)]

    async def write_incidents(self, incidents: Sequence[StoredIncident]) -> None:
        """Store incidents, each only over the version just below its own."""
        late = False
        for one in incidents:
            known = self.kept_incidents.get(one.incident_id)
            if (0 if known is None else known.version) == one.version - 1:
                self.kept_incidents[one.incident_id] = one
            else:
                late = True
        if late:
            raise Transient("an incident was changed by another writer")

    async def other_owners(self, members: Collection[UUID], own: Collection[UUID]) -> dict[UUID, list[UUID]]:
        """Return the active incidents, with their members, that hold any of these reports; ``own`` ones aside."""
        wanted, aside = set(members), set(own)
        others = [one for one in self.kept_incidents.values() if one.incident_id not in aside]
        return {one.incident_id: list(one.members) for one in others if not wanted.isdisjoint(one.members)}

    async def floods(self) -> frozenset[str]:
        """Return the spots whose floods are known."""
        return frozenset(self.kept_floods)

    async def mark_floods(self, spots: Collection[str], reports: Collection[UUID]) -> None:
        """Keep that these spots are flooded, then take their reports out of all blocks."""
        self.kept_floods |= dict.fromkeys(spots)
        self.kept_reports |= {key: replace(self.kept_reports[key], blocks=()) for key in reports if key in self.kept_reports}


class InMemoryDecisions:
    """Keeps decisions in a dictionary; passes the same contract suite as ``MongoDecisions``."""

    def __init__(self) -> None:
        self.kept: dict[UUID, Decision] = {}

    async def add(self, decisions: Sequence[Decision]) -> None:
        """Store decisions; one that is known already stays as it is."""
        self.kept = {one.decision_id: one for one in decisions} | self.kept

    async def known(self, identities: Collection[UUID]) -> list[Decision]:
        """Return those of these decisions that are known."""
        return [self.kept[identity] for identity in identities if identity in self.kept]

    async def about(self, reports: Collection[UUID]) -> Decisions:
        """Return what bears on some reports, with the undos."""
        return Decisions(self.kept.values()).of(reports)
