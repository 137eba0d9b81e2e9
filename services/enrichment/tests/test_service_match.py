"""Any order, repetition and batching of the same reports ends in the same incidents, and a crash at any step is repaired."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typing_extensions import override

from spikewatch.chassis.outcome import Transient
from spikewatch.contracts.identifiers import incident_id
from spikewatch.contracts.incident import Incident, IncidentChange
from spikewatch.contracts.report import LocatedReport
from spikewatch.contracts.vocabulary import Disposition, Outcome, PlacePrecision, Sex, SourceType, TimePrecision
from spikewatch.enrichment.adapters.matching_weights import load_weights
from spikewatch.enrichment.domain import neighbourhood
from spikewatch.enrichment.domain.candidate import Candidate
from spikewatch.enrichment.domain.matched import matched
from spikewatch.enrichment.domain.matching.decisions import Decision, DecisionKind, DecisionLevel, Decisions
from spikewatch.enrichment.domain.survivorship import incident
from spikewatch.enrichment.domain.transition import StoredIncident
from spikewatch.enrichment.ports import KnownReport, ReportState, StoredReport
from spikewatch.enrichment.service import MatchReports, Publication
from spikewatch.enrichment.testing import InMemoryDecisions, InMemoryMatchStore

Build = Callable[..., LocatedReport]
WEIGHTS = load_weights()

PLACES: tuple[dict[str, object], ...] = (
    {"lat": 40.5, "lon": -79.5, "precision": PlacePrecision.POINT, "address": "12 ELM ST"},
    {"lat": 40.5015, "lon": -79.5, "precision": PlacePrecision.BLOCK},  # 167 m north of the first
    {"lat": 40.503, "lon": -79.5, "precision": PlacePrecision.POINT},  # 334 m north: near the second, not the first
    {"lat": 40.5, "lon": -78.999, "precision": PlacePrecision.POINT},  # the county next door
    {"lat": 40.5, "lon": -79.001, "precision": PlacePrecision.POINT},  # just on this side of the border, 169 m from the one before
    {"zip5": "99901"},
    {},
)
AGENCIES = (
    {"agency": "cedar-911", "source_type": SourceType.CAD},
    {"agency": "cedar-ems", "source_type": SourceType.EMS},
    {"agency": "cedar-police", "source_type": SourceType.POLICE},
    {"agency": "cedar-fire", "source_type": SourceType.FIRE},
    {"agency": "cedar-hospital", "source_type": SourceType.ED},
    {"agency": "cedar-me", "source_type": SourceType.ME, "outcome": Outcome.FATAL},
)


class Bus:
    """What a compacted topic holds: the newest value of each key."""

    def __init__(self) -> None:
        self.newest: dict[UUID, tuple[int, bytes | None]] = {}
        self.sent: list[tuple[UUID, int, bytes | None]] = []

    def publish(self, publications: Sequence[Publication]) -> None:
        for publication in publications:
            one = publication.incident
            self.newest[one.incident_id] = (one.version, one.body)
            self.sent.append((one.incident_id, one.version, one.body))

    def live(self) -> dict[UUID, tuple[int, bytes | None]]:
        return {key: newest for key, newest in self.newest.items() if newest[1] is not None}


def told(bodies: Collection[bytes | None]) -> dict[UUID, str]:
    """Return incidents without what tells of their history: version, change, aliases and what they split from."""
    incidents = [Incident.model_validate_json(body) for body in bodies if body is not None]
    return {one.incident_id: one.model_dump_json(exclude={"version", "change", "aliases", "split_from"}) for one in incidents}


def expected(reports: Sequence[LocatedReport], decisions: Decisions | None = None, flooded: Collection[UUID] = ()) -> dict[UUID, str]:
    """Return what the newest revisions amount to, matched at once without any service."""
    newest: dict[UUID, LocatedReport] = {}
    for one in sorted(reports, key=lambda one: one.report.revision):
        newest[one.report.report_key] = one
    candidates = [Candidate.of(one) for one in newest.values() if not one.report.withdrawn]
    found = matched(candidates, WEIGHTS, decisions or Decisions(), flooded)
    return told([incident(one, version=1, change=IncidentChange.OPENED).to_json() for one in found])


@st.composite
def histories(draw: st.DrawFn, most: int = 14) -> list[dict[str, object]]:
    revision = st.fixed_dictionaries(
        {
            "agency": st.sampled_from(AGENCIES),
            "record": st.sampled_from(["1", "2", "3"]),
            "minutes": st.sampled_from([-800.0, -70.0, -30.0, 0.0, 0.0, 8.0, 20.0, 44.0, 65.0, 110.0, 700.0]),
            "location": st.sampled_from(PLACES[:4] + PLACES),
            "occurred_at_precision": st.sampled_from([TimePrecision.SECOND, TimePrecision.SECOND, TimePrecision.DATE]),
            "cad_number": st.sampled_from([None, None, "26-0001", "26-0002"]),
            "destination": st.sampled_from([None, "MERCY"]),
            "disposition": st.sampled_from([Disposition.UNKNOWN, Disposition.TRANSPORTED, Disposition.DIED_ON_SCENE]),
            "age": st.sampled_from([None, 25, 25, 60]),
            "sex": st.sampled_from([Sex.UNKNOWN, Sex.MALE, Sex.MALE, Sex.FEMALE]),
            "count": st.sampled_from([None, None, 2]),
            "withdrawn": st.sampled_from([False, False, False, True]),
        }
    )
    revisions = [one | one.pop("agency") for one in draw(st.lists(revision, min_size=1, max_size=most))]  # type: ignore[operator]
    seen: dict[tuple[object, object], int] = {}
    for one in revisions:
        key = (one["agency"], one["record"])
        seen[key] = one["revision"] = seen.get(key, 0) + 1
    return revisions


async def run(batches: Sequence[Sequence[LocatedReport]]) -> tuple[InMemoryMatchStore, Bus]:
    store, bus = InMemoryMatchStore(), Bus()
    for batch in batches:
        bus.publish(await MatchReports(store, WEIGHTS).apply(batch))
    return store, bus


def split(reports: Sequence[LocatedReport], choose: random.Random) -> list[list[LocatedReport]]:
    batches: list[list[LocatedReport]] = [[]]
    for one in reports:
        if choose.random() < 0.4:
            batches.append([])
        batches[-1].append(one)
    return [batch for batch in batches if batch]


def check(store: InMemoryMatchStore, bus: Bus, reports: Sequence[LocatedReport]) -> None:
    active = {one.incident_id: (one.version, one.body) for one in store.kept_incidents.values() if one.active}
    assert told([body for _, body in active.values()]) == expected(reports)
    assert bus.live() == active
    assert all(bus.newest[one.incident_id] == (one.version, None) for one in store.kept_incidents.values() if not one.active)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories(), seed=st.integers(0, 2**32))
def test_any_order_repetition_and_batching_ends_in_the_same_incidents(located: Build, history: list[dict[str, object]], seed: int) -> None:
    reports = [located(**one) for one in history]
    choose = random.Random(seed)
    shuffled = reports + choose.choices(reports, k=choose.randrange(len(reports) + 1))
    choose.shuffle(shuffled)
    store, bus = asyncio.run(run(split(shuffled, choose)))
    check(store, bus, reports)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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


SAID = {"age": 40, "sex": Sex.MALE, "cad_number": "26-1001"}
CREW, OFFICER, CALL = {"agency": "cedar-ems"}, {"agency": "cedar-police", "source_type": SourceType.POLICE}, AGENCIES[0]


async def test_a_late_report_merges_two_incidents_and_the_ended_one_becomes_an_alias(located: Build) -> None:
    store = InMemoryMatchStore()
    south = located("1", **CREW, location=PLACES[0])
    north = located("2", **OFFICER, location=PLACES[2], minutes=30)
    await MatchReports(store, WEIGHTS).apply([south, north])
    between = located("3", **CALL, location=PLACES[1], minutes=20)
    published = await MatchReports(store, WEIGHTS).apply([between])
    first, second = incident_id(south.report.report_key), incident_id(north.report.report_key)
    by_id = {one.incident.incident_id: one.incident for one in published}
    merged = Incident.model_validate_json(by_id[first].body or b"")
    assert (merged.change, merged.version, merged.aliases) == (IncidentChange.MERGED, 2, (second,))
    assert (by_id[second].active, by_id[second].version, by_id[second].body) == (False, 2, None)


async def test_withdrawing_the_bridge_splits_the_incident_and_the_reopened_id_continues_its_version(located: Build) -> None:
    store = InMemoryMatchStore()
    south, north = located("1", **CREW, location=PLACES[0]), located("2", **OFFICER, location=PLACES[2], minutes=30)
    bridge = {"record": "3", **CALL, "location": PLACES[1], "minutes": 20}
    await MatchReports(store, WEIGHTS).apply([south, north])
    await MatchReports(store, WEIGHTS).apply([located(**bridge)])
    published = await MatchReports(store, WEIGHTS).apply([located(**bridge, revision=2, withdrawn=True)])
    by_id = {one.incident.incident_id: Incident.model_validate_json(one.incident.body or b"") for one in published}
    kept, reopened = by_id[incident_id(south.report.report_key)], by_id[incident_id(north.report.report_key)]
    assert (kept.change, kept.version, kept.aliases) == (IncidentChange.SPLIT, 3, ())
    assert (reopened.change, reopened.version) == (IncidentChange.OPENED, 3)
    assert (reopened.split_from, kept.split_from) == (kept.incident_id, None)
    renewed = await MatchReports(store, WEIGHTS).apply([located("2", **OFFICER, location=PLACES[2], minutes=31, revision=2)])
    (later,) = [Incident.model_validate_json(one.incident.body or b"") for one in renewed]
    assert (later.change, later.split_from) == (IncidentChange.UPDATED, kept.incident_id), "it is told for as long as the incident lasts"


async def test_an_earlier_report_that_comes_late_founds_the_incident_anew_and_the_old_id_becomes_an_alias(located: Build) -> None:
    store = InMemoryMatchStore()
    crew, call = located("1", **CREW, minutes=8, **SAID), located("2", **CALL, **SAID)
    await MatchReports(store, WEIGHTS).apply([crew])
    published = await MatchReports(store, WEIGHTS).apply([call])
    old, new = incident_id(crew.report.report_key), incident_id(call.report.report_key)
    bodies = {one.incident.incident_id: one.incident.body for one in published}
    assert bodies[old] is None
    opened = Incident.model_validate_json(bodies[new] or b"")
    assert (opened.change, opened.aliases, len(opened.overdoses)) == (IncidentChange.OPENED, (old,), 1)


async def test_a_death_reported_weeks_later_finds_its_overdose(located: Build) -> None:
    store = InMemoryMatchStore()
    crew = located("1", **CREW, age=61, sex=Sex.MALE)
    (opened,) = await MatchReports(store, WEIGHTS).apply([crew])
    death = located("2", **AGENCIES[5], minutes=150, age=61, sex=Sex.MALE, received_at=crew.report.received_at + timedelta(days=45))
    (updated,) = await MatchReports(store, WEIGHTS).apply([death])
    assert updated.incident.incident_id == opened.incident.incident_id
    (overdose,) = Incident.model_validate_json(updated.incident.body or b"").overdoses
    assert (overdose.outcome, len(overdose.reports)) == (Outcome.FATAL, 2)


async def test_a_revision_that_moves_to_another_county_leaves_its_old_incident(located: Build) -> None:
    store = InMemoryMatchStore()
    stays, moves = located("1", "cedar-ems"), located("2", "cedar-police")
    await MatchReports(store, WEIGHTS).apply([stays, moves])
    published = await MatchReports(store, WEIGHTS).apply([located("2", "cedar-police", revision=2, location=PLACES[3])])
    bodies = [Incident.model_validate_json(one.incident.body) for one in published if one.incident.body is not None]
    assert {one.place_key: len(one.overdoses[0].reports) for one in bodies} == {"99001": 1, "99003": 1}


async def test_the_same_revision_placed_by_newer_geodata_moves_and_by_older_does_not(located: Build) -> None:
    store = InMemoryMatchStore()
    stays, moves = located("1", "cedar-ems"), located("2", "cedar-police")
    await MatchReports(store, WEIGHTS).apply([stays, moves])
    anew = located("2", "cedar-police", location=PLACES[3]).changed(geodata_version=7)
    published = await MatchReports(store, WEIGHTS).apply([anew])
    bodies = [Incident.model_validate_json(one.incident.body) for one in published if one.incident.body is not None]
    assert {one.place_key: len(one.overdoses[0].reports) for one in bodies} == {"99001": 1, "99003": 1}
    before = dict(store.kept_incidents)
    await MatchReports(store, WEIGHTS).apply([moves, moves.changed(geodata_version=6)])
    assert store.kept_incidents == before


async def test_of_two_placings_in_one_batch_the_newer_stands(located: Build) -> None:
    placed = located("1", "cedar-ems", location=PLACES[3]).changed(geodata_version=7)
    (published,) = await MatchReports(InMemoryMatchStore(), WEIGHTS).apply([placed, located("1", "cedar-ems")])
    assert Incident.model_validate_json(published.incident.body or b"").place_key == "99003"


async def test_a_stale_revision_changes_nothing(located: Build) -> None:
    store = InMemoryMatchStore()
    await MatchReports(store, WEIGHTS).apply([located("1", revision=2, age=30)])
    before = dict(store.kept_incidents)
    await MatchReports(store, WEIGHTS).apply([located("1", revision=1, age=70, withdrawn=True)])
    assert store.kept_incidents == before


async def test_the_last_report_withdrawn_retracts_the_incident(located: Build) -> None:
    store = InMemoryMatchStore()
    await MatchReports(store, WEIGHTS).apply([located("1")])
    (retracted,) = await MatchReports(store, WEIGHTS).apply([located("1", revision=2, withdrawn=True)])
    assert (retracted.incident.active, retracted.incident.body, retracted.incident.version) == (False, None, 2)


class SlowReader(InMemoryMatchStore):
    """Lets another writer in between this one's reading and its writing of incidents."""

    def __init__(self, other: Sequence[LocatedReport]) -> None:
        super().__init__()
        self.other = list(other)

    @override
    async def write_incidents(self, incidents: Sequence[StoredIncident]) -> None:
        if self.other:
            batch, self.other = self.other, []
            await MatchReports(self, WEIGHTS).apply(batch)
        await super().write_incidents(incidents)


