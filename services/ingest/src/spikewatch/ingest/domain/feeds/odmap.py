"""ODMAP-style exports and imports as CSV, JSON or XLSX.

No header of ODMAP is published. What is known are the fields: date and time, approximate place, fatal or not, naloxone, and
optionally age, sex, substances, hospital, number of victims, case number, who gave the naloxone. Columns are found by
what people call these.
"""

import re
from collections.abc import Sequence
from typing import Final

from spikewatch.contracts.report import Victims
from spikewatch.contracts.vocabulary import Disposition, SourceType
from spikewatch.ingest.domain.csv_rows import ENCODING_ASSUMED, csv_rows
from spikewatch.ingest.domain.evidence import Named
from spikewatch.ingest.domain.feeds import statutory
from spikewatch.ingest.domain.feeds.feed import Feed, Reading, Source
from spikewatch.ingest.domain.feeds.fields import choice, required, stated
from spikewatch.ingest.domain.feeds.odmap_columns import COLUMNS
from spikewatch.ingest.domain.feeds.statutory_words import Words, stated_victims, stated_words
from spikewatch.ingest.domain.feeds.synonyms import Synonyms
from spikewatch.ingest.domain.identifying import is_number
from spikewatch.ingest.domain.no_record import explained
from spikewatch.ingest.domain.record import Fields, json_lines, json_records, of_text
from spikewatch.ingest.domain.rejection import Fault, Rejected
from spikewatch.ingest.domain.repeated import repeated
from spikewatch.ingest.domain.wall_clock import Instant, read_agency_time, time_text, zone_named
from spikewatch.ingest.domain.xlsx_rows import XLSX, xlsx_rows

__all__ = ["COLUMNS", "FEED", "read"]

