"""A look at what was switched on, beside contributions that arrive: in any order, with corrections and crashes, the same alerts."""

import asyncio
import random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spikewatch_testing.exploring import examples

from spikewatch.alerts.domain.rulebook import Rulebook
from spikewatch.alerts.service.judge_switched_on import AGAIN, JudgeSwitchedOn
from spikewatch.chassis.outcome import Transient

SWITCHED = 600  # minute of the exchange
COUNTY = "county:42091"


class Slow:
    """Passes calls on to a store, each after some turns of the event loop, and so in between the calls of others."""

    def __init__(self, store: Any, chance: random.Random) -> None:
        self._store = store
        self._chance = chance

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._store, name)
        if not asyncio.iscoroutinefunction(call):
            return call

        async def later(*arguments: Any, **named: Any) -> Any:
            for _ in range(self._chance.randrange(4)):
                await asyncio.sleep(0)
            done = await call(*arguments, **named)
            for _ in range(self._chance.randrange(4)):
                await asyncio.sleep(0)
            return done

        return later


def rules(make):
    return (
        make.rule(),
        make.rule("mean_plus_sd"),
        make.rule("poisson", window_hours=2, quiet_hours=3),
        make.rule("sliding_window"),
        make.rule(id="long", window_hours=3, quiet_hours=1, minimum_count=4),
    )


def switching(service: Any, aside: Any) -> JudgeSwitchedOn:
    return JudgeSwitchedOn(
        service.rulebook,
        service.contributions,
        service.areas,
        service.alerts,
        service.contacts,
        service.feeds,
        service.publishing,
        clock=lambda: service.now,
        is_live=True,
        aside=aside,
    )


def standing(service: Any) -> set[tuple[object, ...]]:
    return {
        (
            alert.rule.rule_id,
            alert.opened_at,
            alert.last_met_at,
            alert.window.end,
            alert.observed,
            alert.status,
            alert.explanation,
            alert.probability,
            tuple(one.incident_id for one in alert.contributors),
        )
        for alert in service.standing()
    }


async def again(work: Any, chance: random.Random) -> None:
    """Do something until no other writer is first, as the service's runtime does."""
    while True:
        for _ in range(chance.randrange(12)):
            await asyncio.sleep(0)
        try:
            await work()
        except Transient:
            continue
        return


async def in_turn(*several: Any) -> None:
    for one in several:
        await one()


ORDERS: dict[str, Any] = {
    "after": lambda arrive, looks: in_turn(*looks, arrive),
    "before": lambda arrive, looks: in_turn(arrive, *looks),
    "beside": lambda arrive, looks: asyncio.gather(arrive(), *(look() for look in looks)),
}


async def switched_on(make, before, batches, chance, *, when: str, instances: int = 1) -> set[tuple[object, ...]]:
    """Return what stands after rules were switched on over some contributions, and others arrived before, after or beside the look."""
    service = make.service(make.rule(id="other", area_kinds=["zip"]), is_live=True, now=make.at(SWITCHED))
    await service.take(*before)
    if when == "beside":
        service.contributions, service.areas, service.alerts = (
            Slow(store, chance) for store in (service.contributions, service.areas, service.alerts)
        )
        service.restart()

    async def aside(work: Any, *arguments: Any) -> Any:  # as many turns on every run, which a thread does not take
        for _ in range(chance.randrange(6)):
            await asyncio.sleep(0)
        return work(*arguments)

    looks = [switching(service, aside) for _ in range(instances)]
    service.rulebook = Rulebook(rules(make))
    service.evaluate.exchange(service.rulebook)
    for look in looks:
        look.exchange(service.rulebook)

    async def arrive() -> None:
        for batch in batches:
            await again(lambda batch=batch: service.take(*batch), chance)

    work = [lambda look=look: again(look, chance) for look in looks]
    await ORDERS[when](arrive, work)
    service.now += AGAIN
    for look in looks:
        await again(look, chance)
    versions = {alert.alert_id: alert.version for alert in service.standing()}
    for look in looks:
        await look()
    assert {alert.alert_id: alert.version for alert in service.standing()} == versions
    assert not any(kept.pending for kept, _ in service.alerts.held.values())
    return standing(service)


OLDER = st.one_of(*(st.integers(SWITCHED - back, SWITCHED) for back in (90, 180, 2_000)))
# Within the window of now of every rule; sampled, since integers draw the ends again and again.
OVERDOSES = st.lists(st.sampled_from([SWITCHED + 1 - n * 37 % 60 for n in range(60)]), min_size=1, max_size=3).map(tuple)


@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
@given(
    past=st.lists(OLDER, max_size=20),
    known=st.lists(OVERDOSES, min_size=1, max_size=8),
    arriving=st.lists(st.tuples(st.integers(0, 10), st.one_of(OVERDOSES, OVERDOSES, st.none())), max_size=5),
    seed=st.integers(0, 2**32),
    batch_size=st.sampled_from([1, 3]),
    instances=st.sampled_from([1, 2]),
)
def test_what_arrives_before_after_or_beside_the_look_makes_the_same_alerts(make, past, known, arriving, seed, batch_size, instances):
    """``arriving`` are new incidents, and corrections or tombstones (None) of those that were known, all of the window of now.

    What comes late from before it is judged as ever: whether it is joined to an alert that lies later depends on what was known first.
    """
    chance = random.Random(seed)
    revisions: dict[object, int] = {}

    def event(incident: object, minutes: tuple[int, ...] | None) -> Any:
        revisions[incident] = revisions.get(incident, 0) + 1
        offset = sum(revisions.values())
        body = None if minutes is None else make.contribution(incident, minutes, revisions[incident])
        return make.event(body, offset, incident=incident)

    before = [event(f"past {number}", (minute,)) for number, minute in enumerate(past)]
    before += [event(number, minutes) for number, minutes in enumerate(known)]
    events = [event(number, minutes) for number, minutes in arriving]
    batches = [events[start : start + batch_size] for start in range(0, len(events), batch_size)]

    async def run() -> None:
        expected = await switched_on(make, before, batches, chance, when="after")
        assert await switched_on(make, before, batches, chance, when="before") == expected
        assert await switched_on(make, before, batches, chance, when="beside", instances=instances) == expected

    asyncio.run(run())
