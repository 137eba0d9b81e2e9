"""What locating asks of geography, and the one implementation: polygons and points held in memory.

Everything is WGS 84 degrees in, metres out. An atlas never changes after it is built, so all threads may share it.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from spikewatch.contracts.contract import area_kind

__all__ = ["Atlas", "Centroid", "Geography", "Place", "metres_between"]

_METRES_PER_DEGREE: Final = 111_195.0  # of a great circle on a sphere of the earth's mean radius, 6,371,009 m
# A place known only by a point says nothing of its size. Cautious, not measured: larger than most ZIP code areas,
# so that nobody takes the point for an address.
_RADIUS_OF_A_POINT_M: Final = 10_000.0


def metres_between(lat: float, lon: float, other_lat: float, other_lon: float) -> float:
    """Return the distance in metres on a locally flat earth: exact to 0.1 % within 50 km, which is all it is used for."""
    north = other_lat - lat
    east = (other_lon - lon) * math.cos(math.radians((lat + other_lat) / 2))
    return math.hypot(north, east) * _METRES_PER_DEGREE


@dataclass(frozen=True, slots=True)
class Place:
    """One area of a geography file: its id (``county:42091``), its name, and a polygon or a point."""

    area: str
    name: str
    geometry: BaseGeometry
    radius_m: float | None = None


@dataclass(frozen=True, slots=True)
class Centroid:
    """The middle of an area and the radius in metres that covers it."""

    lat: float
    lon: float
    radius_m: float


class Geography(Protocol):
    """Says which areas hold a point, and where the middle of an area lies."""

    def areas_at(self, lats: Sequence[float], lons: Sequence[float]) -> list[tuple[str, ...]]:
        """Return for each point the ids of all areas whose polygon holds it, sorted."""
        ...

    def centroid(self, area: str) -> Centroid | None:
        """Return the middle of an area; None when the area is not known."""
        ...

    def metres_outside(self, area: str, lat: float, lon: float) -> float | None:
        """Return how far a point lies from an area's polygon, 0 inside; None when no polygon is known."""
        ...


class Atlas:
    """Geography in memory: a search tree over prepared polygons, and a table of centroids."""

    def __init__(self, places: Iterable[Place]) -> None:
        every = list(places)
        outlined = [place for place in every if shapely.get_dimensions(place.geometry) == 2]
        self._areas = [place.area for place in outlined]
        self._polygons = np.array([place.geometry for place in outlined], dtype=object)
        shapely.prepare(self._polygons)
        self._tree = shapely.STRtree(self._polygons)
        self._polygon_of = {place.area: place.geometry for place in outlined}
        self._centroids = _centroids([place for place in every if shapely.get_dimensions(place.geometry) < 2])
        self._centroids |= _centroids(outlined)  # a polygon knows its middle and size better than a point does

    def __len__(self) -> int:
        return len(self._centroids)

    def has_kind(self, kind: str) -> bool:
        """Return whether any area of this kind is known."""
        return any(area_kind(area) == kind for area in self._centroids)

    def areas_at(self, lats: Sequence[float], lons: Sequence[float]) -> list[tuple[str, ...]]:
        """Return for each point the ids of all areas whose polygon holds it, sorted."""
        found: list[list[str]] = [[] for _ in lats]
        if found:
            x, y = np.asarray(lons, dtype=float), np.asarray(lats, dtype=float)
            # The tree alone compares bounding boxes; the prepared polygon then decides, several times faster than
            # asking the tree for the predicate, which prepares the point instead.
            point, polygon = self._tree.query(shapely.points(x, y))
            inside = shapely.intersects_xy(self._polygons[polygon], x[point], y[point])
            for index, hit in zip(point[inside].tolist(), polygon[inside].tolist(), strict=True):
                found[index].append(self._areas[hit])
        return [tuple(sorted(areas)) for areas in found]

    def centroid(self, area: str) -> Centroid | None:
        """Return the middle of an area; None when the area is not known."""
        return self._centroids.get(area)

    def metres_outside(self, area: str, lat: float, lon: float) -> float | None:
        """Return how far a point lies from an area's polygon, 0 inside; None when no polygon is known."""
        polygon = self._polygon_of.get(area)
        if polygon is None:
            return None
        (near_lon, near_lat), *_ = shapely.get_coordinates(shapely.shortest_line(polygon, shapely.Point(lon, lat)))
        return metres_between(float(near_lat), float(near_lon), lat, lon)


def _centroids(places: Sequence[Place]) -> dict[str, Centroid]:
    if not places:
        return {}
    shapes = np.array([place.geometry for place in places], dtype=object)
    middles = shapely.get_coordinates(shapely.centroid(shapes)).tolist()
    bounds = shapely.bounds(shapes).tolist()
    table: dict[str, Centroid] = {}
    for place, (lon, lat), (west, south, east, north) in zip(places, middles, bounds, strict=True):
        # The farthest corner of the bounding box is never nearer than the farthest point of the shape.
        reach = max(metres_between(lat, lon, corner_lat, corner_lon) for corner_lat in (south, north) for corner_lon in (west, east))
        radius = place.radius_m if place.radius_m is not None else reach or _RADIUS_OF_A_POINT_M
        table[place.area] = Centroid(lat, lon, radius)
    return table
