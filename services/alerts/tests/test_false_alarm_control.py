"""False alarms over many areas: recurrence intervals in tiers, and a bound on the share of false discoveries."""

import numpy as np
import pytest

from spikewatch.alerts.adapters.rules_file import UnusableRules, rules_of
from spikewatch.alerts.domain.clusters.accepted import accepted
from spikewatch.alerts.domain.clusters.look import Found
from spikewatch.alerts.domain.detection.registry import ALGORITHMS
from spikewatch.alerts.domain.detection.series import Series as Counts
from spikewatch.alerts.domain.detection.sliding_window import sliding_rate
from spikewatch.alerts.domain.episodes import Episode, all_episodes
from spikewatch.alerts.domain.evidence import evidence_of, finding_of
from spikewatch.alerts.domain.instants import DAY, HOUR
from spikewatch.alerts.domain.lifecycle import Draft
from spikewatch.alerts.domain.rule_text import in_words
from spikewatch.alerts.domain.rules.detector import COUNT_TAILS
from spikewatch.alerts.domain.series import History

RULE = """\
rules:
  - id: shared
    version: 1
    description: Shared.
    kind: detector
    area_kinds: [county]
    among: 67
    false_discovery_rate: 0.1
    window_hours: 24
    tiers: [{name: page, recurrence_days_above: 365}]
    parameters: {algorithm: predictive}
"""


def spread(counts):
    """Overdoses of each day from its second hour on, a minute apart."""
    rows = [(day * DAY + 2 * HOUR + 60_000_000 * one, 4) for day, count in enumerate(counts) for one in range(count)]
    return History.of(rows, rows[0][0], -(2**60))


def detector(make, algorithm="poisson_trailing", **changes):
    parameters = {"algorithm": algorithm, "history_days": 60, "minimum_history_days": 0}
    return make.rule("detector", window_hours=24, quiet_hours=1, parameters=parameters, **changes)


def finding(rule, history):
    episode = max(all_episodes(history, rule), key=lambda each: each.opened_at)
    return episode, finding_of(history, rule, episode)


def test_a_poisson_rule_tells_the_recurrence_of_all_its_looks(make):
    history = spread([2] * 60 + [9])
    rule = make.rule("poisson", window_hours=24, parameters={"probability": 0.01, "baseline_days": 50, "minimum_history_days": 20})
    episode, found = finding(rule, history)
    assert found.recurrence_days == pytest.approx(1 / sliding_rate(np.array([float(episode.observed)]), np.array([found.expected]))[0])
    assert found.recurrence_days < 1 / found.probability / 2, "a window that slides is looked at all the time"


def test_recurrence_is_of_all_areas_together_and_decides_the_tier(make):
    history = spread([2] * 60 + [9])
    tiers = ({"name": "notice", "recurrence_days_above": 100}, {"name": "page", "recurrence_days_above": 1825, "audience": ("public",)})
    told = {}
    for among in (1, 40, 3143):
        rule = detector(make, tiers=tiers, among=among)
        episode, found = finding(rule, history)
        evidence = evidence_of("county:42091", rule, episode, found, ())
        facts = Draft("county:42091", rule, episode, evidence, 0).facts()
        told[among] = facts["recurrence_days"], facts["tier"], facts["audience"], evidence.explanation
        assert facts["rule"].parameters["among"] == among
    alone = 1 / found.probability
    assert told[1][0] == pytest.approx(alone)
    assert told[40][0] == pytest.approx(alone / 40)
    assert told[3143][0] is None or told[3143][0] == pytest.approx(alone / 3143)
    assert [tier for _, tier, _, _ in told.values()] == ["page", "notice", None]
    assert [audience for _, _, audience, _ in told.values()] == [("public",), ("responder", "health"), ("responder", "health")]
    assert "In 40 areas together chance alone brings something so unusual about once in" in told[40][3]
    assert "The tier notice is reached." in told[40][3]


def test_areas_that_are_named_share_false_alarms_by_themselves(make):
    named = ("county:42091", "county:42045", "county:42017")
    assert make.rule("poisson", area_kinds=(), areas=named).recurrence_of(300) == pytest.approx(100)
    assert make.rule("poisson", area_kinds=(), areas=named, among=1).recurrence_of(300) == pytest.approx(300)
    assert make.rule("poisson").recurrence_of(300) == pytest.approx(300)
    assert make.rule("poisson").recurrence_of(0.9) is None


