"""A rule that is switched on while a spike goes on: it is alerted at once, once, and nothing that is over is."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from spikewatch.alerts.domain.instants import micros
from spikewatch.alerts.domain.rulebook import Rulebook
from spikewatch.alerts.service import judge_switched_on
from spikewatch.alerts.service.judge_switched_on import AGAIN, JudgeSwitchedOn
from spikewatch.alerts.service.withdraw_rules import WithdrawRules
from spikewatch.chassis.outcome import Transient
from spikewatch.contracts.alert import AlertChange, AlertContact, AlertStatus


def switching(service: Any) -> JudgeSwitchedOn:
    """Return an instance's look; it begins with the rules that the service has."""
    return JudgeSwitchedOn(
        service.rulebook,
        service.contributions,
        service.areas,
        service.alerts,
        service.contacts,
        service.feeds,
        service.publishing,
        clock=lambda: service.now,
        is_live=service.is_live,
    )


def put(service: Any, judge: JudgeSwitchedOn, *rules: Any) -> None:
    service.rulebook = Rulebook(rules)
    service.evaluate.exchange(service.rulebook)
    judge.exchange(service.rulebook)


def sent(service: Any) -> list[Any]:
    return [message.body for message in service.publishing.sent]


def watching(make, minutes, now=30, **options):
    """Return a service with another rule, and overdoses at some minutes, as of another minute."""
    service = make.service(make.rule(id="other", area_kinds=["zip"]), is_live=True, now=make.at(now), **options)
    return service, [make.event(make.contribution(n, [minute]), n) for n, minute in enumerate(minutes)]


async def test_a_spike_that_goes_on_is_alerted_without_another_overdose_and_once(make):
    service, events = watching(make, [0, 10, 20])
    service.contacts.contacts = (AlertContact(name="agencies/a/contacts/c", organization="Cedar County Health", role="duty_desk"),)
    judge = switching(service)
    await service.take(*events)
    await judge()
    assert sent(service) == [], "no rule was switched on"
    put(service, judge, make.rule())
    await judge()
    (alert,) = sent(service)
    assert (alert.rule.rule_id, alert.area, alert.observed, alert.status) == ("fixed-count", make.area, 3, AlertStatus.OPEN)
    assert (alert.opened_at, alert.version, alert.change) == (make.at(20), 1, AlertChange.OPENED)
    assert [each.incident_id for each in alert.contributors] == [make.named("incident", n) for n in range(3)]
    assert (alert.contacts, service.contacts.asked) == (service.contacts.contacts, [("county:42091", "state:42")])
    assert not any(kept.pending for kept, _ in service.alerts.held.values())
    for _ in range(2):
        service.now += AGAIN
        await judge()
    assert len(sent(service)) == 1, "the second look finds it as it is"
    (grown,) = await service.take(make.event(make.contribution("next", [31]), 9))
    assert (grown.alert_id, grown.version, grown.observed) == (alert.alert_id, 2, 4)


@pytest.mark.parametrize(
    ("minutes", "now", "changes"),
    [
        ([0, 1, 2], 70, {}),  # the window that ends now holds none of them
        ([0, 9, 59], 89, {}),  # three in an hour half an hour ago, but one in the last hour
        ([0, 1, 2], 100, {"window_hours": 4, "quiet_hours": 1}),  # an alert of it would be closed by now
        ([0, 10], 30, {}),
        ([40, 50, 60], 30, {}),  # clocks that run ahead: with the next overdose
        ([0, 10, 20], 30, {"minimum_count": 4}),
        ([0, 10, 20], 30, {"outcome": "fatal"}),
        ([0, 10, 20], 30, {"within": ["state:34"]}),
    ],
)
async def test_what_is_over_or_no_spike_is_not_raised(make, minutes, now, changes):
    service, events = watching(make, minutes, now)
    judge = switching(service)
    await service.take(*events)
    put(service, judge, make.rule(**changes))
    for _ in range(2):
        await judge()
        service.now += AGAIN
    assert service.alerts.held == {}


