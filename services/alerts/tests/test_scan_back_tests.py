"""Back-tests of rules that scan: the alerts that the service would have raised, a planted cluster, and none where chance alone acts."""

import asyncio
from dataclasses import replace
from random import Random

import h3
import pytest

from spikewatch.alerts.adapters.rules_file import rules_of
from spikewatch.alerts.domain.backtest.histories import Labelled
from spikewatch.alerts.domain.backtest.question import Question, TooMuch, Unusable
from spikewatch.alerts.domain.backtest.scanned import looks_of, narrowed, overdoses_by_area, scan_verdicts, with_draws
from spikewatch.alerts.domain.backtest.verdict import at_budget
from spikewatch.alerts.domain.clusters.look import Placed, scan_of
from spikewatch.alerts.domain.contributed import contributed_of, held_of
from spikewatch.alerts.domain.instants import DAY, HOUR, micros
from spikewatch.alerts.domain.rulebook import Rulebook
from spikewatch.alerts.service.back_test import BackTest
from spikewatch.alerts.service.replay_scans import ScanReplay
from spikewatch.alerts.service.scan_clusters import ScanClusters
from spikewatch.alerts.service.stored_scans import scans_on_stored
from spikewatch.alerts.testing import InMemoryContributionStore
from spikewatch.alerts.wire import answer_from, answer_message
from spikewatch.contracts.alert import AlertStatus

CENTRE = h3.latlng_to_cell(40.2, -75.3, 7)
CELLS = [f"h3:{cell}" for cell in sorted(h3.grid_disk(CENTRE, 3), key=lambda cell: (h3.grid_distance(CENTRE, cell), cell))]
MINUTES = 1_440
DAYS = 60
COUNTY, STATE = "county:42091", "state:42"


def scan_rule(make, **changes):
    fields = {
        "area_kinds": ("county",),
        "window_hours": 72,
        "quiet_hours": 48,
        "minimum_count": 3,
        "parameters": {"days": 30, "radius_km": 3, "probability": 0.03, "replications": 149},
    }
    return make.rule("space_time_scan", **{**fields, **changes})


def by_chance(make, seed, a_day=3):
    """Return overdoses anywhere, anytime."""
    random = Random(seed)
    return [
        make.contribution(f"chance/{seed}/{number}", [random.random() * DAYS * MINUTES], area=random.choice(CELLS))
        for number in range(a_day * DAYS)
    ]


def planted(make, day, cells=(0, 1), count=4, name="planted"):
    return [
        make.contribution(f"{name}/{day}/{place}/{number}", [day * MINUTES + 6 * 60 + number], area=CELLS[place])
        for place in cells
        for number in range(count)
    ]


def placed_of(contributions):
    held = [held_of(contributed_of(one)) for one in contributions]
    return [Placed(one.area, one.place_key, one.incident, one.times, one.marks) for one in held]


def span_of(make):
    return micros(make.at(0)), micros(make.at(DAYS * MINUTES)) - 1


def verdicts(make, rule, contributions, labelled=()):
    placed, span = placed_of(contributions), span_of(make)
    replay = ScanReplay(rule, placed)
    for at in looks_of(rule, span):
        replay.look(at)
    return scan_verdicts(rule, overdoses_by_area(rule, placed, span), replay.alarms, span, labelled)


def labelled(make, name, day, area=COUNTY, days=2):
    return Labelled(name, area, micros(make.at(day * MINUTES)), micros(make.at((day + days) * MINUTES)))


async def in_service(make, rule, contributions, looks):
    """Return the alerts of a service whose schedule looks at these moments, all of the contributions known."""
    service = make.service(rule, is_live=True)
    await service.contributions.save([(None, held_of(contributed_of(one))) for one in contributions])
    scan = ScanClusters(
        Rulebook((rule,)),
        service.contributions,
        service.alerts,
        service.contacts,
        service.feeds,
        service.publishing,
        clock=lambda: service.now,
        every_seconds=86_400,
        is_live=True,
    )
    for at in looks:
        service.now = make.at((at - micros(make.at(0))) / 60_000_000)
        assert await scan.look(at)
    return [kept for kept, _ in service.alerts.held.values()]


