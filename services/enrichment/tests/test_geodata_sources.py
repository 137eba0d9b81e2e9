import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import shapefile

from spikewatch.enrichment.adapters.geodata.by_county import packed_by_county
from spikewatch.enrichment.adapters.geodata.column_map import ColumnMap, Kind, MapFile
from spikewatch.enrichment.adapters.geodata.county_codes import county_code
from spikewatch.enrichment.adapters.geodata.layer_records import split_address
from spikewatch.enrichment.adapters.geodata.mapped_rows import zip5
from spikewatch.enrichment.adapters.geodata.sources import Reading, SourceOptions, read_sources
from spikewatch.enrichment.adapters.geodata.unusable import GeodataUnusable
from spikewatch.enrichment.domain.geocoding import network
from spikewatch.enrichment.domain.geocoding.records import StreetSegment

STREETS = "FULLNAME,L_F_ADD,L_T_ADD,R_F_ADD,R_T_ADD,ZIP_L,ZIP_R,wkt\n"
LINE = '"LINESTRING (-44.95 30.05, -44.94 30.05)"'
TIGER = Path(__file__).parents[4] / "shared" / "data" / "geo" / "tiger" / "tl_2021_30059_addrfeat.shp"


def reading(folder: Path, text: str, name: str = "roads_2021.csv", **options: object) -> Reading:
    (folder / name).write_text(text, encoding="utf-8")
    return read_sources([folder / name], SourceOptions(**options))  # type: ignore[arg-type]


def segment(folder: Path, row: str, header: str = STREETS, **options: object) -> StreetSegment:
    [found] = reading(folder, header + row + "\n", **options).segments()
    return found


def test_a_segment_has_what_its_row_says(tmp_path: Path) -> None:
    found = segment(tmp_path, f"Elm St,101,199,100,198,99951,99952,{LINE}", county="99001", city="Westmark")
    assert found == StreetSegment(
        name="Elm St", line=((-44.95, 30.05), (-44.94, 30.05)), left_from=101, left_to=199, right_from=100, right_to=198, left_zip="99951",
        right_zip="99952", left_city="Westmark", right_city="Westmark", county="99001",
    )  # fmt: skip


def test_cells_that_say_in_words_that_they_are_empty_are_empty(tmp_path: Path) -> None:
    header = "Add_Number,St_PreDir,St_Name,St_PosTyp,Inc_Muni,Zip_Code,Latitude,Longitude\n"
    rows = "12,Not stated,Elm,Street,Unincorporated,<Null>,30.05,-44.95\n14,North,Elm,Street,Westmark,99951,30.06,-44.95\n"
    points = list(reading(tmp_path, header + rows, county="99001").points())
    assert [(one.street, one.city, one.zip5) for one in points] == [("Elm Street", "", ""), ("North Elm Street", "Westmark", "99951")]


def test_segments_share_the_texts_that_many_of_them_have(tmp_path: Path) -> None:
    header = "FULLNAME,L_F_ADD,L_T_ADD,R_F_ADD,R_T_ADD,ZIP_L,ZIP_R,CITY,wkt\n"
    first, second = reading(tmp_path, header + f"Elm St,101,199,100,198,99951,99951,Westmark,{LINE}\n" * 2).segments()
    for field in ("name", "left_zip", "right_zip", "left_city"):
        assert getattr(first, field) is getattr(second, field)


def test_lines_are_packed_in_the_memory_of_a_few(monkeypatch: pytest.MonkeyPatch) -> None:
    line = tuple((-44.95 + place * 0.0001, 30 + place % 2 * 0.0001) for place in range(8))
    segments = [StreetSegment("Elm St", tuple((lon + number * 0.001, lat) for lon, lat in line)) for number in range(1_000)]
    whole = network.network_arrays(segments)
    monkeypatch.setattr(network, "_AT_ONCE", 50)
    tracemalloc.start()
    try:
        batched = network.network_arrays(segments)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1_500 * len(segments)  # all at once take 2,600 bytes each
    assert all(np.array_equal(whole[name], batched[name]) for name in whole)


