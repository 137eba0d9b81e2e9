"""Areas of a point: what is remembered equals what the polygons say, borders and shores included."""

import math
import threading

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import GeometryCollection, LineString, MultiPolygon, Polygon, box
from spikewatch_testing.exploring import examples

from spikewatch.enrichment.domain.areas.atlas import Atlas
from spikewatch.enrichment.domain.areas.borders import BorderCells
from spikewatch.enrichment.domain.areas.grid import UNKNOWN, CellTable, Grid
from spikewatch.enrichment.domain.areas.shore import SHORE_M
from spikewatch.enrichment.domain.geography import Place, metres_between

# Two counties with a common border, a bay north of them, districts that meet in one point, a polygon over all of it.
WEST = Place("county:99001", "Cedar", box(-80, 40, -79, 41))
EAST = Place("county:99003", "Alder", box(-79, 40, -78, 41))
NORTH = Place("district:b", "North", box(-79.5, 40.5, -79.4, 40.6))
SOUTH = Place("district:a", "South", box(-79.5, 40.4, -79.4, 40.5))
OVER = Place("custom:river", "River", box(-79.45, 40.3, -78.9, 40.7))
PLACES = (WEST, EAST, NORTH, SOUTH, OVER)


def both(atlas: Atlas, lats: list[float], lons: list[float]) -> list[tuple[str, ...]]:
    """Ask the polygons, then twice what is remembered: the first time learns."""
    exact = atlas.areas_at_uncached(lats, lons)
    assert atlas.areas_at(lats, lons) == exact
    assert atlas.areas_at(lats, lons) == exact
    return exact


def test_a_point_inside_has_every_area_that_holds_it_sorted() -> None:
    assert both(Atlas(PLACES), [40.55], [-79.42]) == [("county:99001", "custom:river", "district:b")]


def test_a_point_on_a_common_border_counts_once_and_always_in_the_least_id() -> None:
    atlas = Atlas(PLACES)
    assert both(atlas, [40.2], [-79.0]) == [("county:99001",)]
    assert both(atlas, [40.5], [-79.48]) == [("county:99001", "district:a")]
    assert Atlas(reversed(PLACES)).areas_at([40.5], [-79.48]) == [("county:99001", "district:a")]  # whatever the order of files


def test_what_holds_a_point_inside_outranks_what_only_touches_it() -> None:
    touching, holding = Place("custom:a", "A", box(0, 0, 1, 1)), Place("custom:b", "B", box(0.5, 0, 2, 1))
    assert both(Atlas([touching, holding]), [0.5], [1.0]) == [("custom:b",)]


def test_overlapping_areas_of_one_kind_both_count() -> None:
    one, other = Place("custom:a", "A", box(0, 0, 1, 1)), Place("custom:b", "B", box(0.5, 0, 2, 1))
    assert both(Atlas([one, other]), [0.5], [0.7]) == [("custom:a", "custom:b")]


def test_a_point_just_off_the_shore_belongs_to_the_nearest_county() -> None:
    atlas = Atlas(PLACES)
    degrees = SHORE_M / 111_195.0
    assert both(atlas, [41 + 0.9 * degrees], [-79.5]) == [("county:99001",)]
    assert both(atlas, [41 + 1.1 * degrees], [-79.5]) == [()]
    # Off the corner where both counties meet: the same one each time.
    assert both(atlas, [41 + 0.5 * degrees], [-79.0]) == [("county:99001",)]
    # A degree of longitude is shorter than one of latitude, so the same metres are more degrees to the west.
    assert both(atlas, [40.5], [-80 - 1.2 * degrees]) == [("county:99001",)]
    assert metres_between(40.5, -80, 40.5, -80 - 1.2 * degrees) < SHORE_M


def test_only_counties_reach_over_their_border() -> None:
    assert both(Atlas([NORTH]), [40.6001], [-79.45]) == [()]


@pytest.mark.parametrize("lat_lon", [(math.nan, 0.0), (0.0, math.inf), (90.5, 0.0), (0.0, -180.5), (1e300, 1e300)])
def test_what_is_no_place_on_earth_has_no_areas(lat_lon: tuple[float, float]) -> None:
    atlas = Atlas([*PLACES, Place("custom:world", "World", box(-180, -90, 180, 90))])
    lats, lons = [lat_lon[0], 40.2], [lat_lon[1], -79.5]
    assert both(atlas, lats, lons) == [(), ("county:99001", "custom:world")]


def test_the_corners_of_the_earth_are_places() -> None:
    atlas = Atlas([Place("custom:world", "World", box(-180, -90, 180, 90))])
    corners = [(lat, lon) for lat in (-90.0, 90.0) for lon in (-180.0, 180.0)]
    assert set(both(atlas, [lat for lat, _ in corners], [lon for _, lon in corners])) == {("custom:world",)}


