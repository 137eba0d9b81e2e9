"""Ways of writing an address that hold in the whole country: what dispatchers, clerks and the post office write."""

import pytest
from spikewatch_testing import invented_town as town

from spikewatch.enrichment.domain.geocoding.answer import Precision
from spikewatch.enrichment.domain.geocoding.compile import compiled
from spikewatch.enrichment.domain.geocoding.coordinates import coordinates_in
from spikewatch.enrichment.domain.geocoding.geocoder import Geocoder
from spikewatch.enrichment.domain.geocoding.records import StreetSegment

_NAMES = (
    "A St", "FM 1200", "I-10 Frontage Rd", "County Line Rd", "Lake Shore Dr", "State Route 4 Byp", "US Highway 41", "US Highway 41 Bus",
    "State Route 9", "Long Interstate Rd",
)  # fmt: skip


@pytest.fixture(scope="module")
def geocoder() -> Geocoder:
    more = [
        StreetSegment(name, ((-84.1, 40.02 + at * 0.004), (-84.098, 40.02 + at * 0.004)), 101, 199, 100, 198, "45402", "45402", "Cedarton")
        for at, name in enumerate(_NAMES)
    ]
    freeway = StreetSegment("I-75", ((-84.2, 40.0), (-84.2, 40.2)))
    streets = [*town.segments(), *more, freeway]
    return Geocoder(compiled(streets, (), town.LANDMARKS, town.PLACES, town.ALIASES, vintages=town.VINTAGES))


@pytest.mark.parametrize(
    ("text", "matched"),
    [
        ("150 #4 OAK RD", "150 OAK RD"),
        ("150 # 4B OAK RD", "150 OAK RD"),
        ("150 APT 4 OAK RD", "150 OAK RD"),
        ("150 UNIT B OAK RD", "150 OAK RD"),
        ("150 A&B OAK RD", "150 OAK RD"),
        ("150 A/B OAK RD", "150 OAK RD"),
        ("150 A & C OAK RD", "150 OAK RD"),
        ("150 A & 2ND ST", "150 A ST"),
        ("ONE OAK RD", "1 OAK RD"),
        ("TEN MCKINLEY BLVD", "10 MCKINLEY BLVD"),
        ("150 FARM TO MARKET RD 1200", "150 FM 1200"),
        ("150 Farm-to-Market Road 1200", "150 FM 1200"),
        ("150 INTERSTATE 10 FRONTAGE ROAD", "150 I 10 FRONTAGE RD"),
        ("150 CO LINE RD", "150 COUNTY LINE RD"),
        ("150 LAKE SHORE", "150 LAKE SHORE DR"),
        ("150 STATE ROUTE 4", "150 SR 4"),
        ("150 SR 4 BYPASS", "150 SR 4 BYP"),
        ("150 US 41 BUSINESS", "150 US 41 BUS"),
        ("150 HWY 41 BUS", "150 US 41 BUS"),
        ("150 US 41", "150 US 41"),
        ("150 SR 9 BYP", "150 SR 9"),
    ],
)
def test_a_house_is_found_however_it_is_written(geocoder: Geocoder, text: str, matched: str) -> None:
    answer = geocoder.geocode(text)
    assert (answer.precision, answer.matched) == (Precision.RANGE, matched)


def test_a_route_that_stands_for_its_bypass_is_less_sure(geocoder: Geocoder) -> None:
    assert geocoder.geocode("150 SR 9 BYP").confidence < geocoder.geocode("150 SR 9").confidence


@pytest.mark.parametrize(
    "text",
    [
        "OAK RD N/O 2ND AVE", "OAK RD S/O 2ND AVE", "OAK RD NO OF 2ND AVE", "SEC OAK RD & 2ND AVE", "NWC OF OAK RD AND 2ND AVE",
    ],
)  # fmt: skip
def test_a_crossing_is_found_however_it_is_written(geocoder: Geocoder, text: str) -> None:
    answer = geocoder.geocode(text)
    assert (answer.precision, answer.matched, answer.confidence) == (Precision.INTERSECTION, "OAK RD & 2ND AVE", 0.97)


@pytest.mark.parametrize(
    ("text", "reason"), [("EXIT 12", "road_not_told"), ("MM 54.2", "road_not_told"), ("I-75 MM 12", "milepost_not_in_index")]
)
def test_a_milepost_without_reference_is_given_no_place_and_a_reason(geocoder: Geocoder, text: str, reason: str) -> None:
    answer = geocoder.geocode(text)
    assert (answer.precision, answer.reasons) == (Precision.NONE, (reason,))
    told = geocoder.geocode(text, city="Cedarton")
    assert (told.precision, reason in told.reasons) == (Precision.CITY, True)


@pytest.mark.parametrize("text", ["101NB C CHAVEZ ON", "75NB OAK RD ON", "75 SB OFF TO OAK", "I-75 NB RAMP TO OAK RD", "I-75 MM 53.9"])
def test_a_ramp_is_not_guessed(geocoder: Geocoder, text: str) -> None:
    assert geocoder.geocode(text).lat is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("40.02, -84.02", ""),
        ("LL(40.02,-84.02)", ""),
        ("LL(40:01:12.00,-84:01:12.00)", ""),
        ("LL(-084:01:12.0000,040:01:12.0000)", "coordinates_swapped"),
        ("-84.02, 40.02", "coordinates_swapped"),
        ("40.02, 84.02", "longitude_sign_assumed"),
    ],
)
def test_coordinates_lie_where_the_index_does(geocoder: Geocoder, text: str, reason: str) -> None:
    answer = geocoder.geocode(text)
    assert (answer.lat, answer.lon) == pytest.approx((40.02, -84.02))
    assert answer.reasons == (("coordinates_in_text", reason) if reason else ("coordinates_in_text",))
    assert answer.confidence == pytest.approx(0.95 if not reason else 0.9, abs=0.01)


def test_a_pair_that_is_on_earth_in_one_order_only_is_read_in_that_order() -> None:
    assert coordinates_in("-122.41, 37.75") == coordinates_in("37.75, -122.41") == (37.75, -122.41)
    assert coordinates_in("-122.41, 137.75") is None
