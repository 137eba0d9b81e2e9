"""Square cells of a power of two to the degree, and a bounded table of what is known about each.

A power of two makes the cell of a point exact: multiplying a float by it changes no digit, so a point never falls into a
cell whose box does not hold it, and the corners of a box are exact floats too.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["UNKNOWN", "CellTable", "Flags", "Grid", "Numbers", "Reals"]

Numbers = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

UNKNOWN: Final = -1
"""What the table says of a cell it does not hold."""

# Key and value share one 64-bit word, so that a reader in another thread sees both or neither. 37 bits of key hold
# cells of 1/1024 degree; 26 bits of value hold 67 million different sets of areas, more than any map has.
_VALUE_BITS: Final = 26
_VALUE_MASK: Final = (1 << _VALUE_BITS) - 1
_EMPTY: Final = -1
_MIX: Final = np.uint64(0x9E3779B97F4A7C15)  # 2^64 divided by the golden ratio: neighbouring cells scatter over the table


class Grid:
    """Cells of ``1 / per_degree`` degrees on both axes, numbered from the south-west."""

    def __init__(self, per_degree: int) -> None:
        if per_degree < 1 or per_degree & (per_degree - 1) or per_degree > 1024:
            raise ValueError("per_degree is wrong; expected a power of two up to 1024")
        self.per_degree: Final = per_degree
        self._columns = 360 * per_degree + 1  # longitude 180 is a column of its own

    def keys(self, lats: Reals, lons: Reals) -> Numbers:
        """Return the number of each point's cell; the points are on earth (latitude within 90, longitude within 180)."""
        rows = np.floor(lats * self.per_degree).astype(np.int64)
        rows += 90 * self.per_degree
        rows *= self._columns
        rows += np.floor(lons * self.per_degree).astype(np.int64)
        rows += 180 * self.per_degree
        return rows

    def touched(self, west: Reals, south: Reals, east: Reals, north: Reals) -> Iterator[Numbers]:
        """Yield the numbers of all cells that the boxes touch, in several pieces and with repetitions."""
        first_row, last_row = self._rows(south), self._rows(north)
        first_column, last_column = self._columns_of(west), self._columns_of(east)
        first = first_row * self._columns + first_column
        yield first
        # Most boxes lie in one cell: only those that reach on are looked at again.
        wider = np.flatnonzero((last_row > first_row) | (last_column > first_column))
        first = first[wider]
        rows, columns = (last_row - first_row)[wider], (last_column - first_column)[wider]
        for up in range(int(rows.max(initial=0)) + 1):
            for right in range(int(columns.max(initial=0)) + 1):
                held = (up <= rows) & (right <= columns)
                yield first[held] + (up * self._columns + right)

    def _rows(self, lats: Reals) -> Numbers:
        return np.floor(np.clip(lats, -90, 90) * self.per_degree).astype(np.int64) + 90 * self.per_degree

    def _columns_of(self, lons: Reals) -> Numbers:
        return np.floor(np.clip(lons, -180, 180) * self.per_degree).astype(np.int64) + 180 * self.per_degree

    def boxes(self, keys: Numbers) -> tuple[Reals, Reals, Reals, Reals]:
        """Return west, south, east and north of each cell in degrees."""
        rows, columns = np.divmod(keys, self._columns)
        south = (rows - 90 * self.per_degree) / self.per_degree
        west = (columns - 180 * self.per_degree) / self.per_degree
        size = 1 / self.per_degree
        return west, south, west + size, south + size


class CellTable:
    """A bounded memory of one number to a cell: a later cell takes the place of an earlier one in its slot.

    It may be read and written by several threads: every slot is one word, and any value it holds is right.
    """

    def __init__(self, bits: int = 18) -> None:
        self._entries: Numbers = np.full(1 << bits, _EMPTY, dtype=np.int64)
        self._shift = np.uint64(64 - bits)

    def __len__(self) -> int:
        return int(np.count_nonzero(self._entries != _EMPTY))

    @property
    def size_bytes(self) -> int:
        """Return the memory it takes, full or empty."""
        return int(self._entries.nbytes)

    def values(self, keys: Numbers) -> Numbers:
        """Return what is known of each cell, ``UNKNOWN`` where nothing is."""
        entries = self._entries[self._slots(keys)]
        known = (entries >> _VALUE_BITS) == keys
        entries &= _VALUE_MASK
        entries[~known] = UNKNOWN
        return entries

    def learn(self, keys: Numbers, values: Numbers) -> None:
        """Remember a value of each cell."""
        self._entries[self._slots(keys)] = (keys << _VALUE_BITS) | values

    def _slots(self, keys: Numbers) -> Numbers:
        return ((keys.view(np.uint64) * _MIX) >> self._shift).view(np.int64)
