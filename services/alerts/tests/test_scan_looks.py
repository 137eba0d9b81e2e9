"""What the probability of a scan is of: a day, however often it is looked at, or one look."""

import pytest

from spikewatch.alerts.domain.rules.space_time_scan import SpaceTimeScan


def scan(**changes: object) -> SpaceTimeScan:
    return SpaceTimeScan.model_validate({"radius_km": 5, "probability": 0.05} | changes)


def test_a_day_that_is_looked_at_more_often_has_a_larger_chance_of_its_own() -> None:
    chances = [scan().chance(0.01, looks) for looks in (1, 4, 24)]
    assert chances == sorted(chances)
    assert chances[0] == 0.01
    assert 0.03 < chances[2] < 0.04
    assert chances[2] < 24 * 0.01, "looks at one day share most of their overdoses"
    assert scan().chance(0.9, 24) == 1.0


def test_a_look_a_week_does_not_make_a_day_rarer() -> None:
    assert scan().chance(0.01, 1 / 7) == 0.01


def test_a_rule_may_count_looks_instead() -> None:
    assert scan(counts="looks").chance(0.01, 24) == 0.01
    assert "a look" in scan(counts="looks").asks()
    assert "a day" in scan().asks()


def test_a_probability_that_no_draws_can_show_is_refused() -> None:
    with pytest.raises(ValueError, match="replications: expected at least 356"):
        scan(probability=0.01, replications=199)
    assert scan(probability=0.01, replications=356)
    assert scan(probability=0.01, replications=199, counts="looks")
