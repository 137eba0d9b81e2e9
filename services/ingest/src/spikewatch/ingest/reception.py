"""The use cases behind the gateway: who sends, take a submission, tell what became of it."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from spikewatch.chassis.kafka.message import Message
from spikewatch.chassis.outcome import Transient
from spikewatch.contracts import topics
from spikewatch.contracts.directory import AgencyRecord, AgencyState
from spikewatch.contracts.topics import EventType
from spikewatch.ingest.credentials import Credentials
from spikewatch.ingest.domain.feeds import FEEDS
from spikewatch.ingest.domain.feeds.feed import Feed
from spikewatch.ingest.domain.receipt import Receipt
from spikewatch.ingest.domain.rejection import Fault, Rejected
from spikewatch.ingest.domain.seal import HEADER as SEAL_HEADER
from spikewatch.ingest.domain.seal import Kind, Seals
from spikewatch.ingest.domain.submission_id import SubmissionIds
from spikewatch.ingest.intake import AGENCY_SOURCE, FORMAT_HEADER
from spikewatch.ingest.ports import Agencies, Publisher, Receipts
from spikewatch.ingest.profile_book import NO_PROFILES, PROFILE_HEADER, ProfileBook, ProfileRecords

__all__ = ["SAME_MEDIA_TYPE", "Accepted", "NotAuthenticated", "Reception", "Suspended", "Unconfirmed"]

# A body above this is cut in a thread, so that one large CSV does not hold up every other request.
_LARGE_BYTES: Final = 65_536
SAME_MEDIA_TYPE: Final = {
    "application/jsonl": "application/x-ndjson",
    "application/jsonlines": "application/x-ndjson",
    "application/ndjson": "application/x-ndjson",
    "text/json": "application/json",
    "application/csv": "text/csv",
    "text/x-csv": "text/csv",
    "application/vnd.ms-excel.sheet.macroenabled.12": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
"""Other names of media types, each with the one that the formats know."""


class NotAuthenticated(Exception):  # noqa: N818  # named by what is true of the sender
    """No key was given, or none that belongs to an agency of the directory."""


class Suspended(Exception):  # noqa: N818  # named by what is true of the sender
    """The key is good, but its agency is suspended."""


class Unconfirmed(Exception):  # noqa: N818  # named by its consequence
    """The broker did not acknowledge: the submission was not accepted."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A submission that the broker holds."""

    submission_id: UUID
    format: str
    records: int
    received_at: datetime


