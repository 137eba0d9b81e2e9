"""Reports whose place is written: what an index of streets makes of them."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from shapely.geometry import box

from spikewatch.contracts.report import LocatedReport, Report
from spikewatch.contracts.vocabulary import PlacePrecision
from spikewatch.enrichment.domain.geocoding.answer import Answer, Query
from spikewatch.enrichment.domain.geography import Atlas, Place
from spikewatch.enrichment.domain.locate import Geodata, locate

UNKNOWN = Answer(None, None, PlacePrecision.NONE, 0.0, 0.0, reasons=("not_found",))
MILL = Answer(40.5, -79.5, PlacePrecision.RANGE, 60.0, 0.95, "12 MILL ST", candidates=1, vintage="Cedar streets 2026")


class Search:
    """Answers from a table; remembers what it was asked."""

    def __init__(self, **answers: Answer) -> None:
        self._answers = answers
        self.asked: list[Query] = []

    def geocode_many(self, queries: Sequence[Query]) -> list[Answer]:
        self.asked += queries
        return [self._answers.get((query.address or "city").replace(" ", "_"), UNKNOWN) for query in queries]


@pytest.fixture
def place(atlas: Atlas, report: Callable[..., Report]) -> Callable[..., LocatedReport]:
    def build(search: Search, **location: Any) -> LocatedReport:
        (one,) = locate([report(location=location)], Geodata(atlas, search, 7))
        return one

    return build


Placed = Callable[..., LocatedReport]


def codes(one: LocatedReport) -> list[str]:
    return [note.code for note in one.quality]


def test_an_address_becomes_a_position_with_its_areas_and_says_how_it_was_found(place: Placed) -> None:
    search = Search(**{"12_Mill_St": MILL})
    one = place(search, address="12 Mill St", city="Cedar Falls", county_fips="99001")
    assert search.asked == [Query("12 Mill St", city="Cedar Falls", county="99001")]
    assert one.position is not None
    assert (one.position.method, one.position.precision, one.position.radius_m) == ("geocoded", PlacePrecision.RANGE, 60.0)
    assert (one.position.confidence, one.position.candidates, one.position.vintage) == (0.95, 1, "Cedar streets 2026")
    assert one.areas[:4] == ("state:99", "county:99001", "zip:99901", "neighborhood:old-mill")
    assert (one.place_key, one.geodata_version, codes(one)) == ("99001", 7, [])


def test_stated_coordinates_come_before_the_address(place: Placed) -> None:
    search = Search(**{"12_Mill_St": MILL})
    one = place(search, lat=40.3, lon=-79.3, precision=PlacePrecision.POINT, address="12 Mill St")
    assert one.position is not None
    assert (one.position.method, one.position.lat, search.asked) == ("reported", 40.3, [])


@pytest.mark.parametrize(
    ("stated", "told"),
    [
        ({"lat": 0, "lon": 0}, ["coordinates_zero"]),
        ({"lat": 10.0, "lon": 10.0}, ["coordinates_outside_county"]),
        ({"lat": 10.0, "lon": 10.0, "county_fips": "99001"}, ["coordinates_outside_county"]),
        ({"lat": 40.5, "lon": 79.5}, ["coordinates_sign_lost"]),
        ({"lat": -79.5, "lon": 40.5, "county_fips": "99001"}, ["coordinates_swapped"]),
        ({"lat": 40.5, "lon": -78.9, "county_fips": "99001"}, ["coordinates_in_other_county"]),
        ({"lat": 40.9, "lon": -78.1, "zip5": "99901"}, ["coordinates_far_from_zip"]),
        ({"lat": 41.1, "lon": -79.5, "county_fips": "99001"}, ["coordinates_outside_county"]),
        ({"lat": 40.45, "lon": -79.45, "precision": PlacePrecision.ZIP, "zip5": "99901"}, ["coordinates_coarser_than_address"]),
        ({"lat": 40.45, "lon": -79.45, "precision": PlacePrecision.CITY}, ["coordinates_coarser_than_address"]),
        ({"lat": 40.2, "lon": -79.2, "precision": PlacePrecision.COUNTY, "county_fips": "99001"}, ["coordinates_coarser_than_address"]),
        ({"lat": 40.49, "lon": -79.5, "precision": PlacePrecision.STREET}, ["coordinates_coarser_than_address"]),
    ],
)
def test_the_address_is_used_where_the_coordinates_are_wrong_or_say_less(place: Placed, stated: dict[str, Any], told: list[str]) -> None:
    one = place(Search(**{"12_Mill_St": MILL}), address="12 Mill St", **{"precision": PlacePrecision.POINT, **stated})
    assert one.position is not None
    assert (one.position.method, one.position.lat, one.position.lon, one.position.precision) == ("geocoded", 40.5, -79.5, "range")
    assert (one.place_key, codes(one)) == ("99001", told)


@pytest.mark.parametrize(
    ("stated", "found", "told"),
    [
        # The address is where the coordinates are: the county is what is wrong.
        ({"lat": 40.5, "lon": -78.9, "county_fips": "99001"}, {"lon": -78.9}, ["coordinates_in_other_county"]),
        ({"lat": 40.5, "lon": -78.9, "county_fips": "99001"}, {"precision": PlacePrecision.STREET}, ["coordinates_in_other_county"]),
        ({"lat": 40.9, "lon": -78.1, "zip5": "99901"}, {"lat": 40.91, "lon": -78.11}, ["coordinates_far_from_zip"]),
        # A town has a street of this name too.
        ({"lat": 40.1, "lon": -78.1, "precision": PlacePrecision.ZIP}, {}, []),
        ({"lat": 40.45, "lon": -79.45, "precision": PlacePrecision.STREET}, {"precision": PlacePrecision.STREET}, []),
        ({"lat": 40.45, "lon": -79.45, "precision": PlacePrecision.ZIP}, {"precision": PlacePrecision.CITY}, []),
    ],
)
def test_coordinates_stand_where_the_address_says_no_more(
    place: Placed, stated: dict[str, Any], found: dict[str, Any], told: list[str]
) -> None:
    one = place(Search(**{"12_Mill_St": MILL._replace(**found)}), address="12 Mill St", **{"precision": PlacePrecision.POINT, **stated})
    assert one.position is not None
    assert (one.position.method, one.position.lat, codes(one)) == ("reported", stated["lat"], told)


def test_refused_coordinates_whose_address_is_not_found_fall_to_the_middle_and_say_both(place: Placed) -> None:
    one = place(Search(), lat=0, lon=0, precision=PlacePrecision.POINT, address="12 Nowhere Ln", county_fips="99001")
    assert one.position is not None
    assert (one.position.method, codes(one)) == ("county_centroid", ["coordinates_zero", "address_not_geocoded"])


def test_of_address_and_corner_the_better_known_place_stands(place: Placed) -> None:
    street = MILL._replace(precision=PlacePrecision.STREET, radius_m=900.0)
    corner = MILL._replace(precision=PlacePrecision.INTERSECTION, radius_m=20.0)
    one = place(Search(Mill_St=street, **{"Mill_St_/_Oak_St": corner}), address="Mill St", intersection="Mill St / Oak St")
    assert one.position is not None
    assert one.position.precision is PlacePrecision.INTERSECTION


def test_a_whole_street_gives_its_county_and_neither_zip_code_nor_neighbourhood(place: Placed) -> None:
    one = place(Search(Mill_St=MILL._replace(precision=PlacePrecision.STREET, radius_m=900.0)), address="Mill St")
    assert one.areas == ("state:99", "county:99001")


def test_an_address_that_is_not_found_falls_to_the_zip_code_and_says_so(place: Placed) -> None:
    one = place(Search(), address="12 Nowhere Ln", zip5="99901")
    assert one.position is not None
    assert (one.position.method, codes(one)) == ("zip_centroid", ["address_not_geocoded"])


def test_an_ambiguous_address_is_not_guessed(place: Placed) -> None:
    unsure = UNKNOWN._replace(reasons=("ambiguous",), candidates=2)
    one = place(Search(**{"12_Mill": unsure}), address="12 Mill", county_fips="99001")
    assert one.position is not None
    assert (one.position.method, codes(one)) == ("county_centroid", ["address_ambiguous", "address_not_geocoded"])


def test_a_city_says_more_than_a_county_and_less_than_a_zip_code(place: Placed) -> None:
    search = Search(city=MILL._replace(precision=PlacePrecision.CITY, radius_m=5_000.0))
    city = place(search, city="Cedar Falls", county_fips="99001")
    assert city.position is not None
    assert (city.position.precision, city.areas) == (PlacePrecision.CITY, ("state:99", "county:99001"))
    zip_code = place(search, city="Cedar Falls", zip5="99902")
    assert zip_code.position is not None
    assert zip_code.position.method == "zip_centroid"


@pytest.mark.parametrize(
    ("lon", "key", "noted"),
    [(-78.9, "99003", "address_in_other_county"), (-78.2, "99001", "address_outside_county")],
)
def test_an_address_found_in_another_county_is_believed_only_near_the_line(place: Placed, lon: float, key: str, noted: str) -> None:
    one = place(Search(**{"12_Mill_St": MILL._replace(lon=lon)}), address="12 Mill St", county_fips="99001")
    assert (one.place_key, codes(one)[0]) == (key, noted)


def test_a_city_known_by_its_polygon_counts_the_report_and_water_none(report: Callable[..., Report]) -> None:
    areas = [Place(area, area, box(-80, 40, -79, 41)) for area in ("county:99001", "city:9900001", "water:lake", "neighborhood:old-mill")]
    search = Search(city=MILL._replace(precision=PlacePrecision.CITY, radius_m=5_000.0), **{"12_Mill_St": MILL})
    places = ({"city": "Cedar Falls"}, {"address": "12 Mill St"})
    city, house = locate([report(str(n), location=place) for n, place in enumerate(places)], Geodata(Atlas(areas), search))
    assert city.areas == ("state:99", "county:99001", "city:9900001")
    assert house.areas[:4] == ("state:99", "county:99001", "city:9900001", "neighborhood:old-mill")


def test_reports_are_asked_for_together_and_keep_their_order(atlas: Atlas, report: Callable[..., Report]) -> None:
    search = Search(**{"12_Mill_St": MILL})
    written = [{"address": "12 Mill St"}, {"zip5": "99902"}, {"address": "1 Elsewhere Rd", "zip5": "99901"}]
    reports = [report(str(number), location=place) for number, place in enumerate(written)]
    made = locate(reports, Geodata(atlas, search))
    assert [one.position.method if one.position else None for one in made] == ["geocoded", "zip_centroid", "zip_centroid"]
    assert [query.address for query in search.asked] == ["12 Mill St", "1 Elsewhere Rd"]
