"""How police files hide house numbers: 13XX, 13**, UNIT BLOCK, FIRST BLOCK. All become the NUMBER BLOCK of a street."""

import re
from typing import Final

__all__ = ["unmasked"]

_BLANKED: Final = re.compile(r"(\d{1,4})(?:\*\*?|--|##|__)(?= )")  # 13** MISSION ST, 13-- MISSION ST
_MASKED: Final = re.compile(r"(\d{0,4})(XX?) +(?:BLOCK |BLK )?(?:OF )?(?=.*[A-Z])", re.IGNORECASE)
_FIRST: Final = re.compile(r"(?:UNIT|FIRST|1ST|ZERO) (?:BLOCK|BLK)(?: OF)? ", re.IGNORECASE)
_HUNDRED: Final = re.compile(
    r"(ONE|TWO|THREE|FOUR|FIVE|SIX|SEVEN|EIGHT|NINE|TEN|ELEVEN|TWELVE) HUNDRED (?:BLOCK|BLK)(?: OF)? ", re.IGNORECASE
)
_OF_NUMBER: Final = re.compile(r"(?:BLOCK|BLK)(?: OF)? (\d{1,6}) ", re.IGNORECASE)
_AT_END: Final = re.compile(r"(\d{1,6}) (.+) (?:BLOCK|BLK)", re.IGNORECASE)
_WORDS: Final = ("ONE", "TWO", "THREE", "FOUR", "FIVE", "SIX", "SEVEN", "EIGHT", "NINE", "TEN", "ELEVEN", "TWELVE")


def unmasked(text: str) -> str:
    """Return a text with a hidden house number written as NUMBER BLOCK STREET; any other text as it is."""
    text = text.strip()
    if (found := _BLANKED.match(text)) is not None:
        return f"{int(found[1]) * 100} BLOCK {text[found.end() :].strip()}"
    if (found := _MASKED.match(text)) is not None and (found[1] or len(found[2]) == 2):
        return f"{_first_number(found[1], found[2])} BLOCK {text[found.end() :]}"
    if (found := _FIRST.match(text)) is not None:
        return f"0 BLOCK {text[found.end() :]}"
    if (found := _HUNDRED.match(text)) is not None:
        return f"{(_WORDS.index(found[1].upper()) + 1) * 100} BLOCK {text[found.end() :]}"
    if (found := _OF_NUMBER.match(text)) is not None:
        return f"{found[1]} BLOCK {text[found.end() :]}"
    if (found := _AT_END.fullmatch(text)) is not None:
        return f"{found[1]} BLOCK {found[2]}"
    return text


def _first_number(digits: str, mask: str) -> int:
    """Return the first number of a block: 13XX and 13X5 hide digits; behind a full hundred, as in 1300XX, the mask says nothing more."""
    number = int(digits or 0)
    if number >= 1000 and number % 100 == 0:
        return number
    return number * 100 if len(mask) == 2 else number * 10 // 100 * 100
