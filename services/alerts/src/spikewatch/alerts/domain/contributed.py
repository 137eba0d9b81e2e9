"""What one incident adds to one area, as it is held, and what a new record of it changes."""

from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from spikewatch.alerts.domain.instants import micros, moment
from spikewatch.alerts.domain.marks import mark
from spikewatch.contracts.contract import unchecked
from spikewatch.contracts.contribution import Contribution, contribution_key
from spikewatch.contracts.incident import ReportReference
from spikewatch.contracts.vocabulary import SourceType

__all__ = ["Contributed", "Held", "Position", "ReportRow", "Told", "accepted", "contributed_of", "held_of", "reference_of", "withdrawn"]

_reference: Final = unchecked(ReportReference)  # rows hold what a contract checked when it came

ReportRow = tuple[UUID, UUID, str, str, UUID, str | None, int | None]
"""A report reference without its model: thousands are read for each that is shown. The last is when it was first received."""

Position = tuple[int, int]
"""Partition and offset of a record."""


@dataclass(slots=True)
class Held:
    """One incident's overdoses in one area; parallel tuples, times in microseconds.

    ``gone_at`` is where the tombstone stood that took it away, None while it counts. ``sequence`` counts writes, for
    compare-and-set.
    """

    area: str
    incident: UUID
    revision: int
    place_key: str
    times: tuple[int, ...]
    marks: tuple[int, ...]
    reports: tuple[tuple[ReportRow, ...], ...]
    gone_at: Position | None = None
    sequence: int = field(default=1, compare=False)
    known_key: str | None = field(default=None, compare=False, repr=False)

    @property
    def key(self) -> str:
        """The record key, area and incident."""
        return self.known_key or contribution_key(self.area, self.incident)

    @property
    def rows(self) -> tuple[tuple[int, int], ...]:
        """Time and mark of each overdose."""
        return tuple(zip(self.times, self.marks, strict=True))


@dataclass(slots=True)  # not frozen: one is made for every incident that comes, and that costs four times as much
class Told:
    """What a contribution tells but for its area: the same for all areas of an incident. Parallel tuples, times in microseconds."""

    incident: UUID
    incident_text: str
    revision: int
    place_key: str
    times: tuple[int, ...]
    marks: tuple[int, ...]
    reports: tuple[tuple[ReportRow, ...], ...]


@dataclass(slots=True)
class Contributed:
    """A contribution without its models, a quarter of their size: what was told, and the area in which it counts."""

    area: str
    told: Told

    @property
    def key(self) -> str:
        """The record key, area and incident."""
        return contribution_key(self.area, self.told.incident_text)


def contributed_of(contribution: Contribution) -> Contributed:
    """Return a contribution without its models."""
    overdoses = contribution.overdoses
    incident = contribution.incident_id
    return Contributed(
        contribution.area,
        Told(
            incident=incident,
            incident_text=str(incident),
            revision=contribution.revision,
            place_key=contribution.place_key,
            times=tuple([micros(overdose.occurred_at) for overdose in overdoses]),
            marks=tuple(
                [
                    mark(
                        (overdose.outcome,),
                        overdose.drug_classes,
                        [report.source_type for report in overdose.reports],
                        overdose.case_definition_hits,
                    )
                    for overdose in overdoses
                ]
            ),
            reports=tuple([tuple([_row(report) for report in overdose.reports]) for overdose in overdoses]),
        ),
    )


def held_of(contributed: Contributed, before: Held | None = None, *, key: str | None = None) -> Held:
    """Return what is held of a contribution; ``before`` is what was held, which may know when a report that was revised first came.

    ``key`` is its record key, where that is known.
    """
    told = contributed.told
    return Held(
        area=contributed.area,
        incident=told.incident,
        revision=told.revision,
        place_key=told.place_key,
        times=told.times,
        marks=told.marks,
        reports=told.reports if before is None else _with_known(told.reports, before.reports),
        known_key=key,
    )


def _with_known(reports: tuple[tuple[ReportRow, ...], ...], before: tuple[tuple[ReportRow, ...], ...]) -> tuple[tuple[ReportRow, ...], ...]:
    known = {row[1]: row[6] for rows in before for row in rows if row[6] is not None}
    return tuple([tuple([row if row[6] is not None else (*row[:6], known.get(row[1])) for row in rows]) for rows in reports])


def withdrawn(area: str, incident: UUID, held: Held | None, position: Position) -> Held:
    """Return what is held after a tombstone."""
    revision, place_key = (held.revision, held.place_key) if held else (0, "")
    return Held(area, incident, revision, place_key, (), (), (), gone_at=position)


def accepted(held: Held | None, revision: int, position: Position) -> bool:
    """Tell whether a contribution is news or at least a repetition, not an older state seen again in a replay.

    After a tombstone a record counts if its revision is higher or if it stands behind the tombstone: the incident
    may have been founded anew.
    """
    if held is None:
        return True
    if held.gone_at is None:
        return revision >= held.revision
    return revision > held.revision or (position[0] == held.gone_at[0] and position[1] > held.gone_at[1])


def reference_of(row: ReportRow) -> ReportReference:
    """Return a row as the contracts' model."""
    report, key, agency, source, submission, trace, received = row
    return _reference(
        report_id=report,
        report_key=key,
        source_agency_id=agency,
        source_type=SourceType(source),
        submission_id=submission,
        trace_id=trace,
        first_received_at=None if received is None else moment(received),
    )


def _row(report: ReportReference) -> ReportRow:
    received = report.first_received_at
    return (
        report.report_id,
        report.report_key,
        report.source_agency_id,
        report.source_type.value,
        report.submission_id,
        report.trace_id,
        None if received is None else micros(received),
    )
