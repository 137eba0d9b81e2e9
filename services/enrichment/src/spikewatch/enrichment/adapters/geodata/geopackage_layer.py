"""GeoPackage: a SQLite file with a table for each layer, its shapes as WKB behind a header of their own (OGC 12-128, clause 2.1.3)."""

import sqlite3
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote

from typing_extensions import override

from spikewatch.enrichment.adapters.geodata.layer import Feature, Layer, Shape
from spikewatch.enrichment.adapters.geodata.shapes import ShapeUnreadable, shape_of_wkb
from spikewatch.enrichment.adapters.geodata.stored_file import StoredFile, failures_told
from spikewatch.enrichment.adapters.geodata.unusable import GeodataUnusable

__all__ = ["GeopackageLayer", "geopackage_layers", "shape_of_blob"]

_SQLITE: Final = b"SQLite format 3\0"
_MARK: Final = b"GP"
_HEAD: Final = 8  # bytes: mark, version, flags, number of the coordinate system
_ENVELOPES: Final = {0: 0, 1: 32, 2: 48, 3: 48, 4: 64}  # bytes after the head, by what its flags say
_LAYERS: Final = """
SELECT contents.table_name, shapes.column_name, systems.organization, systems.organization_coordsys_id, systems.definition
FROM gpkg_contents AS contents
LEFT JOIN gpkg_geometry_columns AS shapes ON shapes.table_name = contents.table_name
LEFT JOIN gpkg_spatial_ref_sys AS systems ON systems.srs_id = shapes.srs_id
WHERE contents.data_type IN ('features', 'attributes') ORDER BY contents.table_name
"""
_LONGEST_CELL: Final = 1 << 27  # bytes; a damaged length asks for more
_EVERY: Final = 1024


def geopackage_layers(file: StoredFile) -> list[Layer]:
    """Return the layers of a GeoPackage, in the order of their names.

    Raises:
        GeodataUnusable: it is packed, none, or damaged, or holds no table.
    """
    if file.path is None or not _lies_open(file):
        raise GeodataUnusable(f"{file.name} is empty, packed, or no GeoPackage; unpack it, or fetch it again")
    with _opened(file.path, file.name) as database:
        found = list(database.execute(_LAYERS))
        if not found:
            raise GeodataUnusable(f"{file.name} holds no table of features; expected streets, points or areas")
        layers: list[Layer] = []
        for table, shape, organization, number, definition in found:
            columns = [str(row[1]) for row in database.execute(f"PRAGMA table_info({_quoted(table)})")]
            count = int(database.execute(f"SELECT COUNT(*) FROM {_quoted(table)}").fetchone()[0])  # noqa: S608  # quoted
            system = definition if str(definition).startswith(("GEOG", "PROJ")) else f"{organization}:{number}"
            # Numbers 0 and -1 stand for degrees and for lengths of nobody knows what: there the coordinates themselves tell.
            reference = "" if number in {None, 0, -1} else str(system)
            layers.append(
                GeopackageLayer(file.name, file.path, table, [name for name in columns if name != shape], shape, count, reference)
            )
    return layers


class GeopackageLayer(Layer):
    """One table of a GeoPackage."""

    def __init__(self, file: str, path: Path, table: str, columns: list[str], shape: str | None, rows: int, reference: str) -> None:
        self.name = f"{file}/{table}"
        self.columns = tuple(columns)
        self.reference = reference
        self.size = path.stat().st_size
        self._path = path
        self._rows = rows
        self._has_shapes = shape is not None
        chosen = ", ".join(map(_quoted, [*([shape] if shape is not None else []), *columns]))
        self._question = f"SELECT {chosen} FROM {_quoted(table)}"  # noqa: S608  # quoted

    @override
    def features(self) -> Generator[Feature, None, None]:
        with _opened(self._path, self.name) as database:
            for row, cells in enumerate(database.execute(self._question), start=1):
                if row % _EVERY == 1:
                    self.done = self.size * row // max(row, self._rows)
                values = tuple(map(_text, cells[1:] if self._has_shapes else cells))
                try:
                    yield Feature(row, values, shape_of_blob(cells[0]) if self._has_shapes else None)
                except ShapeUnreadable:
                    yield Feature(row, values, problem="a geometry that cannot be read")
        self.done = self.size


def shape_of_blob(blob: object) -> Shape | None:
    """Return the shape in a cell; None when it is empty.

    Raises:
        ShapeUnreadable: it is none of points, lines or polygons, or damaged.
    """
    if blob is None:
        return None
    if not isinstance(blob, bytes) or len(blob) < _HEAD or not blob.startswith(_MARK):
        raise ShapeUnreadable("no geometry of a GeoPackage")
    envelope = _ENVELOPES.get(blob[3] >> 1 & 0b111)
    if envelope is None:
        raise ShapeUnreadable("no geometry of a GeoPackage")
    return shape_of_wkb(blob[_HEAD + envelope :])


@contextmanager
def _opened(path: Path, name: str) -> Iterator[sqlite3.Connection]:
    try:
        # As it lies: no lock or journal is made beside it, and nothing that its schema says is run.
        with closing(sqlite3.connect(f"file:{quote(str(path.absolute()))}?immutable=1", uri=True)) as database:
            database.text_factory = lambda text: text.decode("utf-8", "replace")
            database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_CELL)
            database.execute("PRAGMA trusted_schema = OFF")
            yield database
    except (sqlite3.Error, OverflowError, UnicodeError) as error:  # the last: names of columns, and what sqlite says of damaged ones
        raise GeodataUnusable(f"{name} is cut short, damaged, or no GeoPackage ({type(error).__name__}); fetch it again") from None


def _lies_open(file: StoredFile) -> bool:
    with failures_told(file.name), file.open_raw() as raw:
        return raw.read(len(_SQLITE)) == _SQLITE


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: object) -> str:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, int | float) else ""
