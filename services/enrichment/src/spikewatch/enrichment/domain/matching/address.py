"""What is compared of a written address: house number, unit and hundred-block."""

import re
from typing import Final

from spikewatch.enrichment.domain.geocoding.street_words import STRONG_TYPES, TYPES, one_of

__all__ = ["NOWHERE", "stated"]

# All of them look at capital letters: to fold the text once is cheaper than to let each of them look at both cases.
_HOUSE: Final = re.compile(r"\s*(\d{1,6})(?:[A-Z]|\s?1/2)?\s+(?!\s*(?:BLK|BLOCK)\b)(?=.*[A-Z])")
_UNIT: Final = re.compile(r"(?:#\s*|\b(?:APT|UNIT|RM|ROOM|STE|SUITE)\.?\s*#?\s*)([A-Z]?\d{1,5}[A-Z]?|[A-Z])\s*$")
_BLOCK: Final = re.compile(r"\s*\d+[\s-]+(?:BLK|BLOCK)\b")
# A number, "BLOCK OF" and a direction: "1124 W MAIN ST" and "1100-BLK MAIN" both give 11 and MAIN.
_STREET: Final = re.compile(
    r"\s*(\d{1,6})[A-Z]?\s*(?:1/2\s+)?[\s-]*(?:(?:BLK|BLOCK)\s+)?(?:OF\s+)?(?:[NSEW]{1,2}\.?\s+)?(\d+(?:ST|ND|RD|TH)|[A-Z][A-Z0-9']+)\b"
)

# First words that many streets of a town begin with, and as what they are compared: the street's own name is the word after.
_SHARED: Final = {
    **{word: f"{word} " for word in one_of("EL LA LAS LOS DE DEL SAN SANTA SANTO VAN VON THE OLD NEW VIA CALLE CAMINO PASEO RUE US SR CR")},
    **dict.fromkeys(one_of("ST SAINT"), "ST "),
    **dict.fromkeys(one_of("MT MOUNT"), "MT "),
    **dict.fromkeys(one_of("FT FORT"), "FT "),
    **dict.fromkeys(one_of("AVE AVENUE"), "AVE "),  # AVENUE D, AVENUE OF THE PALMS
    **dict.fromkeys(one_of("HWY HIGHWAY RT RTE ROUTE"), "HWY "),
    **dict.fromkeys(one_of("STATE"), "SR "),  # STATE ROUTE 9; STATE ST is a street called State
    **dict.fromkeys(one_of("COUNTY"), "CR "),
    **dict.fromkeys(one_of("OF NORTH SOUTH EAST WEST"), ""),  # N MAIN ST is read as MAIN, too
}
_NEXT: Final = re.compile(r"\.?\s+(?:(?:ROAD|RD|ROUTE|RTE?|HIGHWAY|HWY)\s+(?=\d))?([A-Z0-9][A-Z0-9']*)")
_LONG: Final = 100  # of more letters the patterns would take the square of the blanks in a row
_LONGEST: Final = 512  # what the report contract takes

NOWHERE: Final = (-1, "", "")
"""What a text gives that states none of them."""


def stated(text: str) -> tuple[int, str, str]:
    """Return house number (-1: none is stated), unit, and the hundred-block.

    A hundred-block is the street's name, as far as its first word of its own, with the hundred of the number.
    """
    if len(text) > _LONG:
        text = " ".join(text.split())[:_LONGEST]
    folded = text.upper()
    street = _STREET.match(folded)
    if street is None:
        return NOWHERE
    number, name = street.groups()
    if name in _SHARED:
        name = _own_name(name, folded, street.end())
    hundred = f"{name}:{int(number) // 100}"
    if "BL" in folded and _BLOCK.match(folded):
        return -1, "", hundred
    house = _HOUSE.match(folded)
    unit = _UNIT.search(folded) if _may_have_unit(folded) else None
    return int(house[1]) if house else -1, unit[1] if unit else "", hundred


def _own_name(name: str, text: str, at: int) -> str:
    said = ""
    while name in _SHARED and (further := _NEXT.match(text, at)) and TYPES.get(further[1]) not in STRONG_TYPES:
        said += _SHARED[name]
        name, at = further[1], further.end()
    return said + name


def _may_have_unit(text: str) -> bool:
    # A plain look is a tenth of what the search for a unit takes, and most addresses have none. "UNIT" and "SUITE" hold "IT".
    return "#" in text or "APT" in text or "RM" in text or "ROOM" in text or "STE" in text or "IT" in text
