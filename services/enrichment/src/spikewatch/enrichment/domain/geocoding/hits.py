"""Places that were found for one address, each with what speaks against it; the best is chosen, or none when two are as good."""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from spikewatch.enrichment.domain.geocoding.answer import Alternative, Precision
from spikewatch.enrichment.domain.geocoding.contexts import Contexts

__all__ = ["NO_CONTEXT", "Hit", "alternatives", "clusters", "joined", "metres", "rivals"]

NO_CONTEXT: Final = -1
_MARGIN: Final = 0.045
"""Penalties closer than this do not decide. Smaller than any single contradiction, larger than spelling with or without a space."""
_SAME_PLACE_M: Final = 200.0
"""Two answers this near are one: both lie within the radius that is told."""
_METRES_PER_DEGREE: Final = 111_195.0
_MOST_ALTERNATIVES: Final = 10
_SQUARE_DEGREES: Final = 0.01


class Hit(NamedTuple):
    """A place an address can mean.

    Attributes:
        penalty: what speaks against it, 0 when nothing does.
        lat: latitude in degrees.
        lon: longitude in degrees.
        precision: rung of the ladder.
        extent_m: length of what it was placed on: the piece between crossings, the street, the gap to the nearest number.
        matched: normal form of what was matched.
        reasons: what was assumed.
        context: number of its context, ``NO_CONTEXT`` when it has none.
    """

    penalty: float
    lat: float
    lon: float
    precision: Precision
    extent_m: float
    matched: str
    reasons: tuple[str, ...]
    context: int


def metres(lat: float, lon: float, other_lat: float, other_lon: float) -> float:
    """Return the distance on a locally flat earth, good enough for anything inside a county."""
    return math.hypot(other_lat - lat, (other_lon - lon) * math.cos(math.radians(lat))) * _METRES_PER_DEGREE


def rivals(hits: Sequence[Hit]) -> list[Hit]:
    """Return one hit for each different place among those that nothing decides between, best first."""
    best = hits[0].penalty
    kept: list[Hit] = []
    for hit in hits:
        if hit.penalty > best + _MARGIN or len(kept) > _MOST_ALTERNATIVES:
            break
        if all(metres(hit.lat, hit.lon, other.lat, other.lon) > _SAME_PLACE_M for other in kept):
            kept.append(hit)
    return kept


def alternatives(hits: Sequence[Hit], contexts: Contexts) -> tuple[Alternative, ...]:
    """Return what an ambiguous address could mean."""
    made = []
    for hit in hits[:_MOST_ALTERNATIVES]:
        row = contexts.rows[hit.context] if hit.context != NO_CONTEXT else None
        place = (row.zip5, row.city, row.county) if row else ("", "", "")
        made.append(Alternative(hit.matched, round(hit.lat, 6), round(hit.lon, 6), hit.precision, *place))
    return tuple(made)


def joined(points: Sequence[tuple[float, float]]) -> list[list[tuple[float, float]]]:
    """Return points in groups that hang together: of squares of a kilometre those that touch. Quick also for thousands of points."""
    squares: dict[tuple[int, int], list[tuple[float, float]]] = {}
    for lat, lon in points:
        squares.setdefault((int(lat // _SQUARE_DEGREES), int(lon // _SQUARE_DEGREES)), []).append((lat, lon))
    groups: list[list[tuple[float, float]]] = []
    while squares:
        square, group = squares.popitem()
        waiting = [square]
        while waiting:
            row, column = waiting.pop()
            for near in ((row + up, column + right) for up in (-1, 0, 1) for right in (-1, 0, 1)):
                if near in squares:
                    group += squares.pop(near)
                    waiting.append(near)
        groups.append(group)
    return groups


def clusters(points: Sequence[tuple[float, float]], apart_m: float) -> list[list[int]]:
    """Return positions of points in groups; two points nearer than ``apart_m`` are in one group. Groups are in order of their first."""
    up = apart_m / _METRES_PER_DEGREE
    order = sorted(range(len(points)), key=points.__getitem__)
    group_of: list[list[int]] = [[at] for at in range(len(points))]
    start = 0
    for place, at in enumerate(order):
        lat, lon = points[at]
        while points[order[start]][0] < lat - up:
            start += 1
        for other in order[start:place]:
            own, its = group_of[at], group_of[other]
            if own is not its and abs(points[other][1] - lon) < 4 * up and metres(lat, lon, *points[other]) <= apart_m:
                its += own
                for member in own:
                    group_of[member] = its
    return sorted((sorted(group) for group in {id(group): group for group in group_of}.values()), key=min)