_SYNONYMS: Final = Synonyms(COLUMNS)
_HEADER: Final = (
    "date,time,address,city,zip,fatal/nonfatal,naloxone administered,number of doses,age,sex,primary suspected drug,case number"
)
_TIME: Final = "05/01/2026 14:03"
_YES: Final = dict.fromkeys(("yes", "y", "true", "t", "1", "single", "multiple"), "yes")
_NO: Final = dict.fromkeys(("no", "n", "false", "f", "0", "0.0", "zero", "not administered", "not given", "refused", "declined"), "no")
_UNKNOWN: Final = dict.fromkeys(("unknown", "unk", "u", "not known", "undetermined", "?"), "unknown")
_GIVEN: Final = {**_YES, **_NO, **_UNKNOWN}
# ODMAP asks for one of five: fatal or not, each with naloxone or without, or unknown.
_FATAL: Final = re.compile(r"\b(?:fatal|fatality|death|dead|deceased|died|doa)\b(?!\s*:?\s*no)")
_NOT_FATAL: Final = re.compile(r"\bnon[ -]?fatal|\bnot fatal\b|\bsurviv|\balive\b|\brevived\b")
_OUTCOME_UNKNOWN: Final = re.compile(
    r"\b(?:unknown|unk|not known|unsure|undetermined)\s+(?:if|whether)\s+(?:it\s+(?:is|was)\s+)?(?:non[ -]?)?fatal"
    r"|\bfatal(?:ity)?(?:\s*(?:/|or)\s*non[ -]?fatal)?\s*[?:]\s*(?:unknown|unk)\b"
)
_DRUG: Final = r"(?:naloxone|narcan)"
# What is not known comes first: "naloxone" stands in all of these.
_COMBINED: Final = (
    (
        re.compile(
            rf"\b(?:unknown|unk|not known|unsure|undetermined)\s+(?:(?:if|whether)\s+)?(?:any\s+)?{_DRUG}"
            rf"|{_DRUG}(?:\s+(?:use|given|used|administered|administration|status))?[\s:=(/-]*(?:is\s+|was\s+)?"
            r"(?:unknown|unk|not known|unsure|undetermined|\?)(?:\s+(?:if|whether)\s+(?:given|used|administered))?\s*(?:$|[),;/|-])"
        ),
        "unknown",
    ),
    (re.compile(rf"{_DRUG}[\s:,-]*(?:was\s+)?(?:refused|declined)|\b(?:refused|declined)\s+{_DRUG}"), "no"),
    (
        re.compile(rf"\b(?:no|without|w/o|not)\b[ -]*{_DRUG}|{_DRUG}\s*(?:(?:was )?not (?:administered|given|used)|:?\s*no\b)"),
        "no",
    ),
    (re.compile(_DRUG), "yes"),
)
# Words of a type that tell of naloxone, and nothing of the outcome: ODMAP's "Single Dose Naloxone".
_NALOXONE_ALONE: Final = re.compile(
    rf"(?:(?:{_DRUG}|no|not|without|was|is|single|multiple|one|two|three|four|\d+|doses?|of|given|used|administered|administration|refused|declined)"
    r"[\s:,+/()-]*)+"
)
_NAMED_DOSES: Final = re.compile(r"(?<![\d.])(?<!\d-)\b(single|one|two|three|four|\d{1,2})\+?[ -]doses?\b")
_NOT_KNOWN_IF: Final = re.compile(r"(?:unknown|unk|not known|not sure|unsure|undetermined)\b(?!\s+(?:number|doses?|amount|quantity|how))")
_DOSED: Final = re.compile(r"(\d{1,2})(?:\s*\+|\s*(?:doses?|times?))?", re.IGNORECASE)
_COUNTED: Final = {"single": "1", "single dose": "1", "one": "1", "two": "2", "three": "3", "four": "4"}
_BY: Final = (
    (re.compile(r"police|law enforcement|officer|sheriff|trooper|\ble\b|\bpd\b"), "police"),
    (re.compile(r"\bfire"), "fire"),
    (re.compile(r"\bems\b|medic|ambulance|\bemt\b"), "ems"),
    (re.compile(r"hospital|nurse|doctor|\bed\b"), "hospital"),
    (re.compile(r"bystander|family|friend|civilian|layperson|lay person|citizen|community|public"), "layperson"),
    (re.compile(r"\bself\b"), "self"),
)
_BAND: Final = re.compile(r"(\d{1,2})\s*(?:-|to)\s*(\d{1,2})")
_AGE: Final = re.compile(r"(\d{1,3})(?:\.0)?(?:\s*(?:y|yo|y/o|yrs?|years?)\.?)?")
_INFANT: Final = re.compile(r"(\d{1,3})\s*(m|mo|mos|months?|w|wks?|weeks?|d|days?)(?: old)?\.?")
_A_YEAR: Final = {"m": 12, "w": 52, "d": 365}
_SEXES: Final = {"trans": "other", "transgender": "other", "nonbinary": "other", "non-binary": "other", "unk": "unknown"}
_SPLIT: Final = re.compile(r"[;,|]")
_MOST_DRUGS: Final = 20


def read(fields: Fields, source: Source) -> Reading:
    """Make a reading of one row.

    Raises:
        Rejected: a field is missing or wrong.
    """
    row = _SYNONYMS.renamed(fields)
    if ENCODING_ASSUMED in fields:
        row[ENCODING_ASSUMED] = "yes"
    try:
        instant = _time(row, source)
        said = statutory.Said(_WORDS(row), _VICTIMS(row), _TOWN(row), _NAMES(row))
    except Rejected as rejected:
        raise explained(fields, rejected) from None
    _put_numbers(row, source)
    # Without a place it is the agency's county.
    return statutory.read_said(row, source, instant, said, needs_place=source.county_fips is None)


def _time(row: Fields, source: Source) -> Instant:
    day, clock, field = stated(row, "when"), None, "date and time"
    if day is None:
        day, clock, field = required(row, "day", "the date and time of the overdose", _TIME), stated(row, "clock"), "date"
    if not isinstance(day, str):
        day = time_text(day, field)
    if clock is not None and not isinstance(clock, str):
        clock = time_text(clock, field)
    return read_agency_time(day, clock, zone_named(source.time_zone), field)


