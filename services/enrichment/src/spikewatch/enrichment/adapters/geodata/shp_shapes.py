"""Shapes of a .shp, one after the other, so that a state's file takes no more memory than a village's."""

import struct
from collections.abc import Iterator
from itertools import pairwise
from typing import IO, Final

import numpy as np

from spikewatch.enrichment.adapters.geodata.layer import Position, Shape, ShapeKind
from spikewatch.enrichment.adapters.geodata.unusable import GeodataUnusable

__all__ = ["shp_shapes"]

_HEAD: Final = struct.Struct(">I20xI")
_CODE: Final = 9994
_HEAD_BYTES: Final = 100
_RECORD: Final = struct.Struct(">II")
_KIND: Final = struct.Struct("<I")
_COUNTS: Final = struct.Struct("<II")
_POINT: Final = struct.Struct("<dd")
# Each with heights (11...) and with measures (21...), which stand behind the positions and are not read.
_POINTS: Final = frozenset({1, 11, 21})
_MULTIPOINTS: Final = frozenset({8, 18, 28})
_LINES: Final = frozenset({3, 13, 23})
_POLYGONS: Final = frozenset({5, 15, 25})
_LONGEST: Final = 1 << 28  # bytes of one shape


def shp_shapes(name: str, stream: IO[bytes]) -> Iterator[Shape | None]:
    """Return the shapes; None for an empty one.

    Raises:
        GeodataUnusable: it is no .shp, breaks off, or holds shapes that are neither points, lines nor polygons.
    """
    head = stream.read(_HEAD_BYTES)
    if len(head) < _HEAD_BYTES:
        raise GeodataUnusable(f"{name} is {'empty' if not head else 'cut short'}; fetch the shapefile again")
    code, words = _HEAD.unpack_from(head)
    if code != _CODE:
        raise GeodataUnusable(f"{name} is no .shp of a shapefile; fetch it again")
    left = 2 * words - _HEAD_BYTES
    while left >= _RECORD.size:
        start = stream.read(_RECORD.size)
        length = 2 * _RECORD.unpack(start)[1] if len(start) == _RECORD.size else -1
        content = stream.read(length) if 0 <= length <= min(left, _LONGEST) else b""
        if len(content) != length or length < _KIND.size:
            raise GeodataUnusable(f"{name} is cut short or damaged; fetch the shapefile again")
        left -= _RECORD.size + length
        try:
            yield _shape(name, content)
        except (struct.error, ValueError):
            raise GeodataUnusable(f"{name} holds a shape that is cut short; fetch the shapefile again") from None


def _shape(name: str, content: bytes) -> Shape | None:
    (kind,) = _KIND.unpack_from(content)
    if kind == 0:
        return None
    if kind in _LINES or kind in _POLYGONS:
        return _of_parts(ShapeKind.LINE if kind in _LINES else ShapeKind.POLYGON, content)
    if kind in _POINTS:
        point: Position = _POINT.unpack_from(content, 4)
        return Shape(ShapeKind.POINT, ((point,),))
    if kind in _MULTIPOINTS:
        (count,) = _KIND.unpack_from(content, 36)
        return Shape(ShapeKind.POINT, tuple((point,) for point in _positions(content, 40, count)))
    raise GeodataUnusable(f"{name} holds shapes of type {kind}, which are neither points, lines nor polygons")


def _of_parts(kind: ShapeKind, content: bytes) -> Shape | None:
    parts, count = _COUNTS.unpack_from(content, 36)
    if not parts or not count:
        return None
    positions = _positions(content, 44 + 4 * parts, count)
    if parts == 1:
        return Shape(kind, (tuple(positions),))
    starts = [*np.frombuffer(content, "<u4", parts, 44).tolist(), count]
    cut = (tuple(positions[start:end]) for start, end in pairwise(starts))
    return Shape(kind, tuple(part for part in cut if part))


def _positions(content: bytes, at: int, count: int) -> list[Position]:
    flat = np.frombuffer(content, "<f8", 2 * count, at).tolist()
    return list(zip(flat[::2], flat[1::2], strict=True))
