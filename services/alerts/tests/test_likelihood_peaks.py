"""The negative-binomial chart finds the largest ratio of all starts and factors, also where two peaks are nearly as high as one another."""

import numpy as np
import pytest

from spikewatch.alerts.domain.detection.cusum import Cusum, cusum
from spikewatch.alerts.domain.detection.likelihood.glr import Glr, glr_negative_binomial
from spikewatch.alerts.domain.detection.series import Series

ALPHA = 0.05
STEPS = 110


def weeks(counts):
    return Series(np.datetime64("2001-01-01") + 7 * np.arange(counts.shape[1]), counts, tuple(map(str, range(len(counts)))))


def drawn(areas, mean):
    draw = np.random.default_rng(7)
    rise = np.where((np.arange(STEPS) >= 60) & (np.arange(STEPS) < 75), 1.3, 1.0)
    return draw.negative_binomial(1 / ALPHA, 1 / (1 + ALPHA * mean * rise), (areas, STEPS)).astype(np.float64)


def largest(counts, mean):
    return largest_at(counts, mean, ALPHA)


def largest_at(counts, mean, alpha):
    """The largest ratio of all starts, by Newton's method on each."""
    told = np.tril(np.ones((len(counts), len(counts))))[:, ::-1]  # each row has one step more, from the newest backwards
    some, expected = counts * told, mean * told
    factor = np.log(np.maximum(some.sum(axis=1), 1e-9) / expected.sum(axis=1))
    for _ in range(25):
        changed = expected * np.exp(factor)[:, None]
        slope = ((some - changed) / (1 + alpha * changed)).sum(axis=1)
        bend = (changed * (1 + alpha * some) / (1 + alpha * changed) ** 2).sum(axis=1)
        factor = factor + np.clip(slope / bend, -1, 1)
    factor = np.where((factor > 0) & (some.sum(axis=1) > 0), factor, 0.0)
    spread = np.log1p(alpha * expected) - np.log1p(alpha * expected * np.exp(factor)[:, None])
    return float((some * (factor[:, None] + spread) + spread / alpha).sum(axis=1).max())


@pytest.mark.parametrize("mean", [10.0, 20.0])
def test_the_highest_of_several_peaks_is_found_wherever_it_lies(mean):
    counts = drawn(12, mean)
    parameters = Glr(training=1, alpha=ALPHA, limit=1e6, finds_threshold=False, mean=(mean,))
    found = glr_negative_binomial(weeks(counts), parameters).statistic
    for area in range(len(counts)):
        told = [largest(counts[area, 1 : step + 1], np.full(step, mean)) for step in range(1, STEPS)]
        assert found[area, 1:] == pytest.approx(told, rel=1e-6, abs=1e-4), area


@pytest.mark.parametrize(
    ("alpha", "mean", "count", "ratio"),
    [(0.000177336959237334, 1846.7540112, 1848, 0.000316543717553), (0.0118054877193, 1087.86666667, 1096, 0.00218588560074)],
)
def test_small_ratios_beside_large_means_have_all_their_digits(alpha, mean, count, ratio):
    parameters = Glr(training=1, alpha=alpha, finds_threshold=False, mean=(mean,))
    found = glr_negative_binomial(weeks(np.array([[1.0, count]])), parameters).statistic[0, 1]
    assert found == pytest.approx(ratio, rel=1e-6), "ratio of surveillance 1.20.3"


def test_the_best_change_may_lie_beyond_the_grid_though_another_start_tops_it():
    parameters = Glr(training=1, alpha=0.0000588838, limit=1e6, finds_threshold=False, mean=(0.0072552136, 0.00078320778))
    found = glr_negative_binomial(weeks(np.array([[1.0, 1.0, 3.0]])), parameters).statistic[0, 2]
    assert found == pytest.approx(largest_at(np.array([1.0, 3.0]), np.array(parameters.mean), 0.0000588838), rel=1e-6)


@pytest.mark.parametrize(
    ("h", "k", "threshold", "alarm"),
    [
        (0, 1.04, [8, 8, 8, 8, 8, 8, 8, 4, 0, 2], [1] * 10),
        (2.26, -0.5, [10, 9, 10, 8, 5, 7, 6, 0, 0, 0], [0] * 6 + [1] * 4),
        (0, -0.5, [5, 4, 4, 3, 0, 1, 1, 0, 0, 0], [1] * 10),
    ],
)
def test_a_cumulative_sum_takes_no_interval_and_a_negative_reference_as_surveillance_does(h, k, threshold, alarm):
    counts = [6, 4, 7, 3, 5, 8, 6, 5, 4, 7, 5, 6, 2, 9, 5, 4, 6, 7, 3, 5, 12, 14, 4, 6]
    found = cusum(weeks(np.array([counts], dtype=np.float64)), Cusum(training=14, h=h, k=k))
    assert found.threshold[0, 14:].tolist() == threshold, "upperbound of surveillance 1.20.3"
    assert found.alarm[0, 14:].tolist() == alarm
