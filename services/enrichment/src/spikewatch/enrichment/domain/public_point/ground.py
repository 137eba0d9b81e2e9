"""Where a public point may lie: on the land of one county, out of water."""

import math
from typing import Final

import numpy as np
import shapely

from spikewatch.enrichment.domain.areas.place import METRES_PER_DEGREE

__all__ = ["Ground"]

# Places by which the land of a ring is estimated, to some 4 %: a spiral by the golden angle is even over area at any number.
_PLACES: Final = 128
_PART: Final = (np.arange(_PLACES) + 0.5) / _PLACES
_ANGLE: Final = np.arange(_PLACES) * math.pi * (3 - math.sqrt(5))


class Ground:
    """The land of a county. A public point of an incident in it never lies outside."""

    def __init__(self, county: str, land: shapely.Geometry, water: shapely.Geometry | None = None) -> None:
        """Take a county's id (``county:42091``), its polygon and, where known, polygons of lakes and rivers in it.

        Raises:
            ValueError: the water covers all of the land.
        """
        self.county = county
        self._land = land if water is None else shapely.difference(land, water)
        if shapely.is_empty(self._land):
            raise ValueError("land is wrong; expected a county's polygon that water does not cover wholly")
        shapely.prepare(self._land)
        # Builds what a prepared polygon builds when it is first asked: two threads that do so at once end the process.
        shapely.contains_xy(self._land, 0.0, 0.0)

    def holds(self, lat: float, lon: float) -> bool:
        """Return whether the place is inside the land, not on its border."""
        return bool(shapely.contains_xy(self._land, lon, lat))

    def share(self, lat: float, lon: float, inner_m: float, outer_m: float) -> float:
        """Return which part of the ring between two distances of a place is land of the county."""
        metres = np.sqrt(inner_m**2 + _PART * (outer_m**2 - inner_m**2))
        lats = lat + metres * np.sin(_ANGLE) / METRES_PER_DEGREE
        lons = lon + metres * np.cos(_ANGLE) / METRES_PER_DEGREE / math.cos(math.radians(lat))
        return float(np.mean(shapely.contains_xy(self._land, lons, lats)))
