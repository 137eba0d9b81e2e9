"""The default detector: what it learns, what it refuses to learn, and that a stream gives what a batch gives."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.stats import nbinom
from spikewatch_testing.exploring import examples

from spikewatch.alerts.domain.detection.predictive import Predictive, Watch, predictive
from spikewatch.alerts.domain.detection.predictive.parameters import Looks
from spikewatch.alerts.domain.detection.predictive.windows import Combination, mid_tail
from spikewatch.alerts.domain.detection.series import Series

MONDAY = np.datetime64("2024-01-01")


def series(counts, *, step=1, population=None):
    counts = np.atleast_2d(np.asarray(counts, dtype=np.float64))
    starts = MONDAY + step * np.arange(counts.shape[1])
    return Series(starts, counts, tuple(f"area-{row}" for row in range(len(counts))), population)


def poisson(seed, mean, shape):
    return np.random.default_rng(seed).poisson(mean, shape).astype(float)


told = st.one_of(st.just(np.nan), st.integers(0, 40).map(float))


@settings(max_examples=examples(12))
@given(st.lists(st.lists(told, min_size=30, max_size=30), min_size=1, max_size=4), st.integers(1, 28))
def test_a_stream_of_some_areas_says_what_the_batch_of_all_says(rows, split):
    counts = np.array(rows)
    batch = predictive(series(counts), Predictive())
    watch = Watch(len(counts), MONDAY, Predictive())
    for step in range(split):
        watch.advance(counts[:, step])
    for area in range(len(counts)):
        alone = watch.rows(np.array([area]))
        for step in range(split, 30):
            alone.advance(counts[[area], step])
            judged = alone.judge()
            np.testing.assert_allclose(judged.p_value[0], batch.p_value[area, step], rtol=1e-9)
            np.testing.assert_allclose(judged.mean[0], batch.expected[area, step], rtol=1e-9)
            assert judged.window[0] == batch.also["window"][area, step]


@settings(max_examples=examples(12))
@given(st.lists(told, min_size=20, max_size=40))
def test_every_step_is_told_or_not_evaluated_and_never_half_of_each(row):
    found = predictive(series([row]), Predictive())
    evaluated = found.alarm[0] >= 0
    for values in (found.p_value, found.expected, found.threshold, found.also["observed_in_window"], found.also["expected_in_window"]):
        assert (np.isnan(values[0]) == ~evaluated).all()
    assert not evaluated[np.isnan(np.array(row))].any()
    assert ((found.p_value[0][evaluated] > 0) & (found.p_value[0][evaluated] <= 1)).all()


@pytest.mark.parametrize("mean", [0.05, 0.5, 3.0, 20.0])
def test_false_alarms_are_as_frequent_as_was_asked(mean):
    found = predictive(series(poisson(3, mean, (400, 320))), Predictive())
    rate = (found.p_value[:, 200:] <= 0.01).mean()
    assert 0.005 <= rate <= 0.02


def test_short_histories_are_honest():
    found = predictive(series(poisson(5, 2.0, (3000, 30))), Predictive())
    assert (found.alarm[:, :7] == -1).all()
    assert (found.alarm[:, 7:] >= 0).all()
    assert (found.p_value[:, 7:15] <= 0.01).mean() < 0.02
    width = found.threshold - found.expected
    assert width[:, 8].mean() > width[:, 29].mean()  # the less is known, the more it takes


def test_one_day_of_history_is_not_evaluated():
    assert predictive(series([[4.0]]), Predictive()).alarm.tolist() == [[-1]]


def test_a_new_area_starts_from_the_rate_of_the_others():
    counts = poisson(7, 2.0, (20, 40))
    counts[19, :30] = np.nan
    population = np.full(counts.shape, 1000.0)
    population[19] = 3000.0
    found = predictive(series(counts, population=population), Predictive())
    assert found.alarm[19, 30] >= 0
    assert found.expected[19, 30] == pytest.approx(6.0, rel=0.2)
    assert predictive(series(counts), Predictive()).alarm[19, 30] == -1


def test_all_zeros_never_alarm_and_a_million_in_one_day_does_without_spoiling_what_was_learnt():
    counts = np.zeros((2, 200))
    counts[1] = poisson(8, 1.0, 200)
    quiet = predictive(series(counts), Predictive())
    assert (quiet.alarm[0, 7:] == 0).all()
    counts[:, 100] = 1e6
    found = predictive(series(counts), Predictive())
    assert (found.alarm[:, 100] == 1).all()
    assert np.isfinite(found.p_value[:, 7:]).all()
    assert found.expected[1, 150] < 2 * quiet.expected[1, 150]


@pytest.mark.parametrize("wild", [0, 3, 60])
def test_one_wild_count_blinds_for_days_and_not_for_years(wild):
    counts = poisson(18, 3.0, (40, 120))
    counts[:, wild] = 1e6
    counts[:, 110] += 14
    found = predictive(series(counts), Predictive())
    assert (found.alarm[:, 110] == 1).mean() > 0.9
    assert np.median(found.expected[:, 100]) == pytest.approx(3.0, rel=0.3)


def test_a_past_spike_does_not_mask_the_next():
    counts = poisson(9, 3.0, (60, 200))
    spiked = counts.copy()
    spiked[:, 150:153] += 15
    spiked[:, 185] += 12
    found = predictive(series(spiked), Predictive())
    assert (found.alarm[:, 185] == 1).mean() > 0.9


def test_a_gap_is_no_zero():
    counts = poisson(10, 4.0, (1, 120))
    with_gap, with_zeros = counts.copy(), counts.copy()
    with_gap[0, 80:100], with_zeros[0, 80:100] = np.nan, 0.0
    gap = predictive(series(with_gap), Predictive())
    assert (gap.alarm[0, 80:100] == -1).all()
    assert gap.expected[0, 110] > 0.75 * 4 > predictive(series(with_zeros), Predictive()).expected[0, 110]


def test_weekdays_are_learnt():
    weekday = np.where(np.arange(400) % 7 >= 5, 2.0, 1.0)
    found = predictive(series(poisson(11, 4 * weekday, (30, 400))), Predictive())
    last = found.expected[:, 350:].mean(axis=0)
    assert last[np.arange(350, 400) % 7 == 6].mean() > 1.6 * last[np.arange(350, 400) % 7 == 2].mean()


def test_season_and_trend_are_followed():
    week = np.arange(520)
    mean = 20 * np.exp(0.002 * week + 0.5 * np.cos(2 * np.pi * 7 * week / 365.25))
    found = predictive(series(poisson(12, mean, (30, 520)), step=7), Predictive())
    assert np.abs(found.expected[:, 470:].mean(axis=0) / mean[470:] - 1).max() < 0.08


def test_half_a_day_reported_is_not_calm():
    watch = Watch(1, MONDAY, Predictive())
    for count in poisson(13, 10.0, 100):
        watch.advance(np.array([count]))
    watch.advance(np.array([10.0]))
    whole = watch.judge()
    watch.revise(0, np.array([10.0]), 0.5)
    half = watch.judge()
    assert half.mean[0] == pytest.approx(whole.mean[0] / 2)
    assert half.p_value[0] < whole.p_value[0]
    watch.revise(0, np.array([0.0]), 0.0)  # nothing reported at all: not judged
    assert np.isnan(watch.judge().p_value[0])


def test_half_reported_days_do_not_lower_what_is_expected():
    true = poisson(14, 10.0, 300)
    watch = Watch(1, MONDAY, Predictive())
    for count in true:
        watch.advance(np.array([np.floor(count / 2)]))
        watch.revise(0, np.array([np.floor(count / 2)]), 0.475)
    assert watch.judge().mean[0] / watch.shares[0, -1] == pytest.approx(10.0, rel=0.15)


def test_what_was_learnt_from_can_not_be_revised():
    with pytest.raises(ValueError, match="learnt from"):
        Watch(1, MONDAY, Predictive()).revise(7, np.array([1.0]))


@pytest.mark.parametrize(
    "wrong", [{"windows": (2, 1), "weights": (1, 1)}, {"windows": (1, 2)}, {"windows": (1, 2), "weights": (1,)}, {"alpha": 0}]
)
def test_parameters_that_do_not_agree_are_refused(wrong):
    with pytest.raises(ValidationError):
        Predictive(**wrong)


@pytest.mark.parametrize(("mean", "phi"), [(0.05, 1.2), (1.0, 1.6), (20.0, 3.0)])
def test_the_tail_is_that_of_the_negative_binomial(mean, phi):
    size = mean / (phi - 1)
    count = np.arange(np.ceil(mean + np.sqrt(phi * mean)), mean + 12 * np.sqrt(phi * mean))
    exact = nbinom.sf(count, size, 1 / phi) + nbinom.pmf(count, size, 1 / phi) / 2
    ours = mid_tail(count, np.full(len(count), mean), np.full(len(count), phi * mean))
    np.testing.assert_allclose(ours, exact, rtol=1e-9)
    none = mid_tail(np.zeros(1), np.array([mean]), np.array([phi * mean]))
    assert none[0] == pytest.approx(1 - nbinom.pmf(0, size, 1 / phi) / 2)


def test_one_window_is_its_own_tail_and_missing_ones_are_left_out():
    both = Combination(Looks((1, 2), (0.5, 0.5)))
    tails = np.array([[0.01, 0.01, np.nan], [0.3, np.nan, np.nan]])
    combined = both(tails)
    assert combined[1] == pytest.approx(0.01)
    assert np.isnan(combined[2])
    assert combined[0] > 0.01
