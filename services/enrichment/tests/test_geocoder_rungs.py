"""Streets, ZIP codes and cities known by nothing but their name; what contradicts itself is refused or lowered."""

import pytest

from spikewatch.enrichment.domain.geocoding.answer import Answer, Precision
from spikewatch.enrichment.domain.geocoding.compile import compiled
from spikewatch.enrichment.domain.geocoding.geocoder import Geocoder
from spikewatch.enrichment.domain.geocoding.hits import clusters, joined, metres
from spikewatch.enrichment.domain.geocoding.records import AddressPoint, PlaceArea, StreetSegment, Vintage
from spikewatch.enrichment.domain.geocoding.several import Geocoders

VINTAGES = [Vintage("Invented", "2026", "street")]


def run(name: str, south: float, west: float, blocks: int, *, zip5: str = "45101", city: str = "Elmford") -> list[StreetSegment]:
    """Make a street to the east of blocks of 170 m."""
    return [
        StreetSegment(
            name,
            ((west + at * 0.002, south), (west + (at + 1) * 0.002, south)),
            at * 100 + 1, at * 100 + 99, at * 100 + 2, at * 100 + 98, zip5, zip5, city, city, "39113",
        )
        for at in range(blocks)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def geocoder() -> Geocoder:
    segments = [
        *run("Long St", 40.0, -84.0, 20), *run("Evers Ave", 40.002, -84.0, 5), *run("Hayes St", 40.004, -84.0, 6),
        *run("Hays St", 40.0, -84.05, 1), *run("Twin St", 40.006, -84.0, 3),
        *run("Twin St", 40.3, -84.0, 3, zip5="45202", city="Ashport"), *run("Ash Rd", 40.302, -84.0, 3, zip5="45202", city="Ashport"),
    ]  # fmt: skip
    return Geocoder(compiled(segments, vintages=VINTAGES))


def apart(answer: Answer, lat: float, lon: float) -> float:
    assert answer.lat is not None
    assert answer.lon is not None
    return metres(answer.lat, answer.lon, lat, lon)


@pytest.mark.parametrize("text", ["LONG ST", " Long Street ", "LONG ST, ELMFORD, OH", "ON LONG ST"])
def test_the_name_of_a_street_alone_is_the_middle_of_it_on_it(geocoder: Geocoder, text: str) -> None:
    answer = geocoder.geocode(text)
    assert (answer.precision, answer.matched) == (Precision.STREET, "LONG ST")
    assert apart(answer, 40.0, -83.98) < 1
    assert answer.radius_m > apart(answer, 40.0, -84.0)
    assert answer.confidence < 0.9
    assert "no_number" in answer.reasons


def test_a_name_without_its_type_is_no_long_street(geocoder: Geocoder) -> None:
    assert geocoder.geocode("LONG").precision is Precision.NONE


@pytest.mark.parametrize("text", ["99999 LONG ST", "LONG ST / ASH RD", "9900 BLOCK OF LONG ST"])
def test_what_a_long_street_contradicts_stays_refused(geocoder: Geocoder, text: str) -> None:
    assert geocoder.geocode(text).precision is Precision.NONE


def test_a_street_name_of_two_towns_is_ambiguous_until_a_town_is_told(geocoder: Geocoder) -> None:
    answer = geocoder.geocode("TWIN ST")
    assert (answer.precision, len(answer.alternatives)) == (Precision.NONE, 2)
    told = geocoder.geocode("TWIN ST", city="Ashport")
    assert told.precision is Precision.STREET
    assert apart(told, 40.3, -83.997) < 200


def test_a_block_that_another_spelling_has_is_not_guessed(geocoder: Geocoder) -> None:
    answer = geocoder.geocode("500 BLOCK OF HAYS ST")
    assert answer.precision is Precision.NONE
    assert {other.matched for other in answer.alternatives} == {"HAYS ST", "500 BLOCK HAYES ST"}


def test_a_contradicted_type_is_lowered(geocoder: Geocoder) -> None:
    answer = geocoder.geocode("150 EVERS ST")
    assert answer.precision is Precision.NEAR_RANGE
    assert "type_conflict" in answer.reasons
    assert answer.confidence < 0.7


@pytest.mark.parametrize("text", ["45202", "ZIP 45202", "ZIP CODE 45202"])
def test_a_zip_code_is_where_its_streets_are(geocoder: Geocoder, text: str) -> None:
    answer = geocoder.geocode(text)
    assert (answer.precision, answer.zip5, answer.county) == (Precision.ZIP, "45202", "39113")
    assert "area_from_streets" in answer.reasons
    for lat, lon in ((40.3, -84.0), (40.302, -83.994)):
        assert apart(answer, lat, lon) <= answer.radius_m


@pytest.mark.parametrize(("told", "precision"), [({"zip5": "45202"}, Precision.ZIP), ({"city": "ashport"}, Precision.CITY)])
def test_what_was_told_remains_where_no_address_is_known(geocoder: Geocoder, told: dict[str, str], precision: Precision) -> None:
    answer = geocoder.geocode("unknown", **told)
    assert answer.precision is precision
    assert {"unknown", "area_from_streets"} <= set(answer.reasons)
    assert apart(answer, 40.301, -83.997) < 500


def test_an_area_of_a_file_outranks_the_streets() -> None:
    places = [PlaceArea("zip", "45101", 41.0, -84.0, 900.0), PlaceArea("city", "ELMFORD", 41.0, -84.0, 900.0)]
    geocoder = Geocoder(compiled(run("Long St", 40.0, -84.0, 3), places=places, vintages=VINTAGES))
    for answer in (geocoder.geocode("45101"), geocoder.geocode("Elmford")):
        assert apart(answer, 41.0, -84.0) < 1
        assert "area_from_streets" not in answer.reasons


def test_two_cities_of_one_name_in_two_counties_are_not_one() -> None:
    points = [AddressPoint(1, "Elm St", lat, -84.0, "", "Twinville", county) for lat, county in ((40.0, "39001"), (41.5, "39003"))]
    geocoder = Geocoder(compiled([], points, vintages=VINTAGES))
    assert geocoder.geocode("unknown", city="Twinville").precision is Precision.NONE
    near = [point._replace(lat=40.0 + at * 0.001) for at, point in enumerate(points)]
    assert Geocoder(compiled([], near, vintages=VINTAGES)).geocode("unknown", city="Twinville").precision is Precision.CITY


def test_points_far_apart_do_not_hang_together() -> None:
    groups = joined([(40.0, -84.0), (40.005, -84.0), (41.0, -84.0)])
    assert sorted(len(group) for group in groups) == [1, 2]


def test_a_chain_of_near_points_is_one_cluster() -> None:
    points = [(40.0 + at * 0.0005, -84.0) for at in (3, 0, 1, 2)]
    assert clusters([*points, (40.1, -84.0)], 90.0) == [[0, 1, 2, 3], [4]]


def test_crossings_of_a_name_in_many_towns_are_all_found() -> None:
    towns = []
    for town in range(12):
        south, zip5 = 40.0 + town * 0.1, f"{45100 + town}"
        towns += run("Main St", south, -84.0, 3, zip5=zip5, city=f"Town {town}")
        towns.append(
            StreetSegment("High St", ((-83.998, south), (-83.998, south + 0.002)), 1, 99, 2, 98, zip5, zip5, f"Town {town}", f"Town {town}")
        )
    geocoder = Geocoder(compiled(towns, vintages=VINTAGES))
    answer = geocoder.geocode("MAIN ST & HIGH ST")
    assert (answer.precision, answer.candidates) == (Precision.NONE, 12)
    assert apart(geocoder.geocode("MAIN ST & HIGH ST", zip5="45107"), 40.7, -83.998) < 1


@pytest.mark.parametrize("told", [{"city": "St. Ansel's"}, {"zip5": " 45302-1234"}])
def test_of_several_indexes_the_one_that_holds_what_was_told_is_asked(told: dict[str, str]) -> None:
    one = compiled(run("Twin St", 40.0, -84.0, 3, city="Elmford"), vintages=VINTAGES)
    other = compiled(run("Twin St", 41.0, -84.0, 3, zip5="45302", city="St Ansels"), vintages=VINTAGES)
    several = Geocoders([Geocoder(one), Geocoder(other)])
    assert several.geocode("150 TWIN ST").reasons == ("ambiguous",)
    answer = several.geocode("150 TWIN ST", **told)
    assert apart(answer, 41.0, -83.997) < 30
    assert answer.candidates == 1
