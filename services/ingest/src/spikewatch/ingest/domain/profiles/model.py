"""What a profile may say. The JSON schema that editors use is made from these models."""

from datetime import date
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from spikewatch.contracts.vocabulary import DrugBasis, PlacePrecision, SourceType, TimeBasis
from spikewatch.ingest.domain.profiles.model_types import (
    MOST_COLUMNS,
    MOST_WORDS,
    ColumnName,
    ColumnNames,
    FactName,
    FormatText,
    Word,
    Words,
    Zone,
    as_list,
)

__all__ = [
    "COLUMNS",
    "Codes",
    "Condition",
    "Fact",
    "Flags",
    "Names",
    "Number",
    "Place",
    "Profile",
    "RecordId",
    "Text",
    "Time",
    "Value",
]

COLUMNS: Final = "columns"
"""The base of a profile that maps columns; any other base is the name of a feed."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Condition(_Part):
    """A question to a row; every part that is given must hold. Words are compared without regard to case."""

    column: ColumnName
    is_one_of: Words | None = Field(default=None, alias="is", description="The cell is one of these words; an empty text: not stated.")
    is_none_of: Words | None = Field(default=None, alias="is_not", description="The cell is none of these words.")
    starts_with: Words | None = Field(default=None, description="The cell starts with one of these.")
    contains: Words | None = Field(default=None, description="The cell contains one of these.")
    stated: bool | None = Field(default=None, description="true: the cell says something; false: it does not.")

    @model_validator(mode="after")
    def _asks(self) -> "Condition":
        if (self.is_one_of, self.is_none_of, self.starts_with, self.contains, self.stated) == (None,) * 5:
            raise ValueError("asks nothing; expected one of is, is_not, starts_with, contains, stated")
        return self


Conditions = Annotated[tuple[Condition, ...], BeforeValidator(as_list), Field(max_length=20)]


class _Cell(_Part):
    columns: ColumnNames = Field(default=(), description="Where it stands; of several the first that says something.")

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        """Take ``field: Column`` and ``column: X`` for ``columns: [X]``."""
        if isinstance(value, str | int | float | list | tuple) and not isinstance(value, bool):
            return {"columns": value}
        if isinstance(value, dict) and "column" in value:
            if "columns" in value:
                raise ValueError("says column and columns; expected one of the two")
            return {("columns" if name == "column" else name): part for name, part in value.items()}
        return value


class Value(_Cell):
    """One field of the report."""

    constant: Word | None = Field(default=None, description="The same for every row, in place of a column.")
    values: dict[Word, Word] | None = Field(default=None, max_length=MOST_WORDS, description="What the file's words mean.")
    otherwise: Word | None = Field(default=None, description="What a word means that is not among the values; without it unknown, noted.")
    missing: Word | None = Field(default=None, description="What it means when nothing is stated; without it unknown.")
    prefix: Word = Field(default="", description="Put before what the cell says, for example 42 before a county number of three digits.")

    @model_validator(mode="after")
    def _stands_somewhere(self) -> "Value":
        if bool(self.columns) == (self.constant is not None):
            raise ValueError("needs a column or a constant, one of the two")
        return self


class Number(_Cell):
    """A number, or a number with its unit in the text (``6 months``)."""

    constant: float | None = None
    unit: Word | None = Field(default=None, description="Unit of the numbers; of an age years, months, days, hours or minutes.")
    unit_column: ColumnName | None = None
    units: dict[Word, Word] | None = Field(default=None, max_length=MOST_WORDS, description="What the words of unit_column mean.")
    times: float | None = Field(default=None, gt=0, description="Multiply by this, for example 0.001 for mcg to mg.")
    suppressed: Words = Field(default=(), description='Marks of a suppressed number, for example "<6" (1 to 5) or "*".')

    @model_validator(mode="after")
    def _stands_somewhere(self) -> "Number":
        if bool(self.columns) == (self.constant is not None):
            raise ValueError("needs a column or a constant, one of the two")
        return self


class Time(_Cell):
    """One way to the time of the overdose; of several the first usable one is taken.

    Two columns are a date and a time of day.
    """

    columns: ColumnNames = Field(max_length=2)
    formats: Annotated[tuple[FormatText, ...], BeforeValidator(as_list), Field(min_length=1, max_length=12)] = Field(
        default=("ISO",),
        description=(
            "ISO, EXCEL (serial day), EPOCH (seconds, milliseconds), or a pattern of YYYY YY MM MMM DD HH hh mm ss AM Z, "
            "for example MM/DD/YYYY hh:mm:ss AM."
        ),
    )
    zone: Zone | None = Field(default=None, description="Zone of times that have none; else the profile's, else the agency's.")
    basis: TimeBasis = Field(default=TimeBasis.REPORTED, description="Which moment it is.")
    midnight: Literal["time", "date"] = Field(
        default="time", description="date: exactly midnight local time means that only the day is known."
    )
    precision: Literal["stated", "date"] = Field(default="stated", description="date: only the day may be believed.")
    earliest: date | None = Field(default=None, description="An earlier day is filler.")
    within_days_before_next: int | None = Field(
        default=None,
        ge=0,
        le=36_500,
        description="It is believed only if it lies at most so long before the next way's time, and not after it.",
    )
    when: Conditions = Field(default=(), description="Only for rows where these hold.")
    note: FactName | None = Field(default=None, description="Noted on every report that takes its time from here.")


class Place(_Part):
    """One way to the place; of several the first that states anything is taken. Never the home of a person."""

    lat: Value | None = None
    lon: Value | None = None
    point_in: Value | None = Field(default=None, description="A cell with a point in it: CITY, ST (41.5, -72.7), or POINT (-72.7 41.5).")
    address: Value | None = Field(default=None, description="A street address; two streets with & are an intersection.")
    intersection: Value | None = None
    city: Value | None = None
    zip: Value | None = None
    county_fips: Value | None = Field(default=None, description="Five digits; names of counties by values.")
    place_type: Value | None = Field(default=None, description="Only what values names is kept.")
    precision: PlacePrecision | None = Field(
        default=None, description="Precision of a stated point, for example city for a city's centroid."
    )
    placeholders: tuple[tuple[float, float], ...] = Field(default=(), max_length=50, description="Points that stand for unknown.")
    when: Conditions = ()
    note: FactName | None = None

    @model_validator(mode="after")
    def _says_a_place(self) -> "Place":
        parts = (self.lat, self.point_in, self.address, self.intersection, self.city, self.zip, self.county_fips)
        if all(part is None for part in parts):
            raise ValueError("names no place; expected lat and lon, point_in, address, intersection, city, zip or county_fips")
        if (self.lat is None) != (self.lon is None):
            raise ValueError("has one coordinate; expected lat and lon")
        return self


class RecordId(_Cell):
    """What makes a row the same row when it is sent again."""

    columns: ColumnNames = Field()
    hash: bool = Field(default=False, description="true: a hash of the columns, for files without an id.")


class Names(_Cell):
    """Cells that hold names of substances."""

    columns: ColumnNames = Field()
    basis: DrugBasis = DrugBasis.SUSPECTED
    split: Annotated[tuple[str, ...], BeforeValidator(as_list)] = Field(
        default=(), max_length=10, description='What separates names, for example ";".'
    )
    ignore: Words = Field(default=(), description="Words that are no substance.")


class Flags(_Part):
    """Columns that say of one substance each whether it was there."""

    columns: dict[ColumnName, Word] = Field(min_length=1, max_length=MOST_COLUMNS, description="Column: the substance's name.")
    basis: DrugBasis = DrugBasis.SUSPECTED
    yes: Words = ("y", "yes", "1", "1.0", "true", "x", "positive", "detected")
    no: Words = ("n", "no", "0", "0.0", "false", "negative", "not detected")
    text: Literal["ignore", "name"] = Field(default="ignore", description="name: any other text in such a cell names a substance, too.")
    facts: tuple[FactName, ...] = Field(
        default=(), max_length=5, description="Set when one of them is a yes, for example drug_related_flag."
    )


class Text(_Cell):
    """A free text. It is read for words of the vocabulary and then forgotten."""

    columns: ColumnNames = Field()
    role: Literal[
        "chief_complaint", "narrative", "cause_of_death", "other_conditions", "injury_description", "dispatch_title",
        "dispatch_complaint", "impression_text", "diagnosis_text",
    ]  # fmt: skip
    drugs_are: DrugBasis | None = Field(
        default=None, description="What a substance named in it rests on; without it none is taken from it."
    )


class Codes(_Cell):
    """Cells that hold codes."""

    columns: ColumnNames = Field()
    system: Literal["icd10cm", "icd10", "icd9cm", "snomed", "rxnorm", "loinc", "nemsis", "nibrs", "mpds"]
    role: Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_.]{0,63}$")] = "diagnosis"
    split: Annotated[tuple[str, ...], BeforeValidator(as_list)] = Field(default=(), max_length=10)


class Fact(_Cell):
    """A column whose words are facts that case definitions ask for."""

    columns: ColumnNames = Field()
    values: dict[Word, FactName] = Field(min_length=1, max_length=MOST_WORDS)


def _parts(value: object) -> object:
    return [value] if isinstance(value, dict | str) else value


class Profile(_Part):
    """How one agency's table becomes reports."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,30}[a-z0-9]$")] = Field(
        description="Lower-case letters, digits, - and _."
    )
    version: int = Field(ge=1, le=9_999, description="Raise it with every change.")
    summary: Annotated[str, StringConstraints(max_length=200)] = ""
    base: Annotated[str, StringConstraints(max_length=40)] = Field(default=COLUMNS, description="columns, or the name of a feed.")
    options: dict[str, Words] = Field(default={}, max_length=20, description="Options of the feed that it is based on.")
    source_type: SourceType | None = Field(default=None, description="The kind of agency that usually sends it.")
    time_zone: Zone | None = Field(default=None, description="Zone of times that have none; without it the agency's.")
    declared: bool = Field(default=True, description="true: each row is an overdose. false: the case definitions decide.")
    not_stated: Words = Field(default=(), description="Words of empty cells beside NA, N/A, null, none, not recorded.")
    rows: Conditions = Field(default=(), description="Rows that are read; all others are counted and left out.")
    record_id: RecordId | None = None
    revision: Number | None = Field(default=None, description="The source's own number of the revision.")
    occurred_at: Annotated[tuple[Time, ...], BeforeValidator(_parts)] = Field(default=(), max_length=10)
    place: Annotated[tuple[Place, ...], BeforeValidator(_parts)] = Field(default=(), max_length=10)
    outcome: Value | None = None
    confirmation: Value | None = None
    disposition: Value | None = None
    sex: Value | None = None
    age: Number | None = None
    age_band: Value | None = None
    count: Number | None = Field(default=None, description="People counted at the scene.")
    reversal_given: Value | None = None
    reversal_drug: Value | None = None
    reversal_doses: Number | None = None
    reversal_dose_amount: Number | None = None
    reversal_unit: Value | None = None
    reversal_route: Value | None = None
    reversal_by: Value | None = None
    reversal_before_ems: Value | None = None
    reversal_response: Value | None = None
    incident_number: Value | None = None
    cad_number: Value | None = None
    withdrawn: Value | None = Field(default=None, description="yes: the agency takes the row back.")
    drugs: Annotated[tuple[Names, ...], BeforeValidator(_parts)] = Field(default=(), max_length=20)
    drug_flags: Annotated[tuple[Flags, ...], BeforeValidator(_parts)] = Field(default=(), max_length=20)
    texts: Annotated[tuple[Text, ...], BeforeValidator(_parts)] = Field(default=(), max_length=20)
    codes: Annotated[tuple[Codes, ...], BeforeValidator(_parts)] = Field(default=(), max_length=20)
    facts: Annotated[tuple[Fact, ...], BeforeValidator(_parts)] = Field(default=(), max_length=20)

    @property
    def mark(self) -> str:
        """Name and version as reports carry it: ``name@version``."""
        return f"{self.name}@{self.version}"
