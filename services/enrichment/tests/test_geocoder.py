"""Where the geocoder places what people write, on the streets of an invented county."""

import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spikewatch_testing import invented_town as town
from spikewatch_testing.exploring import examples

from spikewatch.enrichment.domain.geocoding.answer import Answer, Precision, Query
from spikewatch.enrichment.domain.geocoding.compile import compiled
from spikewatch.enrichment.domain.geocoding.geocoder import Geocoder
from spikewatch.enrichment.domain.geocoding.hits import metres
from spikewatch.enrichment.domain.geocoding.records import AddressPoint, StreetSegment, Vintage

LAT, LON = town.SOUTH_EDGE, town.WEST_EDGE


@pytest.fixture(scope="module")
def geocoder() -> Geocoder:
    return Geocoder(compiled(town.segments(), (), town.LANDMARKS, town.PLACES, town.ALIASES, vintages=town.VINTAGES))


def apart(answer: Answer, lat: float, lon: float) -> float:
    assert answer.lat is not None
    assert answer.lon is not None
    return metres(answer.lat, answer.lon, lat, lon)


def test_a_house_stands_beside_its_street_on_its_own_side(geocoder: Geocoder) -> None:
    odd, even = geocoder.geocode("151 Oak Rd"), geocoder.geocode("150 Oak Rd")
    assert odd.precision is even.precision is Precision.RANGE
    street = LAT + 2 * town.NORTH
    assert odd.lat is not None
    assert even.lat is not None
    assert odd.lat > street > even.lat  # drawn from west to east: odd numbers on the left are north
    assert apart(odd, street, LON + 1.5 * town.EAST) == pytest.approx(18.0, abs=2.0)
    assert (odd.zip5, odd.county, odd.vintage) == ("45402", town.COUNTY, "Invented centreline 2026")


def test_numbers_grow_along_the_street_and_keep_away_from_the_crossing(geocoder: Geocoder) -> None:
    lons = [geocoder.geocode(f"{number} OAK RD").lon for number in range(101, 200, 2)]
    assert lons == sorted(lons, key=lambda lon: lon or 0.0)
    first = geocoder.geocode("101 OAK RD")
    assert apart(first, LAT + 2 * town.NORTH, LON + town.EAST) > 15


@pytest.mark.parametrize(
    "text",
    [
        "150 MCKINLEY BLVD",
        "150 McKinley Boulevard",
        "150 MCKINLY BLVD",
        "150 MC KINLEY BLVD",
        "150 MCKINLEYBLVD",
        "150 MCKINLEY",
        "150 MCKINLEY BLVD APT 4",
        "150 MCKINLEY BLVD, CEDARTON, OH 45402",
        "150 MCKINLEY BLVD CEDARTON",
        "APT 4, 150 MCKINLEY BLVD",
        "in a home at 150 McKinley Blvd.",
        "CEDAR DINER 150 MCKINLEY BLVD",
        "MCKINLEY BLVD 150",
    ],
)
def test_all_ways_of_writing_an_address_give_the_same_place(geocoder: Geocoder, text: str) -> None:
    answer = geocoder.geocode(text)
    assert answer.precision is Precision.RANGE
    assert apart(answer, LAT + 6 * town.NORTH, LON + 1.5 * town.EAST) < 20


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("150 US 40", 3), ("150 US HWY 40", 3), ("150 RTE 40", 3), ("150 OLD NATIONAL RD", 3), ("150 CO RD 12", 4), ("150 CR 12", 4),
        ("150 AVE B", 5), ("150 BUENAVISTA DR", 7), ("150 BUENA VISTA", 7), ("150 SR 4", 8), ("150 OH-4", 8),
        ("150 8 MILE RD", 9), ("150 BROADWAY", 2),
    ],
)  # fmt: skip
def test_routes_aliases_and_names_run_together(geocoder: Geocoder, text: str, row: int) -> None:
    answer = geocoder.geocode(text)
    assert answer.precision is Precision.RANGE
    assert apart(answer, LAT + row * town.NORTH, LON + 1.5 * town.EAST) < 20


@pytest.mark.parametrize("text", ["151 A OAK RD", "151 C MCKINLEY BLVD", "151 D 8 MILE RD", "151 B OAK RD 4", "151 A BROADWAY"])
def test_a_letter_between_number_and_street_is_a_units(geocoder: Geocoder, text: str) -> None:
    number, _, rest = text.split(" ", 2)
    answer, plain = geocoder.geocode(text), geocoder.geocode(f"{number} {rest}")
    assert (answer.lat, answer.lon, answer.precision) == (plain.lat, plain.lon, Precision.RANGE)
    assert "unit_letter_dropped" in answer.reasons
    assert plain.confidence > answer.confidence > 0.95 * plain.confidence


