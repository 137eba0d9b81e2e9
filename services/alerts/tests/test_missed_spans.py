"""What a rule missed while it failed is judged when it judges again: in the end the alerts are as if it had never failed."""

import asyncio
import random
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spikewatch_testing.exploring import examples

from spikewatch.alerts.domain.evidence import Evidence
from spikewatch.alerts.domain.rule_failed import RuleFailed
from spikewatch.alerts.domain.rulebook import Rulebook
from spikewatch.alerts.domain.rules import fixed_count
from spikewatch.alerts.service.failing_rules import AGAIN, FailingRules
from spikewatch.alerts.service.revision import AreaRevision
from spikewatch.chassis.outcome import Transient
from spikewatch.contracts.alert import AlertStatus

AREAS = ("county:42091", "county:42045")
RIGHT = {name: getattr(fixed_count.FixedCount, name) for name in ("met", "met_once")}


@pytest.fixture
def breaks(monkeypatch):
    """Lets every fixed count fail, or judge again."""

    def broken(*_arguments):
        raise ZeroDivisionError("of counts that nobody tried")

    def turn(fails):
        for name, judge in RIGHT.items():
            monkeypatch.setattr(fixed_count.FixedCount, name, broken if fails else judge)

    return turn


def told(service):
    """All that stands, without who told it first and how often."""
    shown = ("opened_at", "last_met_at", "window", "observed", "status")
    return {
        (alert.rule.rule_id, alert.area, *(getattr(alert, name) for name in shown), Evidence.kept(alert)) for alert in service.standing()
    }


def overdoses(make, minutes, start=0):
    return [make.event(make.contribution(start + n, [minute]), start + n) for n, minute in enumerate(minutes)]


async def test_a_spike_that_came_while_the_rule_failed_is_told_with_the_next_overdose(make, breaks):
    service = make.service(make.rule())
    breaks(True)
    for event in overdoses(make, [0, 10, 20]):
        assert await service.take(event) == []
    breaks(False)
    (alert,) = await service.take(*overdoses(make, [600], 10))
    assert (alert.opened_at, alert.observed, alert.status) == (make.at(20), 3, AlertStatus.CLOSED)
    assert await service.take(*overdoses(make, [601], 20)) == []
    assert await service.take(*overdoses(make, [602], 30)) != [], "and goes on as ever"


async def test_an_alert_that_grew_while_its_rule_failed_lives_on(make, breaks):
    service = make.service(make.rule())
    (first,) = (await service.take(*overdoses(make, [0, 10, 20])))[-1:]
    breaks(True)
    await service.take(*overdoses(make, [30, 40], 10))
    breaks(False)
    changed = await service.take(*overdoses(make, [900], 20))
    assert [(alert.alert_id, alert.observed, alert.last_met_at) for alert in changed] == [(first.alert_id, 5, make.at(40))]


async def test_a_version_that_takes_the_place_judges_what_the_one_before_missed(make, breaks):
    service = make.service(make.rule())
    breaks(True)
    await service.take(*overdoses(make, [0, 10, 20]))
    breaks(False)
    service.evaluate.exchange(Rulebook((make.rule(version=2),)))
    (alert,) = await service.take(*overdoses(make, [600], 10))
    assert (alert.rule.version, alert.opened_at) == (2, make.at(20))


async def test_what_was_missed_is_kept_until_its_alerts_are_written(make, breaks, monkeypatch):
    service = make.service(make.rule())
    breaks(True)
    await service.take(*overdoses(make, [0, 10, 20]))
    breaks(False)
    whole = service.alerts.save

    async def away(_alerts):
        raise Transient("the store is away")

    monkeypatch.setattr(service.alerts, "save", away)
    late = overdoses(make, [600], 10)
    with pytest.raises(Transient):
        await service.take(*late)
    monkeypatch.setattr(service.alerts, "save", whole)
    (alert,) = await service.take(*late)
    assert alert.opened_at == make.at(20)
    looked = []
    judge = AreaRevision.revise
    monkeypatch.setattr(
        AreaRevision, "revise", lambda self, rule, spans, *rest, **more: looked.append(spans) or judge(self, rule, spans, *rest, **more)
    )
    for n in range(2):
        await service.take(*overdoses(make, [700 + n], 20 + n))
    assert [len(spans) for spans in looked] == [1, 1], "what was written is not looked at again"


async def test_what_other_areas_crowd_out_while_it_is_judged_is_forgotten_and_fails_nothing(make, monkeypatch):
    monkeypatch.setattr("spikewatch.alerts.service.failing_rules._MOST_MISSED", 1)
    failing, rule, spans = FailingRules(), make.rule(), [(0, 1)]

    class Area:
        """Judges by what it is given; the last of it comes after another area failed meanwhile."""

        def __init__(self, area, *turns):
            self.area, self._turns = area, iter(turns)

        async def touching(self, _since):
            return []

        async def revise(self, *_arguments, **_named):
            return await next(self._turns)()

    async def fails():
        raise RuleFailed(rule, ZeroDivisionError())

    async def judges():
        return []

    async def is_crowded_out():
        await look(Area("county:42045", fails))
        return []

    def look(area):
        return failing.revised(area, [rule], spans, [], as_of=0, now=make.at(0))

    here = Area("county:42091", fails, judges, is_crowded_out)
    assert await look(here) == []
    assert await look(here) == []


async def test_what_fails_again_rests_and_costs_the_new_nothing(make, breaks, monkeypatch):
    service = make.service(make.rule())
    breaks(True)
    await service.take(*overdoses(make, [0, 10, 20]))
    breaks(False)
    looked = []
    judge = AreaRevision.revise

    async def revise(self, rule, spans, *rest, **more):
        looked.append(len(spans))
        if len(spans) > 1:
            breaks(True)
        try:
            return await judge(self, rule, spans, *rest, **more)
        finally:
            breaks(False)

    monkeypatch.setattr(AreaRevision, "revise", revise)
    (alert,) = (await service.take(*overdoses(make, [600, 610, 620], 10)))[-1:]
    assert alert.opened_at == make.at(620), "the spike of now is told, whatever lies in the past"
    await service.take(*overdoses(make, [630], 20))
    assert looked == [1, 2, 1]
    service.now += AGAIN + timedelta(seconds=1)
    await service.take(*overdoses(make, [640], 30))
    assert looked == [1, 2, 1, 1, 2]


@settings(max_examples=examples(30), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32), batch_size=st.sampled_from([1, 3, 8]), cached=st.sampled_from([1, 100_000]))
def test_the_alerts_are_those_of_a_rule_that_never_failed(make, breaks, seed, batch_size, cached):
    chance = random.Random(seed)
    rules = [make.rule(), make.rule(id="opioids", case_definitions=("opioid",), quiet_hours=1)]
    bodies = [
        make.contribution(n, [chance.randrange(60 * 24)], area=AREAS[n % 4 == 0], definitions=("opioid@1",) * (n % 2)) for n in range(40)
    ]
    events = [make.event(body, n, incident=n, area=body.area) for n, body in enumerate(bodies)]

    async def taken(fails):
        service = make.service(*rules, most_overdoses=cached)
        for start in range(0, len(events), batch_size):
            breaks(fails and chance.random() < 0.5)
            await service.take(*events[start : start + batch_size])
        breaks(False)
        service.now += AGAIN
        for number, area in enumerate(AREAS):
            last = make.contribution(("last", number), [60 * 24], area=area)
            await service.take(make.event(last, 100 + number, incident=("last", number), area=area))
        await service.quiet.close()
        return told(service)

    assert asyncio.run(taken(fails=True)) == asyncio.run(taken(fails=False)) != set()
