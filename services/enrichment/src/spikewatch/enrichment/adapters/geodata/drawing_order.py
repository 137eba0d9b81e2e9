"""Puts house numbers in drawing order, where a file tells the lower and the higher number of a block in place of the first and last.

Such a file has no range that falls, though half of its lines may be drawn against the numbers. Which are is told by the neighbours:
the block before has lower numbers and touches the first vertex, or the last one.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from spikewatch.enrichment.domain.geocoding.records import StreetSegment

__all__ = ["FALLING", "in_drawing_order"]

FALLING: Final = "drawn against its house numbers: turned round"
_ENOUGH: Final = 20  # ranges; fewer tell nothing of a file
_DIGITS: Final = 5  # of a degree: vertices within a metre are one
_Spot = tuple[str, float, float]


def in_drawing_order(segments: Iterable[StreetSegment]) -> Iterator[tuple[StreetSegment, bool]]:
    """Return the segments, and of each whether its house numbers were turned round.

    Nothing is turned when a single range of the file falls, for then it is in drawing order already.
    """
    listed = list(segments)
    ranged = [segment for segment in listed if _middle(segment)]
    if len(ranged) < _ENOUGH or any(one.left_from > one.left_to or one.right_from > one.right_to for one in ranged):
        yield from ((segment, False) for segment in listed)
        return
    at: dict[_Spot, list[float]] = {}
    for segment in ranged:
        for spot in _ends(segment):
            at.setdefault(spot, []).append(_middle(segment))
    for segment in listed:
        own = _middle(segment)
        if own and _rises(own, *(at[spot] for spot in _ends(segment))) < 0:
            turned = segment._replace(
                left_from=segment.left_to, left_to=segment.left_from, right_from=segment.right_to, right_to=segment.right_from
            )
            yield turned, True
        else:
            yield segment, False


def _rises(own: float, first: list[float], last: list[float]) -> int:
    """Return how much more the neighbours speak for rising numbers than against; each end has one voice for each neighbour."""
    before = sum((other < own) - (other > own) for other in first)
    after = sum((other > own) - (other < own) for other in last)
    return before + after


def _middle(segment: StreetSegment) -> float:
    numbers = [number for number in (segment.left_from, segment.left_to, segment.right_from, segment.right_to) if number]
    return sum(numbers) / len(numbers) if numbers else 0.0


def _ends(segment: StreetSegment) -> tuple[_Spot, _Spot]:
    name = f"{segment.pre_direction} {segment.name} {segment.type} {segment.post_direction}".upper()
    (west, south), (east, north) = segment.line[0], segment.line[-1]
    return (name, round(west, _DIGITS), round(south, _DIGITS)), (name, round(east, _DIGITS), round(north, _DIGITS))
