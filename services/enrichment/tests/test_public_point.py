"""The donut mask: where it may put a point, how many households it hides among, and that averaging does not undo it."""

import hashlib
import math
import random
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Polygon, box
from spikewatch_testing.exploring import examples

from spikewatch.enrichment.domain.areas.place import metres_between
from spikewatch.enrichment.domain.public_point.ground import Ground
from spikewatch.enrichment.domain.public_point.households import CountyDensity, HouseholdPoints, Households
from spikewatch.enrichment.domain.public_point.mask import PUBLIC, WIDE, PublicPoint, Tier, donut_of, public_point

KEY = bytes(range(32))
METRES = 111_195.0
ROUNDING_PART = 0.04  # of the radius: a point is rounded to a twentieth of it


@dataclass(frozen=True, slots=True)
class County:
    """A county that does not exist: 51 by 55 km, two towns, farms, and a lake in the larger town."""

    homes: npt.NDArray[np.float64]
    ground: Ground
    points: HouseholdPoints
    density: CountyDensity
    land: shapely.Geometry


@pytest.fixture(scope="module")
def county() -> County:
    chance = np.random.default_rng(1)

    def town(lat: float, lon: float, km: float, count: int) -> npt.NDArray[np.float64]:
        return np.stack([chance.normal(lat, km / 111.2, count), chance.normal(lon, km / 85, count)], axis=1)

    farms = np.stack([chance.uniform(40, 40.5, 2_000), chance.uniform(-80, -79.4, 2_000)], axis=1)
    homes = np.concatenate([town(40.25, -79.7, 1.5, 8_000), town(40.12, -79.5, 0.8, 2_000), farms])
    whole, lake = box(-80, 40, -79.4, 40.5), shapely.Point(-79.72, 40.24).buffer(0.01)
    ground = Ground("county:99001", whole, lake)
    homes = homes[[ground.holds(lat, lon) for lat, lon in homes]]
    return County(homes, ground, HouseholdPoints(homes[:, 0], homes[:, 1]), CountyDensity(30_000, 2_800.0), whole.difference(lake))


def home_of(county: County, index: int) -> tuple[float, float]:
    lat, lon = county.homes[index]
    return float(lat), float(lon)


def shown(county: County, lat: float, lon: float, *, key: bytes = KEY, tier: Tier = PUBLIC, by: Households | None = None) -> PublicPoint:
    point = public_point(lat, lon, key=key, ground=county.ground, households=by or county.points, tier=tier)
    assert point is not None
    return point


def away(point: PublicPoint, lat: float, lon: float) -> float:
    return metres_between(point.lat, point.lon, lat, lon)


def jittered(lat: float, lon: float, chance: random.Random, metres: float = 12.0) -> tuple[float, float]:
    """Return a position as receivers report it: scattered around the address."""
    return lat + chance.gauss(0, metres) / METRES, lon + chance.gauss(0, metres) / METRES / math.cos(math.radians(lat))


def suspects(county: County, point: PublicPoint, tier: Tier, by: Households) -> npt.NDArray[np.int64]:
    """Return the households that somebody who knows all but the key must take for possible: whose ring holds the point.

    Their rings are of the published radius: a household that would get another size is none of them.
    """
    near = np.hypot(county.homes[:, 0] - point.lat, (county.homes[:, 1] - point.lon) * math.cos(math.radians(point.lat))) * METRES
    found = []
    for index in np.flatnonzero(near <= point.radius_m).tolist():
        ring = donut_of(*home_of(county, index), tier, by)
        radius_m = math.ceil(1.4 * tier.least_outer_m * 2 ** (ring.rung / 2))
        if radius_m == point.radius_m and ring.inner_m <= away(point, ring.lat, ring.lon) <= ring.outer_m:
            found.append(index)
    return np.array(found, dtype=np.int64)


# Where it may lie -----------------------------------------------------------------------------------------------------------------


