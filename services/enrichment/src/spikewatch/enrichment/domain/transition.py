"""What became of stored incidents when their reports were matched again: opened, updated, merged, split, retracted.

Invariant: the former ids of an incident are those whose tombstones lead to it, from one to the next; so no id has two successors.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from spikewatch.contracts.identifiers import incident_id
from spikewatch.contracts.incident import Incident, IncidentChange
from spikewatch.enrichment.domain.matched import MatchedIncident
from spikewatch.enrichment.domain.survivorship import Masking, incident

__all__ = ["StoredIncident", "transitions", "with_true_aliases"]

_NO_FLOOD: Final[Mapping[UUID, frozenset[UUID]]] = {}


@dataclass(frozen=True, slots=True)
class StoredIncident:
    """An incident as it is kept: the published bytes, who belongs to it, and by which reports it is found.

    It is found by its ``keys``: the members, all reports that had a say in where they belong (one that moves away leaves the others
    surer than they were), the founding report (a retracted id that opens again continues its version), and those that founded what it
    has the former ids of (one that opens again is a former id no longer). ``causes`` are the reports
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
    flooded: Mapping[UUID, frozenset[UUID]] = _NO_FLOOD,
) -> list[StoredIncident]:
    """Return the incidents of one component that differ from what is stored, each with its next version.

    In an order in which a writer may stop anywhere: what is not written is found again and tells the same of where it came from. So
    what opens comes before what it split from, and what ends comes last.

    Args:
        matched: what the component's reports amount to now.
        stored: every stored incident that may bear one of these ids, retracted ones included.
        old_ids: the active stored incidents of the component.
        causes: the reports whose arrival led here.
        near: all reports of the component that have a say in where others belong.
        masking: says where each may be shown to everybody.
        flooded: the reports that are of a flood, and by what else than itself each is found.
    """
    now = {one.incident_id: one for one in matched}
    before = [stored[identity] for identity in sorted(old_ids)]
    # Where each report is now: it matters to incidents that there were, and most are new.
    home = {report.key: one.incident_id for one in now.values() for report in one.members} if before else {}
    heirs = {old.incident_id: _heir(old, home) for old in before if old.incident_id not in now}
    # Of each one that there is now those that held any of its reports, heirs to others among them.
    held: dict[UUID, dict[UUID, StoredIncident]] = defaultdict(dict)
    for former in before:
        for member in former.members:
            if member in home:
                held[home[member]][former.incident_id] = former
    # A flood is told report by report: with all of it beside each of its incidents it would cost its square.
    any_one = frozenset({min(causes)})
    causing = causes & near or any_one
    opened: list[StoredIncident] = []
    renewed: list[StoredIncident] = []
    for identity, one in now.items():
        old = stored.get(identity)
        if old is not None and old.active and old.digest == one.digest:
            continue
        changed = opened if old is None or not old.active else renewed
        founder = one.members[0].key
        is_flood = len(one.members) == 1 and founder in flooded  # more of them are together only where people say so
        own = (causes.intersection((founder,)) or any_one, flooded[founder]) if is_flood else (causing, near)
        changed.append(_renewed(one, old, list(held[identity].values()) if before else [], heirs, home, *own, masking))
    ended = [_retracted(former, causing, heirs[former.incident_id]) for former in before if former.incident_id in heirs]
    return opened + renewed + ended


def with_true_aliases(changed: Iterable[StoredIncident], stored: Mapping[UUID, StoredIncident]) -> dict[UUID, StoredIncident]:
    """Return by id the incidents whose former ids are not those that the tombstones say, as they should be.

    ``transitions`` hands ids on where a component tells it. It cannot where a former id opens again far from what its others became, nor
    where another writer changed the heir after the tombstone was written. Also incidents that ended are told: should one open again, it
    has the former ids that it had.

    Args:
        changed: what is to be written, the next version of each.
        stored: all that is found by the reports of the batch.
    """
    pending = {one.incident_id: one for one in changed}
    if _are_true(pending, stored):
        return {}
    latest = {**stored, **pending}
    former = {alias for one in latest.values() for alias in one.aliases}
    returned = {identity: one for identity in former if (one := latest.get(identity)) is not None and one.active}
    ended = [one for one in latest.values() if one.merged_into in latest]
    aliases = {identity: set(one.aliases) for identity, one in latest.items()}
    for own in aliases.values():
        for other in [returned[alias] for alias in own if alias in returned]:
            own -= {other.incident_id, *other.aliases}
    is_growing = True
    while is_growing:
        is_growing = False
        for one in ended:
            assert one.merged_into is not None  # noqa: S101  # it is in latest
            new = (aliases[one.incident_id] | {one.incident_id}) - aliases[one.merged_into] - {one.merged_into}
            aliases[one.merged_into] |= new
            is_growing = is_growing or bool(new)
    return {
        identity: _with_aliases(latest[identity], own, stored.get(identity), latest)
        for identity, own in aliases.items()
        if len(own) != len(latest[identity].aliases) or not own.issuperset(latest[identity].aliases)
    }


