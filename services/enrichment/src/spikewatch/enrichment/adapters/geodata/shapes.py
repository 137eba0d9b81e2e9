"""Shapes from GeoJSON, WKT and WKB, and what records take from them: a point, a line, a middle with how far it reaches."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

import shapely
from shapely.errors import ShapelyError

from spikewatch.enrichment.adapters.geodata.layer import Position, Shape, ShapeKind
from spikewatch.enrichment.adapters.geodata.projection import Projection, in_degrees

__all__ = ["ShapeUnreadable", "line_of", "metres", "middle_of", "placed", "point_of", "shape_of_geojson", "shape_of_wkb", "shape_of_wkt"]

_EARTH_M: Final = 6_371_008.8
_ISLET: Final = 0.02  # of the largest part's area


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
    return _shape_of(geometry)


def shape_of_wkb(content: bytes) -> Shape | None:
    """Return a WKB as a shape; None when it is empty.

    Raises:
        ShapeUnreadable: it is no WKB of points, lines or polygons.
    """
    try:
        geometry = shapely.from_wkb(content)
    except ShapelyError:
        raise ShapeUnreadable("no WKB") from None
    return _shape_of(geometry)


def _shape_of(geometry: shapely.Geometry | None) -> Shape | None:
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
    """Return a point inside the largest part, how far the parts of some size reach from it in metres, and whether all was sound.

    A ring that crosses itself is put right first; what it means where it crosses nobody knows, its middle all the same. Islets far
    out at sea that a city owns do not make it wider.
    """
    sized: list[tuple[float, Any]] = []
    is_sound = True
    for ring in shape.parts:
        polygon = shapely.Polygon(ring) if len(ring) > 2 else None
        if polygon is not None and not polygon.is_valid:
            polygon = max(shapely.get_parts(shapely.make_valid(polygon)), key=lambda part: float(part.area))
            is_sound = False
        if polygon is None or polygon.geom_type != "Polygon":
            is_sound = False
        else:
            sized.append((float(polygon.area), polygon))
    if not sized:
        point = shape.parts[0][0]
        return point, max(metres(point, other) for part in shape.parts for other in part), False
    area, largest = max(sized, key=lambda pair: pair[0])
    middle = largest.centroid
    if not largest.contains(middle):
        middle = largest.representative_point()
    point = (float(middle.x), float(middle.y))
    corners = (corner for size, polygon in sized if size >= _ISLET * area for corner in polygon.exterior.coords)
    return point, max(metres(point, (corner[0], corner[1])) for corner in corners), is_sound


def metres(one: Position, other: Position) -> float:
    """Return the distance of two positions in degrees, on a sphere."""
    lon1, lat1, lon2, lat2 = map(math.radians, (*one, *other))
    part = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * _EARTH_M * math.asin(min(1.0, math.sqrt(part)))


def _positions(coordinates: Sequence[Sequence[float]]) -> tuple[Position, ...]:
    return tuple((float(one[0]), float(one[1])) for one in coordinates)
