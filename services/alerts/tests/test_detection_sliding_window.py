"""Windows that slide: the probability and the threshold, beside simulated overdoses in time."""

import numpy as np
import pytest

from spikewatch.alerts.domain.detection.sliding_window import sliding_tail, sliding_threshold
from spikewatch.alerts.domain.detection.tails import poisson_tail

RUNS = 60_000


def share_of_days_reached(seed, mean, count, dispersion=1.0):
    """Simulate two days of overdoses; is the count reached within 24 h up to a moment of the second day?"""
    draws = np.random.default_rng(seed)
    level = draws.gamma(mean / (dispersion - 1), dispersion - 1, RUNS) if dispersion > 1 else np.full(RUNS, mean)
    number = draws.poisson(2 * level)
    reached = np.zeros(RUNS, dtype=bool)
    for total in range(count, number.max() + 1):
        runs = np.flatnonzero(number == total)
        times = np.sort(draws.random((len(runs), total)) * 2, axis=1)
        ends, starts = times[:, count - 1 :], times[:, : total - count + 1]
        reached[runs] = ((ends - starts < 1) & (ends >= 1)).any(axis=1) | ((times <= 1).sum(axis=1) >= count)
    return reached.mean()


@pytest.mark.parametrize(("mean", "dispersion"), [(0.05, 1.0), (1.0, 1.0), (8.0, 1.0), (20.0, 1.0), (1.0, 1.6), (8.0, 1.6)])
def test_the_tail_is_what_simulated_days_show(mean, dispersion):
    threshold = sliding_threshold(np.array([mean]), 0.02, dispersion=dispersion)
    said = sliding_tail(threshold, np.array([mean]), dispersion=dispersion)[0]
    seen = share_of_days_reached(1, mean, int(threshold[0]), dispersion)
    noise = 4 * np.sqrt(seen / RUNS)
    assert said <= 0.02
    assert abs(said - seen) <= 0.2 * seen + noise


@pytest.mark.parametrize(("mean", "least", "most"), [(0.05, 1.8, 3.2), (1.0, 3.5, 5.0), (8.0, 5.5, 7.4), (20.0, 6.0, 7.8)])
def test_a_sliding_day_is_crossed_several_times_as_often_as_a_calendar_day(mean, least, most):
    count = sliding_threshold(np.array([mean]), 0.02)
    times = sliding_tail(count, np.array([mean])) / poisson_tail(count, np.array([mean]))
    assert least < times[0] < most


def test_the_threshold_is_the_smallest_that_holds():
    mean = np.geomspace(0.01, 500, 60)
    for lengths in (1.0, 24.0):
        threshold = sliding_threshold(mean, 1 / 365, dispersion=1.3, uncertainty=0.01, lengths=lengths)
        said = [sliding_tail(threshold - less, mean, dispersion=1.3, uncertainty=0.01, lengths=lengths) for less in (0, 1)]
        assert (said[0] <= 1 / 365).all()
        assert ((said[1] > 1 / 365) | (threshold - 1 <= np.ceil(mean))).all()
        assert (np.diff(threshold) >= 0).all()


def test_what_is_unknown_stays_unknown_and_nothing_is_always_reached():
    assert np.isnan(sliding_threshold(np.array([np.nan]), 0.01)).all()
    assert np.isnan(sliding_tail(np.array([3.0]), np.array([np.nan]))).all()
    assert sliding_tail(np.array([0.0]), np.array([1.0]))[0] == 1.0
    assert sliding_threshold(np.array([0.0]), 0.01)[0] == 1
    with pytest.raises(ValueError, match="alpha"):
        sliding_threshold(np.array([1.0]), 0.0)
