"""Reads the cells of a table of reports, as people and statistics programs write them, into what is compared.

What cannot be read says nothing; it never makes a row useless. The agency, the record's number and the time are asked for by ``of_row``.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Final, TypeVar

from spikewatch.contracts.vocabulary import SourceType
from spikewatch.enrichment.domain.matching import codes
from spikewatch.enrichment.domain.matching.slashed import slashed

__all__ = [
    "ESTIMATING",
    "NOT_WRITTEN",
    "Unreadable",
    "code",
    "degrees",
    "disposition_of",
    "drug_of",
    "folded",
    "given",
    "is_rough_age",
    "kind_of",
    "likely_place_class",
    "meaningful",
    "moment_of",
    "outcome_of",
    "place_class_of",
    "race_of",
    "sex_of",
    "whole",
    "zip5",
]

T = TypeVar("T")

ESTIMATING: Final = frozenset({SourceType.CAD, SourceType.POLICE, SourceType.FIRE})
"""Who tells an age as it was told or looked."""

NOT_WRITTEN: Final = codes.NOT_STATED | {"NaN", "None", "NULL", "NA", "N/A", "<NA>", "NaT"}
"""What stands where nothing is stated, as it is written: a row has a number each, so its letters are not made small first."""

_ESTIMATING_KINDS: Final = frozenset(codes.KIND_CODE[kind] for kind in ESTIMATING)
_MEANING: Final = frozenset("123456789")
_SHORTEST_NUMBER: Final = 3  # "0", "-" and "NA" are fillers; a filler would join every report of a county
_YES: Final = frozenset({"1", "1.0", "true", "t", "yes", "y"})
_NO: Final = frozenset({"0", "0.0", "false", "f", "no", "n"})
_ALONG_A_STREET: Final = codes.PLACE_CLASS_OF["street"]
_MOST_DOSES: Final = 130
_ZIP_DIGITS: Final = 5
_NO_ZIP: Final = frozenset({"00000", "99999"})
# Without separators, as names of hospitals are compared; "other" is another one each time.
_NO_HOSPITAL: Final = frozenset(
    {
        *("UNKNOWN", "UNK", "UNKN", "UNKNOWNHOSPITAL", "OTHER", "OTHERHOSPITAL", "NONE", "NOHOSPITAL", "NULL", "NAN", "NA", "NAT"),
        *("NOTAPPLICABLE", "NOTAVAILABLE", "NOTKNOWN", "NOTLISTED", "NOTRECORDED", "NOTREPORTED", "NOTSPECIFIED", "NOTSTATED"),
        *("NOTTRANSPORTED", "NOTRANSPORT", "UNSPECIFIED", "UNDETERMINED", "MISSING", "BLANK", "PENDING", "TBD", "REFUSED"),
        *("0", "9", "99", "999", "9999"),
    }
)
_DATE_DIGITS: Final = 8
_SAYS_UTC: Final = re.compile(r"\s+(?:UTC|GMT)$", re.IGNORECASE)
_SINCE_1970: Final = {10: 1, 13: 1_000}  # by the digits of today's times: how many a second


class Unreadable(Exception):  # noqa: N818  # named by its consequence
    """A row that cannot be compared; ``field``, ``problem``, ``expected`` and ``example`` say why, never the value itself."""

    def __init__(self, field: str, problem: str, expected: str, example: str) -> None:
        super().__init__(f"{field} {problem}; expected {expected}, for example {example}")
        self.field = field
        self.problem = problem
        self.expected = expected
        self.example = example


_LISTS: Final = {
    "sex": codes.SEXES,
    "race": codes.RACES,
    "outcome": codes.OUTCOMES,
    "disposition": codes.DISPOSITIONS,
    "drug": codes.DRUGS,
}


def _remembered(size: int) -> Callable[[Callable[..., T]], Callable[..., T]]:
    return lru_cache(size)


@_remembered(256)
def code(field: str, text: str) -> int:
    """Return the number of a word in the list of a field, 0 where it is not stated or none of the list."""
    # An outcome that is unknown is none that two reports could agree on: some agencies write the word, others leave it out.
    is_stated = text and not (field == "outcome" and text.strip(" .").lower() == "unknown")
    return codes.code_of(_LISTS[field], text) if is_stated else 0


@_remembered(1024)
def kind_of(agency: str) -> int:
    """Return the number of the kind of agency that a name tells."""
    return codes.kind_of(agency)


@_remembered(64)
def place_class_of(text: str) -> int:
    """Return the class of a word for how well a place is known: of a word that nobody listed a street's, -1 where none is stated."""
    word = "_".join(text.lower().split())
    if word != "none" and word in codes.NOT_STATED:
        return -1
    return codes.PLACE_CLASS_OF.get(word, _ALONG_A_STREET)


