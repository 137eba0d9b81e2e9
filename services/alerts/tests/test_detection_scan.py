"""Space-time scans against a search of everything by hand, and what they promise about draws, circles and outlines."""

from itertools import pairwise
from math import log
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spikewatch.alerts.domain.detection.scan.clusters import Scan, scan
from spikewatch.alerts.domain.detection.scan.likelihood import UNREACHABLE, count_to_reach, log_likelihood_ratio
from spikewatch.alerts.domain.detection.scan.null import Permutation, Poisson
from spikewatch.alerts.domain.detection.scan.outline import Ring, circle, hull
from spikewatch.alerts.domain.detection.scan.places import Places, circles
from spikewatch.alerts.domain.detection.scan.replications import Windows, largest_ratios
from spikewatch.alerts.domain.detection.series import Series, SeriesError

AREAS, STEPS = 12, 28


@pytest.fixture
def places() -> Places:
    rng = np.random.default_rng(1)
    return Places(rng.uniform(39, 41, AREAS), rng.uniform(-85, -82, AREAS))


@pytest.fixture
def counts() -> Any:
    counts = np.random.default_rng(2).poisson(0.4, (AREAS, STEPS))
    counts[3, -2:] += 5
    return counts


def series(counts: Any, population: Any = None) -> Series:
    starts = np.datetime64("2024-01-01") + np.arange(counts.shape[1]).astype("timedelta64[D]")
    return Series(
        starts.astype("datetime64[D]"), counts.astype(float), tuple(f"area {number}" for number in range(len(counts))), population
    )


def by_hand(counts: Any, places: Places, radius: float, longest: int) -> float:
    """Return the largest ratio of the permutation model, every circle and window for itself."""
    total, best = counts.sum(), 0.0
    points = places.vectors()
    for centre in range(len(counts)):
        away = places.along(np.sqrt(((points - points[centre]) ** 2).sum(axis=1)))
        order = np.argsort(away)
        for size in range(1, len(counts) + 1):
            zone = order[:size]
            if away[zone[-1]] > radius or counts[zone].sum() > total / 2:
                break
            for window in range(1, longest + 1):
                seen = counts[zone][:, -window:].sum()
                expected = counts[zone].sum() * counts[:, -window:].sum() / total
                if seen >= 2 and seen > expected:
                    ratio = seen * log(seen / expected) + (total - seen) * log((total - seen) / (total - expected))
                    best = max(best, ratio)
    return best


def test_the_likeliest_cluster_and_the_draws_are_those_of_a_search_by_hand(places: Places, counts: Any) -> None:
    p = Scan(radius=90, longest=5, replications=20, seed=7)
    found = scan(series(counts), places, p)
    assert found.clusters[0].ratio == pytest.approx(by_hand(counts, places, 90, 5))
    assert 3 in found.clusters[0].members
    # the same draws, each put back into a table of cases; what was not drawn fell on earlier days
    null = Permutation.of(counts, np.zeros(STEPS, dtype=np.int64), 5)
    area, lag, draw = null.draw(np.random.Generator(np.random.PCG64(np.random.SeedSequence(7, spawn_key=(0,)))), 128)
    for number in range(20):
        table = np.zeros_like(counts)
        mine = draw == number
        np.add.at(table, (area[mine], STEPS - 1 - lag[mine]), 1)
        table[:, 0] = counts.sum(axis=1) - table.sum(axis=1)
        assert found.draws[number] == pytest.approx(by_hand(table, places, 90, 5), abs=1e-9)


def test_a_seed_gives_one_answer_whatever_the_threads(places: Places, counts: Any) -> None:
    one, two, other = (
        scan(series(counts), places, Scan(radius=90, longest=5, replications=300, seed=seed, threads=threads)).draws
        for seed, threads in ((1, 1), (1, 3), (2, 1))
    )
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, other)
    fewer = scan(series(counts), places, Scan(radius=90, longest=5, replications=99, seed=1)).draws
    np.testing.assert_array_equal(fewer, one[:99])


