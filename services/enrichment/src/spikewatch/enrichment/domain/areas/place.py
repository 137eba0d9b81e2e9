"""One area of a geography file, the middle of an area, and distances between points.

Everything is WGS 84 degrees in, metres out.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

__all__ = ["METRES_PER_DEGREE", "Centroid", "Place", "centroids", "metres_between"]

METRES_PER_DEGREE: Final = 111_195.0
"""Of a great circle on a sphere of the earth's mean radius, 6,371,009 m."""

# A place known only by a point says nothing of its size. Cautious, not measured: larger than most ZIP code areas,
# so that nobody takes the point for an address.
_RADIUS_OF_A_POINT_M: Final = 10_000.0


def metres_between(lat: float, lon: float, other_lat: float, other_lon: float) -> float:
    """Return the distance in metres on a locally flat earth: exact to 0.1 % within 50 km, which is all it is used for."""
    north = other_lat - lat
    east = (other_lon - lon) * math.cos(math.radians((lat + other_lat) / 2))
    return math.hypot(north, east) * METRES_PER_DEGREE


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


def centroids(places: Sequence[Place]) -> dict[str, Centroid]:
    """Return the middle of each place by area id; of two places with one id the later one's."""
    if not places:
        return {}
    shapes = np.array([place.geometry for place in places], dtype=object)
    bounds = shapely.bounds(shapes)
    # Parts on both sides of the 180th meridian (the Aleutians) are neighbours: east of it counted on, their middle lies among them.
    # A single part that wide is none of them, but the whole world.
    for number in np.flatnonzero(bounds[:, 2] - bounds[:, 0] > 180).tolist():
        parts = shapely.get_parts(shapes[number])
        if len(parts) > 1:
            shapes[number] = shapely.multipolygons(
                [shapely.transform(part, _counted_on) for part in parts if shapely.get_dimensions(part) == 2]
            )
            bounds[number] = shapely.bounds(shapes[number])
    middles = shapely.get_coordinates(shapely.centroid(shapes)).tolist()
    table: dict[str, Centroid] = {}
    for place, (lon, lat), (west, south, east, north) in zip(places, middles, bounds.tolist(), strict=True):
        # The farthest corner of the bounding box is never nearer than the farthest point of the shape.
        reach = max(metres_between(lat, lon, corner_lat, corner_lon) for corner_lat in (south, north) for corner_lon in (west, east))
        radius = place.radius_m if place.radius_m is not None else reach or _RADIUS_OF_A_POINT_M
        table[place.area] = Centroid(lat, lon if lon <= 180 else lon - 360, radius)
    return table


def _counted_on(degrees: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return degrees + np.array((360.0, 0.0)) if degrees[:, 0].mean() < 0 else degrees
