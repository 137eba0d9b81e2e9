"""What the title of a 911 call says: an overdose, something that may hide one, or neither."""

import fnmatch
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Final

__all__ = ["TitleMeaning", "TitleRule", "title_reader"]


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


# OVERDOSE, OVER-DOSE, OVERDOSED; OD where it is not another word's part: OD, EMS: OD, HEROIN OD, OD/UNCONSCIOUS
_OVERDOSE: Final = re.compile(
    r"\bOVER[ -]?DOS(?:E[SD]?|ING)\b"
    r"|(?:^|[:/,(-]\s*|\b(?:DRUG|HEROIN|OPIOID|OPIATE|FENTANYL|MED(?:ICATION)?|POSS(?:IBLE)?|POSS\.|SUSPECTED)\s+)O\.?D\.?(?=\s*(?:$|[:/,)(-]))",
    re.IGNORECASE,
)
# Protocol 23 of the medical priority dispatch system: 23D1, 23-D-01V, 23C02, also before its words.
_PROTOCOL_23: Final = re.compile(r"(?:^|[\s:(])0?23[\s-]?[ABCDEO\u03a9Ω][\s-]?\d{1,2}[A-Z]?(?:$|[\s:)-])", re.IGNORECASE)
_CACHED: Final = 4096
_LONGEST: Final = 256

TitleReader = Callable[[str, str], TitleMeaning]


def title_reader(rules: Sequence[TitleRule] = ()) -> TitleReader:
    """Return what tells the meaning of a title and a determinant. The first rule that fits decides, before what is built in."""
    compiled = [(re.compile(fnmatch.translate(rule.pattern.strip().upper())), rule.means) for rule in rules]

    @lru_cache(maxsize=_CACHED)
    def meaning(title: str, determinant: str) -> TitleMeaning:
        title = " ".join(title[:_LONGEST].upper().split())
        for pattern, means in compiled:
            if pattern.match(title):
                return means
        is_overdose = _OVERDOSE.search(title) or _PROTOCOL_23.search(title) or _PROTOCOL_23.search(determinant[:_LONGEST].strip())
        return TitleMeaning.SUSPECTED if is_overdose else TitleMeaning.OTHER

    return meaning
