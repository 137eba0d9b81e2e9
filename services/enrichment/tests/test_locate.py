"""Where a report is placed and which areas it counts in."""

import asyncio
from collections.abc import Callable

import h3  # type: ignore[import-untyped]  # no types are shipped
import pytest

from spikewatch.contracts.report import LocatedReport, QualityNote
from spikewatch.contracts.vocabulary import PlacePrecision
from spikewatch.enrichment.domain.geography import Atlas, metres_between
from spikewatch.enrichment.domain.locate import Geodata, locate

Build = Callable[..., LocatedReport]
POINT = {"lat": 40.5, "lon": -79.5, "precision": PlacePrecision.POINT}


def codes(one: LocatedReport) -> list[str]:
    return [note.code for note in one.quality]


def test_coordinates_give_county_zip_neighbourhood_and_cell(located: Build) -> None:
    one = located(location=POINT)
    cell = h3.latlng_to_cell(40.5, -79.5, 7)
    assert one.areas == ("state:99", "county:99001", "zip:99901", "neighborhood:old-mill", f"h3:{cell}")
    assert one.place_key == "99001"
    assert one.position is not None
    assert (one.position.method, one.position.precision, one.quality) == ("reported", PlacePrecision.POINT, ())


def test_a_centroid_reported_as_coordinates_names_no_neighbourhood_and_no_cell(located: Build) -> None:
    one = located(location=POINT | {"precision": PlacePrecision.ZIP})
    assert one.areas == ("state:99", "county:99001", "zip:99901")


def test_coordinates_just_over_the_county_line_are_believed_and_marked(located: Build) -> None:
    one = located(location={"lat": 40.5, "lon": -78.9, "precision": PlacePrecision.POINT, "county_fips": "99001"})
    assert (one.place_key, codes(one)) == ("99003", ["coordinates_in_other_county"])


@pytest.mark.parametrize(
    ("extra", "method", "precision"),
    [({"zip5": "99902"}, "zip_centroid", PlacePrecision.ZIP), ({}, "county_centroid", PlacePrecision.COUNTY)],
)
def test_coordinates_far_outside_the_stated_county_give_way_to_the_next_best_place(
    located: Build, extra: dict[str, str], method: str, precision: PlacePrecision
) -> None:
    one = located(location={"lat": 42.5, "lon": -79.5, "precision": PlacePrecision.POINT, "county_fips": "99001", **extra})
    assert one.position is not None
    assert (one.position.method, one.position.precision, one.place_key) == (method, precision, "99001")
    assert codes(one) == ["coordinates_outside_county"]


@pytest.mark.parametrize(
    ("lat", "lon", "code"),
    [
        (-40.5, -79.5, "coordinates_sign_lost"),
        (40.5, 79.5, "coordinates_sign_lost"),
        (-79.5, 40.5, "coordinates_swapped"),
        (79.5, 40.5, "coordinates_swapped"),
    ],
)
@pytest.mark.parametrize("county", ["99001", None])
def test_coordinates_that_a_slip_of_the_pen_explains_are_no_place(
    located: Build, lat: float, lon: float, code: str, county: str | None
) -> None:
    one = located(location={"lat": lat, "lon": lon, "precision": PlacePrecision.POINT, "county_fips": county})
    assert (one.position.method if one.position else None, codes(one)) == ("county_centroid" if county else None, [code])


def test_coordinates_off_the_coast_of_their_county_are_kept_and_marked(located: Build) -> None:
    one = located(location={"lat": 41.1, "lon": -79.5, "precision": PlacePrecision.POINT, "county_fips": "99001"})
    assert (one.place_key, codes(one)) == ("99001", ["coordinates_outside_county"])


def test_coordinates_far_from_the_stated_zip_code_are_marked(located: Build) -> None:
    one = located(location={"lat": 40.9, "lon": -78.1, "precision": PlacePrecision.POINT, "zip5": "99901"})
    assert (one.place_key, codes(one)) == ("99003", ["coordinates_far_from_zip"])


def test_coordinates_in_no_known_county_keep_their_place_and_a_coarse_cell(located: Build) -> None:
    one = located(location={"lat": 10.0, "lon": 10.0, "precision": PlacePrecision.POINT})
    assert one.place_key == f"cell-{h3.latlng_to_cell(10.0, 10.0, 5)}"
    assert one.areas == (f"h3:{h3.latlng_to_cell(10.0, 10.0, 7)}",)
    assert codes(one) == ["coordinates_outside_county"]


def test_zero_coordinates_are_no_place(located: Build) -> None:
    one = located(location={"lat": 0.0, "lon": 0.0, "precision": PlacePrecision.POINT, "zip5": "99901"})
    assert one.position is not None
    assert (one.position.method, codes(one)) == ("zip_centroid", ["coordinates_zero"])


def test_an_address_without_coordinates_is_kept_and_marked(located: Build) -> None:
    one = located(location={"address": "100 MAIN ST", "county_fips": "99001"})
    assert one.quality == (QualityNote(field="location.address", code="address_not_geocoded"),)
    assert one.report.location.address == "100 MAIN ST"
    assert one.areas == ("state:99", "county:99001")


def test_a_zip_code_gives_its_county_and_a_radius_that_covers_it(located: Build) -> None:
    one = located(location={"zip5": "99901"})
    assert one.areas == ("state:99", "county:99001", "zip:99901")
    assert one.position is not None
    assert one.position.radius_m >= metres_between(one.position.lat, one.position.lon, 40.6, -79.4)


def test_a_county_that_no_map_knows_still_counts(located: Build) -> None:
    one = located(location={"county_fips": "98765"})
    assert (one.position, one.areas, one.place_key) == (None, ("state:98", "county:98765"), "98765")


def test_no_place_at_all_falls_back_to_the_agency(located: Build) -> None:
    one = located("1", "cedar-ems", location={})
    assert (one.position, one.areas, one.place_key) == (None, (), "agency-cedar-ems")


def test_coordinates_without_a_stated_precision_are_taken_for_a_block(located: Build) -> None:
    one = located(location={"lat": 40.5, "lon": -79.5})
    assert one.position is not None
    assert (one.position.precision, codes(one)) == (PlacePrecision.BLOCK, ["precision_assumed"])


def test_many_reports_keep_their_order_and_equal_the_single_answers(report: Callable[..., object], atlas: Atlas) -> None:
    places = [POINT, {"zip5": "99902"}, {}, {"lat": 40.1, "lon": -78.5, "precision": PlacePrecision.BLOCK}]
    reports = [report(str(number), location=places[number % 4]) for number in range(20)]
    assert locate(reports, Geodata(atlas)) == [locate([one], Geodata(atlas))[0] for one in reports]  # type: ignore[arg-type, list-item]
    assert locate([], Geodata(atlas)) == []


def test_a_point_on_a_border_falls_to_one_side_only(atlas: Atlas) -> None:
    assert atlas.areas_at([40.9], [-79.0]) == [("county:99001",)]


async def test_an_atlas_may_be_asked_from_several_threads(atlas: Atlas) -> None:
    answers = await asyncio.gather(*(asyncio.to_thread(atlas.areas_at, [40.5] * 50, [-79.5] * 50) for _ in range(4)))
    assert all(answer == [("county:99001", "neighborhood:old-mill", "zip:99901")] * 50 for answer in answers)
