"""Recurrence intervals, tiers, the false discovery rate in batches, and areas within areas."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikewatch.alerts.domain.detection.false_alarms import Nested, Tier, TierDays, discoveries, recurrence_interval, tiers, unexplained


def test_recurrence_intervals_and_their_tiers():
    p_value = np.array([0.02, 0.009, 1 / 365, 0.0001, np.nan])
    np.testing.assert_allclose(recurrence_interval(p_value)[:3], [50, 111.1, 365], rtol=1e-3)
    assert tiers(p_value).tolist() == [Tier.NONE, Tier.NOTICE, Tier.ALERT, Tier.PAGE, Tier.NONE]
    assert tiers(p_value, interval_days=7).tolist() == [Tier.ALERT - 1, Tier.ALERT, Tier.PAGE, Tier.PAGE, Tier.NONE]
    paged = np.array([True, True, False, False, False])
    assert tiers(p_value, paged=paged).tolist() == [Tier.NONE, Tier.PAGE, Tier.ALERT, Tier.PAGE, Tier.NONE]
    with pytest.raises(ValueError, match="rising"):
        TierDays(notice=365, alert=100)


def test_discoveries_of_the_published_example():
    # Benjamini and Hochberg 1995, section 3.2: four of fifteen at .05
    p_value = np.array(
        [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]
    )
    assert discoveries(p_value, np.zeros(15, dtype=np.int64), rate=0.05).nonzero()[0].tolist() == [0, 1, 2, 3]


@given(st.lists(st.tuples(st.floats(0, 1) | st.just(float("nan")), st.integers(0, 3)), min_size=1, max_size=40))
def test_each_jurisdiction_is_a_batch_of_its_own(pairs):
    p_value, place = np.array([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs])
    together = discoveries(p_value, place)
    for each in np.unique(place):
        alone = discoveries(p_value[place == each], place[place == each])
        assert (together[place == each] == alone).all()
    assert not together[np.isnan(p_value)].any()


def test_the_rate_of_false_discoveries_holds():
    draws = np.random.default_rng(4)
    shares = []
    for _ in range(400):
        p_value = draws.random(200)
        p_value[:10] = draws.random(10) * 1e-4
        found = discoveries(p_value, np.zeros(200, dtype=np.int64), rate=0.1)
        shares.append(found[10:].sum() / max(found.sum(), 1))
    assert np.mean(shares) < 0.12


def nested(observed, expected, p_value):
    # a state, its county, two cities of the county
    expected = np.array(expected, dtype=float)
    return Nested(
        np.array(observed, dtype=float), expected, 1.1 * expected, np.array(p_value), np.array([-1, 0, 1, 1]), np.array([0, 1, 2, 2])
    )


SHARES = np.array([0.2, 0.4, 0.4])


def test_a_rise_of_the_whole_county_is_one_alarm():
    areas = nested([110, 60, 24, 16], [80, 20, 8, 5], [0.002, 1e-9, 1e-4, 5e-4])
    assert unexplained(areas, 0.005, shares=SHARES).tolist() == [False, True, False, False]


def test_a_city_that_drives_its_county_remains_beside_it():
    areas = nested([95, 33, 21, 5], [80, 20, 4, 5], [0.05, 0.001, 1e-8, 0.5])
    assert unexplained(areas, 0.005, shares=SHARES).tolist() == [False, True, True, False]


def test_each_level_has_only_its_share():
    areas = nested([80, 20, 15, 5], [80, 20, 5, 5], [0.5, 0.5, 0.0015, 0.5])
    assert unexplained(areas, 0.005, shares=SHARES)[2]
    assert not unexplained(areas, 0.005, shares=np.array([0.4, 0.4, 0.2]))[2]


@pytest.mark.parametrize("shares", [[0.5, 0.5], [0.5, 0.5, 0.5], [-0.1, 0.5, 0.5]])
def test_shares_that_do_not_fit_are_refused(shares):
    with pytest.raises(ValueError, match="shares"):
        unexplained(nested([1, 1, 1, 1], [1, 1, 1, 1], [1.0] * 4), 0.01, shares=np.array(shares))
