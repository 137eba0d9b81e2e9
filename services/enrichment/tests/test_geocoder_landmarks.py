"""Places called by a name: found with a door's number in front, a unit behind, and written otherwise; never another of nearly that name."""

import pytest
from spikewatch_testing import invented_town as town

from spikewatch.enrichment.domain.geocoding.answer import Answer, Precision
from spikewatch.enrichment.domain.geocoding.compile import compiled
from spikewatch.enrichment.domain.geocoding.geocoder import Geocoder
from spikewatch.enrichment.domain.geocoding.landmarks import parts_of
from spikewatch.enrichment.domain.geocoding.records import Landmark, StreetSegment

_NAMES = (
    "Pier 3", "Pier 39", "Pier 28", "Pier 28 1/2", "Ferry House", "The Ferry House Landing", "24 Hollis Plaza", "Cedar Center",
    "Willow Park", "Barnes & Oak", "Mill Place", "Mill Plaza", "Depot",
)  # fmt: skip
_LANDMARKS = [Landmark(name, 40.1 + at * 0.01, -84.1, 100.0) for at, name in enumerate(_NAMES)]


@pytest.fixture(scope="module")
def geocoder() -> Geocoder:
    more = [Landmark("Fountain", 40.18005, -84.1, 20.0), Landmark("Square", 40.3, -84.3, 50.0), Landmark("Square", 40.4, -84.3, 50.0)]
    far = Landmark("Old Arsenal", 40.2, -84.2, 80.0, "Elmwood", "39999")
    return Geocoder(compiled(town.segments(), (), [*_LANDMARKS, *more, far], town.PLACES, town.ALIASES, vintages=town.VINTAGES))


def found(answer: Answer) -> tuple[Precision, str]:
    return answer.precision, answer.matched


@pytest.mark.parametrize(
    ("text", "name", "reasons"),
    [
        ("PIER 39", "PIER 39", ()),
        ("Pier 039", "PIER 39", ()),
        ("PIER 39 SPACE K-01", "PIER 39", ("trailing_words_dropped",)),
        ("PIER 39  BUILDING B  SPACE 1-3", "PIER 39", ("trailing_words_dropped",)),
        ("PIER 39 FRONT", "PIER 39", ("trailing_words_dropped",)),
        ("IN FRONT OF PIER 39", "PIER 39", ()),
        ("PIER 3 OAK RD", "PIER 3", ("trailing_words_dropped",)),
        ("PIER 3 9", "PIER 3", ("trailing_words_dropped",)),
        ("PIER 28", "PIER 28", ()),
        ("PIER 28 1/2", "PIER 28 1 2", ()),
        ("PIER 28\u00bd STE 4", "PIER 28 1 2", ("trailing_words_dropped",)),
        ("PIER 3 1/2", "PIER 3", ("trailing_words_dropped",)),
        ("1 FERRY HOUSE #11A", "FERRY HOUSE", ("trailing_words_dropped",)),
        ("1 FERRY HOUSE", "FERRY HOUSE", ("house_number_dropped",)),
        ("FERRY HOUSE SUITE 4", "FERRY HOUSE", ("trailing_words_dropped",)),
        ("Ferry House Landing 3", "THE FERRY HOUSE LANDING", ("trailing_words_dropped",)),
        (" FERRY HOUSE TERRACE - PIER 3", "PIER 3", ()),
        ("24 HOLLIS PLAZA 1.11.04", "24 HOLLIS PLAZA", ("trailing_words_dropped",)),
        ("24 HOLLIS PLZ", "24 HOLLIS PLAZA", ()),
        ("24 HOLLIS PL", "24 HOLLIS PLAZA", ()),
        ("MILL PLACE", "MILL PLACE", ()),
        ("MILL PLAZA", "MILL PLAZA", ()),
        ("4 CEDAR CENTER STREET LEVEL", "CEDAR CENTER", ("trailing_words_dropped",)),
        ("4 CEDAR CTR", "CEDAR CENTER", ("house_number_dropped",)),
        ("BARNES & OAK", "BARNES AND OAK", ()),
        ("SNACK BAR (WILLOW PARK)", "WILLOW PARK", ()),
        ("FOUNTAIN, WILLOW PARK", "FOUNTAIN", ()),
    ],
)
def test_a_landmark_is_found_however_it_is_written(geocoder: Geocoder, text: str, name: str, reasons: tuple[str, ...]) -> None:
    answer = geocoder.geocode(text)
    assert found(answer) == (Precision.LANDMARK, name)
    assert answer.reasons == reasons
    assert answer.confidence == (0.85 if not reasons else pytest.approx(0.79, abs=0.03))


