"""Areas that are watched together with their neighbours, as one count."""

import pytest

from spikewatch.alerts.adapters.rules_file import UnusableRules, rules_of
from spikewatch.alerts.domain.backtest.histories import Happened, histories_of
from spikewatch.alerts.domain.backtest.verdict import verdicts
from spikewatch.alerts.domain.backtest.vicinities import with_vicinities
from spikewatch.alerts.domain.fanned import fanned
from spikewatch.alerts.domain.instants import HOUR
from spikewatch.alerts.domain.rule_schema import rules_schema
from spikewatch.alerts.domain.rule_text import in_words
from spikewatch.alerts.domain.rulebook import Rulebook
from spikewatch.alerts.domain.vicinities import centre_of, place_named, vicinity_of
from spikewatch.contracts.incident import Incident

RULE = """\
rules:
  - id: together
    version: 1
    description: Together.
    kind: fixed_count
    neighbours:
      "county:42091": ["county:42045", "county:42017"]
    window_hours: 24
    parameters: {threshold: 3, comparison: at_least}
"""
VICINITY = "vicinity:county-42091"


def book(text=RULE) -> Rulebook:
    return rules_of(text, "rules.yaml")


def test_an_area_with_its_neighbours_is_an_area_of_its_own():
    (rule,) = book().rules
    assert vicinity_of("county:42091") == VICINITY
    assert centre_of(VICINITY) == "county:42091"
    assert centre_of(vicinity_of("district:cedar-4")) == "district:cedar-4"
    assert rule.applies_to(VICINITY)
    assert not any(rule.applies_to(area) for area in ("county:42091", "county:42045", "vicinity:county-42017"))
    assert book().area_kinds == {"vicinity"}
    assert rule.areas_together == 1
    assert book().vicinities == dict.fromkeys(("county:42091", "county:42045", "county:42017"), (VICINITY,))
    assert book(RULE.replace("    kind:", "    enabled: false\n    kind:")).vicinities == {}


def incident(make, version, *areas):
    return Incident.model_construct(incident_id=make.named("incident"), version=version, place_key="42091", areas=areas, overdoses=())


def test_an_incident_counts_once_in_each_vicinity_and_leaves_it_with_its_county(make):
    vicinities = book().vicinities
    first = fanned(incident(make, 1, "county:42017", "county:42045", "zip:19401"), None, (0, 0), vicinities)
    assert first.areas == ("county:42017", "county:42045", VICINITY, "zip:19401")
    moved = fanned(incident(make, 2, "county:42003"), first, (0, 1), vicinities)
    assert (moved.areas, VICINITY in moved.left) == (("county:42003",), True)
    no_longer_asked = fanned(incident(make, 2, "county:42017"), first, (0, 1), {})
    assert VICINITY in no_longer_asked.left


async def test_what_no_county_shows_alone_is_an_alert_of_the_vicinity(make):
    (rule,) = book().rules
    service = make.service(rule)
    events = [make.event(make.contribution(n, [n * 60], area=VICINITY), n) for n in range(3)]
    (alert,) = await service.take(*events)
    assert (alert.area, alert.observed) == (VICINITY, 3)
    assert alert.explanation.startswith(
        "3 suspected overdoses in county 42091 with its neighbours (county 42045, county 42017) in the 24 h to"
    )
    assert service.contacts.asked == [(VICINITY, "county:42091", "state:42")]


def test_a_back_test_on_a_file_makes_the_vicinity_of_the_areas_it_holds():
    (rule,) = book().rules
    day = [Happened("county:42091", HOUR), Happened("county:42017", 2 * HOUR), Happened("county:42017", 3 * HOUR)]
    histories = histories_of([*day, Happened("county:42003", 4 * HOUR)])
    together = with_vicinities(histories, [rule])
    assert together.areas.keys() == {*histories.areas, VICINITY}
    (verdict,) = verdicts([rule], together, ())
    assert (verdict.area, verdict.overdoses, len(verdict.alarms)) == (VICINITY, 3, 1)
    elsewhere = histories_of([Happened("county:42003", HOUR)])
    assert with_vicinities(elsewhere, [rule]).areas.keys() == {"county:42003"}


@pytest.mark.parametrize(
    ("before", "after", "line", "field", "says"),
    [
        ('["county:42045", "county:42017"]', "[]", 2, "rule", "has none"),
        ('"county:42017"]', '"county:42091"]', 2, "rule", "names itself"),
        ('"county:42017"]', '"county:42045"]', 2, "rule", "one area twice"),
        ('"county:42017"]', '"vicinity:county-42017"]', 2, "rule", "no place on the map"),
        ('"county:42017"]', '"nowhere"]', 7, "neighbours.county:42091.1", "kind:code"),
        ('"county:42091":', "nowhere:", 6, "neighbours.nowhere.[key]", "kind:code"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(before, after, line, field, says):
    assert before in RULE
    with pytest.raises(UnusableRules) as caught:
        book(RULE.replace(before, after))
    ((at, problem),) = caught.value.problems
    assert (problem.field, says in problem.text) == (field, True), problem
    assert at in {line, line + 1}


def test_two_rules_that_state_other_neighbours_of_one_area_contradict_each_other():
    second = RULE.partition("rules:\n")[2].replace("id: together", "id: second")
    assert len(book(RULE + second.replace('"county:42045", "county:42017"', '"county:42017", "county:42045"')).rules) == 2
    with pytest.raises(UnusableRules) as caught:
        book(RULE + second.replace(', "county:42017"', ""))
    ((line, problem),) = caught.value.problems
    assert (line, problem.rule, problem.field) == (15, "second", "neighbours.county:42091")


def test_it_is_in_the_schema_and_told_in_words():
    assert rules_schema()["$defs"]["Rule"]["properties"]["neighbours"]["type"] == "object"
    (rule,) = book().rules
    assert "county:42091 with county:42045 and county:42017 as one" in in_words(rule)[1]
    many = {VICINITY: ["county:42091", *(f"county:{n:05d}" for n in range(12))]}
    assert place_named(VICINITY, many).endswith("county 00007 and 4 more)")
