"""Boundary files of others become versioned sets of areas: ids, repairs, refusals, versions."""

import json
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from spikewatch.contracts.contract import AreaId
from spikewatch.enrichment.adapters.area_files import area_sets
from spikewatch.enrichment.adapters.area_files.area_sets import Loaded, load, newest_load
from spikewatch.enrichment.adapters.area_files.boundaries import boundaries_of
from spikewatch.enrichment.adapters.geojson_geography import GeographyError, geojson_places
from spikewatch.enrichment.domain.areas.atlas import Atlas
from spikewatch.enrichment.domain.areas.drawing import changes, from_rings, overlaps
from spikewatch.enrichment.domain.areas.naming import AreasUnusable, Naming, named

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
SHARED = Path(__file__).parents[4] / "shared" / "data" / "geo"


def square(west: float, south: float, side: float = 1.0) -> dict[str, Any]:
    west, south = west + 10, south + 10  # 0, 0 is no place
    east, north = west + side, south + side
    return {"type": "Polygon", "coordinates": [[[west, south], [east, south], [east, north], [west, north], [west, south]]]}


def write(file: Path, *features: tuple[dict[str, Any], Any]) -> Path:
    members = [{"type": "Feature", "properties": says, "geometry": shape} for says, shape in features]
    file.write_text(json.dumps({"type": "FeatureCollection", "features": members}), encoding="utf-8")
    return file


def loaded(file: Path, folder: Path, naming: Naming | None = None, **more: Any) -> Loaded:
    return load(boundaries_of(file), naming or Naming("neighborhood"), folder, file.stem, more.pop("now", NOW), **more)


def atlas_of(folder: Path) -> Atlas:
    return Atlas(geojson_places(folder))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "geography"


def test_areas_named_in_the_file_hold_points_afterwards(tmp_path: Path, folder: Path) -> None:
    file = write(tmp_path / "town.geojson", ({"name": "Old Mill"}, square(0, 0)), ({"name": "Hill / Über-Dorf"}, square(1, 0)))
    done = loaded(file, folder)
    assert (done.areas, done.is_new, done.changed, done.repaired) == (2, True, None, ())
    assert done.version.startswith("2026-05-01-")
    assert [place.area for place in geojson_places(folder)] == ["neighborhood:hill-uber-dorf", "neighborhood:old-mill"]
    assert atlas_of(folder).areas_at([10.5], [11.5]) == [("neighborhood:hill-uber-dorf",)]


def test_the_same_file_is_the_same_version_and_another_one_is_told_apart(tmp_path: Path, folder: Path) -> None:
    town = tmp_path / "town.geojson"
    first = loaded(write(town, ({"name": "A"}, square(0, 0)), ({"name": "B"}, square(1, 0))), folder)
    again = loaded(town, folder, now=NOW + timedelta(days=1))
    assert (again.version, again.is_new, again.changed) == (first.version, False, [])
    write(town, ({"name": "B"}, square(1, 0, 0.5)), ({"name": "C"}, square(5, 0)))
    tried = loaded(town, folder, now=NOW + timedelta(days=2), is_dry_run=True)
    assert newest_load(folder) == NOW.timestamp()  # nothing was written
    other = loaded(town, folder, now=NOW + timedelta(days=2))
    assert other == tried
    assert other.changed is not None
    assert [(one.area, one.what, round(one.share, 2)) for one in other.changed] == [
        ("neighborhood:a", "gone", 1.0),
        ("neighborhood:b", "redrawn", 0.75),
        ("neighborhood:c", "new", 1.0),
    ]
    (found,) = area_sets.area_sets(folder)
    assert (found.name, found.kinds, found.areas, found.version) == ("town", ("neighborhood",), 2, other.version)
    assert newest_load(folder) == (NOW + timedelta(days=2)).timestamp()
    kept = {file.stem for file in (folder / "versions" / "town").glob("*.geojson")}
    assert kept == {first.version, other.version}


def test_a_set_that_was_put_there_by_hand_is_kept_when_it_is_exchanged(tmp_path: Path, folder: Path) -> None:
    folder.mkdir()
    by_hand = write(folder / "town.geojson", ({"area": "district:1", "name": "One"}, square(0, 0)))
    before = by_hand.read_bytes()
    assert (area_sets.area_sets(folder)[0].version, newest_load(folder)) == (None, 0)
    loaded(write(tmp_path / "town.geojson", ({"name": "Two"}, square(0, 0))), folder, Naming("district"))
    (kept,) = (folder / "versions" / "town").glob("by-hand-*.geojson")
    assert kept.read_bytes() == before


@pytest.mark.parametrize("moment", ["yesterday", "2026-05-01T12:00:00", ""])
def test_a_time_of_loading_that_was_edited_by_hand_is_none(tmp_path: Path, folder: Path, moment: str) -> None:
    loaded(write(tmp_path / "town.geojson", ({"name": "A"}, square(0, 0))), folder)
    file = folder / "town.geojson"
    file.write_text(file.read_text(encoding="utf-8").replace(NOW.isoformat(timespec="seconds"), moment), encoding="utf-8")
    assert (newest_load(folder), area_sets.area_sets(folder)[0].loaded_at) == (0, None)


