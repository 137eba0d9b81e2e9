"""Delays of reports: what a feed teaches about them, and counts that are completed by it."""

import numpy as np
import pytest

from spikewatch.alerts.domain.detection.reporting_delay import Delays, area_share, nowcast


def learnt(seed, share, days, *, rising=1.0):
    """Simulate a feed whose reports of a day come at ages with probability ``share``."""
    draws = np.random.default_rng(seed)
    delays = Delays(len(share) - 1)
    pending = []
    for day in range(days):
        delays.next_day()
        pending.append((day, draws.multinomial(draws.poisson(20 * rising**day), share)))
        for occurred, arrivals in pending:
            age = day - occurred
            if age < len(share):
                delays.received(age, float(arrivals[age]))
        delays.end_of_day()
    return delays.share()


def test_the_share_reported_by_each_age_is_learnt():
    share = np.array([0.4, 0.3, 0.2, 0.1])
    np.testing.assert_allclose(learnt(1, share, 120), np.cumsum(share), atol=0.03)


def test_a_rising_feed_does_not_look_late():
    # the newest days, which cannot have late reports yet, are most of a rising feed
    share = np.array([0.4, 0.3, 0.2, 0.1])
    np.testing.assert_allclose(learnt(2, share, 60, rising=1.05), np.cumsum(share), atol=0.03)


def test_before_anything_came_the_usual_is_assumed():
    np.testing.assert_allclose(Delays(2, usual=np.array([0.5, 0.8, 1.0])).share(), [0.5, 0.8, 1.0])
    np.testing.assert_allclose(Delays(3).share(), np.ones(4))


@pytest.mark.parametrize("usual", [[0.5, 1.0], [0.5, 0.4, 1.0], [0.5, 0.6, 0.7], [0.0, 0.5, 1.0]])
def test_a_usual_delay_that_is_none_is_refused(usual):
    with pytest.raises(ValueError, match="rising share"):
        Delays(2, usual=np.array(usual))


def test_reports_from_the_future_are_refused_and_very_late_ones_left_out():
    delays = Delays(2)
    with pytest.raises(ValueError, match="delay_days"):
        delays.received(-1)
    delays.received(30)
    np.testing.assert_allclose(delays.share(), np.ones(3))


def test_a_silent_feed_is_no_zero():
    shares = np.array([[1.0, 1.0], [0.5, 1.0]])
    both = area_share(shares, np.array([3.0, 1.0]), np.array([[False, False], [False, False]]))
    np.testing.assert_allclose(both, [0.875, 1.0])
    silent = area_share(shares, np.array([3.0, 1.0]), np.array([[True, True], [False, False]]))
    np.testing.assert_allclose(silent, [0.125, 0.25])
    np.testing.assert_allclose(area_share(shares, np.zeros(2), np.zeros((2, 2), dtype=bool)), [0.0, 0.0])


def test_completed_counts_are_right_on_average_and_within_their_bounds():
    draws = np.random.default_rng(3)
    days = 20_000
    level = draws.gamma(10 / 0.6, 0.6, days)
    whole = draws.poisson(level)
    told = draws.binomial(whole, 0.4)
    completed = nowcast(told.astype(float), np.full(days, 10.0), np.full(days, 0.4), dispersion=1.6)
    assert completed.expected.mean() == pytest.approx(whole.mean(), rel=0.02)
    assert 0.85 < ((whole >= completed.low) & (whole <= completed.high)).mean() < 0.95
    assert 0.005 < (completed.p_value <= 0.01).mean() < 0.02  # tested against the part that is reported


def test_a_complete_count_is_itself():
    done = nowcast(np.array([7.0]), np.array([5.0]), np.array([1.0]))
    assert done.expected[0] == done.low[0] == done.high[0] == 7
    assert np.isnan(nowcast(np.array([0.0]), np.array([5.0]), np.array([0.0])).p_value[0])
