"""Counts of which a part is reported: how large that part is, and detectors that judge by it."""

import numpy as np
import pytest

from spikewatch.alerts.domain.detection.partly_reported import CORRECTABLE, partly_reported
from spikewatch.alerts.domain.detection.registry import ALGORITHMS
from spikewatch.alerts.domain.detection.reporting_delay import Delays
from spikewatch.alerts.domain.detection.series import Series
from spikewatch.alerts.domain.instants import DAY
from spikewatch.alerts.domain.reported import Reported, reported_of, silent_feeds

DAYS = 120
EMS, POLICE = ("cedar-ems", "ems"), ("cedar-police", "police")
FAST, SLOW = np.array([1.0, 1.0, 1.0]), np.array([0.2, 0.6, 1.0])


def series(counts):
    counts = np.atleast_2d(np.asarray(counts, dtype=float))
    return Series(np.datetime64("2026-01-01") + np.arange(counts.shape[1]), counts, tuple(map(str, range(len(counts)))))


def calm(seed=1, mean=6.0):
    return np.random.default_rng(seed).poisson(mean, (1, DAYS)).astype(float)


def run(algorithm, counts, share):
    return partly_reported(algorithm, series(counts), ALGORITHMS[algorithm].parameters(), np.broadcast_to(share, np.shape(counts)))


@pytest.mark.parametrize("algorithm", CORRECTABLE)
def test_counts_that_are_all_reported_are_judged_as_ever(algorithm):
    counts = np.vstack([calm(seed) for seed in range(20)])
    counts[:, -5] += 9
    plain = ALGORITHMS[algorithm].run(series(counts), ALGORITHMS[algorithm].parameters())
    same = run(algorithm, counts, np.ones(DAYS))
    np.testing.assert_array_equal(same.alarm, plain.alarm)
    np.testing.assert_allclose(same.expected, plain.expected)
    assert (plain.alarm[:, -5] == 1).sum() > 10


@pytest.mark.parametrize("algorithm", CORRECTABLE)
def test_a_half_reported_day_is_held_against_half(algorithm):
    share = np.ones(DAYS)
    share[-1] = 0.5
    counts = calm()
    counts[0, -1] = 14  # of about 28
    assert ALGORITHMS[algorithm].run(series(counts), ALGORITHMS[algorithm].parameters()).expected[0, -1] == pytest.approx(6, abs=1.5)
    assert run(algorithm, counts, share).alarm[0, -1] == 1
    counts[0, -1] = 3
    assert run(algorithm, counts, share).alarm[0, -1] == 0


@pytest.mark.parametrize("algorithm", CORRECTABLE)
def test_days_of_which_little_is_reported_teach_no_calm(algorithm):
    counts, share = calm(), np.ones(DAYS)
    counts[0, -20:-1] = np.floor(counts[0, -20:-1] / 4)
    share[-20:-1] = 0.25
    assert run(algorithm, counts, share).expected[0, -1] == pytest.approx(6, abs=1.3)
    assert run(algorithm, counts, np.ones(DAYS)).expected[0, -1] < 5.6


@pytest.mark.parametrize("algorithm", CORRECTABLE)
def test_a_day_of_which_nothing_is_reported_is_not_judged(algorithm):
    share = np.ones(DAYS)
    share[-1] = 0
    assert run(algorithm, calm(), share).alarm[0, -1] == -1


@pytest.mark.parametrize("algorithm", CORRECTABLE)
def test_more_overdoses_never_undo_an_alarm(algorithm):
    share = np.ones(DAYS)
    share[-4:] = (0.9, 0.7, 0.5, 0.3)
    counts = np.repeat(calm(), 30, axis=0)
    counts[:, -1] = np.arange(30)
    alarm = run(algorithm, counts, share).alarm[:, -1]
    assert (np.diff(alarm) >= 0).all()
    assert alarm[-1] == 1


def test_a_table_teaches_what_its_days_teach_one_by_one():
    table = np.random.default_rng(2).poisson([5, 3, 2, 1], (40, 4)).astype(float)
    one_by_one = Delays(3)
    for today in range(40):
        one_by_one.next_day()
        for delay in range(min(4, today + 1)):
            one_by_one.received(delay, table[today - delay, delay])
        one_by_one.end_of_day()
    np.testing.assert_allclose(Delays.of_table(table).share(), one_by_one.share())


def test_the_share_of_an_area_follows_from_its_feeds():
    shares = {EMS: FAST, POLICE: SLOW}
    reported = reported_of(100, shares, {EMS: 3.0, POLICE: 1.0}, {})
    assert reported == Reported(100, (pytest.approx(0.8), pytest.approx(0.9)))
    assert reported_of(100, shares, {EMS: 3.0}, {}) is None
    assert reported_of(100, shares, {}, {}) is None


def test_a_silent_feed_has_told_what_it_had_told_then():
    reported = reported_of(100, {EMS: FAST, POLICE: SLOW}, {EMS: 1.0, POLICE: 1.0}, {POLICE: 98})
    # days 100 and 99: nothing; days 98 and 97: as much as by day 98
    assert reported == Reported(100, tuple(pytest.approx(each) for each in (0.5, 0.5, 0.6, 0.8)), ("cedar-police/police",))


def test_an_agency_that_still_sends_by_another_kind_of_source_is_silent_in_one_alone():
    both = [("county", "ems"), ("county", "police"), EMS]
    last = {("county", "ems"): 105, ("county", "police"): 97, EMS: 97}
    assert silent_feeds({"county": 98}, last, both) == {("county", "police"): 98}


def test_steps_have_the_share_of_their_days():
    reported = Reported(100, (0.2, 0.6))
    assert reported.of_steps(90 * DAY, DAY, 9) is None
    np.testing.assert_allclose(reported.of_steps(98 * DAY, DAY, 4), [1, 0.6, 0.2, 0.2])
    np.testing.assert_allclose(reported.of_steps(97 * DAY, 7 * DAY, 1), [(1 + 1 + 0.6 + 4 * 0.2) / 7])
    # a share at which one report would stand for more than twenty is none
    assert Reported(100, (0.03,)).of_steps(100 * DAY, DAY, 1)[0] == 0
