"""Geography read from the operator's folder and from the packaged counties."""

import csv
import json
from pathlib import Path

import pytest

from spikewatch.enrichment.adapters.geography import load_atlas
from spikewatch.enrichment.adapters.geojson_geography import GeographyError, geojson_places
from spikewatch.enrichment.domain.geography import Atlas, Place

SHARED = Path(__file__).parents[4] / "shared" / "data" / "geo"
SQUARE = {"type": "Polygon", "coordinates": [[[-80, 40], [-79, 40], [-79, 41], [-80, 41], [-80, 40]]]}


def write(folder: Path, *features: object) -> Path:
    (folder / "areas.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": list(features)}), encoding="utf-8")
    return folder


def feature(area: object = "county:99001", geometry: object = SQUARE, **properties: object) -> dict[str, object]:
    return {"type": "Feature", "properties": {"area": area, "name": "Cedar", **properties}, "geometry": geometry}


def test_polygons_and_points_are_read(tmp_path: Path) -> None:
    point = {"type": "Point", "coordinates": [-79.5, 40.5]}
    atlas = load_atlas(write(tmp_path, feature(), feature("zip:99901", point, radius_m=3_000)))
    assert atlas.areas_at([40.5], [-79.5]) == [("county:99001",)]
    middle = atlas.centroid("zip:99901")
    assert middle is not None
    assert (middle.lat, middle.lon, middle.radius_m) == (40.5, -79.5, 3_000)
    assert len(atlas) == 2  # a folder with counties of its own brings no packaged ones


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (feature("county 99001"), "feature 0: property area"),
        (feature(None), "feature 0: property area"),
        (feature(geometry=None), "feature 0: properties or geometry"),
        (feature(geometry={"type": "LineString", "coordinates": [[0, 0], [1, 1]]}), "expected Polygon, MultiPolygon or Point"),
        (feature(geometry={"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]}), "geometry cannot be read"),
        (feature(geometry={"type": "Polygon", "coordinates": []}), "geometry is empty"),
        (feature(radius_m="wide"), "property radius_m"),
        ("no object", "feature 0: is no object"),
    ],
)
def test_a_wrong_feature_is_named(tmp_path: Path, wrong: object, told: str) -> None:
    with pytest.raises(GeographyError, match=told):
        geojson_places(write(tmp_path, wrong))


@pytest.mark.parametrize("text", ["{", "[]", '{"type": "FeatureCollection"}'])
def test_a_file_that_is_no_collection_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "areas.geojson").write_text(text, encoding="utf-8")
    with pytest.raises(GeographyError, match=r"areas\.geojson"):
        geojson_places(tmp_path)


def test_a_folder_without_files_is_told(tmp_path: Path) -> None:
    with pytest.raises(GeographyError, match=r"no \*\.geojson file"):
        geojson_places(tmp_path)


@pytest.fixture(scope="module")
def packaged() -> Atlas:
    pytest.importorskip("_plotly_geo", reason="the extra `geography` is not installed")
    return load_atlas(None)


def test_the_packaged_counties_hold_known_places(packaged: Atlas) -> None:
    # Norristown in Pennsylvania, San Francisco, Honolulu, and a point in the Atlantic.
    found = packaged.areas_at([40.1215, 37.7749, 21.3069, 35.0], [-75.3399, -122.4194, -157.8583, -60.0])
    assert found == [("county:42091",), ("county:06075",), ("county:15003",), ()]
    assert packaged.centroid("zip:19401") is not None


def test_the_packaged_counties_agree_with_a_table_of_population_centres(packaged: Atlas) -> None:
    table = SHARED / "us_counties_combined.csv"
    if not table.exists():
        pytest.skip("the shared reference data are absent: no table of county centres to compare with")
    with table.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["pop_lat"] and row["fips"][:2] <= "56"]
    found = packaged.areas_at([float(row["pop_lat"]) for row in rows], [float(row["pop_lon"]) for row in rows])
    right = sum(f"county:{row['fips']}" in areas for row, areas in zip(rows, found, strict=True))
    assert len(rows) > 3_000
    # Measured: 3,126 of 3,143; the others are counties renumbered or renamed since 2016, and centres on islands and shores.
    assert right / len(rows) > 0.99


def test_real_neighbourhood_polygons_can_be_used(tmp_path: Path) -> None:
    source = SHARED / "neighborhoods" / "san-francisco.geojson"
    if not source.exists():
        pytest.skip("the shared reference data are absent: no neighbourhood polygons")
    features = json.loads(source.read_text(encoding="utf-8"))["features"]
    named = [feature(f"neighborhood:sf-{number}", one["geometry"]) for number, one in enumerate(features)]
    atlas = Atlas(geojson_places(write(tmp_path, *named)))
    assert len(atlas) == len(named)
    (areas,) = atlas.areas_at([37.7599], [-122.4148])  # in the Mission
    assert len(areas) == 1


def test_a_place_known_by_polygon_and_point_takes_its_middle_from_the_polygon(tmp_path: Path) -> None:
    places: list[Place] = geojson_places(write(tmp_path, feature(), feature(geometry={"type": "Point", "coordinates": [0, 0]})))
    middle = Atlas(places).centroid("county:99001")
    assert middle is not None
    assert (middle.lat, middle.lon) == (40.5, -79.5)
