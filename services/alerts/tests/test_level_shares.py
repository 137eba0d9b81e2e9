"""A rule over several kinds of area shares its false alarms among them, wherever it is asked."""

import asyncio
import random

import numpy as np
import pytest

from spikewatch.alerts.adapters.rules_file import UnusableRules, rules_of
from spikewatch.alerts.domain.backtest.foreseen import foreseen
from spikewatch.alerts.domain.backtest.histories import Histories
from spikewatch.alerts.domain.backtest.verdict import verdicts
from spikewatch.alerts.domain.episodes import all_episodes
from spikewatch.alerts.domain.instants import DAY
from spikewatch.alerts.domain.rule_text import in_words
from spikewatch.alerts.domain.rulebook import Rulebook, decides_otherwise
from spikewatch.alerts.domain.rules.detector import COUNT_TAILS
from spikewatch.alerts.domain.series import History
from spikewatch.alerts.service.begin_steps import BeginSteps

SHARES = {"county": 0.5, "city": 0.3, "zip": 0.2}
AREAS = ("county:42091", "city:4254656", "zip:19401")
BUDGETS = {"sliding_window": ("false_alarms_a_year", 365 / 2), "poisson": ("probability", 0.2)}

RULE = """\
rules:
  - id: levels
    version: 1
    description: Levels.
    kind: sliding_window
    area_kinds: [county, city, zip]
    window_hours: 24
    level_shares: {county: 0.5, city: 0.3, zip: 0.2}
    parameters: {false_alarms_a_year: 4}
"""


def sharing(make, kind="sliding_window", **changes):
    return make.rule(kind, area_kinds=tuple(SHARES), level_shares=SHARES, **changes)


def alone(make, rule, area, part):
    """The rule of one kind of area, with a part of the false alarms written out."""
    name, whole = rule.criterion.budget
    return make.rule(
        rule.kind, area_kinds=(area.partition(":")[0],), window_hours=rule.window_hours, parameters=rule.parameters | {name: whole * part}
    )


def drawn(seed, days, a_day=3.0):
    """Overdoses of a county by chance, of a city with three in ten of them, and of a ZIP code with half of the city's."""
    draw = np.random.default_rng(seed)
    times = np.sort(draw.integers(0, days * DAY, draw.poisson(days * a_day)))
    place = draw.random(len(times))
    return [History.of([(int(time), 4) for time in times[place < part]], int(times[0]), -(2**60)) for part in (1.0, 0.3, 0.15)]


@pytest.mark.parametrize("kind", BUDGETS)
def test_each_level_is_the_same_rule_with_its_share(make, kind):
    rule = sharing(make, kind)
    name, whole = rule.criterion.budget
    assert {(level.id, level.version) for level in rule.levels} == {(rule.id, rule.version)}
    assert {level.area_kinds: level.criterion.budget[1] for level in rule.levels} == pytest.approx(
        {(area_kind,): whole * share for area_kind, share in SHARES.items()}
    )
    assert all(level.levels == (level,) for level in rule.levels), "a share is not shared again"
    assert [rule.at(area).reference().parameters[name] for area in AREAS] == pytest.approx([whole * 0.5, whole * 0.3, whole * 0.2])
    assert rule.at("Cedar Town") is rule
    for one in (rule, make.rule(kind)):
        assert one.levels
        copied = one.model_copy(deep=True)  # as a back-test of the rules in force does
        assert [level.parameters for level in copied.levels] == [level.parameters for level in one.levels]
    assert make.rule(kind).levels == (make.rule(kind),)


def test_single_areas_and_vicinities_are_levels_of_their_kind(make):
    rule = make.rule(
        "poisson",
        area_kinds=(),
        areas=("county:42091", "county:42045", "zip:19401"),
        neighbours={"county:42091": ("county:42045",)},
        level_shares={"county": 0.5, "zip": 0.25, "vicinity": 0.25},
    )
    assert [level.kinds_watched for level in rule.levels] == [{"county"}, {"zip"}, {"vicinity"}]
    assert rule.at("vicinity:county-42091").criterion.probability == pytest.approx(0.05)
    assert {level.areas_together for level in rule.levels} == {4}, "they share false alarms as before"


