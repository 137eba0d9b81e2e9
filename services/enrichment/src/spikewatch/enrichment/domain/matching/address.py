"""What is compared of a written address: house number, unit and hundred-block."""

import re
from typing import Final

__all__ = ["NOWHERE", "stated"]

# All of them look at capital letters: to fold the text once is cheaper than to let each of them look at both cases.
_HOUSE: Final = re.compile(r"\s*(\d{1,6})(?:[A-Z]|\s?1/2)?\s+(?!\s*(?:BLK|BLOCK)\b)(?=.*[A-Z])")
_UNIT: Final = re.compile(r"(?:#\s*|\b(?:APT|UNIT|RM|ROOM|STE|SUITE)\.?\s*#?\s*)([A-Z]?\d{1,5}[A-Z]?|[A-Z])\s*$")
_BLOCK: Final = re.compile(r"\s*\d+[\s-]+(?:BLK|BLOCK)\b")
# A number, "BLOCK OF" and a direction: "1124 W MAIN ST" and "1100-BLK MAIN" both give 11 and MAIN.
_STREET: Final = re.compile(
    r"\s*(\d{1,6})[A-Z]?\s*(?:1/2\s+)?[\s-]*(?:(?:BLK|BLOCK)\s+)?(?:OF\s+)?(?:[NSEW]{1,2}\.?\s+)?(\d+(?:ST|ND|RD|TH)|[A-Z][A-Z0-9']+)\b"
)

NOWHERE: Final = (-1, "", "")
"""What a text gives that states none of them."""


def stated(text: str) -> tuple[int, str, str]:
    """Return house number (-1: none is stated), unit, and the hundred-block: the street's first word with the hundred of the number."""
    folded = text.upper()
    street = _STREET.match(folded)
    if street is None:
        return NOWHERE
    number, name = street.groups()
    hundred = f"{name}:{int(number) // 100}"
    if "BL" in folded and _BLOCK.match(folded):
        return -1, "", hundred
    house = _HOUSE.match(folded)
    unit = _UNIT.search(folded) if _may_have_unit(folded) else None
    return int(house[1]) if house else -1, unit[1] if unit else "", hundred


def _may_have_unit(text: str) -> bool:
    # A plain look is a tenth of what the search for a unit takes, and most addresses have none. "UNIT" and "SUITE" hold "IT".
    return "#" in text or "APT" in text or "RM" in text or "ROOM" in text or "STE" in text or "IT" in text