def test_an_empty_atlas_and_no_points_are_answered() -> None:
    assert both(Atlas([]), [40.0], [-79.0]) == [()]
    assert both(Atlas(PLACES), [], []) == []


def test_one_area_in_two_features_is_one_area() -> None:
    atlas = Atlas([Place("district:a", "A", box(0, 0, 1, 1)), Place("district:a", "A", box(2, 0, 3, 1))])
    assert both(atlas, [0.5, 0.5, 0.5], [0.5, 2.5, 1.5]) == [("district:a",), ("district:a",), ()]
    middle = atlas.centroid("district:a")
    assert middle is not None
    assert middle.lon == 1.5


def test_a_hole_is_outside_and_lines_left_by_a_repair_are_no_part_of_an_area() -> None:
    ring = Place("custom:ring", "Ring", box(0, 0, 3, 3).difference(box(1, 1, 2, 2)))
    spur = Place("custom:spur", "Spur", GeometryCollection([box(5, 0, 6, 1), LineString([(6, 0.5), (7, 0.5)])]))
    atlas = Atlas([ring, spur])
    assert both(atlas, [1.5, 0.5, 0.5, 0.5], [1.5, 0.5, 5.5, 6.5]) == [(), ("custom:ring",), ("custom:spur",), ()]


def test_the_distance_to_an_area_is_measured_on_the_ground() -> None:
    # From the inner corner of an L at 60° north: the nearest edge in degrees is the one to the north, on the ground the one to the east.
    shape = Polygon([(0, 61), (2, 61), (2, 59), (1.3, 59), (1.3, 60.2), (0, 60.2)])
    atlas = Atlas([Place("custom:l", "L", shape)])
    metres = atlas.metres_outside("custom:l", 60.0, 1.0)
    assert metres == pytest.approx(metres_between(60.0, 1.0, 60.0, 1.3), rel=0.005)
    assert atlas.metres_outside("custom:l", 60.5, 1.0) == 0
    assert atlas.metres_outside("custom:other", 60.5, 1.0) is None


def test_islands_on_both_sides_of_the_180th_meridian_are_neighbours() -> None:
    isles = Place("county:99007", "Isles", MultiPolygon([box(178, 51, 179.99, 52), box(-179.99, 51, -176, 52)]))
    atlas = Atlas([isles])
    assert both(atlas, [51.5, 51.5, 51.5, 51.5], [179, -177, 0, 180]) == [("county:99007",), ("county:99007",), (), ()]
    middle = atlas.centroid("county:99007")
    assert middle is not None
    assert -179.1 < middle.lon < -178.9
    assert middle.radius_m < 250_000
    assert atlas.metres_outside("county:99007", 51.5, 179.995) == pytest.approx(346, abs=5)
    only_west = Atlas([Place("county:99007", "Isles", box(-179.99, 51, -176, 52))])
    assert only_west.metres_outside("county:99007", 51.5, 179.99) == pytest.approx(1_384, abs=20)


# Coordinates on multiples of 1/32 of a degree fall on the corners of cells of every size; the others fall anywhere.
ON_GRID = st.integers(-64, 64).map(lambda number: number / 32)
ANYWHERE = st.one_of(ON_GRID, st.floats(-2.0, 2.0, allow_nan=False))
STEPS = st.sampled_from([0.0, 1e-15, -1e-15, 1e-12, -1e-12, 1e-7, -1e-7, 0.001, -0.003])


@st.composite
def maps(draw: st.DrawFn) -> list[Place]:
    places = []
    for number in range(draw(st.integers(1, 5))):
        corners = draw(st.lists(st.tuples(ANYWHERE, ANYWHERE), min_size=3, max_size=6, unique=True))
        shape = shapely.make_valid(Polygon(corners))
        if shape.area > 0:
            places.append(Place(f"{draw(st.sampled_from(['county', 'district', 'custom']))}:{number}", "", shape))
    return places


@settings(max_examples=examples(50))
@given(places=maps(), free=st.lists(st.tuples(ANYWHERE, ANYWHERE), max_size=20), steps=st.tuples(STEPS, STEPS), along=st.floats(0, 1))
def test_what_is_remembered_is_what_the_polygons_say(
    places: list[Place], free: list[tuple[float, float]], steps: tuple[float, float], along: float
) -> None:
    points = list(free)
    for place in places:
        lines = [ring for part in shapely.get_parts(place.geometry) for ring in shapely.get_rings(part)]
        for ring in lines:
            on_border = [
                *shapely.get_coordinates(ring).tolist(),
                *shapely.get_coordinates(ring.interpolate(along, normalized=True)).tolist(),
            ]
            points += [(x, y) for x, y in on_border] + [(x + steps[0], y + steps[1]) for x, y in on_border]
    both(Atlas(places), [y for _, y in points], [x for x, _ in points])


