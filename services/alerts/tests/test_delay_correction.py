"""Rules that are corrected for the delay of reports, from contributions as they come to alerts."""

import asyncio
import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from spikewatch_testing.exploring import examples

from spikewatch.alerts.domain.instants import DAY, micros
from spikewatch.alerts.service.evaluate import Evaluate
from spikewatch.alerts.service.judge_unsettled import JudgeUnsettled
from spikewatch.alerts.service.learn_delays import LearnDelays
from spikewatch.alerts.testing import InMemoryDelayStore
from spikewatch.contracts.alert import AlertChange, AlertStatus, SilentFeed
from spikewatch.contracts.contribution import ContributedOverdose, Contribution
from spikewatch.contracts.incident import ReportReference
from spikewatch.contracts.vocabulary import Outcome, SourceType

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
AREA = "county:42091"
EMS, POLICE = ("cedar-ems", SourceType.EMS), ("cedar-police", SourceType.POLICE)
PARAMETERS = {"algorithm": "poisson_trailing", "baseline": 28, "history_days": 60, "minimum_history_days": 20}


def day(number, hours=12.0):
    return BEGIN + timedelta(days=number, hours=hours)


def told(make, name, occurred, *received, feeds=(EMS,), revision=1):
    """An incident with one overdose; a time of receipt for each of the feeds that told of it."""
    reports = tuple(
        ReportReference(
            report_id=make.named(name, agency, revision),
            report_key=make.named(name, agency),
            source_agency_id=agency,
            source_type=source,
            submission_id=make.named("submission", name),
            first_received_at=came,
        )
        for (agency, source), came in zip(feeds, received, strict=True)
    )
    overdose = ContributedOverdose(
        overdose_id=make.named("overdose", name), occurred_at=occurred, outcome=Outcome.NONFATAL, reports=reports
    )
    return Contribution(area=AREA, incident_id=make.named("incident", name), revision=revision, place_key="42091", overdoses=(overdose,))


class Live:
    """The service by the wall clock, with what learns and what judges beside the stream."""

    def __init__(self, make, correction="learnt", parameters=None):
        rule = make.rule("detector", window_hours=24, quiet_hours=24, parameters=parameters or PARAMETERS, delay_correction=correction)
        self.make, self.rule = make, rule
        self.service = make.service(rule, is_live=True, now=BEGIN)
        self.offset = 0
        self.store = InMemoryDelayStore()
        self.restart()

    def restart(self):
        one = self.service
        one.restart()
        self.delays = LearnDelays(one.contributions, self.store, one.feeds, {"county"})
        stores = (one.contributions, one.areas, one.alerts, one.contacts, one.feeds)
        one.evaluate = Evaluate(one.rulebook, *stores, one.cache, clock=lambda: one.now, is_live=True, delays=self.delays)
        self.unsettled = JudgeUnsettled([self.rule], self.delays, *stores, one.publishing, clock=lambda: one.now)

    async def take(self, now, *bodies):
        self.service.now = now
        events = [self.make.event(body, self.offset + place) for place, body in enumerate(bodies)]
        self.offset += len(events)
        if events:
            await self.service.take(*events)

    async def look(self, now):
        self.service.now = now
        await self.unsettled.look()

    async def live(self, number, arriving):
        """Live through a day: look when it begins, take what comes on it, look again in the evening."""
        await self.look(day(number, 0.1))
        await self.take(day(number, 23.0), *arriving.pop(number, ()))
        await self.look(day(number, 23.5))

    @property
    def alerts(self):
        return self.service.standing()


def usual(make, days, *, each=6, at_once=2, feeds=(EMS,)):
    """By the day on which they come: overdoses of calm days, of which two of six are told at once and the others on the next day."""
    arriving = {}
    for number in range(days):
        for place in range(each):
            came = number if place < at_once else number + 1
            occurred = day(number, 1 + place)
            feed = feeds[place % len(feeds)]
            body = told(make, f"{number}/{place}", occurred, day(came, 22.0), feeds=(feed,))
            arriving.setdefault(came, []).append(body)
    return arriving


def spike(make, number, *, at_once, later):
    """More overdoses of one day, by the day on which they come."""
    come = {number: at_once, number + 1: later}
    return {
        came: [told(make, f"spike {came}/{place}", day(number, 14 + place / 10), day(came, 22.0)) for place in range(many)]
        for came, many in come.items()
    }


def merged(*arriving):
    together = {}
    for one in arriving:
        for number, bodies in one.items():
            together[number] = [*together.get(number, ()), *bodies]
    return together


async def lived(live, arriving, first, last):
    for number in range(first, last):
        await live.live(number, arriving)


def first_alerted(make, correction):
    """The day on which a spike of day 50, half told at once, is alerted."""

    async def run():
        live = Live(make, correction)
        arriving = merged(usual(make, 53), spike(make, 50, at_once=7, later=9))
        for number in range(53):
            await live.live(number, arriving)
            if live.alerts:
                return number, live.alerts
        return None, ()

    return asyncio.run(run())


def test_a_half_reported_spike_is_alerted_a_day_earlier_and_says_so(make):
    corrected, (alert,) = first_alerted(make, "learnt")
    plain, _ = first_alerted(make, "none")
    assert (corrected, plain) == (50, 51)
    assert alert.observed == 9
    assert alert.reporting is not None
    assert alert.reporting.share == pytest.approx(1 / 3, abs=0.05)
    assert 9 < alert.reporting.low < alert.reporting.expected < alert.reporting.high
    assert alert.expected == pytest.approx(2, abs=0.3)
    assert "of its overdoses are usually reported by now, which is accounted for" in alert.explanation
    assert alert.rule.parameters["delay_correction"] == "learnt"


