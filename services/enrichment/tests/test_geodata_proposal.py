import csv
import json
from pathlib import Path

import pytest

from spikewatch.enrichment.adapters.geodata.column_map import ColumnMap, Kind, map_text, read_map_file
from spikewatch.enrichment.adapters.geodata.column_words import end_of_range, side_besides
from spikewatch.enrichment.adapters.geodata.sources import SourceOptions, proposals
from spikewatch.enrichment.adapters.geodata.unusable import GeodataUnusable

# What each word of a layout stands for in four invented rows.
VALUES = {
    "full": ("Elm St", "N Oak Ave", "State Hwy 9", "12th St"),
    "base": ("Elm", "Oak", "State Hwy 9", "12th"),
    "type": ("St", "Ave", "", "St"),
    "pre": ("", "N", "", ""),
    "none": ("", "", "", ""),
    "lf": ("101", "201", "301", "0"),
    "lt": ("199", "299", "399", "0"),
    "rf": ("100", "200", "300", "0"),
    "rt": ("198", "298", "398", "0"),
    "zip": ("99951", "99952", "99951", "99951"),
    "city": ("Westmark", "Westmark", "Eastmark", "Westmark"),
    "fips": ("99001", "99001", "99001", "99001"),
    "id": ("7001", "7002", "7003", "7004"),
    "f": ("1", "2", "2", "3"),
    "t": ("2", "3", "1", "4"),
    "class": ("S1400", "S1400", "S1200", "S1400"),
    "parity": ("O", "O", "O", ""),
    "flag": ("Y", "Y", "Y", "N"),
    "cross": ("Ash St", "Fir St", "Ivy St", "Fig St"),
    "sid": ("11234", "25567", "3345", "99821"),
    "house": ("12", "14A", "16", "120"),
    "address": ("12 Elm St", "14 N Oak Ave Apt 3", "16 State Hwy 9", "120 12th St"),
    "lat": ("30.051", "30.052", "30.053", "30.054"),
    "lon": ("-44.951", "-44.952", "-44.953", "-44.954"),
    "feet": ("6001234.5", "6001334.5", "6001434.5", "6001534.5"),
    "name": ("Willow Park", "Harbor Clinic", "Old Mill", "North Pier"),
    "line": tuple(f"LINESTRING (-44.95{a} 30.05, -44.95{b} 30.05)" for a, b in ((1, 2), (2, 3), (2, 1), (3, 4))),
    "point": tuple(f"POINT (-44.95{a} 30.05)" for a in range(4)),
}
STREETS = {
    "tiger addrfeat": "TLID:id FULLNAME:full LFROMHN:lf LTOHN:lt RFROMHN:rf RTOHN:rt ZIPL:zip ZIPR:zip EDGE_MTFCC:class "
    "PARITYL:parity LFROMTYP:none the_geom:line",
    "arcgis": "OBJECTID:id FULLNAME:full L_F_ADD:lf L_T_ADD:lt R_F_ADD:rf R_T_ADD:rt ZIP_LEFT:zip ZIP_RIGHT:zip CLASS:class wkt:line",
    "parts": "L_F_ADD:lf L_T_ADD:lt R_F_ADD:rf R_T_ADD:rt PRE_DIR:pre STREET_NAM:base STREET_TYP:type SUF_DIR:none ZIP5:zip SHAPE:line",
    "next generation 911": "FromAddr_L:lf ToAddr_L:lt FromAddr_R:rf ToAddr_R:rt St_PreDir:pre St_Name:base St_PosTyp:type Parity_L:parity "
    "PostCode_L:zip PostCode_R:zip PostComm_L:city PostComm_R:city geom:line",
    "socrata": "cnn:id street:base st_type:type lf_fadd:lf lf_toadd:lt rt_fadd:rf rt_toadd:rt zip_code:zip f_node_cnn:id line:line",
    "low and high": "RoadName:full LLO:lf LHI:lt RLO:rf RHI:rt LZIP:zip RZIP:zip WKT:line",
    "angeles": "STNAME:base STSFX:type TDIR:pre ADLF:lf ADLT:lt ADRF:rf ADRT:rt ZIP_L:zip ZIP_R:zip INT_ID_FROM:f INT_ID_TO:t wkt:line",
    "esri old": "FENAME:base FETYPE:type FEDIRP:pre FRADDL:lf TOADDL:lt FRADDR:rf TOADDR:rt ZIPL:zip ZIPR:zip "
    "CITYL:city CITYR:city wkt:line",
    "numbered streets": "STREETNAME:sid STREET_NAM:base STREET_TYP:type PRE_DIR:pre L_F_ADD:lf L_T_ADD:lt R_F_ADD:rf R_T_ADD:rt L_ZIP:zip "
    "R_ZIP:zip F_CROSS:cross T_CROSS:cross FNODE_ID:f TNODE_ID:t the_geom:line",
    "quadrants": "STREETNAME:base STREETTYPE:type FROMADDRESSLEFTTHEO:lf TOADDRESSLEFTTHEO:lt FROMADDRESSRIGHTTHEO:rf "
    "TOADDRESSRIGHTTHEO:rt geom:line",
    "reference ends": "ST_NAME:full ST_NM_PREF:pre ST_TYP_AFT:type L_REFADDR:lf L_NREFADDR:lt R_REFADDR:rf R_NREFADDR:rt L_POSTCODE:zip "
    "R_POSTCODE:zip REF_IN_ID:f NREF_IN_ID:t geom:line",
    "house numbers": "ST_LABEL:full ST_NAME:base POST_TYPE:type L_LOW_HN:lf L_HIGH_HN:lt R_LOW_HN:rf R_HIGH_HN:rt the_geom:line",
    "words": "Full Street Name:full Left From Address:lf Left To Address:lt Right From Address:rf Right To Address:rt wkt:line",
    "adrs": "ORD_STNAME_CONCAT:full L_ADRS_FROM:lf L_ADRS_TO:lt R_ADRS_FROM:rf R_ADRS_TO:rt L_ZIP:zip R_ZIP:zip wkt:line",
}


