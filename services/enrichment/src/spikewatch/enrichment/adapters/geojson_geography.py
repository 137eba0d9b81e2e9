"""Geography from a folder of GeoJSON files: the operator's own counties, ZIP codes, districts, neighbourhoods.

Each file is a FeatureCollection in WGS 84. A feature has the properties ``area`` (an area id such as
``county:99001``, ``zip:99901``, ``neighborhood:old-mill``), ``name``, optionally ``radius_m``, and a polygon or a point.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import shapely
from pydantic import TypeAdapter, ValidationError
from shapely.errors import ShapelyError

from spikewatch.contracts.contract import AreaId
from spikewatch.enrichment.domain.geography import Place

__all__ = ["GeographyError", "geojson_file_places", "geojson_places"]

_AREA = TypeAdapter(AreaId)
_SHAPES = frozenset({"Polygon", "MultiPolygon", "Point"})


class GeographyError(Exception):
    """A geography file cannot be used; the service does not start, because every report would be placed wrongly."""


def geojson_places(folder: Path) -> list[Place]:
    """Return all areas of the folder's ``*.geojson`` files, in the order of file names.

    Raises:
        GeographyError: the folder holds no such file, or a file or feature is wrong; says which and what is expected.
    """
    files = sorted(folder.glob("*.geojson"))
    if not files:
        raise GeographyError(f"geography folder {folder.name}: no *.geojson file; expected at least one FeatureCollection")
    return [place for file in files for place in _read(file)]


def geojson_file_places(file: Path) -> list[Place]:
    """Return all areas of one file.

    Raises:
        GeographyError: the file or a feature is wrong; says which and what is expected.
    """
    return list(_read(file))


def _read(file: Path) -> Iterator[Place]:
    try:
        collection: Any = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise GeographyError(
            f"{file.name}: cannot be read as JSON ({type(error).__name__}); expected a GeoJSON FeatureCollection"
        ) from error
    features = collection.get("features") if isinstance(collection, dict) else None
    if not isinstance(features, list):
        raise GeographyError(f'{file.name}: no list "features"; expected a GeoJSON FeatureCollection')
    for index, feature in enumerate(features):
        yield _place(f"{file.name}, feature {index}", feature)


def _place(where: str, feature: Any) -> Place:
    if not isinstance(feature, dict):
        raise GeographyError(f"{where}: is no object; expected a GeoJSON Feature")
    properties, geometry = feature.get("properties"), feature.get("geometry")
    if not isinstance(properties, dict) or not isinstance(geometry, dict) or geometry.get("type") not in _SHAPES:
        raise GeographyError(f"{where}: properties or geometry missing; expected Polygon, MultiPolygon or Point")
    try:
        area = _AREA.validate_python(properties.get("area"))
    except ValidationError:
        raise GeographyError(f"{where}: property area is missing or wrong; expected kind:code, for example zip:19401") from None
    radius = properties.get("radius_m")
    if radius is not None and (isinstance(radius, bool) or not isinstance(radius, int | float) or radius < 0):
        raise GeographyError(f"{where}: property radius_m is wrong; expected metres, for example 4000")
    try:
        shape = shapely.from_geojson(json.dumps(geometry))
    except (ShapelyError, ValueError):
        raise GeographyError(f"{where}: geometry cannot be read; expected closed rings of [longitude, latitude]") from None
    if shape.is_empty:
        raise GeographyError(f"{where}: geometry is empty; expected at least one ring or point")
    return Place(area, str(properties.get("name", area)), shapely.make_valid(shape), None if radius is None else float(radius))