def likely_place_class(kind: int, address_text: str, house: int) -> int:
    """Return how well a place is known whose precision is not stated: what its address says, and what is usual without one."""
    if house >= 0:
        return codes.PLACE_CLASS_OF["address"]
    # Hospitals know where somebody lives, and most of them tell the middle of the ZIP code.
    is_area = not address_text and kind == codes.KIND_CODE["ed"]
    return codes.PLACE_CLASS_OF["zip" if is_area else "block"]


@_remembered(256)
def is_rough_age(text: str, kind: int) -> bool:
    """Return whether an age is as it was told or looked: as its row says, else as it is usual for the kind of agency."""
    word = text.strip().lower()
    return kind in _ESTIMATING_KINDS if word in codes.NOT_STATED else word in _YES


@_remembered(256)
def given(text: str) -> int:
    """Return 1 for yes, 0 for no, -1 where neither is stated."""
    word = text.strip().lower()
    return 1 if word in _YES else 0 if word in _NO else -1


@_remembered(4096)
def zip5(text: str) -> str:
    """Return the five digits of a ZIP code."""
    first = text.strip().partition("-")[0].partition(".")[0]  # 94109-1234, and 94109.0 of a column of numbers
    if first.isdecimal():
        digits = first[:_ZIP_DIGITS] if len(first) >= _ZIP_DIGITS else first.zfill(_ZIP_DIGITS)  # of a number the first nought is lost
        return "" if digits in _NO_ZIP else digits
    return "" if first.lower() in codes.NOT_STATED else first[:_ZIP_DIGITS]


@_remembered(4096)
def folded(text: str) -> str:
    """Return a hospital's name without separators and case: "St. Mary's" and "ST MARYS" are one. A word for none or any is no name."""
    name = "".join(filter(str.isalnum, text.upper()))
    return "" if name in _NO_HOSPITAL else name


@_remembered(512)
def whole(text: str) -> int:
    """Return a number of doses, -1 where none is stated."""
    try:
        value = int(float(text)) if text.strip() else -1
    except (ValueError, OverflowError):
        return -1  # a word where a number belongs says nothing; it does not make the row useless
    return value if 0 <= value <= _MOST_DOSES else -1


def degrees(text: str | None, most: float) -> float | None:
    """Return a latitude or longitude, None where none is stated."""
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if -most <= value <= most else None


def moment_of(text: str, field: str) -> datetime:
    """Return a time; without an offset it is UTC. With slashes the month stands first, unless that number is above 12.

    What ISO 8601 does not know and people write is read, too: ``2026-05-01 9:05``, ``2026-05-01 9:05 PM``, ``2026-05-01 21:05 UTC``.

    Raises:
        Unreadable: it is none.
    """
    try:
        if text[4:5] != "-":
            return _compact_moment(text.strip())
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        stripped = _SAYS_UTC.sub("", text.strip())
        if stripped != text:
            return moment_of(stripped, field)
        if text[4:5] == "-":
            with suppress(ValueError):
                return slashed(text.replace("-", "/", 2))
        problem = "is missing" if text.lower() in codes.NOT_STATED else "is no time"
        raise Unreadable(field, problem, "an ISO 8601 time, or month/day/year and the time", "2026-05-01T13:45:00Z") from None


def _compact_moment(text: str) -> datetime:
    """Return a time written without dashes: seconds or milliseconds since 1970, as statistics programs write one as JSON, or ISO 8601.

    The library's reader would take some of the former for times of the year 1712.
    """
    if "/" in text:
        return slashed(text)
    if text.isdecimal() and len(text) in _SINCE_1970:
        return datetime.fromtimestamp(int(text) / _SINCE_1970[len(text)], UTC)
    if text.isdecimal() and len(text) != _DATE_DIGITS:
        raise ValueError(text)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def meaningful(text: str) -> str:
    """Return the number of a call, or nothing for a filler."""
    # Computer-aided dispatch numbers are typed with and without separators, and come as 26001234.0 of a column of numbers.
    folded = text.upper() if text.isalnum() else "".join(filter(str.isalnum, text.strip().removesuffix(".0").upper()))
    return folded if len(folded) >= _SHORTEST_NUMBER and not _MEANING.isdisjoint(folded) else ""


# A row's words are looked up as they are written; a cache of one text is asked in half the time of one that is told the field, too.
sex_of, race_of, outcome_of, disposition_of, drug_of = (_remembered(256)(partial(code, field)) for field in _LISTS)
