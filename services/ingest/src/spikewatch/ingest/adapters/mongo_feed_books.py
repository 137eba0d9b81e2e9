"""The books of all feeds in MongoDB: one small document a feed, guarded by its version."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import date

from spikewatch.chassis.mongo import Document, InsertOne, Mongo, UpdateOne
from spikewatch.chassis.outcome import Transient
from spikewatch.contracts.feed_health import FeedHealth
from spikewatch.ingest.domain.feed_book import FeedBook

__all__ = ["MongoFeedBooks"]


class MongoFeedBooks:
    """Collection ``feed_books``; there are as many documents as feeds, and each stays a few kilobytes."""

    def __init__(self, mongo: Mongo) -> None:
        self._documents = mongo.collection("feed_books")

    async def load(self, feeds: Collection[str]) -> Mapping[str, FeedBook]:
        """Return the books of the feeds that are known."""
        return {document["_id"]: _book(document) for document in await self._documents.find({"_id": {"$in": list(feeds)}})}

    async def every(self) -> Sequence[FeedBook]:
        """Return all books, by name."""
        return [_book(document) for document in await self._documents.find({}, sort=[("_id", 1)])]

    async def save(self, books: Sequence[FeedBook]) -> None:
        """Store books as they are now.

        Raises:
            Transient: another instance changed one of them since it was loaded; the others are stored.
        """
        if not books:
            return
        inserts = [InsertOne({"_id": book.feed, **_content(book)}) for book in books if book.version == 0]
        updates = [UpdateOne({"_id": book.feed, "version": book.version}, {"$set": _content(book)}) for book in books if book.version > 0]
        done = await self._documents.bulk([*inserts, *updates])
        if done.duplicates or done.matched < len(updates):
            raise Transient("mongodb: a feed's book was changed by another writer")


def _content(book: FeedBook) -> Document:
    return {
        "version": book.version + 1,
        "read_to": {str(partition): offset for partition, offset in book.read_to.items()},
        "first_received_at": book.first_received_at,
        "last_received_at": book.last_received_at,
        "last_occurred_at": book.last_occurred_at,
        "days": {day.isoformat(): dict(counts) for day, counts in book.days.items()},
        "pauses": {day.isoformat(): longest for day, longest in book.pauses.items()},
        "published": None if book.published is None else book.published.to_json().decode(),
    }


def _book(document: Document) -> FeedBook:
    return FeedBook(
        feed=document["_id"],
        version=document["version"],
        read_to={int(partition): offset for partition, offset in document["read_to"].items()},
        first_received_at=document["first_received_at"],
        last_received_at=document["last_received_at"],
        last_occurred_at=document["last_occurred_at"],
        days={date.fromisoformat(day): Counter(counts) for day, counts in document["days"].items()},
        pauses={date.fromisoformat(day): longest for day, longest in document["pauses"].items()},
        published=None if document["published"] is None else FeedHealth.model_validate_json(document["published"]),
    )
