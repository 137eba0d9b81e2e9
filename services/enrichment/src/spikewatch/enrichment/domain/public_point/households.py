"""How many households live around a place: counted from points where an operator has them, else from a county's population.

Everything is WGS 84 degrees and metres. Nothing here is secret: an attacker is assumed to know all of it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from spikewatch.enrichment.domain.areas.grid import Reals
from spikewatch.enrichment.domain.areas.place import METRES_PER_DEGREE

__all__ = ["CountyDensity", "HouseholdPoints", "Households"]

# The edge of the square over which a density is taken: about 3.5 km. Smaller squares make the radii jump from one to the
# next, larger ones take the town's density for the farms around it.
_SQUARE_DEGREES: Final = 1 / 32
_PEOPLE_A_HOUSEHOLD: Final = 2.5  # United States, 2020 census: 2.53
# Most of a county's land is emptier than its mean. Together with the tripled area of the mask a third of the mean hides 95 of
# 100 places of the tests' county, two towns and farms, among their number of households; with points no such guess is made.
_CAUTION: Final = 1 / 3


class Households(Protocol):
    """Knows how many households are where."""

    def per_km2(self, lat: float, lon: float) -> float:
        """Return households to the square kilometre around a place; the same for all places of one square."""
        ...

    def densities_within(self, lat: float, lon: float, inner_m: float, outer_m: float) -> Reals | None:
        """Return ``per_km2`` of each household between two distances of a place; None when they are not known one by one."""
        ...


@dataclass(frozen=True, slots=True)
class CountyDensity:
    """One density for a whole county, made cautious, for operators who have no points."""

    population: int
    land_km2: float

    def per_km2(self, lat: float, lon: float) -> float:
        """Return a third of the county's mean, wherever the place is."""
        del lat, lon
        return _CAUTION * self.population / _PEOPLE_A_HOUSEHOLD / self.land_km2

    def densities_within(self, lat: float, lon: float, inner_m: float, outer_m: float) -> Reals | None:
        """Return None: where households are is not known."""
        del lat, lon, inner_m, outer_m
        return None


class HouseholdPoints:
    """Points of households, or of addresses that stand for them, of one county. Immutable."""

    def __init__(self, lats: Sequence[float] | Reals, lons: Sequence[float] | Reals) -> None:
        y, x = np.asarray(lats, dtype=np.float64), np.asarray(lons, dtype=np.float64)
        order = np.argsort(y, kind="stable")
        self._lats, self._lons = y[order], x[order]
        squares = np.stack([np.floor(self._lats / _SQUARE_DEGREES), np.floor(self._lons / _SQUARE_DEGREES)], axis=1)
        met, of_point, counts = np.unique(squares, axis=0, return_inverse=True, return_counts=True)
        densities = [count / _square_km2(int(row)) for (row, _), count in zip(met.tolist(), counts.tolist(), strict=True)]
        self._per_km2: dict[tuple[int, int], float] = {
            (int(row), int(column)): value for (row, column), value in zip(met.tolist(), densities, strict=True)
        }
        self._densities: Reals = np.array(densities, dtype=np.float64)[of_point.reshape(-1)]

    def __len__(self) -> int:
        return len(self._lats)

    def per_km2(self, lat: float, lon: float) -> float:
        """Return the density of the square that holds the place; a square without a household has that of one household."""
        row, column = math.floor(lat / _SQUARE_DEGREES), math.floor(lon / _SQUARE_DEGREES)
        return self._per_km2.get((row, column), 1 / _square_km2(row))

    def densities_within(self, lat: float, lon: float, inner_m: float, outer_m: float) -> Reals | None:
        """Return the density around each household between two distances of a place."""
        reach = outer_m / METRES_PER_DEGREE
        first, last = np.searchsorted(self._lats, [lat - reach, lat + reach])
        north = self._lats[first:last] - lat
        east = (self._lons[first:last] - lon) * math.cos(math.radians(lat))
        metres = np.hypot(north, east) * METRES_PER_DEGREE
        found: Reals = self._densities[first:last][(metres >= inner_m) & (metres <= outer_m)]
        return found


def _square_km2(row: int) -> float:
    side_km = _SQUARE_DEGREES * METRES_PER_DEGREE / 1_000
    return side_km * side_km * math.cos(math.radians((row + 0.5) * _SQUARE_DEGREES))
