import json
from pathlib import Path

import pytest
import shapefile

from spikewatch.enrichment.adapters.geodata.sources import Reading, read_sources
from spikewatch.enrichment.adapters.geodata.unusable import GeodataUnusable
from spikewatch.enrichment.domain.geocoding.records import Alias


def areas(folder: Path, ring: list[list[float]], **properties: str) -> Reading:
    feature = {"type": "Feature", "properties": properties, "geometry": {"type": "MultiPolygon", "coordinates": [[ring]]}}
    (folder / "areas.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    return read_sources([folder / "areas.geojson"])


def test_an_area_is_known_by_a_point_inside_and_how_far_it_reaches(tmp_path: Path) -> None:
    source = areas(tmp_path, [[-44.9, 30.0], [-44.8, 30.0], [-44.8, 30.1], [-44.9, 30.1], [-44.9, 30.0]], ZCTA5CE20="99951")
    [place] = source.places()
    assert (place.kind, place.name, place.code) == ("zip", "99951", "99951")
    assert (place.lat, place.lon) == pytest.approx((30.05, -44.85))
    assert place.radius_m == pytest.approx(7_360, rel=0.01)


def test_islets_far_out_do_not_make_a_city_wider(tmp_path: Path) -> None:
    town = [[-44.9, 30.0], [-44.8, 30.0], [-44.8, 30.1], [-44.9, 30.1], [-44.9, 30.0]]
    islet = [[-45.9, 30.0], [-45.899, 30.0], [-45.899, 30.001], [-45.9, 30.0]]
    feature = {
        "type": "Feature",
        "properties": {"PLACEFP": "1", "NAME": "Westmark"},
        "geometry": {"type": "MultiPolygon", "coordinates": [[islet], [town]]},
    }
    (tmp_path / "areas.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    [place] = read_sources([tmp_path / "areas.geojson"]).places()
    assert (place.lat, place.lon) == pytest.approx((30.05, -44.85))
    assert place.radius_m == pytest.approx(7_360, rel=0.01)


def test_the_middle_of_a_crescent_lies_in_it(tmp_path: Path) -> None:
    import shapely

    ring = [[2.0, 2.0], [3.0, 2.0], [3.0, 2.1], [2.1, 2.1], [2.1, 3.0], [2.0, 3.0], [2.0, 2.0]]
    [place] = areas(tmp_path, ring, PLACEFP="1", NAME="Westmark").places()
    assert shapely.Polygon(ring).contains(shapely.Point(place.lon, place.lat))


def test_an_outline_that_crosses_itself_is_put_right_and_told(tmp_path: Path) -> None:
    source = areas(tmp_path, [[2.0, 2.0], [3.0, 3.0], [3.0, 2.0], [2.0, 3.0], [2.0, 2.0]], PLACEFP="1", NAME="Westmark")
    [place] = source.places()
    assert 2 < place.lon < 3
    assert sum(source.report.sources[0].notes.values()) == 1


def test_an_outline_of_two_points_is_kept_by_its_first(tmp_path: Path) -> None:
    [place] = areas(tmp_path, [[0.5, 0.5], [0.5, 0.6], [0.5, 0.5]], PLACEFP="1", NAME="Westmark").places()
    assert (place.lat, place.lon) == (0.5, 0.5)


@pytest.mark.parametrize("header", ["radius_m", "RADIUS", "Radius_M"])
def test_a_landmark_may_tell_how_far_it_reaches(tmp_path: Path, header: str) -> None:
    (tmp_path / "landmarks.csv").write_text(f"name,latitude,longitude,{header}\nWillow Park,30.1,-44.9,900\nBirch Pier,30.2,-44.8,\n")
    source = read_sources([tmp_path / "landmarks.csv"])
    assert [one.radius_m for one in source.landmarks()] == [900.0, 150.0]


def test_landmarks_and_aliases_are_read(tmp_path: Path) -> None:
    (tmp_path / "landmarks.csv").write_text("name,latitude,longitude\nWillow Park,30.1,-44.9\n,30.1,-44.9\n")
    (tmp_path / "aliases.csv").write_text("alias,street\nState Route 9,Elm Ave\nPoplar Ave,\n")
    source = read_sources([tmp_path / "landmarks.csv", tmp_path / "aliases.csv"])
    assert [(one.name, one.lat, one.radius_m) for one in source.landmarks()] == [("Willow Park", 30.1, 150.0)]
    assert list(source.aliases()) == [Alias("State Route 9", "Elm Ave", 1)]
    assert [report.left_out.total() for report in source.report.sources] == [1, 1]


@pytest.mark.parametrize(
    ("lat", "lon", "told"),
    [
        ("2115000.5", "6001000.5", "state plane"),
        ("4182000.1", "551000.2", "state plane"),
        ("-122.4", "37.7", "latitude where longitude belongs"),
    ],
)
def test_coordinates_that_are_no_degrees_are_refused(tmp_path: Path, lat: str, lon: str, told: str) -> None:
    (tmp_path / "points.csv").write_text(f"number,street,lat,lon\n12,Elm St,{lat},{lon}\n14,Elm St,{lat},{lon}\n")
    with pytest.raises(GeodataUnusable, match=told):
        read_sources([tmp_path / "points.csv"])


@pytest.mark.parametrize("told", ["", 'PROJCS["WGS_1984_Web_Mercator_Auxiliary_Sphere",UNIT["Meter",1.0]]'])
def test_web_mercator_is_converted(tmp_path: Path, told: str) -> None:
    with shapefile.Writer(str(tmp_path / "roads"), shapeType=3) as writer:
        writer.field("FULLNAME", "C", 40)
        writer.line([[(-13_627_665.27, 4_547_675.35), (-13_627_000.0, 4_547_675.35)]])
        writer.record("Elm St")
    if told:
        (tmp_path / "roads.prj").write_text(told)
    [found] = read_sources([tmp_path / "roads.shp"]).segments()
    assert found.line[0] == pytest.approx((-122.419_4, 37.774_9), abs=1e-4)


def test_a_state_plane_shapefile_is_refused_by_its_name_and_unit(tmp_path: Path) -> None:
    with shapefile.Writer(str(tmp_path / "roads"), shapeType=3) as writer:
        writer.field("FULLNAME", "C", 40)
        writer.line([[(12.0, 34.0), (13.0, 34.0)]])  # small numbers, so that only the .prj tells
        writer.record("Elm St")
    (tmp_path / "roads.prj").write_text(
        'PROJCS["NAD_1983_StatePlane_Ohio_South_FIPS_3402_Feet",GEOGCS["x",UNIT["Degree",0.01]],UNIT["Foot_US",0.3]]'
    )
    with pytest.raises(GeodataUnusable, match=r"NAD_1983_StatePlane_Ohio_South_FIPS_3402_Feet, in Foot_US.*EPSG:4326"):
        read_sources([tmp_path / "roads.shp"])


@pytest.mark.parametrize("told", ['GEOGCS["GCS_North_American_1927",DATUM["D_North_American_1927"]]', 'GEOGCS["NAD27"]', "EPSG:4267"])
def test_degrees_of_the_old_survey_are_refused_for_they_lie_a_hundred_metres_off(tmp_path: Path, told: str) -> None:
    with shapefile.Writer(str(tmp_path / "roads"), shapeType=3) as writer:
        writer.field("FULLNAME", "C", 40)
        writer.line([[(-44.95, 30.05), (-44.94, 30.05)]])
        writer.record("Elm St")
    (tmp_path / "roads.prj").write_text(told)
    with pytest.raises(GeodataUnusable, match="NAD 27"):
        read_sources([tmp_path / "roads.shp"])