@pytest.mark.parametrize("is_founder", [False, True])
@pytest.mark.parametrize("places", [(PLACES[0], PLACES[0]), (PLACES[3], PLACES[4]), (PLACES[4], PLACES[3])], ids=["one", "east", "west"])
async def test_two_writers_at_the_same_time_end_in_one_incident_after_the_later_one_repeats(
    located: Build, places: tuple[dict[str, object], dict[str, object]], *, is_founder: bool
) -> None:
    # On both sides of a county's border the two reports lie in partitions of two instances.
    mine, other = located("1", **CREW, location=places[0], minutes=8, **SAID), located("2", **CALL, location=places[1], **SAID)
    if is_founder:
        mine, other = other, mine
    assert (mine.place_key == other.place_key) == (places[0] == places[1])
    store = SlowReader([other])
    with pytest.raises(Transient):
        await MatchReports(store, WEIGHTS).apply([mine])
    await MatchReports(store, WEIGHTS).apply([mine])
    (only,) = [one for one in store.kept_incidents.values() if one.active]
    assert told([only.body]) == expected([mine, other])
    assert len(Incident.model_validate_json(only.body or b"").overdoses) == 1


class InTurns(InMemoryMatchStore):
    """Gives way to the other instance at every call, as a database does."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.draw = random.Random(seed)

    async def _wait(self) -> None:
        for _ in range(self.draw.randrange(4)):
            await asyncio.sleep(0)

    @override
    async def add_reports(self, reports: Sequence[StoredReport]) -> frozenset[UUID]:
        await self._wait()
        return await super().add_reports(reports)

    @override
    async def reports_in(self, blocks: Sequence[str]) -> list[KnownReport]:
        await self._wait()
        return await super().reports_in(blocks)

    @override
    async def incidents(self, keys: Collection[UUID]) -> list[StoredIncident]:
        await self._wait()
        return await super().incidents(keys)

    @override
    async def write_incidents(self, incidents: Sequence[StoredIncident]) -> None:
        await self._wait()
        await super().write_incidents(incidents)

    @override
    async def owners(self, members: Collection[UUID]) -> dict[UUID, list[UUID]]:
        await self._wait()
        return await super().owners(members)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories(), seed=st.integers(0, 2**32))
def test_two_instances_that_share_the_work_end_in_the_same_incidents(located: Build, history: list[dict[str, object]], seed: int) -> None:
    reports = [located(**one) for one in history]
    store, draw = InTurns(seed), random.Random(seed)
    by_instance: dict[bool, list[LocatedReport]] = defaultdict(list)
    for one in reports:
        by_instance[one.place_key == "99003"].append(one)

    async def consume(mine: list[LocatedReport]) -> None:
        for batch in split(mine, draw):
            for _ in range(50):
                try:
                    await MatchReports(store, WEIGHTS).apply(batch)
                    break
                except Transient:
                    await asyncio.sleep(0)
            else:
                raise AssertionError("a batch was repeated fifty times")

    async def both() -> None:
        await asyncio.gather(*(consume(mine) for mine in by_instance.values()))

    asyncio.run(both())
    assert told([one.body for one in store.kept_incidents.values() if one.active]) == expected(reports)


async def test_what_people_decided_binds_reports_that_no_block_brings_together(located: Build) -> None:
    store, people = InMemoryMatchStore(), InMemoryDecisions()
    one, two = located("1", **CREW, location=PLACES[0]), located("2", **OFFICER, location=PLACES[2], minutes=600)
    keys = [one.report.report_key, two.report.report_key]
    service = MatchReports(store, WEIGHTS, people=people)
    await service.apply([one, two])
    joined = Decision.of(
        DecisionKind.TOGETHER,
        DecisionLevel.OVERDOSE,
        keys,
        author="reviewer-7",
        reason="one person",
        decided_at=datetime(2026, 6, 1, tzinfo=UTC),
    )
    await people.add([joined])
    await service.rematch(keys)
    both = expected([one, two], Decisions([joined]))
    assert len(both) == 1
    assert told([held.body for held in store.kept_incidents.values() if held.active]) == both
    # A report about one of them alone still finds the other by the decision.
    await service.apply([located("2", **OFFICER, location=PLACES[2], minutes=610, revision=2)])
    assert len([held for held in store.kept_incidents.values() if held.active]) == 1


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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
