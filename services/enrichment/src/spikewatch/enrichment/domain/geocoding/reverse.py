"""What lies at a point: the nearest street, its hundred-block there, and the nearest street that crosses it."""

import math
from typing import Final

import numpy as np
import shapely

from spikewatch.enrichment.domain.geocoding.answer import ReverseAnswer
from spikewatch.enrichment.domain.geocoding.contexts import Contexts
from spikewatch.enrichment.domain.geocoding.lines import METRES_PER_STEP
from spikewatch.enrichment.domain.geocoding.packed import SCALE, Packed
from spikewatch.enrichment.domain.geocoding.streets import Street, Streets

__all__ = ["Reverse"]

_FARTHEST_M: Final = 2000.0


class Reverse:
    """Nearest streets of points. The search tree is built at the first question: whoever never asks does not pay for it."""

    def __init__(self, packed: Packed, streets: Streets, contexts: Contexts) -> None:
        self._packed = packed
        self._streets = streets
        self._contexts = contexts
        self._tree: shapely.STRtree | None = None
        self._shrink = 1.0
        self._of_segment: list[Street] = []
        self._at_node: dict[int, set[str]] = {}

    def nearest(self, lat: float, lon: float) -> ReverseAnswer | None:
        """Return what lies at a point, or None when no street is within 2 km."""
        if not (math.isfinite(lat) and math.isfinite(lon) and abs(lat) <= 90 and abs(lon) <= 180):
            return None
        tree = self._tree if self._tree is not None else self._built()
        point = shapely.Point(lon * SCALE * self._shrink, lat * SCALE)
        found = tree.query_nearest(point, max_distance=_FARTHEST_M / METRES_PER_STEP, return_distance=True)
        if not len(found[0]):
            return None
        segment, apart = int(found[0][0]), float(found[1][0]) * METRES_PER_STEP
        street = self._of_segment[segment]
        line = tree.geometries[segment]
        share = float(shapely.line_locate_point(line, point, normalized=True)) if line.length else 0.5
        is_left = self._is_left(line, share, point)
        streets = self._streets
        starts, ends, contexts = (
            (streets.left_from, streets.left_to, streets.left_context)
            if is_left
            else (streets.right_from, streets.right_to, streets.right_context)
        )
        start, end = starts[segment], ends[segment]
        if not start and not end:
            start, end = (
                (streets.right_from[segment], streets.right_to[segment])
                if is_left
                else (streets.left_from[segment], streets.left_to[segment])
            )
        block = int(start + (end - start) * share) // 100 * 100 if start or end else None
        context = self._contexts.rows[contexts[segment]]
        cross = self._cross(segment, share, street.shown)
        return ReverseAnswer(street.shown, block, cross, round(apart, 1), context.zip5, context.county, context.vintage)

    def _built(self) -> shapely.STRtree:
        streets = self._streets
        lat = self._packed.arrays["node_lat"]
        self._shrink = math.cos(math.radians(float(lat.mean()) / SCALE)) if lat.size else 1.0
        count = len(self._packed.arrays["from_node"])
        every = [street for group in streets.by_key.values() for street in group]
        owner: list[Street | None] = [None] * count
        for street in every:
            for segment in range(street.first, street.last):
                owner[segment] = owner[segment] or street
        self._of_segment = [street for street in owner if street is not None]
        coordinates: list[tuple[float, float]] = []
        index: list[int] = []
        for segment, of in enumerate(self._of_segment):
            vertices = streets.lines.vertices(segment)
            coordinates += [(lon * self._shrink, lat) for lat, lon in vertices]
            index += [segment] * len(vertices)
            for node in (streets.lines.from_node[segment], streets.lines.to_node[segment]):
                self._at_node.setdefault(node, set()).add(of.shown)
        lines = shapely.linestrings(np.array(coordinates, dtype=float).reshape(-1, 2), indices=np.array(index, dtype=np.int64))
        self._tree = shapely.STRtree(lines)
        return self._tree

    def _is_left(self, line: shapely.LineString, share: float, point: shapely.Point) -> bool:
        before = shapely.line_interpolate_point(line, max(share - 0.01, 0.0), normalized=True)
        after = shapely.line_interpolate_point(line, min(share + 0.01, 1.0), normalized=True)
        return bool((after.x - before.x) * (point.y - before.y) - (after.y - before.y) * (point.x - before.x) > 0)

    def _cross(self, segment: int, share: float, own: str) -> str:
        lines = self._streets.lines
        near, far = lines.from_node[segment], lines.to_node[segment]
        for node in (near, far) if share <= 0.5 else (far, near):
            others = sorted(self._at_node[node] - {own})
            if others:
                return others[0]
        return ""
