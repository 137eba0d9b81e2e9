"""Many reports of one place and hour: a busy corner is matched, a flood is recognised, told and kept from costing its square."""

import threading
from collections.abc import Callable, Collection, Sequence
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from typing_extensions import override

from spikewatch.contracts.decision import Decision, DecisionKind, DecisionLevel
from spikewatch.contracts.incident import Incident
from spikewatch.contracts.report import LocatedReport
from spikewatch.contracts.vocabulary import PlacePrecision, SourceType
from spikewatch.enrichment import service
from spikewatch.enrichment.adapters.matching_weights import load_weights
from spikewatch.enrichment.decide import DecideMatches
from spikewatch.enrichment.domain import neighbourhood
from spikewatch.enrichment.domain.matched import MatchedIncident, matched
from spikewatch.enrichment.domain.matching.matcher import ties
from spikewatch.enrichment.domain.matching.records import Compared
from spikewatch.enrichment.domain.neighbourhood import FLOOD
from spikewatch.enrichment.ports import ReportState
from spikewatch.enrichment.service import MatchReports
from spikewatch.enrichment.testing import InMemoryDecisions, InMemoryMatchStore

Build = Callable[..., LocatedReport]
WEIGHTS = load_weights()
AGENCIES = (("cedar-911", SourceType.CAD), ("cedar-ems", SourceType.EMS), ("cedar-police", SourceType.POLICE))


