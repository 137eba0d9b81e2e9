import gzip
import json
import struct
import tracemalloc
import zipfile
from pathlib import Path

import pytest
import shapefile

from spikewatch.enrichment.adapters.geodata.layer import Layer, ShapeKind
from spikewatch.enrichment.adapters.geodata.layers import layers_of
from spikewatch.enrichment.adapters.geodata.shapefile_parts import encoding_of
from spikewatch.enrichment.adapters.geodata.unusable import GeodataUnusable

LINE = [(-44.95, 30.05), (-44.94, 30.051), (-44.93, 30.06)]
DEGREES = 'GEOGCS["GCS_WGS_1984",UNIT["Degree",0.0174532925199433]]'
HEADER = "street,number,lat,lon\n"


def one(path: Path) -> Layer:
    [layer] = layers_of(path)
    return layer


def write_lines(path: Path, names: list[str], encoding: str = "utf-8", kind: int = 3) -> Path:
    with shapefile.Writer(str(path), shapeType=kind, encoding=encoding) as writer:
        writer.field("FULLNAME", "C", 40)
        writer.field("LFROMHN", "N", 8)
        for number, name in enumerate(names):
            (writer.linez if kind == 13 else writer.line)([[(*point, 5.0) for point in LINE] if kind == 13 else LINE])
            writer.record(name, number)
    return path.with_suffix(".shp")


@pytest.mark.parametrize("kind", [3, 13], ids=["flat", "with heights"])
def test_a_shapefile_gives_its_rows_with_their_shapes(tmp_path: Path, kind: int) -> None:
    path = write_lines(tmp_path / "roads", ["Elm St", "Oak St"], kind=kind)
    path.with_suffix(".prj").write_text(DEGREES)
    layer = one(path)
    rows = list(layer.features())
    assert layer.columns == ("FULLNAME", "LFROMHN")
    assert [row.values for row in rows] == [("Elm St", "0"), ("Oak St", "1")]
    assert rows[1].shape == (ShapeKind.LINE, (tuple(LINE),))
    assert layer.reference == DEGREES
    assert layer.done == layer.size > 0


def test_polygons_keep_their_rings_and_points_are_points(tmp_path: Path) -> None:
    with shapefile.Writer(str(tmp_path / "areas"), shapeType=5) as writer:
        writer.field("NAME", "C", 10)
        writer.poly([[(0, 0), (0, 3), (3, 3), (3, 0), (0, 0)], [(1, 1), (2, 1), (2, 2), (1, 2), (1, 1)]])
        writer.record("A")
        writer.null()
        writer.record("B")
    with shapefile.Writer(str(tmp_path / "points"), shapeType=1) as writer:
        writer.field("NAME", "C", 10)
        writer.point(1.5, 2.5)
        writer.record("P")
    areas, points = layers_of(tmp_path)
    first, second = areas.features()
    assert first.shape is not None
    assert (first.shape.kind, [len(ring) for ring in first.shape.parts]) == (ShapeKind.POLYGON, [5, 5])
    assert second.shape is None
    assert [row.shape for row in points.features()] == [(ShapeKind.POINT, (((1.5, 2.5),),))]


def test_a_zip_is_read_where_it_lies_with_capital_endings_too(tmp_path: Path) -> None:
    write_lines(tmp_path / "roads", ["Elm St"])
    with zipfile.ZipFile(tmp_path / "roads.zip", "w") as archive:
        for ending in (".shp", ".dbf", ".shx"):
            archive.write(tmp_path / f"roads{ending}", f"county/ROADS{ending.upper()}")
        archive.writestr("__MACOSX/._ROADS.SHP", b"x")
        archive.writestr("county/licence.txt", "use it")
    layer = one(tmp_path / "roads.zip")
    assert layer.name == "roads.zip/county/ROADS.SHP"
    assert [row.values[0] for row in layer.features()] == ["Elm St"]


@pytest.mark.parametrize(("encoding", "told"), [("cp1252", None), ("utf-8", "UTF-8"), ("cp1252", "ANSI 1252"), ("iso8859-1", "88591")])
def test_names_keep_their_letters_in_any_encoding(tmp_path: Path, encoding: str, told: str | None) -> None:
    path = write_lines(tmp_path / "calles", ["Calle Peña", "Elm St"], encoding)
    if told:
        path.with_suffix(".cpg").write_text(told)
    else:
        path.with_suffix(".cpg").unlink(missing_ok=True)
    assert [row.values[0] for row in one(path).features()] == ["Calle Peña", "Elm St"]


