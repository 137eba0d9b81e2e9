"""The statutory minimum (W. Va. Code 16-5T-4, 35 Pa. Stat. 960.24): one dictionary of fields for JSON and CSV.

An allow-list: what the dictionary does not name is never looked at, so names, birth dates, phones and record numbers of
persons end here.
"""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from spikewatch.contracts.report import Location, QualityNote, Victims
from spikewatch.contracts.vocabulary import (
    AgeBand,
    Disposition,
    PlacePrecision,
    ReversalGiver,
    SourceType,
    TimeBasis,
)
from spikewatch.ingest.domain.column_names import ColumnNames, renamed_records, renamed_rows
from spikewatch.ingest.domain.csv_rows import csv_rows
from spikewatch.ingest.domain.evidence import Found, Named
from spikewatch.ingest.domain.feeds.facts import encoding_notes, time_doubts
from spikewatch.ingest.domain.feeds.feed import COUNTY_ASSUMED, Feed, Reading, Source
from spikewatch.ingest.domain.feeds.fields import coordinates, free_text, matching, required, stated, whole
from spikewatch.ingest.domain.feeds.reported import location_of, reported
from spikewatch.ingest.domain.feeds.row_ids import whole_id
from spikewatch.ingest.domain.feeds.statutory_words import ROUTES, Words, names_of, victims_of, words_of
from spikewatch.ingest.domain.form import FORM, form_record
from spikewatch.ingest.domain.identifying import is_number
from spikewatch.ingest.domain.no_record import explained
from spikewatch.ingest.domain.record import Fields, json_lines, json_records, of_text
from spikewatch.ingest.domain.rejection import Fault, Rejected
from spikewatch.ingest.domain.repeated import repeated
from spikewatch.ingest.domain.wall_clock import Instant, not_future, read_time, zone_named
from spikewatch.ingest.domain.xlsx_rows import XLSX, xlsx_rows

__all__ = ["FEED", "FIELDS", "Said", "Town", "read", "read_said", "town_of"]

_TIME_EXPECTED: Final = "an ISO 8601 date and time with its offset"
_TIME_EXAMPLE: Final = "2026-05-01T14:03:00-04:00"
_PLACES: Final = ("lat", "lon", "address", "intersection", "zip", "city", "county_fips")

_RECORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/#-]{0,63}", re.ASCII)
_ZIP: Final = re.compile(r"(\d{5})(?:-\d{4})?", re.ASCII)
_COUNTY: Final = re.compile(r"\d{5}", re.ASCII)
_CITY: Final = re.compile(r"[^\W\d_](?:[^\W\d_]|[ .'-]){0,63}")


_GROUPS: Final = {"location": "", "reversal": "reversal_", "victims": ""}

FIELDS: Final[dict[str, str]] = {
    "occurred_at": "required: ISO 8601 time, or 5/1/2026 14:03 (month first); without an offset it is the agency's local time",
    "outcome": "required: fatal, nonfatal, unknown",
    "reversal_given": "required: yes, no, unknown",
    "lat": "one place is required: degrees north, with lon",
    "lon": "degrees east",
    "address": "one place is required: street address, without a person's name",
    "intersection": "one place is required: two streets, A & B",
    "zip": "one place is required: five digits",
    "city": "one place is required: letters only",
    "county_fips": "one place is required: five digits; default the agency's home county",
    "record_id": "the agency's own id of the report; default a hash of the stated fields",
    "revision": "number of the revision, from 1; default counted by Spikewatch",
    "withdrawn": "yes: the agency takes the report back",
    "occurred_at_basis": "which moment occurred_at is: " + ", ".join(TimeBasis),
    "confirmation": "suspected, probable, confirmed",
    "suspected_drugs": "list of names; in CSV separated by a semicolon",
    "reversal_drug": "naloxone, nalmefene, other",
    "reversal_doses": "0 to 99",
    "reversal_dose_amount": "amount of all doses together",
    "reversal_unit": "mg, mcg, ml",
    "reversal_route": ", ".join(ROUTES),
    "reversal_by": ", ".join(ReversalGiver),
    "reversal_before_ems": "yes, no, unknown",
    "reversal_response": "improved, unchanged, worse",
    "age": "years; over 89 is kept as 90+ only",
    "age_band": ", ".join(AgeBand),
    "sex": "female, male, other, unknown",
    "count": "people counted at the scene, 1 to 500",
    "disposition": ", ".join(Disposition),
    "incident_number": "the agency's incident number",
    "cad_number": "the dispatch's number of the call",
}
"""Every field that is read, with its meaning. All others are ignored and never stored."""

