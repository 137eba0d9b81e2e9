"""Which polygons hold a point or a whole cell, by geometry alone.

The rule of borders stands here. Of one kind (county, district…) a point counts in every area that holds it inside; where it
lies on borders only, in the one with the least id. So a point between two counties counts once, and always in the same one.
"""

import math
import threading
from collections.abc import Sequence
from typing import Final

import numpy as np
import shapely

from spikewatch.contracts.contract import area_kind
from spikewatch.enrichment.domain.areas.grid import Flags, Grid, Numbers, Reals
from spikewatch.enrichment.domain.areas.place import METRES_PER_DEGREE, Place
from spikewatch.enrichment.domain.areas.shore import Shore

__all__ = ["Outlines", "metres_to"]

_MANY: Final = 2_000  # points from which sorting them first pays
_NEIGHBOURS: Final = Grid(2)
_NEAR_ANTIMERIDIAN: Final = 178.0  # 125 km in the Aleutians

_Pairs = tuple[Numbers, Numbers]


class Outlines:
    """The polygons of a geography in the order of their ids, prepared, with a search tree. Threads may share it.

    A prepared polygon builds its index when it is first asked, while shapely has let go of the interpreter's lock: two threads that ask
    the same one end the process. So one asks at a time.
    """

    def __init__(self, places: Sequence[Place]) -> None:
        merged: dict[str, list[shapely.Geometry]] = {}
        for place in places:
            merged.setdefault(place.area, []).append(place.geometry)
        self.areas: Final = sorted(merged)
        # One area in several features (a district of two islands) is one polygon, or a point would count in it twice.
        shapes = [_surface(merged[area]) for area in self.areas]
        self.polygons: Final = np.array(shapes, dtype=object)
        shapely.prepare(self.polygons)
        self._tree = shapely.STRtree(self.polygons)
        kinds = sorted({area_kind(area) for area in self.areas})
        self._kind = np.array([kinds.index(area_kind(area)) for area in self.areas], dtype=np.int64)
        self._kinds = len(kinds)
        self._shore = Shore(self.areas, self.polygons, self._tree)
        self._has_shore = bool(self._shore.is_county.any())
        self._asking = threading.Lock()

    def holding(self, lats: Reals, lons: Reals) -> _Pairs:
        """Return pairs (point, polygon) by the rule of borders, ordered by point, then by area id."""
        if len(lats) < _MANY:
            with self._asking:
                return self._holding(lats, lons)
        # Neighbours after each other find the polygon's edges in the processor's cache: half as fast again.
        order = np.argsort(_NEIGHBOURS.keys(lats, lons), kind="stable")
        with self._asking:
            point, polygon = self._holding(lats[order], lons[order])
        return _ordered(order[point], polygon)

    def _holding(self, lats: Reals, lons: Reals) -> _Pairs:
        # The tree alone compares bounding boxes; the prepared polygon then decides, several times faster than
        # asking the tree for the predicate, which prepares the point instead.
        point, polygon = self._tree.query(shapely.points(lons, lats))
        touches = shapely.intersects_xy(self.polygons[polygon], lons[point], lats[point])
        point, polygon = _ordered(point[touches], polygon[touches])
        keep = self._once_on_borders(point, polygon, lats, lons)
        point, polygon = point[keep], polygon[keep]
        return self._with_nearest_shore(point, polygon, lats, lons) if self._has_shore else (point, polygon)

    def _once_on_borders(self, point: Numbers, polygon: Numbers, lats: Reals, lons: Reals) -> Flags:
        keep = np.ones(len(point), dtype=bool)
        group = point * self._kinds + self._kind[polygon]  # contiguous, for ids of one kind sort together
        same = group[1:] == group[:-1]
        if not same.any():
            return keep
        several = np.flatnonzero(np.append(same, False) | np.insert(same, 0, False))
        p, q = point[several], polygon[several]
        inside = shapely.contains_xy(self.polygons[q], lons[p], lats[p])
        first = np.flatnonzero(np.append(True, np.diff(group[several]) != 0))
        length = np.diff(np.append(first, len(several)))
        on_border_only = ~np.repeat(np.logical_or.reduceat(inside, first), length)
        is_first = np.zeros(len(several), dtype=bool)
        is_first[first] = True
        keep[several] = inside | (on_border_only & is_first)
        return keep

    def _with_nearest_shore(self, point: Numbers, polygon: Numbers, lats: Reals, lons: Reals) -> _Pairs:
        placed = np.zeros(len(lats), dtype=bool)
        placed[point[self._shore.is_county[polygon]]] = True
        loose = np.flatnonzero(~placed)
        nearest = self._shore.nearest(lats[loose], lons[loose])
        near = nearest >= 0
        if not near.any():
            return point, polygon
        return _ordered(np.append(point, loose[near]), np.append(polygon, nearest[near]))

    def may_differ_in_cell(self, lats: Reals, lons: Reals, item: Numbers, polygon: Numbers) -> Flags:
        """Return for each point, given its pairs, whether the shore makes others of its cell differ, though no border crosses it.

        So it is where no county holds the point inside (the pairs may name the nearest one) and one may be near the cell.
        """
        doubtful = np.zeros(len(lats), dtype=bool)
        if self._has_shore:
            with self._asking:
                doubtful[:] = self._shore.may_be_near(lats, lons)
                of_county = self._shore.is_county[polygon] & doubtful[item]
                item, polygon = item[of_county], polygon[of_county]
                doubtful[item[shapely.intersects_xy(self.polygons[polygon], lons[item], lats[item])]] = False
        return doubtful

    def holding_all(self, west: Reals, south: Reals, east: Reals, north: Reals) -> tuple[Flags, Numbers, Numbers]:
        """Tell of boxes which are crossed by no border and by no shore, and which polygons hold those wholly.

        Returns:
            a flag for each box: every point in it has the same areas; and pairs (box, polygon) of those boxes, ordered.
        """
        shapes = shapely.box(west, south, east, north)
        with self._asking:
            box, polygon = self._tree.query(shapes)
            whole = shapely.contains_properly(self.polygons[polygon], shapes[box])
            rest_box, rest_polygon = box[~whole], polygon[~whole]
            crossed = shapely.intersects(self.polygons[rest_polygon], shapes[rest_box])
        alike = np.ones(len(west), dtype=bool)
        alike[rest_box[crossed]] = False
        box, polygon = box[whole], polygon[whole]
        if self._has_shore:
            placed = np.zeros(len(west), dtype=bool)
            placed[box[self._shore.is_county[polygon]]] = True
            loose = np.flatnonzero(~placed & alike)
            with self._asking:
                alike[loose], county = self._shore_all(west[loose], south[loose], east[loose], north[loose])
            of_one = county >= 0
            box, polygon = np.append(box, loose[of_one]), np.append(polygon, county[of_one])
        keep = alike[box]
        return alike, *_ordered(box[keep], polygon[keep])

    def metres_outside(self, number: int, lat: float, lon: float) -> float:
        """Return how far a point lies from a polygon, 0 inside."""
        with self._asking:
            return metres_to(self.polygons[number], lat, lon)

    def _shore_all(self, west: Reals, south: Reals, east: Reals, north: Reals) -> tuple[Flags, Numbers]:
        """Tell of boxes outside of all counties whether one answer fits all of each, and the nearest county that it names or -1."""
        box, county = self._shore.counties_near(west, south, east, north)
        near = np.bincount(box, minlength=len(west))
        alike, named = near == 0, np.full(len(west), -1, dtype=np.int64)
        alone = near[box] == 1
        box, county = box[alone], county[alone]
        lats, lons = (south[box] + north[box]) / 2, (west[box] + east[box]) / 2
        # Half of the diagonal where a degree of longitude is longest.
        reach_m = np.hypot(north[box] - south[box], east[box] - west[box]) / 2 * METRES_PER_DEGREE
        sure = self._shore.surely_near(lats, lons, county, reach_m)
        alike[box[sure]], named[box[sure]] = True, county[sure]
        return alike, named


