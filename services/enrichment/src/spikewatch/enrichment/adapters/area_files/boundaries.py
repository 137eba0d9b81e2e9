"""Polygons of a boundary file: GeoJSON, or a shapefile, zipped or not, in degrees or Web Mercator."""

from contextlib import closing
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path

import shapely

from spikewatch.enrichment.adapters.geodata.layer import Feature, Layer, ShapeKind
from spikewatch.enrichment.adapters.geodata.layers import layers_of
from spikewatch.enrichment.adapters.geodata.projection import Projection, projection_of
from spikewatch.enrichment.adapters.geodata.shapes import placed
from spikewatch.enrichment.adapters.geodata.unusable import GeodataUnusable
from spikewatch.enrichment.domain.areas.drawing import from_rings
from spikewatch.enrichment.domain.areas.naming import AreasUnusable

__all__ = ["Boundary", "boundaries_of"]

_SAMPLE = 200  # features whose coordinates tell what they are


@dataclass(frozen=True, slots=True)
class Boundary:
    """One polygon and what the file says of it; ``is_repaired``: it crossed itself."""

    row: int
    says: dict[str, str]
    surface: shapely.Geometry
    is_repaired: bool


def boundaries_of(path: Path) -> list[Boundary]:
    """Return the polygons of a file, in its order.

    Raises:
        AreasUnusable: it cannot be read, holds several layers or other things than polygons, or is in other coordinates.
    """
    try:
        layers = layers_of(path)
        if len(layers) != 1:
            raise AreasUnusable(f"{path.name} holds {len(layers)} files of areas; give them one by one")
        layer = layers[0]
        with closing(layer.features()) as features:
            projection = projection_of(
                layer, [position for one in islice(features, _SAMPLE) if one.shape for part in one.shape.parts for position in part]
            )
        with closing(layer.features()) as features:
            found = [_boundary(layer, feature, projection) for feature in features]
    except (GeodataUnusable, OSError) as error:
        raise AreasUnusable(
            str(error) if isinstance(error, GeodataUnusable) else f"{path.name} cannot be read; check its name and rights"
        ) from None
    if not found:
        raise AreasUnusable(f"{path.name} holds no polygon; expected one for each area")
    return found


def _boundary(layer: Layer, feature: Feature, projection: Projection) -> Boundary:
    where = f"{layer.name}, feature {feature.row}"
    if feature.problem:
        raise AreasUnusable(f"{where}: {feature.problem}; expected a polygon")
    if feature.shape is None or feature.shape.kind is not ShapeKind.POLYGON:
        raise AreasUnusable(f"{where}: no polygon; expected Polygon or MultiPolygon")
    shape = placed(feature.shape, projection)
    if shape is None:
        raise AreasUnusable(f"{where}: a position is nowhere on earth; expected degrees, longitude first")
    if any(abs(one[0] - other[0]) > 180 for ring in shape.parts for one, other in pairwise(ring)):
        # Taken as it stands it would cover the rest of the world.
        raise AreasUnusable(f"{where}: an edge is more than half of the earth long; cut the polygon at the 180th meridian")
    surface, is_repaired = from_rings(shape.parts)
    if surface.is_empty:
        raise AreasUnusable(f"{where}: its rings enclose nothing; draw it again")
    west, south, east, north = shapely.bounds(surface)
    if west < -180 or east > 180 or south < -90 or north > 90:
        raise AreasUnusable(f"{where}: a position is nowhere on earth; expected degrees, longitude first")
    return Boundary(feature.row, dict(zip(layer.columns, feature.values, strict=True)), surface, is_repaired)
