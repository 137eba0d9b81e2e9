"""MongoDB, behind a small surface. The only module that imports motor (docs/adr/0005-motor.md says how to leave it).

Writes are acknowledged by a majority, instants come back aware in UTC, UUIDs are UUIDs. Whatever may pass by itself
(a lost connection, an election) is raised as ``Transient``; a broken unique index as ``DuplicateKey``.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, Self, TypeVar

from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions, DatetimeConversion
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorCollection, AsyncIOMotorDatabase
from pymongo import ASCENDING, DeleteMany, DeleteOne, IndexModel, InsertOne, ReplaceOne, UpdateMany, UpdateOne, WriteConcern
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    ConnectionFailure,
    DuplicateKeyError,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
)
from pymongo.read_concern import ReadConcern

from spikewatch.chassis.outcome import Transient
from spikewatch.chassis.telemetry.database import start_call_span
from spikewatch.chassis.telemetry.messaging import end_with_error

__all__ = [
    "Bulk",
    "Collection",
    "DeleteMany",
    "DeleteOne",
    "Document",
    "DuplicateKey",
    "Index",
    "InsertOne",
    "Mongo",
    "ReplaceOne",
    "UpdateMany",
    "UpdateOne",
]

Document = dict[str, Any]
Write = InsertOne[Document] | UpdateOne | UpdateMany | ReplaceOne[Document] | DeleteOne | DeleteMany
T = TypeVar("T")

_DUPLICATE_KEY: Final = 11000
_SERVER_SELECTION = timedelta(seconds=5)  # longer than an election, shorter than a retry round


class DuplicateKey(Exception):  # noqa: N818  # named by its consequence
    """A unique index refused the write: the document is already there, or another writer was first."""


@dataclass(frozen=True, slots=True)
class Index:
    """One index a collection needs before its first write."""

    keys: tuple[tuple[str, int | str], ...]
    unique: bool = False
    expire_after: timedelta | None = None
    partial: Mapping[str, Any] | None = None

    @classmethod
    def on(cls, *names: str, unique: bool = False, expire_after: timedelta | None = None, partial: Mapping[str, Any] | None = None) -> Self:
        """Index the fields in ascending order."""
        return cls(tuple((name, ASCENDING) for name in names), unique, expire_after, partial)

    def model(self) -> IndexModel:
        """Return the driver's form."""
        options: Document = {"unique": self.unique} if self.unique else {}
        if self.expire_after is not None:
            options["expireAfterSeconds"] = int(self.expire_after.total_seconds())
        if self.partial is not None:
            options["partialFilterExpression"] = dict(self.partial)
        return IndexModel(list(self.keys), **options)


@dataclass(frozen=True, slots=True)
class Bulk:
    """What a bulk write did; ``duplicates`` are positions in the list of writes that a unique index refused."""

    matched: int
    modified: int
    upserted: int
    deleted: int
    duplicates: tuple[int, ...] = field(default=())


async def _guard(call: Callable[[], Awaitable[T]]) -> T:
    try:
        return await call()
    except DuplicateKeyError as error:
        raise DuplicateKey(str(error.details.get("keyPattern") if error.details else "")) from error
    except (AutoReconnect, ConnectionFailure, ExecutionTimeout) as error:
        raise Transient(f"mongodb: {type(error).__name__}") from error
    except OperationFailure as error:
        if error.has_error_label("RetryableWriteError") or error.has_error_label("TransientTransactionError"):
            raise Transient(f"mongodb: {type(error).__name__} {error.code}") from error
        raise
    except PyMongoError as error:
        if error.timeout:
            raise Transient(f"mongodb: {type(error).__name__}") from error
        raise