def _are_true(pending: Mapping[UUID, StoredIncident], stored: Mapping[UUID, StoredIncident]) -> bool:
    """Return whether nothing is to be mended, as nearly always: a look at those that ended or have former ids, and no others."""

    def find(identity: UUID) -> StoredIncident | None:
        return pending.get(identity) or stored.get(identity)

    for one in (*pending.values(), *stored.values()):
        if (not one.aliases and one.merged_into is None) or find(one.incident_id) is not one:
            continue
        if any((other := find(alias)) is not None and other.active for alias in one.aliases):
            return False
        heir = None if one.merged_into is None else find(one.merged_into)
        if heir is not None and not {one.incident_id, *one.aliases}.issubset((heir.incident_id, *heir.aliases)):
            return False
    return True


def _with_aliases(one: StoredIncident, own: set[UUID], old: StoredIncident | None, latest: Mapping[UUID, StoredIncident]) -> StoredIncident:
    aliases = tuple(sorted(own))
    version = one.version + (one is old)
    keys = one.keys | _founders(own, [latest[identity] for identity in own if identity in latest])
    body = one.body
    if body is not None:
        was = Incident.model_validate_json(body)
        body = was.changed(aliases=aliases, version=version, change=IncidentChange.UPDATED if one is old else was.change).to_json()
    return replace(one, aliases=aliases, version=version, body=body, keys=keys)


def _renewed(  # the eight things a change is read from
    one: MatchedIncident,
    old: StoredIncident | None,
    before: list[StoredIncident],
    heirs: Mapping[UUID, UUID | None],
    home: Mapping[UUID, UUID],
    causes: frozenset[UUID],
    near: frozenset[UUID],
    masking: Masking | None,
) -> StoredIncident:
    identity = one.incident_id
    members = tuple(report.key for report in one.members)
    ended = [other for other in before if heirs.get(other.incident_id) == identity]
    aliases: tuple[UUID, ...] = () if old is None else old.aliases
    founders: frozenset[UUID] = frozenset()
    if ended or aliases:
        aliases = tuple(sorted({alias for other in ended for alias in (other.incident_id, *other.aliases)}.union(aliases)))
        founders = _founders(aliases, ended if old is None else [old, *ended])
    if old is None or not old.active:
        change = IncidentChange.OPENED
    elif ended:
        change = IncidentChange.MERGED
    elif any(home.get(member, identity) != identity for member in old.members):
        change = IncidentChange.SPLIT
    else:
        change = IncidentChange.UPDATED
    version = 1 if old is None else old.version + 1
    split_from = old.split_from if old is not None and old.active else _parent(identity, members, before, heirs) if before else None
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
        keys=causes.union(near, members, founders),
        aliases=aliases,
        split_from=split_from,
        causes=causes,
    )


def _founders(aliases: Iterable[UUID], held: Iterable[StoredIncident]) -> frozenset[UUID]:
    """Return the reports that founded the incidents that these former ids were, as far as those that had the ids were found by them."""
    wanted = set(aliases)
    return frozenset(key for one in held for key in one.keys if incident_id(key) in wanted)


def _parent(identity: UUID, members: tuple[UUID, ...], before: list[StoredIncident], heirs: Mapping[UUID, UUID | None]) -> UUID | None:
    """Return the incident that these reports were part of, unless this one goes on under its former id.

    Of several the one that goes on itself, and of those the one that held most of them.
    """
    shared = {other.incident_id: len(set(members).intersection(other.members)) for other in before if other.incident_id != identity}
    parents = [other for other, count in shared.items() if count and heirs.get(other) != identity]
    return min(parents, key=lambda other: (other in heirs, -shared[other], other), default=None)


def _heir(old: StoredIncident, home: Mapping[UUID, UUID]) -> UUID | None:
    """Return the incident that most of the reports are part of now."""
    heirs = Counter(home[member] for member in old.members if member in home)
    return min(heirs, key=lambda heir: (-heirs[heir], heir), default=None)


def _retracted(old: StoredIncident, causes: frozenset[UUID], heir: UUID | None) -> StoredIncident:
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
        keys=causes.union({old.founder}, _founders(old.aliases, [old]) if old.aliases else ()),
        aliases=old.aliases,
        causes=causes,
        merged_into=heir,
    )