async def test_a_rule_is_judged_by_its_first_days_as_with_an_overdose(make):
    for since, expected in ((-100, []), (-600, ["mean-plus-sd"])):  # three hours of history are asked for, before the window and its lag
        service, events = watching(make, [since, 0, 1, 2, 3])
        judge = switching(service)
        await service.take(*events)
        put(service, judge, make.rule("mean_plus_sd"))
        await judge()
        assert [alert.rule.rule_id for alert in sent(service)] == expected


async def test_only_what_is_switched_on_looks_and_words_switch_nothing_on(make, monkeypatch):
    service, events = watching(make, [0, 10, 20])
    judge = switching(service)
    await service.take(*events)
    scan = make.rule("space_time_scan", id="scan", window_hours=72, parameters={"days": 30, "radius_km": 3, "probability": 0.05})
    detector = {"algorithm": "poisson_trailing", "history_days": 60, "minimum_history_days": 0}
    corrected = make.rule("detector", id="corrected", window_hours=24, delay_correction="learnt", parameters=detector)
    put(service, judge, *service.rulebook.known, scan, corrected, make.rule(enabled=False))
    monkeypatch.setattr(service.contributions, "areas", None)  # nobody asks
    await judge()
    monkeypatch.undo()
    put(service, judge, make.rule())
    await judge()
    (alert,) = sent(service)
    service.alerts.held.clear()
    service.now += AGAIN * 2
    await judge()
    assert [again.alert_id for again in sent(service)[1:]] == [alert.alert_id], "the second look is as of the same moment"
    put(service, judge, make.rule(description="In other words."))
    monkeypatch.setattr(service.contributions, "areas", None)
    await judge()


async def test_the_same_version_comes_back_and_a_higher_one_takes_its_place(make):
    service = make.service(make.rule(), is_live=True, now=make.at(30))
    judge = switching(service)
    withdraw = WithdrawRules(
        service.rulebook, service.alerts, service.contributions, service.publishing, clock=lambda: service.now, is_live=True
    )
    (alert,) = await service.take(*(make.event(make.contribution(n, [n]), n) for n in range(3)))

    async def after(*rules: Any) -> list[tuple[object, ...]]:
        put(service, judge, *rules)
        withdraw.exchange(service.rulebook)
        await withdraw()
        await judge()
        return [(one.rule.version, one.status, one.alert_id == alert.alert_id) for one in service.standing()]

    assert await after() == [(1, AlertStatus.CLOSED, True)]
    assert await after(make.rule()) == [(1, AlertStatus.OPEN, True)]
    assert sent(service)[-1].history[-1].reason == "the rule is met again within the quiet time"
    await withdraw()
    assert await after(make.rule(version=2)) == [(1, AlertStatus.CLOSED, True), (2, AlertStatus.OPEN, False)]
    assert await after(make.rule(version=3, parameters={"threshold": 4, "comparison": "at_least"})) == [
        (1, AlertStatus.CLOSED, True),
        (2, AlertStatus.CLOSED, False),
    ]


async def test_by_the_clock_of_events_now_is_the_newest_overdose_of_all_areas(make):
    for later, expected in ((50, [make.at(20)]), (81, [])):
        service, events = watching(make, [0, 10, 20])
        service.is_live = False
        judge = switching(service)
        await service.take(*events, make.event(make.contribution("there", [later], area="county:42045"), 9))
        put(service, judge, make.rule())
        await judge()
        assert [alert.opened_at for alert in sent(service)] == expected


async def test_single_areas_and_places_without_a_county_of_their_own(make):
    service = make.service(make.rule(id="other"), is_live=True, now=make.at(30))
    judge = switching(service)
    await service.take(*(make.event(make.contribution(n, [n], area="zip:19401"), n) for n in range(3)))
    put(service, judge, make.rule(area_kinds=[], areas=["zip:19401", "zip:19403"]))
    await judge()
    assert [alert.area for alert in sent(service)] == ["zip:19401"]
    assert service.contacts.asked == [("zip:19401", "county:42091", "state:42")]


