"""In-memory ports for tests and for the batch verb; they pass the same suite as the MongoDB adapters."""

from collections.abc import Collection, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from spikewatch.chassis.kafka.message import Message
from spikewatch.chassis.outcome import Transient
from spikewatch.contracts.directory import AgencyRecord, AgencyState, ProfileRecord
from spikewatch.contracts.vocabulary import SourceType
from spikewatch.ingest.domain.api_key import ApiKey
from spikewatch.ingest.domain.feed_book import FeedBook
from spikewatch.ingest.domain.receipt import Receipt
from spikewatch.ingest.domain.revision import History

__all__ = ["FakeAgencies", "FakePublisher", "InMemoryApiKeys", "InMemoryFeedBooks", "InMemoryReceipts", "InMemoryRevisions", "agency"]


def agency(
    agency_id: str, *, state: AgencyState = AgencyState.ACTIVE, time_zone: str = "America/New_York", county_fips: str | None = "99001"
) -> AgencyRecord:
    """Return an invented agency."""
    return AgencyRecord(
        name=f"agencies/{agency_id}",
        display_name=agency_id,
        etag="1",
        version=1,
        update_time=datetime(2026, 1, 1, tzinfo=UTC),
        agency_id=agency_id,
        source_type=SourceType.EMS,
        state=state,
        time_zone=time_zone,
        county_fips=county_fips,
    )


class FakeAgencies:
    """Agencies given at the start."""

    def __init__(self, *agencies: AgencyRecord) -> None:
        self.by_id = {agency.agency_id: agency for agency in agencies}
        self.profiles: list[ProfileRecord] = []

    def get(self, agency_id: str) -> AgencyRecord | None:
        """Return the agency."""
        return self.by_id.get(agency_id)

    async def appeared(self, agency_id: str) -> AgencyRecord | None:
        """Return the agency without waiting."""
        return self.by_id.get(agency_id)

    def profile(self, agency_id: str, name: str, version: int | None = None) -> ProfileRecord | None:
        """Return a version of a profile, the newest by default."""
        owned = (one for one in self.profiles if (one.parent, one.profile) == (f"agencies/{agency_id}", name))
        return max((one for one in owned if version in {None, one.profile_version}), key=lambda one: one.profile_version, default=None)

    async def appeared_profile(self, agency_id: str, name: str, version: int | None) -> ProfileRecord | None:
        """Return a version without waiting."""
        return self.profile(agency_id, name, version)


class InMemoryRevisions:
    """Histories in a dictionary."""

    def __init__(self) -> None:
        self.stored: dict[UUID, History] = {}

    async def load(self, keys: Collection[UUID]) -> Mapping[UUID, History]:
        """Return copies, as a database does."""
        return {key: deepcopy(self.stored[key]) for key in keys if key in self.stored}

    async def save(self, histories: Sequence[History]) -> None:
        """Store histories whose version is the stored one; the others are a conflict."""
        has_conflict = False
        for history in histories:
            stored = self.stored.get(history.report_key)
            if (stored.version if stored else 0) != history.version:
                has_conflict = True
            else:
                self.stored[history.report_key] = History(history.report_key, history.version + 1, list(history.revisions))
        if has_conflict:
            raise Transient("a report's revisions were changed by another writer")


class InMemoryFeedBooks:
    """Books in a dictionary."""

    def __init__(self) -> None:
        self.stored: dict[str, FeedBook] = {}

    async def load(self, feeds: Collection[str]) -> Mapping[str, FeedBook]:
        """Return copies, as a database does."""
        return {feed: deepcopy(self.stored[feed]) for feed in feeds if feed in self.stored}

    async def every(self) -> Sequence[FeedBook]:
        """Return copies of all, by name."""
        return [deepcopy(self.stored[feed]) for feed in sorted(self.stored)]

    async def save(self, books: Sequence[FeedBook]) -> None:
        """Store books whose version is the stored one; the others are a conflict."""
        has_conflict = False
        for book in books:
            stored = self.stored.get(book.feed)
            if (stored.version if stored else 0) != book.version:
                has_conflict = True
            else:
                self.stored[book.feed] = replace(deepcopy(book), version=book.version + 1)
        if has_conflict:
            raise Transient("a feed's book was changed by another writer")


class InMemoryReceipts:
    """Receipts in a dictionary."""

    def __init__(self) -> None:
        self.stored: dict[tuple[str, UUID], Receipt] = {}

    async def save(self, receipts: Sequence[Receipt]) -> None:
        """Store receipts; a part changes only its records."""
        for receipt in receipts:
            key = (receipt.agency_id, receipt.submission_id)
            if receipt.is_part:
                before = self.stored.get(key, replace(receipt, records=0, outcomes=()))
                merged = {outcome.index: outcome for outcome in (*before.outcomes, *receipt.outcomes)}
                outcomes = tuple(merged[index] for index in sorted(merged))
                count = sum(index >= 0 for index in merged)
                self.stored[key] = replace(before, records=max(before.records, count), outcomes=outcomes, is_part=False)
            else:
                self.stored[key] = receipt

    async def find(self, agency_id: str, submission_id: UUID) -> Receipt | None:
        """Return a receipt of this agency."""
        return self.stored.get((agency_id, submission_id))


class InMemoryApiKeys:
    """Keys in a dictionary; ``is_down`` makes it fail as a lost database does."""

    def __init__(self) -> None:
        self.stored: dict[str, ApiKey] = {}
        self.is_down = False

    async def add(self, key: ApiKey) -> None:
        """Store a new key."""
        self.stored[key.key_id] = key

    async def find(self, digest: bytes) -> ApiKey | None:
        """Return the key with this hash."""
        if self.is_down:
            raise Transient("no database")
        return next((key for key in self.stored.values() if key.digest == digest), None)

    async def of(self, agency_id: str | None) -> Sequence[ApiKey]:
        """Return an agency's keys, or all, oldest first."""
        keys = sorted(self.stored.values(), key=lambda key: (key.created_at, key.key_id))
        return [key for key in keys if agency_id in {None, key.agency_id}]

    async def revoke(self, key: ApiKey) -> None:
        """Store the moment the key was revoked; an earlier one stays."""
        if self.stored[key.key_id].revoked_at is None:
            self.stored[key.key_id] = key


class FakePublisher:
    """Keeps what was sent; ``is_down`` makes it fail as a lost broker does."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.is_down = False

    async def send(self, messages: Sequence[Message]) -> None:
        """Keep the messages."""
        if self.is_down:
            raise Transient("no broker")
        self.sent.extend(messages)