@pytest.mark.parametrize("kind", BUDGETS)
def test_in_service_each_area_is_judged_by_its_share_in_any_order(make, kind):
    rule = sharing(make, kind)
    chance = random.Random(5)
    times = sorted([chance.uniform(0, 3_000) for _ in range(70)] + [chance.uniform(2_000, 2_030) for _ in range(5)])

    async def raised(rules, events):
        service = make.service(*rules)
        while events:
            size = chance.randint(1, 9)
            await service.take(*events[:size])
            del events[:size]
        await service.quiet.close()
        return [
            (alert.area, alert.rule.version, alert.opened_at, alert.observed, alert.rule.parameters.get("probability"))
            for alert in service.standing()
        ]

    def events(*, shuffled=False):
        made = [
            make.event(make.contribution(place, [minute], area=area), place)
            for place, minute in enumerate(times)
            for area in AREAS[: 1 + place % 3]
        ]
        if shuffled:
            chance.shuffle(made)
        return made

    expected = []
    for area, part in zip(AREAS, SHARES.values(), strict=True):
        expected += asyncio.run(raised([alone(make, rule, area, part)], [one for one in events() if one.body.area == area]))
    found = asyncio.run(raised([rule], events()))
    assert found == sorted(expected)
    assert found != asyncio.run(raised([make.rule(kind, area_kinds=tuple(SHARES))], events())), "shares make a difference here"
    for _ in range(3):
        assert asyncio.run(raised([rule], events(shuffled=True))) == found


@pytest.mark.parametrize("kind", BUDGETS)
def test_a_back_test_judges_each_area_by_its_share(make, kind):
    rule = sharing(make, kind, window_hours=2)
    named = dict(zip(AREAS, drawn(3, 60), strict=True))
    histories = Histories(named, 0, 60 * DAY)
    found = {one.area: one for one in verdicts([foreseen(rule, histories)], histories, [])}
    for area, part in zip(AREAS, SHARES.values(), strict=True):
        mine = alone(make, rule, area, part)
        assert [alarm.episode for alarm in found[area].alarms] == all_episodes(named[area], mine)
        assert found[area].rule.level_shares == SHARES, "told as one rule"
    plain = Histories({"Cedar Town": named[AREAS[0]]}, 0, 60 * DAY)
    (whole,) = verdicts([rule], plain, [])
    assert len(whole.alarms) >= len(found[AREAS[0]].alarms), "of no kind, so no share is known"


@pytest.mark.parametrize("algorithm", COUNT_TAILS)
def test_a_detector_of_counts_shares_its_alpha(make, algorithm):
    parameters = {"algorithm": algorithm, "history_days": 60, "minimum_history_days": 0, "alpha": 0.05}
    rule = make.rule("detector", area_kinds=tuple(SHARES), window_hours=24, level_shares=SHARES, parameters=parameters)
    named = dict(zip(AREAS, drawn(9, 100, 6.0), strict=True))
    histories = Histories(named, 0, 100 * DAY)
    ready = foreseen(rule, histories)
    found = {one.area: [alarm.episode for alarm in one.alarms] for one in verdicts([ready], histories, [])}
    for area, share in zip(AREAS, SHARES.values(), strict=True):
        mine = make.rule("detector", area_kinds=("zip",), window_hours=24, parameters=parameters | {"alpha": 0.05 * share})
        assert rule.at(area).reference().parameters["alpha"] == pytest.approx(0.05 * share)
        assert found[area] == all_episodes(named[area], mine)
    whole = make.rule("detector", area_kinds=("zip",), window_hours=24, parameters=parameters)
    assert sum(map(len, found.values())) < sum(len(all_episodes(history, whole)) for history in named.values())


def test_shares_hold_beside_the_false_discovery_rate(make):
    parameters = {"algorithm": "predictive", "alpha": 0.01}
    rule = make.rule(
        "detector",
        area_kinds=("county", "zip"),
        window_hours=24,
        level_shares={"county": 0.9, "zip": 0.1},
        among=50,
        false_discovery_rate=0.1,
        parameters=parameters,
    )
    assert [level.criterion.budget[1] for level in rule.levels] == pytest.approx([0.002, 0.001]), "the smaller of both holds"


