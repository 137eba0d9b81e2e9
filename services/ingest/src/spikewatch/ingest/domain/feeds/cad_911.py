"""911/CAD calls: the layout of the Montgomery County PA feed, and what vendors call the same columns.

Only calls whose title means an overdose become reports. The best time is that of the call; in the Montgomery layout it
stands inside ``desc``, minutes before ``timeStamp``, which is when the row was posted.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from spikewatch.contracts.contract import unchecked
from spikewatch.contracts.report import Report, Reversal, Victims
from spikewatch.contracts.vocabulary import Disposition, Outcome, Sex, SourceType, TimeBasis
from spikewatch.ingest.domain.csv_rows import csv_rows
from spikewatch.ingest.domain.evidence import Found, Statement
from spikewatch.ingest.domain.feeds.call_titles import TitleMeaning, TitleReader, TitleRule, title_reader
from spikewatch.ingest.domain.feeds.facts import encoding_notes, time_doubts
from spikewatch.ingest.domain.feeds.feed import Feed, NotAnOverdose, Reading, Source
from spikewatch.ingest.domain.feeds.fields import required, stated
from spikewatch.ingest.domain.feeds.places import call_place
from spikewatch.ingest.domain.feeds.reported import reported
from spikewatch.ingest.domain.feeds.synonyms import Synonyms
from spikewatch.ingest.domain.identifying import is_identifying, is_number
from spikewatch.ingest.domain.record import Fields, json_lines, json_records, of_text
from spikewatch.ingest.domain.rejection import Fault, Rejected
from spikewatch.ingest.domain.wall_clock import Instant, not_future, read_agency_time, zone_named
from spikewatch.ingest.domain.xlsx_rows import XLSX, xlsx_rows

__all__ = ["COLUMNS", "FEED", "read", "with_titles"]

COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "title": (
        *("final call type", "final type", "final call type description", "final incident type", "final problem", "final nature"),
        *("call type description", "incident type description", "event type description", "type description", "call type", "incident type"),
        *(
            "event type",
            "nature",
            "nature of call",
            "call nature",
            "problem",
            "problem nature",
            "problem description",
            "type",
            "final type code",
        ),
        *("call type code", "event type code", "type code", "initial call type", "initial type", "dispatch reason"),
    ),
    "determinant": (
        "determinant code",
        "mpds",
        "mpds code",
        "mpds determinant",
        "emd code",
        "emd determinant",
        "response determinant",
        "emd",
    ),
    "number": (
        *("call number", "call no", "call num", "call id", "cad number", "cad id", "cad incident number", "cfs number", "cfs no"),
        *("incident number", "incident no", "incident num", "incident id", "inc number", "master incident number", "event number"),
        *("event no", "event id", "run number", "response number", "incident"),
    ),
    "call": (
        *("call received", "call received time", "time call received", "call received date time", "received", "received time"),
        *(
            "time received",
            "received date time",
            "call date time",
            "psap time",
            "phone pickup time",
            "time phone pickup",
            "call entry time",
        ),
        *("entry time", "entry date time", "create time", "create date time", "created", "time created", "incident date time"),
        *("event date time", "date time", "call datetime local", "reported", "reported date time"),
    ),
    "dispatch": (
        *("dispatched", "dispatch time", "dispatch date time", "time dispatched", "first dispatched", "first unit dispatched"),
        *("time first unit dispatched", "unit dispatched", "date time of dispatch", "assigned", "time first unit assigned"),
    ),
    "day": ("call date", "incident date", "event date", "received date", "date of call", "date", "response date"),
    "clock": ("call time", "incident time", "event time", "time of call", "time"),
    "desc": (),
    "timestamp": (),
    "lat": ("latitude", "incident latitude", "lat dd", "latitude dd", "gps latitude", "y lat", "call latitude"),
    "lng": ("lon", "long", "longitude", "incident longitude", "lon dd", "longitude dd", "gps longitude", "x long", "call longitude"),
    "addr": (
        *("address", "incident address", "street address", "block address", "location address", "call address", "incident location"),
        *("location", "full address", "hundred block", "100 block"),
    ),
    "cross": ("cross streets", "cross street", "nearest cross street", "intersection", "x street", "x streets", "cross street name"),
    "twp": ("township", "city", "municipality", "muni", "town", "borough", "community", "incident city"),
    "zip": ("zip code", "zipcode", "zip5", "postal code", "incident zip"),
    "disposition": ("call disposition", "final disposition", "dispo", "disposition description", "clearance", "close code"),
    "complaint": ("chief complaint", "caller complaint", "comments", "remarks", "call comments", "call notes", "narrative"),
    "age": ("patient age", "age years"),
    "sex": ("gender", "patient sex", "patient gender"),
}
"""Names of columns by what they mean, the best first. All others, such as unit, agency and caller, are never looked at."""

_SYNONYMS: Final = Synonyms(COLUMNS)
_HEADER: Final = "call number,call received,final call type,address,latitude,longitude,city,zip"
_TIMES: Final = ("desc", "timestamp", "call", "dispatch", "day")
# For example "…; Station 381; 2015-12-10 @ 22:27:24;"
_CALL_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\d) @ (\d\d:\d\d:\d\d)", re.ASCII)
_WITH_DATE: Final = re.compile(r"\d[/-]|[A-Za-z]{3}", re.ASCII)
_NUMBER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/#-]{0,47}", re.ASCII)
_YEARLY: Final = 7  # digits: shorter numbers begin anew each year, in some systems each day
_TIME_EXAMPLE: Final = "2015-12-10 17:40:00"
_UNFOUNDED: Final = re.compile(r"(?:UNFOUNDED|FALSE(?: CALL| ALARM)?|DUPLICATE(?: CALL)?|TEST(?: CALL)?)", re.IGNORECASE)
_DISPOSITIONS: Final = (
    (re.compile(r"\bNO[NT]?[ -]?TRANSPORT|\bREFUS|\bAMA\b|\bRMA\b", re.IGNORECASE), Disposition.REFUSED),
    (re.compile(r"\bTRANSPORT|\bTX TO\b", re.IGNORECASE), Disposition.TRANSPORTED),
    (re.compile(r"\bDOA\b|\bDOS\b|\bDECEASED\b|\bDEAD\b|\bEXPIRED\b", re.IGNORECASE), Disposition.DIED_ON_SCENE),
    (re.compile(r"\bARREST(?:ED)?\b(?! CARDIAC)", re.IGNORECASE), Disposition.ARREST),
)
_AGE: Final = re.compile(r"(\d{1,3})(?:\s*(?:Y|YO|YRS?|YEARS?)\.?)?", re.IGNORECASE)
_OLDEST: Final = 89
_SEXES: Final = {"f": Sex.FEMALE, "female": Sex.FEMALE, "m": Sex.MALE, "male": Sex.MALE}
_NO_REVERSAL: Final = Reversal()
_victims_of: Final = unchecked(Victims)
_FACTS: Final = {
    TitleMeaning.SUSPECTED: frozenset({"dispatch_overdose"}),
    TitleMeaning.WATCH: frozenset({"dispatch_may_hide_overdose"}),
}


def read(fields: Fields, source: Source, meaning: TitleReader = title_reader()) -> Reading | NotAnOverdose:  # noqa: B008  # pure
    """Make a reading of one call.

    Raises:
        Rejected: a field of an overdose call is missing or wrong.
    """
    call = _SYNONYMS.renamed(fields)
    determinant = stated(call, "determinant") if "determinant" in call else None
    code = determinant if isinstance(determinant, str) else ""
    title = _text(call, "title", "EMS: OVERDOSE") if not code or stated(call, "title") is not None else code
    means = meaning(title, code)
    if means is TitleMeaning.OTHER or _UNFOUNDED.fullmatch(_short(call, "disposition")):
        return _nothing(call, fields, source, title)
    return Reading(
        _report(call, fields, source, title),
        found=Found(statements=_statements(call, title), facts=_FACTS[means]),
        is_declared=False,
    )


def with_titles(rules: Sequence[TitleRule]) -> Feed:
    """Return the feed with declared rules for titles; they decide before what is built in."""
    return replace(FEED, read=partial(read, meaning=title_reader(rules)))


def _nothing(call: Fields, fields: Fields, source: Source, title: str) -> NotAnOverdose:
    """Tell that a call is no overdose; with a number of its own it takes back what it was before it was given another type."""
    if stated(call, "number") is None:
        return NotAnOverdose()
    try:
        return NotAnOverdose(_report(call, fields, source, title))
    except Rejected:
        return NotAnOverdose()


def _report(call: Fields, fields: Fields, source: Source, title: str) -> Report:
    instant, basis, notes = _time(call, source)
    location, doubts = call_place(call, source)
    number = _number(call)
    record = _record(call, number, instant, title, source)
    return reported(
        source,
        record,
        None,
        instant,
        basis=basis,
        location=location,
        outcome=Outcome.UNKNOWN,
        reversal=_NO_REVERSAL,
        victims=_victims(call),
        disposition=_disposition(_short(call, "disposition")),
        cad_number=number,
        quality=(*time_doubts((*notes, *instant.notes)), *doubts, *encoding_notes(fields)),
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


def _short(call: Fields, name: str) -> str:
    value = stated(call, name) if name in call else None
    return value if isinstance(value, str) else ""


def _statements(call: Fields, title: str) -> tuple[Statement, ...]:
    complaint = _short(call, "complaint")
    said = (Statement("dispatch_title", title),)
    return (*said, Statement("dispatch_complaint", complaint)) if complaint else said


def _number(call: Fields) -> str | None:
    value = stated(call, "number") if "number" in call else None
    text = str(value) if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)) else ""
    return text if _NUMBER.fullmatch(text) and is_number(text) and not is_identifying(text) else None


def _record(call: Fields, number: str | None, instant: Instant, title: str, source: Source) -> str:
    if number is None:
        # The name of the parts is what every version of this format hashed: an id must not change.
        parts = (_short(call, "desc"), _short(call, "timestamp"))
        return source.hashed_id(*parts, title) if any(parts) else source.hashed_id(instant.at.isoformat(), _short(call, "addr"), title)
    if sum(letter.isdigit() for letter in number) >= _YEARLY:
        return number
    return f"{number}@{instant.at.date().isoformat()}"


def _time(call: Fields, source: Source) -> tuple[Instant, TimeBasis, tuple[str, ...]]:
    """Return the best time of the call, which moment it is, and the doubts."""
    zone = zone_named(source.time_zone)
    notes: tuple[str, ...] = ()
    desc = _text(call, "desc", "MAIN ST; SPRINGFIELD; 2015-12-10 @ 17:10:52;") if stated(call, "desc") is not None else ""
    inside = _CALL_TIME.search(desc)
    if inside is not None:
        field, day, clock, basis = "desc", f"{inside[1]} {inside[2]}", None, TimeBasis.PSAP_CALL
    else:
        field, day, clock, basis = _stated_time(call)
        notes = ("posting_time_used",) if field == "timestamp" else ()
    instant = read_agency_time(day, clock, zone, field)
    if inside is not None or field == "timestamp":
        instant = instant._replace(notes=tuple(note for note in instant.notes if note != "zone_assumed"))  # this layout is local by nature
    not_future(instant, source.received_at, field)
    return instant, basis, notes


def _stated_time(call: Fields) -> tuple[str, str, str | None, TimeBasis]:
    clock = _short(call, "clock")
    if stated(call, "call") is not None:
        when = _text(call, "call", _TIME_EXAMPLE)
        if _WITH_DATE.search(when):
            return "call", when, None, TimeBasis.PSAP_CALL
        clock = when  # a clock alone, its date stands in another column
    if _WITH_DATE.search(clock):
        return "clock", clock, None, TimeBasis.PSAP_CALL
    if stated(call, "day") is not None:
        return "day", _text(call, "day", _TIME_EXAMPLE), clock or None, TimeBasis.PSAP_CALL
    for name, basis in (("dispatch", TimeBasis.DISPATCH), ("timestamp", TimeBasis.REPORTED)):
        if stated(call, name) is not None:
            return name, _text(call, name, _TIME_EXAMPLE), None, basis
    raise Rejected(Fault.MISSING_FIELD, "timestamp", "is missing, and no other column holds a time", "a local date and time", _TIME_EXAMPLE)


def _disposition(text: str) -> Disposition:
    return (
        next((meaning for pattern, meaning in _DISPOSITIONS if pattern.search(text)), Disposition.UNKNOWN) if text else Disposition.UNKNOWN
    )


def _victims(call: Fields) -> Victims:
    value = stated(call, "age") if "age" in call else None
    found = _AGE.fullmatch(str(value)) if isinstance(value, str | int) else None
    age = int(found[1]) if found else None
    sex = _SEXES.get(_short(call, "sex").lower(), Sex.UNKNOWN)
    return _victims_of(age=age if age is not None and 0 < age <= _OLDEST else None, sex=sex)


def _lacking(names: Sequence[str]) -> Sequence[str]:
    meanings = _SYNONYMS.meanings(names)
    lacking = [] if "title" in meanings or "determinant" in meanings else ["title"]
    return lacking if any(name in meanings for name in _TIMES) else [*lacking, "timestamp"]


_MISSING: Final[Callable[[Sequence[str]], Sequence[str]]] = _lacking

FEED: Final = Feed(
    name="cad_911",
    summary="911/CAD calls: the Montgomery County PA layout and the usual vendor columns",
    splits={
        "text/csv": csv_rows(required=_MISSING, header=_HEADER, reads=_SYNONYMS),
        "application/json": of_text(json_records),
        "application/x-ndjson": of_text(json_lines),
        XLSX: xlsx_rows(required=_MISSING, header=_HEADER, reads=_SYNONYMS),
    },
    read=read,
    default_source=SourceType.CAD,
)