def test_a_polygon_that_crosses_itself_is_put_right_and_told_or_refused(tmp_path: Path, folder: Path) -> None:
    bow_tie = {"type": "Polygon", "coordinates": [[[10, 10], [12, 12], [12, 10], [10, 12], [10, 10]]]}
    file = write(tmp_path / "town.geojson", ({"name": "A"}, square(5, 5)), ({"name": "B"}, bow_tie))
    with pytest.raises(AreasUnusable, match="features 2 cross themselves"):
        loaded(file, folder, strict=True)
    assert not folder.exists()
    assert loaded(file, folder).repaired == (2,)
    found = atlas_of(folder).areas_at([11.0, 11.0, 11.9], [10.2, 11.8, 11.0])
    assert found == [("neighborhood:b",), ("neighborhood:b",), ()]


@pytest.mark.parametrize(
    ("features", "told"),
    [
        ([({"name": "A"}, {"type": "LineString", "coordinates": [[0, 0], [1, 1]]})], "feature 1: no polygon"),
        ([({"name": "A"}, None)], "feature 1: no polygon"),
        ([({"name": "A"}, {"type": "Polygon", "coordinates": [[[10, 10], [11, 11], [10, 10]]]})], "enclose nothing"),
        ([({"name": "A"}, square(0, 0)), ({"name": "a"}, square(3, 0))], "features 1 and 2 would get the same id"),
        ([({"name": "北京"}, square(0, 0))], "feature 1 gets no id"),
        ([({"name": ""}, square(0, 0))], "feature 1 gets no id"),
        ([({}, square(0, 0))], "no column names the areas"),
        ([({"name": "A"}, square(500_000, 4_000_000))], "degrees"),
        (
            [({"name": "A"}, {"type": "Polygon", "coordinates": [[[170, 50], [-170, 50], [-170, 55], [170, 55], [170, 50]]]})],
            "cut the polygon at the 180th meridian",
        ),
    ],
)
def test_what_cannot_be_an_area_is_refused_in_a_sentence(tmp_path: Path, folder: Path, features: list[Any], told: str) -> None:
    with pytest.raises(AreasUnusable, match=told):
        loaded(write(tmp_path / "town.geojson", *features), folder)
    assert not folder.exists()


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", '{"type": "FeatureCollection", "features": []}', "\x00\xff"])
def test_a_file_that_is_no_boundary_file_is_refused(tmp_path: Path, folder: Path, text: str) -> None:
    file = tmp_path / "town.geojson"
    file.write_text(text, encoding="latin-1")
    with pytest.raises(AreasUnusable):
        loaded(file, folder)
    with pytest.raises(AreasUnusable):
        boundaries_of(tmp_path / "missing.geojson")


def test_a_feature_given_twice_is_one_area(tmp_path: Path, folder: Path) -> None:
    file = write(tmp_path / "town.geojson", ({"name": "A"}, square(0, 0)), ({"name": "A"}, square(0, 0)))
    done = loaded(file, folder)
    assert (done.areas, done.repeated) == (1, 1)


def test_control_characters_of_a_name_reach_no_terminal(tmp_path: Path, folder: Path) -> None:
    loaded(write(tmp_path / "town.geojson", ({"name": "A\x1b[31m\x00 Hill"}, square(0, 0))), folder)
    (place,) = geojson_places(folder)
    assert place.name.isprintable()


def test_two_towns_with_a_neighbourhood_of_one_name_need_a_prefix(tmp_path: Path, folder: Path) -> None:
    loaded(write(tmp_path / "cedar.geojson", ({"name": "West End"}, square(0, 0))), folder)
    alder = write(tmp_path / "alder.geojson", ({"name": "West End"}, square(9, 0)), ({"name": "Mill"}, square(8, 0)))
    with pytest.raises(AreasUnusable, match="1 of 2 ids are in the set cedar already"):
        loaded(alder, folder)
    loaded(alder, folder, Naming("neighborhood", prefix="alder"))
    assert atlas_of(folder).areas_at([10.5, 10.5], [10.5, 19.5]) == [("neighborhood:west-end",), ("neighborhood:alder-west-end",)]


def test_a_broken_file_of_the_folder_stops_loading(tmp_path: Path, folder: Path) -> None:
    folder.mkdir()
    (folder / "broken.geojson").write_text("{", encoding="utf-8")
    with pytest.raises(GeographyError, match=r"broken\.geojson"):
        loaded(write(tmp_path / "town.geojson", ({"name": "A"}, square(0, 0))), folder)
    assert newest_load(folder) == 0


def test_a_set_that_cannot_be_written_leaves_the_old_one(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    town = write(tmp_path / "town.geojson", ({"name": "A"}, square(0, 0)))
    loaded(town, folder)
    before = (folder / "town.geojson").read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "no space left")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(GeographyError, match="cannot be written"):
        loaded(write(town, ({"name": "B"}, square(0, 0))), folder)
    assert (folder / "town.geojson").read_bytes() == before
    assert not list(folder.rglob("*.draft"))


