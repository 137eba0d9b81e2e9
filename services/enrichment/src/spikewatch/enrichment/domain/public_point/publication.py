"""The public point of an incident: which county's land it stays on, and who lives there."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final, Protocol

import numpy as np
import shapely

from spikewatch.contracts.contract import area_kind
from spikewatch.contracts.incident import PublicPosition
from spikewatch.contracts.report import Position
from spikewatch.enrichment.domain.areas.place import METRES_PER_DEGREE
from spikewatch.enrichment.domain.locate import EXACT, WATER
from spikewatch.enrichment.domain.public_point.ground import Ground
from spikewatch.enrichment.domain.public_point.households import CountyDensity, HouseholdPoints, Households
from spikewatch.enrichment.domain.public_point.mask import PUBLIC, Tier, public_point

__all__ = ["Census", "Outlined", "PublicPositions"]

_COUNTIES_AT_ONCE: Final = 256
Census = Mapping[str, int | HouseholdPoints]
"""By FIPS code of a county its population, or the points of its households."""


class Outlined(Protocol):
    """Knows the polygons of areas."""

    def outline(self, area: str) -> shapely.Geometry | None:
        """Return an area's polygon in WGS 84 degrees, longitude first; None when it has none."""
        ...

    def outlines(self, kind: str) -> Sequence[shapely.Geometry]:
        """Return the polygons of all areas of a kind."""
        ...


class PublicPositions:
    """Displaces positions by place; equal positions in one county give equal public ones, whatever the incident.

    Args:
        outlines: polygons of the counties, and of areas of the kind ``water``, where no point is shown.
        census: who lives there; a county that is not in it gets no public points.
        key: the secret of the displacement, at least 16 bytes.
        tier: how hidden.
    """

    def __init__(self, outlines: Outlined, census: Census, *, key: bytes, tier: Tier = PUBLIC) -> None:
        self._outlines = outlines
        self._census = census
        self._water = shapely.STRtree(outlines.outlines(WATER))
        self._key = key
        self._tier = tier
        self._county = lru_cache(maxsize=_COUNTIES_AT_ONCE)(self._known)

    def of(self, position: Position | None, areas: Sequence[str]) -> PublicPosition | None:
        """Return where an incident may be shown; None when its place is no exact one, too lonely, or of its county too little is known.

        That these look alike is meant: a sign of its own for lonely places would name the few households there are of them.
        """
        if position is None or position.precision not in EXACT:
            return None
        county = next((area for area in areas if area_kind(area) == "county"), None)
        known = None if county is None else self._county(county)
        if known is None:
            return None
        ground, households = known
        point = public_point(position.lat, position.lon, key=self._key, ground=ground, households=households, tier=self._tier)
        return None if point is None else PublicPosition(lat=point.lat, lon=point.lon, radius_m=point.radius_m, tier=point.tier)

    def _known(self, county: str) -> tuple[Ground, Households] | None:
        land, told = self._outlines.outline(county), self._census.get(county.partition(":")[2])
        if land is None or told is None:
            return None
        within = self._water.query(land, predicate="intersects")
        water = shapely.union_all(self._water.geometries[within]) if len(within) else None
        try:
            ground = Ground(county, land, water)
        except ValueError:  # the operator's water covers the whole county: nowhere to show anything
            return None
        return ground, told if isinstance(told, HouseholdPoints) else CountyDensity(told, _km2(land))


def _km2(land: shapely.Geometry) -> float:
    """Return the area by Lambert's cylindrical projection, which keeps areas: the sine of the latitude stands for the latitude."""
    flat = shapely.transform(land, lambda degrees: np.column_stack((np.radians(degrees[:, 0]), np.sin(np.radians(degrees[:, 1])))))
    return float(shapely.area(flat)) * (METRES_PER_DEGREE * 180 / np.pi / 1_000) ** 2