def test_a_letter_that_is_a_streets_name_is_no_units() -> None:
    streets = (("A St", 40.0), ("Oak Rd", 40.1), ("Turk St", 40.2))
    lettered = [StreetSegment(name, ((-84.0, south), (-83.99, south)), 1, 99, 2, 98) for name, south in streets]
    of_letters = Geocoder(compiled(lettered, vintages=town.VINTAGES))
    assert of_letters.geocode("12 A ST").matched == "12 A ST"
    assert of_letters.geocode("12 A ST").reasons == ()
    assert of_letters.geocode("12 A OAK RD").matched == "12 OAK RD"
    assert of_letters.geocode("12 Q TURRK ST").reasons == ("name_corrected", "unit_letter_dropped")
    assert of_letters.geocode("12 B ST").lat is None


@pytest.mark.parametrize("text", ["705 \\ BLVD", "705 / BLVD", "705 BLVD", "150 RD", "150 C", "150 - AVE", "150 & ST"])
def test_a_number_with_nothing_but_a_type_or_a_letter_is_no_street(geocoder: Geocoder, text: str) -> None:
    assert geocoder.geocode(text).precision not in {Precision.POINT, Precision.RANGE, Precision.NEAR_RANGE}


@pytest.mark.parametrize("text", ["300 BLOCK OF OAK RD", "OAK RD 300 BLK", "3XX OAK RD", "300-399 OAK RD", "301 BLOCK OAK RD / 2ND AVE"])
def test_a_block_is_placed_in_its_middle(geocoder: Geocoder, text: str) -> None:
    answer = geocoder.geocode(text)
    assert (answer.precision, answer.matched) == (Precision.BLOCK, "300 BLOCK OAK RD")
    assert apart(answer, LAT + 2 * town.NORTH, LON + 3.5 * town.EAST) < 5


@pytest.mark.parametrize(
    "text", ["OAK RD & 2ND AVE", "2 AVE/OAK RD", "SECOND AVENUE AND OAK", "2ND AVE @ OAK RD / MAIN ST", "OAK ROAD X 02ND AV"]
)
def test_a_crossing_is_the_node_of_both_streets(geocoder: Geocoder, text: str) -> None:
    answer = geocoder.geocode(text)
    assert answer.precision is Precision.INTERSECTION
    assert apart(answer, LAT + 2 * town.NORTH, LON + town.EAST) < 1


def test_streets_that_nearly_meet_are_placed_between_and_say_so(geocoder: Geocoder) -> None:
    answer = geocoder.geocode("8 MILE RD & W ELM ST")
    assert answer.precision is not Precision.INTERSECTION
    gap = [
        StreetSegment("Long Ln", ((-84.0, 40.0), (-84.0, 40.001)), 1, 99, 2, 98),
        StreetSegment("Short Ln", ((-84.001, 40.0), (-84.002, 40.0)), 1, 99, 2, 98),
    ]
    near = Geocoder(compiled(gap, vintages=[Vintage("gap", "2026", "street")])).geocode("LONG LN & SHORT LN")
    assert (near.precision, near.reasons) == (Precision.NEAR_INTERSECTION, ("streets_do_not_touch",))
    assert apart(near, 40.0, -84.0005) < 1


@pytest.mark.parametrize(
    "text", ["OAK RD: 1ST AVE to 2ND AVE", "OAK RD BETWEEN 1ST AVE AND 2ND AVE", "OAK RD: 1ST AVE to 2ND AVE (1 - 99)"]
)
def test_a_stretch_between_two_streets_is_placed_in_its_middle(geocoder: Geocoder, text: str) -> None:
    answer = geocoder.geocode(text)
    assert answer.precision is Precision.BLOCK
    assert apart(answer, LAT + 2 * town.NORTH, LON + 0.5 * town.EAST) < 5


def test_an_ambiguous_address_is_answered_with_candidates_and_no_guess(geocoder: Geocoder) -> None:
    answer = geocoder.geocode("250 MAIN ST")
    assert (answer.lat, answer.precision, answer.confidence) == (None, Precision.NONE, 0.0)
    assert "ambiguous" in answer.reasons
    assert {alternative.city for alternative in answer.alternatives} == {"CEDARTON", "ELMWOOD"}
    assert {alternative.matched for alternative in answer.alternatives} == {"250 MAIN ST"}


