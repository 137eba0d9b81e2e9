"""What a rule asks of an algorithm, the newest steps alone, is what it answers when all steps are judged."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikewatch.alerts.domain.detection.registry import ALGORITHMS
from spikewatch.alerts.domain.detection.series import Series

WEEKS = 220
PARTLY = [name for name, algorithm in ALGORITHMS.items() if algorithm.judge is not None]
BY_WEEKS_BEFORE = ["negative_binomial_weekly", "serfling"]
SHORT = {"farrington": {"years": 3}, "farrington_flexible": {"years": 3}, "essence_farrington": {"years": 3}}
COLUMNS = ("expected", "threshold", "statistic", "p_value", "alarm")


def drawn(seed, *, areas=2, gaps=0.0):
    """Weeks of some areas, from quiet to busy, with spikes and gaps."""
    draw = np.random.default_rng(seed)
    counts = draw.negative_binomial(3, 3 / (3 + np.geomspace(0.4, 9, areas)[:, None]), (areas, WEEKS)).astype(np.float64)
    counts[:, draw.choice(WEEKS, 5)] += 20
    counts[draw.random(counts.shape) < gaps] = np.nan
    starts = np.datetime64("2019-01-07") + 7 * np.arange(WEEKS)
    return Series(starts, counts, tuple(map(str, range(areas))))


def asked(name):
    return ALGORITHMS[name], ALGORITHMS[name].parameters(**SHORT.get(name, {}))


def test_the_algorithms_that_would_fit_more_than_is_asked_are_asked_in_part():
    assert set(PARTLY) == {"predictive", *BY_WEEKS_BEFORE, *SHORT}


@pytest.mark.parametrize("name", PARTLY)
@settings(deadline=None, max_examples=4)
@given(seed=st.integers(0, 1000), since=st.integers(0, WEEKS - 1), gaps=st.sampled_from([0.0, 0.05]))
def test_steps_that_are_asked_about_are_judged_as_if_all_were(name, seed, since, gaps):
    algorithm, parameters = asked(name)
    since = max(since, WEEKS - 30) if name in BY_WEEKS_BEFORE else since
    series = drawn(seed, gaps=gaps)
    whole = algorithm.judged(series, parameters, WEEKS - 40 if name in BY_WEEKS_BEFORE else 0)
    part = algorithm.judged(series, parameters, since)
    for column in COLUMNS:
        assert np.array_equal(getattr(part, column)[:, since:], getattr(whole, column)[:, since:], equal_nan=True), column
    if name not in BY_WEEKS_BEFORE:
        assert np.array_equal(whole.alarm, algorithm.run(series, parameters).alarm)


@pytest.mark.parametrize("name", BY_WEEKS_BEFORE)
@settings(deadline=None, max_examples=5)
@given(seed=st.integers(0, 1000), step=st.integers(104, WEEKS - 1), gaps=st.sampled_from([0.0, 0.05]))
def test_a_week_is_judged_by_the_weeks_before_it_alone(name, seed, step, gaps):
    algorithm, parameters = asked(name)
    series = drawn(seed, gaps=gaps)
    found = algorithm.judged(Series(series.starts[: step + 1], series.counts[:, : step + 1], series.areas), parameters, step)
    before = parameters.model_copy(update={"baseline_end": series.starts[step - 1].astype(date)})
    plain = algorithm.run(series, before)
    for column in COLUMNS:
        np.testing.assert_allclose(getattr(found, column)[:, step], getattr(plain, column)[:, step], rtol=1e-9, err_msg=column)
    later = Series(series.starts, np.where(np.arange(WEEKS) > step, 99.0, series.counts), series.areas)
    again = algorithm.judged(later, parameters, step)
    np.testing.assert_allclose(again.threshold[:, step], found.threshold[:, step], rtol=1e-12)


@pytest.mark.parametrize("name", BY_WEEKS_BEFORE)
def test_a_day_that_ends_the_baseline_earlier_is_kept_and_few_weeks_are_not_judged(name):
    algorithm, parameters = asked(name)
    series = drawn(4)
    fixed = parameters.model_copy(update={"baseline_end": date(2022, 6, 1)})
    np.testing.assert_allclose(
        algorithm.judged(series, fixed, WEEKS - 5).threshold[:, -5:], algorithm.run(series, fixed).threshold[:, -5:], rtol=1e-9
    )
    early = algorithm.judged(Series(series.starts[:110], series.counts[:, :110], series.areas), parameters, 0)
    assert (early.alarm[:, :104] == -1).all()
    assert (early.alarm[:, 104:] >= 0).any()


@pytest.mark.parametrize("name", BY_WEEKS_BEFORE)
def test_counts_that_are_tried_for_one_past_share_its_fit(name):
    algorithm, parameters = asked(name)
    series = drawn(9)
    tried = np.repeat(series.counts, 4, axis=0)
    tried[:, -1] = np.tile([0, 3, 30, 2**20], 2)
    found = algorithm.judged(Series(series.starts, tried, tuple(map(str, range(8)))), parameters, WEEKS - 1)
    thresholds = found.threshold[:, -1].reshape(2, 4)
    assert (thresholds == thresholds[:, :1]).all()
    assert len(np.unique(thresholds)) == 2
    assert (found.alarm[3::4, -1] == 1).all(), "a count of a million is an alarm, however large it makes the mean"