@settings(max_examples=examples(50))
@given(
    lat=st.floats(40.0, 40.5), lon=st.floats(-80.0, -79.4), secret=st.binary(min_size=16, max_size=32), tier=st.sampled_from([PUBLIC, WIDE])
)
def test_a_public_point_is_on_land_of_the_county_between_the_two_radii(
    county: County, lat: float, lon: float, secret: bytes, tier: Tier
) -> None:
    point = public_point(lat, lon, key=secret, ground=county.ground, households=county.points, tier=tier)
    if point is None:
        return
    assert county.land.contains(shapely.Point(point.lon, point.lat))
    rung_m = point.radius_m / 1.4
    assert rung_m * (1 / 3 - ROUNDING_PART) <= away(point, lat, lon) <= point.radius_m


@settings(max_examples=examples(25))
@given(lat=st.floats(40.0, 40.5), lon=st.floats(-80.0, -79.4), tier=st.sampled_from([PUBLIC, WIDE]))
def test_a_public_point_has_no_more_digits_than_its_radius_justifies(county: County, lat: float, lon: float, tier: Tier) -> None:
    point = public_point(lat, lon, key=KEY, ground=county.ground, households=CountyDensity(300_000, 2_800.0), tier=tier)
    assert point is not None
    digits = 4 if point.radius_m / 1.4 < METRES / 50 else 3
    assert (round(point.lat, digits), round(point.lon, digits)) == (point.lat, point.lon)


def test_a_point_of_a_spit_of_land_falls_on_the_spit() -> None:
    spit = Polygon([(-79.8, 40.2), (-79.6, 40.2), (-79.6, 40.203), (-79.8, 40.203)])  # 17 km long and 330 m wide
    ground = Ground("county:99001", spit)
    point = public_point(40.2015, -79.7, key=KEY, ground=ground, households=CountyDensity(10**6, 100.0))
    assert point is not None
    assert shapely.contains_xy(spit, point.lon, point.lat)


def test_a_ring_that_lies_mostly_in_the_sea_is_widened_until_enough_people_live_in_the_rest() -> None:
    # Of 52 people a hectare the smallest ring holds 100 households; on a spit 110 m wide it holds a fifth of its land.
    inland, spit = box(-80, 40, -79, 41), box(-79.8, 40.2, -79.6, 40.201)
    people = CountyDensity(population=5_200 * 900, land_km2=900.0)
    points = [public_point(40.2005, -79.7, key=KEY, ground=Ground("county:99001", land), households=people) for land in (inland, spit)]
    widths = [None if point is None else point.radius_m / 1.4 for point in points]
    assert widths[0] == pytest.approx(400, abs=1)
    assert widths[1] is None or widths[1] > 700


def test_where_no_ring_holds_enough_households_nothing_is_shown(county: County) -> None:
    lonely = HouseholdPoints([40.4], [-79.9])
    assert public_point(40.4, -79.9, key=KEY, ground=county.ground, households=lonely) is None
    too_few = CountyDensity(population=200, land_km2=2_800.0)
    assert public_point(40.4, -79.9, key=KEY, ground=county.ground, households=too_few) is None


def test_land_under_water_is_refused() -> None:
    with pytest.raises(ValueError, match="land is wrong"):
        Ground("county:99001", box(0, 0, 1, 1), box(-1, -1, 2, 2))


@pytest.mark.parametrize("lat_lon", [(math.nan, 0.0), (91.0, 0.0), (0.0, math.inf)])
def test_what_is_no_place_is_refused_without_telling_it(county: County, lat_lon: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="expected WGS 84") as caught:
        shown(county, *lat_lon)
    assert str(lat_lon[0]) not in str(caught.value)


def test_a_short_key_is_refused(county: County) -> None:
    with pytest.raises(ValueError, match="16"):
        shown(county, 40.25, -79.7, key=b"short")


# That it is one and the same ------------------------------------------------------------------------------------------------------


def test_every_publication_of_every_incident_at_one_address_is_one_point(county: County) -> None:
    assert len({shown(county, 40.2512, -79.7034) for _ in range(50)}) == 1