def metres_to(polygon: shapely.Geometry, lat: float, lon: float) -> float:
    """Return how far a point lies from a polygon, 0 inside; exact to 0.1 % within 50 km."""
    if shapely.intersects_xy(polygon, lon, lat):
        return 0.0
    if abs(lon) > _NEAR_ANTIMERIDIAN:  # what is nearest may lie on its other side
        return min(_metres_to(polygon, lat, turned) for turned in (lon, lon - math.copysign(360, lon)))
    return _metres_to(polygon, lat, lon)


def _metres_to(polygon: shapely.Geometry, lat: float, lon: float) -> float:
    # A degree of longitude is shorter than one of latitude: nearest in degrees is not nearest on the ground.
    narrow = math.cos(math.radians(lat))
    level = shapely.transform(polygon, lambda xy: xy * (narrow, 1.0))
    with np.errstate(all="ignore"):  # an edge of no length has no direction; those beside it are measured
        return float(shapely.distance(level, shapely.Point(lon * narrow, lat))) * METRES_PER_DEGREE


def _surface(shapes: Sequence[shapely.Geometry]) -> shapely.Geometry:
    """Return all shapes as one, without the lines and points that a repair may leave beside the polygons."""
    shape = shapes[0] if len(shapes) == 1 else shapely.union_all(shapes)
    if shape.geom_type != "GeometryCollection":
        return shape
    return shapely.union_all([part for part in shapely.get_parts(shape) if shapely.get_dimensions(part) == 2])


def _ordered(point: Numbers, polygon: Numbers) -> _Pairs:
    order = np.lexsort((polygon, point))
    return point[order], polygon[order]
