"""What the title of a 911 call says: an overdose, something that may hide one, or neither."""

import fnmatch
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Final

__all__ = ["TitleMeaning", "TitleRule", "tells_of_none", "title_reader"]


class TitleMeaning(Enum):
    """What a title stands for.

    ``WATCH`` alone makes no report: the case definitions look at what else the call says.
    """

    SUSPECTED = "suspected"
    WATCH = "watch"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class TitleRule:
    """One declared rule.

    Attributes:
        pattern: of a whole title, in any case; ``*`` stands for any text, ``?`` for one character.
        means: what such a title stands for.
    """

    pattern: str
    means: TitleMeaning


# OVERDOSE, OVER-DOSE, OVERDOSED and how it is mistyped; OD as a word of its own: OD, O/D, OD'D, EMS: OD, PILL OD, OD/UNCONSCIOUS
_OVERDOSE: Final = re.compile(
    r"\bOVER[ -]?DOS+(?:E[SD]?|ING)\b|\bOV(?:ER|R)D(?:OSE?|OES|SE?)\b"
    r"|(?<![A-Z0-9'.])(?:O\.?D\.?(?:'?E?D|'?ING)?|O/D)(?![A-Z0-9'])(?! (?:METER|OFFICER|ASSIST|UNIT)\b)",
    re.IGNORECASE,
)
# What is about overdoses and is none: a visit afterwards, a class, a delivery, a word that takes it back.
_ABOUT: Final = re.compile(
    r"\bFOLLOW[ -]?UP|\bOUT-?REACH\b|\bPREVENTION\b|\bTRAINING\b|\bAWARENESS\b|\bRESPONSE TEAM\b"
    r"|\b(?:KIT|NARCAN|NALOXONE) (?:DELIVERY|REQUEST)\b|\bALARM TEST\b|^ANIMAL\b|\b(?:NO|NOT|NOT AN|NON) (?:OVER[ -]?DOSE|OD)\b",
    re.IGNORECASE,
)
# Protocol 23 of the medical priority dispatch system: 23D1, 23-D-01V, 23C02, 23 DELTA 1, before or after its words, or named as such.
# In the middle of a title, or after the word for a unit or a room, the same letters are an address.
_CODE_23: Final = r"0?23[\s-]?(?:[ABCDEO\u03a9Ω]|ALPHA|BRAVO|CHARLIE|DELTA|ECHO|OMEGA)[\s-]?\d{1,2}[A-Z]?"
_PROTOCOL_23: Final = re.compile(
    rf"(?:^|[:(/]\s*|\b(?:MED|MEDICAL|EMS|EMD|MPDS|PROQA|ALS|BLS|CODE)[\s-]*){_CODE_23}(?:$|[\s:)-])"
    rf"|(?<!\bUNIT)(?<!\bAPT)(?<!\bROOM)(?<!\bRM)(?<!\bSTE)(?<!\bSTATION)(?<!\bBEAT)(?<!\bZONE)(?:\s-?\s?|\(){_CODE_23}\)?$"
    r"|\b(?:PROTOCOL|EMD|MPDS|CARD)\s*#?\s*23\b(?![\s-]?\d)",
    re.IGNORECASE,
)
_CACHED: Final = 4096
_LONGEST: Final = 256

TitleReader = Callable[[str, str], TitleMeaning]


def tells_of_none(title: str) -> bool:
    """Tell whether a title speaks of overdoses and says that this is none: a visit afterwards, a class, NOT AN OVERDOSE."""
    return _ABOUT.search(title[:_LONGEST]) is not None


def title_reader(rules: Sequence[TitleRule] = ()) -> TitleReader:
    """Return what tells the meaning of a title and a determinant. The first rule that fits decides, before what is built in."""
    compiled = [(re.compile(fnmatch.translate(rule.pattern.strip().upper())), rule.means) for rule in rules]

    @lru_cache(maxsize=_CACHED)
    def meaning(title: str, determinant: str) -> TitleMeaning:
        title = " ".join(title[:_LONGEST].upper().split())
        for pattern, means in compiled:
            if pattern.match(title):
                return means
        if _PROTOCOL_23.search(determinant[:_LONGEST].strip()) or _PROTOCOL_23.search(title):
            return TitleMeaning.SUSPECTED
        is_overdose = _OVERDOSE.search(title) is not None and _ABOUT.search(title) is None
        return TitleMeaning.SUSPECTED if is_overdose else TitleMeaning.OTHER

    return meaning