async def test_a_large_neighbourhood_is_matched_beside_the_loop_and_a_small_one_on_it(
    located: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[threading.Thread] = []

    def watched(*arguments: Any) -> tuple[MatchedIncident, ...]:
        threads.append(threading.current_thread())
        return matched(*arguments)

    monkeypatch.setattr(service, "matched", watched)
    # Five hours at one corner: a report every eighteen seconds.
    corner = [
        located(str(number), AGENCIES[number % 3][0], source_type=AGENCIES[number % 3][1], minutes=number * 0.3, age=20 + number % 50)
        for number in range(1_000)
    ]
    store = InMemoryMatchStore()
    await MatchReports(store, WEIGHTS).apply(corner[:300])
    assert set(threads) == {threading.main_thread()}
    threads.clear()
    await MatchReports(store, WEIGHTS).apply(corner[300:])
    assert threads
    assert threading.main_thread() not in threads
    assert sum(len(one.members) for one in store.kept_incidents.values() if one.active) == 1_000


class CountingStore(InMemoryMatchStore):
    """Counts the reports that are found by block."""

    def __init__(self) -> None:
        super().__init__()
        self.read = 0

    @override
    async def lying_in(self, blocks: Sequence[int]) -> dict[UUID, ReportState]:
        found = await super().lying_in(blocks)
        self.read += len(found)
        return found


@pytest.fixture
def pairs_asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    asked: list[int] = []

    def counted(records: Sequence[Compared], *arguments: Any) -> list[tuple[int, int]]:
        asked.append(len(records))
        return ties(records, *arguments)

    monkeypatch.setattr(neighbourhood, "ties", counted)
    return asked


@pytest.fixture
def small_floods(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred reports are a flood."""
    monkeypatch.setattr(neighbourhood, "FLOOD", 100)


def flood(located: Build, begin: int, end: int) -> list[LocatedReport]:
    """Return what a broken feed sends: the same overdose again and again, under new numbers, within an hour."""
    return [located(f"flood-{number}", minutes=number % 3_600 / 60, age=30) for number in range(begin, end)]


async def test_a_flood_is_recognised_told_and_costs_its_length(located: Build, pairs_asked: list[int]) -> None:
    store, told = CountingStore(), list[tuple[str, int]]()
    matching = MatchReports(store, WEIGHTS, on_flood=lambda agency, reports: told.append((agency, reports)))
    for begin in range(0, 3_200, 400):
        await matching.apply(flood(located, begin, begin + 400))
    assert told == [("cedar-ems", 800)]
    # After the batch that went over the limit nothing of the flood is read or compared any more.
    assert store.read < 4 * FLOOD
    assert sum(pairs_asked) < 6 * FLOOD
    active = [one for one in store.kept_incidents.values() if one.active]
    assert len(active) == 3_200
    assert {len(one.members) for one in active} == {1}
    overdoses = [overdose for one in active for overdose in Incident.model_validate_json(one.body or b"").overdoses]
    assert all([note.code for note in overdose.quality] == ["flood_not_matched"] for overdose in overdoses)


async def test_a_flood_that_comes_in_one_batch_costs_its_length(located: Build, small_floods: None, pairs_asked: list[int]) -> None:
    store = InMemoryMatchStore()
    others = [
        located(str(number), agency, source_type=source, minutes=number, age=20 + number % 50)
        for number in range(60)
        for agency, source in (AGENCIES[0], AGENCIES[2])
    ]
    await MatchReports(store, WEIGHTS).apply(flood(located, 0, 90) + others)
    published = await MatchReports(store, WEIGHTS).apply(flood(located, 90, 1_500))
    # What is kept beside each incident, and what is compared at once, does not grow with the flood.
    flooded = [one for one in store.kept_incidents.values() if b"flood_not_matched" in (one.body or b"")]
    assert len(flooded) == 1_500
    assert sum(len(one.keys) + len(one.causes) for one in store.kept_incidents.values()) < 5 * 1_500 + 4 * len(others) ** 2
    assert max(pairs_asked) <= 100 + 2 * len(others)
    # Each report of the batch is told with its own record.
    told = {one.incident.members[0]: one.causes for one in published if one.incident.incident_id in {each.incident_id for each in flooded}}
    assert all(told[one.report.report_key] == {one.report.report_key} for one in flood(located, 90, 1_500))


@pytest.mark.parametrize("order", list(permutations(range(4))))
async def test_two_floods_that_have_reports_in_common_are_told_in_any_order(
    located: Build, monkeypatch: pytest.MonkeyPatch, order: Sequence[int]
) -> None:
    monkeypatch.setattr(neighbourhood, "FLOOD", 2)
    far = {"location": {"lat": 40.9, "lon": -79.2, "precision": PlacePrecision.POINT}}
    # Three at one place, and three of one call, of which one lies elsewhere.
    reports = [located(str(number), cad_number=call) for number, call in enumerate(("26-1001", "26-1001", "26-1002"))]
    reports.append(located("3", cad_number="26-1001", minutes=90, **far))
    store = InMemoryMatchStore()
    for number in order:
        await MatchReports(store, WEIGHTS).apply([reports[number]])
    active = [one for one in store.kept_incidents.values() if one.active]
    assert sorted(b"flood_not_matched" in (one.body or b"") for one in active) == [True] * 4


async def test_the_reports_of_others_are_matched_in_the_middle_of_a_flood(located: Build, small_floods: None) -> None:
    store = InMemoryMatchStore()
    matching = MatchReports(store, WEIGHTS)
    said = {"age": 61, "cad_number": "26-1001"}
    call = located("call", "cedar-911", source_type=SourceType.CAD, **said)
    engine = located("run", "cedar-fire", source_type=SourceType.FIRE, minutes=6, **said)
    await matching.apply(flood(located, 0, 80))
    await matching.apply([call])
    await matching.apply(flood(located, 80, 140))
    await matching.apply([engine])
    (both,) = [one for one in store.kept_incidents.values() if one.active and call.report.report_key in one.members]
    assert set(both.members) == {call.report.report_key, engine.report.report_key}


async def test_what_people_decided_about_a_report_of_a_flood_comes_to_pass_and_is_undone(located: Build, small_floods: None) -> None:
    store, people = InMemoryMatchStore(), InMemoryDecisions()
    matching = MatchReports(store, WEIGHTS, people=people)
    deciding = DecideMatches(people, matching)
    call = located("call", "cedar-911", source_type=SourceType.CAD, age=30)
    copies = flood(located, 0, 140)
    await matching.apply([*copies, call])
    alone = incidents_of(store)

    def decided(kind: DecisionKind, level: DecisionLevel, *reports: LocatedReport, undoes: UUID | None = None) -> Decision:
        keys, at = [one.report.report_key for one in reports], call.report.received_at
        return Decision.of(kind, level, keys, author="reviewer-1", reason="as tested", decided_at=at, undoes=undoes)

    person = decided(DecisionKind.TOGETHER, DecisionLevel.OVERDOSE, copies[3], call)
    scene = decided(DecisionKind.TOGETHER, DecisionLevel.INCIDENT, copies[5], copies[3])
    await deciding.apply([person])
    await deciding.apply([scene])
    (one,) = [one for one in store.kept_incidents.values() if one.active and call.report.report_key in one.members]
    people_of = [{each.report_key for each in overdose.reports} for overdose in Incident.model_validate_json(one.body or b"").overdoses]
    assert people_of == [{copies[3].report.report_key, call.report.report_key}, {copies[5].report.report_key}]
    assert len(incidents_of(store)) == len(alone) - 2
    for made in (scene, person):
        await deciding.apply([decided(DecisionKind.UNDO, made.level, call, undoes=made.decision_id)])
    assert incidents_of(store) == alone


def incidents_of(store: InMemoryMatchStore) -> dict[UUID, tuple[UUID, ...]]:
    return {one.incident_id: one.members for one in store.kept_incidents.values() if one.active}


async def test_a_crash_after_the_flood_was_written_and_before_it_was_marked_is_repaired(located: Build, small_floods: None) -> None:
    class Crash(Exception):  # noqa: N818  # a stop of the process, not an error
        pass

    class StopsOnce(InMemoryMatchStore):
        stops = True

        @override
        async def mark_floods(self, spots: Collection[str], reports: Collection[UUID]) -> None:
            if self.stops:
                self.stops = False
                raise Crash
            await super().mark_floods(spots, reports)

    batches = [flood(located, 0, 80), flood(located, 80, 160), flood(located, 160, 180)]
    whole, stopped = InMemoryMatchStore(), StopsOnce()
    for batch in batches:
        await MatchReports(whole, WEIGHTS).apply(batch)
    await MatchReports(stopped, WEIGHTS).apply(batches[0])
    with pytest.raises(Crash):
        await MatchReports(stopped, WEIGHTS).apply(batches[1])
    again = await MatchReports(stopped, WEIGHTS).apply(batches[1])
    # All that changed is told again, also of reports that came with the batch before.
    assert {one.incident.incident_id for one in again} >= set(incidents_of(stopped))
    await MatchReports(stopped, WEIGHTS).apply(batches[2])
    assert incidents_of(stopped) == incidents_of(whole)
    assert stopped.kept_floods == whole.kept_floods
