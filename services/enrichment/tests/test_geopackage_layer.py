"""GeoPackages as ``ogr2ogr`` and ArcGIS write them: made here by hand, in the words of the standard."""

import gzip
import random
import sqlite3
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest
import shapely

from spikewatch.enrichment.adapters.geodata.column_map import Kind
from spikewatch.enrichment.adapters.geodata.geopackage_layer import shape_of_blob
from spikewatch.enrichment.adapters.geodata.layer import ShapeKind
from spikewatch.enrichment.adapters.geodata.layers import layers_of
from spikewatch.enrichment.adapters.geodata.shapes import ShapeUnreadable
from spikewatch.enrichment.adapters.geodata.sources import proposals, read_sources
from spikewatch.enrichment.adapters.geodata.unusable import GeodataUnusable

SCHEMA = """
CREATE TABLE gpkg_contents (table_name TEXT, data_type TEXT, srs_id INTEGER);
CREATE TABLE gpkg_geometry_columns (table_name TEXT, column_name TEXT, srs_id INTEGER);
CREATE TABLE gpkg_spatial_ref_sys (srs_id INTEGER, organization TEXT, organization_coordsys_id INTEGER, definition TEXT);
INSERT INTO gpkg_spatial_ref_sys VALUES (4326, 'EPSG', 4326, 'GEOGCS["WGS 84"]'), (4269, 'EPSG', 4269, 'undefined'),
  (3857, 'EPSG', 3857, 'PROJCS["WGS 84 / Pseudo-Mercator"]'),
  (2263, 'EPSG', 2263, 'PROJCS["New York Long Island",UNIT["US survey foot",1]]'),
  (0, 'NONE', 0, 'undefined'), (-1, 'NONE', -1, 'undefined');
"""
COLUMNS = ("FULLNAME", "L_F_ADD", "L_T_ADD", "R_F_ADD", "R_T_ADD")
Row = tuple[bytes | None, Sequence[object]]


def blob(wkt: str, *, flags: int = 0b0001, envelope: int = 0) -> bytes:
    shape: bytes = shapely.to_wkb(shapely.from_wkt(wkt))
    return b"GP\0" + bytes([flags]) + struct.pack("<i", 4326) + bytes(envelope) + shape


ELM: Row = (blob("MULTILINESTRING ((-44.95 30.05, -44.94 30.05))"), ("Elm St", 101, 199.0, "100", 198))


def geopackage(
    path: Path, rows: Iterable[Row], *, table: str = "streets", srs: int = 4326, columns: Sequence[str] = COLUMNS, kind: str = "features"
) -> Path:
    with sqlite3.connect(path) as database:
        if not database.execute("SELECT 1 FROM sqlite_master").fetchone():
            database.executescript(SCHEMA)
        database.execute("INSERT INTO gpkg_contents VALUES (?, ?, ?)", (table, kind, srs))
        shape = ["SHAPE BLOB"] if kind == "features" else []
        if shape:
            database.execute("INSERT INTO gpkg_geometry_columns VALUES (?, 'SHAPE', ?)", (table, srs))
        names = ", ".join(["fid INTEGER PRIMARY KEY", *shape, *(f'"{name}"' for name in columns)])
        quoted = table.replace('"', '""')
        database.execute(f'CREATE TABLE "{quoted}" ({names})')
        marks = ", ".join("?" * (1 + len(shape) + len(columns)))
        cells = [(None, *([row[0]] if shape else []), *row[1]) for row in rows]
        database.executemany(f'INSERT INTO "{quoted}" VALUES ({marks})', cells)  # noqa: S608  # the test's own names
    database.close()
    return path


def test_streets_of_a_geopackage_are_proposed_and_read(tmp_path: Path) -> None:
    path = geopackage(tmp_path / "town.gpkg", [ELM, (None, ("Oak St", 1, 9, 2, 8)), (b"x", ("Ivy St", 1, 9, 2, 8))])
    source = read_sources([path])
    [segment] = source.segments()
    assert (segment.name, segment.line) == ("Elm St", ((-44.95, 30.05), (-44.94, 30.05)))
    assert (segment.left_from, segment.left_to, segment.right_from, segment.right_to) == (101, 199, 100, 198)
    [report] = source.report.sources
    assert (report.file, report.read, report.left_out) == ("town.gpkg/streets", 3, {"no shape": 1})
    assert [(one.line, one.problem) for one in report.refusals] == [(3, "a geometry that cannot be read")]
    assert source.done == source.size
    assert not list(tmp_path.glob("*-*"))  # no journal, no lock