def test_the_report_counts_what_is_kept_left_out_and_refused(tmp_path: Path) -> None:
    rows = [f"Elm St,101,199,100,198,,,{LINE}", f",101,199,100,198,,,{LINE}", "Oak St,1,9,2,8,,,", "Oak St,1,9,2,8,,,LINESTRING (x)"]
    rows += [
        'Oak St,1,9,2,8,,,"LINESTRING (500 30, 501 30)"',
        'Ash St,1,9,2,8,,,"LINESTRING (-44 30, -44 30)"',
        f"Ivy St,1,9,2,8,,,{LINE},9",
    ]
    source = reading(tmp_path, STREETS + "\n".join(rows))
    assert [one.name for one in source.segments()] == ["Elm St"]
    [report] = source.report.sources
    assert (report.read, report.kept) == (7, 1)
    assert report.left_out == {"no name": 1, "no shape": 1, "a line without length": 1}
    refused = {"a geometry that cannot be read": 1, "a position that is nowhere on earth": 1, "more cells than the header has": 1}
    assert report.refused == refused
    assert [(one.line, bool(one.as_json()["expected"])) for one in report.refusals] == [(5, True), (6, True), (8, True)]
    assert source.vintages == [("roads_2021", "2021", "street", 1)]
    assert source.done == source.size
    assert "1 left out: no shape" in "\n".join(source.report.lines())
    assert source.report.as_json()[0]["refused"] == refused


@pytest.mark.parametrize(
    ("numbers", "sides"),
    [
        ("101,199,0,0", (101, 199, 0, 0)),
        ("199,101,198,100", (199, 101, 198, 100)),
        ("0,98,0,99", (2, 98, 1, 99)),
        ("101,,,198", (101, 101, 198, 198)),
        ("101.0,199.00,,", (101, 199, 0, 0)),
        ("12A,28 1/2,x,", (12, 28, 0, 0)),
    ],
)
def test_house_numbers_are_whole_numbers_and_a_missing_end_is_made_up_for(tmp_path: Path, numbers: str, sides: tuple[int, ...]) -> None:
    columns = {
        "name": "FULLNAME",
        "left_from": "L_F_ADD",
        "left_to": "L_T_ADD",
        "right_from": "R_F_ADD",
        "right_to": "R_T_ADD",
        "geometry": "wkt",
    }
    maps = MapFile([("*", ColumnMap(Kind.STREET, columns))])
    found = segment(tmp_path, f"Elm St,{numbers},,,{LINE}", maps=maps)
    assert (found.left_from, found.left_to, found.right_from, found.right_to) == sides


@pytest.mark.parametrize(
    ("numbers", "sides"),
    [("100,199", (100, 198, 101, 199)), ("199,100", (198, 100, 199, 101)), ("7,7", (0, 0, 7, 7)), ("0,0", (0, 0, 0, 0))],
)
def test_one_range_is_shared_out_to_even_and_odd(tmp_path: Path, numbers: str, sides: tuple[int, ...]) -> None:
    maps = MapFile([("*", ColumnMap(Kind.STREET, {"name": "STREET", "from": "LOW", "to": "HIGH", "geometry": "wkt"}))])
    found = segment(tmp_path, f"Elm St,{numbers},{LINE}", "STREET,LOW,HIGH,wkt\n", maps=maps)
    assert (found.left_from, found.left_to, found.right_from, found.right_to) == sides


def test_pieces_that_meet_are_one_line_and_of_others_the_longest_is_taken(tmp_path: Path) -> None:
    meeting = '"MULTILINESTRING ((-44.95 30.05, -44.94 30.05), (-44.94 30.05, -44.93 30.05))"'
    apart = '"MULTILINESTRING ((-44.95 30.05, -44.94 30.05), (-44.80 30.05, -44.60 30.05))"'
    source = reading(tmp_path, STREETS + f"Elm St,1,9,2,8,,,{meeting}\nOak St,1,9,2,8,,,{apart}\n")
    first, second = source.segments()
    assert first.line == ((-44.95, 30.05), (-44.94, 30.05), (-44.93, 30.05))
    assert second.line == ((-44.80, 30.05), (-44.60, 30.05))
    assert source.report.sources[0].notes == {"a line in pieces that do not meet: its longest is taken": 1}


