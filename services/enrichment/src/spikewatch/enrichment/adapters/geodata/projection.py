"""In what a file's coordinates are: degrees are taken, Web Mercator is converted by its formula, all else is refused.

A state-plane file read as degrees would place every address wrongly and nobody would see it, so what is not certain is refused.
"""

import math
import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from spikewatch.enrichment.adapters.geodata.layer import Layer, Position
from spikewatch.enrichment.adapters.geodata.unusable import GeodataUnusable

__all__ = ["Projection", "in_degrees", "projection_of"]

_MERCATOR: Final = re.compile(
    r"web[_ ]?mercator|pseudo[_ -]?mercator|mercator_auxiliary_sphere|(?:EPSG|ESRI)[:\"',]+(?:3857|900913|102100|102113)\b", re.IGNORECASE
)
_DEGREES: Final = re.compile(r"^\s*GEOG|CRS:?84|(?:EPSG)[:\"',]+(?:4326|4269|4267|4617|4759|6318)\b", re.IGNORECASE)
# Degrees of the older survey lie up to a hundred metres off those that everybody else means.
_OLD_DEGREES: Final = re.compile(r"NAD[ _]?27|North[ _]American[ _](?:Datum[ _])?1927|EPSG[:\"',]+4267\b", re.IGNORECASE)
_NAME: Final = re.compile(r'^\s*PROJ(?:CS|CRS)\s*\[\s*"([^"]{1,80})"', re.IGNORECASE)
_UNIT: Final = re.compile(r'UNIT\s*\[\s*"([^"]{1,40})"', re.IGNORECASE)
_RADIUS_M: Final = 6_378_137.0
_WIDEST_M: Final = 20_037_508.35
# Web Mercator of the United States without a word that says so: far west of anything that a state plane or UTM has.
_WESTERN_M: Final = (-20_037_508.35, -7_000_000.0)
_NORTHERN_M: Final = (1_400_000.0, 12_000_000.0)
_EXPORT: Final = "export it as WGS 84 degrees (EPSG:4326), for example with: ogr2ogr -t_srs EPSG:4326 OUT IN"


class Projection(StrEnum):
    """What the coordinates of a layer are."""

    DEGREES = "degrees"
    WEB_MERCATOR = "web mercator"


def projection_of(layer: Layer, sample: Iterable[Position]) -> Projection:
    """Tell what a layer's coordinates are, by what it says and by the ranges of some of them.

    Raises:
        GeodataUnusable: they are neither degrees nor Web Mercator.
    """
    points = [point for point in sample if all(map(math.isfinite, point))]
    told = layer.reference
    if told and _MERCATOR.search(told):
        return Projection.WEB_MERCATOR
    if told and not _DEGREES.search(told):
        name, units = _NAME.search(told), _UNIT.findall(told)
        named = f"{name[1]}, in {units[-1]}" if name and units else name[1] if name else told.strip()[:60]
        raise GeodataUnusable(f"{layer.name} is in projected coordinates ({named}), not in degrees; {_EXPORT}")
    if _OLD_DEGREES.search(told):
        raise GeodataUnusable(f"{layer.name} is in degrees of NAD 27, which lie up to 100 m off; {_EXPORT}")
    if not points:
        return Projection.DEGREES
    if _share(points, (13.0, 72.0), (-180.0, -64.0)) > 0.5:  # nobody lives there the way it is written
        raise GeodataUnusable(
            f"{layer.name} has latitude where longitude belongs; write longitude first in shapes, or exchange the columns in its map"
        )
    if _share(points, (-180.0, 180.0), (-90.0, 90.0)) > 0.5:
        return Projection.DEGREES
    if not told and _share(points, _WESTERN_M, _NORTHERN_M) > 0.9:
        return Projection.WEB_MERCATOR
    raise GeodataUnusable(f"{layer.name} is not in degrees: its coordinates look like feet or metres of a state plane or of UTM; {_EXPORT}")


def in_degrees(point: Position, projection: Projection) -> Position | None:
    """Return longitude and latitude; None where there is no such place, or where both are zero, which stands for nothing."""
    east, north = point
    if projection is Projection.WEB_MERCATOR:
        if not (abs(east) <= _WIDEST_M and abs(north) <= _WIDEST_M):
            return None
        east = math.degrees(east / _RADIUS_M)
        north = math.degrees(2 * math.atan(math.exp(north / _RADIUS_M)) - math.pi / 2)
    if not (-180.0 <= east <= 180.0 and -90.0 <= north <= 90.0) or (east == 0 and north == 0):
        return None
    return east, north


def _share(points: list[Position], east: tuple[float, float], north: tuple[float, float]) -> float:
    inside = sum(east[0] <= x <= east[1] and north[0] <= y <= north[1] for x, y in points)
    return inside / len(points)