def test_another_key_or_tier_or_county_draws_another_point(county: County) -> None:
    other = Ground("county:99003", county.land)
    points = {
        (point.lat, point.lon)
        for point in (
            shown(county, 40.2512, -79.7034),
            shown(county, 40.2512, -79.7034, key=bytes(32)),
            shown(county, 40.2512, -79.7034, tier=replace(PUBLIC, name="other")),
            public_point(40.2512, -79.7034, key=KEY, ground=other, households=county.points),
        )
    }
    assert len(points) == 4


def test_a_small_correction_keeps_the_point_and_a_large_one_does_not(county: County) -> None:
    cell = donut_of(40.2512, -79.7034, PUBLIC, county.points)
    first = shown(county, cell.lat, cell.lon)
    assert shown(county, cell.lat + 40 / METRES, cell.lon - 40 / METRES) == first
    assert shown(county, cell.lat + 200 / METRES, cell.lon) != first


def test_displacements_of_neighbouring_cells_tell_nothing_of_each_other(county: County) -> None:
    # Who learns where one incident truly was (a news report) must not be able to move its neighbours back by the same step.
    dense, steps = CountyDensity(10**6, 100.0), []
    for column in range(60):
        lat, lon = 40.25, -79.6 + column / 512
        one, other = shown(county, lat, lon, by=dense), shown(county, lat, lon + 1 / 1024, by=dense)
        steps.append((one.lat - lat, one.lon - lon, other.lat - lat, other.lon - lon - 1 / 1024))
    matrix = np.corrcoef(np.array(steps).T)
    assert np.abs(matrix[:2, 2:]).max() < 0.45  # 60 pairs of nothing in common stay below it 999 times in a thousand


# How many it hides among, and what averaging gains --------------------------------------------------------------------------------


@pytest.mark.parametrize("tier", [PUBLIC, WIDE], ids=lambda tier: tier.name)
def test_every_tier_hides_each_place_among_its_number_of_households(county: County, tier: Tier) -> None:
    # Widened rings too: only households for which the published radius is their own are suspects, for everybody can work out that a
    # place where a smaller ring fits would not have been given a larger one.
    chance, counts = random.Random(2), []
    for index in chance.sample(range(len(county.homes)), 60):
        point = public_point(*home_of(county, index), key=KEY, ground=county.ground, households=county.points, tier=tier)
        if point is not None:
            counts.append(len(suspects(county, point, tier, county.points)))
    assert len(counts) >= 12  # the others are not shown: of the wide tier two in three, for these towns are small
    assert min(counts) >= tier.k


def test_no_household_beside_a_border_is_much_likelier_than_the_others() -> None:
    # A ring that lies mostly outside of the county leaves less ground to draw from, so a point on that ground is likelier to belong to
    # a household at the border: by as much as there were draws to find it.
    chance = np.random.default_rng(7)
    homes = np.stack([chance.uniform(40, 40.06, 9_000), chance.uniform(-80, -79.92, 9_000)], axis=1)
    ground, points = Ground("county:99001", box(-80, 40, -79.5, 40.5)), HouseholdPoints(homes[:, 0], homes[:, 1])
    corner = homes[np.argsort(np.hypot(homes[:, 0] - 40, homes[:, 1] + 80))[:40]]
    hidden = []
    for lat, lon in corner[::4].tolist():
        point = public_point(lat, lon, key=KEY, ground=ground, households=points)
        assert point is not None
        weights = []
        for ring in (donut_of(*home, PUBLIC, points) for home in homes.tolist()):
            radius_m = math.ceil(1.4 * PUBLIC.least_outer_m * 2 ** (ring.rung / 2))
            if radius_m == point.radius_m and ring.inner_m <= away(point, ring.lat, ring.lon) <= ring.outer_m:
                land = ground.share(ring.lat, ring.lon, ring.inner_m, ring.outer_m)
                weights.append((1 - (1 - land) ** 4) / land)  # that one of four draws falls on land, to the size of that land
        hidden.append(sum(weights) / max(weights))
    assert min(hidden) >= PUBLIC.k