def _word(row: Fields, name: str) -> str:
    value = stated(row, name) if name in row else None
    return " ".join(str(value).lower().split()) if isinstance(value, str | bool | int) else ""


def _outcome(row: Fields) -> tuple[str, str | None]:
    """Return the outcome, and what the same words say of naloxone."""
    word = _word(row, "outcome")
    if not word:
        survived = _word(row, "nonfatal")
        if not survived:
            required(row, "outcome", "fatal, nonfatal or unknown", "Nonfatal")
        return {"yes": "nonfatal", "no": "fatal"}.get(_GIVEN.get(survived, ""), "unknown"), None
    combined = _of_naloxone(word)
    if word in _GIVEN:  # the answer to: fatal?
        return {"yes": "fatal", "no": "nonfatal"}.get(_GIVEN[word], "unknown"), combined
    if _OUTCOME_UNKNOWN.search(word):
        return "unknown", combined
    if _NOT_FATAL.search(word):
        return "nonfatal", combined
    if _FATAL.search(word):
        return "fatal", combined
    if word.startswith(("unknown", "unk ", "unk-", "undetermined")) or (combined is not None and _NALOXONE_ALONE.fullmatch(word)):
        return "unknown", combined
    raise Rejected(Fault.INVALID_FIELD, "outcome", "is not one of the known words", "fatal, nonfatal or unknown", "Nonfatal")


def _of_naloxone(word: str) -> str | None:
    return next((given for pattern, given in _COMBINED if pattern.search(word)), None)


def _given(row: Fields, combined: str | None) -> str:
    word = _word(row, "naloxone")
    if not word:
        doses = _word(row, "doses")
        if combined is None and not doses:
            required(row, "naloxone", "yes, no or unknown", "Yes")
        if combined in {None, "unknown"} and doses:
            return "unknown" if doses in _UNKNOWN else "no" if doses in _NO else "yes"
        return combined or "unknown"
    if word in _GIVEN:
        return _GIVEN[word]
    if _NOT_KNOWN_IF.match(word) or _of_naloxone(word) == "unknown":
        return "unknown"
    if re.search(r"\b(?:no|not|without)\b", word) or (re.search(r"refused|declined", word) and not re.search(r"yes|given|admin", word)):
        return "no"
    if _DOSED.fullmatch(word) or re.search(r"dose|administered|given|naloxone|narcan|yes", word) or _by_words(word):
        return "yes"
    return choice(row, "naloxone", _GIVEN, "unknown")


def _doses(row: Fields) -> str | None:
    word = _word(row, "doses")
    naloxone = _word(row, "naloxone")
    for said in (word, naloxone):
        if said in _COUNTED:
            return _COUNTED[said]
        dosed = _DOSED.fullmatch(said)
        if dosed is not None and (said is word or said not in _GIVEN):
            return dosed[1]
    if not word or word in _UNKNOWN or word in {"multiple", "multiple doses"}:
        named = _NAMED_DOSES.search(naloxone) or _NAMED_DOSES.search(_word(row, "outcome"))
        return None if named is None else _COUNTED.get(named[1], named[1])
    return word  # refused with its reason


def _by(row: Fields) -> str:
    return _by_words(_word(row, "by")) or _by_words(_word(row, "naloxone")) or "unknown"


def _by_words(text: str) -> str | None:
    return next((giver for pattern, giver in _BY if pattern.search(text)), None) if text else None


def _town(row: Fields) -> statutory.Town:
    found: dict[str, object] = {"city": row.get("city")}
    zip5 = _word(row, "zip").removesuffix(".0")
    if zip5:
        found["zip"] = zip5.zfill(5) if zip5.isdecimal() else zip5  # spreadsheets drop the zero in front
    county = _word(row, "county_fips").removesuffix(".0")
    if county:
        found["county_fips"] = county.zfill(5) if county.isdecimal() and len(county) == 4 else county
    return statutory.stated_town(found)


