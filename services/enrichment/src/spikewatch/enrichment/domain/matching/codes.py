"""The small vocabulary that makes a comparison a look-up: every value that is compared is a number from zero, zero for not stated."""

from typing import Final

__all__ = [
    "DISPOSITIONS",
    "DRUGS",
    "KINDS",
    "KIND_CODE",
    "OUTCOMES",
    "PLACE_CLASSES",
    "PLACE_CLASS_OF",
    "RACES",
    "SEXES",
    "code_of",
    "kind_of",
]

KINDS: Final = ("cad", "ems", "fire", "police", "ed", "me", "other")
"""Kinds of agency, in the order in which a pair is oriented: time differences are those of the later kind after the earlier one."""

KIND_CODE: Final = {name: code for code, name in enumerate(KINDS)}

PLACE_CLASSES: Final = ("none", "point", "near", "street", "area")
"""How well a place is known: ``near`` is a block or a crossing, ``street`` somewhere along one, ``area`` a ZIP code, city or county."""

PLACE_CLASS_OF: Final = {
    "point": 1,
    "address": 1,
    "place": 1,
    "range": 1,
    "near_range": 1,
    "landmark": 3,
    "block": 2,
    "intersection": 2,
    "near_intersection": 2,
    "street": 3,
    "zip": 4,
    "city": 4,
    "county": 4,
    "none": 0,
    "": 0,
}

OUTCOMES: Final = ("", "fatal", "nonfatal", "improved", "unknown")
SEXES: Final = ("", "female", "male", "other")
RACES: Final = ("", "w", "b", "h", "a", "o")
DRUGS: Final = (
    "",
    "opioid",
    "fentanyl",
    "heroin",
    "stimulant",
    "cocaine",
    "methamphetamine",
    "benzodiazepine",
    "alcohol",
    "other",
    "unknown",
)
DISPOSITIONS: Final = ("", "transported", "refused", "released", "died_on_scene", "admitted", "discharged", "ama", "arrest", "treatment")

_SYNONYMS: Final = {
    "m": "male",
    "f": "female",
    "u": "",
    "x": "other",
    "meth": "methamphetamine",
    "transport": "transported",
    "dos": "died_on_scene",
    "non-fatal": "nonfatal",
    "white": "w",
    "black": "b",
    "hispanic": "h",
    "asian": "a",
}
_KIND_STARTS: Final = (
    ("cad", "cad"),
    ("911", "cad"),
    ("psap", "cad"),
    ("dispatch", "cad"),
    ("ems", "ems"),
    ("ambulance", "ems"),
    ("fire", "fire"),
    ("fd", "fire"),
    ("police", "police"),
    ("pd", "police"),
    ("sheriff", "police"),
    ("ed", "ed"),
    ("hospital", "ed"),
    ("me", "me"),
    ("coroner", "me"),
    ("examiner", "me"),
)
_KIND_ENDS: Final = (("pd", "police"), ("fd", "fire"), ("ems", "ems"))  # SFPD, SFFD, NYCEMS


def code_of(words: tuple[str, ...], text: str) -> int:
    """Return the number of a word, 0 where it is not stated or none of the list."""
    folded = text.strip().lower()
    folded = _SYNONYMS.get(folded, folded)
    return words.index(folded) if folded in words else 0


def kind_of(agency: str) -> int:
    """Return the kind of agency that a name tells, ``other`` where it tells none."""
    parts = agency.lower().replace("-", " ").replace("_", " ").split()
    for part in parts:
        for start, kind in _KIND_STARTS:
            # A short beginning must be the whole word: "ed" is no part of "education".
            if part == start or (len(start) > 3 and part.startswith(start)) or (part.startswith(start) and part[len(start) :].isdecimal()):
                return KIND_CODE[kind]
    for part in parts:
        for end, kind in _KIND_ENDS:
            if part.endswith(end):
                return KIND_CODE[kind]
    return KIND_CODE["other"]