@pytest.mark.parametrize("algorithm", COUNT_TAILS)
def test_no_area_alarms_above_its_part_of_the_false_discovery_rate(make, algorithm):
    draw = np.random.default_rng(11)
    counts = draw.poisson(3, 400) + np.where(draw.random(400) < 0.05, draw.integers(3, 14, 400), 0)
    counts[0] = 1
    rule = detector(make, algorithm, among=1000, false_discovery_rate=0.1)
    met = {each.opened_at // DAY for each in all_episodes(spread(counts.tolist()), rule)}
    assert met
    assert met < {each.opened_at // DAY for each in all_episodes(spread(counts.tolist()), detector(make, algorithm))}
    for day in met:
        begin = max(0, day // 15 * 15 - 60)
        days = np.datetime64("1970-01-01") + np.arange(begin, day + 1)
        run = ALGORITHMS[algorithm]
        found = run.run(Counts(days, counts[None, begin : day + 1].astype(float), ("a",)), run.parameters())
        assert found.p_value[0, -1] <= 0.1 / 1000


def test_on_days_without_spikes_a_hundred_areas_together_alarm_on_fewer_days_than_the_rate(make):
    draw = np.random.default_rng(17)
    rule = detector(make, among=100, false_discovery_rate=0.2)
    days = set()
    for _ in range(100):
        counts = draw.poisson(2, 200)
        counts[0] = 1
        days |= {each.opened_at // DAY for each in all_episodes(spread(counts.tolist()), rule) if each.opened_at > 80 * DAY}
    assert 0 < len(days) / 120 <= 0.2 + 3 * np.sqrt(0.2 * 0.8 / 120)


def cluster(probability):
    return Found(("h3:a",), (), 0, DAY, (1, 2), (), 1.0, probability, 1 / probability, (), ((0.0, 0.0),))


def test_the_clusters_of_one_look_are_accepted_together(make):
    scan = {"window_hours": 24, "parameters": {"radius_km": 5, "probability": 0.2}}
    found = {f"county:{place:05d}": () for place in range(17)}
    found |= {
        "county:42091": (cluster(0.001), cluster(0.012), cluster(0.15)),
        "county:42045": (cluster(0.009),),
        "county:42017": (cluster(0.06),),
    }
    alone = accepted(make.rule("space_time_scan", **scan), found)
    assert {area: len(kept) for area, kept in alone.items() if kept} == {"county:42091": 3, "county:42045": 1, "county:42017": 1}
    together = accepted(make.rule("space_time_scan", false_discovery_rate=0.1, **scan), found)
    assert {area: [each.probability for each in kept] for area, kept in together.items() if kept} == {
        "county:42091": [0.001],
        "county:42045": [0.009],  # at most 0.1 * 2 / 20
    }
    assert accepted(make.rule("space_time_scan", false_discovery_rate=0.1, **scan), {}) == {}


@pytest.mark.parametrize(
    ("before", "after", "line", "field", "says"),
    [
        ("    among: 67\n", "", 2, "rule", "expected among"),
        ("among: 67", "among: 0", 7, "among", "greater than or equal to 1"),
        ("rate: 0.1", "rate: 0.9", 8, "false_discovery_rate", "less than or equal to 0.5"),
        ("algorithm: predictive", "algorithm: ears_c2", 2, "rule", "needs to know what chance brings"),
        ("recurrence_days_above: 365", "recurrence_days_above: 0.5", 10, "tiers.0.recurrence_days_above", "greater than or equal to 1"),
        ("kind: detector", "kind: fixed_count", 2, "rule", "needs to know what chance brings"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(before, after, line, field, says):
    text = RULE.replace(before, after)
    if "fixed_count" in after:
        text = text.replace("{algorithm: predictive}", "{threshold: 3, comparison: at_least}").replace(
            "    false_discovery_rate: 0.1\n", ""
        )
    with pytest.raises(UnusableRules) as caught:
        rules_of(text, "rules.yaml")
    assert [(at, problem.field) for at, problem in caught.value.problems] == [(line, field)]
    assert says in str(caught.value)


def test_a_scan_needs_draws_enough_for_its_areas(make):
    scan = {"window_hours": 24, "parameters": {"radius_km": 5, "probability": 0.2, "replications": 399}}
    make.rule("space_time_scan", false_discovery_rate=0.1, among=10, **scan)
    with pytest.raises(ValueError, match=r"at least 714 parameters\.replications"):
        make.rule("space_time_scan", false_discovery_rate=0.1, among=20, **scan)


def test_it_is_told_in_words():
    (rule,) = rules_of(RULE, "rules.yaml").rules
    told = " ".join(in_words(rule))
    assert "at most 10% are false on average in each step: an area's own chance must be at most 0.0015" in told
    assert "page rarer by chance than once in 365 days" in told
    assert "for 67 areas together" in told


def test_an_episode_of_a_rule_that_knows_no_chance_has_no_recurrence(make):
    rule = make.rule()
    found = finding_of(spread([3]), rule, Episode(2 * HOUR, 2 * HOUR, 2 * HOUR, 3))
    assert (found.recurrence_days, rule.recurrence_of(found.recurrence_days)) == (None, None)
