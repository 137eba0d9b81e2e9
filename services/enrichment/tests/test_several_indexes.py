"""Several counties' indexes answer as one."""

import pytest

from spikewatch.enrichment.domain.geocoding.answer import Precision
from spikewatch.enrichment.domain.geocoding.compile import compiled
from spikewatch.enrichment.domain.geocoding.geocoder import Geocoder
from spikewatch.enrichment.domain.geocoding.records import StreetSegment, Vintage
from spikewatch.enrichment.domain.geocoding.several import Geocoders


def county(fips: str, city: str, zip5: str, lat: float, *names: str) -> Geocoder:
    segments = [
        StreetSegment(name, ((-84.0, lat + at / 100), (-83.998, lat + at / 100)), 1, 99, 2, 98, zip5, zip5, city, city, fips)
        for at, name in enumerate(names)
    ]
    return Geocoder(compiled(segments, vintages=[Vintage(fips, "2026", "street")]))


@pytest.fixture(scope="module")
def both() -> Geocoders:
    return Geocoders(
        [county("39113", "Dayton", "45402", 39.7, "Main St", "Elm St"), county("39061", "Cincinnati", "45202", 39.1, "Main St", "Vine St")]
    )


def test_a_street_of_one_county_is_found_there(both: Geocoders) -> None:
    assert both.geocode("12 VINE ST").vintage == "39061 2026"
    assert both.geocode("12 ELM ST").vintage == "39113 2026"


def test_a_street_of_both_is_ambiguous_until_the_place_is_told(both: Geocoders) -> None:
    answer = both.geocode("12 MAIN ST")
    assert (answer.lat, answer.reasons) == (None, ("ambiguous",))
    assert {alternative.county for alternative in answer.alternatives} == {"39113", "39061"}
    assert both.geocode("12 MAIN ST", county="39061").vintage == "39061 2026"
    assert both.geocode("12 MAIN ST", zip5="45402").vintage == "39113 2026"
    assert both.geocode("12 MAIN ST", city="Cincinnati").vintage == "39061 2026"


def test_a_county_without_an_index_is_nowhere(both: Geocoders) -> None:
    answer = both.geocode("12 MAIN ST", county="48453")
    assert (answer.lat, answer.reasons) == (None, ("other_county",))


def test_what_nobody_knows_is_nowhere(both: Geocoders) -> None:
    assert both.geocode("12 NOWHERE LN").lat is None
    assert Geocoders([]).geocode("12 MAIN ST").precision is Precision.NONE


def test_reverse_takes_the_nearest(both: Geocoders) -> None:
    found = both.reverse(39.11, -83.999)
    assert found is not None
    assert (found.street, found.county) == ("VINE ST", "39061")
