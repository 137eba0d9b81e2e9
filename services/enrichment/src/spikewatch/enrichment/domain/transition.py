"""What became of stored incidents when their reports were matched again: opened, updated, merged, split, retracted."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from spikewatch.contracts.incident import IncidentChange
from spikewatch.enrichment.domain.matched import MatchedIncident
from spikewatch.enrichment.domain.survivorship import Masking, incident

__all__ = ["StoredIncident", "transitions"]


@dataclass(frozen=True, slots=True)
class StoredIncident:
    """An incident as it is kept: the published bytes, who belongs to it, and by which reports it is found.

    It is found by its ``keys``: the members, all reports that had a say in where they belong (one that moves away leaves the others
    surer than they were), and the founding report (a retracted id that opens again continues its version). ``causes`` are the reports
    whose arrival led to the last change: a batch delivered again finds what it may not have published. ``body`` is None when the
    incident is retracted; ``merged_into`` is then the one that most of its reports are part of now. ``received_at`` is the newest
    arrival among its reports, from which its retention counts.
    """

    incident_id: UUID
    founder: UUID
    version: int
    active: bool
    digest: str
    body: bytes | None
    occurred_at: datetime
    received_at: datetime
    members: tuple[UUID, ...]
    keys: frozenset[UUID]
    aliases: tuple[UUID, ...]
    split_from: UUID | None = None
    causes: frozenset[UUID] = frozenset()
    merged_into: UUID | None = None

    def follows_from(self, reports: frozenset[UUID]) -> bool:
        """Return whether its present state may have come from these reports, so that it is told again with them."""
        return not (reports.isdisjoint(self.causes) and reports.isdisjoint(self.members))


def transitions(
    matched: Iterable[MatchedIncident],
    stored: Mapping[UUID, StoredIncident],
    old_ids: Iterable[UUID],
    causes: frozenset[UUID],
    near: frozenset[UUID],
    masking: Masking | None = None,
) -> list[StoredIncident]:
    """Return the incidents of one component that differ from what is stored, each with its next version.

    Args:
        matched: what the component's reports amount to now.
        stored: every stored incident that may bear one of these ids, retracted ones included.
        old_ids: the active stored incidents of the component.
        causes: the reports whose arrival led here.
        near: all reports of the component.
        masking: says where each may be shown to everybody.
    """
    now = {one.incident_id: one for one in matched}
    before = [stored[identity] for identity in sorted(old_ids)]
    # Where each report is now: it matters to incidents that there were, and most are new.
    home = {report.key: one.incident_id for one in now.values() for report in one.members} if before else {}
    changed = [
        _renewed(one, stored.get(identity), before, now, home, causes, near, masking)
        for identity, one in now.items()
        if not ((old := stored.get(identity)) is not None and old.active and old.digest == one.digest)
    ]
    changed += [_retracted(old, causes, home) for old in before if old.incident_id not in now]
    return changed


def _renewed(  # the eight things a change is read from
    one: MatchedIncident,
    old: StoredIncident | None,
    before: list[StoredIncident],
    now: Mapping[UUID, MatchedIncident],
    home: Mapping[UUID, UUID],
    causes: frozenset[UUID],
    near: frozenset[UUID],
    masking: Masking | None,
) -> StoredIncident:
    identity = one.incident_id
    members = tuple(report.key for report in one.members)
    ended = [other for other in before if other.incident_id not in now and not set(members).isdisjoint(other.members)]
    aliases: tuple[UUID, ...] = () if old is None else old.aliases
    if ended or aliases:
        inherited = {alias for other in ended for alias in (other.incident_id, *other.aliases)}
        aliases = tuple(sorted(inherited.union(aliases) - now.keys()))
    if old is None or not old.active:
        change = IncidentChange.OPENED
    elif ended:
        change = IncidentChange.MERGED
    elif any(home.get(member, identity) != identity for member in old.members):
        change = IncidentChange.SPLIT
    else:
        change = IncidentChange.UPDATED
    version = 1 if old is None else old.version + 1
    split_from = old.split_from if old is not None and old.active else _parent(identity, members, before, now) if before else None
    published = incident(one, version=version, change=change, aliases=aliases, split_from=split_from, masking=masking)
    return StoredIncident(
        incident_id=identity,
        founder=members[0],
        version=version,
        active=True,
        digest=one.digest,
        body=published.to_json(),
        occurred_at=published.occurred_at,
        received_at=max([report.extract.received_at for report in one.members]),
        members=members,
        keys=causes.union(near, members),
        aliases=aliases,
        split_from=split_from,
        causes=causes,
    )


def _parent(identity: UUID, members: tuple[UUID, ...], before: list[StoredIncident], now: Mapping[UUID, MatchedIncident]) -> UUID | None:
    """Return the incident that goes on without these reports; of several the one that held most of them."""
    shared = {other.incident_id: len(set(members).intersection(other.members)) for other in before if other.incident_id != identity}
    parents = [other for other, count in shared.items() if count and other in now]
    return min(parents, key=lambda other: (-shared[other], other), default=None)


def _retracted(old: StoredIncident, causes: frozenset[UUID], home: Mapping[UUID, UUID]) -> StoredIncident:
    heirs = Counter(home[member] for member in old.members if member in home)
    return StoredIncident(
        incident_id=old.incident_id,
        founder=old.founder,
        version=old.version + 1,
        active=False,
        digest="",
        body=None,
        occurred_at=old.occurred_at,
        received_at=old.received_at,
        members=(),
        keys=causes | {old.founder},
        aliases=old.aliases,
        causes=causes,
        merged_into=min(heirs, key=lambda heir: (-heirs[heir], heir), default=None),
    )
