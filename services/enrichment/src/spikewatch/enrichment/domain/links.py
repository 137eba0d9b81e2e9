"""When two reports are linked, and the blocks that find every possible link without comparing all pairs.

Invariant: if two reports link, one's blocks meet the other's probes. So a store needs one index over the blocks.
"""

import math
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Final, Self

from spikewatch.contracts.report import Position
from spikewatch.contracts.vocabulary import TimePrecision
from spikewatch.enrichment.domain.geography import metres_between
from spikewatch.enrichment.domain.locate import EXACT

__all__ = ["Link", "Links"]


class Link(IntEnum):
    """Why two reports are linked, weakest first."""

    PLACE = 1
    NUMBER = 2

    @property
    def seconds(self) -> float:
        """How far apart in time such a link reaches."""
        return _WINDOW_S[self]


_WINDOW_S: Final = {Link.PLACE: 3_600.0, Link.NUMBER: 12 * 3_600.0}  # numbers start again each year or day, so they need an end too
_NEAR_M: Final = 250.0
_NEAR_DEGREES: Final = 0.00225  # of latitude, a little more than 250 m
# Blocks: about 1.1 km by 1.1 km (less towards the poles) and four hours. Smaller ones are probed more often, larger
# ones bring more reports that do not link; one report meets three to four of these.
_CELL_DEGREES: Final = 0.01
_BUCKET_S: Final = 4 * 3_600.0
_DAY_S: Final = 24 * 3_600.0
_MEANING: Final = frozenset("123456789")
_SHORTEST_NUMBER: Final = 3  # "0", "-" and "NA" are fillers; a filler would link every report of the county


@dataclass(frozen=True, slots=True)
class Links:
    """What of a report takes part in linking. ``seconds`` is event time since 1970; ``point`` is None unless place and time are exact."""

    place_key: str
    seconds: float
    point: tuple[float, float] | None
    numbers: tuple[str, ...]
    blocks: tuple[str, ...]
    number_probes: tuple[str, ...]
    """The blocks in which every report lies that links to this one by a number."""
    place_probes: tuple[str, ...]
    """The blocks in which every report lies that links to this one by place and time."""

    @classmethod
    def of(  # the seven things that decide about a link
        cls,
        *,
        place_key: str,
        occurred_at: datetime,
        time_precision: TimePrecision,
        position: Position | None,
        agency: str,
        cad_number: str | None,
        incident_number: str | None,
    ) -> Self:
        """Derive the linking parts of a report."""
        seconds = occurred_at.timestamp()
        exact = position is not None and position.precision in EXACT and time_precision not in {TimePrecision.DATE, TimePrecision.MONTH}
        point = (position.lat, position.lon) if position is not None and exact else None
        numbers = []
        if (cad := _number(cad_number)) is not None:
            numbers.append(f"{place_key}|c|{cad}")
        if (own := _number(incident_number)) is not None:
            numbers.append(f"{place_key}|i|{agency}|{own}")  # an agency's own numbers say nothing about another agency's
        blocks = [f"{number}|{int(seconds // _DAY_S)}" for number in numbers]
        places: list[str] = []
        probes = [f"{number}|{day}" for number in numbers for day in _span(seconds, Link.NUMBER, _DAY_S)]
        if point is not None:
            lat, lon = point
            blocks.append(_block(place_key, int(seconds // _BUCKET_S), _cell(lat), _cell(lon)))
            # The narrowest circle of latitude within reach, so that no cell is missed; near the poles the cosine vanishes.
            east = _NEAR_DEGREES / max(math.cos(math.radians(abs(lat) + _NEAR_DEGREES)), 0.01)
            places += [
                _block(place_key, bucket, row, column)
                for bucket in _span(seconds, Link.PLACE, _BUCKET_S)
                for row in range(_cell(lat - _NEAR_DEGREES), _cell(lat + _NEAR_DEGREES) + 1)
                for column in range(_cell(lon - east), _cell(lon + east) + 1)
            ]
        return cls(place_key, seconds, point, tuple(numbers), tuple(blocks), tuple(probes), tuple(places))

    @property
    def probes(self) -> tuple[str, ...]:
        """The blocks in which every report that links to this one lies."""
        return self.number_probes + self.place_probes

    def link(self, other: "Links") -> Link | None:
        """Return the strongest link to another report, or None. The same in both directions."""
        apart = abs(self.seconds - other.seconds)
        if self.numbers and other.numbers and apart <= Link.NUMBER.seconds and not set(self.numbers).isdisjoint(other.numbers):
            return Link.NUMBER
        if (
            self.point is not None
            and other.point is not None
            and apart <= Link.PLACE.seconds
            and self.place_key == other.place_key
            and self.is_near(other)
        ):
            return Link.PLACE
        return None

    def is_near(self, other: "Links") -> bool:
        """Return whether both have an exact place and the two are within the reach of a link by place."""
        return self.point is not None and other.point is not None and metres_between(*self.point, *other.point) <= _NEAR_M


def _span(seconds: float, link: Link, length: float) -> range:
    return range(int((seconds - link.seconds) // length), int((seconds + link.seconds) // length) + 1)


def _number(text: str | None) -> str | None:
    if text is None:
        return None
    folded = "".join(text.split()).upper()
    return folded if len(folded) >= _SHORTEST_NUMBER and not _MEANING.isdisjoint(folded) else None


def _cell(degrees: float) -> int:
    return math.floor(degrees / _CELL_DEGREES)


def _block(place_key: str, bucket: int, row: int, column: int) -> str:
    return f"{place_key}|{bucket}|{row}|{column}"
