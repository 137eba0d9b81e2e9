"""Middles of ZIP codes and cities taken from the streets that name them, where no file of outlines gave them."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Final

import numpy as np

from spikewatch.enrichment.domain.geocoding.fold import fold_name
from spikewatch.enrichment.domain.geocoding.hits import metres
from spikewatch.enrichment.domain.geocoding.records import AddressPoint, PlaceArea, StreetSegment

__all__ = ["FROM_STREETS", "areas_of_streets"]

FROM_STREETS: Final = -1
"""Source of an area that no file gave: its circle holds the streets and address points that name it, not its outline."""
_NEAR_DEGREES: Final = 0.02  # parts of one city in two counties lie closer together than this; two cities of one name do not

_Spot = tuple[float, float]


def areas_of_streets(segments: Sequence[StreetSegment], points: Iterable[AddressPoint], known: Iterable[PlaceArea]) -> Iterator[PlaceArea]:
    """Return an area for each ZIP code and city of streets and points that is not among the known ones.

    The middle is the place on a street nearest to the middle of all; the radius reaches the farthest of them.
    """
    given = {(place.kind, fold_name(place.name)) for place in known}
    every: dict[tuple[str, str], dict[str, list[_Spot]]] = {}
    for kind, name, county, spots in chain(_of_segments(segments), _of_points(points)):
        every.setdefault((kind, name), {}).setdefault(county, []).extend(spots)
    folded: dict[tuple[str, str], dict[str, list[_Spot]]] = {}
    for (kind, name), of_county in every.items():
        for county, spots in of_county.items():
            folded.setdefault((kind, fold_name(name)), {}).setdefault(county, []).extend(spots)
    for (kind, name), of_county in sorted(folded.items()):
        if name and (kind, name) not in given:
            for spots, county in _apart(of_county) if kind == "city" else [(_all(of_county), _largest(of_county))]:
                yield _area(kind, name, spots, county)


def _of_segments(segments: Iterable[StreetSegment]) -> Iterator[tuple[str, str, str, list[_Spot]]]:
    for segment in segments:
        spots = [(lat, lon) for lon, lat in (segment.line[0], segment.line[-1])]
        for zip5 in {segment.left_zip[:5], segment.right_zip[:5]} - {""}:
            yield "zip", zip5, segment.county, spots
        for city in {segment.left_city, segment.right_city} - {""}:
            yield "city", city, segment.county, spots


def _of_points(points: Iterable[AddressPoint]) -> Iterator[tuple[str, str, str, list[_Spot]]]:
    for point in points:
        spots = [(point.lat, point.lon)]
        if point.zip5:
            yield "zip", point.zip5[:5], point.county, spots
        if point.city:
            yield "city", point.city, point.county, spots


def _all(of_county: dict[str, list[_Spot]]) -> list[_Spot]:
    return [spot for spots in of_county.values() for spot in spots]


def _area(kind: str, name: str, spots: Sequence[_Spot], county: str) -> PlaceArea:
    every = np.array(spots)
    low, high = every.min(axis=0), every.max(axis=0)
    middle = (low + high) / 2
    shrink = np.cos(np.radians(middle[0]))
    nearest = int((((every - middle) * (1.0, shrink)) ** 2).sum(axis=1).argmin())
    lat, lon = spots[nearest]
    farthest = int((((every - every[nearest]) * (1.0, shrink)) ** 2).sum(axis=1).argmax())
    return PlaceArea(
        kind, name, lat, lon, max(metres(lat, lon, *spots[farthest]), 1.0), name if kind == "zip" else "", county, FROM_STREETS
    )


def _largest(of_county: dict[str, list[_Spot]]) -> str:
    return max(of_county, key=lambda county: (len(of_county[county]), county))


def _apart(of_county: dict[str, list[_Spot]]) -> list[tuple[list[_Spot], str]]:
    """Return the parts of a city's name that lie apart: one for a city in two counties, two for two cities of one name."""
    parts: list[tuple[list[_Spot], str]] = []
    for county in sorted(of_county, key=lambda county: (-len(of_county[county]), county)):
        spots, own = list(of_county[county]), county
        for part in [part for part in parts if _touch(part[0], spots)]:
            parts.remove(part)
            spots, own = part[0] + spots, part[1]
        parts.append((spots, own))
    return parts


def _touch(one: list[_Spot], other: list[_Spot]) -> bool:
    low, high = np.min(one, axis=0) - _NEAR_DEGREES, np.max(one, axis=0) + _NEAR_DEGREES
    return bool((np.min(other, axis=0) <= high).all() and (np.max(other, axis=0) >= low).all())
