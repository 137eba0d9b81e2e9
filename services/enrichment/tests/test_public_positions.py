"""Incidents carry a public position where the operator has set it up, and none that gives the true one away."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError
from shapely.geometry import Point, box

from spikewatch.contracts import topics
from spikewatch.contracts.incident import Incident
from spikewatch.contracts.report import LocatedReport, Position
from spikewatch.contracts.vocabulary import PlacePrecision
from spikewatch.enrichment.adapters.census_file import CensusUnusable, census_of
from spikewatch.enrichment.adapters.matching_weights import load_weights
from spikewatch.enrichment.domain.geography import Atlas, Place, metres_between
from spikewatch.enrichment.domain.public_point.households import HouseholdPoints
from spikewatch.enrichment.domain.public_point.publication import PublicPositions
from spikewatch.enrichment.service import MatchReports
from spikewatch.enrichment.settings import EnrichmentSettings
from spikewatch.enrichment.testing import InMemoryMatchStore

KEY = b"sixteen secret b"
AREAS = ("state:99", "county:99001")
PLACES = (Place("county:99001", "Cedar", box(-80, 40, -79, 41)),)
POINT = {"lat": 40.5, "lon": -79.5, "precision": PlacePrecision.POINT}
Build = Callable[..., LocatedReport]
WEIGHTS = load_weights()


def position(lat: float = 40.5, lon: float = -79.5, precision: PlacePrecision = PlacePrecision.RANGE) -> Position:
    return Position(lat=lat, lon=lon, precision=precision, radius_m=60, method="geocoded")


@pytest.fixture
def public(atlas: Atlas) -> PublicPositions:
    return PublicPositions(atlas, {"99001": 400_000}, key=KEY)


def test_a_position_is_shown_elsewhere_in_its_county_within_the_stated_radius(public: PublicPositions, atlas: Atlas) -> None:
    shown = public.of(position(), AREAS)
    assert shown is not None
    assert 100 < metres_between(shown.lat, shown.lon, 40.5, -79.5) <= shown.radius_m
    assert atlas.metres_outside("county:99001", shown.lat, shown.lon) == 0


def test_the_same_place_is_shown_in_the_same_spot_under_one_key_only(public: PublicPositions, atlas: Atlas) -> None:
    again = PublicPositions(atlas, {"99001": 400_000}, key=KEY)
    assert again.of(position(), AREAS) == public.of(position(), AREAS)
    other = PublicPositions(atlas, {"99001": 400_000}, key=b"another sixteen!")
    assert other.of(position(), AREAS) != public.of(position(), AREAS)


def test_what_is_no_scene_or_lies_where_too_little_is_known_is_not_shown(public: PublicPositions) -> None:
    assert public.of(None, AREAS) is None
    assert public.of(position(precision=PlacePrecision.ZIP), AREAS) is None
    assert public.of(position(), ("state:99",)) is None
    assert public.of(position(lon=-78.5), ("state:99", "county:99003")) is None
    assert public.of(position(), ("county:99777",)) is None


def test_no_point_is_shown_in_water(atlas: Atlas) -> None:
    lake = Place("water:long-lake", "Long Lake", box(-79.9, 40.1, -79.505, 40.9))
    wet = PublicPositions(Atlas([*PLACES, lake]), {"99001": 400_000}, key=KEY)
    dry = PublicPositions(atlas, {"99001": 400_000}, key=KEY)
    places = [position(lat=40.2 + number / 50) for number in range(30)]
    shown = [wet.of(one, AREAS) for one in places]
    assert all(one is not None and not lake.geometry.contains(Point(one.lon, one.lat)) for one in shown)
    assert any((one := dry.of(place, AREAS)) is not None and lake.geometry.contains(Point(one.lon, one.lat)) for place in places)


def test_a_county_that_water_covers_wholly_shows_nothing_and_breaks_nothing() -> None:
    flooded = Atlas([*PLACES, Place("water:sea", "Sea", box(-81, 39, -78, 42))])
    assert PublicPositions(flooded, {"99001": 400_000}, key=KEY).of(position(), AREAS) is None


def test_a_lonely_place_looks_like_one_that_is_not_known_exactly(atlas: Atlas) -> None:
    assert PublicPositions(atlas, {"99001": HouseholdPoints([40.5], [-79.5])}, key=KEY).of(position(), AREAS) is None


def test_a_wide_county_has_the_area_of_its_degrees(atlas: Atlas) -> None:
    # One degree square at 40 to 41 north: 111.2 km by 84.5 km, 9,400 km²; a third of 400,000 / 2.5 people over it is 5.7 households a km².
    known = PublicPositions(atlas, {"99001": 400_000}, key=KEY)._known("county:99001")
    assert known is not None
    assert known[1].per_km2(40.5, -79.5) == pytest.approx(5.67, rel=0.01)


async def test_an_incident_carries_it_and_a_repetition_the_same_bytes(located: Build, public: PublicPositions) -> None:
    (first,) = await MatchReports(InMemoryMatchStore(), WEIGHTS, public).apply([located("1", location=POINT)])
    (second,) = await MatchReports(InMemoryMatchStore(), WEIGHTS, public).apply([located("1", location=POINT)])
    assert first.incident.body == second.incident.body
    shown = Incident.model_validate_json(first.incident.body or b"").public_position
    assert shown == public.of(position(), AREAS)
    (bare,) = await MatchReports(InMemoryMatchStore(), WEIGHTS).apply([located("1", location=POINT)])
    assert b"public_position" not in (bare.incident.body or b"")


def test_no_message_but_reports_and_incidents_can_hold_an_exact_position() -> None:
    holding = {topic.name for topic in topics.ALL if topic.model is not None and _fields_of_a_place(topic.model)}
    # The directory's are those of services, such as a place that hands out naloxone.
    assert holding == {topics.REPORTS.name, topics.LOCATED.name, topics.INCIDENTS.name, topics.DIRECTORY.name}


def _fields_of_a_place(model: object) -> set[str]:
    schema = TypeAdapter(model).json_schema()
    names = {name for part in (schema, *schema.get("$defs", {}).values()) for name in part.get("properties", {})}
    return names & {"lat", "lon", "intersection", "position"}


def test_a_census_is_read_as_populations_or_as_points(tmp_path: Path) -> None:
    file = tmp_path / "census.csv"
    file.write_text("\ufeffcounty_fips,population,state\n99001,400000,ZZ\n", encoding="utf-8")
    assert census_of(file) == {"99001": 400_000}
    file.write_text("lat,lon,county_fips\n40.5,-79.5,99001\n40.6,-79.4,99001\n", encoding="utf-8")
    points = census_of(file)["99001"]
    assert isinstance(points, HouseholdPoints)
    assert len(points) == 2


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "neither of both headers"),
        ("county,people\n1,2\n", "neither of both headers"),
        ("county_fips,population\n9901,5\n", "line 2: county_fips"),
        ("county_fips,population\n99001,many\n", "line 2: population"),
        ("county_fips,population\n99001,0\n", "line 2: population"),
        ("county_fips,population\n99001\n", "line 2: population"),
        ("county_fips,lat,lon\n99001,91,0\n", "line 2: lat"),
        ("county_fips,lat,lon\n99001,40,nan\n", "line 2: lon"),
    ],
)
def test_a_census_that_cannot_be_used_says_what_is_wrong(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "census.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(CensusUnusable, match=told):
        census_of(file)


def test_a_census_that_is_missing_or_no_text_is_told(tmp_path: Path) -> None:
    with pytest.raises(CensusUnusable, match="FileNotFoundError"):
        census_of(tmp_path / "none.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CensusUnusable, match="cannot be read"):
        census_of(tmp_path / "binary.csv")


def test_key_and_census_are_set_together_and_the_key_is_long(tmp_path: Path) -> None:
    servers = {"kafka_bootstrap": "127.0.0.1:1", "mongodb_uri": "mongodb://127.0.0.1:1"}
    with pytest.raises(ValidationError, match="set both or none"):
        EnrichmentSettings(**servers, enrichment_public_key="x" * 16)
    with pytest.raises(ValidationError, match="set both or none"):
        EnrichmentSettings(**servers, enrichment_census=tmp_path)
    with pytest.raises(ValidationError, match="shorter than 16"):
        EnrichmentSettings(**servers, enrichment_public_key="x" * 15, enrichment_census=tmp_path)
    assert EnrichmentSettings(**servers, enrichment_public_key="x" * 16, enrichment_census=tmp_path).enrichment_census == tmp_path
