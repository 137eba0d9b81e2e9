"""Which layers a path holds: a shapefile, a GeoPackage, a table, GeoJSON, a zip or a folder of such."""

from pathlib import Path
from typing import Final

from spikewatch.enrichment.adapters.geodata.csv_layer import CsvLayer
from spikewatch.enrichment.adapters.geodata.geojson_layer import GeojsonLayer
from spikewatch.enrichment.adapters.geodata.geopackage_layer import geopackage_layers
from spikewatch.enrichment.adapters.geodata.layer import Layer
from spikewatch.enrichment.adapters.geodata.shape_layer import ShapeLayer, TableLayer
from spikewatch.enrichment.adapters.geodata.stored_file import StoredFile, stored_files
from spikewatch.enrichment.adapters.geodata.unusable import GeodataUnusable

__all__ = ["layers_of"]

_TABLES: Final = frozenset({".csv", ".tsv", ".txt", ".psv"})
_JSON: Final = frozenset({".geojson", ".json", ".geojsonl", ".geojsons", ".ndjson", ".jsonl", ".geojsonseq"})
_GEOPACKAGE: Final = ".gpkg"
_TAKES: Final = (
    "expected a shapefile (.shp with its .dbf, or a zip of them), .gpkg, .csv, .tsv, .txt, .geojson or .geojsonl, these also .gz"
)


def layers_of(path: Path) -> list[Layer]:
    """Return the layers of a path, in the order of their names.

    Raises:
        GeodataUnusable: it cannot be read, or nothing in it is a layer.
    """
    files = stored_files(path)
    shapes = {file.stem for file in files if file.ending == ".shp"}
    by_name = {(file.stem, file.ending): file for file in files}
    found: list[Layer] = []
    for file in files:
        if file.ending == _GEOPACKAGE:
            found += geopackage_layers(file)
        elif layer := _layer(file, by_name, shapes, is_alone=len(files) == 1):
            found.append(layer)
    if not found:
        raise GeodataUnusable(f"{path} holds no file that can be read; {_TAKES}")
    return found


def _layer(file: StoredFile, by_name: dict[tuple[str, str], StoredFile], shapes: set[str], *, is_alone: bool) -> Layer | None:
    if file.ending == ".shp":
        dbf, prj, cpg = (by_name.get((file.stem, ending)) for ending in (".dbf", ".prj", ".cpg"))
        return ShapeLayer(file, dbf, prj, cpg)
    if file.ending == ".dbf":
        return None if file.stem in shapes else TableLayer(file, by_name.get((file.stem, ".cpg")))
    if file.ending in _JSON:
        return GeojsonLayer(file)
    # Beside other files a text may be a licence or a note; alone it was named, so what is wrong with it is told.
    if file.ending in _TABLES and (is_alone or file.ending != ".txt" or file.size > 4096):
        return CsvLayer(file)
    if is_alone:
        raise GeodataUnusable(f"{file.name} has the ending {file.ending or 'of no kind'}; {_TAKES}")
    return None
