"""Police: Pennsylvania ODIN, the long layout (a row for each substance and dose of a victim) and the cleaned one (a row a victim).

The layouts are told apart by their columns. Places are counties: the coordinates are centroids and are not read; nor are
race, ethnicity and the victim's home.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, TypeGuard

from spikewatch.contracts.report import Location, QualityNote, Victims
from spikewatch.contracts.vocabulary import (
    AgeBand,
    PlacePrecision,
    Sex,
    SourceType,
    TimeBasis,
    TimePrecision,
)
from spikewatch.ingest.domain.csv_rows import ENCODING_ASSUMED, csv_rows
from spikewatch.ingest.domain.evidence import Found
from spikewatch.ingest.domain.feeds.facts import encoding_notes, time_doubts
from spikewatch.ingest.domain.feeds.feed import COUNTY_ASSUMED, Feed, Reading, Source
from spikewatch.ingest.domain.feeds.fields import matching, required, stated
from spikewatch.ingest.domain.feeds.folding import INCIDENT_VICTIMS, ROWS, folded
from spikewatch.ingest.domain.feeds.odin_words import COLUMNS, IN_EVERY_ROW, said_of
from spikewatch.ingest.domain.feeds.reported import reported
from spikewatch.ingest.domain.feeds.row_ids import whole_id
from spikewatch.ingest.domain.feeds.synonyms import Synonyms
from spikewatch.ingest.domain.no_record import explained
from spikewatch.ingest.domain.record import Fields, json_lines, json_records, of_text
from spikewatch.ingest.domain.rejection import Fault, Rejected
from spikewatch.ingest.domain.wall_clock import Instant, not_future, read_agency_time, time_text, zone_named
from spikewatch.ingest.domain.xlsx_rows import XLSX, xlsx_rows

__all__ = ["FEED", "read"]

_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "incident_id": (),
    "victim_id": (),
    "incident_date": (),
    "incident_time": (),
    "incident_state": (),
    **dict.fromkeys(COLUMNS, ()),
    "incident_county_fips_code": ("incident county fips",),
    "gender_desc": ("gender",),
}
_SYNONYMS: Final = Synonyms(_COLUMNS)
_REQUIRED: Final = ("incident_id", "victim_id", "incident_date", "survive", "naloxone_administered")
_HEADER: Final = "incident_id,incident_date,incident_time,victim_id,susp_od_drug_desc,naloxone_administered,dose_count,survive"
_ID: Final = re.compile(r"(?=\D*\d)[A-Za-z0-9][A-Za-z0-9._:-]{0,47}", re.ASCII)  # without a digit it may be a name
_LONGEST_PLAIN: Final = 18
_STATE: Final = "42"


def read(fields: Fields, source: Source) -> Reading:
    """Make a reading of one victim: the rows that ``folded`` brought together.

    Raises:
        Rejected: a field is missing or wrong.
    """
    raws = fields.get(ROWS)
    rows: Sequence[Fields] = raws if isinstance(raws, list) else [_SYNONYMS.renamed(fields)]  # of a row that names nobody
    first = rows[0]
    try:
        instant = _time(first, source)
        incident = _id(first, "incident_id", "the row id of the incident", "58")
        victim = _id(first, "victim_id", "the row id of the victim, no person's number", "34")
        said = said_of(rows)
    except Rejected as rejected:
        raise explained(first if isinstance(raws, list) else fields, rejected) from None
    treated, person = said.treated, said.person
    counted = fields.get(INCIDENT_VICTIMS)
    location, place_doubts = _location(said.county, source.county_fips)
    notes = encoding_notes(raws[0] if isinstance(raws, list) else fields)
    report = reported(
        source,
        f"{incident}/{victim}",
        None,
        instant,
        basis=TimeBasis.REPORTED,
        location=location,
        outcome=treated.outcome,
        reversal=treated.reversal,
        victims=_victims(min(counted, 500) if isinstance(counted, int) else None, person.band, person.sex),
        disposition=treated.disposition,
        incident_number=incident,
        quality=(*time_doubts(instant.notes), *place_doubts, *person.doubts, *notes),
    )
    return Reading(report, found=Found(names=said.names, facts=treated.facts))


def _is_plain(value: object) -> TypeGuard[str]:
    """Tell whether an id is of digits alone, as nearly all are: nothing more need be asked of it."""
    return type(value) is str and len(value) <= _LONGEST_PLAIN and value.isdecimal() and value.isascii()


def _id(row: Fields, name: str, expected: str, example: str) -> str:
    value = row.get(name)
    if _is_plain(value):
        return value
    found = matching(row, name, _ID, expected, example)
    if found is None:  # not even UNKNOWN: it would make one report of many
        raise Rejected(Fault.MISSING_FIELD, name, "is missing", IN_EVERY_ROW, example)
    return found


def _time(row: Fields, source: Source) -> Instant:
    day = required(row, "incident_date", "the date of the incident", "01/31/2018")
    clock = stated(row, "incident_time")
    if not isinstance(day, str):
        day = time_text(day, "incident_date")
    if clock is not None and not isinstance(clock, str):
        clock = time_text(clock, "incident_time")
    is_filler = clock in {"00:00:00", "00:00", "0:00", "0:00:00"}
    instant = read_agency_time(day, clock, zone_named(source.time_zone), "incident_date")
    not_future(instant, source.received_at, "incident_date")
    if is_filler:  # an eighth of the public file has midnight sharp
        return Instant(instant.at, TimePrecision.DATE, instant.notes)
    is_minute = instant.precision is TimePrecision.SECOND and clock is not None and clock.endswith(":00")
    return Instant(instant.at, TimePrecision.MINUTE, instant.notes) if is_minute else instant


@lru_cache(maxsize=4_096)
def _location(code: str | None, home: str | None) -> tuple[Location, tuple[QualityNote, ...]]:
    if code is None:
        county, doubts = home, (COUNTY_ASSUMED,) if home else ()
    else:
        digits = code.removesuffix(".0")
        county, doubts = digits if len(digits) == 5 else _STATE + digits.zfill(3), ()
    return Location(precision=PlacePrecision.COUNTY if county else PlacePrecision.NONE, county_fips=county), doubts


@lru_cache(maxsize=4_096)
def _victims(count: int | None, band: AgeBand | None, sex: Sex) -> Victims:
    return Victims(count=count, age_band=band, sex=sex)


def _keys(row: Fields) -> tuple[str, str, Fields] | None:
    renamed = _SYNONYMS.renamed(row)
    incident, victim = renamed.get("incident_id"), renamed.get("victim_id")
    if _is_plain(incident) and _is_plain(victim) and ENCODING_ASSUMED not in row:
        return incident, victim, renamed
    incident, victim = stated(renamed, "incident_id"), stated(renamed, "victim_id")
    if incident is None or victim is None:
        return None
    if ENCODING_ASSUMED in row:
        renamed[ENCODING_ASSUMED] = row[ENCODING_ASSUMED]
    incident_key, victim_key = str(incident), str(victim)
    if incident_key.endswith(".0") or victim_key.endswith(".0"):
        renamed["incident_id"], renamed["victim_id"] = incident_key, victim_key = whole_id(incident_key), whole_id(victim_key)
    return incident_key, victim_key, renamed


def _lacking(names: Sequence[str]) -> Sequence[str]:
    meanings = _SYNONYMS.meanings(names)
    return [name for name in _REQUIRED if name not in meanings]


FEED: Final = Feed(
    name="odin",
    summary="police: Pennsylvania ODIN, the long and the cleaned layout",
    splits={
        "text/csv": folded(csv_rows(required=_lacking, header=_HEADER, reads=_SYNONYMS), _keys),
        "application/json": folded(of_text(json_records), _keys, is_json=True),
        "application/x-ndjson": folded(of_text(json_lines), _keys, is_json=True),
        XLSX: folded(xlsx_rows(required=_lacking, header=_HEADER, reads=_SYNONYMS), _keys),
    },
    read=read,
    default_source=SourceType.POLICE,
)
