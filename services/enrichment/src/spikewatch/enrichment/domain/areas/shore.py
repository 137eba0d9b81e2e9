"""The nearest county of a point that none holds: coast lines are drawn roughly, piers and moles stick out of them.

Whether it is near is a function of the point alone, so that remembered and fresh answers agree.
"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import shapely

from spikewatch.contracts.contract import area_kind
from spikewatch.enrichment.domain.areas.borders import BorderCells, Polygons, edges, widened
from spikewatch.enrichment.domain.areas.grid import Flags, Grid, Numbers, Reals
from spikewatch.enrichment.domain.areas.place import METRES_PER_DEGREE

__all__ = ["SHORE_KINDS", "SHORE_M", "Shore"]

SHORE_M: Final = 500.0
"""How far from a county a point that no county holds is still taken for that county's: generalised coast lines cut off
piers, moles and river banks by this much at 1:500,000; a larger reach would draw in boats and the other bank."""

SHORE_KINDS: Final = frozenset({"county"})
"""Counties cover the land without gaps, so the nearest one is meant. A neighbourhood or district may well end there."""

# Coarse: 500 m widens its cells by little, and over 7 km the length of a degree of longitude is one number.
_GRID: Final = Grid(16)
_NO_LENGTH_DEGREES: Final = 1e-12  # a tenth of a micrometre
_MOST_STRETCHES: Final = 4_096  # stretches of coast kept ready: a long coast in use at once, and some megabytes


class Shore:
    """The counties of a map and what lies just outside of them."""

    def __init__(self, areas: Sequence[str], polygons: Polygons, tree: shapely.STRtree) -> None:
        self._polygons = polygons
        self._tree = tree
        self.is_county: Final = np.array([area_kind(area) in SHORE_KINDS for area in areas], dtype=bool)
        self._cells = BorderCells(
            _GRID, [polygon for polygon, is_county in zip(polygons, self.is_county, strict=True) if is_county], reach_m=SHORE_M
        )
        self._stretches: dict[tuple[int, int], shapely.Geometry] = {}

    def may_be_near(self, lats: Reals, lons: Reals) -> Flags:
        """Return whether the shore may reach into the 7 km cell of each point; false for open sea and for open land."""
        return self._cells.has(_GRID.keys(lats, lons))

    def nearest(self, lats: Reals, lons: Reals) -> Numbers:
        """Return for each point outside of all counties the nearest one within ``SHORE_M`` metres, else -1."""
        found = np.full(len(lats), -1, dtype=np.int64)
        maybe = np.flatnonzero(self.may_be_near(lats, lons))
        if not len(maybe):
            return found
        y, x = lats[maybe], lons[maybe]
        point, county = self.counties_near(x, y, x, y)
        metres = self._metres(y[point], x[point], county)
        near = metres <= SHORE_M
        # Of equally near ones the least id: the last written is the first in this order, reversed.
        order = np.lexsort((county[near], metres[near], point[near]))[::-1]
        found[maybe[point[near][order]]] = county[near][order]
        return found

    def counties_near(self, west: Reals, south: Reals, east: Reals, north: Reals) -> tuple[Numbers, Numbers]:
        """Return pairs (box, county): every county within ``SHORE_M`` metres of the box, and some a little farther."""
        boxes = shapely.box(*widened(west, south, east, north, SHORE_M))
        box, polygon = self._tree.query(boxes)
        is_county = self.is_county[polygon]
        box, polygon = box[is_county], polygon[is_county]
        touched = shapely.intersects(self._polygons[polygon], boxes[box])
        return box[touched], polygon[touched]

    def surely_near(self, lats: Reals, lons: Reals, county: Numbers, metres: Reals) -> Flags:
        """Return whether everything within so many metres of each point lies within ``SHORE_M`` metres of its county."""
        near: Flags = self._metres(lats, lons, county) + metres * 1.01 < SHORE_M
        return near

    def _metres(self, lats: Reals, lons: Reals, county: Numbers) -> Reals:
        """Return how far each point outside of it is from its county, infinity when more than about ``SHORE_M`` metres."""
        metres = np.full(len(lats), math.inf)
        cells = _GRID.keys(lats, lons)
        order = np.lexsort((cells, county))
        changes = np.flatnonzero((np.diff(county[order]) != 0) | (np.diff(cells[order]) != 0)) + 1
        for group in np.split(order, changes):
            if len(group):
                number, cell = int(county[group[0]]), int(cells[group[0]])
                narrow = _narrow(cell)
                points = shapely.points(lons[group] * narrow, lats[group])
                away = shapely.distance(self._stretch(number, cell), points)
                metres[group] = np.where(np.isnan(away), math.inf, away * METRES_PER_DEGREE)
        return metres

    def _stretch(self, county: int, cell: int) -> shapely.Geometry:
        """Return the border of the county in and around a cell, its degrees of longitude as short as those of latitude."""
        known = self._stretches.get((county, cell))
        if known is None:
            (west,), (south,), (east,), (north,) = widened(*_GRID.boxes(np.array([cell])), SHORE_M)
            begin, end = edges([self._polygons[county]])
            low, high = np.minimum(begin, end), np.maximum(begin, end)
            touched = (low <= (east, north)).all(axis=1) & (high >= (west, south)).all(axis=1)
            # Clipping fails on needle-thin polygons, and edges of no length have no direction to measure from; their ends are
            # those of the edges beside them.
            touched &= (high - low).max(axis=1) > _NO_LENGTH_DEGREES
            lines = np.stack([begin[touched], end[touched]], axis=1) * (_narrow(cell), 1.0)
            known = shapely.multilinestrings(shapely.linestrings(lines))
            if len(self._stretches) >= _MOST_STRETCHES:
                self._stretches.clear()
            self._stretches[(county, cell)] = known
        return known


def _narrow(cell: int) -> float:
    _, (south,), _, (north,) = _GRID.boxes(np.array([cell]))
    return math.cos(math.radians((south + north) / 2))
