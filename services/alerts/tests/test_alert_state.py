"""Whatever the order, the repetitions, the corrections and the crashes: the alerts are a function of the contributions."""

import asyncio
import random
from collections.abc import Sequence
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spikewatch_testing.exploring import examples

from spikewatch.alerts.domain.episodes import all_episodes
from spikewatch.alerts.domain.evidence import evidence_of, finding_of
from spikewatch.alerts.domain.instants import micros, moment
from spikewatch.alerts.domain.series import History
from spikewatch.chassis.outcome import Transient

AREAS = ("county:42091", "county:42045")
DEFINITIONS = ((), ("any-drug@2",), ("any-drug@2", "opioid@1"), ("opioid@2",))


class Flaky:
    """Passes calls on to a store; now and then a write fails before or after it was done."""

    def __init__(self, store: Any, chance: random.Random) -> None:
        self._store = store
        self._chance = chance
        self.is_on = True

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._store, name)
        if name != "save":
            return call

        async def save(changes: Sequence[Any]) -> Any:
            luck = self._chance.random() if self.is_on else 1.0
            if luck < 0.1:
                raise Transient("the store is away")
            done = await call(changes)
            if luck < 0.2:
                raise Transient("the answer was lost")
            return done

        return save


def expected_alerts(service: Any, rules: Sequence[Any]) -> set[tuple[object, ...]]:
    held = list(service.contributions.held.values())
    newest = max((time for each in held for time in each.times), default=0)
    facts = set()
    for area in AREAS:
        mine = [each for each in held if each.area == area]
        rows = [row for each in mine for row in each.rows]
        first = min((time for time, _ in rows), default=None)
        history = History.of(rows, first, -(2**60))
        for rule in rules:
            for episode in all_episodes(history, rule):
                evidence = evidence_of(area, rule, episode, finding_of(history, rule, episode), mine)
                status = "closed" if newest > episode.last_met_at + rule.quiet else "open"
                window = (moment(episode.peak_at - rule.window), moment(episode.peak_at))
                facts.add(
                    (
                        rule.id,
                        area,
                        moment(episode.opened_at),
                        moment(episode.last_met_at),
                        window,
                        episode.observed,
                        status,
                        evidence,
                    )
                )
    return facts


def found_alerts(service: Any) -> set[tuple[object, ...]]:
    from spikewatch.alerts.domain.evidence import Evidence

    return {
        (
            alert.rule.rule_id,
            alert.area,
            alert.opened_at,
            alert.last_met_at,
            (alert.window.start, alert.window.end),
            alert.observed,
            alert.status.value,
            Evidence.kept(alert),
        )
        for alert in service.standing()
    }


@st.composite
def stories(draw: st.DrawFn) -> list[list[tuple[int, ...] | None]]:
    """For each incident its revisions: minutes of its overdoses, or None for a tombstone."""
    minute = st.one_of(st.integers(0, 400), st.integers(0, 2880))
    overdoses = st.lists(minute, min_size=1, max_size=3).map(tuple)
    revision = st.one_of(overdoses, overdoses, overdoses, st.none())
    return draw(st.lists(st.lists(revision, min_size=1, max_size=3), min_size=3, max_size=40))


@settings(max_examples=examples(40), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(stories=stories(), seed=st.integers(0, 2**32), batch_size=st.sampled_from([1, 3, 10, 1000]), cached=st.sampled_from([1, 100_000]))
def test_alerts_equal_the_recomputation_for_any_order_repetition_correction_and_crash(make, stories, seed, batch_size, cached):
    chance = random.Random(seed)
    rules = [
        make.rule(),
        make.rule("mean_plus_sd"),
        make.rule("poisson", window_hours=2, quiet_hours=3),
        make.rule("sliding_window"),
        make.rule(id="opioids", case_definitions=("opioid",)),
    ]
    # the order of one key's records is kept, as Kafka keeps it; everything else is shuffled
    turns = [index for index, revisions in enumerate(stories) for _ in revisions]
    chance.shuffle(turns)
    seen = dict.fromkeys(range(len(stories)), 0)
    events = []
    for offset, index in enumerate(turns):
        minutes = stories[index][seen[index]]
        seen[index] += 1
        area = AREAS[index % 7 == 0]
        body = None if minutes is None else make.contribution(index, minutes, seen[index], area, definitions=chance.choice(DEFINITIONS))
        events.append(make.event(body, offset, incident=index, area=area))

    async def run() -> None:
        service = make.service(*rules, most_overdoses=cached)
        flaky = [Flaky(service.contributions, chance), Flaky(service.areas, chance), Flaky(service.alerts, chance)]
        service.contributions, service.areas, service.alerts = flaky  # type: ignore[assignment]
        service.restart()
        start = 0
        while start < len(events):
            batch = events[start : start + batch_size]
            try:
                await service.take(*batch)
            except Transient:
                if chance.random() < 0.5:
                    service.restart()  # a crash: the same records come again, in other batches
                    start = max(0, start - chance.randrange(batch_size + 1))
                continue
            # now and then the group starts again at an older offset
            start = start + len(batch) if chance.random() > 0.1 else max(0, start - chance.randrange(20))
        for each in flaky:
            each.is_on = False
        await service.take(*events)
        await service.quiet.close()
        assert found_alerts(service) == expected_alerts(service, rules)
        versions = {alert.alert_id: alert.version for alert in service.standing()}
        assert await service.take(*events) == []
        assert {alert.alert_id: alert.version for alert in service.standing()} == versions

    asyncio.run(run())


@settings(max_examples=examples(30), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32), batch_size=st.sampled_from([1, 4]), cached=st.sampled_from([1, 100_000]))
def test_the_days_before_a_spike_are_told_as_they_are_in_the_end_whenever_they_come(make, seed, batch_size, cached):
    chance = random.Random(seed)
    rules = [make.rule(), make.rule(id="opioids", case_definitions=("opioid",), quiet_hours=1)]
    bodies = [make.contribution(("single", n), [chance.randrange(45 * 60)], definitions=chance.choice(DEFINITIONS)) for n in range(25)]
    bodies += [make.contribution(("spike", hour, n), [hour * 60 + n], definitions=("opioid@1",)) for hour in (25, 31, 40) for n in range(4)]
    chance.shuffle(bodies)

    async def run() -> None:
        service = make.service(*rules, most_overdoses=cached)
        for start in range(0, len(bodies), batch_size):
            await service.take(*(make.event(body, start + n) for n, body in enumerate(bodies[start : start + batch_size])))
        await service.quiet.close()
        assert found_alerts(service) == expected_alerts(service, rules)
        assert any(alert.expected is not None for alert in service.standing())

    asyncio.run(run())


def test_micros_and_moment_are_inverse(make):
    assert moment(micros(make.at(1.00001))) == make.at(1.00001)
