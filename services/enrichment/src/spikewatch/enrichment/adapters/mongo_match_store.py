"""Reports by block and incidents by member in MongoDB: a handful of round trips a batch, each by index."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeVar
from uuid import UUID

from spikewatch.chassis.clock import Clock, system_clock
from spikewatch.chassis.mongo import Document, Index, InsertOne, Mongo, ReplaceOne, UpdateMany, UpdateOne
from spikewatch.chassis.outcome import Transient
from spikewatch.enrichment.domain.matching.stored import FORMAT
from spikewatch.enrichment.domain.transition import StoredIncident
from spikewatch.enrichment.ports import KnownReport, ReportState, StoredReport

__all__ = ["MongoMatchStore"]

T = TypeVar("T")
_READ: Final = ("format", "revision", "geodata_version", "compared", "content")
_STATE: Final = ("format", "revision", "geodata_version")
_UNREADABLE: Final[ReportState] = (0, 0)
# Keys in one $in. A server plans one index seek for each; much longer lists make a single query block the pool.
_KEYS_AT_ONCE: Final = 10_000


class MongoMatchStore:
    """Implements ``MatchStore`` on the collections ``reports``, ``incidents`` and ``floods``.

    Args:
        mongo: the service's database.
        retention: how long after its arrival a report, and after its last report an incident, is kept.
        clock: from which the retention of a flood counts.
    """

    def __init__(self, mongo: Mongo, retention: timedelta, clock: Clock = system_clock) -> None:
        self._reports = mongo.collection("reports")
        self._incidents = mongo.collection("incidents")
        self._floods = mongo.collection("floods")
        self._retention = retention
        self._clock = clock

    async def prepare(self) -> None:
        """Create the indexes; safe at each start."""
        expiry = Index.on("expires_at", expire_after=timedelta(0))
        await self._reports.ensure(Index.on("blocks"), expiry)
        await self._incidents.ensure(Index.on("keys"), Index.on("aliases"), expiry)
        await self._floods.ensure(expiry)

    async def reports(self, keys: Collection[UUID]) -> list[KnownReport]:
        """Return the known ones of these reports."""
        found: list[KnownReport] = []
        for part in _parts(list(keys)):
            found += [_known(document) for document in await self._reports.find({"_id": {"$in": part}}, fields=_READ)]
        return found

    async def lying_in(self, blocks: Sequence[int]) -> dict[UUID, ReportState]:
        """Return every report that lies in any of these blocks, and in which state it is kept."""
        found: dict[UUID, ReportState] = {}
        for part in _parts(blocks):
            # Without what is compared: nearly all of them are known to the caller, and to send it would cost more than to find it.
            found |= {one["_id"]: _state(one) for one in await self._reports.find({"blocks": {"$in": part}}, fields=_STATE)}
        return found

    async def reports_since(self, received: datetime, limit: int) -> list[KnownReport]:
        """Return the reports that came since a moment, the newest first; those of floods, which lie in no block, are left out."""
        lately = {"expires_at": {"$gte": received + self._retention}, "blocks": {"$ne": []}}
        # by the index that retention needs anyway
        found = await self._reports.find(lately, fields=_READ, sort=[("expires_at", -1)], limit=limit, by=("expires_at",))
        return [_known(document) for document in found]

    async def has_other_states(self, states: Mapping[UUID, ReportState]) -> bool:
        """Return whether any of these reports is kept in another state now; what is not kept is in none."""
        alike: dict[ReportState, list[UUID]] = defaultdict(list)  # nearly all are in the first revision, by the geodata of today
        for key, state in states.items():
            alike[state].append(key)
        for (revision, geodata), keys in alike.items():
            other = [{"format": {"$ne": FORMAT}}, {"revision": {"$ne": revision}}, {"geodata_version": {"$ne": geodata}}]
            for part in _parts(keys):
                if await self._reports.find({"_id": {"$in": part}, "$or": other}, fields=("_id",), limit=1):
                    return True
        return False

    async def add_reports(self, reports: Sequence[StoredReport]) -> frozenset[UUID]:
        """Store the reports that are new and return the keys of the others, which stay as they are."""
        result = await self._reports.bulk([InsertOne(self._report(report)) for report in reports])
        return frozenset(reports[position].key for position in result.duplicates)

    async def write_reports(self, reports: Sequence[StoredReport], replaced: Mapping[UUID, ReportState]) -> None:
        """Store reports: new ones, and over the states named in ``replaced``.

        Raises:
            Transient: another writer was there in between.
        """
        writes: list[InsertOne[Document] | ReplaceOne[Document]] = []
        for report in reports:
            document = self._report(report)
            if report.key in replaced:
                writes.append(ReplaceOne(_written_as(report.key, replaced[report.key]), document))
            else:
                writes.append(InsertOne(document))
        result = await self._reports.bulk(writes)
        if result.duplicates or result.matched < len(replaced):
            raise Transient("a report was changed by another writer")

    async def incidents(self, keys: Collection[UUID]) -> list[StoredIncident]:
        """Return every incident, retracted ones included, that is found by any of these reports."""
        found: dict[UUID, StoredIncident] = {}
        for part in _parts(list(keys)):
            for document in await self._incidents.find({"keys": {"$in": part}}):
                found[document["_id"]] = _incident(document)
        return list(found.values())

    async def incident(self, identity: UUID) -> StoredIncident | None:
        """Return an incident by its id, also a retracted one; for review."""
        document = await self._incidents.find_one({"_id": identity})
        return None if document is None else _incident(document)

    async def incident_once_called(self, identity: UUID) -> StoredIncident | None:
        """Return the active incident that an id became a part of; for review."""
        document = await self._incidents.find_one({"aliases": identity, "active": True})
        return None if document is None else _incident(document)

    async def write_incidents(self, incidents: Sequence[StoredIncident]) -> None:
        """Store incidents, each only over the version just below its own.

        Raises:
            Transient: another writer was there in between. Some may have been written.
        """
        writes: list[InsertOne[Document] | ReplaceOne[Document]] = []
        for one in incidents:
            document = self._document(one)
            writes.append(
                InsertOne(document) if one.version == 1 else ReplaceOne({"_id": one.incident_id, "version": one.version - 1}, document)
            )
        result = await self._incidents.bulk(writes)
        if result.duplicates or result.matched < sum(one.version > 1 for one in incidents):
            raise Transient("an incident was changed by another writer")

    async def other_owners(self, members: Collection[UUID], own: Collection[UUID]) -> dict[UUID, list[UUID]]:
        """Return the active incidents, with their members, that hold any of these reports; ``own`` ones aside."""
        wanted, found = set(members), list[Document]()
        for part in _parts(list(wanted)):
            # By the index over keys, which hold the members; the reports that only caused a change are sorted out here.
            found += await self._incidents.find({"keys": {"$in": part}, "_id": {"$nin": list(own)}}, fields=("members",), by=("keys",))
        return {document["_id"]: document["members"] for document in found if not wanted.isdisjoint(document["members"])}

    async def floods(self) -> frozenset[str]:
        """Return the spots whose floods are known."""
        return frozenset(document["_id"] for document in await self._floods.find({}, fields=("_id",)))

    async def mark_floods(self, spots: Collection[str], reports: Collection[UUID]) -> None:
        """Keep that these spots are flooded, then take their reports out of all blocks."""
        until = {"$setOnInsert": {"expires_at": self._clock() + self._retention}}
        await self._floods.bulk([UpdateOne({"_id": spot}, until, upsert=True) for spot in sorted(spots)])
        for part in _parts(sorted(reports)):
            await self._reports.bulk([UpdateMany({"_id": {"$in": part}}, {"$set": {"blocks": []}})])

    def _report(self, report: StoredReport) -> Document:
        return {
            "_id": report.key,
            "format": FORMAT,
            "revision": report.state[0],
            "geodata_version": report.state[1],
            "blocks": list(report.blocks),
            "compared": report.compared,
            "content": report.content,
            "expires_at": report.received_at + self._retention,
        }

    def _document(self, one: StoredIncident) -> Document:
        return {
            "_id": one.incident_id,
            "founder": one.founder,
            "version": one.version,
            "active": one.active,
            "digest": one.digest,
            "body": one.body,
            "occurred_at": one.occurred_at,
            "received_at": one.received_at,
            "members": list(one.members),
            "keys": list(one.keys),
            "aliases": list(one.aliases),
            "split_from": one.split_from,
            "causes": list(one.causes),
            "merged_into": one.merged_into,
            "expires_at": one.received_at + self._retention,
        }


def _parts(values: Sequence[T]) -> Iterator[list[T]]:
    return (list(values[start : start + _KEYS_AT_ONCE]) for start in range(0, len(values), _KEYS_AT_ONCE))


def _known(document: Document) -> KnownReport:
    if document.get("format") != FORMAT:
        return KnownReport(document["_id"], _UNREADABLE, None, None)
    return KnownReport(document["_id"], _state(document), document["compared"], document["content"])


def _state(document: Document) -> ReportState:
    return (document["revision"], document["geodata_version"]) if document.get("format") == FORMAT else _UNREADABLE


def _written_as(key: UUID, state: ReportState) -> Document:
    if state == _UNREADABLE:
        return {"_id": key, "format": {"$ne": FORMAT}}
    revision, geodata = state
    return {"_id": key, "format": FORMAT, "revision": revision, "geodata_version": geodata}


def _incident(document: Document) -> StoredIncident:
    return StoredIncident(
        incident_id=document["_id"],
        founder=document["founder"],
        version=document["version"],
        active=document["active"],
        digest=document["digest"],
        body=document["body"],
        occurred_at=document["occurred_at"],
        received_at=document["received_at"],
        members=tuple(document["members"]),
        keys=frozenset(document["keys"]),
        aliases=tuple(document["aliases"]),
        split_from=document.get("split_from"),
        causes=frozenset(document["causes"] if "causes" in document else document["keys"]),  # one that was stored without
        merged_into=document.get("merged_into"),
    )