_NAMES: Final = ColumnNames(FIELDS)
_MEMBERS: Final = ColumnNames((*FIELDS, *_GROUPS))  # occurredAt is occurred_at


def read(fields: Fields, source: Source) -> Reading:
    """Make a reading of one statutory record.

    Raises:
        Rejected: a field is missing or wrong.
    """
    fields = _flat(fields)
    try:
        instant = read_time(_when(fields), zone_named(source.time_zone), "occurred_at")
        said = Said(words_of(fields), victims_of(fields), town_of(fields), names_of(fields))
    except Rejected as rejected:
        raise explained(fields, rejected) from None
    return read_said(fields, source, instant, said)


def _when(fields: Fields) -> str:
    when = required(fields, "occurred_at", _TIME_EXPECTED, _TIME_EXAMPLE)
    if not isinstance(when, str):  # a number may be seconds, milliseconds or days
        raise Rejected(Fault.INVALID_FIELD, "occurred_at", "is not a text", _TIME_EXPECTED, _TIME_EXAMPLE)
    return when


class Town(NamedTuple):
    """The parts of a place that many share."""

    city: str | None
    zip5: str | None
    county: str | None


class Said(NamedTuple):
    """What the fields say that have few words or small numbers, and the names of substances."""

    words: Words
    victims: Victims
    town: Town
    names: tuple[Named, ...]


def read_said(fields: Fields, source: Source, instant: Instant, said: Said, *, needs_place: bool = True) -> Reading:
    """Make a reading of what was read already, and of the point, the street, the ids and the revision among the fields.

    Raises:
        Rejected: a field is missing or wrong.
    """
    not_future(instant, source.received_at, "occurred_at")
    words = said.words
    location, doubts = _location(fields, source, said.town, needs_place=needs_place)
    revision = whole(fields, "revision", 1, 1_000_000, "2")
    incident = _own_number(fields, "incident_number", "2026-004711")
    # One cell may stand for both: what was checked as the one need not be checked as the other.
    is_shared = fields.get("record_id") is fields.get("incident_number")
    record = incident if is_shared and incident is not None else _record_id(fields, source, instant)
    report = reported(
        source,
        record,
        revision,
        instant,
        basis=words.basis,
        location=location,
        outcome=words.outcome,
        confirmation=words.confirmation,
        reversal=words.reversal,
        victims=said.victims,
        disposition=words.disposition,
        incident_number=incident,
        cad_number=_own_number(fields, "cad_number", "C26-0815"),
        is_withdrawn=words.is_withdrawn,
        quality=(*time_doubts(instant.notes), *doubts, *encoding_notes(fields)),
    )
    return Reading(report, revision, Found(names=said.names, facts=words.facts))


def _flat(fields: Fields) -> Fields:
    """Lift what JSON may group, as in ``"location": {"lat": …}``, to the names that CSV has."""
    groups = [name for name in _GROUPS if isinstance(fields.get(name), dict)]
    if not groups:
        return fields
    flat = {name: value for name, value in fields.items() if name not in groups}
    for group in groups:
        inner = fields[group]
        if isinstance(inner, dict):
            flat |= {f"{_GROUPS[group]}{name}": value for name, value in inner.items()}
    return _MEMBERS.renamed(flat)


def _record_id(fields: Fields, source: Source, instant: Instant) -> str:
    record = matching(fields, "record_id", _RECORD, "letters, digits and ._:/#-, at most 64, no person's number", "PCR-2026-000123")
    if record is None:
        return _hashed(fields, source)
    # Without a digit it may be a person's name, or PENDING: two overdoses of which both say so are two reports.
    return whole_id(record) if is_number(record) else source.hashed_id("record_id", record, instant.at.isoformat())