class Reception:
    """Takes submissions from agencies.

    Args:
        credentials: whose key it is.
        agencies: the directory's agencies.
        seals: seals bodies before they travel.
        ids: issues submission ids.
        publisher: publishes to the submissions topic.
        receipts: what became of submissions.
        max_records: of one submission at most.
        publish_seconds: how long the broker may take.
        now: the clock.
        feeds: the formats that are taken.
        profiles: the agencies' own, by which their tables are read.
    """

    def __init__(  # a composition root passes them by name
        self,
        *,
        credentials: Credentials,
        agencies: Agencies,
        seals: Seals,
        ids: SubmissionIds,
        publisher: Publisher,
        receipts: Receipts,
        max_records: int,
        publish_seconds: float,
        now: Callable[[], datetime],
        feeds: Mapping[str, Feed] = FEEDS,
        profiles: ProfileRecords = NO_PROFILES,
    ) -> None:
        self._profiles = ProfileBook(profiles)
        self._credentials = credentials
        self._agencies = agencies
        self._seals = seals
        self._ids = ids
        self._publisher = publisher
        self._receipts = receipts
        self._max_records = max_records
        self._publish_seconds = publish_seconds
        self._now = now
        self._feeds = feeds

    async def authenticate(self, key: str) -> AgencyRecord:
        """Return the active agency a key belongs to.

        Raises:
            NotAuthenticated: the key belongs to none.
            Suspended: the agency is suspended.
            Transient: the key is not known here and the database does not answer.
        """
        agency_id = await self._credentials.agency_of(key)
        # A key may be used before its agency's record has reached this instance.
        agency = None if agency_id is None else await self._agencies.appeared(agency_id)
        if agency is None:
            raise NotAuthenticated
        if agency.state is AgencyState.SUSPENDED:
            raise Suspended
        return agency

    @property
    def feeds(self) -> Mapping[str, Feed]:
        """The formats that are taken, by name."""
        return self._feeds

    def feed(self, name: str, media_type: str) -> tuple[Feed, str]:
        """Return the feed and the media type by its usual name, before any of the body is read.

        Raises:
            Rejected: there is no such format, or it does not come in that media type.
        """
        feed = self._feeds.get(name)
        if feed is None:
            expected = "one of " + ", ".join(self._feeds)
            raise Rejected(Fault.UNSUPPORTED_FORMAT, "format", "names no format we take", expected, "statutory")
        return feed, _accepted_media_type(feed, media_type)

    def profiled(self, agency: AgencyRecord, named: str, media_type: str) -> tuple[str, Feed, str]:
        """Return ``name@version`` of an agency's profile, its feed, and the media type by its usual name.

        Raises:
            Rejected: there is no such profile, it cannot be used, or it does not come in that media type.
        """
        mark, feed = self._profiles.feed(agency.agency_id, named)
        return mark, feed, _accepted_media_type(feed, media_type)

    async def accept(
        self, agency: AgencyRecord, feed: Feed, media_type: str, body: bytes, idempotency_key: str | None, *, profile: str | None = None
    ) -> Accepted:
        """Publish a submission and return when the broker has it.

        Raises:
            Rejected: the body as a whole cannot be read. Single records are judged later.
            Unconfirmed: the broker did not acknowledge in time.
        """
        records = await self._count(feed, media_type, body)
        agency_id, received_at = agency.agency_id, self._now()
        submission_id = self._ids.issue(agency_id, idempotency_key)
        ce_id, ce_source = str(submission_id), f"{AGENCY_SOURCE}{agency_id}"
        headers: tuple[tuple[str, bytes], ...] = (
            (SEAL_HEADER, Kind.GATEWAY.value.encode()),
            (FORMAT_HEADER, feed.name.encode()),
        )
        if profile is not None:
            headers = (*headers, (PROFILE_HEADER, profile.encode()))
        message = Message(
            topic=topics.SUBMISSIONS,
            key=agency_id,
            body=self._seals.seal(Kind.GATEWAY, agency_id, body, ce_id=ce_id, ce_source=ce_source, content_type=media_type),
            event_type=EventType.SUBMISSION_RECEIVED,
            event_id=ce_id,
            source=ce_source,
            time=received_at,
            headers=headers,
            content_type=media_type,
        )
        try:
            async with asyncio.timeout(self._publish_seconds):
                await self._publisher.send([message])
        except (Transient, TimeoutError) as error:
            raise Unconfirmed from error
        return Accepted(submission_id, feed.name, records, received_at)

    async def look_up(self, agency: AgencyRecord, submission_id: UUID) -> Receipt | bool:
        """Return the receipt; True when the submission was issued but is not processed yet, False when it never was.

        Raises:
            Transient: the database does not answer.
        """
        receipt = await self._receipts.find(agency.agency_id, submission_id)
        return self._ids.issued(agency.agency_id, submission_id) if receipt is None else receipt

    async def _count(self, feed: Feed, media_type: str, body: bytes) -> int:
        if len(body) > _LARGE_BYTES:
            return await asyncio.to_thread(self._count_now, feed, media_type, body)
        return self._count_now(feed, media_type, body)

    def _count_now(self, feed: Feed, media_type: str, body: bytes) -> int:
        return sum(1 for _ in feed.records(body, media_type, limit=self._max_records))


def _accepted_media_type(feed: Feed, media_type: str) -> str:
    media_type = SAME_MEDIA_TYPE.get(media_type, media_type)
    if media_type not in feed.splits:
        expected = "one of " + ", ".join(feed.splits)
        raise Rejected(Fault.UNSUPPORTED_FORMAT, "content-type", f"is none that {feed.name} comes in", expected, next(iter(feed.splits)))
    return media_type
