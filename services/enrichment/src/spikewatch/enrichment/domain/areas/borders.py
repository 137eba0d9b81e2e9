"""Which cells a border may cross: drawn once from the edges of the polygons, so that all other cells need one question only.

Where no border crosses a cell, whatever holds one point of it holds all of it. The drawing errs to one side: a cell may be
marked without need and costs a look at the polygons; a crossed cell is never left unmarked.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import shapely

from spikewatch.enrichment.domain.areas.grid import Flags, Grid, Numbers, Reals
from spikewatch.enrichment.domain.areas.place import METRES_PER_DEGREE

__all__ = ["BorderCells", "Polygons", "edges", "widened"]

Polygons = Sequence[shapely.Geometry] | npt.NDArray[np.object_]

# Interpolated pieces of an edge and the predicates of the geometry library round differently by some 1e-14 degrees.
_ROUNDING_DEGREES: Final = 1e-9
_MIX: Final = np.uint64(0xD6E8FEB86659FD93)  # odd, with well scattered bits
_LARGEST_BITS: Final = 26  # 8 MB: enough for the borders of every US county in 900 m cells at 2 % of needless marks
_PIECES_AT_ONCE: Final = 500_000  # bounds the memory while drawing


class BorderCells:
    """The cells of a grid that an edge of a polygon, or what lies within ``reach_m`` metres of it, may touch."""

    def __init__(self, grid: Grid, polygons: Polygons, *, reach_m: float = 0.0) -> None:
        begin, end = edges(polygons)
        # Pieces of at most half a cell lie in at most two by two cells, whatever the slope of the edge.
        pieces = np.maximum(1, np.ceil(2 * grid.per_degree * np.abs(end - begin).max(axis=1, initial=0))).astype(np.int64)
        # Several pieces share a cell on most maps: eight bits to a piece leave few cells marked without need.
        around = math.ceil(1 + 2 * reach_m * grid.per_degree / METRES_PER_DEGREE) ** 2
        bits = min(max(10, int(8 * around * pieces.sum()).bit_length()), _LARGEST_BITS)
        self._shift = np.uint64(64 - bits)
        flags = np.zeros(1 << bits, dtype=bool)
        for west, south, east, north in _boxes_of_pieces(begin, end, pieces):
            reached = widened(west, south, east, north, reach_m) if reach_m else (west, south, east, north)
            for keys in grid.touched(*reached):
                flags[self._slots(keys)] = True
        self._bits = np.packbits(flags)

    def has(self, keys: Numbers) -> Flags:
        """Return for each cell whether a border may touch it."""
        slots = self._slots(keys)
        marked: Flags = ((self._bits[slots >> 3] >> (7 - (slots & 7)).astype(np.uint8)) & 1).astype(bool)
        return marked

    def _slots(self, keys: Numbers) -> Numbers:
        return ((keys.view(np.uint64) * _MIX) >> self._shift).view(np.int64)


def widened(west: Reals, south: Reals, east: Reals, north: Reals, metres: float) -> tuple[Reals, Reals, Reals, Reals]:
    """Widen boxes by at least so many metres on each side."""
    high = metres * 1.01 / METRES_PER_DEGREE
    farthest = np.minimum(np.maximum(np.abs(south), np.abs(north)) + high, 89.0)  # at a pole every longitude is near
    wide = high / np.cos(np.radians(farthest))
    return west - wide, south - high, east + wide, north + high


def edges(polygons: Polygons) -> tuple[Reals, Reals]:
    """Return begin and end of every edge of all rings, longitude first."""
    rings = shapely.get_rings(shapely.get_parts(np.array(polygons, dtype=object)))
    points, ring = shapely.get_coordinates(rings, return_index=True)
    follows = ring[1:] == ring[:-1]
    return points[:-1][follows], points[1:][follows]


def _boxes_of_pieces(begin: Reals, end: Reals, pieces: Numbers) -> Iterator[tuple[Reals, Reals, Reals, Reals]]:
    last = np.cumsum(pieces)
    start = 0
    while start < len(begin):
        done = int(last[start - 1]) if start else 0
        stop = max(start + 1, int(np.searchsorted(last, done + _PIECES_AT_ONCE, side="right")))
        count = pieces[start:stop]
        edge = np.repeat(np.arange(start, stop), count)
        number = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)
        ends = []
        for axis in (0, 1):
            step = ((end[start:stop, axis] - begin[start:stop, axis]) / count)[edge - start]
            one = begin[edge, axis] + step * number
            other = one + step
            ends.append((np.minimum(one, other) - _ROUNDING_DEGREES, np.maximum(one, other) + _ROUNDING_DEGREES))
        (west, east), (south, north) = ends
        yield west, south, east, north
        start = stop
