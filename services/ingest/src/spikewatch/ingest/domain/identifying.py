"""Finds direct identifiers inside the few texts that a report may carry. The first fence is that all other texts are dropped."""

import re
from typing import Final

__all__ = ["is_identifying", "without_identifiers"]

_PATTERNS: Final = (
    r"[\w.+-]+@[\w-]+\.[\w.-]+",  # e-mail: jo@example.org
    r"(?<!\d)(?:\+?1[ .-]?)?(?:\(\d{3}\)\s?|\d{3}[ .-])\d{3}[ .-]\d{4}(?!\d)",  # phone: (610) 555-0199, 610-555-0199
    r"(?<!\d)\d{3}-\d{2}-\d{4}(?!\d)",  # social security number: 078-05-1120
    r"(?<!\d)(?:0?[1-9]|1[0-2])[/.-](?:0?[1-9]|[12]\d|3[01])[/.-](?:19|20)\d{2}(?!\d)",  # birth date: 04/17/1984
    r"\b(?:MRN|SSN|DOB)(?:\b[\s:#]*|(?=\d))[\w/-]*",  # a labelled number: MRN 00123456, MRN00123456
)
_IDENTIFIER: Final = re.compile("|".join(_PATTERNS), re.IGNORECASE)
_REMOVED: Final = "[removed]"


def is_identifying(text: str) -> bool:
    """Tell whether the text holds something that looks like a direct identifier."""
    return _IDENTIFIER.search(text) is not None


def without_identifiers(text: str) -> tuple[str, bool]:
    """Return the text with everything that looks like a direct identifier taken out, and whether there was any."""
    cleaned, found = _IDENTIFIER.subn(_REMOVED, text)
    return cleaned, found > 0