def file(folder: Path, layout: str, name: str = "file.csv") -> Path:
    pairs = [pair.rpartition(":") for pair in layout.split()]
    if any(not mark for _, mark, _ in pairs):  # names with blanks
        pairs = [part.strip().rpartition(":") for part in layout.replace(":", ": ").split(": ") if part.strip()]
    with (folder / name).open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        rows.writerow([column for column, _, _ in pairs])
        rows.writerows(zip(*(VALUES[word] for _, _, word in pairs), strict=True))
    return folder / name


def proposed(path: Path, kind: Kind | None = None) -> ColumnMap:
    [(_, found)] = proposals(path, SourceOptions(kinds={path.name: kind} if kind else {}))
    return found


def words(layout: str) -> dict[str, str]:
    return {word: column for column, word in (pair.split(":") for pair in layout.split())}


@pytest.mark.parametrize("layout", [name for name in STREETS if name != "words"])
def test_streets_are_known_in_the_layout_of(tmp_path: Path, layout: str) -> None:
    found = proposed(file(tmp_path, STREETS[layout]))
    column = words(STREETS[layout])
    assert found.kind is Kind.STREET
    assert found.sure >= 0.9
    ends = {"left_from": "lf", "left_to": "lt", "right_from": "rf", "right_to": "rt"}
    assert {field: found.columns[field] for field in ends} == {field: column[word] for field, word in ends.items()}
    assert found.columns["name"] == column.get("full", column.get("base"))
    # A whole name has them already.
    assert found.columns.get("type") == (None if "full" in column else column.get("type"))
    assert found.columns.get("pre_direction") == (None if "full" in column else column.get("pre"))
    assert ("left_zip" in found.columns) == (STREETS[layout].count(":zip") == 2)
    assert ("zip" in found.columns) == (STREETS[layout].count(":zip") == 1)
    assert ("left_city" in found.columns) == (":city" in STREETS[layout])
    assert ("from_node" in found.columns) == (":t " in STREETS[layout])