@pytest.mark.parametrize("kinds", [("county",), ("county", "state")])
@pytest.mark.parametrize("starts", [0, 5])
def test_the_alerts_are_those_of_the_service_that_looks_once_a_day(make, kinds, starts):
    parameters = {"days": 30, "radius_km": 3, "probability": 0.3, "counts": "looks", "replications": 99, "day_starts_hour": starts}
    rule = scan_rule(make, area_kinds=kinds, quiet_hours=24, parameters=parameters)
    # two that grow together, one that ends and comes back, and whatever chance brings
    history = [
        *by_chance(make, 1),
        *planted(make, 33, cells=(1,), count=5),
        *planted(make, 34, cells=(4,), count=7),
        *planted(make, 35, cells=(0, 1, 4), count=6),
        *planted(make, 50, cells=(0, 1)),
    ]
    looks = looks_of(rule, span_of(make))
    replay = ScanReplay(rule, placed_of(history))
    for at in looks:
        replay.look(at)
    live = asyncio.run(in_service(make, rule, history, looks))
    assert {kept.alert.status for kept in live} == {AlertStatus.OPEN, AlertStatus.CLOSED, AlertStatus.RETRACTED}

    def told(kept):
        # a history does not tell the reports behind an overdose
        named = tuple((one.incident_id, one.occurred_at, one.overdoses) for one in kept.alert.contributors)
        return replace(kept, alert=kept.alert.model_copy(update={"contributors": ()}), pending=False), named

    assert sorted(map(told, replay.alerts), key=str) == sorted(map(told, live), key=str)
    assert len(replay.alarms) == len(live)
    assert all(alarm.known_at - alarm.episode.opened_at >= 0 for _, alarm in replay.alarms)


def test_a_planted_cluster_is_hit_when_its_day_ends(make):
    rule = scan_rule(make)
    spikes = [labelled(make, "planted", 40), labelled(make, "quiet", 50), labelled(make, "elsewhere", 40, "county:42001")]
    (verdict,) = verdicts(make, rule, by_chance(make, 2) + planted(make, 40), spikes)
    assert (verdict.area, verdict.overdoses, verdict.hits) == (COUNTY, 188, 1)
    assert {one.labelled.name: one.days for one in verdict.caught} == {"planted": 1.0, "quiet": None}
    (alarm,) = [one for one in verdict.alarms if one.episode.opened_at == micros(make.at(40 * MINUTES + 6 * 60 + 3))]
    assert alarm.told_at == micros(make.at(41 * MINUTES))
    assert alarm.episode.observed >= 8 > 3 * alarm.expected
    assert alarm.places == (COUNTY, STATE)
    (budget,) = at_budget([verdict], [365.0])
    assert (budget.raised, budget.hits) == (len(verdict.alarms), 1)
    assert budget.precision == pytest.approx(1 / len(verdict.alarms)), "what chance brought beside it is no spike"


def test_chance_alone_raises_about_as_many_alarms_as_the_rule_allows(make):
    # .03 a day on 60 days and four histories: 7 on average if days were independent, and windows share days
    assert sum(len(verdicts(make, scan_rule(make), by_chance(make, seed))[0].alarms) for seed in range(3, 7)) <= 12
    strict = scan_rule(make, parameters={"days": 30, "radius_km": 3, "probability": 0.0101, "counts": "looks", "replications": 99})
    assert [one.alarms for one in verdicts(make, strict, by_chance(make, 3))] == [()]


def test_a_spike_of_a_county_is_found_by_a_rule_that_watches_states(make):
    rule = scan_rule(make, area_kinds=("state",))
    spikes = [labelled(make, "here", 40), labelled(make, "state", 40, STATE), labelled(make, "there", 40, "county:42001")]
    (verdict,) = verdicts(make, rule, by_chance(make, 2) + planted(make, 40), spikes)
    assert verdict.area == STATE
    assert {one.labelled.name: one.days for one in verdict.caught} == {"here": 1.0, "state": 1.0, "there": None}
    (budget,) = at_budget([verdict], [365.0])
    assert budget.hits == 2, "nothing was there in the other county"
    assert verdict.hits == 2


def test_a_cluster_that_goes_on_is_one_alarm_and_open_before_a_spike(make):
    history = by_chance(make, 2) + planted(make, 40) + planted(make, 41, name="more") + planted(make, 42, name="on")
    (verdict,) = verdicts(make, scan_rule(make), history, [labelled(make, "late", 42)])
    inside = [one for one in verdict.alarms if micros(make.at(40 * MINUTES)) <= one.episode.opened_at <= micros(make.at(43 * MINUTES))]
    assert len(inside) == 1
    assert [(one.days, one.was_open) for one in verdict.caught] == [(None, True)]


@pytest.mark.parametrize("starts", [0, 5])
def test_looks_are_at_the_ends_of_the_rules_days(make, starts):
    rule = scan_rule(make, parameters={**scan_rule(make).parameters, "day_starts_hour": starts})
    start = micros(make.at(0))
    looks = looks_of(rule, (start + 7 * HOUR, start + DAY + 7 * HOUR))
    assert list(looks) == [start + DAY + starts * HOUR, start + 2 * DAY + starts * HOUR]
    assert list(looks_of(rule, (start + starts * HOUR, start + starts * HOUR))) == [start + starts * HOUR], "it ends its day"


