"""Sets of rules: what is wrong is told with its line, what a rule watches and counts, what changed between two sets."""

import jsonschema
import pytest
import yaml

from spikewatch.alerts.adapters.rules_file import PUBLISHED, SHIPPED, UnusableRules, read_rules, rules_of, rules_of_package
from spikewatch.alerts.domain.episodes import all_episodes
from spikewatch.alerts.domain.instants import HOUR
from spikewatch.alerts.domain.marks import mark
from spikewatch.alerts.domain.rule import Rule
from spikewatch.alerts.domain.rule_schema import rules_schema
from spikewatch.alerts.domain.rule_text import in_words
from spikewatch.alerts.domain.rulebook import Rulebook, differences
from spikewatch.alerts.domain.series import History
from spikewatch.contracts.vocabulary import Outcome, SourceType

GOOD = """\
rules:
  - id: three-a-day
    version: 1
    description: Three in a day.
    kind: fixed_count
    area_kinds: [county]
    window_hours: 24
    parameters: {threshold: 3, comparison: at_least}
"""


def wrong(text: str) -> list[tuple[int, str, str]]:
    with pytest.raises(UnusableRules) as caught:
        rules_of(text, "rules.yaml")
    assert str(caught.value).startswith(f"rules.yaml:{caught.value.problems[0][0]}: ")
    return [(line, problem.rule, problem.field) for line, problem in caught.value.problems]


