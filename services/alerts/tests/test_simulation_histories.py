"""Drawn histories: reproducible, of the mean and variance they say, with spikes where the labels are."""

import numpy as np
import pytest

from spikewatch.alerts.domain.simulation.daily import overdose_days
from spikewatch.alerts.domain.simulation.drawn import overdispersed
from spikewatch.alerts.domain.simulation.weekly import noufaily_weeks

DESIGNS = [lambda seed: overdose_days(seed, repeats=2, history=60), lambda seed: noufaily_weeks(seed, repeats=2)]


@pytest.mark.parametrize("draw", DESIGNS)
def test_a_seed_gives_the_same_history_and_another_seed_another(draw):
    first, again, other = draw(1), draw(1), draw(2)
    np.testing.assert_array_equal(first.spiked.counts, again.spiked.counts)
    assert (first.spiked.counts != other.spiked.counts).any()


@pytest.mark.parametrize("draw", DESIGNS)
def test_spikes_stand_in_the_test_alone(draw):
    drawn = draw(3)
    np.testing.assert_array_equal(drawn.spiked.counts - drawn.calm.counts, drawn.extra)
    assert not drawn.extra[:, : drawn.first_test_step].any()
    assert drawn.extra.any(axis=1).mean() > 0.8
    assert len(drawn.strata) == 28
    assert len(np.unique(drawn.stratum)) == 28


@pytest.mark.parametrize("draw", DESIGNS)
def test_a_spike_lasts_from_its_first_to_its_last_overdose(draw):
    drawn = draw(4)
    for extra, lasting in zip(drawn.extra, drawn.lasting, strict=True):
        at = np.flatnonzero(extra)
        expected = np.arange(at[0], at[-1] + 1) if len(at) else []
        assert np.flatnonzero(lasting).tolist() == list(expected)


@pytest.mark.parametrize("phi", [1.0, 1.6, 5.0])
def test_counts_have_the_variance_they_say(phi):
    counts = overdispersed(np.random.default_rng(5), np.full((1, 200_000), 3.0), np.array([[phi]]))
    assert counts.mean() == pytest.approx(3.0, rel=0.02)
    assert counts.var() == pytest.approx(3.0 * phi, rel=0.03)


def test_longer_weekly_designs_have_two_harmonics():
    assert len(noufaily_weeks(1, repeats=1, harmonics=(0, 1, 2)).strata) == 42
