"""Ages as people write them: ``40``, ``40 years``, ``40yo M``, ``6 months``, ``30-39``, ``30s``, ``early 50s``, ``65+``, ``about 40``."""

import re
from functools import lru_cache
from typing import Final, NamedTuple

__all__ = ["NO_AGE", "OLDEST", "Age", "age_of"]

OLDEST: Final = 130
"""Years; who is said to be older has no age."""

_WIDEST: Final = 25  # years: whoever is "18 or older" agrees with nearly everybody, which is no evidence
_BAND: Final = 14  # years between the first and the last age of the widest band that sources count people in
_EDGE: Final = 1  # years left out at each end of a band: who is 39 and who is 40 would else agree as much as two of one band
_OLD: Final = 60  # "65+" is as wide in years, but few are as old
_LEAST_WITH_SEX: Final = 12  # 40M is a man of 40 years; 6M may be six months
_MONTHS: Final = 12
_NUMBER: Final = r"(\d{1,3})(?:\.\d+)?"
_YEARS: Final = r"(?:(?:y/?o|y\.o\.?|yoa|ys?|yrs?|years?)\b\.?(?:[\s-]*(?:old|of age))?)"
_SEX: Final = r"(?:[,/\s]*(?:m|f|male|female|man|woman)\b\.?)"
_AND_MONTHS: Final = r"(?:(?:and\s+)?\d{1,2}\s*(?:mos?|mths?|months?)\b\.?)"
_ONE: Final = re.compile(rf"{_NUMBER}[\s-]*{_YEARS}?[\s,]*{_AND_MONTHS}?{_SEX}?(?:\s+old)?")
_JOINED: Final = re.compile(r"(\d{1,3})\s*y/?o[mf]")
_WITH_SEX: Final = re.compile(r"(\d{1,3})\s*[mf]")
_INFANT: Final = re.compile(
    r"(\d{1,3})(?:\s*(?:-|to)\s*\d{1,3})?[\s-]*(mos?|mths?|months?|wks?|weeks?|days?|hrs?|hours?)\b\.?(?:[\s-]*old)?"
)
_RANGE: Final = re.compile(rf"{_NUMBER}\s*{_YEARS}?\s*(?:-|to|and)\s*{_NUMBER}[\s-]*{_YEARS}?")
_DECADE: Final = re.compile(rf"(?:(early|mid|middle|late)[\s-]*)?(\d{{1,2}}0)\s?'?s{_SEX}?")
_DECADES: Final = re.compile(r"(\d{1,2}0)'?s?\s*(?:-|to|or)\s*(\d{1,2}0)'?s")
_FROM: Final = re.compile(rf"{_NUMBER}[\s-]*{_YEARS}?\s*(?:\+|(?:and|or|&)\s+(?:over|older|above|up|more))\s*{_YEARS}?")
_ABOVE: Final = re.compile(rf"(>=?|\u2265|over|above|older than|at least)\s*{_NUMBER}\s*{_YEARS}?")
_BELOW: Final = re.compile(rf"(<=?|\u2264|under|below|younger than|up to)\s*{_NUMBER}\s*{_YEARS}?")
_SAID_SO: Final = r"~|(?:about|abt|approx|approximately|around|circa|est|estimated|appears)\b\.?|c\."
_VAGUE: Final = re.compile(rf"^(?:{_SAID_SO})\s*|\s*(?:ish|\?|\(?\b(?:est|approx)\b\.?\)?)$")
_DASHES: Final = re.compile("[\u2010-\u2015]")
_LONGEST: Final = 40  # letters: no age is as long
_UP_TO: Final = frozenset({"<=", "\u2264", "up to"})
_PART: Final = {"early": (0, 4), "mid": (3, 7), "middle": (3, 7), "late": (6, 9), "": (0, 9)}


class Age(NamedTuple):
    """Years from ``low`` to ``high``, -1 where none is stated; ``is_vague`` where the text itself says that it was told or looked.

    A band of at most fifteen years is no guess. It is held without its first and last year, and compared as the age of its source would be
    (ages of one city in tens, of all sources or of some: mean F1 .915; held whole and as guesses .906, as the middle .885).
    """

    low: int
    high: int
    is_vague: bool


NO_AGE: Final = Age(-1, -1, is_vague=False)


@lru_cache(1024)
def age_of(text: str) -> Age:
    """Return the age that a text tells; ``NO_AGE`` where it tells none, or such a wide range that it would agree with nearly everybody."""
    try:
        years = int(float(text))
    except (ValueError, OverflowError):
        return _of_words(text)
    return Age(years, years, is_vague=False) if 0 <= years <= OLDEST else NO_AGE


def _of_words(text: str) -> Age:
    if len(text) > _LONGEST:
        return NO_AGE
    word = " ".join(_DASHES.sub("-", text.lower()).strip().removeprefix("age").strip(" :.").split())
    said = _VAGUE.sub("", word)
    is_vague = said != word
    if one := _exact(said):
        low, high = one
    elif wide := _range(said):
        low, high = wide
    else:
        return NO_AGE
    if not 0 <= low <= high <= OLDEST or (high - low > _WIDEST and low < _OLD):
        return NO_AGE
    if high - low > _BAND:
        return Age(low, high, is_vague=True)
    edge = _EDGE if high - low > 2 * _EDGE else 0
    return Age(low + edge, high - edge, is_vague)


def _exact(said: str) -> tuple[int, int] | None:
    if found := _INFANT.fullmatch(said):
        years = int(found[1]) // _MONTHS if found[2].startswith("m") else 0
        return years, years
    found = _WITH_SEX.fullmatch(said)
    if found is not None and int(found[1]) < _LEAST_WITH_SEX:
        return None
    found = found or _JOINED.fullmatch(said) or _ONE.fullmatch(said)
    return (int(found[1]), int(found[1])) if found else None


def _range(said: str) -> tuple[int, int] | None:
    if found := _RANGE.fullmatch(said):
        return int(found[1]), int(found[2])
    if found := _DECADE.fullmatch(said):
        first, last = _PART[found[1] or ""]
        return int(found[2]) + first, int(found[2]) + last
    if found := _DECADES.fullmatch(said):
        return int(found[1]), int(found[2]) + _PART[""][1]
    if found := _FROM.fullmatch(said) or _ABOVE.fullmatch(said):
        return int(found[found.re.groups]), OLDEST
    if found := _BELOW.fullmatch(said):
        return 0, int(found[2]) - (found[1] not in _UP_TO)
    return None
