"""Rules as people write them in a hurry: what reads otherwise than it decides is refused, what decides the same is no change."""

from typing import Any

import pytest
import yaml

from spikewatch.alerts.adapters.rules_file import UnusableRules, rules_of
from spikewatch.alerts.domain.rulebook import differences

FIELDS: dict[str, Any] = {
    "id": "here",
    "version": 1,
    "description": "Here.",
    "kind": "fixed_count",
    "area_kinds": ["county"],
    "window_hours": 24,
    "parameters": {"threshold": 3, "comparison": "at_least"},
}
POISSON: dict[str, Any] = {"kind": "poisson", "parameters": {"probability": 0.01, "baseline_days": 60, "minimum_history_days": 28}}


def text_of(**fields: Any) -> str:
    return yaml.safe_dump({"rules": [FIELDS | fields]}, sort_keys=False)


@pytest.mark.parametrize("key", ["enabled: false", "tiers: [{name: high, at_least: 9}]", "x-defaults: {}"])
def test_a_field_that_lost_its_indentation_is_no_field_of_the_file(key):
    with pytest.raises(UnusableRules, match=rf"rules:\d+: the file: {key.split(':')[0]}: is unknown"):
        rules_of(text_of() + key + "\n", "rules")


@pytest.mark.parametrize(
    ("tiers", "hides"),
    [
        ([{"at_least": 9}, {"at_least": 5}], True),
        ([{"at_least": 5}, {"at_least": 5}], True),
        ([{"at_least": 5}, {"at_least": 9}], False),
        ([{"probability_below": 0.01}, {"probability_below": 0.1}], True),
        ([{"probability_below": 0.1}, {"probability_below": 0.01}], False),
        ([{"at_least": 5}, {"probability_below": 0.01}], False),
        ([{"at_least": 5, "probability_below": 0.01}, {"at_least": 9, "probability_below": 0.1}], False),
    ],
)
def test_a_tier_that_hides_the_one_before_it_is_refused(tiers, hides):
    named = [{"name": name, **tier} for name, tier in zip(("low", "high"), tiers, strict=True)]
    if hides:
        with pytest.raises(UnusableRules, match="high asks for no more than low before it; expected the least severe first"):
            rules_of(text_of(**POISSON, tiers=named), "rules")
    else:
        assert rules_of(text_of(**POISSON, tiers=named), "rules").known


@pytest.mark.parametrize(
    "wrong",
    [{"version": True}, {"window_hours": True}, {"minimum_count": True}, {"parameters": {"threshold": True, "comparison": "at_least"}}],
)
def test_yes_is_no_number(wrong):
    with pytest.raises(UnusableRules, match="is yes or no, and a number is expected"):
        rules_of(text_of(**wrong), "rules")
    assert rules_of(text_of(kind="sliding_window", parameters={"false_alarms_a_year": 1, "learns_dispersion": False}), "rules").known


@pytest.mark.parametrize(
    "wrong",
    [
        {"quiet_hours": 1e10},
        {"minimum_count": 10**20},
        {"version": 2**31},
        {**POISSON, "parameters": {**POISSON["parameters"], "guard_hours": 1e12}},
        {**POISSON, "parameters": {**POISSON["parameters"], "minimum_history_days": 1e9}},
    ],
)
def test_numbers_beyond_any_sense_are_refused(wrong):
    with pytest.raises(UnusableRules, match="less than or equal to"):
        rules_of(text_of(**wrong), "rules")


@pytest.mark.parametrize(
    ("before", "after", "needs_version"),
    [
        ({"area_kinds": ["county", "zip"]}, {"area_kinds": ["zip", "county"]}, False),
        (POISSON, POISSON | {"parameters": {**POISSON["parameters"], "guard_hours": 24, "baseline_days": 60.0}}, False),
        (POISSON, POISSON | {"parameters": {**POISSON["parameters"], "guard_hours": 48}}, True),
        ({}, {"minimum_count": 1, "quiet_hours": 24.0}, False),
        ({}, {"sources": ["ems"]}, True),
    ],
)
def test_what_decides_the_same_is_no_change(before, after, needs_version):
    found = differences(rules_of(text_of(**before), "before"), rules_of(text_of(**after), "after"))
    assert [one.needs_version for one in found] == ([True] if needs_version else [])
