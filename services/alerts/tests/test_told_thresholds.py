"""What an alert of a detector says aloud is true of what raised it: the count reaches the bound that is told, and no smaller one would."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spikewatch_testing.exploring import examples

from spikewatch.alerts.domain.alert_text import paragraph
from spikewatch.alerts.domain.detection.detection import ALARM
from spikewatch.alerts.domain.detection.predictive import Predictive, predictive
from spikewatch.alerts.domain.detection.registry import ALGORITHMS
from spikewatch.alerts.domain.detection.series import Series as Counts
from spikewatch.alerts.domain.episodes import Zone, all_episodes, recomputed
from spikewatch.alerts.domain.evidence import evidence_of, finding_of
from spikewatch.alerts.domain.instants import DAY, HOUR
from spikewatch.alerts.domain.reported import Reported
from spikewatch.alerts.domain.rules.criterion import Finding, Together
from spikewatch.alerts.domain.rules.detector import NO_RULE
from spikewatch.alerts.domain.series import History

USABLE = [name for name in ALGORITHMS if name not in NO_RULE]
WEEKLY = {"negative_binomial_weekly", "serfling", "essence_farrington", "farrington", "farrington_flexible"}
YEARS_ASKED = {"bayes", *WEEKLY}
MONDAY = 4 * DAY


def rule_of(make, algorithm):
    days = 7 if algorithm in WEEKLY else 1
    return make.rule(
        kind="detector",
        window_hours=24 * days,
        quiet_hours=1,
        parameters={
            "algorithm": algorithm,
            "history_days": 2_000 if algorithm in YEARS_ASKED else 400,
            "minimum_history_days": 0,
        },
    )


def spread(counts, days, reported=None):
    """Overdoses of each step from its second hour on, a minute apart."""
    step = days * DAY
    start = MONDAY if days > 1 else 0
    rows = [(start + place * step + 2 * HOUR + 60_000_000 * one, 4) for place, count in enumerate(counts) for one in range(int(count))]
    history = History.of(rows, rows[0][0], -(2**60))
    history.reported = reported
    return history


def drawn(seed, number):
    draw = np.random.default_rng(seed)
    counts = draw.poisson(draw.choice([0.4, 2, 6]), number)
    counts[0] = 1
    counts[number - 4 :][draw.random(4) < 0.6] += draw.integers(2, 14)
    return counts


def is_met(rule, history, at, count):
    """Tell whether the algorithm itself raises an alarm for the step of a time if it holds another count than it does."""
    series = history.select(at - rule.reach, at, rule.asks)
    first, counts = rule.criterion._told(series, rule.criterion.step(at, rule.window), rule.window)
    counts[-1] = count
    return rule.criterion._run(first, counts[None, :], rule.window).alarm[0, -1] == ALARM


def newest(history, rule):
    """The episodes of the last four steps."""
    end = int(history.times[-1])
    return recomputed(history, rule, Zone(end - 4 * rule.window, end, ()))


@pytest.mark.parametrize("algorithm", USABLE)
@settings(max_examples=examples(3))
@given(seed=st.integers(0, 2**32))
def test_an_alarm_is_a_count_that_reaches_the_told_bound(make, algorithm, seed):
    rule = rule_of(make, algorithm)
    days = 7 if algorithm in WEEKLY else 1
    counts = drawn(seed, (6 * 52 if days > 1 else 3 * 365) if algorithm in YEARS_ASKED else 150)
    history = spread(counts, days)
    for episode in newest(history, rule)[-1:]:
        found = finding_of(history, rule, episode)
        assert found.threshold is not None
        assert episode.observed >= found.threshold
        assert f"at least {found.threshold:.0f} in a {'week' if days > 1 else 'day'}" in found.demand
        assert is_met(rule, history, episode.peak_at, found.threshold)
        assert found.threshold == 1 or not is_met(rule, history, episode.peak_at, found.threshold - 1)


@pytest.mark.parametrize("algorithm", ["predictive", "ears_c2", "nb_trailing", "outbreak_p", "serfling", "bayes"])
def test_such_alarms_are_looked_at(make, algorithm):
    """Without it the property above could hold of nothing."""
    days = 7 if algorithm in WEEKLY else 1
    number = (6 * 52 if days > 1 else 3 * 365) if algorithm in YEARS_ASKED else 150
    assert any(newest(spread(drawn(seed, number), days), rule_of(make, algorithm)) for seed in range(5))


@settings(max_examples=examples(10))
@given(seed=st.integers(0, 2**32), share=st.floats(0.3, 0.9))
def test_of_a_day_that_is_half_reported_the_bound_is_that_of_the_reported_part(make, seed, share):
    counts = drawn(seed, 120)
    rule = rule_of(make, "predictive").model_copy(update={"delay_correction": "learnt"})
    history = spread(counts, 1, Reported(119, (share, (1 + share) / 2)))
    for episode in newest(history, rule):
        found = finding_of(history, rule, episode)
        assert found.threshold is not None
        assert episode.observed >= found.threshold


def test_days_that_alarm_together_are_told_with_what_they_hold(make):
    counts = np.array([1, 0, 2, 1, 0, 1, 0] * 20 + [3, 4, 3])
    rule = rule_of(make, "predictive")
    history = spread(counts, 1)
    episode = all_episodes(history, rule)[-1]
    assert (episode.peak_at // DAY, episode.observed) == (142, 3), "no day alone stands out"
    found = finding_of(history, rule, episode)
    starts = np.arange(len(counts)).astype("datetime64[D]")
    asked = predictive(Counts(starts, counts[None, :].astype(np.float64), ("a",)), Predictive())
    assert found.threshold is not None
    assert episode.observed >= found.threshold
    assert found.together is not None
    assert (found.together.steps, found.together.observed) == (3, 10)
    assert found.together.steps == asked.also["window"][0, -1]
    assert found.together.expected == pytest.approx(asked.also["expected_in_window"][0, -1], rel=1e-6)
    assert found.together.since == 140 * DAY
    assert found.dispersion == pytest.approx(asked.also["phi"][0, -1], rel=1e-6)
    said = paragraph("county:1", rule, episode, found)
    assert f"With the 2 days before it that makes 10 in 3 days, where {found.together.expected:.1f} would be expected. " in said
    assert "Chance alone brings so many together in about one of " in said
    assert said.endswith(f"asks for at least {found.threshold:.0f} in a day after such days before by predictive.")
    evidence = evidence_of("county:1", rule, episode, found, ())
    assert evidence.together is not None
    assert (evidence.together.observed, evidence.dispersion) == (10, found.dispersion)


@pytest.mark.parametrize(
    ("told", "says"),
    [
        (Together(0, "day", 2, 7, 2.04), "With the day before it that makes 7 in 2 days, where 2.0 would be expected. "),
        (Together(0, "week", 3, 1, 0.0123), "With the 2 weeks before it that makes 1 in 3 weeks, where 0.012 would be expected. "),
    ],
)
def test_steps_together_are_said_by_their_name(make, told, says):
    (episode,) = all_episodes(spread(np.array([3]), 1), make.rule())
    said = paragraph("county:1", make.rule(), episode, Finding(demand="x", probability=0.001, together=told))
    assert says in said
    assert f"so many together in about one of 1,000 such {told.step}s." in said
