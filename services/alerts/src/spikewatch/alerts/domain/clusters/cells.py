"""Map cells (H3) as the places of a scan: where they lie, and the outline around some of them."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import h3  # type: ignore[import-untyped]  # no types are shipped
import numpy as np

from spikewatch.alerts.domain.detection.scan.outline import Ring, hull
from spikewatch.alerts.domain.detection.scan.places import Places

__all__ = ["CELL_KIND", "cell_at", "is_cell", "is_inside", "outline_of", "places_of", "service_cell"]

CELL_KIND: Final = "h3"
"""The kind of area that serves as places."""

_RESOLUTION: Final = 7  # of the cells that the service counts in
_DECIMALS: Final = 4  # of a degree, some ten metres; the corners are those of whole cells, never a place


def is_cell(area: str) -> bool:
    """Tell whether an area is a map cell that lies somewhere."""
    kind, _, code = area.partition(":")
    return kind == CELL_KIND and bool(h3.is_valid_cell(code))


def cell_at(latitude: float, longitude: float) -> str:
    """Return the map cell, as the service counts in it, of a place in degrees."""
    return f"{CELL_KIND}:{h3.latlng_to_cell(latitude, longitude, _RESOLUTION)}"


def service_cell(area: str) -> str | None:
    """Return the cell, as the service counts in it, that holds an area; None where the area is no cell, or a wider one."""
    if not is_cell(area) or h3.get_resolution(_code(area)) < _RESOLUTION:
        return None
    return f"{CELL_KIND}:{h3.cell_to_parent(_code(area), _RESOLUTION)}"


def places_of(cells: Sequence[str]) -> Places:
    """Return the middles of some cells, written as areas."""
    middles = np.array([_middle(cell) for cell in cells], dtype=np.float64).reshape(-1, 2)
    return Places(middles[:, 0], middles[:, 1])


def outline_of(cells: Sequence[str]) -> Ring:
    """Return the hull around whole cells, so that even one cell shows no single place."""
    corners = np.array([corner for cell in cells for corner in h3.cell_to_boundary(_code(cell))], dtype=np.float64)
    return tuple((round(x, _DECIMALS), round(y, _DECIMALS)) for x, y in hull(corners[:, 0], corners[:, 1]))


def is_inside(cell: str, ring: Ring) -> bool:
    """Tell whether the middle of a cell lies within an outline."""
    latitude, east = _middle(cell)
    # a ring across the 180th meridian goes on beyond it, so the middle is brought to the ring's side
    longitude = ring[0][0] + (east - ring[0][0] + 180) % 360 - 180
    inside = False
    for (ax, ay), (bx, by) in pairwise(ring):
        if (ay > latitude) != (by > latitude) and longitude < ax + (latitude - ay) * (bx - ax) / (by - ay):
            inside = not inside
    return inside


def _code(cell: str) -> str:
    return cell.partition(":")[2]


def _middle(cell: str) -> tuple[float, float]:
    latitude, longitude = h3.cell_to_latlng(_code(cell))
    return latitude, longitude
