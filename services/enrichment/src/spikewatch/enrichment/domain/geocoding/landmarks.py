"""Places that people call by a name instead of an address, found also with a number in front and a unit behind: PIER 39 SPACE K-01."""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from spikewatch.enrichment.domain.geocoding.fold import fold
from spikewatch.enrichment.domain.geocoding.phrases import UNIT_MARKS, cleaned, halves_kept
from spikewatch.enrichment.domain.geocoding.street_name import normal_words

__all__ = ["Landmarks", "Mark", "parts_of"]

_APART: Final = re.compile(r"[,(:/&@+]| - ")
_SILENT: Final = frozenset({"THE", "OF", "AT", "AND"})
_SHORT: Final = {"BLDG": "BUILDING", "HOSP": "HOSPITAL", "UNIV": "UNIVERSITY", "INTL": "INTERNATIONAL", "PL": "PLZ"}
"""Words that landmarks are written with besides those of streets. Many write PL for PLAZA."""
_MOST_WORDS: Final = 10


class Mark(NamedTuple):
    """A landmark or milepost.

    Attributes:
        name: folded, as its file has it.
        lat: latitude in degrees.
        lon: longitude in degrees.
        radius_m: reaches all of it.
        context: number of its context.
    """

    name: str
    lat: float
    lon: float
    radius_m: float
    context: int


class Landmarks:
    """Every landmark of an index by its name."""

    def __init__(self, marks: Sequence[Mark]) -> None:
        self._by_key: dict[str, list[Mark]] = {}
        for mark in marks:
            self._by_key.setdefault(_key(mark.name.split()), []).append(mark)

    def __len__(self) -> int:
        return len(self._by_key)

    def named(self, words: list[str]) -> list[Mark]:
        """Return the landmarks of just this name, with or without THE; those written alike before those with another PLACE or PLAZA."""
        if not self._by_key:
            return []
        marks = self._by_key.get(_key(words), [])
        written = " ".join(words)
        return [mark for mark in marks if mark.name == written] or marks

    def starting(self, words: list[str]) -> tuple[list[Mark], str]:
        """Return the landmarks of the longest name that the words begin with, and what was left out for it, empty when nothing was.

        Whole words only: PIER 3 is not PIER 39. Behind a name without a number nothing but a unit may follow, for LINCOLN PARK SCHOOL
        may stand far from LINCOLN PARK; PIER 39 is the same whatever follows.
        """
        for end in range(min(len(words), _MOST_WORDS), 0, -1):
            if marks := self.named(words[:end]):
                if end == len(words):
                    return marks, ""
                return (marks, "trailing_words_dropped") if _may_follow(words[:end], words[end:]) else ([], "")
        if len(words) > 2 and words[0].isdigit():
            # 1 FERRY BUILDING: the building has a name, its door a number.
            marks, reason = self.starting(words[1:])
            return marks, reason or "house_number_dropped"
        return [], ""


def parts_of(text: str) -> Iterator[list[str]]:
    """Yield the words of a text, then those of each part of it: FERRY PLAZA - PIER 1 has two."""
    folded = halves_kept(fold(text))
    parts = _APART.split(folded)
    for part in [folded, *parts] if len(parts) > 1 else parts:
        if words := re.sub(r"[^A-Z0-9]", " ", cleaned(part)).split():
            yield words


def _may_follow(name: list[str], tail: list[str]) -> bool:
    if any(word.isdigit() for word in name):
        return True
    is_unit = tail[0][0].isdigit() or (tail[0] in UNIT_MARKS and (tail[0] != "STREET" or tail[1:2] == ["LEVEL"]))
    return is_unit and len(name) > 1


def _key(words: list[str]) -> str:
    """Return the letters of a name; between two numbers stays a blank, or PIER 3 9 would be PIER 39."""
    made = ""
    for word in normal_words([word for word in words if word not in _SILENT] or words, "").split():
        normal = _SHORT.get(word, word)
        normal = normal.lstrip("0") or normal if normal.isdigit() else normal
        made += f" {normal}" if made and made[-1].isdigit() and normal[0].isdigit() else normal
    return made
