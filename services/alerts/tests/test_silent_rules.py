"""Rules that could never be met are refused, with the field that is wrong and the least that would do."""

from time import process_time

import numpy as np
import pytest

from spikewatch.alerts.adapters.rules_file import UnusableRules, rules_of
from spikewatch.alerts.domain.detection.registry import ALGORITHMS
from spikewatch.alerts.domain.instants import HOUR
from spikewatch.alerts.domain.rules.detector import NO_RULE
from spikewatch.alerts.domain.rules.least_history import refusal_of

HEAD = """\
rules:
  - id: silent
    version: 1
    description: A rule.
    kind: {kind}
    area_kinds: [county]
    window_hours: {hours}
    quiet_hours: {hours}
    parameters:
"""
DAYS, WEEKS = 24, 168
USABLE = [name for name in ALGORITHMS if name not in NO_RULE]


def rules(hours, *, kind="detector", **parameters):
    return rules_of(HEAD.format(kind=kind, hours=hours) + "".join(f"      {name}: {value}\n" for name, value in parameters.items()), "r")


def wrong(hours, *, kind="detector", **parameters):
    with pytest.raises(UnusableRules) as caught:
        rules(hours, kind=kind, **parameters)
    ((line, problem),) = caught.value.problems
    return line, problem.field, problem.text


@pytest.mark.parametrize(
    ("hours", "parameters", "least"),
    [
        (DAYS, {"algorithm": "ears_c2", "baseline": 28, "history_days": 28}, 30),
        (DAYS, {"algorithm": "ears_c2", "baseline": 60, "history_days": 28}, 62),
        (DAYS, {"algorithm": "cusum", "training": 500, "history_days": 400}, 500),
        (DAYS, {"algorithm": "third_largest", "history_days": 15}, 28),
        (WEEKS, {"algorithm": "serfling", "alpha": 0.01, "history_days": 400}, 728),
        (WEEKS, {"algorithm": "negative_binomial_weekly", "alpha": 0.01, "history_days": 400}, 728),
        (WEEKS, {"algorithm": "farrington_flexible", "alpha": 0.01, "history_days": 28}, 1848),
    ],
)
def test_a_baseline_longer_than_the_history_is_refused_with_the_least_that_would_do(hours, parameters, least):
    line, field, text = wrong(hours, **parameters)
    assert (line, field) == (10 + list(parameters).index("history_days"), "parameters.history_days")
    assert text.endswith(f"expected at least {least}")
    assert rules(hours, **parameters | {"history_days": least}).known
    assert wrong(hours, **parameters | {"history_days": least - hours // 24})[1] == "parameters.history_days"


@pytest.mark.parametrize(
    ("hours", "algorithm", "expected"),
    [
        (DAYS, "serfling", "168 (a week)"),
        (DAYS, "negative_binomial_weekly", "168 (a week)"),
        (DAYS, "essence_farrington", "168 (a week)"),
        (WEEKS, "adaptive_regression", "24 (a day)"),
    ],
)
def test_an_algorithm_of_weeks_is_refused_for_days_and_the_reverse(hours, algorithm, expected):
    line, field, text = wrong(hours, algorithm=algorithm)
    assert (line, field) == (7, "window_hours")
    assert text.endswith(f"expected {expected}")


@pytest.mark.parametrize(
    ("hours", "parameters", "field"),
    [
        (DAYS, {"algorithm": "rogerson", "distribution": "binomial"}, "distribution"),
        (WEEKS, {"algorithm": "farrington", "population_offset": "true"}, "population_offset"),
        (WEEKS, {"algorithm": "farrington_flexible", "population_offset": "true", "history_days": 2200}, "population_offset"),
        (WEEKS, {"algorithm": "serfling", "baseline_end": "'2020-01-01'", "history_days": 3000}, "baseline_end"),
    ],
)
def test_what_needs_more_than_counts_is_refused_at_its_parameter(hours, parameters, field):
    assert wrong(hours, **parameters)[:2] == (10 + list(parameters).index(field), f"parameters.{field}")


def test_what_looks_further_back_than_any_rule_may_is_refused():
    assert wrong(DAYS, algorithm="cusum", training=4000)[2].endswith("it looks further back than the 3,660 days that a rule may")


@pytest.mark.parametrize(
    ("kind", "hours", "parameters", "field", "least"),
    [
        ("mean_plus_sd", 672, {"sds": 2, "history_days": 14, "minimum_history_days": 7}, "history_days", 56),
        ("mean_plus_sd", 24, {"sds": 2, "history_days": 14, "minimum_history_days": 15}, "history_days", 15),
        ("poisson", 24, {"probability": 0.01, "baseline_days": 14, "minimum_history_days": 15}, "baseline_days", 15),
        ("poisson", 672, {"probability": 0.01, "baseline_days": 14, "minimum_history_days": 7}, "baseline_days", 28),
        ("sliding_window", 24, {"false_alarms_a_year": 1, "baseline_days": 21}, "baseline_days", 28),
    ],
)
def test_sliding_windows_longer_than_their_baseline_are_refused(kind, hours, parameters, field, least):
    line, name, text = wrong(hours, kind=kind, **parameters)
    assert (line, name) == (10 + list(parameters).index(field), f"parameters.{field}")
    assert text.endswith(f"expected at least {least}")
    assert rules(hours, kind=kind, **parameters | {field: least}).known


@pytest.mark.parametrize("algorithm", USABLE)
def test_every_step_is_judged_by_the_least_history_that_is_told(algorithm):
    """A block's first step has the shortest past of all; it is judged like the last, whenever in the year the block begins."""
    settings = {"threshold": 3} if algorithm == "fixed" else {}
    hours, least = least_of(algorithm, settings)
    (rule,) = rules(hours, algorithm=algorithm, history_days=least, **settings).known
    before, block = rule.criterion._history(rule.window), rule.criterion._block(rule.window)
    counts = np.resize(np.array([3.0, 5, 4, 2, 6, 4, 3]), (1, before + block))
    for first in (20_000 * 24 // hours, 20_100 * 24 // hours, 21_600 * 24 // hours):
        judged = rule.criterion._run(first, counts, rule.window).alarm[0, before:] >= 0
        assert judged.all(), f"{algorithm} is silent in {np.flatnonzero(~judged)} of {block} steps"


def least_of(algorithm, settings):
    """Return the step in hours that an algorithm judges, and the least history_days it needs."""
    made = ALGORITHMS[algorithm].parameters(**settings)
    for hours in (WEEKS, DAYS):
        refusal = refusal_of(algorithm, made, hours * HOUR, 2, 3660)
        if refusal is None or refusal.path != ("window_hours",):
            return hours, 14 if refusal is None else max(14, int(refusal.text.rpartition(" ")[2]))
    raise AssertionError(algorithm)


def test_fifty_rules_are_read_in_well_under_a_second():
    one = "  - {{id: r-{}, version: 1, description: One., kind: detector, area_kinds: [county], window_hours: 24, parameters: {}}}\n"
    shapes = ["{{algorithm: predictive, alpha: {}}}", "{{algorithm: ears_c2, baseline: 1{}}}", "{{algorithm: outbreak_p, k: {}}}"]
    text = "rules:\n" + "".join(
        one.format(number, shapes[number % 3].format(f"0.0{number + 1}" if not number % 3 else 10 + number)) for number in range(50)
    )
    begun = process_time()
    assert len(rules_of(text, "r").known) == 50
    assert process_time() - begun < 1