def test_an_encoding_that_nobody_knows_is_read_as_utf_8() -> None:
    assert [encoding_of(told) for told in ("", "Martian", "UTF-16", "idna", "utf8", "1252", "ISO-8859-15")] == [
        "utf-8",
        "utf-8",
        "utf-8",
        "utf-8",
        "utf8",
        "cp1252",
        "iso8859-15",
    ]


def test_a_deleted_row_goes_with_its_shape(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "roads", ["Elm St", "Oak St"])
    table = bytearray(path.with_suffix(".dbf").read_bytes())
    (start,) = struct.unpack_from("<H", table, 8)
    table[start] = 0x2A
    path.with_suffix(".dbf").write_bytes(table)
    assert [row.values[0] for row in one(path).features()] == ["Oak St"]


@pytest.mark.parametrize(
    ("part", "content", "told"),
    [
        (".dbf", None, "lacks its .dbf"),
        (".dbf", b"", "is empty"),
        (".dbf", b"\0" * 20, "cut short"),
        (".dbf", b"\0" * 400, "no dBASE table"),
        (".shp", b"", "is empty"),
        (".shp", b"text, not shapes " * 20, "is no .shp"),
    ],
)
def test_a_broken_shapefile_is_told_in_a_sentence(tmp_path: Path, part: str, content: bytes | None, told: str) -> None:
    path = write_lines(tmp_path / "roads", ["Elm St"])
    if content is None:
        path.with_suffix(part).unlink()
    else:
        path.with_suffix(part).write_bytes(content)
    with pytest.raises(GeodataUnusable, match=told):
        list(one(path).features())


@pytest.mark.parametrize("part", [".shp", ".dbf"])
def test_every_truncation_of_a_shapefile_is_told(tmp_path: Path, part: str) -> None:
    path = write_lines(tmp_path / "roads", ["Elm St", "Oak St"])
    whole = path.with_suffix(part).read_bytes().rstrip(b"\x1a")
    for length in range(0, len(whole), 7):
        path.with_suffix(part).write_bytes(whole[:length])
        with pytest.raises(GeodataUnusable):
            list(one(path).features())


def test_damaged_bytes_never_end_in_anything_but_rows_or_a_sentence(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "roads", ["Elm St", "Oak St"])
    whole = path.read_bytes()
    for place in range(100, len(whole), 3):
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        path.write_bytes(damaged)
        try:
            list(one(path).features())
        except GeodataUnusable as error:
            assert "roads.shp" in str(error)  # noqa: PT017  # rows are as good an end


@pytest.mark.parametrize("words", [0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFC, 0xFFFFFFFF], ids=hex)
def test_a_hostile_length_is_told_without_taking_memory(tmp_path: Path, words: int) -> None:
    path = write_lines(tmp_path / "roads", ["Elm St"] * 100)
    damaged = bytearray(path.read_bytes())
    struct.pack_into(">I", damaged, 104, words)
    path.write_bytes(damaged)
    tracemalloc.start()
    try:
        with pytest.raises(GeodataUnusable, match="cut short or damaged"):
            list(one(path).features())
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_parts_that_overlap_are_told_before_they_multiply(tmp_path: Path) -> None:
    with shapefile.Writer(str(tmp_path / "roads"), shapeType=3) as writer:
        writer.field("NAME", "C", 10)
        writer.line([LINE] * 4)
        writer.record("A")
    damaged = bytearray((tmp_path / "roads.shp").read_bytes())
    struct.pack_into("<4i", damaged, 152, 0, 12, 0, 12)
    (tmp_path / "roads.shp").write_bytes(damaged)
    with pytest.raises(GeodataUnusable, match="cut short or damaged"):
        list(one(tmp_path / "roads.shp").features())


