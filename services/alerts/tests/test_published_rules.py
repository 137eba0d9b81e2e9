"""Every published definition with numbers is a rule that raises an alert where its publication would."""

import numpy as np
import pytest

from spikewatch.alerts.adapters.rules_file import PUBLISHED, rules_of_package
from spikewatch.alerts.domain.episodes import Zone, all_episodes, recomputed
from spikewatch.alerts.domain.instants import DAY, HOUR
from spikewatch.alerts.domain.marks import mark
from spikewatch.alerts.domain.series import History
from spikewatch.contracts.vocabulary import Outcome, SourceType

RULES = {rule.id: rule for rule in rules_of_package(PUBLISHED).known}

PUBLICATIONS = {
    "odmap-24h", "odmap-24h-fatal", "odmap-24h-nonfatal", "odmap-neighbours-24h", "odmap-state-24h", "odmap-2017-recommended",
    "odmap-mean-2sd", "litchfield-24h", "baltimore-3-in-24h", "baltimore-tiers", "soon-space-time", "ears-c1", "ears-c2", "ears-c3",
    "essence-ewma", "essence-regression", "essence-switch", "essence-serfling-weekly", "essence-negative-binomial-weekly",
    "essence-farrington-weekly", "farrington-weekly", "farrington-flexible-weekly",
}  # fmt: skip


def of_hours(*hours, outcome=Outcome.UNKNOWN):
    return History.of([(round(hour * HOUR), mark((outcome,), (), (SourceType.EMS,))) for hour in hours], 0, -(2**60))


def raised(rule, *hours, outcome=Outcome.UNKNOWN):
    return [one.observed for one in all_episodes(of_hours(*hours, outcome=outcome), RULES[rule])]


def test_every_publication_is_there_with_its_source():
    assert RULES.keys() == PUBLICATIONS
    assert all(rule.source and not rule.enabled for rule in RULES.values())


@pytest.mark.parametrize("name", sorted(name for name, rule in RULES.items() if rule.kind in ("detector", "mean_plus_sd")))
def test_a_week_of_ten_times_as_many_after_the_history_it_asks_for_is_found(name):
    rule = RULES[name]
    calm = round(rule.criterion.minimum_history_days) + 49
    draw = np.random.default_rng(3)
    counts = np.r_[draw.poisson(2, calm), draw.poisson(20, 7)]
    mine = mark((Outcome.UNKNOWN,), (), (SourceType.EMS,))
    rows = [(day * DAY + HOUR + one * HOUR // 4, mine) for day, count in enumerate(counts) for one in range(count)]
    found = recomputed(History.of(rows, rows[0][0], -(2**60)), rule, Zone((calm - 14) * DAY, (calm + 7) * DAY, ()))
    assert any(calm * DAY <= one.opened_at < (calm + 7) * DAY for one in found)


@pytest.mark.parametrize("name", ["odmap-24h", "odmap-24h-nonfatal", "odmap-neighbours-24h", "odmap-state-24h"])
def test_odmaps_total_must_exceed_the_number_within_24_hours_that_slide(name):
    outcome = Outcome.NONFATAL if name.endswith("nonfatal") else Outcome.UNKNOWN
    ten = [20 + hour for hour in range(10)]
    assert raised(name, *ten, outcome=outcome) == []
    assert raised(name, *ten, 43.9, outcome=outcome) == [11]
    assert raised(name, *ten, 44.1, outcome=outcome) == []
    assert raised("odmap-24h-nonfatal", *ten, 43.9, outcome=Outcome.FATAL) == []


def test_odmaps_alert_for_a_state_is_of_any_county_in_it():
    areas = ("county:42091", "county:42101", "county:34001", "state:42")
    assert [RULES["odmap-state-24h"].applies_to(area) for area in areas] == [True, True, False, False]
    assert [RULES["odmap-neighbours-24h"].applies_to(area) for area in areas] == [False, True, False, False]


@pytest.mark.parametrize(
    ("count", "tier"), [(4, None), (5, "partial-activation"), (10, "partial-activation"), (11, "full-activation"), (27, "full-activation")]
)
def test_baltimores_protocol_is_active_in_part_from_five_to_ten_and_in_full_from_eleven_on(count, tier):
    rule = RULES["baltimore-tiers"]
    assert raised("baltimore-tiers", *[9 + one / 20 for one in range(count)]) == ([count] if tier else [])
    assert rule.tier_of(count, None) == tier


def test_what_is_three_or_more_and_what_is_more_than_three():
    assert raised("baltimore-3-in-24h", 1, 2, 3) == [3]
    assert raised("litchfield-24h", 1, 2, 3) == []
    assert raised("litchfield-24h", 1, 2, 3, 4) == [4]
