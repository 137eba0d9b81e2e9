"""Opens a submission: whose it is, whether that is proven, and what is inside."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from spikewatch.contracts.directory import AgencyRecord, AgencyState
from spikewatch.contracts.identifiers import event_id, record_submission_id
from spikewatch.contracts.topics import EventType
from spikewatch.ingest.domain.rejection import Fault, Rejected
from spikewatch.ingest.domain.seal import HEADER as SEAL_HEADER
from spikewatch.ingest.domain.seal import Broken, Kind, Seals
from spikewatch.ingest.ports import Agencies
from spikewatch.ingest.profile_book import PROFILE_HEADER

__all__ = ["AGENCY_SOURCE", "FORMAT_HEADER", "INDEX_HEADER", "SUBMISSION_HEADER", "Arrival", "Intake", "Opened"]

FORMAT_HEADER: Final = "spikewatch-format"
SUBMISSION_HEADER: Final = "spikewatch-submission"
INDEX_HEADER: Final = "spikewatch-record-index"
AGENCY_SOURCE: Final = "/agencies/"
_DEFAULT_FORMAT: Final = "statutory"
_NOT_AN_AGENCY: Final = "-"


@dataclass(frozen=True, slots=True)
class Arrival:
    """One consumed record of the submissions topic. ``sent_at`` is its time on the broker, ``ce_time`` what its sender says."""

    ce_id: str
    ce_source: str
    ce_time: datetime | None
    content_type: str
    value: bytes
    headers: tuple[tuple[str, bytes | None], ...]
    sent_at: datetime
    trace_id: str | None = None
    partition: int = 0
    offset: int = 0

    @property
    def claimed_agency(self) -> str:
        """The agency that the source names; nothing proves it yet."""
        agency = self.ce_source.removeprefix(AGENCY_SOURCE)
        return agency if self.ce_source.startswith(AGENCY_SOURCE) and agency else _NOT_AN_AGENCY

    @property
    def media_type(self) -> str:
        """The content type without parameters, lower case."""
        return self.content_type.partition(";")[0].strip().lower()

    @property
    def is_sealed(self) -> bool:
        """Whether it claims a seal, so that nobody can read its value."""
        return self.seal_kind is not None

    @property
    def seal_kind(self) -> Kind | None:
        """The kind of seal it claims."""
        text = self.header(SEAL_HEADER)
        return next((kind for kind in Kind if kind.value == text), None)

    def header(self, name: str) -> str | None:
        """Return the last value of a header as text; None when it is missing or no text."""
        value = next((value for key, value in reversed(self.headers) if key == name), None)
        try:
            return None if value is None else value.decode()
        except UnicodeDecodeError:
            return None


@dataclass(frozen=True, slots=True)
class Opened:
    """A submission whose agency is proven.

    ``first_index`` is the place of its first record in the submission it first came with, ``profile`` what it names, ``name@n`` or
    ``name``.
    """

    agency: AgencyRecord
    submission_id: UUID
    received_at: datetime
    format: str
    body: bytes
    first_index: int = 0
    is_part: bool = False
    profile: str | None = None


class Intake:
    """Opens submissions.

    Args:
        seals: the keys.
        agencies: the directory's agencies.
        accept_unsealed: take records without a seal on their word (only where the broker's access rules prove the origin).
        now: the clock.
    """

    def __init__(self, *, seals: Seals, agencies: Agencies, accept_unsealed: bool, now: Callable[[], datetime]) -> None:
        self._seals = seals
        self._agencies = agencies
        self._accept_unsealed = accept_unsealed
        self._now = now

    async def open(self, arrival: Arrival) -> Opened:
        """Return the submission.

        Raises:
            Rejected: its origin is not proven, or its agency is unknown or suspended.
        """
        kind = arrival.seal_kind
        body = self._unsealed(arrival, kind)
        is_ours = kind is Kind.GATEWAY
        agency_id = arrival.claimed_agency
        # What our own gateway took belongs to an agency that it knew: its record may only be late here.
        agency = (await self._agencies.appeared(agency_id)) if is_ours else self._agencies.get(agency_id)
        if agency is None:
            problem = "names an agency that the directory does not have"
            raise Rejected(Fault.UNKNOWN_AGENCY, "ce_source", problem, "a registered agency", "/agencies/cedar-county-ems")
        if agency.state is AgencyState.SUSPENDED:
            raise Rejected(
                Fault.SUSPENDED_AGENCY, "ce_source", "names a suspended agency", "an active agency", "/agencies/cedar-county-ems"
            )
        submission_id, index = self._identity(arrival, is_ours=is_ours)
        return Opened(
            agency=agency,
            submission_id=submission_id,
            received_at=self._received_at(arrival, is_ours=is_ours),
            format=arrival.header(FORMAT_HEADER) or _DEFAULT_FORMAT,
            body=body,
            first_index=index or 0,
            is_part=index is not None,
            profile=arrival.header(PROFILE_HEADER) or None,
        )

    def _unsealed(self, arrival: Arrival, kind: Kind | None) -> bytes:
        if kind is None and self._accept_unsealed:
            return arrival.value
        if kind is None or kind is Kind.QUARANTINE:  # of that kind only what is not ours is left here: what is was unwrapped
            expected = f"a value sealed with the agency's key and the header {SEAL_HEADER}"
            raise Rejected(Fault.UNPROVEN_ORIGIN, SEAL_HEADER, "is missing or proves nothing", expected, Kind.AGENCY.value)
        try:
            return self._seals.open(
                kind,
                arrival.claimed_agency,
                arrival.value,
                ce_id=arrival.ce_id,
                ce_source=arrival.ce_source,
                content_type=arrival.content_type,
            )
        except Broken:
            expected = "a value sealed with this agency's key, bound to ce_id, ce_source and content-type"
            raise Rejected(Fault.UNPROVEN_ORIGIN, SEAL_HEADER, "does not open the value", expected, Kind.AGENCY.value) from None

    def _received_at(self, arrival: Arrival, *, is_ours: bool) -> datetime:
        # Only our gateway's word is taken for the time; both stay the same when the record is delivered again.
        return arrival.ce_time if is_ours and arrival.ce_time is not None else min(arrival.sent_at, self._now())

    def _identity(self, arrival: Arrival, *, is_ours: bool) -> tuple[UUID, int | None]:
        part = self._part(arrival) if is_ours else None
        if part is not None:
            return part
        try:
            return UUID(arrival.ce_id), None
        except ValueError:
            return event_id(EventType.SUBMISSION_RECEIVED, arrival.claimed_agency, arrival.ce_id), None

    @staticmethod
    def _part(arrival: Arrival) -> tuple[UUID, int] | None:
        """Return which record of which submission this is, when it is one that came out of a dead letter.

        The seal binds ``ce_id`` and that follows from the two, so nobody can move a record to another receipt.
        """
        submission, index = arrival.header(SUBMISSION_HEADER), arrival.header(INDEX_HEADER)
        if submission is None or index is None or not (index.isascii() and index.isdecimal() and len(index) <= 9):
            return None
        try:
            first = UUID(submission)
        except ValueError:
            return None
        return (first, int(index)) if str(record_submission_id(first, int(index))) == arrival.ce_id else None