def write_tiger(folder: Path) -> list[Path]:
    edges, names = folder / "tl_2021_99001_edges", folder / "tl_2021_99001_featnames"
    with shapefile.Writer(str(edges), shapeType=3) as writer:
        for column in ("TLID", "FULLNAME", "ROADFLG", "LFROMADD", "LTOADD", "RFROMADD", "RTOADD", "ZIPL", "ZIPR", "TNIDF", "TNIDT"):
            writer.field(column, "C", 20)
        for number, name, is_road in ((1, "Elm St", "Y"), (2, "Elm St", "Y"), (3, "Mill Creek", "N"), (4, "", "Y"), (5, "", "Y")):
            writer.line([[(-44.95 + number / 100, 30.05), (-44.94 + number / 100, 30.05)]])
            writer.record(str(number), name, is_road, "101", "199", "100", "198", "99951", "99951", str(number), str(number + 1))
    with shapefile.Writer(str(names), shapeType=0) as writer:
        writer.field("TLID", "N", 20)
        writer.field("FULLNAME", "C", 40)
        for number, name in ((1, "Elm St"), (1, "State Hwy 9"), (5, "County Rd 7"), (3, "Mill Crk")):
            writer.null()
            writer.record(number, name)
    (folder / "tl_2021_99001_featnames.shp").unlink()
    return [edges.with_suffix(".shp"), names.with_suffix(".dbf")]


def test_edges_get_their_further_names_and_only_roads_are_taken(tmp_path: Path) -> None:
    source = read_sources(write_tiger(tmp_path))
    found = [(one.name, round(one.line[0][0], 6), one.from_node, one.county) for one in source.segments()]
    assert found == [
        ("Elm St", -44.94, 1, "99001"),
        ("State Hwy 9", -44.94, 1, "99001"),
        ("Elm St", -44.93, 2, "99001"),
        ("County Rd 7", -44.9, 5, "99001"),
    ]
    edges, names = source.report.sources
    assert edges.left_out == {"no road": 1, "no name": 1}
    assert (edges.vintage.name, edges.vintage.date, edges.vintage.records) == ("TIGER/Line EDGES 99001", "2021", 4)
    assert names.kept == 4


def test_address_points_come_of_parts_and_of_whole_addresses(tmp_path: Path) -> None:
    (tmp_path / "nad.csv").write_text(
        "Add_Number,St_PreDir,St_Name,St_PosTyp,Zip_Code,Post_City,Longitude,Latitude\n12,N,Elm,St,99951,Westmark,-44.9,30.1\n"
        "12,N,Elm,St,99951,Westmark,-44.9,30.1\n0,N,Elm,St,99951,Westmark,-44.9,30.1\n14,N,Elm,St,99951,Westmark,x,30.1\n"
        + "12,N,Elm,St,99951,Westmark,-44.9,30.1\n"
        * 8
    )
    (tmp_path / "site.csv").write_text('address,lat,lon\n"14 1/2 Oak Ave, Apt 3",30.2,-44.8\n16 Oak Ave,30.2,-44.8\n')
    source = read_sources([tmp_path / "nad.csv", tmp_path / "site.csv"])
    found = [(one.number, one.street, one.lat, one.lon, one.zip5, one.city) for one in source.points()]
    assert found == [
        (12, "N Elm St", 30.1, -44.9, "99951", "Westmark"),
        (14, "Oak Ave", 30.2, -44.8, "", ""),
        (16, "Oak Ave", 30.2, -44.8, "", ""),
    ]
    nad = source.report.sources[0]
    assert (nad.notes, nad.left_out) == ({"the same address again": 9}, {"no house number": 1})
    assert nad.refused == {"a latitude or longitude that is no number": 1}


def test_lines_of_open_addresses_are_read(tmp_path: Path) -> None:
    properties = {
        "hash": "a1",
        "street": "ELM ST",
        "unit": "",
        "city": "WESTMARK",
        "district": "",
        "region": "",
        "postcode": "99951",
        "id": "",
    }
    geometry = {"type": "Point", "coordinates": [-44.9, 30.1]}
    rows = [{"type": "Feature", "properties": properties | {"number": str(number)}, "geometry": geometry} for number in (12, 14)]
    (tmp_path / "westmark-addresses-county.geojson").write_text("\n".join(map(json.dumps, rows)))
    source = read_sources([tmp_path / "westmark-addresses-county.geojson"])
    assert [(one.number, one.street, one.zip5) for one in source.points()] == [(12, "ELM ST", "99951"), (14, "ELM ST", "99951")]