@pytest.mark.parametrize("thin", [1e-9, 1e-13, 1e-160, 1e-310])
def test_needle_thin_counties_are_answered(thin: float) -> None:
    needles = [
        Place("county:99001", "", Polygon([(1.0, 1.0), (1.0 + thin, 1.0), (1.0, 1.5)])),
        Place("county:99003", "", Polygon([(0.0, 0.0), (thin, 0.0), (0.0, thin)])),
        Place("county:99005", "", Polygon([(0.0, 0.5), (0.0625, 0.5), (0.0625, 0.5 + thin), (0.0, 0.5)])),
    ]
    atlas = Atlas([place for place in needles if place.geometry.area > 0])
    lats, lons = [1.2, 1.2, 0.0, 0.001, 0.5, 0.501], [1.0, 1.001, 0.0, 0.001, 0.03, 0.0626]
    assert len(both(atlas, lats, lons)) == len(lats)


def test_a_dense_sweep_across_borders_and_shores_agrees() -> None:
    chance = np.random.default_rng(3)
    diagonal = Place("district:c", "Diagonal", Polygon([(-79.9, 40.1), (-78.2, 40.83), (-78.3, 40.9), (-79.95, 40.2)]))
    island = Place("county:99005", "Isle", MultiPolygon([box(-77.9, 40.5, -77.89, 40.51), box(-77.8, 40.5, -77.7, 40.6)]))
    atlas = Atlas([*PLACES, diagonal, island])
    y, x = chance.uniform(39.98, 41.02, 40_000), chance.uniform(-80.02, -77.65, 40_000)
    exact = atlas.areas_at_uncached(y, x)
    assert atlas.areas_at(y, x) == exact
    again = chance.permutation(len(y))
    assert atlas.areas_at(y[again], x[again]) == [exact[index] for index in again]
    assert len(set(exact)) > 10


def test_threads_that_learn_at_the_same_time_get_the_same_answers() -> None:
    chance = np.random.default_rng(4)
    y, x = chance.uniform(40, 41, 4_000), chance.uniform(-80, -78, 4_000)
    atlas = Atlas(PLACES)
    wrong: list[int] = []
    exact = atlas.areas_at_uncached(y, x)

    def ask(start: int) -> None:
        wrong.extend(start for _ in range(3) if atlas.areas_at(y[start:], x[start:]) != exact[start:])

    threads = [threading.Thread(target=ask, args=(start,)) for start in (0, 500, 1_000, 1_500)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_the_table_of_cells_is_bounded_and_forgets_without_mixing_up() -> None:
    table, keys = CellTable(bits=4), np.arange(1_000, dtype=np.int64)
    size = table.size_bytes
    table.learn(keys, keys % 7)
    assert (table.size_bytes, len(table)) == (size, 16)
    values = table.values(keys)
    known = values != UNKNOWN
    assert known.sum() == 16
    assert (values[known] == keys[known] % 7).all()


@pytest.mark.parametrize("per_degree", [1, 16, 1024])
def test_the_box_of_a_cell_holds_its_points(per_degree: int) -> None:
    grid, chance = Grid(per_degree), np.random.default_rng(5)
    lats = np.append(chance.uniform(-90, 90, 500), [-90.0, 90.0, 0.0, -0.0, 1 / per_degree])
    lons = np.append(chance.uniform(-180, 180, 500), [-180.0, 180.0, 0.0, -1e-17, -1 / per_degree])
    west, south, east, north = grid.boxes(grid.keys(lats, lons))
    assert ((west <= lons) & (lons <= east) & (south <= lats) & (lats <= north)).all()


def test_a_grid_of_another_step_is_refused() -> None:
    with pytest.raises(ValueError, match="power of two"):
        Grid(100)


@pytest.mark.parametrize("reach_m", [0.0, 700.0])
def test_no_cell_that_a_border_touches_is_left_unmarked(reach_m: float) -> None:
    grid, chance = Grid(128), np.random.default_rng(6)
    shape = Polygon([(-79.93, 60.11), (-78.21, 60.83), (-78.25, 60.5), (-79.0, 60.5), (-79.0, 60.25)])
    along = chance.uniform(0, shape.exterior.length, 3_000)
    on_border = shapely.get_coordinates(shapely.line_interpolate_point(shape.exterior, along))
    if reach_m:
        angle, distance = chance.uniform(0, 2 * math.pi, len(along)), chance.uniform(0, reach_m / 111_195.0, len(along))
        on_border[:, 1] += np.sin(angle) * distance
        on_border[:, 0] += np.cos(angle) * distance / np.cos(np.radians(on_border[:, 1]))
    cells = BorderCells(grid, [shape], reach_m=reach_m)
    assert cells.has(grid.keys(on_border[:, 1], on_border[:, 0])).all()
    far = grid.keys(chance.uniform(0, 50, 2_000), chance.uniform(0, 50, 2_000))
    assert cells.has(far).mean() < 0.2  # a mark without need costs time, so they stay few
