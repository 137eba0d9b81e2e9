"""Geography in memory: exact answers from prepared polygons, remembered for cells that no border crosses.

The invariant: what is remembered never differs from what the polygons say (a test compares them, borders included).
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import shapely

from spikewatch.contracts.contract import area_kind
from spikewatch.enrichment.domain.areas.borders import BorderCells
from spikewatch.enrichment.domain.areas.grid import UNKNOWN, CellTable, Grid, Numbers, Reals
from spikewatch.enrichment.domain.areas.outlines import Outlines
from spikewatch.enrichment.domain.areas.place import Centroid, Place, centroids

__all__ = ["Atlas"]

# Cells to the degree, and bits of the table: 7 km cells answer the open country in a few entries, 900 m and 110 m ones the
# ground between the borders of a city. 2 MB, 4 MB and 8 MB of memory, whatever the traffic.
_COARSE: Final = ((16, 18), (128, 19))
_FINE: Final = (1024, 20)
_CROSSED: Final = 0  # a border crosses the cell: ask the next finer one, at last the polygons
_NOWHERE: Final = 1


class Atlas:
    """Areas of points and middles of areas. Its answers never change after it is built, so all threads may share it."""

    def __init__(self, places: Iterable[Place]) -> None:
        every = list(places)
        outlined = [place for place in every if shapely.get_dimensions(place.geometry) == 2]
        self._outlines = Outlines(outlined)
        self._index = {area: number for number, area in enumerate(self._outlines.areas)}
        self._centroids = centroids([place for place in every if shapely.get_dimensions(place.geometry) < 2])
        merged = [Place(area, area, self._outlines.polygons[number], None) for area, number in self._index.items()]
        stated = {place.area: place.radius_m for place in outlined if place.radius_m is not None}
        # A polygon knows its middle and size better than a point does.
        self._centroids |= centroids([Place(one.area, one.name, one.geometry, stated.get(one.area)) for one in merged])
        self._levels = [_Level(Grid(per_degree), bits, self._outlines) for per_degree, bits in _COARSE]
        self._levels.append(_Level(Grid(_FINE[0]), _FINE[1], None))
        self._sets = _AreaSets(self._outlines.areas)

    def __len__(self) -> int:
        return len(self._centroids)

    def has_kind(self, kind: str) -> bool:
        """Return whether any area of this kind is known."""
        return any(area_kind(area) == kind for area in self._centroids)

    def areas_at(self, lats: Sequence[float] | Reals, lons: Sequence[float] | Reals) -> list[tuple[str, ...]]:
        """Return for each point the ids of all areas that hold it, sorted; none for what is no place on earth.

        Of areas of one kind a point on their borders counts in one, the least id; a point that no county holds counts in the
        nearest one within ``SHORE_M`` metres.
        """
        y, x = np.asarray(lats, dtype=np.float64), np.asarray(lons, dtype=np.float64)
        return self._answered(y, x, self._remembered)

    def areas_at_uncached(self, lats: Sequence[float] | Reals, lons: Sequence[float] | Reals) -> list[tuple[str, ...]]:
        """Return the same as ``areas_at`` from the polygons alone; for tests and measurements."""
        y, x = np.asarray(lats, dtype=np.float64), np.asarray(lons, dtype=np.float64)
        return self._answered(y, x, self._asked)

    def centroid(self, area: str) -> Centroid | None:
        """Return the middle of an area; None when the area is not known."""
        return self._centroids.get(area)

    def metres_outside(self, area: str, lat: float, lon: float) -> float | None:
        """Return how far a point lies from an area's polygon, 0 inside; None when no polygon is known."""
        number = self._index.get(area)
        return None if number is None else self._outlines.metres_outside(number, lat, lon)

    def outline(self, area: str) -> shapely.Geometry | None:
        """Return an area's polygon in WGS 84 degrees, longitude first; None when it has none."""
        number = self._index.get(area)
        return None if number is None else self._outlines.polygons[number]

    def outlines(self, kind: str) -> list[shapely.Geometry]:
        """Return the polygons of all areas of a kind."""
        return [self._outlines.polygons[number] for area, number in self._index.items() if area_kind(area) == kind]

    def _answered(self, y: Reals, x: Reals, numbers_of: Callable[[Reals, Reals], Numbers]) -> list[tuple[str, ...]]:
        on_earth = (np.abs(y) <= 90) & (np.abs(x) <= 180)  # false for what is no number as well
        if on_earth.all():
            return self._sets.taken(numbers_of(y, x))
        numbers = np.full(len(y), _NOWHERE, dtype=np.int64)
        numbers[on_earth] = numbers_of(y[on_earth], x[on_earth])
        return self._sets.taken(numbers)

    def _remembered(self, y: Reals, x: Reals) -> Numbers:
        numbers = np.empty(len(y), dtype=np.int64)
        open_points: Numbers | None = None  # None: all of them, which spares a copy
        for level in self._levels:
            keys = level.grid.keys(y, x)
            known = level.table.values(keys)
            missing = np.flatnonzero(known == UNKNOWN)
            if len(missing):
                known[missing] = self._learned(level, keys[missing], y[missing], x[missing])
            crossed = np.flatnonzero(known == _CROSSED)
            if open_points is None:
                numbers = known
                open_points = crossed
            else:
                numbers[open_points] = known
                open_points = open_points[crossed]
            if not len(crossed):
                return numbers
            y, x = y[crossed], x[crossed]
        if open_points is not None:
            numbers[open_points] = self._asked(y, x)
        return numbers

    def _learned(self, level: "_Level", keys: Numbers, y: Reals, x: Reals) -> Numbers:
        cells, sample, of_point = np.unique(keys, return_index=True, return_inverse=True)
        if level.borders is None:
            alike, cell, polygon = self._outlines.holding_all(*level.grid.boxes(cells))
            values = self._sets.numbers(len(cells), cell, polygon)
            values[~alike] = _CROSSED
        else:
            values = np.full(len(cells), _CROSSED, dtype=np.int64)
            whole = np.flatnonzero(~level.borders.has(cells))
            lats, lons = y[sample[whole]], x[sample[whole]]
            pairs = self._outlines.holding(lats, lons)
            found = self._sets.numbers(len(whole), *pairs)
            found[self._outlines.may_differ_in_cell(lats, lons, *pairs)] = _CROSSED
            values[whole] = found
        level.table.learn(cells, values)
        return values[of_point]

    def _asked(self, y: Reals, x: Reals) -> Numbers:
        return self._sets.numbers(len(y), *self._outlines.holding(y, x))


