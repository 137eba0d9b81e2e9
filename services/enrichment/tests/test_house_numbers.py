"""House numbers with a hyphen and numbers on a grid: from the file to the answer."""

from pathlib import Path

import pytest

from spikewatch.enrichment.adapters.geodata.column_look import house_number, hyphened_number
from spikewatch.enrichment.adapters.geodata.sources import read_sources
from spikewatch.enrichment.domain.geocoding.answer import Precision
from spikewatch.enrichment.domain.geocoding.compile import compiled
from spikewatch.enrichment.domain.geocoding.geocoder import Geocoder
from spikewatch.enrichment.domain.geocoding.records import AddressPoint, StreetSegment, Vintage

VINTAGES = [Vintage("Invented", "2026", "street")]


def street(
    name: str, numbers: tuple[int, int, int, int], *, at: float = 40.0, west: float = -84.0, hyphened: bool = False
) -> StreetSegment:
    return StreetSegment(name, ((west, at), (west + 0.002, at)), *numbers, is_hyphened=hyphened)


@pytest.fixture(scope="module")
def geocoder() -> Geocoder:
    return Geocoder(
        compiled(
            [
                street("39th Ave", (5201, 5299, 5202, 5298), hyphened=True),
                street("39th Ave", (5301, 5399, 5302, 5398), west=-83.998, hyphened=True),
                street("Main St", (11, 99, 10, 98), at=40.01),
            ],
            vintages=VINTAGES,
        )
    )


@pytest.mark.parametrize("text", ["52-50 39TH AVE", "5250 39th Ave", "52-50 39 AVE, APT 3", "52 - 50 39TH AVENUE"])
def test_a_hyphen_is_part_of_the_number_where_the_streets_have_it(geocoder: Geocoder, text: str) -> None:
    answer = geocoder.geocode(text)
    assert answer.precision is Precision.RANGE
    assert answer.lon is not None
    assert -84.0 < answer.lon < -83.998


def test_a_hyphen_elsewhere_joins_the_numbers_of_one_house(geocoder: Geocoder) -> None:
    answer = geocoder.geocode("12-14 MAIN ST")
    assert (answer.precision, answer.matched) == (Precision.RANGE, "12 MAIN ST")


def test_the_number_is_shown_as_it_is_written_there(geocoder: Geocoder) -> None:
    assert geocoder.geocode("53-07 39TH AVE").matched == "53-07 39TH AVE"


@pytest.mark.parametrize("text", ["52-00 BLOCK OF 39TH AVE", "5200 BLOCK 39TH AVE"])
def test_a_block_of_numbers_with_hyphens(geocoder: Geocoder, text: str) -> None:
    assert geocoder.geocode(text).matched == "5200 BLOCK 39TH AVE"


def test_points_tell_by_falling_numbers_that_the_hyphen_is_part() -> None:
    points = [AddressPoint(52, "39th Ave", 40.0, -84.0 + second / 1e4, number_to=second) for second in (1, 5, 54)]
    points += [AddressPoint(12, "Main St", 40.01, -84.0, number_to=14)]
    geocoder = Geocoder(compiled([], points, vintages=VINTAGES))
    assert geocoder.geocode("52-05 39TH AVE").precision is Precision.POINT
    assert geocoder.geocode("12 MAIN ST").precision is Precision.POINT


@pytest.mark.parametrize("numbers", ["52-01,52-99,52-02,52-98", "5201,5299,5202,5298"])
def test_numbers_of_files_come_in_as_whole_numbers(tmp_path: Path, numbers: str) -> None:
    path = tmp_path / "streets.csv"
    path.write_text(
        "fullname,lf_from,lf_to,rt_from,rt_to,wkt\n"
        + "".join(f'39TH AVE,{numbers},"LINESTRING(-84.0 4{n}.0,-84.0 4{n}.001)"\n' for n in range(3)),
        encoding="utf-8",
    )
    segment = next(iter(read_sources([path]).segments()))
    assert (segment.left_from, segment.left_to, segment.right_from, segment.right_to) == (5201, 5299, 5202, 5298)
    assert segment.is_hyphened == ("-" in numbers)


@pytest.mark.parametrize(
    ("text", "number"),
    [("W180N8085", 8085), ("W180 N8085", 8085), ("N8085", 8085), ("12A", 12), ("12-14", 12), ("0012", 12), ("N", 0), ("", 0)],
)
def test_the_last_number_on_a_grid_counts(text: str, number: int) -> None:
    assert house_number(text) == number


@pytest.mark.parametrize(("text", "parts"), [("52-01", (52, 1)), ("12-14A", (12, 14)), ("12", (12, 0)), ("", (0, 0))])
def test_both_halves_of_a_number(text: str, parts: tuple[int, int]) -> None:
    assert hyphened_number(text) == parts


@pytest.fixture(scope="module")
def grid() -> Geocoder:
    """Four streets east and west of the middle and four south of it, as in Utah; and a road of Wisconsin."""
    made = []
    for way, sign in (("E", 1), ("W", -1)):
        for at in range(1, 5):
            for step in range(4):
                numbers = (step * 100 + 1, step * 100 + 99, step * 100 + 2, step * 100 + 98)
                lon, lat = -111.0 + sign * at * 0.002, 40.0 - step * 0.002
                made.append(StreetSegment(f"S {at * 100} {way}", ((lon, lat), (lon, lat - 0.002)), *numbers))
                lon, lat = -111.0 + sign * step * 0.002, 40.0 - at * 0.002
                made.append(StreetSegment(f"{way} {at * 100} S", ((lon, lat), (lon + sign * 0.002, lat)), *numbers))
    made.append(StreetSegment("Town Hall Rd", ((-110.9, 40.0), (-110.9, 40.01)), 8001, 8099, 8000, 8098))
    return Geocoder(compiled(made, vintages=VINTAGES))


@pytest.mark.parametrize(
    ("text", "matched"),
    [
        ("350 S 300 E", "350 S 300 E"), ("350 South 300 East", "350 S 300 E"), ("350 S. 300 E. #4", "350 S 300 E"),
        ("350 S 300 EAST ST", "350 S 300 E"), ("350 E 300 S", "350 E 300 S"), ("350 S 300 W", "350 S 300 W"),
        ("300 E & 400 S", "S 300 E & E 400 S"), ("300 EAST AND 400 SOUTH", "S 300 E & E 400 S"),
        ("300 BLOCK S 300 E", "300 BLOCK S 300 E"), ("3XX S 300 E", "300 BLOCK S 300 E"),
        ("W180N8085 TOWN HALL RD", "8085 TOWN HALL RD"), ("N8085 Town Hall Rd", "8085 TOWN HALL RD"),
    ],
)  # fmt: skip
def test_addresses_on_a_grid(grid: Geocoder, text: str, matched: str) -> None:
    assert grid.geocode(text).matched == matched