# Ids -------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "naming", "area", "name"),
    [
        ({"GEOID": "3915000", "NAME": "Cincinnati"}, Naming("city"), "city:3915000", "Cincinnati"),
        ({"NAME": "Cincinnati"}, Naming("city"), "city:cincinnati", "Cincinnati"),
        ({"ZCTA5CE20": "19401", "x": "1"}, Naming("zip"), "zip:19401", "19401"),
        ({"STATEFP": "42", "GEOID": "42091", "NAME": "Montgomery"}, Naming("county"), "county:42091", "Montgomery"),
        ({"cartodb_id": "8", "name": "Over-The-Rhine"}, Naming("neighborhood"), "neighborhood:over-the-rhine", "Over-The-Rhine"),
        ({"created_at": "2013-02-15T02:19", "label_x": "Mill's Run"}, Naming("custom"), "custom:mills-run", "Mill's Run"),
        ({"BEAT": "4", "PRECINCT": "12"}, Naming("district", prefix="cedar"), "district:cedar-12", "12"),
        ({"BEAT": "4 B", "PRECINCT": "12"}, Naming("beat", id_column="BEAT", name_column="PRECINCT"), "beat:4-b", "12"),
        ({"area": "district:Cedar_4", "name": "Four"}, Naming("district"), "district:Cedar_4", "Four"),
    ],
)
def test_an_id_is_proposed_from_codes_or_names(row: dict[str, str], naming: Naming, area: str, name: str) -> None:
    assert named([row], naming)[0] == [(area, name)]


@pytest.mark.parametrize(
    ("row", "naming", "told"),
    [
        ({"name": "A"}, Naming("h3"), "kind is wrong"),
        ({"name": "A"}, Naming("Police District"), "kind is wrong"),
        ({"name": "A"}, Naming("district", prefix="a b"), "prefix is wrong"),
        ({"name": "A"}, Naming("zip", prefix="a"), "takes no prefix"),
        ({"name": "Montgomery"}, Naming("county"), "no county code"),
        ({"name": "A"}, Naming("district", id_column="code"), "no column of the name that was given; it has name"),
    ],
)
def test_a_naming_that_cannot_work_is_refused(row: dict[str, str], naming: Naming, told: str) -> None:
    with pytest.raises(AreasUnusable, match=told):
        named([row], naming)


@given(name=st.text(max_size=300), prefix=st.sampled_from(["", "denver"]))
def test_whatever_the_name_says_the_id_is_one_or_is_refused(name: str, prefix: str) -> None:
    try:
        ((area, _),), _ = named([{"name": name}], Naming("neighborhood", prefix=prefix))
    except AreasUnusable:
        return
    assert TypeAdapter(AreaId).validate_python(area) == area


# Drawing ---------------------------------------------------------------------------------------------------------------------------


def test_rings_inside_rings_are_holes_and_islands_in_any_order() -> None:
    rings = [[(w, w), (9 - w, w), (9 - w, 9 - w), (w, 9 - w), (w, w)] for w in (0.0, 1.0, 2.0)]
    for order in (rings, rings[::-1]):
        surface, is_repaired = from_rings(order)
        assert (surface.area, is_repaired) == (81 - 49 + 25, False)


def test_overlaps_are_told_and_slivers_are_not() -> None:
    shapes = {"a": from_rings([[(0, 0), (1, 0), (1, 1), (0, 1)]])[0], "b": from_rings([[(0.5, 0), (2, 0), (2, 1), (0.5, 1)]])[0]}
    shapes["c"] = from_rings([[(1.999, 0), (3, 0), (3, 1), (1.999, 1)]])[0]
    assert [(one.area, one.other, round(one.share, 2)) for one in overlaps(shapes)] == [("a", "b", 0.5)]
    assert overlaps({}) == []
    assert changes(shapes, shapes) == []


# Real files ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("city", "areas"), [("san-francisco", 37), ("cincinnati", 45), ("denver", 78)])
def test_real_neighbourhoods_load_by_their_names(folder: Path, city: str, areas: int) -> None:
    file = SHARED / "neighborhoods" / f"{city}.geojson"
    if not file.exists():
        pytest.skip("the shared reference data are absent: no neighbourhood polygons")
    assert loaded(file, folder).areas == areas


def test_a_zipped_shapefile_of_places_loads_by_its_codes(tmp_path: Path, folder: Path) -> None:
    file = SHARED / "boundaries" / "tl_2019_39_place.zip"
    if not file.exists():
        pytest.skip("the shared reference data are absent: no zipped shapefile")
    done = loaded(file, folder, Naming("city"))
    assert (done.areas, done.source) == (1_215, "ids from GEOID, names from NAME")
    assert "city:3915000" in atlas_of(folder).areas_at([39.1031], [-84.5120])[0]
    with zipfile.ZipFile(file) as whole, zipfile.ZipFile(tmp_path / "broken.zip", "w") as cut:
        for member in whole.namelist():
            if not member.endswith(".dbf"):
                cut.writestr(member, whole.read(member))
    with pytest.raises(AreasUnusable):
        boundaries_of(tmp_path / "broken.zip")
