"""The rule kind that keeps a budget of false alarms in a window that slides."""

import numpy as np
import pytest
from scipy.stats import poisson

from spikewatch.alerts.adapters.rules_file import UnusableRules, rules_of
from spikewatch.alerts.domain.alert_text import paragraph
from spikewatch.alerts.domain.detection.sliding_window import sliding_rate, sliding_threshold
from spikewatch.alerts.domain.episodes import all_episodes
from spikewatch.alerts.domain.evidence import finding_of
from spikewatch.alerts.domain.instants import DAY, HOUR
from spikewatch.alerts.domain.rule import Rule
from spikewatch.alerts.domain.rule_schema import rules_schema
from spikewatch.alerts.domain.rule_text import in_words
from spikewatch.alerts.domain.series import History

RULE = """\
rules:
  - id: sliding
    version: 1
    description: A budget.
    kind: sliding_window
    area_kinds: [county]
    window_hours: 24
    parameters: {false_alarms_a_year: 1}
"""
YEAR = 365.25 * DAY


def sliding(window_hours=24, **parameters):
    fields = {"id": "sliding", "version": 1, "description": "A budget.", "kind": "sliding_window", "area_kinds": ("county",)}
    parameters = {"false_alarms_a_year": 1, "baseline_days": 180} | parameters
    return Rule.model_validate(fields | {"window_hours": window_hours, "parameters": parameters})


def history(hours) -> History:
    rows = [(round(hour * HOUR), 4) for hour in hours]
    return History.of(rows, min(row[0] for row in rows), -(2**60))


def steady(a_day, days=200):
    return (np.arange(a_day * days) * 24 / a_day).tolist()


def episodes_after(before, hours, rule):
    return all_episodes(history([*before, *(200 * 24 + hour for hour in hours)]), rule)


def test_the_rate_of_rare_counts_is_that_of_clumps_and_near_the_mean_that_of_one_look():
    mean = np.array([0.05, 20.0, 20.0])
    rate = sliding_rate(np.array([2.0, 40.0, 21.0]), mean)
    clumps = [(k - m) * poisson.pmf(k, m) for k, m in ((2, 0.05), (40, 20))]
    assert rate[:2] == pytest.approx(clumps, rel=1e-9)
    assert rate[2] == pytest.approx(poisson.sf(20, 20), rel=1e-9)


@pytest.mark.parametrize("a_day", [1, 3, 8])
def test_the_count_that_is_asked_for_is_the_smallest_that_keeps_the_budget_anywhere_in_the_window(a_day):
    rule = sliding(learns_dispersion=False)
    before = steady(a_day)
    mean, uncertainty = a_day + 0.5 / 180, 1 / (180 * a_day + 0.5)
    alpha = 1 - np.exp(-1)
    enough = int(sliding_threshold(np.array([mean]), alpha, uncertainty=uncertainty, lengths=365.25)[0])
    spread = np.linspace(0, 23.5, enough).tolist()
    (episode,) = episodes_after(before, [24 + hour for hour in spread], rule)
    found = finding_of(history([*before, *(200 * 24 + 24 + hour for hour in spread)]), rule, episode)
    assert episode.observed == enough == found.threshold
    assert found.expected == pytest.approx(mean, rel=0.01)
    assert found.probability <= 1 / 365
    assert not episodes_after(before, [24 + hour for hour in np.linspace(0, 23.5, enough - 1)], rule)


def test_fewer_are_enough_where_they_lie_close_together():
    rule = sliding(learns_dispersion=False)
    before = steady(1)
    spread, close = ([24 + each * apart for each in range(5)] for apart in (5.5, 0.5))
    assert not episodes_after(before, spread, rule)
    (episode,) = episodes_after(before, close, rule)
    found = finding_of(history([*before, *(200 * 24 + hour for hour in close)]), rule, episode)
    assert (episode.observed, found.threshold) == (5, 6)
    assert "at least 6, or 5 within" in found.demand
    assert "asks for at least 6, or 5 within" in paragraph("county:42091", rule, episode, found)


def test_a_baseline_that_varies_more_than_chance_asks_for_more():
    bursts = [day * 24 + minute / 60 for day in range(0, 200, 5) for minute in range(5)]
    spike = [24 + each * 4.5 for each in range(6)]
    assert episodes_after(bursts, spike, sliding(learns_dispersion=False))
    assert not episodes_after(bursts, spike, sliding())


def test_a_smaller_budget_never_alarms_more():
    rng = np.random.default_rng(3)
    times = np.sort(rng.uniform(0, 500 * 24, 500)).tolist()
    met = [len(all_episodes(history(times), sliding(false_alarms_a_year=budget))) for budget in (0.1, 1, 4, 12)]
    assert met == sorted(met)
    assert met[-1] > met[0]


# two in a day come less than once a year at the lowest level, so no larger budget can be spent there
@pytest.mark.parametrize(("mean", "budget", "years"), [(0.05, 1, 200), (1.0, 4, 100), (8.0, 4, 40)])
def test_false_alarms_are_within_a_factor_of_two_of_the_budget(mean, budget, years):
    rng = np.random.default_rng(5)
    rule, raised = sliding(false_alarms_a_year=budget, minimum_history_days=179), 0
    for _ in range(years):
        times = np.sort(rng.uniform(0, 547, rng.poisson(547 * mean))) * DAY
        pairs = np.column_stack((times.astype(np.int64), np.full(len(times), 4)))
        raised += sum(each.opened_at > 182 * DAY for each in all_episodes(History.of_pairs(pairs, 0, -1), rule))
    assert 0.5 < raised / years / budget < 2


def test_the_first_days_are_silent_and_a_calm_baseline_assumes_half_an_overdose():
    rule = sliding()
    assert not all_episodes(history([0, *(27 * 24 + each for each in range(6))]), rule)
    (episode,) = all_episodes(history([0, *(30 * 24 + each for each in range(6))]), rule)
    found = finding_of(history([0, *(30 * 24 + each for each in range(6))]), rule, episode)
    assert 0.5 / 30 < found.expected < 1.5 / 28


@pytest.mark.parametrize(
    ("before", "after", "line", "field"),
    [
        ("false_alarms_a_year: 1", "false_alarms_a_year: 0", 8, "parameters.false_alarms_a_year"),
        ("false_alarms_a_year: 1", "false_alarms_a_year: 366", 8, "parameters.false_alarms_a_year"),
        ("false_alarms_a_year: 1", "baseline_days: 90", 8, "parameters.false_alarms_a_year"),
        ("false_alarms_a_year: 1", "false_alarms_a_year: 1, probability: 0.1", 8, "parameters.probability"),
        (
            "window_hours: 24\n    parameters: {false_alarms_a_year: 1}",
            "window_hours: 672\n    parameters: {false_alarms_a_year: 12}",
            8,
            "parameters.false_alarms_a_year",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_line(before, after, line, field):
    with pytest.raises(UnusableRules) as caught:
        rules_of(RULE.replace(before, after), "rules.yaml")
    assert (line, field) in [(at, problem.field) for at, problem in caught.value.problems]


def test_it_is_in_the_schema_and_told_in_words():
    definition = rules_schema()["$defs"]["parameters-sliding_window"]
    assert definition["required"] == ["false_alarms_a_year"]
    (rule,) = rules_of(RULE, "rules.yaml").rules
    assert any(
        "chance alone, looked at without a break, brings such a window at most once a year in an area" in one for one in in_words(rule)
    )
