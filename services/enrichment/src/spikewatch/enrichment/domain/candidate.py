"""What matching keeps of a report: enough to link it and to fill an overdose, and no more (no address text)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID

from spikewatch.contracts.contract import AreaId, Contract, ShortText, UtcDatetime
from spikewatch.contracts.incident import ReportReference
from spikewatch.contracts.report import Drug, LocatedReport, Position, Reversal, Victims
from spikewatch.contracts.vocabulary import AgeBand, Disposition, Outcome, TimePrecision
from spikewatch.enrichment.domain.links import Links

__all__ = ["Candidate", "Extract"]


class Extract(Contract):
    """The part of one revision of a located report that is stored."""

    reference: ReportReference
    revision: int
    geodata_version: int = 0
    occurred_at: UtcDatetime
    occurred_at_precision: TimePrecision
    received_at: UtcDatetime
    place_key: ShortText
    position: Position | None = None
    areas: tuple[AreaId, ...] = ()
    outcome: Outcome
    drugs: tuple[Drug, ...] = ()
    reversal: Reversal
    victims: Victims
    disposition: Disposition
    incident_number: ShortText | None = None
    cad_number: ShortText | None = None

    @classmethod
    def of(cls, located: LocatedReport) -> Self:
        """Take what matching needs from a located report."""
        report = located.report
        return cls(
            reference=ReportReference(
                report_id=report.report_id,
                report_key=report.report_key,
                source_agency_id=report.source_agency_id,
                source_type=report.source_type,
                submission_id=report.submission_id,
                trace_id=report.trace_id,
            ),
            revision=report.revision,
            geodata_version=located.geodata_version,
            occurred_at=report.occurred_at,
            occurred_at_precision=report.occurred_at_precision,
            received_at=report.received_at,
            place_key=located.place_key,
            position=located.position,
            areas=located.areas,
            outcome=report.outcome,
            drugs=report.drugs,
            reversal=report.reversal,
            victims=report.victims,
            disposition=report.disposition,
            incident_number=report.incident_number,
            cad_number=report.cad_number,
        )


@dataclass(slots=True)  # not frozen: one is made for every record, and that costs four times as much
class Candidate:
    """One report as the matcher sees it; ``order`` is the canonical order, which no arrival order can change."""

    key: UUID
    order: tuple[datetime, UUID]
    links: Links
    ages: tuple[int, int] | None
    extract: Extract

    @classmethod
    def of(cls, extract: Extract) -> Self:
        """Derive what is compared from what is stored."""
        key = extract.reference.report_key
        links = Links.of(
            place_key=extract.place_key,
            occurred_at=extract.occurred_at,
            time_precision=extract.occurred_at_precision,
            position=extract.position,
            agency=extract.reference.source_agency_id,
            cad_number=extract.cad_number,
            incident_number=extract.incident_number,
        )
        return cls(key, (extract.occurred_at, key), links, _ages(extract.victims), extract)

    @property
    def agency(self) -> str:
        """The agency that sent the report."""
        return self.extract.reference.source_agency_id


_OLDEST = 130  # closes the open band 90+


def _ages(victims: Victims) -> tuple[int, int] | None:
    if victims.age is not None:
        return victims.age, victims.age
    if victims.age_band is None:
        return None
    if victims.age_band is AgeBand.A90_PLUS:
        return 90, _OLDEST
    low, _, high = victims.age_band.partition("-")
    return int(low), int(high)
