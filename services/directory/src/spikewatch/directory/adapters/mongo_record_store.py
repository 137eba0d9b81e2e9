"""Records and their waiting changes in MongoDB: one document a name, so that a record and its change are one atomic write."""

import re
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from opentelemetry import trace

from spikewatch.chassis.mongo import Document, DuplicateKey, Index, Mongo
from spikewatch.chassis.telemetry.messaging import traceparent
from spikewatch.contracts.directory import ContactRecord, DirectoryRecord
from spikewatch.directory.domain.filters import Term
from spikewatch.directory.domain.names import Kind
from spikewatch.directory.domain.records import Record
from spikewatch.directory.ports import Change, Creation, Stored

__all__ = ["MongoRecordStore"]

_RELAY: Final = "relay"
_STATE: Final = ("version", "record", "changed_at", "creation", "removed")


class MongoRecordStore:
    """A ``RecordStore`` and its ``Outbox``."""

    def __init__(self, mongo: Mongo) -> None:
        self._records = mongo.collection("records")
        self._holds = mongo.collection("holds")

    async def prepare(self) -> None:
        """Create the indexes that are missing."""
        await self._records.ensure(
            Index.on("kind", "_id"),
            Index.on("parent"),
            Index.on("record.areas", partial={"kind": Kind.CONTACT.value}),
            Index.on("waiting.version"),
        )

    async def get(self, name: str) -> Stored | None:
        """Return what is known of a name, deleted or not."""
        document = await self._records.find_one({"_id": name}, fields=_STATE)
        return None if document is None else _stored(document)

    async def put(self, stored: Stored, *, replaces: int | None) -> bool:
        """Write a new state and the change to publish; False when another writer was first."""
        record = None if stored.record is None else stored.record.model_dump(mode="json", exclude_none=True)
        state: Document = {
            "kind": None if stored.record is None else stored.record.kind,
            "parent": _parent(stored.name),
            "version": stored.version,
            "record": record,
            "changed_at": stored.changed_at,
            "creation": None
            if stored.creation is None
            else {"request_id": stored.creation.request_id, "fingerprint": stored.creation.fingerprint},
            "removed": stored.removed,
        }
        header = traceparent(trace.get_current_span().get_span_context())
        change = {
            "version": stored.version,
            "record": record,
            "changed_at": stored.changed_at,
            "traceparent": None if header is None else header.decode(),
        }
        if replaces is None:
            try:
                await self._records.insert({"_id": stored.name, **state, "waiting": [change]})
            except DuplicateKey:
                return False
            return True
        return (
            await self._records.update_one({"_id": stored.name, "version": replaces}, {"$set": state, "$push": {"waiting": change}})
        ) == 1

    async def page(self, kind: Kind, prefix: str, terms: Sequence[Term], after: str, limit: int) -> list[Record]:
        """Return records by name."""
        name: Document = {"$regex": f"^{re.escape(prefix)}"}
        if after:
            name["$gt"] = after
        where = {"kind": kind.value, "_id": name, "$and": [{f"record.{term.field}": term.value} for term in terms]}
        if not terms:
            del where["$and"]
        documents = await self._records.find(where, fields=("record",), sort=[("_id", 1)], limit=limit)
        return [_record(document["record"]) for document in documents]

    async def has_children(self, name: str) -> bool:
        """Return whether a record has services or contacts."""
        return await self._records.find_one({"parent": name, "kind": {"$ne": None}}, fields=("_id",)) is not None

    async def contacts_for(self, areas: Collection[str]) -> list[ContactRecord]:
        """Return the contacts that answer for any of these areas."""
        documents = await self._records.find({"kind": Kind.CONTACT.value, "record.areas": {"$in": list(areas)}}, fields=("record",))
        return [ContactRecord.model_validate(document["record"]) for document in documents]

    async def waiting(self, limit: int) -> list[Change]:
        """Return changes of at most ``limit`` records."""
        documents = await self._records.find({"waiting.version": {"$gt": 0}}, fields=("waiting",), limit=limit)
        return [
            Change(
                document["_id"],
                one["version"],
                None if one["record"] is None else _record(one["record"]),
                one["changed_at"],
                one["traceparent"],
            )
            for document in documents
            for one in document["waiting"]
        ]

    async def mark_sent(self, name: str, version: int) -> bool:
        """Forget the changes up to a version; False when the last of them was forgotten already."""
        matched = await self._records.update_one(
            {"_id": name, "waiting.version": version}, {"$pull": {"waiting": {"version": {"$lte": version}}}}
        )
        return matched == 1

    async def publish_again(self, name: str) -> None:
        """Let the record's present state wait once more."""
        document = await self._records.find_one({"_id": name}, fields=_STATE)
        if document is not None:
            change = {
                "version": document["version"],
                "record": document["record"],
                "changed_at": document["changed_at"],
                "traceparent": None,
            }
            # A newer version has its own change in the outbox, which then does the same.
            await self._records.update_one({"_id": name, "version": document["version"]}, {"$push": {"waiting": change}})

    async def hold(self, holder: str, now: datetime, until: datetime) -> bool:
        """Become or stay the one relay until a moment."""
        try:
            free = {"_id": _RELAY, "$or": [{"holder": holder}, {"until": {"$lte": now}}]}
            await self._holds.update_one(free, {"$set": {"holder": holder, "until": until}}, upsert=True)
        except DuplicateKey:
            return False
        return True

    async def release(self, holder: str) -> None:
        """Let another relay take over at once."""
        await self._holds.delete_one({"_id": _RELAY, "holder": holder})


def _parent(name: str) -> str:
    return name.rsplit("/", 2)[0] if name.count("/") > 1 else ""


def _record(document: Any) -> Record:
    return DirectoryRecord.model_validate(document).root


def _stored(document: Document) -> Stored:
    creation = document["creation"]
    return Stored(
        document["_id"],
        document["version"],
        None if document["record"] is None else _record(document["record"]),
        document["changed_at"],
        None if creation is None else Creation(creation["request_id"], creation["fingerprint"]),
        document.get("removed"),  # missing in what older versions wrote
    )
