"""911/CAD calls as a county publishes them: ``lat,lng,desc,zip,title,timeStamp,twp,addr,e``.

Only the calls whose title means an overdose become reports. The time is the one inside ``desc``: it is the call itself,
minutes before ``timeStamp``, which is when the row was posted.
"""

import re
from collections.abc import Set as AbstractSet
from datetime import datetime
from functools import partial
from typing import Final

from spikewatch.contracts.identifiers import report_id, report_key
from spikewatch.contracts.report import Location, QualityNote, Report
from spikewatch.contracts.vocabulary import PlacePrecision, SourceType, TimeBasis, TimePrecision
from spikewatch.ingest.domain.csv_rows import csv_rows
from spikewatch.ingest.domain.evidence import Found, Statement
from spikewatch.ingest.domain.feeds.feed import COUNTY_ASSUMED, Feed, NotAnOverdose, Reading, Source, hashed_record_id
from spikewatch.ingest.domain.feeds.fields import coordinates, free_text, matching, required, stated
from spikewatch.ingest.domain.record import Fields, json_lines, json_records, of_text
from spikewatch.ingest.domain.rejection import Fault, Rejected
from spikewatch.ingest.domain.wall_clock import Instant, local, not_future, zone_named

__all__ = ["FEED", "OVERDOSE_TITLES", "read"]

OVERDOSE_TITLES: Final = frozenset({"EMS: OVERDOSE"})
"""Titles that mean an overdose. Others that may hide one (unconscious, cardiac arrest) do not count as one."""

_HEADER: Final = "lat,lng,desc,zip,title,timeStamp,twp,addr,e"
_REQUIRED: Final = ("desc", "title", "timestamp")  # the header is lower-cased before it is checked
# For example "…; Station 381; 2015-12-10 @ 22:27:24;"
_CALL_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\d) @ (\d\d:\d\d:\d\d)", re.ASCII)
_POSTED: Final = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d", re.ASCII)
_ZIP: Final = re.compile(r"(\d{5})(?:\.0|-\d{4})?", re.ASCII)  # 19401, 19401.0 as spreadsheets write it, 19401-1234
_TOWNSHIP: Final = re.compile(r"[^\W\d_][^\W\d_ .'/&-]*(?:[ .'/&-]+[^\W\d_]+)*\.?")
_LONGEST_CITY: Final = 64
_DISPATCHED: Final = frozenset({"dispatch_overdose"})
_TIME_EXAMPLE: Final = "2015-12-10 17:40:00"


def read(fields: Fields, source: Source, titles: AbstractSet[str] = OVERDOSE_TITLES) -> Reading | NotAnOverdose:
    """Make a reading of one call.

    Raises:
        Rejected: a field of an overdose call is missing or wrong.
    """
    fields = {name.lower(): value for name, value in fields.items()}
    title = _text(fields, "title", "EMS: OVERDOSE")
    if title.upper() not in titles:
        return NotAnOverdose()
    desc = _text(fields, "desc", "MAIN ST & 2ND AVE;  SPRINGFIELD; Station 1; 2015-12-10 @ 17:10:52;")
    posted = "" if stated(fields, "timestamp") is None else _text(fields, "timestamp", _TIME_EXAMPLE)
    instant, basis, notes = _time(desc, posted, source)
    location, place_notes = _location(fields, source)
    record = hashed_record_id(desc, posted, title)
    doubts = (*(QualityNote(field="occurred_at", code=code) for code in (*notes, *instant.notes)), *place_notes)
    return Reading(
        Report(
            report_id=report_id(source.agency_id, record, 1),
            report_key=report_key(source.agency_id, record),
            source_agency_id=source.agency_id,
            source_record_id=record,
            revision=1,
            source_type=source.source_type,
            occurred_at=instant.at,
            occurred_at_basis=basis,
            occurred_at_precision=instant.precision,
            received_at=source.received_at,
            location=location,
            quality=doubts,
            submission_id=source.submission_id,
            submission_format=source.format,
            trace_id=source.trace_id,
        ),
        found=Found(statements=(Statement("dispatch_title", title),), facts=_DISPATCHED),
        is_declared=False,
    )


def _text(fields: Fields, name: str, example: str) -> str:
    value = required(fields, name, "a text", example)
    if not isinstance(value, str):
        raise Rejected(Fault.INVALID_FIELD, name, "is not a text", "a text", example)
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Rejected(Fault.INVALID_FIELD, name, "holds half a character", "a text", example) from None
    return value


def _time(desc: str, posted: str, source: Source) -> tuple[Instant, TimeBasis, tuple[str, ...]]:
    zone = zone_named(source.time_zone)
    notes: tuple[str, ...] = ()
    if call := _CALL_TIME.search(desc):
        wall, field, basis = _wall(f"{call[1]} {call[2]}", "desc"), "desc", TimeBasis.PSAP_CALL
    else:
        if not posted:
            raise Rejected(Fault.MISSING_FIELD, "timestamp", "is missing, and desc holds no time", "a local date and time", _TIME_EXAMPLE)
        if not _POSTED.fullmatch(posted):
            raise Rejected(Fault.INVALID_FIELD, "timestamp", "is not a time", "a local date and time", _TIME_EXAMPLE)
        wall, field, basis, notes = _wall(posted, "timestamp"), "timestamp", TimeBasis.REPORTED, ("posting_time_used",)
    instant = local(wall, zone, field, TimePrecision.SECOND)
    not_future(instant, source.received_at, field)
    return instant, basis, notes


def _wall(text: str, field: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise Rejected(
            Fault.INVALID_FIELD, field, "names a day or an hour that does not exist", "a local date and time", _TIME_EXAMPLE
        ) from None


def _location(fields: Fields, source: Source) -> tuple[Location, tuple[QualityNote, ...]]:
    point = coordinates(fields, "lat", "lng")
    street, removed = free_text(fields, "addr", "MAIN ST & 2ND AVE")
    crossing = street is not None and "&" in street
    zip5 = matching(fields, "zip", _ZIP, "a ZIP code of five digits", "19401")
    town = stated(fields, "twp")
    city = " ".join(town.split()) if isinstance(town, str) and len(town) <= _LONGEST_CITY and _TOWNSHIP.fullmatch(town) else None
    if point is not None:
        precision = PlacePrecision.INTERSECTION if crossing else PlacePrecision.BLOCK
    elif zip5:
        precision = PlacePrecision.ZIP
    elif city:
        precision = PlacePrecision.CITY
    else:
        precision = PlacePrecision.COUNTY if source.county_fips else PlacePrecision.NONE
    location = Location(
        lat=point[0] if point else None,
        lon=point[1] if point else None,
        precision=precision,
        address=None if crossing else street,
        intersection=street if crossing else None,
        city=city,
        zip5=zip5[:5] if zip5 else None,
        county_fips=source.county_fips,
    )
    doubts = (QualityNote(field="location.intersection" if crossing else "location.address", code="identifier_removed"),) if removed else ()
    return location, (*doubts, COUNTY_ASSUMED) if source.county_fips else doubts


FEED: Final = Feed(
    name="cad_911",
    summary="911/CAD calls in the layout of the Montgomery County PA feed",
    splits={
        "text/csv": csv_rows(required=_REQUIRED, header=_HEADER),
        "application/json": of_text(json_records),
        "application/x-ndjson": of_text(json_lines),
    },
    read=partial(read, titles=OVERDOSE_TITLES),
    default_source=SourceType.CAD,
)
