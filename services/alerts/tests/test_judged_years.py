"""The part of a back-test in which a rule judges at all: it starts with the history that the rule asks for."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikewatch.alerts.domain.backtest.histories import Happened, histories_of
from spikewatch.alerts.domain.backtest.judged import judged_since, least_history_days
from spikewatch.alerts.domain.backtest.verdict import verdicts
from spikewatch.alerts.domain.instants import DAY, HOUR
from spikewatch.alerts.domain.rule import Rule

AREA = "county:42091"
MONDAY = 4 * DAY  # 1970-01-05
KINDS: dict[str, tuple[float, dict[str, Any]]] = {
    "fixed_count": (24, {"threshold": 1, "comparison": "at_least"}),
    "mean_plus_sd": (24, {"sds": 0, "history_days": 60, "minimum_history_days": 20, "lag_hours": 12, "minimum_count": 1}),
    "poisson": (24, {"probability": 0.99, "baseline_days": 60, "minimum_history_days": 20, "guard_hours": 6, "minimum_count": 1}),
    "sliding_window": (24, {"false_alarms_a_year": 18, "baseline_days": 60, "minimum_history_days": 20, "minimum_count": 1}),
    "detector": (24, {"algorithm": "fixed", "threshold": 1, "history_days": 60, "minimum_history_days": 20, "day_starts_hour": 5}),
    "weeks": (168, {"algorithm": "fixed", "threshold": 1, "history_days": 60, "minimum_history_days": 20}),
}


def rule_of(kind: str) -> Rule:
    hours, parameters = KINDS[kind]
    known = "detector" if kind == "weeks" else kind
    fields = {"id": "here", "version": 1, "description": "Here.", "kind": known, "area_kinds": ["county"]}
    return Rule.model_validate(fields | {"window_hours": hours, "quiet_hours": 1, "parameters": parameters})


@pytest.mark.parametrize(
    ("kind", "since"),
    [
        ("fixed_count", None),
        ("mean_plus_sd", 20 * DAY + 24 * HOUR + 12 * HOUR + HOUR),
        ("poisson", 20 * DAY + 24 * HOUR + 6 * HOUR + HOUR),
        ("detector", 20 * DAY - 19 * HOUR),  # of the day that began at five of the day before
        ("weeks", 21 * DAY),  # three weeks from Monday on
    ],
)
def test_it_begins_with_the_history_that_the_rule_asks_for(kind, since):
    assert judged_since(rule_of(kind), MONDAY + HOUR) == (None if since is None else MONDAY + since)
    assert judged_since(rule_of(kind), None) is None


@pytest.mark.parametrize(
    ("hours", "parameters", "days"),
    [
        (24, {"algorithm": "ears_c1", "baseline": 40, "history_days": 400}, 40),  # longer than the 28 days that a rule has by default
        (24, {"algorithm": "ears_c2", "baseline": 40, "history_days": 400, "minimum_history_days": 60}, 60),
        (24, {"algorithm": "cusum", "training": 100, "history_days": 400, "minimum_history_days": 14}, 100),
        (168, {"algorithm": "serfling", "history_days": 1100, "minimum_history_days": 14}, 728),
        (24, {"algorithm": "fixed", "minimum_history_days": 3660}, 3_660),
    ],
)
def test_what_the_algorithm_needs_counts_too(hours, parameters, days):
    fields = {"id": "here", "version": 1, "description": "Here.", "kind": "detector", "area_kinds": ["county"]}
    rule = Rule.model_validate(fields | {"window_hours": hours, "parameters": parameters})
    assert least_history_days(rule) == days
    assert judged_since(rule, MONDAY + HOUR) == MONDAY + -(-days * 24 // hours) * hours * HOUR


@given(kind=st.sampled_from(list(KINDS)), seed=st.integers(0, 2**32 - 1), days=st.integers(1, 60))
def test_no_alarm_opens_before_and_alarms_a_year_are_of_what_is_judged(kind, seed, days):
    draws = np.random.default_rng(seed)
    times = MONDAY + np.sort(draws.integers(0, days * DAY, 1 + draws.poisson(3 * days)))
    histories = histories_of(Happened(AREA, int(at)) for at in times)
    (verdict,) = verdicts([rule_of(kind)], histories, ())
    since = judged_since(rule_of(kind), int(times[0]))
    assert all(alarm.episode.opened_at >= (since or 0) for alarm in verdict.alarms)
    if since is not None and since > times[-1]:
        assert (verdict.alarms, verdict.judged_years, verdict.alarms_per_year) == ((), 0, None)
    else:
        length = max(int(times[-1]) - max(int(times[0]), since or 0), DAY) / (365.25 * DAY)
        assert verdict.judged_years == pytest.approx(length)
        assert verdict.alarms_per_year == pytest.approx(len(verdict.alarms) / length)
