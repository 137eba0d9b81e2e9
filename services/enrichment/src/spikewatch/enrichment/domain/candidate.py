"""What matching keeps of a report: what is compared, and what fills an overdose, and no more (no address text)."""

from typing import Final, Self
from uuid import UUID

from spikewatch.contracts.contract import AreaId, Contract, ShortText, UtcDatetime, unchecked
from spikewatch.contracts.incident import ReportReference
from spikewatch.contracts.report import Drug, LocatedReport, Position, Reversal, Victims
from spikewatch.contracts.vocabulary import Disposition, Outcome, TimePrecision
from spikewatch.enrichment.domain.matching.keys import blocks, probes, spots
from spikewatch.enrichment.domain.matching.records import Compared, of_located
from spikewatch.enrichment.domain.matching.stored import packed, unpacked

__all__ = ["Candidate", "Extract"]


class Extract(Contract):
    """What of one revision of a located report may fill an overdose or an incident."""

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
    case_definition_hits: tuple[ShortText, ...] = ()

    @classmethod
    def of(cls, located: LocatedReport) -> "Extract":
        """Take what matching needs from a located report, whose values are right already."""
        report = located.report
        return _extract(
            reference=_reference(
                report_id=report.report_id,
                report_key=report.report_key,
                source_agency_id=report.source_agency_id,
                source_type=report.source_type,
                submission_id=report.submission_id,
                trace_id=report.trace_id,
                # Follows from this revision alone, so that any order of arrival gives the same incident.
                first_received_at=report.received_at if report.revision == 1 else None,
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
            case_definition_hits=report.case_definition_hits,
        )


# A fourth of the cost: all of it was checked when the located report was read.
_extract: Final = unchecked(Extract)
_reference: Final = unchecked(ReportReference)


class Candidate:
    """One report as the matcher sees it. What fills an overdose is read from its kept form when it is asked for: most are only compared."""

    __slots__ = ("_blocks", "_content", "_extract", "_probes", "_spots", "record")

    def __init__(self, record: Compared, content: bytes, extract: Extract | None = None) -> None:
        self.record = record
        self._content = content
        self._extract = extract
        self._blocks: tuple[int, ...] | None = None
        self._probes: tuple[int, ...] | None = None
        self._spots: tuple[str, ...] | None = None

    @classmethod
    def of(cls, located: LocatedReport) -> Self:
        """Take what is compared and what is kept from a located report that was not withdrawn."""
        extract = Extract.of(located)
        return cls(of_located(located), extract.to_json(), extract)

    @classmethod
    def kept(cls, key: UUID, state: tuple[int, int], compared: bytes, content: bytes) -> Self:
        """Return a report as it was stored."""
        return cls(unpacked(key, state, compared), content)

    def put_away(self) -> None:
        """Hold no more than what is compared and found by; the rest is read again from its kept form."""
        self._extract = None
        self._probes = None

    @property
    def key(self) -> UUID:
        """The report's key."""
        return self.record.key

    @property
    def extract(self) -> Extract:
        """What may fill an overdose."""
        made = self._extract  # another batch may put it away in between
        if made is None:
            made = self._extract = Extract.model_validate_json(self._content)
        return made

    @property
    def compared(self) -> bytes:
        """What is compared, as it is stored."""
        return packed(self.record)

    @property
    def content(self) -> bytes:
        """The extract as it is stored."""
        return self._content

    @property
    def blocks(self) -> tuple[int, ...]:
        """The blocks it is found by."""
        if self._blocks is None:
            self._blocks = blocks(self.record)
        return self._blocks

    @property
    def probes(self) -> tuple[int, ...]:
        """The blocks in which all lie that it may be compared with."""
        made = self._probes  # another batch may put it away in between
        if made is None:
            made = self._probes = probes(self.record)
        return made

    @property
    def spots(self) -> tuple[str, ...]:
        """What the reports of its agency are counted by."""
        if self._spots is None:
            self._spots = spots(self.record)
        return self._spots
