"""Rows of a layer as the fields of its map, with their shapes in degrees; what is wrong is counted in the layer's report."""

import re
from collections.abc import Iterator
from typing import Final

from spikewatch.enrichment.adapters.geodata.build_report import SourceReport
from spikewatch.enrichment.adapters.geodata.column_look import NOTHING, number
from spikewatch.enrichment.adapters.geodata.county_codes import county_code
from spikewatch.enrichment.adapters.geodata.layer import Feature, Layer, Shape, ShapeKind
from spikewatch.enrichment.adapters.geodata.projection import Projection
from spikewatch.enrichment.adapters.geodata.shapes import placed, shape_of_wkt
from spikewatch.enrichment.adapters.geodata.unusable import GeodataUnusable

__all__ = ["MappedLayer", "Row", "coordinates_of", "zip5"]

_ZIP: Final = re.compile(r"(\d{3,5})(?:\.0*)?(?:-?\d{4})?")


def zip5(text: str) -> str:
    """Return five digits, with the zeros that a numeric column lost; empty when it is no ZIP code."""
    match = _ZIP.fullmatch(text)
    found = match[1].zfill(5) if match else ""
    return "" if found == "00000" else found


class Row:
    """One row with its shape in degrees, where the layer has shapes."""

    __slots__ = ("_places", "_values", "line", "shape")

    def __init__(self, line: int, values: tuple[str, ...], places: dict[str, int], shape: Shape | None) -> None:
        self.line = line
        self.shape = shape
        self._values = values
        self._places = places

    def __getitem__(self, field: str) -> str:
        """Return the text of a field, empty where the map has no column for it, or the cell says in words that it is empty."""
        place = self._places.get(field)
        return "" if place is None or (text := self._values[place]) in NOTHING else text

    def first(self, *fields: str) -> str:
        """Return the text of the first field that states one."""
        return next((text for field in fields if (text := self[field])), "")

    def whole_street(self) -> str:
        """Return the street's name put together of its parts."""
        parts = (self["pre_direction"], self["pre_type"], self["name"], self["type"], self["post_direction"])
        return " ".join(" ".join(parts).split())


class MappedLayer:
    """A layer with its map.

    Args:
        layer: the layer.
        report: what is counted of it, with its map.
        projection: of its coordinates.
        source: its position among the vintages.

    Raises:
        GeodataUnusable: the map names a column that the layer lacks.
    """

    def __init__(self, layer: Layer, report: SourceReport, projection: Projection, source: int) -> None:
        self.layer = layer
        self.report = report
        self.source = source
        self._projection = projection
        self._places = {field: _place(layer, column) for field, column in report.column_map.columns.items()}

    def has(self, field: str) -> bool:
        """Tell whether the map has a column for a field."""
        return field in self._places

    def county(self, row: Row) -> str:
        """Return the FIPS code of the row's county, else the map's, else empty."""
        own = county_code(row["county"], row["state"]) if "county" in self._places else ""
        return own or self.report.column_map.county

    def rows(self, *, placed_only: bool = True) -> Iterator[Row]:
        """Return the rows that can be used; those without a shape only where ``placed_only`` is false."""
        report = self.report
        for feature in self.layer.features():
            report.read += 1
            if feature.problem:
                report.refuse(feature.row, feature.problem)
                continue
            shape: Shape | None = None
            if placed_only:
                try:
                    raw = self._shape(feature)
                except ValueError as error:
                    report.refuse(feature.row, str(error))
                    continue
                if raw is None:
                    report.left_out["no shape"] += 1
                    continue
                shape = placed(raw, self._projection)
                if shape is None:
                    report.refuse(feature.row, "a position that is nowhere on earth")
                    continue
            yield Row(feature.row, feature.values, self._places, shape)

    def _shape(self, feature: Feature) -> Shape | None:
        if feature.shape is not None:
            return feature.shape
        if (place := self._places.get("geometry")) is not None:
            try:
                return shape_of_wkt(feature.values[place]) if feature.values[place] else None
            except ValueError:
                raise ValueError("a geometry that cannot be read") from None
        return coordinates_of(feature, self._places)


def coordinates_of(feature: Feature, places: dict[str, int]) -> Shape | None:
    """Return the point in a row's columns of latitude and longitude; None when they are empty.

    Raises:
        ValueError: they are no numbers.
    """
    if "lat" not in places or "lon" not in places:
        return None
    lat, lon = feature.values[places["lat"]], feature.values[places["lon"]]
    if not lat or not lon:
        return None
    north, east = number(lat), number(lon)
    if north is None or east is None:
        raise ValueError("a latitude or longitude that is no number")
    return Shape(ShapeKind.POINT, (((east, north),),))


def _place(layer: Layer, column: str) -> int:
    try:
        return layer.columns.index(column)
    except ValueError:
        raise GeodataUnusable(
            f"{layer.name} has no column {column!r}, which its map names; see spikewatch geodata propose {layer.name}"
        ) from None