@pytest.mark.parametrize(
    "text",
    ["PIER 9", "PIER 33", "PIER 390", "PIER", "WILLOW PARK SCHOOL", "NORTH WILLOW PARK", "25 HOLLIS PLAZA", "DEPOT 4", "HOLLIS PLAZA"],
)
def test_what_is_called_nearly_so_is_another_place(geocoder: Geocoder, text: str) -> None:
    assert geocoder.geocode(text).precision is not Precision.LANDMARK


def test_a_street_with_the_number_outranks_the_landmark_of_its_name(geocoder: Geocoder) -> None:
    assert found(geocoder.geocode("150 OAK RD, WILLOW PARK")) == (Precision.RANGE, "150 OAK RD")


def test_two_landmarks_of_one_name_are_ambiguous_and_one_elsewhere_is_refused(geocoder: Geocoder) -> None:
    assert geocoder.geocode("SQUARE").reasons == ("ambiguous",)
    assert geocoder.geocode("4 OLD ARSENAL, UNIT 3").matched == "OLD ARSENAL"
    assert geocoder.geocode("4 OLD ARSENAL, UNIT 3", county=town.COUNTY).precision is not Precision.LANDMARK


def test_two_landmarks_far_apart_in_one_text_are_ambiguous(geocoder: Geocoder) -> None:
    answer = geocoder.geocode("1 FERRY HOUSE - PIER 39")
    assert (answer.lat, answer.reasons) == (None, ("ambiguous",))
    assert {other.matched for other in answer.alternatives} == {"FERRY HOUSE", "PIER 39"}


@pytest.mark.parametrize("text", ["1 FERRY BUILDING", "1 FERRY BLDG #11A", "FERRY BUILDING, UNIT 3"])
def test_a_building_is_not_on_the_street_of_its_first_word(text: str) -> None:
    streets = [StreetSegment("Ferry St", ((-84.0, 40.0), (-84.0, 40.001)), 1, 99, 2, 98)]
    without = Geocoder(compiled(streets, vintages=town.VINTAGES))
    assert without.geocode(text).precision is Precision.NONE
    assert without.geocode("1 FERRY ST BLDG 4").matched == without.geocode("1 FERRY BLDG 4").matched == "1 FERRY ST"
    named = Geocoder(compiled(streets, (), [Landmark("Ferry Building", 40.1, -84.1)], vintages=town.VINTAGES))
    assert found(named.geocode(text)) == (Precision.LANDMARK, "FERRY BUILDING")


def test_a_milepost_is_not_the_next_whole_one() -> None:
    of_miles = Geocoder(compiled(town.segments(), (), town.LANDMARKS, town.PLACES, town.ALIASES, vintages=town.VINTAGES))
    assert of_miles.geocode("I-75 MM 53.2").precision is Precision.NONE
    assert of_miles.geocode("I-75 MM 55.3").precision is Precision.NONE


def test_a_text_has_parts() -> None:
    assert list(parts_of("Ferry Plaza - Pier 1")) == [["FERRY", "PLAZA", "PIER", "1"], ["FERRY", "PLAZA"], ["PIER", "1"]]
    assert list(parts_of("  ")) == []
