"""The lines of segments as drawn: decoded from the packed arrays when one is needed, and points set on or beside them."""

import math
from itertools import pairwise
from typing import Final

import numpy as np

from spikewatch.enrichment.domain.geocoding.packed import SCALE, view

__all__ = ["METRES_PER_STEP", "Lines"]

METRES_PER_STEP: Final = 111_195.0 / SCALE
"""Metres north of one step of a degree, on a sphere of the earth's mean radius."""


class Lines:
    """Geometry of all segments, by the segment's position. Positions are whole steps of a degree."""

    def __init__(self, arrays: dict[str, np.ndarray]) -> None:
        self.node_lat = view(arrays["node_lat"])
        self.node_lon = view(arrays["node_lon"])
        self.from_node = view(arrays["from_node"])
        self.to_node = view(arrays["to_node"])
        self._first = view(arrays["vertex_first"])
        self._lat = view(arrays["vertex_lat"])
        self._lon = view(arrays["vertex_lon"])

    def vertices(self, segment: int) -> list[tuple[int, int]]:
        """Return latitude and longitude of a segment's vertices in drawing order."""
        start, end = self.from_node[segment], self.to_node[segment]
        lat, lon = self.node_lat[start], self.node_lon[start]
        made = [(lat, lon)]
        first, last = self._first[segment], self._first[segment + 1]
        for at in range(first, last):
            lat += self._lat[at]
            lon += self._lon[at]
            made.append((lat, lon))
        made.append((self.node_lat[end], self.node_lon[end]))
        return made

    def along(self, segment: int, share: float, aside_m: float, inset_m: float) -> tuple[float, float, float]:
        """Return a point on a segment, or beside it.

        Args:
            segment: its position.
            share: how far along it, from 0 to 1.
            aside_m: metres to the left in drawing order; negative is to the right.
            inset_m: metres that the point keeps from both ends; houses do not stand in a crossing.

        Returns:
            Latitude and longitude in degrees, and the length of the segment in metres.
        """
        start, finish = self.from_node[segment], self.to_node[segment]
        lat, lon = self.node_lat[start], self.node_lon[start]
        shrink = math.cos(lat * (math.pi / 180 / SCALE))
        if self._first[segment] == self._first[segment + 1]:  # straight, as most are: no list of vertices is made
            end_lat, end_lon = self.node_lat[finish], self.node_lon[finish]
            north, east = (end_lat - lat) * METRES_PER_STEP, (end_lon - lon) * METRES_PER_STEP * shrink
            length = whole = math.hypot(north, east)
            wanted = _inset(share * whole, whole, inset_m)
        else:
            vertices = self.vertices(segment)
            pieces = [(math.hypot(b[0] - a[0], (b[1] - a[1]) * shrink) * METRES_PER_STEP, a, b) for a, b in pairwise(vertices)]
            whole = sum(piece[0] for piece in pieces)
            wanted = _inset(share * whole, whole, inset_m)
            length = 0.0
            (lat, lon), (end_lat, end_lon) = vertices[:2]
            for length, (lat, lon), (end_lat, end_lon) in pieces:  # noqa: B007  # the last piece is used after the loop
                if wanted <= length:
                    break
                wanted -= length
            else:
                wanted = length
            north, east = (end_lat - lat) * METRES_PER_STEP, (end_lon - lon) * METRES_PER_STEP * shrink
        if length <= 0:
            return lat / SCALE, lon / SCALE, whole
        part = wanted / length
        up, right = north * part, east * part
        if aside_m:
            up += aside_m * east / length
            right -= aside_m * north / length
        return (lat + up / METRES_PER_STEP) / SCALE, (lon + right / (METRES_PER_STEP * shrink)) / SCALE, whole


def _inset(wanted: float, whole: float, inset_m: float) -> float:
    if whole <= 2 * inset_m:
        return whole / 2 if inset_m else wanted
    return min(max(wanted, inset_m), whole - inset_m)
