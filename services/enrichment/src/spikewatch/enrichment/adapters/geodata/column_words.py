"""What the name of a column says, however it is glued, cut to ten letters or abbreviated: L_F_ADD, LFROMHN, FromAddr_L, ADLF, LLO."""

import re
from functools import lru_cache
from typing import Final, Literal

__all__ = ["End", "Side", "end_of_range", "letters", "listed", "side_besides", "words"]

Side = Literal["left", "right"]
End = Literal["from", "to"]


def listed(text: str) -> tuple[str, ...]:
    """Return the words of a long list, which reads better as one text than as a column of quotes."""
    return tuple(text.split())


_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_BETWEEN: Final = re.compile(r"[\W_]+")
_SIDES: Final[dict[str, Side]] = {
    **dict.fromkeys(("left", "lft", "lt", "lf", "l"), "left"),
    **dict.fromkeys(("right", "rght", "rgt", "rht", "rt", "rg", "r"), "right"),
}  # fmt: skip
_ENDS: Final[dict[str, End]] = {
    **dict.fromkeys(("from", "frm", "fr", "f", "low", "lo", "l", "begin", "beg", "start", "min", "ref", "1"), "from"),
    **dict.fromkeys(("to", "t", "high", "hi", "h", "end", "max", "nref", "2"), "to"),
}  # fmt: skip
_NOISE: Final = frozenset(
    listed(
        "address addr addrs adrs adr add adds ad a housenumber house hse hnum hn number numb num nbr nmbr no rng range ran rg "
        "actual act theo theoretical"
    )
)
_LONGEST_NAME: Final = 60  # letters; no longer name is read in pieces
_LONGEST: Final = 14  # letters of a piece: housenumber and a few


def words(name: str) -> tuple[str, ...]:
    """Return the words of a name in lower case: ``FullStreetName`` and ``full_street_name`` have three."""
    return tuple(part.lower() for part in _BETWEEN.split(_CAMEL.sub("_", name)) if part)


def letters(name: str) -> str:
    """Return its letters and digits in lower case."""
    return _BETWEEN.sub("", name).lower()


def end_of_range(name: str) -> tuple[Side, End] | None:
    """Tell of which end of which side of the street a column holds the house number; None when the name says no such thing.

    The name must be nothing but a side, an end and words for house number, in any order: that is what keeps LFROMTYP apart.
    """
    plain = letters(name)
    found = _read(plain, None, None) if len(plain) <= _LONGEST_NAME else frozenset()
    return next(iter(found)) if len(found) == 1 else None


def side_besides(name: str, of: frozenset[str]) -> Side | Literal["both"] | None:
    """Tell the side in a name that besides words of a given meaning has only that; None when the name holds more, or not that meaning."""
    plain = letters(name)
    found = _sides(plain, of, None, has_meaning=False) if len(plain) <= _LONGEST_NAME else frozenset()
    return next(iter(found)) if len(found) == 1 else None


@lru_cache(maxsize=65_536)
def _read(rest: str, side: Side | None, end: End | None) -> frozenset[tuple[Side, End]]:
    if not rest:
        return frozenset({(side, end)}) if side and end else frozenset()
    found: set[tuple[Side, End]] = set()
    for length in range(1, min(len(rest), _LONGEST) + 1):
        piece, after = rest[:length], rest[length:]
        if piece in _NOISE:
            found |= _read(after, side, end)
        if side is None and piece in _SIDES:
            found |= _read(after, _SIDES[piece], end)
        if end is None and piece in _ENDS:
            found |= _read(after, side, _ENDS[piece])
    return frozenset(found)


@lru_cache(maxsize=65_536)
def _sides(rest: str, of: frozenset[str], side: Side | None, *, has_meaning: bool) -> frozenset[Side | Literal["both"]]:
    if not rest:
        return frozenset({side or "both"}) if has_meaning else frozenset()
    found: set[Side | Literal["both"]] = set()
    for length in range(1, min(len(rest), _LONGEST) + 1):
        piece, after = rest[:length], rest[length:]
        if piece in of:
            found |= _sides(after, of, side, has_meaning=True)
        if side is None and piece in _SIDES:
            found |= _sides(after, of, _SIDES[piece], has_meaning=has_meaning)
    return frozenset(found)