def test_fewer_draws_are_taken_where_they_can_show_the_rules_chance(make):
    rule = scan_rule(make)
    fewer = with_draws(rule, 99)
    assert (scan_of(fewer).replications, scan_of(rule).replications) == (99, 149)
    assert with_draws(rule, 500) is rule
    with pytest.raises(ValueError, match="more than 32 draws"):
        with_draws(rule, 32)
    assert scan_of(with_draws(rule, 33)).replications == 33
    (alarm, *_) = verdicts(make, fewer, planted(make, 40) + by_chance(make, 2))[0].alarms
    assert alarm.probability * 100 == pytest.approx(round(alarm.probability * 100)), "of a hundred, the history's own included"


async def stored(make, rule, contributions, **question):
    """Return the answer of a service that stores contributions, in counties and cells."""
    store = InMemoryContributionStore()
    await store.save([(None, held_of(contributed_of(one))) for one in contributions])
    known = {one.incident_id: one for one in contributions}.values()
    for area in (COUNTY, STATE):
        await store.save([(None, held_of(contributed_of(one.model_copy(update={"area": area})))) for one in known])
    test = BackTest(Rulebook((rule,)), store, rules_of, clock=lambda: make.at(DAYS * MINUTES))
    return await test(Question(**{"areas": (COUNTY,), "start": span_of(make)[0], "end": span_of(make)[1], **question}))


@pytest.mark.parametrize("kinds", [("county",), ("county", "state")])
async def test_what_is_stored_is_scanned_as_a_history_is(make, kinds):
    rule = scan_rule(make, area_kinds=kinds)
    history = by_chance(make, 2) + planted(make, 40)
    spikes = (labelled(make, "planted", 40),)
    areas = tuple(area for area in (COUNTY, STATE) if rule.applies_to(area))
    answer = await stored(make, rule, history, areas=areas, labelled=spikes)
    expected = await asyncio.to_thread(verdicts, make, rule, history, spikes)
    first = answer.start  # the first overdose: nothing was watched before
    assert [(one.area, one.alarms, one.caught) for one in answer.verdicts] == [(one.area, one.alarms, one.caught) for one in expected]
    assert first == min(held_of(contributed_of(one)).times[0] for one in history)
    again = answer_from(answer_message(answer), [rule])
    assert [(one.alarms, one.caught) for one in again.verdicts] == [(one.alarms, one.caught) for one in answer.verdicts]


async def test_of_what_is_stored_an_alert_that_was_open_before_is_none_of_the_test(make):
    rule, history = scan_rule(make), by_chance(make, 2) + planted(make, 40) + planted(make, 41, name="more")
    start = micros(make.at(41 * MINUTES))
    answer = await stored(make, rule, history, start=start, labelled=(labelled(make, "late", 41),))
    (verdict,) = answer.verdicts
    assert [(one.days, one.was_open) for one in verdict.caught] == [(None, True)]
    assert all(one.episode.opened_at >= start for one in verdict.alarms)


async def test_a_scan_of_what_is_stored_takes_no_more_than_it_may(make):
    rule, history = scan_rule(make), planted(make, 40)
    store = InMemoryContributionStore()
    await store.save([(None, held_of(contributed_of(one))) for one in history])
    for most in (8, 7):
        read = scans_on_stored([rule], [COUNTY], span_of(make), (), contributions=store, aside=asyncio.to_thread, most=most)
        if most < len(history):
            with pytest.raises(TooMuch, match="more than 7 overdoses lie in map cells"):
                await read
        else:
            assert [one.overdoses for one in await read] == [8]
    with pytest.raises(Unusable, match="expected more than 32 draws"):
        await stored(make, rule, history, draws=-5)
    assert (await stored(make, rule, history, draws=33)).verdicts[0].rule.criterion.replications == 33


@pytest.mark.parametrize(
    ("changes", "asked", "watched"),
    [
        ({"area_kinds": ("county", "state")}, (COUNTY,), {COUNTY}),
        ({"area_kinds": ("state",)}, (STATE,), {STATE, "state:34"}),
        ({"area_kinds": (), "areas": (STATE, "state:34", COUNTY)}, (STATE,), {STATE, "state:34"}),
        ({"area_kinds": (), "areas": (STATE, COUNTY)}, (STATE,), {STATE}),
        ({"area_kinds": ("county",), "within": (STATE,)}, (COUNTY, "county:34001"), {COUNTY}),
    ],
)
def test_a_rule_looks_only_where_it_must(make, changes, asked, watched):
    rule = scan_rule(make, **changes)
    assert {
        area for area in (COUNTY, "county:42001", "county:34001", STATE, "state:34") if narrowed(rule, asked).applies_to(area)
    } == watched
    together = scan_rule(make, **changes, false_discovery_rate=0.3)
    assert narrowed(together, asked) is together


def test_only_what_lies_within_the_span_is_counted(make):
    rule = scan_rule(make)
    start = micros(make.at(0))
    placed = placed_of([make.contribution("one", [-5, 5, 10], area=CELLS[0]), make.contribution("two", [20], area=CELLS[1])])
    assert overdoses_by_area(rule, placed, (start, start + 15 * 60_000_000)) == {COUNTY: 2}
