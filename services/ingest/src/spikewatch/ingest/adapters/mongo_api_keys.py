"""API keys in MongoDB, by hash."""

from collections.abc import Sequence

from spikewatch.chassis.mongo import Document, Index, Mongo
from spikewatch.ingest.domain.api_key import ApiKey

__all__ = ["MongoApiKeys"]


class MongoApiKeys:
    """Collection ``api_keys``."""

    def __init__(self, mongo: Mongo) -> None:
        self._documents = mongo.collection("api_keys")

    async def prepare(self) -> None:
        """Create the indexes."""
        await self._documents.ensure(Index.on("digest", unique=True), Index.on("agency_id"))

    async def add(self, key: ApiKey) -> None:
        """Store a new key."""
        await self._documents.insert(
            {"_id": key.key_id, "agency_id": key.agency_id, "digest": key.digest, "created_at": key.created_at, "revoked_at": None}
        )

    async def find(self, digest: bytes) -> ApiKey | None:
        """Return the key with this hash, revoked or not."""
        document = await self._documents.find_one({"digest": digest})
        return None if document is None else _key(document)

    async def of(self, agency_id: str | None) -> Sequence[ApiKey]:
        """Return an agency's keys, or all, oldest first."""
        where = {} if agency_id is None else {"agency_id": agency_id}
        return [_key(document) for document in await self._documents.find(where, sort=[("created_at", 1), ("_id", 1)])]

    async def revoke(self, key: ApiKey) -> None:
        """Store the moment the key was revoked; an earlier one stays."""
        await self._documents.update_one({"_id": key.key_id, "revoked_at": None}, {"$set": {"revoked_at": key.revoked_at}})


def _key(document: Document) -> ApiKey:
    return ApiKey(document["_id"], document["agency_id"], bytes(document["digest"]), document["created_at"], document["revoked_at"])
