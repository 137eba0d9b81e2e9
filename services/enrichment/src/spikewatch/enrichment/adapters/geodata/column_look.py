"""What a column's values look like, whatever its name is."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from spikewatch.enrichment.adapters.geodata.column_words import letters, words
from spikewatch.enrichment.domain.geocoding.street_words import DIRECTIONS, STATE_OF_FIPS, TYPES

__all__ = ["NOTHING", "Look", "house_number", "hyphened_number", "number"]

_INVENTED: Final = "99"  # no state has it: the examples' county lies there
_NUMBER: Final = re.compile(r"[+-]?\d+(?:\.\d*)?|[+-]?\.\d+")
_HOUSE: Final = re.compile(r"(?:[NSEWnsew]\d{0,5}\s?[NSEWnsew]?(?=\d))?\d{1,6}(?:\.0*)?(?:\s?[A-Za-z]|\s?1/2|-\d{1,4})?")
_START: Final = re.compile(r"\s*(?:[NSEW]\d{1,5}\s?[NSEW](?=\d)|[NSEW](?=\d{3}))?0*(\d{1,7})(?!\d)", re.IGNORECASE)
_HYPHENED: Final = re.compile(r"\s*0*(\d{1,6})\s?-\s?(\d{1,6})[A-Za-z]?\s*")
_ZIP: Final = re.compile(r"\d{5}(?:\.0|-?\d{4})?")
_SHAPE: Final = re.compile(r"\s*(?:SRID=\d+;)?\s*(POINT|LINESTRING|POLYGON|MULTIPOINT|MULTILINESTRING|MULTIPOLYGON)\b", re.IGNORECASE)
_ADDRESS: Final = re.compile(r"\d+[A-Za-z]?(?:[ -]\d+(?:/\d)?)?\s+\S*[A-Za-z]")
NOTHING: Final = frozenset(
    written
    for words in ("", "null", "<null>", "(null)", "none", "n/a", "not stated", "unknown")
    for written in (words, words.upper(), words.title(), words.capitalize())
)
"""Cells that say nothing: besides empty ones those that say so in words, NAD's ``Not stated`` among them."""


def number(text: str) -> float | None:
    """Return a number; None when the text is none. Thousands are not apart: no file of places writes them so."""
    return float(text) if _NUMBER.fullmatch(text) else None


def house_number(text: str) -> int:
    """Return the whole number at the start of a house number, 0 when there is none: ``12A``, ``12 1/2`` and ``12-14`` are 12.

    Of a number on a grid (``W180N8085``, ``N8085``) the last part counts: it tells where along the street.
    """
    match = _START.match(text)
    return int(match[1]) if match else 0


def hyphened_number(text: str) -> tuple[int, int]:
    """Return both whole numbers of a house number with a hyphen: 52 and 1 of ``52-01``; the second is 0 where there is none."""
    match = _HYPHENED.fullmatch(text)
    return (int(match[1]), int(match[2])) if match else (house_number(text), 0)


@dataclass(frozen=True)
class Look:
    """A column of the first rows of a layer.

    Attributes:
        place: position among the columns.
        name: as it is written.
        values: of the rows that were looked at, empty ones too.
    """

    place: int
    name: str
    values: Sequence[str]

    @cached_property
    def letters(self) -> str:
        """The name's letters and digits in lower case."""
        return letters(self.name)

    @cached_property
    def words(self) -> frozenset[str]:
        """The name's words in lower case."""
        return frozenset(words(self.name))

    @cached_property
    def stated(self) -> list[str]:
        """The values that say something."""
        return [value for value in self.values if value not in NOTHING]

    def share(self, is_such: Callable[[str], object]) -> float:
        """Return the share of the stated values that are such; 0 when none is stated."""
        return sum(map(bool, map(is_such, self.stated))) / len(self.stated) if self.stated else 0.0

    @cached_property
    def filled(self) -> float:
        """Share of rows that state a value."""
        return len(self.stated) / len(self.values) if self.values else 0.0

    @cached_property
    def numbers(self) -> float:
        """Share of values that are numbers."""
        return self.share(_NUMBER.fullmatch)

    @cached_property
    def house_numbers(self) -> float:
        """Share of values that could be a house number."""
        return self.share(_HOUSE.fullmatch)

    @cached_property
    def zips(self) -> float:
        """Share of values that could be a ZIP code."""
        return self.share(_ZIP.fullmatch)

    @cached_property
    def addresses(self) -> float:
        """Share of values that begin with a number and go on with a word."""
        return self.share(_ADDRESS.match)

    @cached_property
    def types(self) -> float:
        """Share of values that are a type of street and nothing else."""
        return self.share(lambda value: value.upper().rstrip(".") in TYPES)

    @cached_property
    def directions(self) -> float:
        """Share of values that are a direction and nothing else."""
        return self.share(lambda value: value.upper().rstrip(".") in DIRECTIONS)

    @cached_property
    def worded(self) -> float:
        """Share of values with a letter."""
        return self.share(lambda value: any(map(str.isalpha, value)))

    @cached_property
    def typed_names(self) -> float:
        """Share of values that end in a type of street, or in a direction after one."""
        return self.share(_ends_in_type)

    @cached_property
    def counties(self) -> float:
        """Share of values that could be the FIPS code of a county; 14000 is Chicago's among the places, no county ends so."""
        return self.share(
            lambda value: (
                len(value) == 5 and value.isdigit() and value[2:] != "000" and (value[:2] in STATE_OF_FIPS or value[:2] == _INVENTED)
            )
        )

    @cached_property
    def distinct(self) -> float:
        """Share of stated values that are not repeated."""
        return len(set(self.stated)) / len(self.stated) if self.stated else 0.0

    @cached_property
    def shape_word(self) -> str:
        """``POINT``, ``LINESTRING``, ``POLYGON`` when the values are WKT, without MULTI; else empty."""
        match = _SHAPE.match(self.stated[0]) if self.stated else None
        return match[1].upper().removeprefix("MULTI") if match and self.share(_SHAPE.match) > 0.9 else ""

    def within(self, low: float, high: float) -> float:
        """Return the share of values that are numbers from ``low`` to ``high``, zero aside."""
        return self.share(lambda value: (found := number(value)) is not None and found != 0 and low <= found <= high)


def _ends_in_type(value: str) -> bool:
    parts = value.upper().replace(".", "").split()
    while len(parts) > 2 and parts[-1] in DIRECTIONS:
        parts.pop()
    return len(parts) > 1 and parts[-1] in TYPES