def _victims(row: Fields) -> Victims:
    found: dict[str, object] = {"count": row.get("count")}
    age = _word(row, "age")
    band, years, infant = _BAND.fullmatch(age), _AGE.fullmatch(age), _INFANT.fullmatch(age)
    if infant:
        found["age"] = str(int(infant[1]) // _A_YEAR[infant[2][0]])
    elif years:
        found["age"] = years[1]
    elif band and int(band[1]) // 10 == int(band[2]) // 10:
        low = int(band[1]) // 10 * 10
        found["age_band"] = f"{low}-{low + 9}" if low < 90 else "90+"
    elif age and not band and age not in _UNKNOWN:
        found["age"] = age  # refused with its reason
    sex = _word(row, "sex")
    if sex:
        found["sex"] = _SEXES.get(sex, sex)
    return stated_victims(found)


def _put_numbers(row: dict[str, object], source: Source) -> None:
    """Put the numbers of the row where the statutory minimum has them; without any its id is a hash of all that is read of it."""
    case = row["incident_number"] = _own(row, "case")
    if _own(row, "record_id") is not None:
        return
    if case is not None and _word(row, "count") in {"", "1"}:  # of several victims each would be the same report
        row["record_id"] = case
    else:
        row["record_id"] = source.hashed_id(*(f"{name}={value!r}" for name in COLUMNS if (value := stated(row, name)) is not None))


def _own(row: Fields, name: str) -> object | None:
    """Return a number that tells one row from another: UNKNOWN and PENDING do not."""
    value = stated(row, name)
    return value if value is not None and is_number(str(value)) else None


def _names(row: Fields) -> tuple[Named, ...]:
    names: dict[str, None] = {}
    for field in ("drug", "drugs"):
        value = stated(row, field) if field in row else None
        if isinstance(value, str):
            value = _SPLIT.split(value)
        for name in value if isinstance(value, list) else ():
            if isinstance(name, str) and name.strip():
                names[name.strip()] = None
    return tuple(Named(name) for name in list(names)[:_MOST_DRUGS])


def _words(row: Fields) -> Words:
    outcome, combined = _outcome(row)
    found: dict[str, object] = {"outcome": outcome, "reversal_given": _given(row, combined)}
    if found["reversal_given"] == "yes":
        found |= {"reversal_drug": "naloxone", "reversal_doses": _doses(row), "reversal_by": _by(row)}
    hospital = _word(row, "hospital")
    if hospital and hospital not in _NO and hospital not in _UNKNOWN:
        found["disposition"] = Disposition.TRANSPORTED.value
    return stated_words(found)


# Apart, for every combination is remembered: an age and a ZIP code together come again a hundredth as often as each alone.
_WORDS: Final = repeated(("outcome", "nonfatal", "naloxone", "doses", "by", "hospital"), _words)
_VICTIMS: Final = repeated(("age", "sex", "count"), _victims)
_TOWN: Final = repeated(("city", "zip", "county_fips"), _town)
_NAMES: Final = repeated(("drug", "drugs"), _names)


def _lacking(names: Sequence[str]) -> Sequence[str]:
    meanings = _SYNONYMS.meanings(names)
    lacking = [] if meanings & {"when", "day"} else ["date"]
    lacking += [] if meanings & {"outcome", "nonfatal"} else ["fatal/nonfatal"]
    return lacking if meanings & {"naloxone", "doses", "outcome"} else [*lacking, "naloxone administered"]


FEED: Final = Feed(
    name="odmap",
    summary="ODMAP-style rows by what their columns are usually called",
    splits={
        "text/csv": csv_rows(required=_lacking, header=_HEADER, reads=_SYNONYMS),
        "application/json": of_text(json_records),
        "application/x-ndjson": of_text(json_lines),
        XLSX: xlsx_rows(required=_lacking, header=_HEADER, reads=_SYNONYMS),
    },
    read=read,
    default_source=SourceType.POLICE,
)
