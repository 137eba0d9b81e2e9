"""Which areas a rule may name: one that cannot exist would be watched for ever, in silence.

Kinds are open, as every agency may draw its own areas; so a kind is refused where it is written like one that all know, and is not.
"""

import re
from difflib import get_close_matches
from typing import Final

__all__ = ["impossible", "misspelt"]

_KIND: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")
_LIKE: Final = 0.75  # conty and zipp are refused, district and tract_2020 are not

# What the service itself locates overdoses in, with the form of the code and an example; city may be a place's code or its name.
_FORMS: Final = {
    "state": (re.compile(r"\d{2}"), "a state's two FIPS digits", "state:42"),
    "county": (re.compile(r"\d{5}"), "a county's five FIPS digits", "county:42091"),
    "zip": (re.compile(r"\d{5}"), "five digits", "zip:19401"),
    "h3": (re.compile(r"[0-9a-f]{15}"), "a cell's fifteen digits", "h3:872a1072bffffff"),
}
_KINDS: Final = (*_FORMS, "city", "neighborhood", "tract", "vicinity")

# FIPS codes of the states, of the District of Columbia and of the territories (ANSI INCITS 38).
# 99 is nobody's: the places of examples and exercises lie there.
_STATES: Final = frozenset(f"{code:02}" for code in {*range(1, 57), 60, 66, 69, 72, 78, 99} - {3, 7, 14, 43, 52})


def misspelt(kind: str) -> str | None:
    """Return why no area can be of a kind, None if one may be."""
    if not _KIND.fullmatch(kind):
        return "is no kind of area; expected small letters, digits and underscores, for example county"
    near = [] if kind in _KINDS else get_close_matches(kind, _KINDS, n=1, cutoff=_LIKE)
    return (
        f"is no kind of area that is known; did you mean {near[0]}? Expected one of {', '.join(_KINDS)}, or a kind of your own"
        if near
        else None
    )


def impossible(area: str) -> str | None:
    """Return why no area can have an id, None if one may."""
    kind, _, code = area.partition(":")
    if (why := misspelt(kind)) is not None:
        return why
    if kind not in _FORMS:
        return None
    form, words, example = _FORMS[kind]
    if not form.fullmatch(code):
        return f"is no {kind}; expected {words}, for example {example}"
    if kind in {"state", "county"} and code[:2] not in _STATES:
        return f"lies in no state: none has the FIPS code {code[:2]}; expected {words}, for example {example}"
    return None
