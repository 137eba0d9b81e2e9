"""What the use cases need from outside. Each port has an in-memory form in ``testing.py`` that passes the adapter's own tests."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol
from uuid import UUID

from spikewatch.chassis.kafka.message import Message
from spikewatch.contracts.directory import AgencyRecord
from spikewatch.ingest.domain.api_key import ApiKey
from spikewatch.ingest.domain.feed_book import FeedBook
from spikewatch.ingest.domain.receipt import Receipt
from spikewatch.ingest.domain.revision import History

__all__ = ["Agencies", "ApiKeys", "FeedBooks", "Publisher", "Receipts", "Revisions"]


class Agencies(Protocol):
    """The agencies of the directory."""

    def get(self, agency_id: str) -> AgencyRecord | None:
        """Return the agency, or None when the directory has none of that id."""
        ...

    async def appeared(self, agency_id: str) -> AgencyRecord | None:
        """Return the agency; wait a moment for one whose record may still be on its way."""
        ...


class Revisions(Protocol):
    """The known revisions of every report."""

    async def load(self, keys: Collection[UUID]) -> Mapping[UUID, History]:
        """Return the histories of the keys that are known.

        Raises:
            Transient: the store does not answer.
        """
        ...

    async def save(self, histories: Sequence[History]) -> None:
        """Store histories as they are now.

        Raises:
            Transient: the store does not answer, or another writer changed one of them since it was loaded.
        """
        ...


class Receipts(Protocol):
    """What became of submissions."""

    async def save(self, receipts: Sequence[Receipt]) -> None:
        """Store receipts; a later one of the same submission replaces it, a part changes only its records.

        Raises:
            Transient: the store does not answer.
        """
        ...

    async def find(self, agency_id: str, submission_id: UUID) -> Receipt | None:
        """Return a receipt of this agency.

        Raises:
            Transient: the store does not answer.
        """
        ...


class FeedBooks(Protocol):
    """What is kept about every feed."""

    async def load(self, feeds: Collection[str]) -> Mapping[str, FeedBook]:
        """Return the books of the feeds that are known.

        Raises:
            Transient: the store does not answer.
        """
        ...

    async def every(self) -> Sequence[FeedBook]:
        """Return all books, by name.

        Raises:
            Transient: the store does not answer.
        """
        ...

    async def save(self, books: Sequence[FeedBook]) -> None:
        """Store books as they are now.

        Raises:
            Transient: the store does not answer, or another writer changed one of them since it was loaded.
        """
        ...


class ApiKeys(Protocol):
    """The agencies' API keys, by hash."""

    async def add(self, key: ApiKey) -> None:
        """Store a new key."""
        ...

    async def find(self, digest: bytes) -> ApiKey | None:
        """Return the key with this hash, revoked or not.

        Raises:
            Transient: the store does not answer.
        """
        ...

    async def of(self, agency_id: str | None) -> Sequence[ApiKey]:
        """Return an agency's keys, or all, oldest first."""
        ...

    async def revoke(self, key: ApiKey) -> None:
        """Store the moment the key was revoked; an earlier one stays."""
        ...


class Publisher(Protocol):
    """Publishes outside a batch."""

    async def send(self, messages: Sequence[Message]) -> None:
        """Return when the broker has acknowledged all messages.

        Raises:
            Transient: it has not.
        """
        ...
