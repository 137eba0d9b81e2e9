"""What the use cases need from outside."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from spikewatch.contracts.directory import ContactRecord
from spikewatch.directory.domain.filters import Term
from spikewatch.directory.domain.names import Kind
from spikewatch.directory.domain.records import Record

__all__ = ["Change", "ChangePublisher", "Creation", "Outbox", "RecordStore", "Stored"]


@dataclass(frozen=True, slots=True)
class Creation:
    """Which request created a record, so that its repetition is recognised."""

    request_id: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Stored:
    """What is known of a name. A deleted record leaves its version, so that versions and event ids never repeat.

    Attributes:
        removed: digest of what a deleted version of a profile, or a deleted rule, held; None for all else.
    """

    name: str
    version: int
    record: Record | None
    changed_at: datetime
    creation: Creation | None = None
    removed: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One change that waits to be published; ``record`` None means deleted."""

    name: str
    version: int
    record: Record | None
    changed_at: datetime
    traceparent: str | None = None


class RecordStore(Protocol):
    """Keeps the records. Every method raises ``Transient`` when the store is away."""

    async def get(self, name: str) -> Stored | None:
        """Return what is known of a name, deleted or not."""
        ...

    async def put(self, stored: Stored, *, replaces: int | None) -> bool:
        """Write a new state and, in the same write, the change to publish.

        ``replaces`` is the version it was made from, None for a name never used. False when another writer was first.
        """
        ...

    async def page(self, kind: Kind, prefix: str, terms: Sequence[Term], after: str, limit: int) -> list[Record]:
        """Return the records whose name starts with the prefix and comes after ``after``, by name, at most ``limit``."""
        ...

    async def has_children(self, name: str) -> bool:
        """Return whether a record has services or contacts."""
        ...

    async def contacts_for(self, areas: Collection[str]) -> list[ContactRecord]:
        """Return the contacts that answer for any of these areas."""
        ...


class Outbox(Protocol):
    """The changes that wait. Every method raises ``Transient`` when the store is away."""

    async def waiting(self, limit: int) -> list[Change]:
        """Return changes of at most ``limit`` records, of each record all, oldest first."""
        ...

    async def mark_sent(self, name: str, version: int) -> bool:
        """Forget the changes of a record up to a version; False when there were none, so another relay was at work."""
        ...

    async def publish_again(self, name: str) -> None:
        """Let the record's present state wait once more."""
        ...

    async def hold(self, holder: str, now: datetime, until: datetime) -> bool:
        """Become or stay the one relay until a moment; False when another is."""
        ...

    async def release(self, holder: str) -> None:
        """Let another relay take over at once."""
        ...


class ChangePublisher(Protocol):
    """Publishes changes."""

    async def publish(self, changes: Sequence[Change]) -> None:
        """Publish in this order and return when all are acknowledged.

        Raises:
            Transient: nothing may be assumed of any of them.
        """
        ...
