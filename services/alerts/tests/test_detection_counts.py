"""Detectors on counts by step: their definitions on small series, gaps, zeros, large counts, and areas that do not disturb one another."""

import numpy as np
import pytest
from scipy import stats

from spikewatch.alerts.domain.detection.farrington.reference_steps import anniversaries, blocks, nearest_weekdays
from spikewatch.alerts.domain.detection.registry import ALGORITHMS
from spikewatch.alerts.domain.detection.rolling import Incidents, roll
from spikewatch.alerts.domain.detection.run_length import decision_interval, mean_run_length
from spikewatch.alerts.domain.detection.series import Series, SeriesError
from spikewatch.alerts.domain.detection.tails import by_distinct, negative_binomial_quantile, negative_binomial_tail, poisson_quantile

MINE = (
    "fixed",
    "mean_sd",
    "third_largest",
    "poisson_trailing",
    "nb_trailing",
    "ears_c1",
    "ears_c2",
    "ears_c3",
    "bayes",
    "cusum",
    "rogerson",
    "glr_poisson",
    "glr_nb",
    "lr_cusum",
    "outbreak_p",
    "farrington",
    "farrington_flexible",
)


def series_of(counts: object, step: int = 1) -> Series:
    values = np.atleast_2d(np.asarray(counts, dtype=np.float64))
    starts = (np.datetime64("2020-01-06") + step * np.arange(values.shape[1])).astype("datetime64[D]")
    return Series(starts, values, tuple(f"area {row}" for row in range(len(values))))


def run(name: str, series: Series, **parameters: object) -> object:
    return ALGORITHMS[name].run(series, ALGORITHMS[name].parameters(**parameters))


@pytest.mark.parametrize(
    ("counts", "starts", "words"),
    [
        ([1, -1], ["2026-01-01", "2026-01-02"], "negative"),
        ([1, 0.5], ["2026-01-01", "2026-01-02"], "whole number"),
        ([1, 2, 3], ["2026-01-01", "2026-01-02", "2026-01-05"], "follow one another"),
        ([1, 2], ["2026-01-02", "2026-01-01"], "follow one another"),
    ],
)
def test_a_series_refuses_what_no_detector_can_read(counts: list[float], starts: list[str], words: str) -> None:
    with pytest.raises(SeriesError, match=words):
        Series(np.array(starts, dtype="datetime64[D]"), np.array([counts], dtype=np.float64), ("a",))


@pytest.mark.parametrize(
    ("starts", "days"), [(["2026-01-01", "2026-01-08"], 7), (["2026-01-01", "2026-02-01", "2026-03-01"], 30), (["2026-01-01"], 1)]
)
def test_the_length_of_a_step_is_found(starts: list[str], days: int) -> None:
    series = Series(np.array(starts, dtype="datetime64[D]"), np.zeros((1, len(starts))), ("a",))
    assert series.step_days() == days


@pytest.mark.parametrize("name", MINE)
def test_areas_do_not_disturb_one_another_and_a_gap_is_no_alarm(name: str) -> None:
    random = np.random.default_rng(3)
    counts = random.poisson([[0.2], [3], [20]], (3, 420)).astype(np.float64)
    counts[1, 400] = np.nan
    counts[2, 410] = 90
    parameters = {"years": 1} if name.startswith("farrington") else {}
    together = run(name, series_of(counts), **parameters)
    for area in range(3):
        alone = run(name, series_of(counts[area]), **parameters)
        assert np.array_equal(alone.alarm[0], together.alarm[area])
        np.testing.assert_allclose(alone.threshold[0], together.threshold[area], rtol=1e-9)
    assert together.alarm[1, 400] == -1
    assert together.alarm[2, 410] == 1


@pytest.mark.parametrize("name", MINE)
@pytest.mark.parametrize("counts", [[0] * 60, [1_000_000] * 60, [0] * 59 + [1_000_000], [5]])
def test_zeros_and_a_million_have_an_answer_without_a_warning(name: str, counts: list[int]) -> None:
    found = run(name, series_of(counts))
    assert set(np.unique(found.alarm)) <= {-1, 0, 1}
    assert not np.isinf(found.expected).any()
    if sum(counts) == 0 and name != "fixed":
        assert (found.alarm < 1).all()


def test_ears_c3_looks_at_today_while_the_peers_does_not() -> None:
    counts = [2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 30, 2]
    ours = run("ears_c3", series_of(counts), baseline=7)
    peer = run("ears_c3", series_of(counts), baseline=7, compat="surveillance-1.20.3")
    assert ours.alarm[0, 12] == 1
    assert peer.alarm[0, 12] == 0
    assert peer.alarm[0, 13] == 1