def test_a_draw_that_no_bound_catches_is_computed_all_the_same(places: Places) -> None:
    counts = np.zeros((AREAS, STEPS), dtype=np.int64)
    counts[:, -1] = 1  # every case on the last day: nothing can be more than expected
    null = Permutation.of(counts, np.zeros(STEPS, dtype=np.int64), 3)
    zones = circles(places, radius=None, weight=null.weight, largest_share=0.5)
    assert (largest_ratios(Windows.of(zones, null, 2, 1), replications=5, seed=1, threads=1) == 0).all()
    assert scan(series(counts), places, Scan(longest=3)).clusters == ()


def test_more_cases_than_a_short_number_holds_are_counted(places: Places) -> None:
    counts = np.full((AREAS, STEPS), 1_500)
    counts[3, -2:] = 30_000
    found = scan(series(counts), places, Scan(radius=90, longest=3, replications=20))
    assert found.clusters[0].ratio == pytest.approx(by_hand(counts, places, 90, 3))
    assert found.clusters[0].p_value == pytest.approx(1 / 21)
    assert (found.draws < 1_000).all()
    assert (found.draws > 0).all()


def test_permuted_days_of_the_week_keep_their_cases(counts: Any) -> None:
    strata = np.arange(STEPS) % 7
    null = Permutation.of(counts, strata, 9)
    last = counts[:, ::-1][:, :9]
    np.testing.assert_allclose(null.expected.sum(axis=0), last.sum(axis=0))
    area, lag, draw = null.draw(np.random.default_rng(1), 8)
    for number in range(8):
        mine = draw == number
        np.testing.assert_array_equal(np.bincount(lag[mine], minlength=9), last.sum(axis=0))
        monday = mine & (strata[STEPS - 1 - lag] == 0)
        assert (np.bincount(area[monday], minlength=AREAS) <= counts[:, strata == 0].sum(axis=1)).all()


def test_poisson_draws_fall_on_people_in_proportion(counts: Any) -> None:
    people = np.repeat(np.arange(1.0, AREAS + 1)[:, None], STEPS, axis=1)
    null = Poisson.of(counts, people, None, 4)
    area, lag, draw = null.draw(np.random.default_rng(1), 4000)
    found = np.bincount(area * 4 + lag, minlength=AREAS * 4).reshape(AREAS, 4) / 4000
    np.testing.assert_allclose(found, null.expected, rtol=0.15)
    assert draw.max() == 3999
    growing = people * np.linspace(1, 2, STEPS)
    assert Poisson.of(counts, growing, None, 4).expected.sum() > null.expected.sum()


def test_secondary_clusters_share_no_area_unless_they_may(places: Places, counts: Any) -> None:
    told = scan(series(counts), places, Scan(longest=5, replications=0)).clusters
    members = [set(cluster.members.tolist()) for cluster in told]
    assert all(not one & other for number, one in enumerate(members) for other in members[:number])
    assert all(np.isnan(cluster.p_value) for cluster in told)
    by_rule = {rule: len(scan(series(counts), places, Scan(longest=5, replications=0, secondary=rule)).clusters) for rule in _rules()}
    assert by_rule["no_overlap"] <= by_rule["no_centre_in_other"] <= by_rule["no_centre_in_likelier"] <= by_rule["all"]


def _rules() -> list[Any]:
    return ["no_overlap", "no_centre_in_other", "no_centre_in_likelier", "no_centre_in_less_likely", "no_centres_in_each_other", "all"]


def test_several_looks_lengthen_the_recurrence(places: Places, counts: Any) -> None:
    once, often = (scan(series(counts), places, Scan(longest=5, looks=looks)).clusters[0] for looks in (1, 10))
    assert once.recurrence == pytest.approx(1 / once.p_value)
    assert often.recurrence == pytest.approx(1 / (1 - (1 - once.p_value) ** 0.1))


