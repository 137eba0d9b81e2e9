"""Revisions in MongoDB: one document a report, guarded by its version, read and written in bulk."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from spikewatch.chassis.mongo import Document, Index, InsertOne, Mongo, UpdateOne
from spikewatch.chassis.outcome import Transient
from spikewatch.ingest.domain.revision import History, Revision

__all__ = ["MongoRevisions"]

# Of what was no overdose only the order is kept, for as long as messages overtake one another and dead letters are looked after.
_NOTHING_KEPT_FOR: Final = timedelta(days=14)


class MongoRevisions:
    """Collection ``report_revisions``; a document goes when its report has not changed for the retention."""

    def __init__(self, mongo: Mongo, *, retention: timedelta, now: Callable[[], datetime]) -> None:
        self._documents = mongo.collection("report_revisions")
        self._retention = retention
        self._now = now

    async def prepare(self) -> None:
        """Create the index; the moment of expiry stands in the document, so that the retention can change."""
        await self._documents.ensure(Index.on("expires_at", expire_after=timedelta(0)))

    async def load(self, keys: Collection[UUID]) -> Mapping[UUID, History]:
        """Return the histories of the keys that are known."""
        found = await self._documents.find({"_id": {"$in": list(keys)}})
        return {
            document["_id"]: History(
                document["_id"],
                document["version"],
                [Revision(part["revision"], bytes(part["digest"]), part["submission_id"], part["index"]) for part in document["revisions"]],
            )
            for document in found
        }

    async def save(self, histories: Sequence[History]) -> None:
        """Store histories as they are now.

        Raises:
            Transient: another writer changed one of them since it was loaded; what was stored stays, and a second
                attempt finds it.
        """
        now = self._now()
        writes: list[InsertOne[Document] | UpdateOne] = []
        updates = 0
        for history in histories:
            content: Document = {
                "version": history.version + 1,
                "revisions": [
                    {"revision": part.revision, "digest": part.digest, "submission_id": part.submission_id, "index": part.index}
                    for part in history.revisions
                ],
                "expires_at": now + (self._retention if history.known else min(self._retention, _NOTHING_KEPT_FOR)),
            }
            if history.version == 0:
                writes.append(InsertOne({"_id": history.report_key, **content}))
            else:
                updates += 1
                writes.append(UpdateOne({"_id": history.report_key, "version": history.version}, {"$set": content}))
        done = await self._documents.bulk(writes)
        if done.duplicates or done.matched < updates:
            raise Transient("mongodb: a report's revisions were changed by another writer")