@pytest.mark.parametrize(
    ("before", "after", "line", "field"),
    [
        ("window_hours: 24", "window_hours: 0.5", 7, "window_hours"),
        ("window_hours: 24", "window_hours: 1000", 7, "window_hours"),
        ("kind: fixed_count", "kind: fixed_cuont", 5, "kind"),
        ("threshold: 3", "threshold: 0", 8, "parameters.threshold"),
        ("threshold: 3", "treshold: 3", 8, "parameters.threshold"),
        ("area_kinds: [county]", "area_kinds: []", 2, "rule"),
        ("area_kinds: [county]", "areas: [nowhere]", 6, "areas.0"),
        ("area_kinds: [county]", "area_kinds: [state, conty]", 6, "area_kinds.1"),
        ("area_kinds: [county]", "area_kinds: ['county:42091']", 6, "area_kinds.0"),
        ("area_kinds: [county]", "areas:\n      - county:42091\n      - county:03999", 8, "areas.1"),
        ("area_kinds: [county]", "areas: ['county:abc']", 6, "areas.0"),
        ("area_kinds: [county]", "areas: ['state:03']", 6, "areas.0"),
        ("area_kinds: [county]", "areas: ['zip:194']", 6, "areas.0"),
        ("area_kinds: [county]", "area_kinds: [county]\n    within: ['state:52']", 7, "within.0"),
        (
            "area_kinds: [county]",
            "neighbours:\n      county:42091:\n        - county:42017\n        - county:4202",
            9,
            "neighbours.county:42091.1",
        ),
        ("area_kinds: [county]", "area_kinds: [zip]\n    within: ['state:42']", 2, "rule"),
        ("    version: 1", "    version: one", 3, "version"),
        ("    version: 1", "    version: 1\n    colour: red", 4, "colour"),
        ("id: three-a-day", "id: Three a day", 2, "id"),
        ("    version: 1", "    version: 1\n    version: 2", 4, "version"),
        ("parameters: {", "parameters: }{", 8, "text"),
        ("    version: 1", "    version: 1\n    tiers: [{name: a, at_least: 2}, {name: a, at_least: 3}]", 2, "rule"),
        ("    version: 1", "    version: 1\n    tiers: [{name: a}]", 4, "tiers.0"),
        ("    version: 1", "    version: 1\n    case_definitions: [opioid@latest]", 4, "case_definitions.0"),
        ("    version: 1", "    version: 1\n    case_definitions:\n      - heroin@1\n      - opiod", 6, "case_definitions.1"),
        ("    version: 1", "    version: 1\n    case_definitions: opioid", 4, "case_definitions"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(before, after, line, field):
    assert before in GOOD
    assert (line, field) in [(at, name) for at, _, name in wrong(GOOD.replace(before, after))]


def test_a_kind_that_is_written_nearly_like_one_that_all_know_is_told_which_and_own_kinds_are_free():
    with pytest.raises(
        UnusableRules, match=r"rules.yaml:6: three-a-day: area_kinds.0: .* did you mean county\? Expected one of state, county"
    ):
        rules_of(GOOD.replace("[county]", "[conty]"), "rules.yaml")
    assert rules_of(GOOD.replace("[county]", "[district, fire_zone, neighborhood, vicinity]"), "rules.yaml").rules
    areas = "areas: ['county:72001', 'state:11', 'district:cedar-4', 'city:4260000', 'h3:872a1072bffffff', 'zip:00601']"
    assert rules_of(GOOD.replace("area_kinds: [county]", areas), "rules.yaml").rules


@pytest.mark.parametrize("text", ["", "[]", "rules: 3", "rules: []", "- a", "\x00", "rules: [3]", "a: &a [*a]", "rules: [{}]"])
def test_what_is_no_list_of_rules_is_refused(text):
    assert wrong(text)


def test_a_file_that_is_no_text_or_too_large_is_refused(tmp_path):
    path = tmp_path / "rules.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UnusableRules, match=r"rules.yaml:1: the file: text: is no UTF-8"):
        read_rules(path)
    path.write_text("#" * 5_000_000)
    with pytest.raises(UnusableRules, match="above 4 MB"):
        read_rules(path)


def test_two_rules_of_one_id_are_refused_at_the_second():
    assert wrong(GOOD + GOOD.removeprefix("rules:\n")) == [(9, "three-a-day", "id")]


def test_every_problem_of_a_file_is_told_at_once():
    other = GOOD.removeprefix("rules:\n").replace("three-a-day", "other").replace("window_hours: 24", "window_hours: 0")
    assert [(rule, field) for _, rule, field in wrong(GOOD.replace("threshold: 3", "threshold: 0") + other)] == [
        ("three-a-day", "parameters.threshold"),
        ("other", "window_hours"),
    ]


@pytest.mark.parametrize("name", [SHIPPED, PUBLISHED])
def test_the_rules_of_the_package_hold_the_schema_and_say_themselves_in_words(name):
    book = rules_of_package(name)
    content = {"rules": [rule.model_dump(mode="json") for rule in book.known]}
    jsonschema.Draft202012Validator(rules_schema()).validate(content)
    assert all(len(in_words(rule)) >= 5 for rule in book.known)
    if name == PUBLISHED:
        assert not book.rules, "nothing published is in force by itself"
        assert all(rule.source for rule in book.known)


def test_the_schema_refuses_what_the_rules_refuse():
    schema = jsonschema.Draft202012Validator(rules_schema())
    assert schema.is_valid(yaml.safe_load(GOOD))
    for before, after in [("threshold: 3", "treshold: 3"), ("fixed_count", "fixed"), ("version: 1", "version: 0"), ("24", "0.1")]:
        assert not schema.is_valid(yaml.safe_load(GOOD.replace(before, after))), after


def test_a_rule_watches_kinds_of_area_single_areas_and_the_counties_of_a_state(make):
    listed = make.rule(area_kinds=(), areas=("county:42091", "custom:park"))
    assert [listed.applies_to(area) for area in ("county:42091", "custom:park", "county:42045")] == [True, True, False]
    within = make.rule(area_kinds=("county", "state"), within=("state:42",), areas=("county:34001",))
    asked = ("county:42091", "state:42", "county:34005", "state:34", "county:34001")
    assert [within.applies_to(area) for area in asked] == [True, True, False, False, True]
    assert Rulebook((listed, within)).area_kinds == {"county", "custom", "state"}


def test_a_rule_that_is_not_enabled_is_known_and_not_in_force(make):
    book = Rulebook((make.rule(enabled=False), make.rule("poisson")))
    assert [rule.kind for rule in book.rules] == ["poisson"]
    assert not any(rule.kind == "fixed_count" for rule in book.watching("county:42091"))


def test_only_overdoses_that_a_named_source_reported_count(make):
    ems, police = (mark((Outcome.UNKNOWN,), (), (source,)) for source in (SourceType.EMS, SourceType.POLICE))
    series = History.of([(0, ems), (HOUR // 4, ems | police), (HOUR // 2, ems), (HOUR // 2, police)], 0, -1)
    assert [one.observed for one in all_episodes(series, make.rule(sources=(SourceType.EMS,)))] == [3]
    assert not all_episodes(series, make.rule(sources=(SourceType.POLICE,)))
    assert not all_episodes(series, make.rule(sources=(SourceType.ED,)))


def test_fewer_than_the_minimum_are_never_a_spike(make):
    series = History.of([(0, 4), (HOUR // 4, 4), (HOUR // 2, 4)], 0, -1)
    assert all_episodes(series, make.rule(minimum_count=3))
    assert not all_episodes(series, make.rule(minimum_count=4))


def test_the_most_severe_tier_that_is_reached_names_the_alert(make):
    rule = make.rule(
        tiers=(
            {"name": "notify", "at_least": 5},
            {"name": "rare", "at_least": 5, "probability_below": 0.01},
            {"name": "full", "at_least": 11},
        )
    )
    looks = [(4, None), (5, None), (6, 0.5), (6, 0.001), (11, None)]
    assert [rule.tier_of(*look) for look in looks] == [None, "notify", "notify", "rare", "full"]


def test_a_tier_may_have_its_own_audience(make):
    tiers = ({"name": "reported", "at_least": 3}, {"name": "spike", "at_least": 5, "audience": ("partner", "public")})
    rule = make.rule(audience=("health",), tiers=tiers)
    assert [rule.audience_of(count, None) for count in (2, 3, 5)] == [("health",), ("health",), ("partner", "public")]
    assert "spike from 5 overdoses on, for partner, public" in " ".join(in_words(rule))


def test_a_rule_that_scans_is_in_force_and_held_against_no_overdose(make):
    scan = make.rule("space_time_scan", area_kinds=("state",), window_hours=72, parameters={"radius_km": 3, "probability": 0.05})
    book = Rulebook((scan, make.rule()))
    assert book.scheduled == (scan,)
    assert book.watching("state:42") == ()
    assert book.area_kinds == {"county"}
    assert book.horizon == book.rules[1].reach + book.rules[1].quiet
    series = History.of([(n, 4) for n in range(99)], 0, -1)
    assert all_episodes(series, scan) == []


def test_differences_tell_what_decides_otherwise_under_an_old_version(make):
    before = Rulebook((make.rule(), make.rule("poisson"), make.rule("mean_plus_sd")))
    stricter = make.rule(parameters={"threshold": 4, "comparison": "at_least"})
    named = make.rule("poisson", description="In other words.")
    after = Rulebook((stricter, named, make.rule(id="new")))
    found = {one.rule: one for one in differences(before, after)}
    assert {name: one.change for name, one in found.items()} == {
        "fixed-count": "changed",
        "poisson": "described",
        "mean-plus-sd": "removed",
        "new": "added",
    }
    assert found["fixed-count"].needs_version
    assert not found["poisson"].needs_version
    raised = Rulebook((Rule.model_validate(stricter.model_dump() | {"version": 2}),))
    assert not differences(Rulebook((make.rule(),)), raised)[0].needs_version
    assert differences(before, before) == []
