"""What a feed format is: how its bytes are cut into records, and how one record becomes a report."""

import hmac
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import BinaryIO, Final, NamedTuple
from uuid import UUID

from spikewatch.contracts.directory import AgencyRecord
from spikewatch.contracts.report import Location, QualityNote, Report
from spikewatch.contracts.vocabulary import SourceType, TimeBasis, TimePrecision
from spikewatch.ingest.domain.evidence import NOTHING_FOUND, Found
from spikewatch.ingest.domain.record import Fields, RawRecord, Split
from spikewatch.ingest.domain.rejection import Fault, Rejected

__all__ = ["COUNTY_ASSUMED", "FILE_KEY", "Feed", "NotAnOverdose", "Reading", "Source"]

COUNTY_ASSUMED: Final = QualityNote(field="location.county_fips", code="agency_county_assumed")
FILE_KEY: Final = b"spikewatch normalize, files only"
"""The key of hashes where files are only looked at. Everybody knows it: no service hashes under it."""


@dataclass(frozen=True)
class Source:
    """What is known about a record from outside it: who sent it, when, and as part of what.

    ``time_zone`` is the IANA name for naive times, ``county_fips`` the agency's home county; both may be unknown.
    ``profile`` is the name and version of the profile that reads it, ``name@n``. ``record_key`` is the agency's key for hashed ids.
    """

    agency_id: str
    source_type: SourceType
    received_at: datetime
    submission_id: UUID
    format: str
    time_zone: str | None = None
    county_fips: str | None = None
    trace_id: str | None = None
    profile: str | None = None
    record_key: bytes = field(default=FILE_KEY, repr=False)

    @classmethod
    def of(
        cls, agency: AgencyRecord, *, received_at: datetime, submission_id: UUID, feed: str, trace_id: str | None, record_key: bytes
    ) -> "Source":
        """Build it from the agency's record in the directory."""
        county = agency.county_fips if agency.county_fips and len(agency.county_fips) == 5 and agency.county_fips.isdecimal() else None
        return cls(
            agency_id=agency.agency_id,
            source_type=agency.source_type,
            received_at=received_at,
            submission_id=submission_id,
            format=feed,
            time_zone=agency.time_zone or None,
            county_fips=county,
            trace_id=trace_id,
            record_key=record_key,
        )

    @cached_property
    def frame(self) -> Report:
        """What all reports of this source share, checked by the contract once; what a record says takes the place of the rest."""
        made = Report(
            report_id=self.submission_id,
            report_key=self.submission_id,
            source_agency_id=self.agency_id,
            source_record_id="",
            revision=1,
            source_type=self.source_type,
            occurred_at=self.received_at,
            occurred_at_basis=TimeBasis.REPORTED,
            occurred_at_precision=TimePrecision.SECOND,
            received_at=self.received_at,
            location=Location(county_fips=self.county_fips),
            submission_id=self.submission_id,
            submission_format=self.format,
            profile=self.profile,
            trace_id=self.trace_id,
        )
        return made.changed(**dict(made))  # now no field counts as left out

    def hashed_id(self, *parts: str) -> str:
        """Return a record id that gives no part away: the same parts of the same agency, the same id.

        Keyed, since the numbers of visits and persons are short: of a plain hash all could be tried.
        """
        keyed = self._keyed.copy()  # half the cost of a new one
        keyed.update("\x1f".join(parts).encode("utf-8", "surrogatepass"))
        return f"hmac-{keyed.digest()[:20].hex()}"

    @cached_property
    def _keyed(self) -> hmac.HMAC:
        return hmac.new(self.record_key, digestmod="sha256")


class Reading(NamedTuple):
    """A report as one record states it, before the case definitions have looked at it.

    Attributes:
        report: without drugs that ``found`` names, without hits.
        stated_revision: the revision the source itself gave it, if any; higher is later.
        found: the codes, names and texts that classification reads. Texts end there.
        is_declared: its sender says that it is an overdose. Otherwise the case definitions decide.
    """

    report: Report
    stated_revision: int | None = None
    found: Found = NOTHING_FOUND
    is_declared: bool = True


class NotAnOverdose(NamedTuple):
    """The record is sound but about something else; it becomes no report and no dead letter.

    With a ``report`` it takes back what the same source record said before, if that was an overdose.
    """

    report: Report | None = None
    stated_revision: int | None = None


@dataclass(frozen=True, slots=True)
class Feed:
    """One feed format.

    Args:
        name: as it stands in ``format=``.
        summary: one line for people.
        splits: how the bytes of each accepted media type are cut into records.
        read: makes a reading of one record's fields, or raises ``Rejected``.
        default_source: the kind of agency that usually sends it, where no directory says.
    """

    name: str
    summary: str
    splits: Mapping[str, Split]
    read: Callable[[Fields, Source], Reading | NotAnOverdose]
    default_source: SourceType

    def records(self, body: bytes | BinaryIO, media_type: str, *, limit: int) -> Iterator[RawRecord]:
        """Cut a submission into records, one by one.

        Raises:
            Rejected: the media type is not one of the feed's, or the body as a whole cannot be cut.
        """
        split = self.splits.get(media_type)
        if split is None:
            accepted = ", ".join(self.splits)
            raise Rejected(Fault.UNSUPPORTED_FORMAT, "content-type", f"is none that {self.name} comes in", f"one of {accepted}", accepted)
        return split(io.BytesIO(body) if isinstance(body, bytes) else body, limit)