@pytest.mark.parametrize("told", [{"city": "Elmwood"}, {"zip5": "45322"}, {"city": "elmwood ", "county": town.COUNTY}])
def test_what_else_the_report_tells_decides_between_candidates(geocoder: Geocoder, told: dict[str, str]) -> None:
    answer = geocoder.geocode("250 MAIN ST", **told)
    assert (answer.precision, answer.zip5) == (Precision.RANGE, "45322")
    assert geocoder.geocode("250 MAIN ST, Elmwood").lat == answer.lat


def test_each_step_down_the_ladder_leaves_its_reason(geocoder: Geocoder) -> None:
    beyond = geocoder.geocode("720 OAK RD")
    assert (beyond.precision, beyond.reasons) == (Precision.NEAR_RANGE, ("number_beyond_range",))
    whole = geocoder.geocode("OAK RD")
    assert (whole.precision, whole.reasons) == (Precision.STREET, ("no_number",))
    other = geocoder.geocode("OAK RD & DEAD END")
    assert (other.precision, other.reasons) == (Precision.STREET, ("other_street_unknown",))
    unknown = geocoder.geocode("12 NOWHERE LN", zip5="45402")
    assert (unknown.precision, unknown.reasons) == (Precision.ZIP, ("place_not_found",))
    assert beyond.confidence < geocoder.geocode("620 OAK RD").confidence


def test_a_number_far_from_every_range_is_not_placed_on_a_long_street(geocoder: Geocoder) -> None:
    assert geocoder.geocode("5112 OAK RD").lat is None


def test_a_city_that_the_index_does_not_know_costs_confidence(geocoder: Geocoder) -> None:
    answer = geocoder.geocode("150 OAK RD", city="Faraway")
    assert "city_not_in_index" in answer.reasons
    assert answer.confidence < 0.8


def test_a_name_without_numbers_gives_way_to_no_guess_when_one_slip_away_is_a_street_with_that_number() -> None:
    streets = [
        StreetSegment("Hays St", ((-84.0, 40.0), (-84.0, 40.001))),
        StreetSegment("Hayes St", ((-84.1, 40.0), (-84.1, 40.001)), 1, 99, 2, 98),
    ]
    answer = Geocoder(compiled(streets, vintages=town.VINTAGES)).geocode("12 HAYS ST")
    assert (answer.lat, answer.reasons) == (None, ("ambiguous",))
    assert {one.matched for one in answer.alternatives} == {"HAYS ST", "12 HAYES ST"}


def test_what_is_answered_does_not_depend_on_what_was_asked_before(geocoder: Geocoder) -> None:
    texts = ["150 OAK RD", "OAK RD & 2ND AVE", "300 BLOCK OAK RD", "150 OAKK RD", "250 MAIN ST", "8 MILE RD & W ELM ST"]
    fresh = Geocoder(compiled(town.segments(), (), town.LANDMARKS, town.PLACES, town.ALIASES, vintages=town.VINTAGES))
    first = [fresh.geocode(text) for text in texts]
    assert [fresh.geocode(text) for text in reversed(texts)] == first[::-1]
    assert [geocoder.geocode(text) for text in texts] == first


def test_25th_street_is_not_25th_avenue(geocoder: Geocoder) -> None:
    assert geocoder.geocode("150 3RD PL").lat is None
    slip = geocoder.geocode("150 MCKINLEY ST")
    assert "type_conflict" in slip.reasons
    assert slip.confidence < 0.7


def test_a_place_in_another_county_or_state_is_never_given(geocoder: Geocoder) -> None:
    assert geocoder.geocode("150 OAK RD", zip5="90210").lat is None
    assert geocoder.geocode("150 OAK RD, AUSTIN TX 78701").lat is None
    assert geocoder.geocode("150 OAK RD", county="48453").reasons == ("other_county",)


@pytest.mark.parametrize(
    ("text", "precision", "matched"),
    [
        ("45402", Precision.ZIP, "45402"),
        ("Cedarton", Precision.CITY, "CEDARTON"),
        ("Cedarton, OH", Precision.CITY, "CEDARTON"),
        ("Cedar County", Precision.COUNTY, "CEDAR COUNTY"),
        ("Cedar Valley Hospital", Precision.LANDMARK, "CEDAR VALLEY HOSPITAL"),
        ("I-75 NB MM 54", Precision.LANDMARK, "I 75 NB MM 54"),
        ("I-75 AT EXIT 53B", Precision.LANDMARK, "I 75 EXIT 53B"),
        ("39.99, -84.01", Precision.POINT, "39.990000, -84.010000"),
    ],
)
def test_places_known_by_name_alone(geocoder: Geocoder, text: str, precision: Precision, matched: str) -> None:
    answer = geocoder.geocode(text)
    assert (answer.precision, answer.matched) == (precision, matched)
    assert answer.lat is not None


