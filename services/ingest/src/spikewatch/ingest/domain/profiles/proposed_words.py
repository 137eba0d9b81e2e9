"""What the words of tables mean in the fields with few words, as a proposed profile maps them. People read the proposal."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from spikewatch.ingest.domain.profiles.words import CLOSED

__all__ = ["manner_of", "means"]

_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "sex": {"man": "male", "woman": "female", "unk": "unknown"},
    "reversal_given": {
        "1": "yes", "0": "no", "1.0": "yes", "0.0": "no", "unk": "unknown", "x": "yes", "given": "yes", "administered": "yes",
        "not given": "no", "not administered": "no",
    },
    "reversal_before_ems": {"1": "yes", "0": "no", "unk": "unknown"},
    "reversal_response": {
        "better": "improved", "no change": "unchanged", "none": "unchanged", "no response": "unchanged", "worsened": "worse",
        "responsive": "improved",
    },
    "reversal_route": {"in": "intranasal", "nasal": "intranasal", "im": "intramuscular", "iv": "intravenous", "io": "intraosseous"},
    "reversal_by": {
        "bystander": "layperson", "civilian": "layperson", "family": "layperson", "friend": "layperson", "law enforcement": "police",
        "officer": "police", "pd": "police", "fd": "fire", "fire department": "fire", "paramedic": "ems", "unk": "unknown",
    },
    "outcome": {
        "dead": "fatal", "deceased": "fatal", "died": "fatal", "death": "fatal", "expired": "fatal", "doa": "fatal", "alive": "nonfatal",
        "survived": "nonfatal", "lived": "nonfatal", "revived": "nonfatal", "non fatal": "nonfatal", "unk": "unknown", "u": "unknown",
    },
    "disposition": {
        "treated, transported": "transported", "transported to hospital": "transported", "hospital": "transported",
        "refusal": "refused", "patient refused": "refused", "dead on scene": "died_on_scene", "doa": "died_on_scene", "arrested": "arrest",
        "treated and released": "released",
    },
}  # fmt: skip
_YES: Final = frozenset({"yes", "y", "true", "1", "1.0", "x"})
_NO: Final = frozenset({"no", "n", "false", "0", "0.0"})
_NALOXONE: Final = re.compile(r"narcan|naloxone")
_NOT: Final = re.compile(r"\b(?:no|not|without|refused)\b")
_BAND: Final = re.compile(r"(\d{1,2})\s*(?:-|to|\u2013)\s*(\d{1,2})(?: years| yrs)?")
_MANNERS: Final = ("accident", "suicide", "homicide", "natural", "undetermined", "pending")
_OLDEST: Final = 90


def means(field: str, word: str, header: str = "") -> str | None:
    """Return the word of the contract that a table's word stands for.

    Args:
        field: of the profile.
        word: in plain form.
        header: of its column, as words: the yes of ``fatal`` is no yes of ``survived``.

    Returns:
        None: nothing is known of it.
    """
    if field == "outcome" and (word in _YES or word in _NO):
        if re.search(r"surviv|alive|non ?fatal|revived", header):
            return "nonfatal" if word in _YES else "fatal"
        return ("fatal" if word in _YES else "nonfatal") if re.search(r"fatal|death|died|deceased|dead", header) else None
    if field == "reversal_given" and _NALOXONE.search(word):
        return "no" if _NOT.search(word) else "yes"
    if field == "age_band" and (band := _BAND.fullmatch(word)) is not None:
        low, high = int(band[1]), int(band[2])
        decade = low // 10 * 10
        return f"{decade}-{decade + 9}" if low <= high < _OLDEST and high // 10 == low // 10 else None
    known = _WORDS.get(field, {}).get(word)
    return known or (word if word in CLOSED[field] else None)


def manner_of(words: Sequence[str]) -> Mapping[str, str]:
    """Return the facts that the words of a manner of death stand for, and those of the usual six, which the next file may have."""
    found = {word: f"manner_{known}" for word in words if (known := _manner(word)) is not None}
    return {**found, **{known: f"manner_{known}" for known in _MANNERS}}


def _manner(word: str) -> str | None:
    if word == "could not be determined":
        return "undetermined"
    # A, ACC., ACCIDENTAL, ACCIDENTS; N and U alone also are no and unknown.
    start = word.rstrip(".")
    return next((known for known in _MANNERS if (start in {"a", "s", "h", "p"} and known[0] == start) or start[:3] == known[:3]), None)
