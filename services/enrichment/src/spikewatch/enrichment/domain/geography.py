"""What locating asks of geography. The one implementation is the atlas: polygons and points held in memory."""

from collections.abc import Sequence
from typing import Protocol

import shapely

from spikewatch.enrichment.domain.areas.atlas import Atlas
from spikewatch.enrichment.domain.areas.place import Centroid, Place, metres_between

__all__ = ["Atlas", "Centroid", "Geography", "Place", "metres_between"]


class Geography(Protocol):
    """Says which areas hold a point, and where the middle of an area lies."""

    def areas_at(self, lats: Sequence[float], lons: Sequence[float]) -> list[tuple[str, ...]]:
        """Return for each point the ids of all areas whose polygon holds it, sorted."""
        ...

    def centroid(self, area: str) -> Centroid | None:
        """Return the middle of an area; None when the area is not known."""
        ...

    def outline(self, area: str) -> shapely.Geometry | None:
        """Return an area's polygon in WGS 84 degrees, longitude first; None when it has none."""
        ...

    def outlines(self, kind: str) -> list[shapely.Geometry]:
        """Return the polygons of all areas of a kind."""
        ...

    def metres_outside(self, area: str, lat: float, lon: float) -> float | None:
        """Return how far a point lies from an area's polygon, 0 inside; None when no polygon is known."""
        ...
