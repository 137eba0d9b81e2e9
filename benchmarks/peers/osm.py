"""The centreline as an OpenStreetMap file: streets, and house numbers along both sides as address interpolations."""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import quoteattr

from benchmarks.peers.centreline import Segment

# OpenStreetMap writes types in full, and Nominatim abbreviates them itself.
_TYPES = {
    "ST": "Street", "AVE": "Avenue", "BLVD": "Boulevard", "DR": "Drive", "WAY": "Way", "CT": "Court", "RAMP": "Ramp", "RD": "Road",
    "LN": "Lane", "PL": "Place", "TER": "Terrace", "ALY": "Alley", "CIR": "Circle", "HWY": "Highway", "LOOP": "Loop", "PLZ": "Plaza",
    "PATH": "Path", "PARK": "Park", "TUNL": "Tunnel", "STWY": "Stairway", "EXPY": "Expressway", "ROW": "Row", "HL": "Hill",
}  # fmt: skip
_ASIDE_M = 12.0  # where houses stand, from the middle of the street
_FIRST_OWN_NODE = 2_000_000_000  # above every number the city gives a crossing
_METRE = 1 / 111_195  # degrees of latitude

Point = tuple[float, float]


class Way(NamedTuple):
    """Numbers of nodes, and tags."""

    nodes: Sequence[int]
    tags: Mapping[str, str]


class _Map:
    def __init__(self) -> None:
        self.nodes: dict[int, tuple[Point, Mapping[str, str]]] = {}
        self.ways: list[Way] = []
        self._next = _FIRST_OWN_NODE

    def node(self, at: Point, tags: Mapping[str, str] | None = None) -> int:
        self._next += 1
        self.nodes[self._next] = (at, tags or {})
        return self._next

    def crossing(self, number: int, at: Point) -> int:
        if number <= 0:
            return self.node(at)
        self.nodes.setdefault(number, (at, {}))
        return number


def write_osm(path: Path, pieces: Iterable[Segment]) -> None:
    """Write the file, with an outline and a node of the city; numbers rise, as osm2pgsql needs."""
    drawn = _Map()
    for piece in pieces:
        street, *others = full_names(piece)
        inner = [drawn.node(at) for at in piece.line[1:-1]]
        ends = drawn.crossing(piece.nodes[0], piece.line[0]), drawn.crossing(piece.nodes[1], piece.line[-1])
        if street:
            drawn.ways.append(
                Way([ends[0], *inner, ends[1]], {"highway": "residential", "name": street} | ({"alt_name": others[0]} if others else {}))
            )
            for numbers, side in ((piece.left, 1.0), (piece.right, -1.0)):
                _houses(drawn, piece, street, numbers, side)
    outline = _box([at for at, _ in drawn.nodes.values()])
    corners = [drawn.node(at) for at in outline]
    drawn.ways.append(Way([*corners, corners[0]], {}))
    centre = ((outline[0][0] + outline[2][0]) / 2, (outline[0][1] + outline[2][1]) / 2)
    drawn.node(centre, {"place": "city", "name": "San Francisco", "population": "805000"})
    _write(path, drawn)


def full_names(piece: Segment) -> list[str]:
    """Return the names of a street as OpenStreetMap writes them: "5th Street", and the city's own "05th Street"."""
    kind = _TYPES.get(piece.kind, piece.kind.title())
    return [" ".join(word.capitalize() for word in f"{name} {kind}".split()) for name in piece.names]


def _houses(drawn: _Map, piece: Segment, street: str, numbers: tuple[int, int], side: float) -> None:
    start, end = numbers
    if end <= 0 or start < 0:
        return
    about = {"addr:street": street, "addr:city": "San Francisco"} | ({"addr:postcode": piece.zip5} if piece.zip5 else {})
    line = _aside(piece.line, side * _ASIDE_M)
    if start == end:
        drawn.node(line[len(line) // 2], {"addr:housenumber": str(start), **about})
        return
    first = drawn.node(line[0], {"addr:housenumber": str(start), **about})
    between = [drawn.node(at) for at in line[1:-1]]
    last = drawn.node(line[-1], {"addr:housenumber": str(end), **about})
    rule = "all" if (start + end) % 2 else "even" if start % 2 == 0 else "odd"
    drawn.ways.append(Way([first, *between, last], {"addr:interpolation": rule, "addr:street": street}))


def _aside(line: Sequence[Point], metres: float) -> list[Point]:
    """Move a line to its left (to its right by negative metres), each point square to the line there."""
    shrink = math.cos(math.radians(line[0][1]))
    moved: list[Point] = []
    for at, (lon, lat) in enumerate(line):
        before, after = line[max(at - 1, 0)], line[min(at + 1, len(line) - 1)]
        east, north = (after[0] - before[0]) * shrink, after[1] - before[1]
        length = math.hypot(east, north) or 1.0
        moved.append((lon - north / length * metres * _METRE / shrink, lat + east / length * metres * _METRE))
    return moved


def _box(points: Sequence[Point]) -> list[Point]:
    west, east = min(lon for lon, _ in points) - 0.01, max(lon for lon, _ in points) + 0.01
    south, north = min(lat for _, lat in points) - 0.01, max(lat for _, lat in points) + 0.01
    return [(west, south), (east, south), (east, north), (west, north)]


def _write(path: Path, drawn: _Map) -> None:
    with path.open("w", encoding="utf-8") as out:
        out.write('<?xml version="1.0" encoding="UTF-8"?>\n<osm version="0.6" generator="centreline">\n')
        for number, ((lon, lat), tags) in sorted(drawn.nodes.items()):
            out.write(f'<node id="{number}" version="1" lat="{lat:.7f}" lon="{lon:.7f}">{_tags(tags)}</node>\n')
        for number, way in enumerate(drawn.ways, start=1):
            refs = "".join(f'<nd ref="{node}"/>' for node in way.nodes)
            out.write(f'<way id="{number}" version="1">{refs}{_tags(way.tags)}</way>\n')
        city = {"type": "boundary", "boundary": "administrative", "admin_level": "8", "name": "San Francisco"}
        outer = f'<member type="way" ref="{len(drawn.ways)}" role="outer"/>'
        out.write(f'<relation id="1" version="1">{outer}{_tags(city)}</relation>\n</osm>\n')


def _tags(tags: Mapping[str, str]) -> str:
    return "".join(f"<tag k={quoteattr(key)} v={quoteattr(value)}/>" for key, value in tags.items())
