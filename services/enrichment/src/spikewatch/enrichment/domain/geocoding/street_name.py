"""Reads the name of a street, however it is written, into its parts in normal form. The same reading makes the index and the question.

Whatever it does to a name it does to both sides, so a doubtful split (is PARK a type or a name?) still finds its street.
"""

import re
from typing import Final, NamedTuple

from spikewatch.enrichment.domain.geocoding.street_words import DIRECTIONS, ORDINALS, STATES, STRONG_TYPES, TENS, TYPES, one_of

__all__ = ["StreetName", "normal_words", "read_street", "shown"]

_NUMBERED: Final = re.compile(r"0*(\d+)(?:ST|ND|RD|TH)")  # 05TH, 22ND
# One word: RT422, US40, I75, OH4. Not N4 or A1: a house on a grid and an apartment look so.
_GLUED_ROUTE: Final = re.compile(rf"(IH?|US|SR|CR|TR|RT|RTE|HWY|FM|RM|{'|'.join(sorted(STATES - {'NE'}))})(\d{{1,4}}[A-Z]?)")
_ROUTE_NUMBER: Final = re.compile(r"0*(\d{1,4}[A-Z]{0,2})")
_ROUTE_WORDS: Final = {
    "HWY": "RT", "HIGHWAY": "RT", "RT": "RT", "RTE": "RT", "ROUTE": "RT", "HY": "RT",
    "I": "I", "IH": "I", "INTERSTATE": "I", "US": "US", "USHWY": "US", "SR": "SR", "SH": "SR", "STHWY": "SR", "STATE": "SR",
    "CR": "CR", "CO": "CR", "COUNTY": "CR", "CTH": "CR", "CNTY": "CR", "TR": "TR", "TWP": "TR", "TOWNSHIP": "TR", "FM": "FM", "RM": "FM",
}  # fmt: skip
_ROAD_WORDS: Final = one_of("HWY HIGHWAY HY RT RTE ROUTE RD ROAD TRUNK")
_ROUTE_BRANCHES: Final = {
    "BUS": "BUS", "BUSINESS": "BUS", "BYP": "BYP", "BYPASS": "BYP", "ALT": "ALT", "ALTERNATE": "ALT", "TRUCK": "TRUCK", "SPUR": "SPUR",
}  # fmt: skip
# A state or county road needs the second word: STATE 4 and COUNTY 4 are routes too, but CO LINE RD and STATE ST are not.
_STATE_ROUTE_LEADS: Final = (STATES - {"ST"}) | {"ST", "STATE"}
_LETTERED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_KING: Final = re.compile(r"(?:DR )?(?:REV )?(?:MARTIN (?:LUTHER|L) KING|M L KING|ML KING|MLK)(?: JR)?")


class StreetName(NamedTuple):
    """A street's name in parts.

    Attributes:
        key: letters of the name alone, without spaces: what names are looked up by.
        words: the name with its spaces, normal form.
        pre: direction before the name, empty when there is none.
        type: ``ST``, ``AVE``; empty when there is none. ``ROUTE`` for numbered routes.
        post: direction after the name.
    """

    key: str
    words: str
    pre: str
    type: str
    post: str


def shown(name: StreetName) -> str:
    """Return the name in normal form: ``S VAN NESS AVE``."""
    kind = "" if name.type == "ROUTE" else name.type
    return " ".join(part for part in (name.pre, name.words, kind, name.post) if part)


def read_street(tokens: list[str]) -> StreetName | None:  # noqa: C901, PLR0912  # one turn a name: calls would cost as much as the reading
    """Return the parts of a street's name; None when nothing is left that could be a name.

    Args:
        tokens: words in upper case ASCII.
    """
    start, end = 0, len(tokens)
    if end > 1 and tokens[0] == "THE":
        start = 1
    if start >= end:
        return None
    first = tokens[start]
    if first in {"FARM", "RANCH"} and tokens[start + 1 : start + 3] == ["TO", "MARKET"]:
        first, tokens, start, end = "FM", ["FM", *tokens[start + 3 :]], 0, end - start - 2
    if (first in _ROUTE_WORDS or first in STATES or first in DIRECTIONS or first[-1].isdigit() or first in {"ST", "U"}) and (
        (route := _route(tokens[start:end])) is not None
    ):
        return route
    pre = post = kind = ""
    last = tokens[end - 1]
    if end - start > 1:
        if last in DIRECTIONS:
            post = DIRECTIONS[last]
            end -= 1
            if post in "EW" and end - start > 1 and (DIRECTIONS.get(tokens[end - 1]) or "E") in "NS" and tokens[end - 1] not in _LETTERED:
                post = DIRECTIONS[tokens[end - 1]] + post  # NORTH EAST
                end -= 1
            last = tokens[end - 1]
        if end - start > 1 and last in TYPES:
            found = TYPES[last]
            if found in STRONG_TYPES or end - start > 2 or tokens[start] not in DIRECTIONS:
                kind = found
                end -= 1
                if not post and end - start > 1 and tokens[end - 1] in DIRECTIONS:
                    post = DIRECTIONS[tokens[end - 1]]  # BUENA VISTA EAST AVE
                    end -= 1
                    if tokens[end - 1].isdigit():
                        kind = ""  # 300 EAST ST is 300 EAST on a grid as Utah's, not the 300th street
        elif post and end - start == 1 and last in TYPES and tokens[end] in _LETTERED:
            post = ""  # AVENUE E is no avenue to the east
            end += 1
        if end - start > 1 and tokens[start] in DIRECTIONS:
            pre = DIRECTIONS[tokens[start]]
            start += 1
            if pre in "NS" and end - start > 1 and (second := DIRECTIONS.get(tokens[start])) is not None and second in "EW":
                pre += second
                start += 1
    words = normal_words(tokens[start:end], kind)
    key = words.replace(" ", "")
    return StreetName(key, words, pre, kind, post) if key else None


