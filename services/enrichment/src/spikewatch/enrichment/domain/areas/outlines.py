"""Which polygons hold a point or a whole cell, by geometry alone.

The rule of borders stands here. Of one kind (county, district…) a point counts in every area that holds it inside; where it
lies on borders only, in the one with the least id. So a point between two counties counts once, and always in the same one.
"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import shapely

from spikewatch.contracts.contract import area_kind
from spikewatch.enrichment.domain.areas.borders import BorderCells, widened
from spikewatch.enrichment.domain.areas.grid import Grid, Numbers, Reals
from spikewatch.enrichment.domain.areas.place import METRES_PER_DEGREE, Place

__all__ = ["SHORE_KINDS", "SHORE_M", "Outlines"]

SHORE_M: Final = 500.0
"""How far from a county a point that no county holds is still taken for that county's: generalised coast lines cut off
piers, moles and river banks by this much at 1:500,000; a larger reach would draw in boats and the other bank."""

SHORE_KINDS: Final = frozenset({"county"})
"""Counties cover the land without gaps, so the nearest one is meant. A neighbourhood or district may well end there."""

# Coarse: it only spares the open sea and other countries a search, and 500 m widens its cells by little.
_SHORE_GRID: Final = Grid(16)

_Flags = npt.NDArray[np.bool_]
_Pairs = tuple[Numbers, Numbers]


class Outlines:
    """The polygons of a geography in the order of their ids, prepared, with a search tree. Immutable."""

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
        on_shore = [index for index, area in enumerate(self.areas) if area_kind(area) in SHORE_KINDS]
        self._is_shore: _Flags = np.zeros(len(self.areas), dtype=bool)
        self._is_shore[on_shore] = True
        self._has_shore = bool(on_shore)
        self._shore = BorderCells(_SHORE_GRID, self.polygons[on_shore], reach_m=SHORE_M)

    def holding(self, lats: Reals, lons: Reals) -> _Pairs:
        """Return pairs (point, polygon) by the rule of borders, ordered by point, then by area id."""
        # The tree alone compares bounding boxes; the prepared polygon then decides, several times faster than
        # asking the tree for the predicate, which prepares the point instead.
        point, polygon = self._tree.query(shapely.points(lons, lats))
        touches = shapely.intersects_xy(self.polygons[polygon], lons[point], lats[point])
        point, polygon = _ordered(point[touches], polygon[touches])
        keep = self._once_on_borders(point, polygon, lats, lons)
        point, polygon = point[keep], polygon[keep]
        return self._with_nearest_shore(point, polygon, lats, lons) if self._has_shore else (point, polygon)

    def _once_on_borders(self, point: Numbers, polygon: Numbers, lats: Reals, lons: Reals) -> _Flags:
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
        placed[point[self._is_shore[polygon]]] = True
        loose = np.flatnonzero(~placed)
        if not len(loose):
            return point, polygon
        loose = loose[self._shore.has(_SHORE_GRID.keys(lats[loose], lons[loose]))]
        wide = shapely.box(*widened(lons[loose], lats[loose], lons[loose], lats[loose], SHORE_M))
        near, candidate = self._tree.query(wide)
        is_county = self._is_shore[candidate]
        near, candidate = near[is_county], candidate[is_county]
        touched = shapely.intersects(self.polygons[candidate], wide[near])
        near, candidate = near[touched], candidate[touched]
        best: dict[int, tuple[float, int]] = {}
        for index, shape in zip(loose[near].tolist(), candidate.tolist(), strict=True):
            metres = metres_to(self.polygons[shape], float(lats[index]), float(lons[index]), within_m=SHORE_M)
            if metres <= SHORE_M:
                best[index] = min(best.get(index, (math.inf, shape)), (metres, shape))
        if not best:
            return point, polygon
        nearest = np.array([shape for _, shape in best.values()], dtype=np.int64)
        return _ordered(np.append(point, np.array(list(best), dtype=np.int64)), np.append(polygon, nearest))

    def may_differ_in_cell(self, lats: Reals, lons: Reals, item: Numbers, polygon: Numbers) -> _Flags:
        """Return for each point, given its pairs, whether the shore makes others of its cell differ, though no border crosses it.

        So it is where no county holds the point inside (the pairs may name the nearest one) and one may be near the cell.
        """
        doubtful = np.zeros(len(lats), dtype=bool)
        if self._has_shore:
            doubtful[:] = self._shore.has(_SHORE_GRID.keys(lats, lons))
            of_county = self._is_shore[polygon] & doubtful[item]
            item, polygon = item[of_county], polygon[of_county]
            doubtful[item[shapely.intersects_xy(self.polygons[polygon], lons[item], lats[item])]] = False
        return doubtful

    def holding_all(self, west: Reals, south: Reals, east: Reals, north: Reals) -> tuple[_Flags, Numbers, Numbers]:
        """Tell of boxes which are crossed by no border and by no shore, and which polygons hold those wholly.

        Returns:
            a flag for each box: every point in it has the same areas; and pairs (box, polygon) of those boxes, ordered.
        """
        shapes = shapely.box(west, south, east, north)
        box, polygon = self._tree.query(shapes)
        whole = shapely.contains_properly(self.polygons[polygon], shapes[box])
        rest_box, rest_polygon = box[~whole], polygon[~whole]
        crossed = shapely.intersects(self.polygons[rest_polygon], shapes[rest_box])
        alike = np.ones(len(west), dtype=bool)
        alike[rest_box[crossed]] = False
        box, polygon = box[whole], polygon[whole]
        if self._has_shore:
            placed = np.zeros(len(west), dtype=bool)
            placed[box[self._is_shore[polygon]]] = True
            loose = np.flatnonzero(~placed & alike)
            wide = shapely.box(*widened(west[loose], south[loose], east[loose], north[loose], SHORE_M))
            near, candidate = self._tree.query(wide)
            is_county = self._is_shore[candidate]
            near, candidate = near[is_county], candidate[is_county]
            alike[loose[near[shapely.intersects(self.polygons[candidate], wide[near])]]] = False
        keep = alike[box]
        box, polygon = _ordered(box[keep], polygon[keep])
        return alike, box, polygon


def metres_to(polygon: shapely.Geometry, lat: float, lon: float, *, within_m: float | None = None) -> float:
    """Return how far a point lies from a polygon, 0 inside; exact to 0.1 % within 50 km.

    With ``within_m`` only what lies that near is looked at; infinity when nothing does.
    """
    if shapely.intersects_xy(polygon, lon, lat):
        return 0.0
    if within_m is not None:
        x, y = np.array([lon]), np.array([lat])
        (west,), (south,), (east,), (north,) = widened(x, y, x, y, within_m)
        polygon = shapely.clip_by_rect(polygon, west, south, east, north)
        if shapely.is_empty(polygon):
            return math.inf
    # A degree of longitude is shorter than one of latitude: nearest in degrees is not nearest on the ground.
    narrow = math.cos(math.radians(lat))
    level = shapely.transform(polygon, lambda xy: xy * (narrow, 1.0))
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
