"""Any order, repetition and batching of the same reports ends in the same incidents, and a crash at any step is repaired."""

import asyncio
import random
from collections.abc import Callable, Collection, Mapping, Sequence
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typing_extensions import override

from spikewatch.chassis.outcome import Transient
from spikewatch.contracts.identifiers import incident_id
from spikewatch.contracts.incident import Incident, IncidentChange
from spikewatch.contracts.report import LocatedReport
from spikewatch.contracts.vocabulary import PlacePrecision, Sex, TimePrecision
from spikewatch.enrichment.domain.candidate import Candidate, Extract
from spikewatch.enrichment.domain.match import match
from spikewatch.enrichment.domain.survivorship import incident
from spikewatch.enrichment.domain.transition import StoredIncident
from spikewatch.enrichment.ports import StoredReport
from spikewatch.enrichment.service import MatchReports, Publication
from spikewatch.enrichment.testing import InMemoryMatchStore

Build = Callable[..., LocatedReport]

PLACES: tuple[dict[str, object], ...] = (
    {"lat": 40.5, "lon": -79.5, "precision": PlacePrecision.POINT},
    {"lat": 40.5015, "lon": -79.5, "precision": PlacePrecision.BLOCK},  # 167 m north of the first
    {"lat": 40.503, "lon": -79.5, "precision": PlacePrecision.POINT},  # 334 m north: near the second, not the first
    {"lat": 40.5, "lon": -78.999, "precision": PlacePrecision.POINT},  # the county next door
    {"zip5": "99901"},
    {},
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
    """Return incidents without what tells of their history: version, change and aliases."""
    incidents = [Incident.model_validate_json(body) for body in bodies if body is not None]
    return {one.incident_id: one.model_dump_json(exclude={"version", "change", "aliases"}) for one in incidents}


def expected(reports: Sequence[LocatedReport]) -> dict[UUID, str]:
    """Return what the newest revisions amount to, matched at once without any service."""
    newest: dict[UUID, LocatedReport] = {}
    for one in sorted(reports, key=lambda one: one.report.revision):
        newest[one.report.report_key] = one
    candidates = [Candidate.of(Extract.of(one)) for one in newest.values() if not one.report.withdrawn]
    return told([incident(one, version=1, change=IncidentChange.OPENED).to_json() for one in match(candidates)])


@st.composite
def histories(draw: st.DrawFn) -> list[dict[str, object]]:
    revision = st.fixed_dictionaries(
        {
            "agency": st.sampled_from(["cedar-ems", "cedar-police", "cedar-911"]),
            "record": st.sampled_from(["1", "2", "3"]),
            "minutes": st.sampled_from([-800.0, -70.0, -30.0, 0.0, 0.0, 20.0, 50.0, 65.0, 110.0, 700.0]),
            "location": st.sampled_from(PLACES),
            "occurred_at_precision": st.sampled_from([TimePrecision.SECOND, TimePrecision.SECOND, TimePrecision.DATE]),
            "cad_number": st.sampled_from([None, None, "26-0001", "26-0002"]),
            "incident_number": st.sampled_from([None, None, "A-77"]),
            "age": st.sampled_from([None, 25, 28, 60]),
            "sex": st.sampled_from([Sex.UNKNOWN, Sex.MALE, Sex.FEMALE]),
            "count": st.sampled_from([None, None, 2]),
            "withdrawn": st.sampled_from([False, False, False, True]),
        }
    )
    revisions = draw(st.lists(revision, min_size=1, max_size=14))
    seen: dict[tuple[object, object], int] = {}
    for one in revisions:
        key = (one["agency"], one["record"])
        seen[key] = one["revision"] = seen.get(key, 0) + 1
    return revisions


async def run(batches: Sequence[Sequence[LocatedReport]]) -> tuple[InMemoryMatchStore, Bus]:
    store, bus = InMemoryMatchStore(), Bus()
    for batch in batches:
        bus.publish(await MatchReports(store).apply(batch))
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


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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
            bus.publish(await MatchReports(store).apply(batch))
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
    async def write_reports(self, reports: Sequence[StoredReport], replaced: Mapping[UUID, int]) -> None:
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
        return await MatchReports(store).apply(batch)
    except Crash:  # the store crashes once
        return await MatchReports(store).apply(batch)


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


async def test_a_late_report_merges_two_incidents_and_the_ended_one_becomes_an_alias(located: Build) -> None:
    store = InMemoryMatchStore()
    south = located("1", "cedar-ems", location=PLACES[0])
    north = located("2", "cedar-police", location=PLACES[2], minutes=10)
    await MatchReports(store).apply([south, north])
    between = located("3", "cedar-911", location=PLACES[1], minutes=20)
    published = await MatchReports(store).apply([between])
    first, second = incident_id(south.report.report_key), incident_id(north.report.report_key)
    by_id = {one.incident.incident_id: one.incident for one in published}
    merged = Incident.model_validate_json(by_id[first].body or b"")
    assert (merged.change, merged.version, merged.aliases) == (IncidentChange.MERGED, 2, (second,))
    assert (by_id[second].active, by_id[second].version, by_id[second].body) == (False, 2, None)


async def test_withdrawing_the_bridge_splits_the_incident_and_the_reopened_id_continues_its_version(located: Build) -> None:
    store = InMemoryMatchStore()
    south, north = located("1", "cedar-ems", location=PLACES[0]), located("2", "cedar-police", location=PLACES[2], minutes=10)
    bridge = {"record": "3", "agency": "cedar-911", "location": PLACES[1], "minutes": 20}
    await MatchReports(store).apply([south, north])
    await MatchReports(store).apply([located(**bridge)])
    published = await MatchReports(store).apply([located(**bridge, revision=2, withdrawn=True)])
    by_id = {one.incident.incident_id: Incident.model_validate_json(one.incident.body or b"") for one in published}
    kept, reopened = by_id[incident_id(south.report.report_key)], by_id[incident_id(north.report.report_key)]
    assert (kept.change, kept.version, kept.aliases) == (IncidentChange.SPLIT, 3, ())
    assert (reopened.change, reopened.version) == (IncidentChange.OPENED, 3)


async def test_a_revision_that_moves_to_another_county_leaves_its_old_incident(located: Build) -> None:
    store = InMemoryMatchStore()
    stays, moves = located("1", "cedar-ems"), located("2", "cedar-police")
    await MatchReports(store).apply([stays, moves])
    published = await MatchReports(store).apply([located("2", "cedar-police", revision=2, location=PLACES[3])])
    bodies = [Incident.model_validate_json(one.incident.body) for one in published if one.incident.body is not None]
    assert {one.place_key: len(one.overdoses[0].reports) for one in bodies} == {"99001": 1, "99003": 1}


async def test_the_same_revision_placed_by_newer_geodata_moves_and_by_older_does_not(located: Build) -> None:
    store = InMemoryMatchStore()
    stays, moves = located("1", "cedar-ems"), located("2", "cedar-police")
    await MatchReports(store).apply([stays, moves])
    anew = located("2", "cedar-police", location=PLACES[3]).changed(geodata_version=7)
    published = await MatchReports(store).apply([anew])
    bodies = [Incident.model_validate_json(one.incident.body) for one in published if one.incident.body is not None]
    assert {one.place_key: len(one.overdoses[0].reports) for one in bodies} == {"99001": 1, "99003": 1}
    before = dict(store.kept_incidents)
    await MatchReports(store).apply([moves, moves.changed(geodata_version=6)])
    assert store.kept_incidents == before


async def test_of_two_placings_in_one_batch_the_newer_stands(located: Build) -> None:
    placed = located("1", "cedar-ems", location=PLACES[3]).changed(geodata_version=7)
    (published,) = await MatchReports(InMemoryMatchStore()).apply([placed, located("1", "cedar-ems")])
    assert Incident.model_validate_json(published.incident.body or b"").place_key == "99003"


async def test_a_stale_revision_changes_nothing(located: Build) -> None:
    store = InMemoryMatchStore()
    await MatchReports(store).apply([located("1", revision=2, age=30)])
    before = dict(store.kept_incidents)
    await MatchReports(store).apply([located("1", revision=1, age=70, withdrawn=True)])
    assert store.kept_incidents == before


async def test_the_last_report_withdrawn_retracts_the_incident(located: Build) -> None:
    store = InMemoryMatchStore()
    await MatchReports(store).apply([located("1")])
    (retracted,) = await MatchReports(store).apply([located("1", revision=2, withdrawn=True)])
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
            await MatchReports(self).apply(batch)
        await super().write_incidents(incidents)


@pytest.mark.parametrize("minutes", [-10.0, 10.0])
async def test_two_writers_at_the_same_time_end_in_one_incident_after_the_later_one_repeats(located: Build, minutes: float) -> None:
    mine, other = located("1", "cedar-ems"), located("2", "cedar-police", minutes=minutes)
    store = SlowReader([other])
    with pytest.raises(Transient):
        await MatchReports(store).apply([mine])
    await MatchReports(store).apply([mine])
    (only,) = [one for one in store.kept_incidents.values() if one.active]
    assert told([only.body]) == expected([mine, other])
