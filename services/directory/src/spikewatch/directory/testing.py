"""Stand-ins that behave as the real ones, for tests of this service and of its clients."""

from collections.abc import Collection, Sequence
from datetime import datetime

from spikewatch.chassis.outcome import Transient
from spikewatch.contracts.directory import ContactRecord
from spikewatch.directory.domain.filters import Term
from spikewatch.directory.domain.names import Kind
from spikewatch.directory.domain.records import Record
from spikewatch.directory.ports import Change, Stored

__all__ = ["FakePublisher", "InMemoryRecordStore"]


class InMemoryRecordStore:
    """A ``RecordStore`` and ``Outbox`` in dictionaries; passes the same contract suite as ``MongoRecordStore``."""

    def __init__(self) -> None:
        self._stored: dict[str, Stored] = {}
        self._waiting: dict[str, list[Change]] = {}
        self._hold: tuple[str, datetime] | None = None

    def _present(self) -> list[Record]:
        return [self._stored[name].record for name in sorted(self._stored) if self._stored[name].record is not None]  # type: ignore[misc]  # narrowed by the condition

    async def get(self, name: str) -> Stored | None:
        """Return what is known of a name, deleted or not."""
        return self._stored.get(name)

    async def put(self, stored: Stored, *, replaces: int | None) -> bool:
        """Write a new state and the change to publish; False when another writer was first."""
        known = self._stored.get(stored.name)
        if (None if known is None else known.version) != replaces:
            return False
        self._stored[stored.name] = stored
        self._waiting.setdefault(stored.name, []).append(Change(stored.name, stored.version, stored.record, stored.changed_at))
        return True

    async def page(self, kind: Kind, prefix: str, terms: Sequence[Term], after: str, limit: int) -> list[Record]:
        """Return records by name."""
        found = [
            record
            for record in self._present()
            if record.kind == kind.value
            and record.name.startswith(prefix)
            and record.name > after
            and all(term.holds(getattr(record, term.field)) for term in terms)
        ]
        return found[:limit]

    async def has_children(self, name: str) -> bool:
        """Return whether a record has services or contacts."""
        return any(record.name.startswith(f"{name}/") for record in self._present())

    async def contacts_for(self, areas: Collection[str]) -> list[ContactRecord]:
        """Return the contacts that answer for any of these areas."""
        contacts = [record for record in self._present() if isinstance(record, ContactRecord)]
        return [contact for contact in contacts if set(contact.areas) & set(areas)]

    async def waiting(self, limit: int) -> list[Change]:
        """Return changes of at most ``limit`` records."""
        names = [name for name, changes in self._waiting.items() if changes][:limit]
        return [change for name in names for change in self._waiting[name]]

    async def mark_sent(self, name: str, version: int) -> bool:
        """Forget the changes up to a version; False when the last of them was forgotten already."""
        changes = self._waiting.get(name, [])
        self._waiting[name] = [change for change in changes if change.version > version]
        return any(change.version == version for change in changes)

    async def publish_again(self, name: str) -> None:
        """Let the record's present state wait once more."""
        if (stored := self._stored.get(name)) is not None:
            self._waiting[name].append(Change(stored.name, stored.version, stored.record, stored.changed_at))

    async def hold(self, holder: str, now: datetime, until: datetime) -> bool:
        """Become or stay the one relay until a moment."""
        if self._hold is not None and self._hold[0] != holder and self._hold[1] > now:
            return False
        self._hold = (holder, until)
        return True

    async def release(self, holder: str) -> None:
        """Let another relay take over at once."""
        if self._hold is not None and self._hold[0] == holder:
            self._hold = None


class FakePublisher:
    """Remembers what was published; fails while ``is_away``."""

    def __init__(self) -> None:
        self.published: list[Change] = []
        self.is_away = False

    async def publish(self, changes: Sequence[Change]) -> None:
        """Publish in this order."""
        if self.is_away:
            raise Transient("kafka: away")
        self.published.extend(changes)
