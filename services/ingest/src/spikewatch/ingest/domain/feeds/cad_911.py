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
from spikewatch.contracts.vocabulary import Disposition, Outcome, Sex, SourceType
from spikewatch.ingest.domain.csv_rows import csv_rows
from spikewatch.ingest.domain.evidence import Found, Statement
from spikewatch.ingest.domain.feeds.cad_columns import COLUMNS
from spikewatch.ingest.domain.feeds.call_times import call_time
from spikewatch.ingest.domain.feeds.call_titles import TitleMeaning, TitleReader, TitleRule, tells_of_none, title_reader
from spikewatch.ingest.domain.feeds.facts import encoding_notes, time_doubts
from spikewatch.ingest.domain.feeds.feed import Feed, NotAnOverdose, Reading, Source
from spikewatch.ingest.domain.feeds.fields import required, stated
from spikewatch.ingest.domain.feeds.places import call_place
from spikewatch.ingest.domain.feeds.reported import reported
from spikewatch.ingest.domain.feeds.synonyms import Synonyms
from spikewatch.ingest.domain.identifying import is_identifying, is_number
from spikewatch.ingest.domain.record import Fields, json_lines, json_records, of_text
from spikewatch.ingest.domain.rejection import Fault, Rejected
from spikewatch.ingest.domain.wall_clock import Instant
from spikewatch.ingest.domain.xlsx_rows import XLSX, xlsx_rows

__all__ = ["COLUMNS", "FEED", "read", "with_titles"]

_SYNONYMS: Final = Synonyms(COLUMNS)
_TITLE: Final = "EMS: OVERDOSE"
_HEADER: Final = "call number,call received,final call type,address,latitude,longitude,city,zip"
_TITLES: Final = frozenset({"title", "final", "description", "determinant"})
_TIMES: Final = ("desc", "timestamp", "call", "call utc", "dispatch", "day", "clock")
_NUMBER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/#-]{0,47}", re.ASCII)
_HALF: Final = re.compile("[\ud800-\udfff]")  # of a character: what no text can be written with
_YEARLY: Final = 7  # digits: shorter numbers begin anew each year, in some systems each day
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
    title, means = _title(call, code, meaning)
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


def _title(call: Fields, code: str, meaning: TitleReader) -> tuple[str, TitleMeaning]:
    """Return what decides whether a call is an overdose, and its meaning. A final type stands alone; another may be explained."""
    name = "final" if "final" in call and stated(call, "final") is not None else "title"
    more = _HALF.sub("", _short(call, "description")) if "description" in call else ""
    title = (code or more) if (code or more) and stated(call, name) is None else _text(call, name, _TITLE)
    means = meaning(title, code)
    if more and name == "title" and means is TitleMeaning.OTHER and not tells_of_none(title):
        explained = meaning(more, "")
        return (title, means) if explained is TitleMeaning.OTHER else (more, explained)
    return title, means


def _nothing(call: Fields, fields: Fields, source: Source, title: str) -> NotAnOverdose:
    """Tell that a call is no overdose; with a number of its own it takes back what it was before it was given another type."""
    if stated(call, "number") is None:
        return NotAnOverdose()
    try:
        return NotAnOverdose(_report(call, fields, source, title))
    except Rejected:
        return NotAnOverdose()


def _report(call: Fields, fields: Fields, source: Source, title: str) -> Report:
    instant, basis, notes = call_time(call, source, _described(call))
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


def _described(call: Fields) -> str:
    """Return the text in which the Montgomery layout has the time of the call; some write its column's name out."""
    name = next((name for name in ("desc", "description") if name in call and stated(call, name) is not None), None)
    if name == "description":
        return _short(call, name)
    return "" if name is None else _text(call, name, "MAIN ST; SPRINGFIELD; 2015-12-10 @ 17:10:52;")


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
        parts = (_described(call), _short(call, "timestamp"))
        return source.hashed_id(*parts, title) if any(parts) else source.hashed_id(instant.at.isoformat(), _short(call, "addr"), title)
    if sum(letter.isdigit() for letter in number) >= _YEARLY:
        return number
    return f"{number}@{instant.at.date().isoformat()}"


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
    lacking = [] if meanings & _TITLES else ["title"]
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