def test_a_shape_without_positions_is_an_empty_one(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "roads", ["Elm St"])
    head = bytearray(path.read_bytes()[:100])
    content = struct.pack("<I4dII", 3, 0, 0, 0, 0, 0, 0)
    struct.pack_into(">I", head, 24, (108 + len(content)) // 2)
    path.write_bytes(head + struct.pack(">II", 1, len(content) // 2) + content)
    assert [row.shape for row in one(path).features()] == [None]


def test_shapes_of_another_kind_are_told(tmp_path: Path) -> None:
    with shapefile.Writer(str(tmp_path / "roofs"), shapeType=31) as writer:
        writer.field("NAME", "C", 10)
        writer.multipatch([[(0, 0, 1), (0, 1, 1), (1, 1, 1)]], [0])
        writer.record("A")
    with pytest.raises(GeodataUnusable, match="neither points, lines nor polygons"):
        list(one(tmp_path / "roofs.shp").features())


@pytest.mark.parametrize("written", [b"00012", b"1e999", b"*****", b"  7.0"])
def test_a_number_stays_the_text_that_it_is_written_in(tmp_path: Path, written: bytes) -> None:
    path = write_lines(tmp_path / "roads", ["Elm St"])
    table = path.with_suffix(".dbf").read_bytes().rstrip(b"\x1a")
    path.with_suffix(".dbf").write_bytes(table[:-5] + written)
    assert [row.values[1] for row in one(path).features()] == [written.decode().strip()]


def test_a_table_whose_rows_are_wider_than_its_columns_is_told(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "roads", ["Elm St"] * 3)
    table = bytearray(path.with_suffix(".dbf").read_bytes())
    table[10] += 1
    path.with_suffix(".dbf").write_bytes(table)
    with pytest.raises(GeodataUnusable, match="head is damaged"):
        one(path)


def test_a_long_shapefile_takes_no_more_memory_than_a_short_one(tmp_path: Path) -> None:
    def peak(rows: int) -> int:
        path = write_lines(tmp_path / f"roads{rows}", ["Elm St"] * rows)
        path.with_suffix(".shx").unlink()  # nothing needs it
        tracemalloc.start()
        try:
            assert sum(1 for _ in one(path).features()) == rows
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    # Held, the further rows would take two megabytes; what waits for the collector varies by a tenth of that.
    assert peak(4000) < peak(500) + 600_000


def test_a_zip_with_a_member_without_a_name_is_read_past_it(tmp_path: Path) -> None:
    write_lines(tmp_path / "roads", ["Elm St"])
    with zipfile.ZipFile(tmp_path / "roads.zip", "w") as archive:
        archive.writestr("x", b"")
        for ending in (".shp", ".dbf"):
            archive.write(tmp_path / f"roads{ending}", f"roads{ending}")
    # No name of a member may be empty, and zipfile writes none.
    damaged = bytearray((tmp_path / "roads.zip").read_bytes())
    listed = damaged.index(b"PK\x01\x02")
    damaged[listed + 28 : listed + 34] = struct.pack("<HHH", 0, 0, 1)  # what was the name is a remark now
    (tmp_path / "roads.zip").write_bytes(damaged)
    assert [row.values[0] for row in one(tmp_path / "roads.zip").features()] == ["Elm St"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", HEADER.encode() + b"Elm St,12,30.05,-44.95\n"),
        ("a.csv.gz", gzip.compress(HEADER.encode() + b"Elm St,12,30.05,-44.95\n", mtime=0)),
        ("a.csv", b"\xef\xbb\xbf" + HEADER.encode() + b"Elm St,12,30.05,-44.95\r\n\r\n,,,\n"),
        ("a.tsv", b"street\tnumber\tlat\tlon\nElm St\t12\t30.05\t-44.95\n"),
        ("a.csv", b'street;number;lat;lon\n"Elm St";12;30.05;-44.95'),
        ("a.txt", b"street|number|lat|lon\nElm St|12|30.05|-44.95\n"),
        ("a.csv", (HEADER + "Elm St,12,30.05,-44.95\n").encode("utf-16")),
    ],
)  # fmt: skip
def test_tables_are_read_with_any_delimiter_and_encoding(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    layer = one(tmp_path / name)
    assert layer.columns == ("street", "number", "lat", "lon")
    assert [(row.row, row.values) for row in layer.features()] == [(2, ("Elm St", "12", "30.05", "-44.95"))]


def test_a_row_with_too_many_cells_is_told_and_a_short_one_is_filled(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(HEADER + "Elm St,12,30,-44,x\nOak St\n")
    assert [(row.problem, row.values[0]) for row in one(tmp_path / "a.csv").features()] == [
        ("more cells than the header has", ""),
        ("", "Oak St"),
    ]


def test_a_windows_1252_table_keeps_its_letters(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes((HEADER + "Calle Peña,12,30,-44\n").encode("cp1252"))
    assert next(iter(one(tmp_path / "a.csv").features())).values[0] == "Calle Peña"


def test_a_table_of_a_thousand_columns_and_a_cell_of_a_megabyte_are_read(tmp_path: Path) -> None:
    header = ",".join(f"c{number}" for number in range(1000))
    (tmp_path / "a.csv").write_text(f"{header}\n{'x' * 1_000_000}{',1' * 999}\n")
    layer = one(tmp_path / "a.csv")
    [row] = layer.features()
    assert (len(layer.columns), len(row.values[0]), row.values[999]) == (1000, 1_000_000, "1")


PROPERTIES = {"street": "Elm St", "number": 12, "unit": None, "old": True}
FEATURE = {"type": "Feature", "properties": PROPERTIES, "geometry": {"type": "Point", "coordinates": [-44.95, 30.05]}}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.geojson", json.dumps({"type": "FeatureCollection", "features": [FEATURE] * 3})),
        ("a.json", json.dumps({"features": [FEATURE] * 3}, indent=2)),
        ("a.geojsonl", "\n".join([json.dumps(FEATURE)] * 3)),
        ("a.geojsonseq", "".join("\x1e" + json.dumps(FEATURE) + "\n" for _ in range(3))),
    ],
)
def test_geojson_is_read_whole_or_line_by_line(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    layer = one(tmp_path / name)
    assert layer.columns == ("street", "number", "unit", "old")
    assert [(row.values, row.shape) for row in layer.features()] == [
        (("Elm St", "12", "", "Y"), (ShapeKind.POINT, (((-44.95, 30.05),),)))
    ] * 3


def test_a_long_collection_is_cut_feature_by_feature(tmp_path: Path) -> None:
    ring = [[number / 1000, number / 1000] for number in range(40_000)]
    long = {"type": "Feature", "properties": {"name": "long"}, "geometry": {"type": "LineString", "coordinates": ring}}
    (tmp_path / "a.geojson").write_text(json.dumps({"features": [long, *[FEATURE] * 5000, long]}))
    rows = list(one(tmp_path / "a.geojson").features())
    assert len(rows) == 5002
    assert rows[0].shape == rows[-1].shape
    assert rows[0].shape is not None
    assert len(rows[0].shape.parts[0]) == 40_000


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"features": [' + json.dumps(FEATURE) + ", ", "breaks off"),
        ('{"features": [' + json.dumps(FEATURE)[:-9], "breaks off"),
        ("[1, 2]", "no GeoJSON feature"),
        ("not json at all", "no GeoJSON feature"),
        ('{"features": []}', "no GeoJSON feature"),
        ("  \n", "is empty"),
    ],
)
def test_broken_geojson_is_told_in_a_sentence(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "a.geojson").write_text(text)
    with pytest.raises(GeodataUnusable, match=told):
        list(one(tmp_path / "a.geojson").features())


def test_a_geometry_that_is_none_is_the_rows_problem_alone(tmp_path: Path) -> None:
    broken = [
        {"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": ["a", "b"]}},
        {"type": "Feature", "properties": {}, "geometry": {"type": "GeometryCollection", "geometries": [], "coordinates": [1]}},
        {"type": "Feature", "properties": {}, "geometry": {"type": "LineString", "coordinates": [1, 2]}},
        "text",
    ]
    (tmp_path / "a.geojson").write_text(json.dumps({"features": [*broken, FEATURE]}))
    assert [bool(row.problem) for row in one(tmp_path / "a.geojson").features()] == [True] * 4 + [False]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.csv", b"", "is empty"),
        ("a.csv", b"\n\n", "is empty"),
        ("a.csv", b"PK\0\0\0\0", "is no text"),
        ("a.csv", b"one\n1\n", "header of 1 columns"),
        ("a.csv.gz", gzip.compress(b"a,b\n" * 9, mtime=0)[:-12], "breaks off or is damaged"),
        ("a.xlsx", b"x", "ending .xlsx"),
        ("a.zip", b"PK\x05\x06" + b"\0" * 18, "holds no file"),
    ],
)
def test_a_file_that_is_nothing_is_told_in_a_sentence(tmp_path: Path, name: str, content: bytes, told: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(GeodataUnusable, match=told):
        list(one(tmp_path / name).features())


def test_a_path_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(GeodataUnusable, match="does not exist"):
        layers_of(tmp_path / "none.csv")