def _own_number(fields: Fields, name: str, example: str) -> str | None:
    """Return a number of the agency's; what has no digit (PENDING, a name) is none."""
    number = matching(fields, name, _RECORD, "letters, digits and ._:/#-, at most 64", example)
    return whole_id(number) if number is not None and is_number(number) else None


def _hashed(fields: Fields, source: Source) -> str:
    # Only fields of the dictionary, so that a changed comment does not make another report. repr escapes half characters.
    return source.hashed_id(*(f"{name}={value!r}" for name in FIELDS if (value := stated(fields, name)) is not None))


def _location(fields: Fields, source: Source, town: Town, *, needs_place: bool) -> tuple[Location, list[QualityNote]]:
    doubts: list[QualityNote] = []
    point = coordinates(fields, "lat", "lon")
    address = _street(fields, "address", "100 Main St", doubts)
    intersection = _street(fields, "intersection", "MAIN ST & 2ND AVE", doubts)
    city, zip5, county = town
    is_silent = point is None and city is zip5 is county is address is intersection is None
    if needs_place and is_silent and all(stated(fields, name) is None for name in _PLACES):  # not even that it is unknown
        raise Rejected(
            Fault.MISSING_FIELD,
            "location",
            "no place is stated",
            "lat and lon, address, intersection, zip, city or county_fips",
            "zip: 19401",
        )
    if county is None and source.county_fips is not None:
        county = source.county_fips
        doubts.append(COUNTY_ASSUMED)
    return (
        location_of(
            lat=point[0] if point else None,
            lon=point[1] if point else None,
            precision=_precision(point is not None, zip5, city, county),
            address=address,
            intersection=intersection,
            city=city,
            zip5=zip5,
            county_fips=county,
        ),
        doubts,
    )


def _street(fields: Fields, name: str, example: str, doubts: list[QualityNote]) -> str | None:
    if name not in fields:
        return None
    text, removed = free_text(fields, name, example)
    if removed:
        doubts.append(QualityNote(field=f"location.{name}", code="identifier_removed"))
    return text


def stated_town(fields: Fields) -> Town:
    """Read city, ZIP code and county.

    Raises:
        Rejected: one is wrong.
    """
    city = matching(fields, "city", _CITY, "letters only, at most 64", "Springfield")
    zip5 = matching(fields, "zip", _ZIP, "a ZIP code of five digits", "19401")
    county = matching(fields, "county_fips", _COUNTY, "a county's FIPS code of five digits", "42091")
    return Town(city, zip5[:5] if zip5 else None, county)


town_of: Final = repeated(("city", "zip", "county_fips"), stated_town)
"""``stated_town`` that remembers."""


def _precision(has_point: bool, zip5: str | None, city: str | None, county: str | None) -> PlacePrecision:  # noqa: FBT001  # private, one call
    if has_point:
        return PlacePrecision.POINT
    if zip5:
        return PlacePrecision.ZIP
    if city:
        return PlacePrecision.CITY
    return PlacePrecision.COUNTY if county else PlacePrecision.NONE


_REQUIRED: Final = ("occurred_at", "outcome", "reversal_given")
_HEADER: Final = "record_id,occurred_at,lat,lon,address,zip,outcome,reversal_given"


def _lacking(names: Sequence[str]) -> Sequence[str]:
    known = _NAMES.known(names)
    return [name for name in _REQUIRED if name not in known]


FEED: Final = Feed(
    name="statutory",
    summary="the statutory minimum as JSON, CSV, XLSX or a form",
    splits={
        "application/json": renamed_records(of_text(json_records), _MEMBERS),
        "application/x-ndjson": renamed_records(of_text(json_lines), _MEMBERS),
        "text/csv": renamed_rows(csv_rows(required=_lacking, header=_HEADER, reads=_NAMES), _NAMES),
        XLSX: renamed_rows(xlsx_rows(required=_lacking, header=_HEADER, reads=_NAMES), _NAMES),
        FORM: renamed_records(of_text(form_record), _MEMBERS),
    },
    read=read,
    default_source=SourceType.EMS,
)