def normal_words(tokens: list[str], kind: str) -> str:  # noqa: C901, PLR0912  # one turn a name, likewise
    """Return the words of a name in normal form: types short, ordinals in figures; a bare figure is an ordinal if a type follows."""
    if len(tokens) == 1:
        word = tokens[0]
        if word[0].isdigit():
            if kind and word.isdigit():
                return _ordinal(int(word)) if len(word) < 5 else word
            if (numbered := _NUMBERED.fullmatch(word)) is not None:
                return _ordinal(int(numbered[1])) if len(numbered[1]) < 5 else word
            return word
        if word in ORDINALS:
            return _ordinal(ORDINALS[word])
        return word
    made: list[str] = []
    tens = 0
    for word in tokens:
        if tens:
            if word in ORDINALS and ORDINALS[word] < 10:
                made[-1] = _ordinal(tens + ORDINALS[word])
                tens = 0
                continue
            tens = 0
        if word in TYPES:
            made.append(TYPES[word])
        elif word in ORDINALS:
            made.append(_ordinal(ORDINALS[word]))
        elif word in TENS:
            made.append(word)
            tens = TENS[word]
        elif word[0].isdigit() and (numbered := _NUMBERED.fullmatch(word)) is not None:
            made.append(_ordinal(int(numbered[1])) if len(numbered[1]) < 5 else word)
        else:
            made.append(_SAME_WORDS.get(word, word))
    words = " ".join(made)
    if "KING" in words or "MLK" in words:
        words = _KING.sub("MLK", words)
    return words


_SAME_WORDS: Final = {"SAINT": "ST", "SAINTE": "STE", "DOCTOR": "DR", "JUNIOR": "JR", "SENIOR": "SR", "GEN": "GENERAL", "UPR": "UPPER",
                      "LWR": "LOWER", "NORTH": "N", "SOUTH": "S", "EAST": "E", "WEST": "W", "PRES": "PRESIDENT", "CAPT": "CAPTAIN",
                      "SGT": "SERGEANT", "LT": "LIEUTENANT", "NAT": "NATIONAL", "NATL": "NATIONAL", "CO": "COUNTY", "CNTY": "COUNTY",
                      "INTERSTATE": "I"}  # fmt: skip


def _ordinal(number: int) -> str:
    tail = "TH" if number % 100 in {11, 12, 13} else {1: "ST", 2: "ND", 3: "RD"}.get(number % 10, "TH")
    return f"{number}{tail}"


def _route(tokens: list[str]) -> StreetName | None:
    """Read STATE ROUTE 4, OH-4, US HWY 40, I 75 NB, N COUNTY RD 12; None when it is none."""
    at, end = 0, len(tokens)
    pre = post = ""
    if end > 1 and tokens[0] in DIRECTIONS and tokens[0] != "SO":
        pre = DIRECTIONS[tokens[0]]
        at = 1
    word = tokens[at]
    if (glued := _GLUED_ROUTE.fullmatch(word)) is not None:
        kind = _ROUTE_WORDS.get(glued[1], "SR")
        number = glued[2]
        at += 1
    else:
        kind = _ROUTE_WORDS.get(word) or ("SR" if word in _STATE_ROUTE_LEADS else "US" if tokens[at : at + 2] == ["U", "S"] else "")
        if not kind:
            return None
        at += 2 if word == "U" else 1
        # ST 4 alone is a street called 4; ST RT 4 is a route.
        needed = word in {"ST", "CO"}
        while at < end and tokens[at] in _ROAD_WORDS:
            at += 1
            needed = False
        if at >= end or needed or (numbered := _ROUTE_NUMBER.fullmatch(tokens[at])) is None:
            return None
        number = numbered[1]
        at += 1
    rest = tokens[at:end]
    if rest and rest[-1] in DIRECTIONS:
        post = DIRECTIONS[rest[-1]]
        rest = rest[:-1]
    if rest and not all(word in _ROAD_WORDS or word == "FWY" or word in _ROUTE_BRANCHES for word in rest):
        return None
    # The bypass of a route is another road than the route.
    branch = [_ROUTE_BRANCHES[word] for word in rest if word in _ROUTE_BRANCHES]
    words = " ".join((kind, number, *branch))
    return StreetName(words.replace(" ", ""), words, pre, "ROUTE", post)