def test_names_with_blanks_are_read(tmp_path: Path) -> None:
    header = "Full Street Name,Left From Address,Left To Address,Right From Address,Right To Address,wkt\n"
    (tmp_path / "a.csv").write_text(header + 'Elm St,101,199,100,198,"LINESTRING (-44 30, -44 31)"\n')
    found = proposed(tmp_path / "a.csv")
    assert found.columns["left_from"] == "Left From Address"
    assert found.columns["name"] == "Full Street Name"


def test_crossings_that_are_not_where_their_numbers_say_are_not_taken(tmp_path: Path) -> None:
    found = proposed(file(tmp_path, "FULLNAME:full LF:lf LT:lt RF:rf RT:rt F_NODE:t T_NODE:f wkt:line"))
    assert found.columns["left_from"] == "LF"
    assert "from_node" not in found.columns


def test_one_range_for_both_sides_is_taken_as_that(tmp_path: Path) -> None:
    found = proposed(file(tmp_path, "STREETNAME:full FROM_ADDR:rf TO_ADDR:rt wkt:line"))
    assert {field: found.columns.get(field) for field in ("from", "to", "right_from")} == {
        "from": "FROM_ADDR",
        "to": "TO_ADDR",
        "right_from": None,
    }


@pytest.mark.parametrize(
    ("layout", "columns"),
    [
        # The side of the city on which a block lies, or where its traffic goes, is no part of the street's name.
        (("STREET_NAM:base STREET_TYP:type PRE_DIR:pre SUF_DIR:none EWNS_DIR:side ONEWAY_DIR:side L_F_ADD:lf L_T_ADD:lt R_F_ADD:rf "
         "R_T_ADD:rt L_FIPS:placefips R_FIPS:placefips the_geom:line"),
         "name:STREET_NAM type:STREET_TYP pre_direction:PRE_DIR post_direction:SUF_DIR"),
        ("RD30PRED:pre RD30SFX:type RD30FULL:full LLOWADDR:lf LHIGHADDR:lt RLOWADDR:rf RHIGHADDR:rt wkt:line", "name:RD30FULL"),
        ("ST_CONCAT:full FROMADDR_L:lf TOADDR_L:lt FROMADDR_R:rf TOADDR_R:rt CO_CODE_L:fips CO_CODE_R:fips wkt:line",
         "name:ST_CONCAT county:CO_CODE_L"),
        (("CompleteStreetName:full LeftFromAddress:lf LeftToAddress:lt RightFromAddress:rf RightToAddress:rt LeftCityTown:city "
         "RightCityTown:city LeftCounty:name wkt:line"),
         "name:CompleteStreetName left_city:LeftCityTown right_city:RightCityTown county:LeftCounty"),
    ],
)  # fmt: skip
def test_of_streets_the_columns_beside_the_numbers_are_right(
    tmp_path: Path, layout: str, columns: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(VALUES, "side", ("N", "S", "N", "E"))
    monkeypatch.setitem(VALUES, "placefips", ("14000", "14000", "14000", "14000"))
    found = proposed(file(tmp_path, layout)).columns
    besides = {
        field: column for field, column in found.items() if field not in {"left_from", "left_to", "right_from", "right_to", "geometry"}
    }
    assert besides == dict(pair.split(":") for pair in columns.split())


@pytest.mark.parametrize(
    ("layout", "kind", "columns"),
    [
        ("LON:lon LAT:lat NUMBER:house STREET:full UNIT:none CITY:city POSTCODE:zip ID:id", Kind.POINT,
         "number:NUMBER name:STREET zip:POSTCODE city:CITY lat:LAT lon:LON"),
        (
            "OID_:id Add_Number:house St_PreDir:pre St_Name:base St_PosTyp:type Post_City:city Zip_Code:zip Longitude:lon Latitude:lat",
            Kind.POINT,
            "number:Add_Number name:St_Name type:St_PosTyp pre_direction:St_PreDir zip:Zip_Code city:Post_City lat:Latitude lon:Longitude",
        ),
        ("SITEADDR:address ZIPCODE:zip the_geom:point", Kind.POINT, "address:SITEADDR zip:ZIPCODE geometry:the_geom"),
        ("ADDRNUM:house FULLNAME:full X:lon Y:lat", Kind.POINT, "number:ADDRNUM name:FULLNAME lat:Y lon:X"),
        ("X_COORD:feet Y_COORD:feet address:address longitude:lon latitude:lat", Kind.POINT, "address:address lat:latitude lon:longitude"),
        (("OWNER_NAME:name PHYSICAL_ADDRESS:address PHYSICAL_STREET_NUM:house PHYSICAL_STREET_DIR:pre PHYSICAL_STREET_NAME:base "
         "PHYSICAL_STREET_TYPE:type PHYSICAL_CITY:city PHYSICAL_ZIP:zip MAIL_ADDRESS:address MAIL_CITY:city MAIL_ZIP:zip LAT:lat LON:lon"),
         Kind.POINT, ("number:PHYSICAL_STREET_NUM name:PHYSICAL_STREET_NAME type:PHYSICAL_STREET_TYPE pre_direction:PHYSICAL_STREET_DIR "
         "zip:PHYSICAL_ZIP city:PHYSICAL_CITY lat:LAT lon:LON")),
        ("HOUSE:house FULLADD:address MAIL_CITY:city LAT:lat LON:lon", Kind.POINT, "address:FULLADD city:MAIL_CITY lat:LAT lon:LON"),
        ("Numb:house PreDir:pre StreetName:base PostType:type LegalComm:city Lat:lat Lon:lon", Kind.POINT,
         "number:Numb name:StreetName type:PostType pre_direction:PreDir city:LegalComm lat:Lat lon:Lon"),
        ("ANUMBER:house ST_NAME:base ST_POS_TYP:type ST_PRE_DIR:unsaid LATITUDE:lat LONGITUDE:lon", Kind.POINT,
         "number:ANUMBER name:ST_NAME type:ST_POS_TYP pre_direction:ST_PRE_DIR lat:LATITUDE lon:LONGITUDE"),
        ("ADDRNOCOM:house STNAMEPRD:pre STNAME:base STNAMEPOT:type LAT:lat LONG:lon", Kind.POINT,
         "number:ADDRNOCOM name:STNAME type:STNAMEPOT pre_direction:STNAMEPRD lat:LAT lon:LONG"),
        ("name:name latitude:lat longitude:lon", Kind.LANDMARK, "name:name lat:latitude lon:longitude"),
        ("feature_name:name prim_lat_dec:lat prim_long_dec:lon", Kind.LANDMARK, "name:feature_name lat:prim_lat_dec lon:prim_long_dec"),
        ("alias:name street:full", Kind.ALIAS, "alias:alias name:street"),
        ("TLID:id FULLNAME:full PAFLAG:flag", Kind.NAMES, "edge:TLID name:FULLNAME"),
        ("zip:id5 lat:lat lng:lon", Kind.ZIP, "name:zip lat:lat lon:lng"),
        ("county:name fips:fips5 lat:lat lon:lon", Kind.COUNTY, "name:county code:fips lat:lat lon:lon"),
    ],
)  # fmt: skip
def test_points_places_and_tables_are_known(tmp_path: Path, layout: str, kind: Kind, columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(VALUES, "unsaid", ("Not stated", "North", "<Null>", "Not stated"))
    monkeypatch.setitem(VALUES, "id5", ("99951", "99952", "99953", "99954"))
    monkeypatch.setitem(VALUES, "fips5", ("99001", "99003", "99005", "99007"))
    found = proposed(file(tmp_path, layout))
    assert (found.kind, dict(found.columns)) == (kind, dict(pair.split(":") for pair in columns.split()))


@pytest.mark.parametrize(
    ("properties", "kind"),
    [
        ({"ZCTA5CE20": "99951", "GEOID20": "99951"}, Kind.ZIP),
        ({"STATEFP": "99", "COUNTYFP": "001", "GEOID": "99001", "NAME": "Cedar"}, Kind.COUNTY),
        ({"STATEFP": "99", "PLACEFP": "12345", "GEOID": "9912345", "NAME": "Westmark"}, Kind.CITY),
        ({"STATEFP": "99", "COUNTYFP": "001", "COUSUBFP": "01234", "NAME": "Alder"}, Kind.CITY),
        ({"name": "Old Mill"}, Kind.LANDMARK),
        ({"addr_num": "12", "street": "Elm St"}, Kind.POINT),
    ],
)
def test_outlines_are_known_by_their_codes(tmp_path: Path, properties: dict[str, str], kind: Kind) -> None:
    ring = [[-44.9, 30.0], [-44.8, 30.0], [-44.8, 30.1], [-44.9, 30.0]]
    feature = {"type": "Feature", "properties": properties, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    (tmp_path / "areas.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    assert proposed(tmp_path / "areas.geojson").kind is kind


def test_what_people_say_a_file_is_outranks_the_proposal(tmp_path: Path) -> None:
    found = proposed(file(tmp_path, "name:name latitude:lat longitude:lon"), Kind.CITY)
    assert (found.kind, found.columns["name"]) == (Kind.CITY, "name")


@pytest.mark.parametrize(
    ("layout", "told"),
    [
        ("a:name b:name", "neither shapes, nor columns of latitude"),
        ("a:id wkt:line", "no column with the name of a street"),
        ("a:id latitude:lat longitude:lon", "no column with names"),
    ],
)
def test_what_is_nothing_that_is_known_is_told(tmp_path: Path, layout: str, told: str) -> None:
    with pytest.raises(GeodataUnusable, match=told):
        proposed(file(tmp_path, layout))


def test_of_a_folder_what_is_nothing_that_is_known_is_proposed_to_be_skipped(tmp_path: Path) -> None:
    file(tmp_path, STREETS["arcgis"], "a.csv")
    file(tmp_path, "a:name b:name", "b.csv")
    (_, street), (_, nothing) = proposals(tmp_path)
    assert (street.kind, nothing.kind, nothing.sure) == (Kind.STREET, Kind.SKIP, 0)
    assert "neither shapes" in map_text("b.csv", nothing)


def test_a_proposed_map_can_be_written_and_read_again(tmp_path: Path) -> None:
    path = file(tmp_path, STREETS["arcgis"])
    found = proposed(path)
    (tmp_path / "map.yaml").write_text("files:\n" + map_text(path.name, found), encoding="utf-8")
    [(pattern, read)] = read_map_file(tmp_path / "map.yaml").entries
    assert (pattern, read.kind, read.columns) == (path.name, found.kind, found.columns)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("files: [", "no YAML"),
        ("- a", "no list under files"),
        ("files: []", "no list under files"),
        ("files:\n- kind: street", "entry 1 lacks file or kind"),
        ("files:\n- {file: a, kind: road}", "kind is not known"),
        ("files:\n- {file: a, kind: street, colums: {}}", "'colums' is not known"),
        ("files:\n- {file: a, kind: street, columns: {nam: B}}", "no field 'nam'"),
        ("files:\n- {file: a, kind: street, columns: [B]}", "columns is no mapping"),
        ("files:\n- {file: a, kind: street, county: 99}", "no FIPS code"),
    ],
)
def test_a_wrong_map_is_told_with_its_entry(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "map.yaml").write_text(text)
    with pytest.raises(GeodataUnusable, match=told):
        read_map_file(tmp_path / "map.yaml")


def test_a_map_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(GeodataUnusable, match="cannot be read"):
        read_map_file(tmp_path / "map.yaml")


@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("LEFTADD1", ("left", "from")), ("RGTADD2", ("right", "to")), ("L_HADD", ("left", "to")), ("LFADDR", ("left", "from")),
        ("RT_TO", ("right", "to")), ("FROM_ADDR_LEFT", ("left", "from")), ("LFROMTYP", None), ("ZIPL", None),
        ("L_ADD", None), ("FROM", None), ("a" * 100_000, None),
    ],
)  # fmt: skip
def test_a_name_tells_an_end_of_a_range_or_nothing(name: str, end: tuple[str, str] | None) -> None:
    assert end_of_range(name) == end


@pytest.mark.parametrize(("name", "side"), [("ZIP_LEFT", "left"), ("rzip", "right"), ("Zip", "both"), ("zipplus", None), ("left", None)])
def test_a_name_tells_a_side_besides_its_meaning(name: str, side: str | None) -> None:
    assert side_besides(name, frozenset({"zip"})) == side