def test_a_milepost_between_two_known_ones_lies_between_them(geocoder: Geocoder) -> None:
    assert apart(geocoder.geocode("I-75 MM 54.5"), 40.025, -84.02) < 1
    assert geocoder.geocode("I-75 MM 99").lat is None


def test_coordinates_far_from_the_index_are_given_with_doubt(geocoder: Geocoder) -> None:
    answer = geocoder.geocode("12.5000, 10.2500")
    assert "coordinates_outside_index" in answer.reasons
    assert answer.confidence < 0.5


def test_an_address_point_outranks_the_range() -> None:
    points = [AddressPoint(150, "Oak Rd", 40.5, -84.5), AddressPoint(151, "Lone Ln", 40.6, -84.6)]
    both = Geocoder(compiled(town.segments(), points, vintages=town.VINTAGES))
    answer = both.geocode("150 OAK RD")
    assert (answer.precision, answer.lat, answer.lon) == (Precision.POINT, 40.5, -84.5)
    assert both.geocode("151 LONE LN").precision is Precision.POINT  # a street that has points and no line
    assert both.geocode("152 OAK RD").precision is Precision.RANGE


def test_reverse_tells_street_block_and_cross_street(geocoder: Geocoder) -> None:
    found = geocoder.reverse(LAT + 2 * town.NORTH + 0.0001, LON + 1.4 * town.EAST)
    assert found is not None
    assert (found.street, found.block, found.cross_street, found.zip5) == ("OAK RD", 100, "2ND AVE", "45402")
    assert found.metres == pytest.approx(11.1, abs=0.3)
    assert geocoder.reverse(0.0, 0.0) is None
    assert geocoder.reverse(float("nan"), 0.0) is None


@settings(max_examples=examples(25))
@given(st.sampled_from(town.STREETS + town.AVENUES), st.integers(0, 6), st.integers(20, 80))
def test_a_placed_house_is_found_again_by_its_point(street: str, hundred: int, rest: int) -> None:
    geocoder, number = _GEOCODER, hundred * 100 + rest
    answer = geocoder.geocode(f"{number} {street}", city="Cedarton")
    assert answer.precision is Precision.RANGE
    assert answer.lat is not None
    assert answer.lon is not None
    back = geocoder.reverse(answer.lat, answer.lon)
    assert back is not None
    assert back.metres < 19
    assert back.block == hundred * 100


@settings(max_examples=examples(120))
@given(
    st.one_of(
        st.text(max_size=350),
        st.text("0123456789/&@:,#-() ABELMNORST", max_size=80),
        st.binary(max_size=300).map(lambda raw: raw.decode("latin-1")),
    )
)
def test_hostile_text_never_fails_and_keeps_the_contract(text: str) -> None:
    answer = _GEOCODER.geocode(text)
    assert (answer.lat is None) == (answer.lon is None) == (answer.precision is Precision.NONE)
    assert 0.0 <= answer.confidence <= 1.0
    assert (answer.confidence > 0) == (answer.lat is not None)


@pytest.mark.parametrize(
    "text",
    [
        "A" * 10_000_000,
        "1 " * 150,
        "/" * 300,
        "A/" * 150,
        "(" * 300,
        "A:B TO " * 40,
        "1 BLOCK " * 37,
        "9" * 300,
        "MM " * 90,
        "\ud800" * 50,
        "12 ST " * 50,
        "12 " + "Q " * 140 + "OAKK",
    ],
    ids=lambda text: text[:8].encode("unicode_escape").decode(),
)
def test_hostile_lengths_are_answered_at_once(geocoder: Geocoder, text: str) -> None:
    import time

    start = time.process_time()
    geocoder.geocode(text)
    assert time.process_time() - start < 2  # it takes a millisecond


def test_no_socket_is_opened(geocoder: Geocoder, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the geocoder opened a socket")

    monkeypatch.setattr(socket, "socket", refuse)
    assert geocoder.geocode("150 OAK RD").lat is not None


def test_many_are_answered_in_order_and_as_one_by_one(geocoder: Geocoder) -> None:
    queries = [Query("150 OAK RD"), Query(None), Query("250 MAIN ST", "Elmwood"), Query("OAK RD & 2ND AVE")]
    assert geocoder.geocode_many(queries) == [geocoder.geocode(one.address, city=one.city) for one in queries]


_GEOCODER = Geocoder(compiled(town.segments(), (), town.LANDMARKS, town.PLACES, town.ALIASES, vintages=town.VINTAGES))
