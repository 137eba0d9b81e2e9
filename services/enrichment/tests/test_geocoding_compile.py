"""What an index is made of: small, narrow, the same for the same streets, and without what no one could find."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spikewatch_testing import invented_town as town

from spikewatch.enrichment.domain.geocoding.compile import compiled
from spikewatch.enrichment.domain.geocoding.geocoder import Geocoder
from spikewatch.enrichment.domain.geocoding.lines import Lines
from spikewatch.enrichment.domain.geocoding.packed import SCALE, Packed, narrowed
from spikewatch.enrichment.domain.geocoding.records import AddressPoint, Alias, Landmark, PlaceArea, StreetSegment, Vintage

VINTAGE = [Vintage("made", "2026", "street")]
LINE = ((-84.0, 40.0), (-83.99, 40.0))


def test_the_same_streets_make_the_same_bytes() -> None:
    one, other = (compiled(town.segments(), (), town.LANDMARKS, town.PLACES, town.ALIASES, vintages=town.VINTAGES) for _ in range(2))
    assert one.facts == other.facts
    assert all(np.array_equal(one.arrays[name], other.arrays[name]) for name in one.arrays)
    assert one.arrays.keys() == other.arrays.keys()


def test_a_town_takes_few_bytes_a_segment() -> None:
    packed = compiled(town.segments(), vintages=VINTAGE)
    assert sum(array.nbytes for array in packed.arrays.values()) / len(packed.arrays["from_node"]) < 60


def test_read_only_arrays_are_enough() -> None:
    packed = compiled(town.segments(), vintages=VINTAGE)
    for array in packed.arrays.values():
        array.flags.writeable = False
    assert Geocoder(packed).geocode("150 OAK RD").lat is not None


@pytest.mark.parametrize(
    "segment",
    [
        StreetSegment("", LINE, 1, 99),
        StreetSegment("Oak Rd", LINE[:1], 1, 99),
        StreetSegment("Oak Rd", (), 1, 99),
        StreetSegment("Oak Rd", ((-84.0, 40.0), (500.0, 40.0)), 1, 99),
        StreetSegment("Oak Rd", ((float("nan"), 40.0), (-84.0, 40.0)), 1, 99),
        StreetSegment("北京", LINE, 1, 99),
    ],
)
def test_segments_without_name_or_place_are_left_out(segment: StreetSegment) -> None:
    packed = compiled([segment, StreetSegment("Elm St", LINE, 1, 99)], vintages=VINTAGE)
    assert len(packed.arrays["from_node"]) == 1


def test_an_index_of_nothing_answers_nothing() -> None:
    empty = Geocoder(compiled((), vintages=()))
    assert empty.geocode("12 OAK RD").lat is None
    assert empty.geocode("OAK RD & ELM ST").lat is None
    assert empty.reverse(40.0, -84.0) is None


def test_points_landmarks_and_places_off_the_earth_are_left_out() -> None:
    packed = compiled(
        (),
        [AddressPoint(12, "Oak Rd", 95.0, -84.0), AddressPoint(0, "Oak Rd", 40.0, -84.0), AddressPoint(12, "", 40.0, -84.0)],
        [Landmark("Hall", 95.0, 0.0)],
        [PlaceArea("zip", "45402", 95.0, 0.0, 10.0)],
        [Alias("", "Oak Rd"), Alias("Main St", "Nowhere St")],
        vintages=VINTAGE,
    )
    assert len(packed.arrays["point_number"]) == len(packed.arrays["landmark_lat"]) == len(packed.arrays["place_lat"]) == 0
    assert len(packed.arrays["alias_street"]) == 0


def test_crossings_follow_from_equal_ends_or_from_the_numbers_of_the_source() -> None:
    by_place = compiled([StreetSegment("A St", LINE), StreetSegment("B St", (LINE[1], (-83.99, 40.01)))], vintages=VINTAGE)
    assert len(by_place.arrays["node_lat"]) == 3
    bridge = [
        StreetSegment("A St", LINE, from_node=1, to_node=2),
        StreetSegment("B St", (LINE[1], (-83.99, 40.01)), from_node=3, to_node=4),
    ]
    assert len(compiled(bridge, vintages=VINTAGE).arrays["node_lat"]) == 4
    all_zero = [StreetSegment("A St", LINE, from_node=0, to_node=0)]
    assert len(compiled(all_zero, vintages=VINTAGE).arrays["node_lat"]) == 2


def test_narrowed_takes_the_smallest_type_that_holds_all() -> None:
    assert [narrowed([top]).dtype for top in (255, 256, 65_536)] == [np.uint8, np.uint16, np.uint32]


@given(
    st.lists(st.tuples(st.floats(-84.2, -83.8), st.floats(39.8, 40.2)), min_size=2, max_size=12, unique=True),
)
def test_a_packed_line_stays_where_it_was(line: list[tuple[float, float]]) -> None:
    packed: Packed = compiled([StreetSegment("Oak Rd", tuple(line), 1, 99)], vintages=VINTAGE)
    vertices = Lines(packed.arrays).vertices(0)
    tolerance = 3e-5 * SCALE  # simplified by 1.5e-5 degrees, rounded to 1e-6
    assert vertices[0] == (round(line[0][1] * SCALE), round(line[0][0] * SCALE))
    assert vertices[-1] == (round(line[-1][1] * SCALE), round(line[-1][0] * SCALE))
    for lat, lon in [(lat * SCALE, lon * SCALE) for lon, lat in (min(line), max(line))]:
        nearest = min(_apart((lat, lon), a, b) for a, b in pairwise(vertices))
        assert nearest <= tolerance


def _apart(point: tuple[float, float], a: tuple[int, int], b: tuple[int, int]) -> float:
    north, east = b[0] - a[0], b[1] - a[1]
    length = north * north + east * east
    share = 0.0 if not length else min(max(((point[0] - a[0]) * north + (point[1] - a[1]) * east) / length, 0.0), 1.0)
    return float(np.hypot(point[0] - a[0] - share * north, point[1] - a[1] - share * east))