@pytest.mark.parametrize(
    ("address", "parts"),
    [
        ("12 Elm St", (12, "Elm St")),
        ("12A Elm St, Apt 3", (12, "Elm St")),
        ("12-14 N Oak Ave #5", (12, "N Oak Ave")),
        ("1200 VAN NESS AVE STE 300", (1200, "VAN NESS AVE")),
        ("123 Fl Ave", (123, "Fl Ave")),
        ("Elm St", (0, "")),
        ("12", (0, "")),
        ("", (0, "")),
    ],
)
def test_a_whole_address_is_cut_into_number_and_street(address: str, parts: tuple[int, str]) -> None:
    assert split_address(address) == parts


def test_a_map_that_names_a_column_that_is_not_there_is_told(tmp_path: Path) -> None:
    maps = MapFile([("*", ColumnMap(Kind.STREET, {"name": "NAME", "geometry": "wkt"}))])
    with pytest.raises(GeodataUnusable, match="no column 'NAME'"):
        reading(tmp_path, STREETS + f"Elm St,1,9,2,8,,,{LINE}\n", maps=maps)


def test_files_that_are_skipped_leave_nothing_to_build_from(tmp_path: Path) -> None:
    with pytest.raises(GeodataUnusable, match="no file is left"):
        reading(tmp_path, STREETS + f"Elm St,1,9,2,8,,,{LINE}\n", kinds={"roads_2021.csv": Kind.SKIP})


def test_of_a_folder_what_is_nothing_that_is_known_is_passed_over_and_told(tmp_path: Path) -> None:
    (tmp_path / "streets.csv").write_text(STREETS + f"Elm St,1,9,2,8,,,{LINE}\n")
    (tmp_path / "budget.csv").write_text("year,sum\n2020,5\n")
    source = read_sources([tmp_path])
    assert [one.name for one in source.segments()] == ["Elm St"]
    assert [told.split()[0] for told in source.passed_over] == ["budget.csv"]
    with pytest.raises(GeodataUnusable, match=r"budget\.csv has neither shapes"):
        read_sources([tmp_path / "budget.csv"])


def test_each_county_gets_its_own_index_with_its_own_counts(tmp_path: Path) -> None:
    text = "FULLNAME,L_F_ADD,L_T_ADD,R_F_ADD,R_T_ADD,COUNTYFIPS,wkt\n"
    text += f"Elm St,101,199,100,198,99001,{LINE}\nOak St,101,199,100,198,99003,{LINE}\nAsh St,101,199,100,198,99003,{LINE}\n"
    packed = dict(packed_by_county(reading(tmp_path, text)))
    assert {code: one.facts["vintages"] for code, one in packed.items()} == {
        "99001": [["roads_2021", "2021", "street", 1]],
        "99003": [["roads_2021", "2021", "street", 2]],
    }


@pytest.mark.parametrize(
    ("text", "code"), [("99951", "99951"), ("99951-1234", "99951"), ("2139", "02139"), ("02139.0", "02139"), ("0", ""), ("ABC", "")]
)
def test_zip_codes_get_back_the_zeros_that_numbers_lose(text: str, code: str) -> None:
    assert zip5(text) == code


@pytest.mark.parametrize(
    ("county", "state", "code"),
    [
        ("39061", "", "39061"),
        ("6075", "", "06075"),
        ("061", "39", "39061"),
        ("61", "OH", "39061"),
        ("061", "", ""),
        ("Nowhere", "OH", ""),
        ("", "OH", ""),
    ],
)
def test_counties_are_known_by_their_codes(county: str, state: str, code: str) -> None:
    assert county_code(county, state) == code


def test_counties_are_known_by_their_names() -> None:
    pytest.importorskip("_plotly_geo", reason="needs the extra geography")
    assert [county_code(name, "OH") for name in ("Hamilton County", "HAMILTON")] == ["39061", "39061"]
    assert county_code("St. Mary's", "24") == "24037"


@pytest.mark.skipif(not TIGER.exists(), reason="the shared TIGER county is not there")
def test_a_whole_tiger_county_is_read() -> None:
    source = read_sources([TIGER])
    found = list(source.segments())
    assert (len(found), {one.county for one in found}) == (677, {"30059"})
    assert sum(bool(one.left_from) for one in found) > 300
    assert source.vintages[0] == ("TIGER/Line ADDRFEAT 30059", "2021", "street", 677)
