"""What every match store must do; the in-memory and the MongoDB one run the same suite."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from spikewatch.chassis.mongo import InsertOne, Mongo
from spikewatch.chassis.outcome import Transient
from spikewatch.contracts.report import LocatedReport
from spikewatch.enrichment.adapters.matching_weights import load_weights
from spikewatch.enrichment.adapters.mongo_match_store import MongoMatchStore
from spikewatch.enrichment.domain.transition import StoredIncident
from spikewatch.enrichment.ports import KnownReport, MatchStore, ReportState, StoredReport
from spikewatch.enrichment.service import MatchReports

NOW = datetime.now(UTC).replace(microsecond=0)  # the server expires by its own clock, so a fixed date would age
WEIGHTS = load_weights()
A, B, C, D = (UUID(int=number) for number in range(1, 5))


def stored(key: UUID, revision: int = 1, blocks: tuple[str, ...] = ("x",), content: bytes | None = b"{}", geodata: int = 0) -> StoredReport:
    return StoredReport(key, (revision, geodata), content and b"[]", content, NOW, blocks)


def opened(key: UUID, members: tuple[UUID, ...], extra: frozenset[UUID] = frozenset(), version: int = 1) -> StoredIncident:
    return StoredIncident(key, members[0], version, True, "digest", b"{}", NOW, NOW, members, extra.union(members), ())


def as_known(reports: list[KnownReport]) -> set[tuple[UUID, int, bytes | None]]:
    assert len({one.key for one in reports}) == len(reports)
    assert all((one.compared is None) == (one.content is None) for one in reports)
    return {(one.key, one.state[0], one.content) for one in reports}


async def test_reports_are_found_by_key_and_once_by_block(store: MatchStore) -> None:
    await store.write_reports([stored(A, blocks=("x", "y")), stored(B, blocks=("z",)), stored(C, blocks=(), content=None)], {})
    assert as_known(await store.reports([A, C, D])) == {(A, 1, b"{}"), (C, 1, None)}
    assert await store.lying_in(["x", "y", "nowhere"]) == {A: (1, 0)}


async def test_a_revision_replaces_the_one_that_was_read_and_moves_its_blocks(store: MatchStore) -> None:
    await store.write_reports([stored(A)], {})
    await store.write_reports([stored(A, 3, ("y",))], {A: (1, 0)})
    assert await store.lying_in(["x"]) == {}
    assert await store.lying_in(["y"]) == {A: (3, 0)}


async def test_what_newer_geodata_placed_replaces_the_same_revision(store: MatchStore) -> None:
    await store.write_reports([stored(A)], {})
    await store.write_reports([stored(A, 1, ("y",), geodata=7)], {A: (1, 0)})
    await store.write_reports([stored(A, 1, ("z",), geodata=9)], {A: (1, 7)})
    assert await store.lying_in(["x", "y", "z"]) == {A: (1, 9)}


@pytest.mark.integration
async def test_a_report_that_was_kept_in_another_format_counts_as_not_known_and_is_replaced(mongo: Mongo) -> None:
    store = MongoMatchStore(mongo, timedelta(days=400))
    former = {"_id": A, "revision": 3, "geodata_version": 7, "blocks": ["x"], "content": b"{}", "expires_at": NOW}
    await mongo.collection("reports").bulk([InsertOne(former)])
    assert await store.add_reports([stored(A)]) == {A}
    (known,) = await store.reports([A])
    assert (known.state, known.content) == ((0, 0), None)
    assert await store.lying_in(["x"]) == {A: (0, 0)}
    assert await store.has_other_states({A: (3, 7)})
    await store.write_reports([stored(A, blocks=("y",))], {A: (0, 0)})
    assert await store.lying_in(["y"]) == {A: (1, 0)}
    with pytest.raises(Transient):
        await store.write_reports([stored(A, 2)], {A: (0, 0)})


async def test_a_flood_is_known_from_then_on_and_its_reports_lie_in_no_block(store: MatchStore) -> None:
    await store.write_reports([stored(A), stored(B), stored(C)], {})
    assert await store.floods() == frozenset()
    await store.mark_floods(["ems|p|1:2|3"], {A, B, D})
    await store.mark_floods(["ems|p|1:2|3", "ems|n|4|5"], set())
    assert await store.floods() == {"ems|p|1:2|3", "ems|n|4|5"}
    assert await store.lying_in(["x"]) == {C: (1, 0)}
    assert as_known(await store.reports([A, B, D])) == {(A, 1, b"{}"), (B, 1, b"{}")}


async def test_new_reports_are_added_and_known_ones_are_named_and_stay(store: MatchStore) -> None:
    assert await store.add_reports([stored(A), stored(B)]) == frozenset()
    assert await store.add_reports([stored(B, 2), stored(C), stored(A, 3)]) == {A, B}
    assert as_known(await store.reports([A, B, C])) == {(A, 1, b"{}"), (B, 1, b"{}"), (C, 1, b"{}")}


@pytest.mark.parametrize("replaced", [{}, {A: (1, 0)}, {A: (2, 6)}, {A: (2, 8)}, {B: (1, 0)}])
async def test_a_report_that_another_writer_changed_is_refused(store: MatchStore, replaced: dict[UUID, ReportState]) -> None:
    await store.write_reports([stored(A, 2, geodata=7)], {})
    late = stored(B, 2) if B in replaced else stored(A, 3)
    with pytest.raises(Transient):
        await store.write_reports([late], replaced)
    assert as_known(await store.reports([A, B])) == {(A, 2, b"{}")}


async def test_incidents_are_found_by_member_and_by_cause_and_come_back_whole(store: MatchStore) -> None:
    first = replace(opened(A, (B, C), frozenset({D})), aliases=(D,), split_from=B)
    ended = replace(opened(B, (A,)), version=1, active=False, body=None, members=(), keys=frozenset({A}))
    await store.write_incidents([first, ended])
    assert await store.incidents([D]) == [first]
    assert await store.incidents([C, B]) == [first]
    assert await store.incidents([A]) == [ended]
    assert await store.incidents([UUID(int=99)]) == []
    assert await store.incident_once_called(D) == first
    assert await store.incident_once_called(B) is None


@pytest.mark.parametrize("version", [1, 2, 4])
async def test_an_incident_is_replaced_only_by_the_next_version(store: MatchStore, version: int) -> None:
    await store.write_incidents([opened(A, (B,))])
    await store.write_incidents([opened(A, (B, C), version=2)])
    with pytest.raises(Transient):
        await store.write_incidents([opened(A, (D,), version=version)])
    assert await store.incidents([B]) == [opened(A, (B, C), version=2)]


async def test_a_report_in_another_state_is_told_and_one_that_is_not_kept_is_in_none(store: MatchStore) -> None:
    await store.write_reports([stored(A), stored(B, revision=3, geodata=2)], {})
    assert not await store.has_other_states({})
    assert not await store.has_other_states({A: (1, 0), B: (3, 2), C: (9, 9)})
    assert await store.has_other_states({A: (1, 0), B: (2, 2)})
    assert await store.has_other_states({A: (1, 1), B: (3, 2)})


async def test_owners_are_the_incidents_that_hold_a_report_not_those_it_only_changed(store: MatchStore) -> None:
    await store.write_incidents([opened(A, (B,), frozenset({C})), opened(D, (C,))])
    assert await store.other_owners([C], []) == {D: [C]}
    assert await store.other_owners([B, C], [D]) == {A: [B]}


async def test_reports_pass_through_the_whole_use_case(store: MatchStore, located: Callable[..., LocatedReport]) -> None:
    received = {"received_at": NOW}
    batch = [located("1", "cedar-ems", **received), located("2", "cedar-police", minutes=5, **received)]
    (opening,) = await MatchReports(store, WEIGHTS).apply(batch)
    (again,) = await MatchReports(store, WEIGHTS).apply(batch)
    assert again == opening
    (updated,) = await MatchReports(store, WEIGHTS).apply([located("2", "cedar-police", revision=2, withdrawn=True, **received)])
    assert (updated.incident.version, updated.incident.members) == (2, (batch[0].report.report_key,))
    (retracted,) = await MatchReports(store, WEIGHTS).apply([located("1", "cedar-ems", revision=2, withdrawn=True, **received)])
    assert (retracted.incident.version, retracted.incident.active) == (3, False)


@pytest.mark.integration
async def test_retention_counts_from_arrival(mongo: Mongo) -> None:
    kept = MongoMatchStore(mongo, timedelta(days=30), clock=lambda: NOW)
    await kept.prepare()
    await kept.prepare()
    await kept.write_reports([stored(A)], {})
    await kept.write_incidents([opened(A, (B,))])
    await kept.mark_floods(["ems|p|1:2|3"], set())
    (flood,) = await mongo.collection("floods").find({})
    assert flood["expires_at"] == NOW + timedelta(days=30)
    for name in ("reports", "incidents"):
        (document,) = await mongo.collection(name).find({})
        assert document["expires_at"] == NOW + timedelta(days=30)
