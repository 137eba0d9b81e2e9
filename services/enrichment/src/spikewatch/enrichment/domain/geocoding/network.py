"""Packs the lines of segments: crossings by number, and between them only the vertices that matter, as steps of 16 bits."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import shapely

from spikewatch.enrichment.domain.geocoding.packed import SCALE, narrowed
from spikewatch.enrichment.domain.geocoding.records import StreetSegment

__all__ = ["network_arrays", "usable"]

# Vertices that lie closer than this to the straight line between their neighbours say nothing that a house's place could show: 1.5 m.
_TOLERANCE_DEGREES: Final = 1.5e-5
# Ends with one crossing's number and this far apart (about 50 m) are different crossings; some files number all unknown ones 0.
_SAME_CROSSING: Final = 500
_STEP: Final = 32_000  # below what 16 bits hold
_AT_ONCE: Final = 4_096  # segments


def usable(segment: StreetSegment) -> bool:
    """Return whether a segment has a line of at least two vertices, all of them on earth."""
    return len(segment.line) > 1 and all(-180 <= lon <= 180 and -90 <= lat <= 90 for lon, lat in segment.line)


def network_arrays(segments: Sequence[StreetSegment]) -> dict[str, np.ndarray]:
    """Return nodes, the two nodes of each segment, and the vertices between; in the order of ``segments``."""
    nodes: dict[tuple[object, ...], int] = {}
    where: list[tuple[int, int]] = []
    ends: list[tuple[int, int]] = []
    first = [0]
    steps_lat: list[int] = []
    steps_lon: list[int] = []
    for segment, line in _simplified(segments):
        pair = (
            _node(segment.from_node, line[0], nodes, where),
            _node(segment.to_node, line[-1], nodes, where),
        )
        ends.append(pair)
        at = where[pair[0]]
        for lat, lon in (*line[1:-1], where[pair[1]]):
            pieces = max(abs(lat - at[0]), abs(lon - at[1])) // _STEP + 1
            origin = at
            for piece in range(1, pieces + 1):
                here = (origin[0] + (lat - origin[0]) * piece // pieces, origin[1] + (lon - origin[1]) * piece // pieces)
                steps_lat.append(here[0] - at[0])
                steps_lon.append(here[1] - at[1])
                at = here
        steps_lat.pop()  # the last vertex is the node
        steps_lon.pop()
        first.append(len(steps_lat))
    return {
        "node_lat": np.array([lat for lat, _ in where], dtype=np.int32),
        "node_lon": np.array([lon for _, lon in where], dtype=np.int32),
        "from_node": narrowed([pair[0] for pair in ends]),
        "to_node": narrowed([pair[1] for pair in ends]),
        "vertex_first": np.array(first, dtype=np.uint32),
        "vertex_lat": np.array(steps_lat, dtype=np.int16),
        "vertex_lon": np.array(steps_lon, dtype=np.int16),
    }


def _simplified(segments: Sequence[StreetSegment]) -> Iterator[tuple[StreetSegment, list[tuple[int, int]]]]:
    # Some thousands at once are as fast as all, and take the memory of some thousands.
    for start in range(0, len(segments), _AT_ONCE):
        batch = segments[start : start + _AT_ONCE]
        yield from zip(batch, _simplified_lines(batch), strict=True)


def _simplified_lines(segments: Sequence[StreetSegment]) -> list[list[tuple[int, int]]]:
    counts = [len(segment.line) for segment in segments]
    every = np.array([vertex for segment in segments for vertex in segment.line], dtype=float)
    shapes = shapely.linestrings(every, indices=np.repeat(np.arange(len(segments)), counts))
    kept, of = shapely.get_coordinates(shapely.simplify(shapes, _TOLERANCE_DEGREES), return_index=True)
    whole = np.rint(kept * SCALE).astype(np.int64)
    lines: list[list[tuple[int, int]]] = [[] for _ in segments]
    for index, (lon, lat) in zip(of.tolist(), whole.tolist(), strict=True):
        lines[index].append((lat, lon))
    return lines


def _node(number: int | str | None, at: tuple[int, int], nodes: dict[tuple[object, ...], int], where: list[tuple[int, int]]) -> int:
    if number is not None:
        known = nodes.get((number,))
        if known is None:
            nodes[(number,)] = len(where)
            where.append(at)
            return len(where) - 1
        if abs(where[known][0] - at[0]) <= _SAME_CROSSING and abs(where[known][1] - at[1]) <= _SAME_CROSSING:
            return known
    known = nodes.setdefault(at, len(where))
    if known == len(where):
        where.append(at)
    return known
