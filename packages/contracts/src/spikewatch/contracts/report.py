"""A report: what one agency says about one person in one suspected overdose, normalised."""

from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from spikewatch.contracts.contract import AgencyId, AreaId, Contract, CountyFips, FreeText, ShortText, UtcDatetime
from spikewatch.contracts.vocabulary import (
    AgeBand,
    Confirmation,
    Disposition,
    DrugBasis,
    DrugClass,
    Outcome,
    PlacePrecision,
    ReversalGiver,
    Sex,
    SourceType,
    TimeBasis,
    TimePrecision,
    YesNo,
)

__all__ = [
    "Code",
    "DefinitionHit",
    "Drug",
    "Evidence",
    "LocatedReport",
    "Location",
    "Position",
    "QualityNote",
    "Report",
    "Reversal",
    "Term",
    "Victims",
]

Zip5 = Annotated[str, StringConstraints(pattern=r"^\d{5}$")]
TraceId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
KeyedHash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]


class Location(Contract):
    """The place as the agency stated it; ``precision`` says how much of it may be believed."""

    lat: float | None = Field(default=None, ge=-90, le=90, description="Degrees north, WGS 84.")
    lon: float | None = Field(default=None, ge=-180, le=180, description="Degrees east, WGS 84.")
    precision: PlacePrecision = PlacePrecision.NONE
    address: FreeText | None = None
    intersection: FreeText | None = None
    city: ShortText | None = None
    zip5: Zip5 | None = None
    county_fips: CountyFips | None = None
    tract: ShortText | None = None
    place_type: ShortText | None = None


class Drug(Contract):
    """One substance named by the source."""

    term: ShortText
    code: ShortText | None = None
    system: ShortText | None = None
    drug_class: DrugClass = DrugClass.UNKNOWN
    basis: DrugBasis = DrugBasis.SUSPECTED


class Reversal(Contract):
    """Whether and how a reversal drug such as naloxone was given."""

    given: YesNo = YesNo.UNKNOWN
    drug: ShortText | None = None
    doses: int | None = Field(default=None, ge=0, le=99)
    dose_amount: float | None = Field(default=None, ge=0)
    unit: ShortText | None = None
    route: ShortText | None = None
    by: ReversalGiver = ReversalGiver.UNKNOWN
    before_ems: YesNo = YesNo.UNKNOWN
    response: ShortText | None = None


class Victims(Contract):
    """The person the report is about, and how many people the agency counted at the scene."""

    count: int | None = Field(default=None, ge=1, le=500)
    age: int | None = Field(default=None, ge=0, le=89, description="Years; over 89 only as the band 90+.")
    age_band: AgeBand | None = None
    sex: Sex = Sex.UNKNOWN


class QualityNote(Contract):
    """A doubt about one field that did not stop the report, for example ``occurred_at: zone_assumed``."""

    field: ShortText
    code: ShortText


class Code(Contract):
    """A code that a case definition may look at, and the place in the record where it stood."""

    system: ShortText = Field(description="icd10cm, icd9cm, snomed, rxnorm, loinc, nemsis, nibrs, mpds.")
    code: ShortText
    role: ShortText = Field(description="Where it stood, for example diagnosis, eSituation.11.")


class Term(Contract):
    """A word of the drug vocabulary that was found in a text. The text itself is not kept."""

    term: ShortText = Field(description="The vocabulary's name of it, not the spelling that was found.")
    role: ShortText = Field(description="Where it stood, for example chief_complaint, narrative, cause_of_death.")


class Evidence(Contract):
    """What the case definitions looked at, so that a later version of them can look again. It holds no free text."""

    codes: tuple[Code, ...] = ()
    terms: tuple[Term, ...] = ()
    facts: tuple[ShortText, ...] = Field(default=(), description="Named findings of the format, for example naloxone_improved.")
    unlisted: tuple[KeyedHash, ...] = Field(
        default=(), description="Keyed hashes of substance names that the vocabulary did not list; a later one may."
    )
    vocabulary: int = Field(default=0, ge=0, description="Version of the drug vocabulary that read the texts.")


class DefinitionHit(Contract):
    """A case definition that a report met, and why."""

    definition: ShortText = Field(description="Id and version, id@n.")
    because: tuple[ShortText, ...] = Field(default=(), description="The codes, terms and facts that met it.")


class Report(Contract):
    """One revision of what one agency says about one person. It carries no direct identifier."""

    # What it says stands together, from the agency's id to the evidence: ingest compares reports by that piece of their JSON.
    report_id: UUID = Field(description="uuid5 of agency, source record id and revision.")
    report_key: UUID = Field(description="uuid5 of agency and source record id: the same for all revisions.")
    revision: int = Field(ge=1)
    received_at: UtcDatetime = Field(description="When Spikewatch got it; never used for windows.")
    source_agency_id: AgencyId
    source_record_id: ShortText
    source_type: SourceType
    occurred_at: UtcDatetime = Field(description="Best time of the overdose itself; windows use this and nothing else.")
    occurred_at_basis: TimeBasis
    occurred_at_precision: TimePrecision
    location: Location
    outcome: Outcome = Outcome.UNKNOWN
    suspected: bool = True
    confirmation: Confirmation = Confirmation.SUSPECTED
    drugs: tuple[Drug, ...] = ()
    reversal: Reversal = Reversal()
    victims: Victims = Victims()
    disposition: Disposition = Disposition.UNKNOWN
    destination: ShortText | None = None
    incident_number: ShortText | None = None
    cad_number: ShortText | None = None
    withdrawn: bool = Field(default=False, description="The agency takes the report back; it counts nowhere.")
    quality: tuple[QualityNote, ...] = ()
    evidence: Evidence | None = Field(default=None, description="What the definitions looked at; None: nothing was found to look at.")
    case_definition_hits: tuple[ShortText, ...] = Field(default=(), description="Definition id and version, id@n.")
    case_definitions: tuple[DefinitionHit, ...] = Field(default=(), description="The same definitions, each with its reasons.")
    submission_id: UUID
    submission_format: ShortText
    profile: ShortText | None = Field(default=None, description="Name and version of the column map used, name@n.")
    trace_id: TraceId | None = Field(default=None, description="Trace of the submission this revision came with.")


class Position(Contract):
    """Where a report is placed on the map, and how well that is known."""

    lat: float = Field(ge=-90, le=90)
    lon: float = Field(ge=-180, le=180)
    precision: PlacePrecision
    radius_m: float = Field(ge=0, description="Radius in metres within which the true place is believed to lie.")
    method: ShortText = Field(description="How it was found: reported, geocoded, zip_centroid, county_centroid.")
    confidence: float | None = Field(
        default=None, ge=0, le=1, description="Of a geocoded place: the share of such answers whose true place lies within the radius."
    )
    reasons: tuple[ShortText, ...] = Field(default=(), description="Why a geocoded place is no better: codes of the geocoder.")
    candidates: int | None = Field(default=None, ge=0, description="How many places the written one could have meant.")
    vintage: ShortText | None = Field(default=None, description="Which reference data it was found in, and of when.")


class LocatedReport(Contract):
    """A report with its position, its areas and the place key that decides its partition."""

    report: Report
    position: Position | None = Field(default=None, description="None: no place was found; the report still counts.")
    areas: tuple[AreaId, ...] = ()
    place_key: ShortText = Field(description="County FIPS, else the coarse cell, else the agency; reports are matched within one key.")
    quality: tuple[QualityNote, ...] = ()
    geodata_version: int = Field(
        default=0, ge=0, description="Grows with the geodata it was placed by; of one revision the placing by the newer geodata stands."
    )