def test_the_levels_together_keep_the_budget_that_each_would_spend_alone(make):
    parameters = {"false_alarms_a_year": 12, "baseline_days": 90, "minimum_history_days": 28, "guard_hours": 24}
    raised = {}
    for shares in ({}, SHARES):
        rule = make.rule(
            "sliding_window", area_kinds=tuple(SHARES), window_hours=24, quiet_hours=24, level_shares=shares, parameters=parameters
        )
        raised[bool(shares)] = sum(
            len(all_episodes(history, rule.at(area)))
            for seed in range(12)
            for area, history in zip(AREAS, drawn(seed, 365 + 28, 8.0), strict=True)
        )
    years = 12
    assert raised[True] / years <= 12
    assert raised[False] / years > 1.5 * 12


def test_a_step_that_begins_is_prepared_for_each_level(make):
    rule = sharing(make, "poisson")
    book = Rulebook((rule, make.rule()))
    assert [level.kinds_watched for level in book.at_overdoses] == [{"county"}, {"city"}, {"zip"}, {"county"}]
    assert [one.id for one in book.rules] == ["poisson", "fixed-count"], "one rule, whatever its levels"
    assert BeginSteps(book, None, clock=None)._rules == book.at_overdoses
    assert book.area_kinds == {"county", "city", "zip"}


@pytest.mark.parametrize(
    ("after", "says"),
    [
        ("{county: 0.5, city: 0.3}", "a share for each kind of area that is watched: city, county, zip"),
        ("{county: 0.5, city: 0.3, zip: 0.2, state: 0}", "greater than 0"),
        ("{county: 0.5, city: 0.3, zip: 0.3}", "are 1.1 together; expected at most 1, for example {county: 0.5"),
        ("{county: 0.5, city: 0.3, ziip: 0.2}", "a share for each kind of area that is watched: city, county, zip"),
        ("[county]", "dictionary"),
    ],
)
def test_shares_that_do_not_fit_are_told(after, says):
    with pytest.raises(UnusableRules, match=r"^rules\.yaml:[28]: levels: ") as caught:
        rules_of(RULE.replace("{county: 0.5, city: 0.3, zip: 0.2}", after), "rules.yaml")
    assert "level_shares" in str(caught.value)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("fixed_count", {}),
        ("mean_plus_sd", {}),
        ("detector", {"window_hours": 24, "parameters": {"algorithm": "ears_c2"}}),
        ("space_time_scan", {"window_hours": 48, "parameters": {"radius_km": 3, "probability": 0.05}}),
    ],
)
def test_a_kind_that_states_no_false_alarms_shares_none(make, kind, changes):
    with pytest.raises(
        ValueError, match=r"level_shares: needs a kind that states how many false alarms it allows; expected sliding_window"
    ):
        make.rule(kind, area_kinds=("county", "state"), level_shares={"county": 0.5, "state": 0.5}, **changes)


def test_thirds_may_be_written_with_three_digits(make):
    thirds = dict.fromkeys(SHARES, 0.333)
    assert make.rule("poisson", area_kinds=tuple(SHARES), level_shares=thirds).level_shares == thirds
    assert make.rule("poisson", area_kinds=tuple(SHARES), level_shares=dict.fromkeys(SHARES, 1 / 3)).level_shares


def test_other_shares_decide_otherwise_and_are_told_in_words(make):
    (rule,) = rules_of(RULE, "rules.yaml").rules
    other = rule.model_copy(update={"level_shares": {"county": 0.6, "city": 0.2, "zip": 0.2}})
    assert decides_otherwise(rule, other)
    assert (
        "A place lies in one area of each kind, so they share its false alarms (false_alarms_a_year 4): "
        "false_alarms_a_year 2 in each county, false_alarms_a_year 1.2 in each city, false_alarms_a_year 0.8 in each zip."
    ) in in_words(rule)