class _Level:
    """One size of cells: what is known of them, and which a border may cross; without the latter each cell is asked whole."""

    def __init__(self, grid: Grid, bits: int, outlines: Outlines | None) -> None:
        self.grid: Final = grid
        self.table: Final = CellTable(bits)
        self.borders: Final = None if outlines is None else BorderCells(grid, outlines.polygons)


class _AreaSets:
    """A number for every set of areas that occurs, and the tuple of ids behind it, made once and shared by all answers."""

    def __init__(self, areas: Sequence[str]) -> None:
        self._areas = areas
        self._numbers: dict[tuple[int, ...], int] = {(): _NOWHERE}
        self._tuples: list[tuple[str, ...]] = [(), ()]  # of a crossed cell, never given out; of nowhere
        self._table = _table(self._tuples)
        # Sets of one polygon have fixed numbers, found without a look-up: most points of most maps.
        for index, area in enumerate(areas):
            self._numbers[(index,)] = 2 + index
            self._tuples.append((area,))
        self._table = _table(self._tuples)
        self._lock = threading.Lock()

    def taken(self, numbers: Numbers) -> list[tuple[str, ...]]:
        """Return the ids behind the numbers."""
        found: list[tuple[str, ...]] = self._table[numbers].tolist()
        return found

    def numbers(self, count: int, item: Numbers, polygon: Numbers) -> Numbers:
        """Return the number of each item's set of polygons; the pairs are ordered by item, then polygon."""
        numbers = np.full(count, _NOWHERE, dtype=np.int64)
        held = np.bincount(item, minlength=count)
        single = held[item] == 1
        numbers[item[single]] = 2 + polygon[single]
        several = np.flatnonzero(held > 1)
        if len(several):
            members = polygon.tolist()
            ends = np.cumsum(held)
            starts = (ends - held)[several].tolist()
            keys = [tuple(members[start:end]) for start, end in zip(starts, ends[several].tolist(), strict=True)]
            known = self._numbers
            numbers[several] = [known[key] if key in known else self._added(key) for key in keys]
        return numbers

    def _added(self, key: tuple[int, ...]) -> int:
        with self._lock:
            number = self._numbers.get(key)
            if number is None:
                number = len(self._tuples)
                self._tuples.append(tuple(self._areas[index] for index in key))
                if number >= len(self._table):
                    self._table = _table(self._tuples, room=2 * number)
                else:
                    self._table[number] = self._tuples[number]
                self._numbers[key] = number  # last: who finds the number finds the ids behind it
            return number


def _table(tuples: Sequence[tuple[str, ...]], room: int = 0) -> npt.NDArray[np.object_]:
    table = np.empty(max(len(tuples), room), dtype=object)
    for index, ids in enumerate(tuples):
        table[index] = ids
    return table
