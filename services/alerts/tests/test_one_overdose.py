"""What comes with one overdose is judged alone, by what was found out before: it is the same as judging everything anew."""

import random

import numpy as np
import pytest

from spikewatch.alerts.domain.episodes import Zone, all_episodes, recomputed
from spikewatch.alerts.domain.instants import DAY, HOUR
from spikewatch.alerts.domain.marks import EVERYTHING
from spikewatch.alerts.domain.rules.tail import poisson_tail, poisson_tail_is_below
from spikewatch.alerts.domain.series import History
from spikewatch.alerts.domain.settled import Settled

KINDS = ("fixed_count", "mean_plus_sd", "poisson", "sliding_window")
ALGORITHMS = ("ears_c2", "third_largest", "predictive")


def rules_of_all_kinds(make):
    by_kind = [make.rule(kind) for kind in KINDS]
    detectors = [
        make.rule(
            "detector",
            id=algorithm.replace("_", "-"),
            window_hours=24,
            quiet_hours=24,
            parameters={"algorithm": algorithm, "history_days": 60, "minimum_history_days": 14},
        )
        for algorithm in ALGORITHMS
    ]
    return [*by_kind, *detectors]


def drawn_times(chance, days=90, number=300):
    bursts = [day * DAY + chance.randrange(4 * HOUR) for day in (50, 94) for _ in range(25)]
    return [*(chance.randrange(days * DAY) for _ in range(number)), *bursts]


@pytest.mark.parametrize("name", [*KINDS, *(each.replace("_", "-") for each in ALGORITHMS)])
def test_one_time_is_judged_as_it_is_among_many(make, name):
    rule = next(each for each in rules_of_all_kinds(make) if name in (each.kind, each.id))
    history = History.of(((time, 1) for time in drawn_times(random.Random(5))), 0, -(2**60))
    series = history.select(0, 100 * DAY, EVERYTHING)
    at = series.distinct(0, 100 * DAY)
    counts = series.count(rule.criterion.starts(at, rule.window), at)
    together = rule.criterion.met(series, at, counts, rule.window)
    alone = [
        rule.criterion.met_once(series, time, series.count_one(rule.criterion.start(time, rule.window), time), rule.window)
        for time in at[::5].tolist()
    ]
    assert alone == together[::5].tolist()
    assert any(alone)
    assert not all(alone)


@pytest.mark.parametrize("seed", range(4))
def test_what_was_found_out_never_outlives_a_change_of_what_it_rests_on(make, seed):
    chance = random.Random(seed)
    rules = rules_of_all_kinds(make)
    rows = [(time, 1) for time in drawn_times(chance)]
    chance.shuffle(rows)
    first = min(rows)[0]
    history = History.of(rows, first, -(2**60))
    for _ in range(25):
        day = chance.choice((95, 94, 93, 30)) * DAY
        added = [(day + chance.randrange(DAY), 1) for _ in range(chance.choice((1, 2, 9)))]
        removed = [chance.choice(rows)] if chance.random() < 0.3 else []
        rows = [*rows, *added]
        for row in removed:
            rows.remove(row)
        first = min(rows)[0]
        history = history.changed(removed, added, first)
        anew = History.of(rows, first, -(2**60))
        at = chance.choice(rows)[0] if chance.random() < 0.3 else added[0][0]
        for rule in rules:
            assert recomputed(history, rule, Zone(at, at, ())) == recomputed(anew, rule, Zone(at, at, ())), rule.id
        assert anew.settled.of(EVERYTHING).items() <= history.settled.of(EVERYTHING).items()


def test_answers_are_left_out_from_the_time_on_that_changes():
    settled = Settled()
    settled.of(EVERYTHING).remember(1, 7, 700, 3.0)
    settled.of(EVERYTHING).remember(1, 8, 800, 4.0)
    later = settled.before(800)
    assert later.of(EVERYTHING).known(1, 7) == 3.0
    assert later.of(EVERYTHING).known(1, 8) is None
    assert settled.of(EVERYTHING).known(1, 8) == 4.0
    assert settled.of(EVERYTHING).known(2, 8) is None


def test_steps_long_past_give_way_to_those_that_run():
    answers = Settled().of(EVERYTHING)
    for step in range(10):
        answers.remember(1, step, step, float(step))
    assert [answers.known(1, step) for step in range(8, 10)] == [8.0, 9.0]
    assert answers.known(1, 7) is None


def test_the_explanation_of_a_growing_alarm_is_that_of_the_algorithm_asked_alone(make):
    (rule,) = [each for each in rules_of_all_kinds(make) if each.id == "ears-c2"]
    (other,) = [each for each in rules_of_all_kinds(make) if each.id == "ears-c2"]
    times = [day * DAY + HOUR for day in range(60)]
    burst = [60 * DAY + minute * 60_000_000 for minute in range(1, 30)]
    for count in range(5, 30, 4):
        history = History.of(((time, 1) for time in (*times, *burst[:count])), times[0], -(2**60))
        (*_, episode) = all_episodes(history, rule)
        series = history.select(episode.peak_at - rule.reach, episode.peak_at, rule.asks)
        known = rule.criterion.finding(series, episode.peak_at, episode.observed, rule.window)
        fresh = type(other.criterion).model_validate(other.parameters).finding(series, episode.peak_at, episode.observed, rule.window)
        assert known == fresh
        assert known.expected == pytest.approx(float(np.mean([1.0] * 7)))


@pytest.mark.parametrize("probability", [1e-9, 0.001, 0.01, 0.2])
def test_a_tail_is_below_a_probability_as_it_is_told(probability):
    told = [
        (poisson_tail(count, mean) < probability, poisson_tail_is_below(count, mean, probability))
        for count in range(1, 60)
        for mean in (0.01, 0.5, 3.0, 20.0, 57.3)
    ]
    assert all(one == other for one, other in told)
    assert {one for one, _ in told} == {True, False}