class Collection:
    """One collection; every call is a coroutine and maps the driver's failures."""

    def __init__(self, raw: AsyncIOMotorCollection[Document]) -> None:
        self._raw = raw
        self._database: str = raw.database.name

    async def _call(self, operation: str, call: Callable[[], Awaitable[T]], *, writes: int = 1) -> T:
        """Make one call in a span of its own, with the driver's failures mapped."""
        span = start_call_span(operation, self._database, self.name, writes=writes)
        if span is None:
            return await _guard(call)
        try:
            result = await _guard(call)
        except BaseException as error:
            end_with_error(span, error)
            raise
        span.end()
        return result

    @property
    def name(self) -> str:
        """The collection's name."""
        return str(self._raw.name)

    async def ensure(self, *indexes: Index) -> None:
        """Create the indexes that are missing; safe to call at each start."""
        await self._call("createIndexes", lambda: self._raw.create_indexes([index.model() for index in indexes]))

    async def find(
        self,
        where: Mapping[str, Any],
        *,
        fields: Sequence[str] | None = None,
        sort: Sequence[tuple[str, int]] | None = None,
        skip: int = 0,
        limit: int = 0,
        by: Sequence[str] | None = None,
    ) -> list[Document]:
        """Return the matching documents; ``limit`` 0 means all.

        ``by`` names the ascending index to use. Without it the server tries every index that could serve, side by side, until one has
        served: one that has to look through all there is makes the question dearer the more there is.
        """
        cursor = self._raw.find(dict(where), dict.fromkeys(fields, 1) if fields else None, skip=skip, limit=limit, batch_size=5_000)
        if sort:
            cursor = cursor.sort(list(sort))
        if by:
            cursor = cursor.hint([(name, ASCENDING) for name in by])
        return await self._call("find", lambda: cursor.to_list(None))

    async def stream(
        self, where: Mapping[str, Any], *, fields: Sequence[str] | None = None, sort: Sequence[tuple[str, int]] | None = None
    ) -> AsyncIterator[Document]:
        """Yield matching documents one by one, in bounded memory."""
        cursor = self._raw.find(dict(where), dict.fromkeys(fields, 1) if fields else None)
        if sort:
            cursor = cursor.sort(list(sort))
        while await _guard(lambda: cursor.fetch_next):
            document = cursor.next_object()
            if document is not None:
                yield document

    async def find_one(self, where: Mapping[str, Any], *, fields: Sequence[str] | None = None) -> Document | None:
        """Return one matching document or None."""
        return await self._call("find", lambda: self._raw.find_one(dict(where), dict.fromkeys(fields, 1) if fields else None))

    async def count(self, where: Mapping[str, Any]) -> int:
        """Return how many documents match."""
        return await self._call("count", lambda: self._raw.count_documents(dict(where)))

    async def aggregate(self, pipeline: Sequence[Mapping[str, Any]]) -> list[Document]:
        """Run an aggregation and return all it yields."""
        return await self._call("aggregate", lambda: self._raw.aggregate([dict(step) for step in pipeline]).to_list(None))

    async def insert(self, document: Document) -> None:
        """Insert one document.

        Raises:
            DuplicateKey: a unique index refused it.
        """
        await self._call("insert", lambda: self._raw.insert_one(document))

    async def update_one(self, where: Mapping[str, Any], change: Mapping[str, Any], *, upsert: bool = False) -> int:
        """Update at most one document and return how many matched or were inserted.

        Raises:
            DuplicateKey: an upsert met a unique index, so another writer was first.
        """
        result = await self._call("update", lambda: self._raw.update_one(dict(where), dict(change), upsert=upsert))
        return int(result.matched_count) + (1 if result.upserted_id is not None else 0)

    async def replace_one(self, where: Mapping[str, Any], document: Document, *, upsert: bool = False) -> int:
        """Replace at most one document and return how many matched or were inserted.

        Raises:
            DuplicateKey: an upsert met a unique index, so another writer was first.
        """
        result = await self._call("replace", lambda: self._raw.replace_one(dict(where), document, upsert=upsert))
        return int(result.matched_count) + (1 if result.upserted_id is not None else 0)

    async def find_one_and_update(self, where: Mapping[str, Any], change: Mapping[str, Any], *, upsert: bool = False) -> Document | None:
        """Update at most one document and return it as it is afterwards."""
        return await self._call(
            "findAndModify", lambda: self._raw.find_one_and_update(dict(where), dict(change), upsert=upsert, return_document=True)
        )

    async def delete_one(self, where: Mapping[str, Any]) -> int:
        """Delete at most one document and return how many went."""
        return int((await self._call("delete", lambda: self._raw.delete_one(dict(where)))).deleted_count)

    async def delete_many(self, where: Mapping[str, Any]) -> int:
        """Delete all matching documents and return how many went."""
        return int((await self._call("delete", lambda: self._raw.delete_many(dict(where)))).deleted_count)

    async def bulk(self, writes: Sequence[Write], *, ordered: bool = False) -> Bulk:
        """Run many writes in one round trip; positions refused by a unique index are returned, not raised."""
        if not writes:
            return Bulk(0, 0, 0, 0)
        try:
            result = await self._call("bulkWrite", lambda: self._raw.bulk_write(list(writes), ordered=ordered), writes=len(writes))
        except BulkWriteError as error:
            details = error.details
            problems = details.get("writeErrors", [])
            if any(problem["code"] != _DUPLICATE_KEY for problem in problems):
                raise
            if details.get("writeConcernErrors"):
                raise Transient("mongodb: the write was not acknowledged by a majority") from error
            return Bulk(
                details["nMatched"],
                details["nModified"],
                details["nUpserted"] + details["nInserted"],
                details["nRemoved"],
                tuple(int(problem["index"]) for problem in problems),
            )
        return Bulk(result.matched_count, result.modified_count, result.upserted_count + result.inserted_count, result.deleted_count)


class Mongo:
    """One client and the service's own database. It belongs to the event loop it is first used on."""

    def __init__(self, uri: str, database: str) -> None:
        self._client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(
            uri,
            serverSelectionTimeoutMS=int(_SERVER_SELECTION.total_seconds() * 1000),
            appname="spikewatch",
            retryWrites=True,
            connect=False,
        )
        options: CodecOptions[Document] = CodecOptions(
            tz_aware=True, uuid_representation=UuidRepresentation.STANDARD, datetime_conversion=DatetimeConversion.DATETIME
        )
        self._database: AsyncIOMotorDatabase[Document] = self._client.get_database(
            database, codec_options=options, write_concern=WriteConcern("majority"), read_concern=ReadConcern("majority")
        )

    def collection(self, name: str) -> Collection:
        """Return a collection of the service's database."""
        return Collection(self._database[name])

    async def ping(self) -> None:
        """Return when the server answers.

        Raises:
            Transient: it does not.
        """
        await _guard(lambda: self._client.admin.command("ping"))

    async def drop(self) -> None:
        """Drop the whole database: for tests and `spikewatch down --purge` only."""
        await _guard(lambda: self._client.drop_database(self._database.name))

    def close(self) -> None:
        """Close all connections."""
        self._client.close()
