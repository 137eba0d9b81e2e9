"""An incident and its overdoses: what matching recovers from the reports."""

from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

from pydantic import Field

from spikewatch.contracts.contract import AgencyId, AreaId, Contract, ShortText, UtcDatetime
from spikewatch.contracts.report import Drug, Position, QualityNote, Reversal, TraceId, Victims
from spikewatch.contracts.vocabulary import Outcome, SourceType, TimePrecision

__all__ = [
    "MOST_DEFINITIONS",
    "DefinitionsMet",
    "FieldOrigin",
    "Incident",
    "IncidentChange",
    "Overdose",
    "PublicPosition",
    "ReportReference",
]

MOST_DEFINITIONS: Final = 64
"""Of the case definitions that an overdose meets so many are named: twice as many as are shipped, and each costs every area's record some
twenty bytes."""

DefinitionsMet = Annotated[
    tuple[ShortText, ...],
    Field(
        max_length=MOST_DEFINITIONS,
        description="Case definitions that any of its reports meets, id@n, sorted; the first 64 of them. "
        "Empty, too, where an older version wrote it.",
    ),
]
"""Ids and versions alone: the reasons stay in the reports."""


class IncidentChange(StrEnum):
    """What the newest version of an incident did to it."""

    OPENED = "opened"
    UPDATED = "updated"
    MERGED = "merged"
    SPLIT = "split"


class ReportReference(Contract):
    """Points back to a report and to the trace of the submission it came with."""

    report_id: UUID
    report_key: UUID
    source_agency_id: AgencyId
    source_type: SourceType
    submission_id: UUID
    trace_id: TraceId | None = None
    first_received_at: UtcDatetime | None = Field(
        default=None,
        description="When Spikewatch first got the report. None: this is a later revision, and an earlier state of the incident tells; "
        "or an older version wrote it.",
    )


class FieldOrigin(Contract):
    """Of several reports the one that a field was taken from, and those that say otherwise."""

    field: ShortText = Field(description="Its path in the overdose or incident, for example victims.age.")
    report_key: UUID
    differing: tuple[UUID, ...] = Field(default=(), description="Keys of the reports that contradict it; what they say is in them.")


class Overdose(Contract):
    """One person's suspected overdose, made from one or more reports."""

    overdose_id: UUID
    occurred_at: UtcDatetime
    occurred_at_precision: TimePrecision
    outcome: Outcome
    drugs: tuple[Drug, ...] = ()
    reversal: Reversal = Reversal()
    victims: Victims = Victims()
    reports: tuple[ReportReference, ...] = Field(min_length=1)
    confidence: float = Field(
        default=1.0, ge=0, le=1, description="Probability that its reports are all of this person's, and nobody else's."
    )
    quality: tuple[QualityNote, ...] = ()
    provenance: tuple[FieldOrigin, ...] = Field(
        default=(),
        description="Where each field that is stated comes from. Empty: all from its only report, or written by an older version.",
    )
    case_definition_hits: DefinitionsMet = ()


class PublicPosition(Contract):
    """Where an incident may be shown to everybody: displaced, on land of the same county, the same for every incident of a place."""

    lat: float = Field(ge=-90, le=90)
    lon: float = Field(ge=-180, le=180)
    radius_m: float = Field(ge=0, description="The true place lies within so many metres; 0: somewhere in the county.")
    tier: ShortText = Field(description="How hidden: public or wide, see docs/geocoding/public-points.md.")


class Incident(Contract):
    """One or more overdoses at one place and time. Its end is a tombstone under the same key."""

    incident_id: UUID
    version: int = Field(ge=1, description="Grows with each change; a lower version never replaces a higher one.")
    change: IncidentChange
    occurred_at: UtcDatetime
    place_key: ShortText
    position: Position | None = None
    public_position: PublicPosition | None = Field(
        default=None, description="None: its place is not known exactly, or the operator has set up no public points."
    )
    areas: tuple[AreaId, ...] = ()
    overdoses: tuple[Overdose, ...] = Field(min_length=1)
    aliases: tuple[UUID, ...] = Field(default=(), description="Incidents that were merged into this one.")
    split_from: UUID | None = Field(default=None, description="The incident that its reports were a part of until it opened, if any.")
    provenance: tuple[FieldOrigin, ...] = Field(
        default=(), description="The report that position, place_key and areas come from; empty as an overdose's."
    )
