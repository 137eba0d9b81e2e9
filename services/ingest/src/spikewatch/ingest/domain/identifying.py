"""Finds direct identifiers inside the few texts that a report may carry. The first fence is that all other texts are dropped."""

import re
from typing import Final

__all__ = ["is_identifying", "is_number", "without_identifiers"]

_PATTERNS: Final = (
    r"[\w.+-]+@[\w-]+\.[\w.-]+",  # e-mail: jo@example.org
    r"(?<!\d)(?:\+?1[ .-]?)?(?:\(?\d{3}\)\s?|\d{3}[ .-])\d{3}[ .-]\d{4}(?!\d)",  # phone: (610) 555-0199, 610-555-0199
    r"(?<!\d)\d{3}-\d{2}-\d{4}(?!\d)",  # social security number: 078-05-1120
    r"(?<!\d)(?:0?[1-9]|1[0-2])[/.-](?:0?[1-9]|[12]\d|3[01])[/.-](?:19|20)\d{2}(?!\d)",  # birth date: 04/17/1984
    r"\A(?:19|20)\d{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])\Z",  # a birth date and nothing else: 1984-04-17
    r"\b(?:MRN|SSN|DOB)(?:\b[\s:#]*|(?=\d))[\w/-]*",  # a labelled number: MRN 00123456, MRN00123456
)
_IDENTIFIER: Final = re.compile("|".join(_PATTERNS), re.IGNORECASE)
# What only a text is searched for. An id may be made of a date (2026-05-01-0042) and is not refused for it.
_DATE: Final = r"(?<!\d)(?:19|20)\d{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?!\d)"  # birth date: 1984-04-17
# 555-0199; an id may look so, and 900-1000 is a range of blocks.
_LOCAL_PHONE: Final = r"(?<![\d-])(?!\d00-\d\d00)[2-9]\d{2}-\d{4}(?![\d-])"
_IDENTIFIER_IN_TEXT: Final = re.compile("|".join((*_PATTERNS, _DATE, _LOCAL_PHONE)), re.IGNORECASE)
# Words after which the text of a place goes on with a person: C/O JOHN DOE, 100 MAIN ST. All up to the next number is cut.
_PERSON: Final = re.compile(
    r"(?<![\w/])(?:C/O|CARE\s+OF|ATTN|ATTENTION|(?:RES(?:IDENCE|ID)?|HOME|APT|ROOM|FAMILY|PROPERTY)\s+OF"
    r"|CALLER|PATIENT|VICTIM|RESIDENT|TENANT|OCCUPANT|(?:(?:FULL|FIRST|LAST|PT)\s*)?NAME|MRS?)"
    r"(?!\w)[\s.:,=-]*(?=[^\W\d_])[^\d&]*",
    re.IGNORECASE,
)
# A house by the name of who lives there: SMITH RESIDENCE, (J. DOE'S HOUSE). What kind of house it is says nothing of a person.
_HOUSEHOLD: Final = re.compile(
    r"(?:(?<=\A)|(?<=[(,;@-])|(?<=[(,;@-]\s))(?!(?:PRIVATE|SINGLE|MULTI|FAMILY|GROUP|SENIOR|STUDENT|ASSISTED|COLLEGE|UNIVERSITY|HOTEL"
    r"|VACANT|ABANDONED|THE|AT|IN|INSIDE|OUTSIDE|FRONT|REAR)(?!\w))"
    r"(?:[^\W\d_][^\W\d]*\.?\s+){1,3}RESIDENCE(?!\w|\s+(?:HALL|INN))"
    r"|(?:[^\W\d_][^\W\d]*\.?\s+){0,2}[^\W\d_]{2,}['\u2019]S\s+(?:HOUSE|HOME|RESIDENCE|APARTMENT|APT)(?!\w)",
    re.IGNORECASE,
)
# What each of the first ones holds: most ids and streets hold none of it, and this is found ten times as fast. A number or a date
# has two marks with at most three digits between them, or ends with four digits behind one, or it has a bracket.
_NUMBERED: Final = re.compile(r"[ ./-](?:\d{1,3}[ ./-]\d|\d{4}(?!\d))")
# One of these is in each text that names a person so: letters in a row are found far faster than any of the words.
_PERSON_MARKS: Final = (
    "C/O",
    " OF",
    "ATT",
    "CALLER",
    "PATIENT",
    "VICTIM",
    "RESIDENT",
    "TENANT",
    "OCCUPANT",
    "NAME",
    "MR",
    " RESIDENCE",
    "'S ",
    "\u2019S ",
)
_DIGIT: Final = re.compile(r"\d", re.ASCII)
_REMOVED: Final = "[removed]"
_LONGEST_LETTERS: Final = 4  # of a word without a digit inside a number: CASE 21-111


def is_identifying(text: str) -> bool:
    """Tell whether the text holds something that looks like a direct identifier."""
    return _is_suspicious(text, text.upper()) and _IDENTIFIER.search(text) is not None


def is_number(text: str) -> bool:
    """Tell whether an id is a number as agencies make them: it has a digit, and every longer word of it has one.

    ``PCR-2026-000123`` and ``ME 21-111`` are; a name is not.
    """
    if " " not in text and text.isascii():  # as nearly all are
        return _DIGIT.search(text) is not None
    if not any(map(str.isdigit, text)):
        return False
    words = text.split()
    return len(words) == 1 or all(len(word) <= _LONGEST_LETTERS or any(map(str.isdigit, word)) for word in words)


def without_identifiers(text: str) -> tuple[str, bool]:
    """Return the text with everything that looks like a direct identifier taken out, and whether there was any.

    A name that stands alone is not recognised: nothing tells it from the name of a street or a town.
    """
    found, upper = 0, text.upper()
    if _is_suspicious(text, upper):
        text, found = _IDENTIFIER_IN_TEXT.subn(_REMOVED, text)
        upper = text.upper()
    for mark in _PERSON_MARKS:
        if mark in upper:
            break
    else:
        return text, found > 0
    text, persons = _PERSON.subn(f"{_REMOVED} ", text)
    text, households = _HOUSEHOLD.subn(_REMOVED, text)
    persons += households
    return text.strip() if persons else text, found + persons > 0


def _is_suspicious(text: str, upper: str) -> bool:
    return "@" in text or ")" in text or "MRN" in upper or "SSN" in upper or "DOB" in upper or _NUMBERED.search(text) is not None
