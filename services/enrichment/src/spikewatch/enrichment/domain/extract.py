"""What of a report may fill an overdose or an incident, and how it is kept."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeVar
from uuid import UUID

from pydantic import TypeAdapter

from spikewatch.contracts.contract import Contract, unchecked
from spikewatch.contracts.incident import ReportReference
from spikewatch.contracts.report import Drug, LocatedReport, Position, Reversal, Victims
from spikewatch.contracts.vocabulary import Disposition, Outcome, PlacePrecision, SourceType, TimePrecision
from spikewatch.enrichment.domain.matching.records import Compared

__all__ = ["Extract"]

M = TypeVar("M", bound=Contract)


class Extract(NamedTuple):
    """What of one revision of a located report may fill an overdose or an incident: its values are right already."""

    reference: ReportReference
    occurred_at: datetime
    occurred_at_precision: TimePrecision
    received_at: datetime
    place_key: str
    position: Position | None
    areas: tuple[str, ...]
    outcome: Outcome
    drugs: tuple[Drug, ...]
    reversal: Reversal
    victims: Victims
    disposition: Disposition
    case_definition_hits: tuple[str, ...]

    @classmethod
    def of(cls, located: LocatedReport) -> "Extract":
        """Take what matching needs from a located report."""
        report = located.report
        return cls(
            _reference(
                report_id=report.report_id,
                report_key=report.report_key,
                source_agency_id=report.source_agency_id,
                source_type=report.source_type,
                submission_id=report.submission_id,
                trace_id=report.trace_id,
                # Follows from this revision alone, so that any order of arrival gives the same incident.
                first_received_at=report.received_at if report.revision == 1 else None,
            ),
            report.occurred_at,
            report.occurred_at_precision,
            report.received_at,
            located.place_key,
            located.position,
            located.areas,
            report.outcome,
            report.drugs,
            report.reversal,
            report.victims,
            report.disposition,
            report.case_definition_hits,
        )

    def written(self) -> bytes:
        """Return it as it is kept: a list in JSON, without what the record that is kept beside it says."""
        reference = self.reference
        return _write(
            (
                reference.report_id,
                reference.source_type,
                reference.submission_id,
                reference.trace_id,
                self.occurred_at,
                self.occurred_at_precision,
                self.received_at,
                None if self.position is None else _values(self.position),
                self.areas,
                self.outcome,
                tuple([_values(drug) for drug in self.drugs]),
                _values(self.reversal),
                _values(self.victims),
                self.disposition,
                self.case_definition_hits,
            )
        )

    @classmethod
    def read(cls, record: Compared, kept: bytes) -> "Extract":
        """Return again what was kept beside a record."""
        report, source, submission, trace, at, precision, received, place, areas, outcome, drugs, reversal, victims, end, met = _read(kept)
        received = received.replace(tzinfo=UTC)  # it is in UTC, but by an object of the parser's own
        return cls(
            _reference(
                report_id=report,
                report_key=record.key,
                source_agency_id=record.agency,
                source_type=source,
                submission_id=submission,
                trace_id=trace,
                first_received_at=received if record.revision[0] == 1 else None,
            ),
            at.replace(tzinfo=UTC),
            precision,
            received,
            record.region,
            None if place is None else _placed(*place),
            areas,
            outcome,
            tuple([_drug(drug) for drug in drugs]),
            _reversal(reversal),
            _victims(victims),
            end,
            met,
        )


def _values(part: Contract) -> tuple[Any, ...]:
    return tuple(part.__dict__.values())  # in the order of the model's fields


def _tuple_of(*types: Any) -> Any:
    return tuple.__class_getitem__(types)  # of types that are known at run time only


def _row_of(model: type[Contract]) -> Any:
    return _tuple_of(*(field.annotation for field in model.model_fields.values()))


def _maker(model: type[M]) -> Callable[[tuple[Any, ...]], M]:
    names, make = tuple(model.model_fields), unchecked(model)
    return lambda row: make(**dict(zip(names, row, strict=False)))  # so many there are, the reader has seen to it


def _placed(
    lat: float,
    lon: float,
    precision: PlacePrecision,
    radius: float,
    method: str,
    confidence: float | None,
    reasons: tuple[str, ...],
    candidates: int | None,
    vintage: str | None,
) -> Position:
    return _position(
        lat=lat,
        lon=lon,
        precision=precision,
        radius_m=radius,
        method=method,
        confidence=confidence,
        reasons=reasons,
        candidates=candidates,
        vintage=vintage,
    )


# A fourth of the cost: all of it was checked when the located report was read, and is of the same types when it is read again.
_reference: Final = unchecked(ReportReference)
_position: Final = unchecked(Position)
# What people and agencies say comes in few ways, and what is frozen may be shared.
_drug: Final = lru_cache(4096)(_maker(Drug))
_reversal: Final = lru_cache(4096)(_maker(Reversal))
_victims: Final = lru_cache(4096)(_maker(Victims))
# Not names and values but values alone, and each told its type: a third of the text, written and read at a fourth of the cost.
_kept: Final = TypeAdapter[Any](
    _tuple_of(
        UUID,
        SourceType,
        UUID,
        str | None,
        datetime,
        TimePrecision,
        datetime,
        _row_of(Position) | None,
        tuple[str, ...],
        Outcome,
        _tuple_of(_row_of(Drug), ...),
        _row_of(Reversal),
        _row_of(Victims),
        Disposition,
        tuple[str, ...],
    )
)
_write: Final = _kept.serializer.to_json
_read: Final = _kept.validator.validate_json
