"""What is wrong with drawn areas, how it is put right, and how two versions of them differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely

__all__ = ["Change", "Overlap", "changes", "from_rings", "overlaps"]

# Neighbours that were drawn apart overlap by slivers everywhere; a fiftieth of the smaller area is no sliver.
_OVERLAP: Final = 0.02
_SAME_SHARE: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two areas of one kind that cover the same ground, and which part of the smaller one that is."""

    area: str
    other: str
    share: float


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one area between two versions.

    Attributes:
        area: its id.
        what: ``new``, ``gone`` or ``redrawn``.
        share: ground in one version only, as a part of the older one's; 1 for new and gone ones.
    """

    area: str
    what: str
    share: float


def from_rings(rings: Sequence[Sequence[tuple[float, float]]]) -> tuple[shapely.Geometry, bool]:
    """Return the surface that rings enclose, holes left out, and whether any ring had to be put right because it crosses itself.

    The surface is empty where the rings enclose nothing.
    """
    parts: list[shapely.Geometry] = []
    is_repaired = False
    for ring in rings:
        if len(ring) < 3:
            is_repaired = True
            continue
        part = shapely.Polygon(ring)
        if not part.is_valid:
            is_repaired = True
            part = _surface(shapely.make_valid(part))
        parts.append(part)
    # A ring inside another one is a hole, a ring inside a hole an island, whatever the order and sense of the file.
    surface = shapely.Polygon()
    for layer in _apart(parts):
        surface = layer if surface.is_empty else shapely.symmetric_difference(surface, layer)
    return _surface(surface), is_repaired


def _apart(parts: Sequence[shapely.Geometry]) -> list[shapely.Geometry]:
    """Return the parts in a few surfaces of parts that lie apart: a city of two hundred holes takes one difference, not two hundred."""
    shapes = np.array(parts, dtype=object)
    meets: list[set[int]] = [set() for _ in parts]
    for one, other in zip(*shapely.STRtree(shapes).query(shapes, predicate="intersects").tolist(), strict=True):
        meets[one].add(other)
    layers: list[list[int]] = []
    for number in range(len(parts)):
        free = next((layer for layer in layers if meets[number].isdisjoint(layer)), None)
        if free is None:
            layers.append([number])
        else:
            free.append(number)
    return [_surface(shapely.GeometryCollection([parts[number] for number in layer])) for layer in layers]


def _surface(shape: shapely.Geometry) -> shapely.Geometry:
    parts = [part for part in shapely.get_parts(shapely.get_parts(shape)) if shapely.get_dimensions(part) == 2]
    return parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)


def overlaps(shapes: Mapping[str, shapely.Geometry]) -> list[Overlap]:
    """Return pairs of areas that share more than slivers, the largest share first; the areas are of one kind."""
    areas = list(shapes)
    polygons = np.array([shapes[area] for area in areas], dtype=object)
    if len(areas) < 2:
        return []
    one, other = shapely.STRtree(polygons).query(polygons, predicate="intersects")
    pairs = one < other
    one, other = one[pairs], other[pairs]
    common = shapely.area(shapely.intersection(polygons[one], polygons[other]))
    share = common / np.maximum(np.minimum(shapely.area(polygons[one]), shapely.area(polygons[other])), 1e-18)
    found = [
        Overlap(areas[first], areas[second], float(part))
        for first, second, part in zip(one.tolist(), other.tolist(), share.tolist(), strict=True)
        if part > _OVERLAP
    ]
    return sorted(found, key=lambda pair: -pair.share)


def changes(before: Mapping[str, shapely.Geometry], after: Mapping[str, shapely.Geometry]) -> list[Change]:
    """Return what became of each area that differs between two versions, in the order of ids."""
    found: list[Change] = []
    for area in sorted(before.keys() | after.keys()):
        if area not in before or area not in after:
            found.append(Change(area, "gone" if area in before else "new", 1.0))
        elif not shapely.equals_exact(before[area], after[area]):
            share = shapely.area(shapely.symmetric_difference(before[area], after[area])) / max(shapely.area(before[area]), 1e-18)
            if share > _SAME_SHARE:
                found.append(Change(area, "redrawn", float(share)))
    return found