def test_without_points_the_cautious_density_hides_nearly_every_place(county: County) -> None:
    chance, counts = random.Random(3), []
    for index in chance.sample(range(len(county.homes)), 20):
        point = shown(county, *home_of(county, index), by=county.density)
        counts.append(len(suspects(county, point, PUBLIC, county.density)))
    assert len(counts) >= 15
    assert np.mean(np.array(counts) >= PUBLIC.k) >= 0.95


def closer_homes(county: County, guess: tuple[float, float], home: npt.NDArray[np.float64]) -> int:
    """Return how many households lie nearer to a guess than the true one."""
    squeeze = math.cos(math.radians(guess[0]))
    metres = np.hypot(county.homes[:, 0] - guess[0], (county.homes[:, 1] - guess[1]) * squeeze)
    return int(np.count_nonzero(metres < math.hypot(home[0] - guess[0], (home[1] - guess[1]) * squeeze)))


def guessed_by_averaging(county: County, home: npt.NDArray[np.float64], *, is_per_incident: bool) -> tuple[float, float]:
    """Average the distinct public points of 150 incidents at one home, each position scattered as receivers do."""
    chance = random.Random(float(home[0]))
    published = set()
    for incident in range(150):
        key = hashlib.sha256(KEY + incident.to_bytes(2, "big")).digest() if is_per_incident else KEY
        scattered = jittered(float(home[0]), float(home[1]), chance)
        point = shown(county, *scattered, key=key, by=CountyDensity(10**6, 100.0) if is_per_incident else None)
        published.add((point.lat, point.lon))
    return sum(lat for lat, _ in published) / len(published), sum(lon for _, lon in published) / len(published)


def test_averaging_all_incidents_of_an_address_does_not_find_it(county: County) -> None:
    homes = county.homes[random.Random(4).sample(range(9_000), 25)]
    guesses = [guessed_by_averaging(county, home, is_per_incident=False) for home in homes]
    metres = [metres_between(*guess, *home) for guess, home in zip(guesses, homes, strict=True)]
    hidden = [closer_homes(county, guess, home) for guess, home in zip(guesses, homes, strict=True)]
    assert np.median(metres) > 250
    assert np.median(hidden) > PUBLIC.k / 2


def test_averaging_would_find_it_if_each_incident_drew_its_own_point(county: County) -> None:
    # The attack itself works: against a mask by incident it ends within a few houses. Otherwise the test above would prove nothing.
    homes = county.homes[random.Random(4).sample(range(9_000), 6)]
    guesses = [guessed_by_averaging(county, home, is_per_incident=True) for home in homes]
    assert np.median([metres_between(*guess, *home) for guess, home in zip(guesses, homes, strict=True)]) < 80


def test_intersecting_the_rings_of_all_its_points_leaves_an_address_hidden(county: County) -> None:
    # Stronger than averaging: only households whose ring holds every point published for the address stay suspects. An address well
    # inside a cell has one point; beside a border of cells two, at a corner up to four.
    chance, counts, several = random.Random(5), [], 0
    for index in chance.sample(range(9_000), 15):
        home = county.homes[index]
        points = {shown(county, *jittered(float(home[0]), float(home[1]), chance)) for _ in range(40)}
        several += len(points) > 1
        left = set.intersection(*(set(suspects_with_scatter(county, point)) for point in points))
        counts.append(len(left))
    assert several >= 3  # the scatter does reach over cells, or nothing is tested here
    assert np.mean(np.array(counts) >= PUBLIC.k / 4) >= 0.9


def suspects_with_scatter(county: County, point: PublicPoint) -> list[int]:
    """Return households one of whose positions, scattered by up to 25 m, may have had this point."""
    near = np.hypot(county.homes[:, 0] - point.lat, (county.homes[:, 1] - point.lon) * math.cos(math.radians(point.lat))) * METRES
    return np.flatnonzero((near >= point.radius_m / 1.4 / 3 - 25) & (near <= point.radius_m)).tolist()
