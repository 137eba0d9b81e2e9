"""Any order, repetition and batching of the same reports ends in the same incidents, and a crash at any step is repaired."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spikewatch_testing.exploring import examples
from spikewatch_testing.matching_histories import (
    CALL,
    CREW,
    SAID,
    WEIGHTS,
    Build,
    Bus,
    check,
    check_ids,
    expected,
    histories,
    run,
    split,
    told,
)
from typing_extensions import override

from spikewatch.contracts.decision import Decision, DecisionKind, DecisionLevel
from spikewatch.contracts.report import LocatedReport
from spikewatch.contracts.vocabulary import SourceType
from spikewatch.enrichment.domain import neighbourhood
from spikewatch.enrichment.domain.candidate import Candidate
from spikewatch.enrichment.domain.transition import StoredIncident
from spikewatch.enrichment.ports import ReportState, StoredReport
from spikewatch.enrichment.service import MatchReports, Publication
from spikewatch.enrichment.testing import InMemoryDecisions, InMemoryMatchStore


@settings(max_examples=examples(40), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories(), seed=st.integers(0, 2**32))
def test_any_order_repetition_and_batching_ends_in_the_same_incidents(located: Build, history: list[dict[str, object]], seed: int) -> None:
    reports = [located(**one) for one in history]
    choose = random.Random(seed)
    shuffled = reports + choose.choices(reports, k=choose.randrange(len(reports) + 1))
    choose.shuffle(shuffled)
    store, bus = asyncio.run(run(split(shuffled, choose)))
    check(store, bus, reports)


@settings(max_examples=examples(25), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories(), seed=st.integers(0, 2**32))
def test_replaying_the_whole_topic_repeats_the_same_messages_and_changes_nothing(
    located: Build, history: list[dict[str, object]], seed: int
) -> None:
    reports = [located(**one) for one in history]
    batches = split(reports, random.Random(seed))

    async def twice() -> None:
        store, bus = await run(batches)
        before, newest = dict(store.kept_incidents), dict(bus.newest)
        bus.sent.clear()
        for batch in split(reports, random.Random(seed + 1)):
            bus.publish(await MatchReports(store, WEIGHTS).apply(batch))
        assert store.kept_incidents == before
        assert bus.newest == newest
        assert {(key, *newest[key]) for key in newest} >= set(bus.sent)

    asyncio.run(twice())


@settings(max_examples=examples(50), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories(most=6), seed=st.integers(0, 2**32), moved=st.booleans())
def test_a_report_that_leaves_takes_its_say_about_the_others_with_it(
    located: Build, history: list[dict[str, object]], seed: int, *, moved: bool
) -> None:
    choose = random.Random(seed)
    reports = [located(**one | {"revision": 1, "record": str(number), "withdrawn": False}) for number, one in enumerate(history)]
    number = choose.randrange(len(history))
    left: dict[str, object] = {"minutes": 9_000.0} if moved else {"withdrawn": True}
    leaving = located(**history[number] | {"revision": 2, "record": str(number), "withdrawn": False} | left)
    # One by one: those with which it only shared a neighbourhood are in no batch with it.
    store, bus = asyncio.run(run([[one] for one in (*reports, leaving)]))
    check(store, bus, [*reports, leaving])


@settings(max_examples=examples(25), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories(), seed=st.integers(0, 2**32), join=st.sampled_from([-400, 400, 900]))
def test_under_other_weights_a_replay_renews_every_incident(located: Build, history: list[dict[str, object]], seed: int, join: int) -> None:
    reports = [located(**one) for one in history]
    other = replace(WEIGHTS, join=join)  # of the same name and version

    async def exchange() -> InMemoryMatchStore:
        store, _ = await run(split(reports, random.Random(seed)))
        before = {one.incident_id: one.version for one in store.kept_incidents.values() if one.active}
        for batch in split(reports, random.Random(seed + 1)):
            await MatchReports(store, other).apply(batch)
        assert all(store.kept_incidents[identity].version > version for identity, version in before.items())
        return store

    store = asyncio.run(exchange())
    assert told([one.body for one in store.kept_incidents.values() if one.active]) == expected(reports, weights=other)
    check_ids(store)


class Crash(Exception):  # noqa: N818  # a stop of the process, not an error
    pass


class CrashingStore(InMemoryMatchStore):
    """Stops the process just before or just after the n-th write, or in the middle of it."""

    def __init__(self, writes_left: int, part: float) -> None:
        super().__init__()
        self.writes_left = writes_left
        self.part = part

    def _share(self, every: Sequence[object]) -> int | None:
        self.writes_left -= 1
        return int(len(every) * self.part) if self.writes_left == 0 else None

    @override
    async def add_reports(self, reports: Sequence[StoredReport]) -> frozenset[UUID]:
        share = self._share(reports)
        known = await super().add_reports(reports[:share])
        if share is not None:
            raise Crash
        return known

    @override
    async def write_reports(self, reports: Sequence[StoredReport], replaced: Mapping[UUID, ReportState]) -> None:
        share = self._share(reports)
        done = reports[:share]
        await super().write_reports(done, {one.key: replaced[one.key] for one in done if one.key in replaced})
        if share is not None:
            raise Crash

    @override
    async def write_incidents(self, incidents: Sequence[StoredIncident]) -> None:
        share = self._share(incidents)
        await super().write_incidents(incidents[:share])
        if share is not None:
            raise Crash


async def until_it_survives(store: InMemoryMatchStore, batch: Sequence[LocatedReport]) -> list[Publication]:
    try:
        return await MatchReports(store, WEIGHTS).apply(batch)
    except Crash:  # the store crashes once
        return await MatchReports(store, WEIGHTS).apply(batch)


@settings(max_examples=examples(50), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    history=histories(), seed=st.integers(0, 2**32), writes=st.integers(1, 12), part=st.sampled_from([0.0, 0.5, 1.0]), loses=st.booleans()
)
def test_a_crash_at_any_write_or_before_publishing_is_repaired_by_the_second_delivery(
    located: Build, history: list[dict[str, object]], seed: int, writes: int, part: float, *, loses: bool
) -> None:
    reports = [located(**one) for one in history]
    choose = random.Random(seed)
    choose.shuffle(reports)

    async def crash_and_go_on() -> None:
        store, bus = CrashingStore(writes, part), Bus()
        for batch in split(reports, choose):
            publications = await until_it_survives(store, batch)
            if loses and choose.random() < 0.5:  # written, but the process ended before it published
                publications = await until_it_survives(store, batch)
            bus.publish(publications)
        check(store, bus, reports)

    asyncio.run(crash_and_go_on())


@settings(max_examples=examples(50), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories(), seed=st.integers(0, 2**32), writes=st.integers(1, 12), part=st.sampled_from([0.0, 0.3, 0.5, 0.7, 1.0]))
def test_after_a_crash_in_the_middle_of_a_merge_ids_tell_of_their_past_as_if_nothing_had_been(
    located: Build, history: list[dict[str, object]], seed: int, writes: int, part: float
) -> None:
    batches = split([located(**one) for one in history], random.Random(seed))

    async def crash_and_go_on() -> InMemoryMatchStore:
        store = CrashingStore(writes, part)
        for batch in batches:
            await until_it_survives(store, batch)
        return store

    undisturbed, _ = asyncio.run(run(batches))
    assert _past(asyncio.run(crash_and_go_on())) == _past(undisturbed)


async def _in_parts(reports: Sequence[LocatedReport], choose: random.Random) -> tuple[InMemoryMatchStore, Bus]:
    """Deliver reports whose batches are published in part and begin again, with other ends, where they were left."""
    store, bus, begin = InMemoryMatchStore(), Bus(), 0
    while begin < len(reports):
        batch = reports[begin : begin + choose.choice([1, 2, 3, 8])]
        done = choose.randrange(len(batch) + 1) if choose.random() < 0.4 else len(batch)
        place = {one.report.report_key: at for at, one in enumerate(batch)}
        # A change is told with the last record that led to it, as the handler does.
        published = await MatchReports(store, WEIGHTS).apply(batch)
        bus.publish([one for one in published if max(place[key] for key in one.causes) < done])
        begin += done
    return store, bus


@settings(max_examples=examples(25), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories(), seed=st.integers(0, 2**32))
def test_batches_that_were_published_in_part_and_begin_anew_elsewhere_lose_no_message(
    located: Build, history: list[dict[str, object]], seed: int
) -> None:
    reports, choose = [located(**one) for one in history], random.Random(seed)
    choose.shuffle(reports)
    check(*asyncio.run(_in_parts(reports, choose)), reports)


async def test_a_change_is_told_again_only_with_reports_by_which_it_is_found_again(located: Build) -> None:
    call = located("1", **CALL, **SAID)
    crew = located("2", **CREW, minutes=8, **SAID)
    gone = located("3", "cedar-fire", source_type=SourceType.FIRE, withdrawn=True)
    keys = [one.report.report_key for one in (call, crew, gone)]
    at = call.report.occurred_at
    joined = Decision.of(DecisionKind.TOGETHER, DecisionLevel.OVERDOSE, keys[1:], author="reviewer-1", reason="as tested", decided_at=at)
    people = InMemoryDecisions()
    await people.add([joined])
    matching = MatchReports(InMemoryMatchStore(), WEIGHTS, people=people)
    await matching.apply([call])
    (first,) = await matching.apply([crew])
    # The report that was withdrawn is named by the decision and had no part in the change: nothing is told with it alone.
    assert first.causes == {keys[1]}
    (again,) = await matching.apply([crew, gone])
    assert (again.incident, again.causes) == (first.incident, {keys[1]})


def _past(store: InMemoryMatchStore) -> dict[UUID, tuple[object, ...]]:
    return {
        one.incident_id: (one.version, one.body, one.active, one.aliases, one.split_from, one.merged_into)
        for one in store.kept_incidents.values()
    }


@settings(max_examples=examples(20), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories(), seed=st.integers(0, 2**32))
def test_a_flood_ends_in_the_same_incidents_in_any_order(located: Build, history: list[dict[str, object]], seed: int) -> None:
    # What an agency takes back or moves after its flood was recognised does not end the flood: here nothing is.
    reports = [located(**one | {"revision": 1, "record": str(number), "withdrawn": False}) for number, one in enumerate(history)]
    shuffled, choose = list(reports), random.Random(seed)
    choose.shuffle(shuffled)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbourhood, "FLOOD", 2)
        store, bus = asyncio.run(run(split(shuffled, choose)))
    counted: dict[str, set[UUID]] = defaultdict(set)
    for one in map(Candidate.of, reports):
        for spot in one.spots:
            counted[spot].add(one.key)
    flooded = {key for keys in counted.values() if len(keys) > 2 for key in keys}
    active = {one.incident_id: (one.version, one.body) for one in store.kept_incidents.values() if one.active}
    assert told([body for _, body in active.values()]) == expected(reports, flooded=flooded)
    assert bus.live() == active