@pytest.mark.parametrize(
    ("change", "problem"),
    [({"longest": STEPS + 1}, "longest"), ({"longest": 2, "shortest": 3}, "longest"), ({"model": "poisson"}, "population")],
)
def test_what_cannot_be_scanned_is_refused(places: Places, counts: Any, change: dict[str, Any], problem: str) -> None:
    with pytest.raises(SeriesError, match=problem):
        scan(series(counts), places, Scan(**change))


def test_places_must_be_one_for_each_area_and_on_the_earth(places: Places, counts: Any) -> None:
    with pytest.raises(SeriesError, match="one for each area"):
        scan(series(counts[:5]), places, Scan())
    with pytest.raises(SeriesError, match="coordinate"):
        Places(np.array([91.0]), np.array([0.0]))
    people = np.ones((AREAS, STEPS))
    people[3] = 0
    with pytest.raises(SeriesError, match="nobody"):
        scan(series(counts, people), places, Scan(model="poisson"))


def test_nothing_at_all_is_no_cluster(places: Places) -> None:
    assert scan(series(np.zeros((AREAS, STEPS))), places, Scan()).clusters == ()


def test_areas_at_one_distance_are_never_parted() -> None:
    places = Places(np.array([0.0, 1.0, 1.0, 2.0]), np.array([0.0, 0.0, 0.0, 0.0]), "plane")
    zones = circles(places, radius=1.5, weight=np.ones(4), largest_share=1)
    assert zones.is_circle[0, :3].tolist() == [True, False, True]
    assert zones.length.tolist() == [3, 4, 4, 3]
    assert zones.members(3, 3).tolist() == [3, 1, 2]


def test_the_count_that_reaches_a_ratio_is_the_least_that_does() -> None:
    expected = np.concatenate([np.geomspace(1e-4, 90, 400), [0.0]])
    for ratio in (0.5, 3.0, 8.0):
        count = count_to_reach(ratio, expected, 100.0, 2)
        reachable = count < UNREACHABLE
        assert (log_likelihood_ratio(count[reachable], expected[reachable], 100.0, 2) >= ratio - 1e-6).all()
        below = reachable & (count > 2)
        assert (log_likelihood_ratio(count[below] - 1, expected[below], 100.0, 2) < ratio).all()
        assert not reachable[-1]


def _area(ring: Ring) -> float:
    return sum(ax * by - bx * ay for (ax, ay), (bx, by) in pairwise(ring)) / 2


def test_an_outline_goes_against_the_clock_and_closes() -> None:
    ring = circle(39.9, -82.9, 25.0, points=36)
    assert ring[0] == ring[-1]
    assert len(ring) == 37
    assert _area(ring) > 0
    corners = Places(np.array([39.9, *(y for _, y in ring)]), np.array([-82.9, *(x for x, _ in ring)])).vectors()
    away = np.sqrt(((corners[1:] - corners[0]) ** 2).sum(axis=1))
    np.testing.assert_allclose(away, 25.0, atol=0.01)
    with pytest.raises(ValueError, match="pole"):
        circle(89.9, 0, 50)
    with pytest.raises(ValueError, match="three"):
        circle(0, 0, 1, points=2)


def test_a_hull_holds_its_points_and_falls_back_to_a_circle() -> None:
    square = hull(np.array([0.0, 0, 1, 1, 0.5]), np.array([179.5, -179.5, -179.5, 179.5, 180.0]))
    assert len(square) == 5
    assert _area(square) == pytest.approx(1.0)
    assert len(hull(np.array([40.0]), np.array([-80.0]))) == 65
    line = hull(np.array([40.0, 40.5, 41.0]), np.array([-80.0, -80.0, -80.0]))
    assert max(y for _, y in line) == pytest.approx(41.0, abs=0.01)


def test_the_page_names_every_parameter() -> None:
    page = (Path(__file__).parents[3] / "docs" / "detection" / "scans.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in page for name in Scan.model_fields)
    assert all(f"`{rule}`" in page for rule in _rules())
