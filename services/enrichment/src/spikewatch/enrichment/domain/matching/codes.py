"""The small vocabulary that makes a comparison a look-up: every value that is compared is a number from zero, zero for not stated."""

import re
from typing import Final

__all__ = [
    "DISPOSITIONS",
    "DRUGS",
    "KINDS",
    "KIND_CODE",
    "NOT_STATED",
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
    "rooftop": 1,
    "parcel": 1,
    "premise": 1,
    "exact": 1,
    "gps": 1,
    "landmark": 3,
    "block": 2,
    "intersection": 2,
    "near_intersection": 2,
    "street": 3,
    "zip": 4,
    "zipcode": 4,
    "zip_code": 4,
    "postcode": 4,
    "postal_code": 4,
    "city": 4,
    "town": 4,
    "county": 4,
    "state": 4,
    "none": 0,
}

NOT_STATED: Final = frozenset({"", "nan", "none", "null", "na", "n/a", "<na>", "nat", "-", "."})
"""What stands in small letters where nothing is stated: statistics programs write the absent as a word."""

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
    **dict.fromkeys(("m", "man", "men", "boy", "males", "1", "1.0"), "male"),  # 1 and 2 are ISO 5218's
    **dict.fromkeys(("f", "woman", "women", "girl", "females", "2", "2.0"), "female"),
    "u": "",
    "x": "other",
    "meth": "methamphetamine",
    "transport": "transported",
    "dos": "died_on_scene",
    "white": "w",
    "black": "b",
    "hispanic": "h",
    "asian": "a",
    **dict.fromkeys(("deceased", "died", "dead", "death", "expired", "fatality", "fatal overdose", "fatal od", "doa"), "fatal"),
    **dict.fromkeys(("survived", "survivor", "alive", "living", "lived", "not fatal", "non fatal", "nonfatal overdose"), "nonfatal"),
    **dict.fromkeys(("non fatal overdose", "nonfatal od", "non fatal od"), "nonfatal"),
}
_BETWEEN_WORDS: Final = re.compile(r"[\s_-]+")
# Looked for in this order: a sheriff may be coroner, a hospital may run an ambulance, and any of them may have dispatchers.
_KIND_SAID: Final = (
    ("me", r"coroner\w*|\w*examiner\w*|medicolegal|forensic\w*|o?cmeo?|meo"),
    ("cad", r"cad\d*|911\w*|e911|9 1 1|psap\w*|dispatch\w*|communications?|comms?|call (?:center|taker)\w*"),
    ("ems", r"ems\d*|ambulance\w*|emergency medical|paramedic\w*|medics?\d*|emts?|medevac|rescue squad"),
    ("fire", r"fire\w*|fd\d*|rescue"),
    ("police", r"police\w*|pd\d*|sheriff\w*|law enforcement|(?:highway|state) patrol|troopers?|constables?|public safety"),
    ("ed", r"hospital\w*|emergency (?:dep\w*|room|medicine)|(?:medical|med|health) (?:center|centre|ctr)"),
    ("ed", r"health ?care|infirmary|clinic|urgent care"),
)
# Short words that are other words, too (ME is a state): only where nothing else tells. SFPD, SFFD, NYCEMS.
_KIND_HINTED: Final = (
    ("ed", r"e[dr]\d*"),
    ("me", r"me\d*"),
    ("police", r"\w*pd|so|leo"),
    ("fire", r"\w*fd"),
    ("ems", r"\w*(?<!syst)ems"),
)
_KINDS_BY_NAME: Final = tuple((KIND_CODE[kind], re.compile(rf"\b(?:{said})\b")) for kind, said in (*_KIND_SAID, *_KIND_HINTED))
_NO_LETTER: Final = re.compile(r"[\W_]+")


def code_of(words: tuple[str, ...], text: str) -> int:
    """Return the number of a word, 0 where it is not stated or none of the list."""
    folded = text.strip(" .\t\r\n").lower()
    if folded not in words:
        spaced = _BETWEEN_WORDS.sub(" ", folded).strip()
        folded = _SYNONYMS.get(spaced, spaced.replace(" ", "_"))
    return words.index(folded) if folded in words else 0


def kind_of(agency: str) -> int:
    """Return the kind of agency that a name tells, ``other`` where it tells none."""
    name = _NO_LETTER.sub(" ", agency.lower())
    return next((kind for kind, said in _KINDS_BY_NAME if said.search(name)), KIND_CODE["other"])