def test_the_threshold_of_a_glr_is_the_least_count_that_alarms() -> None:
    random = np.random.default_rng(5)
    counts = random.poisson(3, 200).astype(np.float64)
    for name, extra in (("glr_poisson", {}), ("glr_nb", {"alpha": 0.3}), ("outbreak_p", {})):
        first = {} if name == "outbreak_p" else {"training": 100}
        found = run(name, series_of(counts), **first, **extra)
        steps = [step for step in range(120, 200, 13) if np.isfinite(found.threshold[0, step])]
        assert steps
        for step in steps:
            for count, alarm in ((found.threshold[0, step], 1), (found.threshold[0, step] - 1, 0)):
                tried = counts[: step + 1].copy()
                tried[step] = count
                if count >= 0:
                    assert run(name, series_of(tried), **first, **extra).alarm[0, step] == alarm


def test_the_glr_over_kept_starts_is_the_one_over_all() -> None:
    random = np.random.default_rng(11)
    counts = random.poisson(2, 160).astype(np.float64)
    mean = tuple(1.5 + np.sin(np.arange(100)))
    found = run("glr_poisson", series_of(counts), training=60, mean=mean, limit=1e9)
    expected = np.asarray(mean)
    for step in range(100):
        sums, means = np.cumsum(counts[60 : 61 + step][::-1]), np.cumsum(expected[: step + 1][::-1])
        gain = np.where(sums > means, sums * np.log(np.maximum(sums, 1e-9) / means) - sums + means, 0)
        assert found.statistic[0, 60 + step] == pytest.approx(gain.max(), rel=1e-10, abs=1e-10)


def test_quantiles_are_those_of_scipy() -> None:
    random = np.random.default_rng(2)
    mean, phi = random.uniform(0.01, 300, 400), random.uniform(1.01, 8, 400)
    for alpha in (0.2, 0.01, 1e-6):
        assert np.array_equal(poisson_quantile(alpha, mean), stats.poisson.isf(alpha, mean))
        assert np.array_equal(
            negative_binomial_quantile(alpha, mean / (phi - 1), 1 / phi), stats.nbinom.isf(alpha, mean / (phi - 1), 1 / phi)
        )
    count = random.poisson(mean).astype(np.float64)
    np.testing.assert_allclose(
        negative_binomial_tail(count, mean / (phi - 1), 1 / phi), stats.nbinom.sf(count - 1, mean / (phi - 1), 1 / phi), rtol=1e-9
    )


def test_distinct_combinations_are_computed_once_and_gaps_stay() -> None:
    calls: list[int] = []

    def added(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        calls.append(len(first))
        return first + 2 * second

    first, second = np.array([[1, 2, np.nan], [1, 2, 3]]), np.array([[4, 5, 6], [4, 5, 10**12]])
    np.testing.assert_array_equal(by_distinct(added, first, second), [[9, 12, np.nan], [9, 12, 3 + 2e12]])
    assert calls == [3]


def test_run_lengths_are_those_of_a_simulation() -> None:
    found = decision_interval(1.3, 500)
    assert (found.h, found.k) == (6.8, 1.8)
    assert found.run_length == pytest.approx(510.393306718039, rel=1e-9)
    assert mean_run_length(4.0, 0.7, 0.4, "poisson") == pytest.approx(498.073422117834, rel=1e-9)


def test_reference_weeks_follow_the_calendar() -> None:
    day = np.datetime64("2024-02-29")
    assert anniversaries(day, 1)[0] == np.datetime64("2023-03-01")
    near = nearest_weekdays(anniversaries(day, 3), day)
    assert (near.astype(np.int64) % 7 == day.astype(np.int64) % 7).all()
    found = blocks(np.array([200, 148, 96]), 3, 10, 26, 208)
    assert found is not None
    at, season = found
    assert at.max() == 173
    assert at.min() == 93
    assert season[at == 148][0] == 10
    assert np.bincount(season[(at > 99) & (at < 145)])[1:10].tolist() == [5] * 9


def test_a_late_incident_completes_a_window_that_is_past() -> None:
    hour = 3_600_000_000
    occurred = np.array([1, 2, 3, 26, 2]) * hour
    received = np.array([1, 2, 3, 27, 60]) * hour
    counts = roll(Incidents(occurred, received, np.zeros(5, dtype=np.intp)), 24 * hour)
    assert counts.at_receipt.tolist() == [1, 2, 3, 1, 0]
    assert counts.at_occurrence.tolist() == [1, 2, 3, 2, 3]
    assert counts.worst.tolist() == [1, 2, 3, 2, 4]
