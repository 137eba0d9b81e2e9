"""Recurrence intervals, and the false discovery rate in batches."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spikewatch.alerts.domain.detection.false_alarms import discoveries, recurrence_interval


def test_recurrence_intervals_are_of_days():
    p_value = np.array([0.02, 0.009, 1 / 365])
    np.testing.assert_allclose(recurrence_interval(p_value), [50, 111.1, 365], rtol=1e-3)
    np.testing.assert_allclose(recurrence_interval(p_value, interval_days=7), [350, 777.8, 2555], rtol=1e-3)


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