def test_every_layer_is_its_own_with_or_without_shapes(tmp_path: Path) -> None:
    path = geopackage(tmp_path / "town.gpkg", [ELM])
    geopackage(path, [(blob("POINT (-44.95 30.05)"), ("Willow Park",))], table='par"ks', columns=("name",))
    geopackage(path, [(None, ("Poplar Ave", "Hazel Ave"))], table="aliases", columns=("alias", "street"), kind="attributes")
    found = [(layer.name, one.kind) for layer, one in proposals(path)]
    assert found == [("town.gpkg/aliases", Kind.ALIAS), ('town.gpkg/par"ks', Kind.LANDMARK), ("town.gpkg/streets", Kind.STREET)]


@pytest.mark.parametrize("srs", [4269, 0])
def test_degrees_by_another_name_are_degrees(tmp_path: Path, srs: int) -> None:
    [segment] = read_sources([geopackage(tmp_path / "a.gpkg", [ELM], srs=srs)]).segments()
    assert segment.line[0] == (-44.95, 30.05)


def test_web_mercator_is_converted(tmp_path: Path) -> None:
    shape = blob("LINESTRING (-5003811.12 3510439.46, -5002697.93 3510439.46)")
    [segment] = read_sources([geopackage(tmp_path / "a.gpkg", [(shape, ELM[1])], srs=3857)]).segments()
    assert segment.line[0] == pytest.approx((-44.95, 30.05), abs=0.01)


@pytest.mark.parametrize(("srs", "told"), [(2263, "New York Long Island, in US survey foot"), (-1, "look like feet or metres")])
def test_a_state_plane_is_refused(tmp_path: Path, srs: int, told: str) -> None:
    shape = blob("LINESTRING (981234.5 200123.4, 981334.5 200123.4)")
    with pytest.raises(GeodataUnusable, match=told):
        read_sources([geopackage(tmp_path / "a.gpkg", [(shape, ELM[1])], srs=srs)])


@pytest.mark.parametrize(("flags", "envelope"), [(0b0001, 0), (0b0011, 32), (0b0101, 48), (0b0111, 48), (0b1001, 64)])
def test_the_envelope_before_a_shape_is_passed_over(flags: int, envelope: int) -> None:
    shape = shape_of_blob(blob("POLYGON Z ((0 0 9, 1 0 9, 1 1 9, 0 0 9))", flags=flags, envelope=envelope))
    assert shape is not None
    assert (shape.kind, shape.parts) == (ShapeKind.POLYGON, (((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 0.0)),))


@pytest.mark.parametrize("content", [b"", b"GP", b"GP\0\x0f" + bytes(99), b"GP\0\x01" + bytes(4) + b"\1\2", "text", 12])
def test_a_cell_that_is_no_shape_is_told(content: object) -> None:
    with pytest.raises(ShapeUnreadable):
        shape_of_blob(content)


def test_an_empty_shape_is_none() -> None:
    assert shape_of_blob(None) is shape_of_blob(blob("LINESTRING EMPTY")) is None


@pytest.mark.parametrize(
    "content", [b"", b"no database", bytes(5000), b"SQLite format 3\0" + bytes(100), gzip.compress(b"SQLite format 3\0", mtime=0)]
)
def test_a_file_that_is_no_geopackage_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.gpkg").write_bytes(content)
    with pytest.raises(GeodataUnusable, match=r"a\.gpkg is .*no GeoPackage"):
        layers_of(tmp_path / "a.gpkg")


def test_a_database_of_something_else_is_told(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "a.gpkg") as database:
        database.execute("CREATE TABLE streets (name TEXT)")
    database.close()
    with pytest.raises(GeodataUnusable, match="no GeoPackage"):
        layers_of(tmp_path / "a.gpkg")


def test_damaged_bytes_and_cut_files_end_in_rows_or_a_sentence(tmp_path: Path) -> None:
    whole = geopackage(tmp_path / "a.gpkg", [ELM] * 300).read_bytes()
    chance = random.Random(5)
    outcomes: set[bool | None] = set()
    for turn in range(120):
        content = bytearray(whole[: chance.randrange(len(whole))] if turn % 2 else whole)
        for _ in range(0 if turn % 2 else 20):
            content[chance.randrange(len(content))] = chance.randrange(256)
        (tmp_path / "b.gpkg").write_bytes(content)
        try:
            outcomes.add(sum(1 for layer in layers_of(tmp_path / "b.gpkg") for _ in layer.features()) > 0)
        except GeodataUnusable:
            outcomes.add(None)
    assert None in outcomes
    assert True in outcomes
