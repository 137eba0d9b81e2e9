"""Shapes from GeoJSON and WKT, and what records take from them: a point, a line, a middle with how far it reaches."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Final

import shapely
from shapely.errors import ShapelyError

from spikewatch.enrichment.adapters.geodata.layer import Position, Shape, ShapeKind
from spikewatch.enrichment.adapters.geodata.projection import Projection, in_degrees

__all__ = ["ShapeUnreadable", "line_of", "metres", "middle_of", "placed", "point_of", "shape_of_geojson", "shape_of_wkt"]

_EARTH_M: Final = 6_371_008.8
_POINTS: Final = frozenset({"Point", "MultiPoint"})


class ShapeUnreadable(ValueError):  # noqa: N818  # named by what it says of the shape
    """A shape that is neither points, lines nor polygons, or none at all."""


def shape_of_geojson(geometry: Any) -> Shape | None:
    """Return a GeoJSON geometry as a shape; None when it is empty.

    Raises:
        ShapeUnreadable: it is none.
        ValueError, TypeError, IndexError, KeyError: its coordinates are none.
    """
    if not geometry or not geometry.get("coordinates"):
        return None
    kind, coordinates = geometry["type"], geometry["coordinates"]
    match kind:
        case "Point":
            return Shape(ShapeKind.POINT, (_positions([coordinates]),))
        case "MultiPoint":
            return Shape(ShapeKind.POINT, tuple(_positions([one]) for one in coordinates))
        case "LineString":
            return Shape(ShapeKind.LINE, (_positions(coordinates),))
        case "MultiLineString":
            return Shape(ShapeKind.LINE, tuple(_positions(part) for part in coordinates if part))
        case "Polygon":
            return Shape(ShapeKind.POLYGON, tuple(_positions(ring) for ring in coordinates if ring))
        case "MultiPolygon":
            return Shape(ShapeKind.POLYGON, tuple(_positions(ring) for polygon in coordinates for ring in polygon if ring))
        case _:
            raise ShapeUnreadable("neither points, lines nor polygons")


def shape_of_wkt(text: str) -> Shape | None:
    """Return a WKT (or EWKT) as a shape; None when it is empty.

    Raises:
        ShapeUnreadable: it is no WKT of points, lines or polygons.
    """
    plain = text.partition(";")[2] if text[:5].upper() == "SRID=" else text
    try:
        geometry = shapely.from_wkt(plain)
    except ShapelyError:
        raise ShapeUnreadable("no WKT") from None
    if geometry is None or geometry.is_empty:
        return None
    parts: list[Any] = list(shapely.get_parts(geometry))
    kinds = {part.geom_type for part in parts}
    if kinds <= {"LineString", "LinearRing"}:
        return Shape(ShapeKind.LINE, tuple(_positions(shapely.get_coordinates(part).tolist()) for part in parts))
    if kinds == {"Point"}:
        return Shape(ShapeKind.POINT, tuple(_positions(shapely.get_coordinates(part).tolist()) for part in parts))
    if kinds == {"Polygon"}:
        rings = [ring for part in parts for ring in (part.exterior, *part.interiors)]
        return Shape(ShapeKind.POLYGON, tuple(_positions(shapely.get_coordinates(ring).tolist()) for ring in rings))
    raise ShapeUnreadable("neither points, lines nor polygons")


def placed(shape: Shape, projection: Projection) -> Shape | None:
    """Return the shape in degrees; None where a position of it is nowhere."""
    parts: list[tuple[Position, ...]] = []
    for part in shape.parts:
        positions = [in_degrees(position, projection) for position in part]
        if None in positions:
            return None
        parts.append(tuple(position for position in positions if position is not None))
    return Shape(shape.kind, tuple(parts))


def point_of(shape: Shape) -> Position:
    """Return the point, the middle of an area, or of a line the middle of its way."""
    if shape.kind is ShapeKind.POINT:
        return shape.parts[0][0]
    if shape.kind is ShapeKind.POLYGON:
        return middle_of(shape)[0]
    middle = shapely.LineString(line_of(shape)[0]).interpolate(0.5, normalized=True)
    return float(middle.x), float(middle.y)


def line_of(shape: Shape) -> tuple[tuple[Position, ...], bool]:
    """Return the line and whether it is all of it: parts that meet end to end are one, of others the longest stands for all."""
    if len(shape.parts) == 1:
        return shape.parts[0], True
    chained: list[list[Position]] = []
    for part in shape.parts:
        if chained and chained[-1][-1] == part[0]:
            chained[-1].extend(part[1:])
        else:
            chained.append(list(part))
    longest = max(chained, key=lambda line: sum(math.dist(a, b) for a, b in pairwise(line)))
    return tuple(longest), len(chained) == 1


def middle_of(shape: Shape) -> tuple[Position, float, bool]:
    """Return a point inside the largest part, how far all of the shape reaches from it in metres, and whether it was sound.

    A ring that crosses itself is put right first; what it means where it crosses nobody knows, its middle all the same.
    """
    largest: Any = None
    is_sound = True
    for ring in shape.parts:
        if len(ring) < 3:
            is_sound = False
            continue
        polygon = shapely.Polygon(ring)
        if not polygon.is_valid:
            is_sound = False
            polygon = max(shapely.get_parts(shapely.make_valid(polygon)), key=lambda part: float(part.area))
        if largest is None or polygon.area > largest.area:
            largest = polygon
    if largest is None or largest.geom_type != "Polygon":
        point = shape.parts[0][0]
        return point, max(metres(point, other) for other in _all(shape)), False
    middle = largest.centroid
    if not largest.contains(middle):
        middle = largest.representative_point()
    point = (float(middle.x), float(middle.y))
    return point, max(metres(point, other) for other in _all(shape)), is_sound


def metres(one: Position, other: Position) -> float:
    """Return the distance of two positions in degrees, on a sphere."""
    lon1, lat1, lon2, lat2 = map(math.radians, (*one, *other))
    part = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * _EARTH_M * math.asin(min(1.0, math.sqrt(part)))


def _all(shape: Shape) -> Iterator[Position]:
    return (position for part in shape.parts for position in part)


def _positions(coordinates: Sequence[Sequence[float]]) -> tuple[Position, ...]:
    return tuple((float(one[0]), float(one[1])) for one in coordinates)
