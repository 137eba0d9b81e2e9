"""What kind of place a text names, and its parts: what the parser hands to the look-up."""

from enum import Enum
from typing import NamedTuple

__all__ = ["Kind", "Parsed"]


class Kind(Enum):
    """What a text names."""

    NOTHING = 0
    HOUSE = 1
    BLOCK = 2
    CROSSING = 3
    BETWEEN = 4
    MILE = 5
    COORDINATES = 6
    NAME = 7


class Parsed(NamedTuple):
    """The parts of an address.

    Attributes:
        kind: what it names.
        streets: words of each street that is named, the one that counts first.
        number: house number, or first number of a block; 0 when none.
        number_to: second number of a range, 0 when none.
        suffix: letter glued to the house number; it may be a direction.
        tail: what followed a comma: unit, city, state.
        zip5: ZIP code found in the text.
        state: postal code of the state found in the text.
        lat: of coordinates in the text.
        lon: of coordinates in the text.
        mile: milepost or exit.
        reasons: what was left out on the way.
    """

    kind: Kind
    streets: tuple[list[str], ...] = ()
    number: int = 0
    number_to: int = 0
    suffix: str = ""
    tail: tuple[str, ...] = ()
    zip5: str = ""
    state: str = ""
    lat: float = 0.0
    lon: float = 0.0
    mile: str = ""
    reasons: tuple[str, ...] = ()