def test_calm_days_that_are_half_reported_raise_nothing_and_teach_no_calm(make):
    async def run():
        live = Live(make)
        await lived(live, usual(make, 60), 0, 60)
        assert live.alerts == []
        reported = live.delays.reported([AREA], micros(day(59)))
        assert reported is not None
        assert reported.share == pytest.approx((1 / 3,), abs=0.05)

    asyncio.run(run())


def test_an_alert_by_a_part_waits_for_the_rest_then_stands_or_is_taken_back_with_the_reason(make):
    async def run():
        live = Live(make)
        # seven at once look like twenty-one, but nothing more comes
        await lived(live, merged(usual(make, 70), spike(make, 50, at_once=7, later=0)), 0, 52)
        (alert,) = live.alerts
        await live.look(day(52, 0.1))
        assert live.alerts == []
        kept, _ = live.service.alerts.held[alert.alert_id]
        assert kept.alert.status is AlertStatus.RETRACTED
        assert kept.alert.history[-1].change is AlertChange.RETRACTED
        assert kept.alert.history[-1].reason == "the reports that came since make it no spike"

    asyncio.run(run())


def test_a_silent_feed_is_accounted_as_not_reported_and_named(make):
    async def run():
        live = Live(make)
        both = usual(make, 52, each=6, at_once=6, feeds=(EMS, POLICE))
        await lived(live, both, 0, 50)
        assert live.delays.reported([AREA], micros(day(49))) is None
        # the police tells nothing from day 50 on; what the ambulances tell is twice the usual
        live.service.feeds.feeds = (SilentFeed(feed="cedar-police/odin", agency_id="cedar-police", since=day(49, 22.0)),)
        arriving = [told(make, f"day 50/{place}", day(50, 1 + place), day(50, 22.0)) for place in range(10)]
        await live.live(50, {50: arriving})
        reported = live.delays.reported([AREA], micros(day(50)))
        assert reported is not None
        assert (reported.share, reported.silent) == (pytest.approx((0.5,), abs=0.01), ("cedar-police/police",))
        (alert,) = live.alerts
        assert alert.reporting is not None
        assert alert.reporting.silent == ("cedar-police/police",)
        assert "what cedar-police/police would tell counts as not reported" in alert.explanation
        # however long it lasts, those days are not calm
        await live.look(day(80))
        assert live.delays.reported([AREA], micros(day(80))).share[-1] == pytest.approx(0.5, abs=0.05)

    asyncio.run(run())


def test_the_delay_of_an_overdose_is_that_of_its_first_report_and_repetitions_count_once(make):
    async def run():
        live = Live(make)
        body = told(make, "a", day(3), day(5), day(4), feeds=(EMS, POLICE))
        await live.take(day(6), body, body)
        revised = told(make, "a", day(3), None, None, feeds=(EMS, POLICE), revision=2)
        await live.take(day(6), revised)
        await live.delays.learn(micros(day(8)) // DAY)
        (counted,) = [one for one in live.store.held.values() if one.delays]
        assert counted.delays == {("cedar-police", "police"): {1: 1}}
        assert counted.areas == {AREA: {("cedar-police", "police"): 1}}
        live.restart()
        await live.delays.learn(micros(day(8)) // DAY)
        assert live.store.held[counted.day].delays == counted.delays

    asyncio.run(run())


def test_days_are_counted_anew_when_their_contributions_came_later_as_after_a_replay(make):
    async def run():
        live = Live(make)
        await live.delays.learn(micros(day(100)) // DAY)
        assert not any(one.delays for one in live.store.held.values())
        await live.take(day(100), *(body for bodies in usual(make, 60).values() for body in bodies))
        live.restart()
        await live.delays.learn(micros(day(101)) // DAY)
        assert live.delays.reported([AREA], micros(day(101))).share == pytest.approx((1 / 3,), abs=0.05)

    asyncio.run(run())


@settings(max_examples=examples(6), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32), looks=st.lists(st.integers(0, 45), max_size=6))
def test_any_order_of_arrival_ends_in_the_same_alerts_as_without_correction(make, seed, looks):
    chance = random.Random(seed)
    each = [body for bodies in merged(usual(make, 40, each=4), spike(make, 30, at_once=6, later=9)).values() for body in bodies]
    each += [told(make, f"late {place}", day(36, 5 + place), day(39)) for place in range(6)]

    async def run(correction, bodies, looks):
        live = Live(make, correction)
        parts = sorted(chance.sample(range(len(bodies)), len(looks)))
        for start, stop, number in zip([0, *parts], [*parts, len(bodies)], [*sorted(looks), 45], strict=True):
            await live.take(day(number, 20.0), *bodies[start:stop])
            await live.look(day(number, 21.0))
            if chance.random() < 0.3:
                live.restart()
        # a day at a time, as the clock goes: alerts by a part of the reports are confirmed or taken back
        for number in range(46, 64):
            await live.look(day(number, 1.0))
        await live.service.quiet.close()
        return {
            (one.opened_at, one.last_met_at, one.window.start, one.observed, one.status, one.expected, one.reporting is None)
            for one in live.alerts
        }

    plain = asyncio.run(run("none", each, []))
    shuffled = chance.sample(each, len(each))
    assert plain
    assert asyncio.run(run("learnt", shuffled, looks)) == plain


@pytest.mark.parametrize(
    ("kind", "parameters", "why"),
    [
        ("fixed_count", {"threshold": 3, "comparison": "at_least"}, "expected a detector of calendar days"),
        ("detector", {"algorithm": "ears_c2"}, "expected one of predictive, mean_sd, poisson_trailing"),
    ],
)
def test_what_cannot_be_corrected_is_refused(make, kind, parameters, why):
    with pytest.raises(ValidationError, match=why):
        make.rule(kind, window_hours=24, parameters=parameters, delay_correction="learnt")