async def test_areas_are_read_a_few_at_a_time_and_their_past_only_where_overdoses_are(make, monkeypatch):
    service = make.service(make.rule(id="other", area_kinds=["zip"]), is_live=True, now=make.at(30))
    judge = switching(service)
    areas = [f"county:{number:05}" for number in range(70)]
    await service.take(*(make.event(make.contribution(area, [-900], area=area), n) for n, area in enumerate(areas)))
    await service.take(*(make.event(make.contribution(n, [n], area=areas[n % 2 * 69]), 100 + n) for n in range(6)))
    asked: list[dict[str, Any]] = []

    async def counted(spans, rows=service.contributions.rows):
        asked.append(dict(spans))
        return await rows(spans)

    monkeypatch.setattr(service.contributions, "rows", counted)
    put(service, judge, make.rule())
    await judge()
    assert sorted(alert.area for alert in sent(service)) == ["county:00000", "county:00069"]
    windows = [spans for spans in asked if len(spans) > 1]
    assert [len(spans) for spans in windows] == [32, 32, 6]
    assert {low for spans in windows for low, _ in spans.values()} == {micros(make.at(-30)) + 1}
    assert {area for spans in asked if len(spans) == 1 for area in spans} == {"county:00000", "county:00069"}


async def test_a_rule_that_left_meanwhile_is_looked_at_no_more(make):
    service, events = watching(make, [0, 10, 20])
    judge = switching(service)
    await service.take(*events)
    put(service, judge, make.rule())
    put(service, judge)
    await judge()
    assert service.alerts.held == {}


async def test_a_rule_that_fails_leaves_the_others(make, monkeypatch):
    service, events = watching(make, [0, 10, 20])
    judge = switching(service)
    await service.take(*events)

    def fail(history, rule, at, ask=judge_switched_on.reaching_from):
        if rule.id == "fails":
            raise ValueError("no such number")
        return ask(history, rule, at)

    monkeypatch.setattr(judge_switched_on, "reaching_from", fail)
    put(service, judge, make.rule(id="fails"), make.rule())
    await judge()
    assert [alert.rule.rule_id for alert in sent(service)] == ["fixed-count"]


async def test_a_store_that_is_away_is_looked_at_again_as_of_the_same_moment(make, monkeypatch):
    service, events = watching(make, [0, 10, 20])
    judge = switching(service)
    await service.take(*events)
    put(service, judge, make.rule())

    async def away(*_: object) -> None:
        raise Transient("the store is away")

    monkeypatch.setattr(service.alerts, "save", away)
    with pytest.raises(Transient):
        await judge()
    monkeypatch.undo()
    service.now += timedelta(minutes=80)  # the window of then holds them, that of now does not
    await judge()
    assert [alert.status for alert in sent(service)] == [AlertStatus.OPEN]


async def test_two_instances_raise_one_alert(make):
    service, events = watching(make, [0, 10, 20])
    judges = [switching(service), switching(service)]
    await service.take(*events)
    for judge in judges:
        put(service, judge, make.rule())
    await asyncio.gather(*(judge() for judge in judges))
    assert [alert.version for alert in sent(service)] == [1]


@pytest.mark.parametrize(
    ("minutes", "statuses"),
    [
        (None, [AlertStatus.RETRACTED]),  # the third overdose was taken back
        ([25], [AlertStatus.OPEN, AlertStatus.RETRACTED]),  # a fourth came, and raised an alert of its own
    ],
)
async def test_the_second_look_mends_what_an_overdose_did_beside_the_first(make, monkeypatch, minutes, statuses):
    service, events = watching(make, [0, 10, 20])
    judge = switching(service)
    await service.take(*events)
    put(service, judge, make.rule())

    async def beside(alerts, save=service.alerts.save):
        monkeypatch.undo()
        body = None if minutes is None else make.contribution("beside", minutes)
        await service.take(make.event(body, 9, incident=2))
        await save(alerts)

    monkeypatch.setattr(service.alerts, "save", beside)
    await judge()
    assert [alert.status for alert in service.standing()] == [AlertStatus.OPEN] * len(statuses)
    await judge()
    assert [alert.status for alert in service.standing()] == [AlertStatus.OPEN] * len(statuses), "it is not due yet"
    service.now += AGAIN
    await judge()
    found = sorted((kept.alert for kept, _ in service.alerts.held.values()), key=lambda alert: alert.opened_at)
    assert [alert.status for alert in found] == statuses
    if minutes is not None:
        assert (found[0].opened_at, found[0].observed) == (make.at(20), 4)
        assert found[1].history[-1].reason == f"it became a part of alert {found[0].alert_id}"
