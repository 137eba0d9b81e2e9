"""Several writers at the same time, as instances that share the work or a county's border are."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spikewatch_testing.exploring import examples
from spikewatch_testing.matching_histories import (
    CALL,
    CREW,
    PLACES,
    SAID,
    WEIGHTS,
    Build,
    check_ids,
    expected,
    histories,
    split,
    told,
)
from typing_extensions import override

from spikewatch.chassis.outcome import Transient
from spikewatch.contracts.incident import Incident
from spikewatch.contracts.report import LocatedReport
from spikewatch.enrichment.domain.transition import StoredIncident
from spikewatch.enrichment.ports import KnownReport, ReportState, StoredReport
from spikewatch.enrichment.service import MatchReports
from spikewatch.enrichment.testing import InMemoryMatchStore


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


@pytest.mark.parametrize("left", [{"withdrawn": True}, {"location": PLACES[3], "minutes": 500}], ids=["withdrawn", "moved"])
async def test_a_report_that_another_writer_replaces_meanwhile_leaves_no_incident_behind(located: Build, left: dict[str, object]) -> None:
    # Its two revisions tell different counties, so that two instances have them at the same time.
    first, second = located("1", location=PLACES[0]), located("1", **{"location": PLACES[3]} | left, revision=2)
    store = SlowReader([second])
    with pytest.raises(Transient):
        await MatchReports(store, WEIGHTS).apply([first])
    await MatchReports(store, WEIGHTS).apply([first])
    assert told([one.body for one in store.kept_incidents.values() if one.active]) == expected([first, second])


@pytest.mark.parametrize("is_founder", [False, True])
async def test_a_report_that_was_kept_less_long_than_its_incident_finds_it_again(located: Build, *, is_founder: bool) -> None:
    # A new report is not asked for its incident: this one has one, and only writing it tells.
    one, other = located("1", **CREW, location=PLACES[0], minutes=8, **SAID), located("2", **CALL, location=PLACES[0], **SAID)
    store = InMemoryMatchStore()
    await MatchReports(store, WEIGHTS).apply([one, other])
    before = {key: kept for key, kept in store.kept_incidents.items() if kept.active}
    (incident,) = before.values()
    gone = {True: incident.members[0], False: incident.members[-1]}[is_founder]
    # Both their reports went, and one of them comes once more: nothing lies near it by which the incident could be found.
    store.kept_reports.clear()
    back = one if one.report.report_key == gone else other
    with pytest.raises(Transient):
        await MatchReports(store, WEIGHTS).apply([back])
    await MatchReports(store, WEIGHTS).apply([back])
    await MatchReports(store, WEIGHTS).apply([one, other])
    assert told([kept.body for kept in store.kept_incidents.values() if kept.active]) == expected([one, other])
    assert {key for key, kept in store.kept_incidents.items() if kept.active} == before.keys()
    check_ids(store)


class NoLook(InMemoryMatchStore):
    """Says by which reports incidents were looked for."""

    def __init__(self) -> None:
        super().__init__()
        self.looked_for: set[UUID] = set()

    @override
    async def incidents(self, keys: Collection[UUID]) -> list[StoredIncident]:
        self.looked_for.update(keys)
        return await super().incidents(keys)


async def test_incidents_are_looked_for_only_by_reports_that_were_there(located: Build) -> None:
    store = NoLook()
    first, second = located("1", location=PLACES[0]), located("2", location=PLACES[0], minutes=2)
    await MatchReports(store, WEIGHTS).apply([first])
    assert not store.looked_for
    await MatchReports(store, WEIGHTS).apply([second])
    assert store.looked_for == {first.report.report_key}
    await MatchReports(store, WEIGHTS).apply([second])
    assert second.report.report_key in store.looked_for


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
    async def lying_in(self, blocks: Sequence[int]) -> dict[UUID, ReportState]:
        await self._wait()
        return await super().lying_in(blocks)

    @override
    async def reports(self, keys: Collection[UUID]) -> list[KnownReport]:
        await self._wait()
        return await super().reports(keys)

    @override
    async def incidents(self, keys: Collection[UUID]) -> list[StoredIncident]:
        await self._wait()
        return await super().incidents(keys)

    @override
    async def write_incidents(self, incidents: Sequence[StoredIncident]) -> None:
        await self._wait()
        await super().write_incidents(incidents)

    @override
    async def has_other_states(self, states: Mapping[UUID, ReportState]) -> bool:
        await self._wait()
        return await super().has_other_states(states)

    @override
    async def other_owners(self, members: Collection[UUID], own: Collection[UUID]) -> dict[UUID, list[UUID]]:
        await self._wait()
        return await super().other_owners(members, own)


@settings(max_examples=examples(40), suppress_health_check=[HealthCheck.function_scoped_fixture])
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
    check_ids(store)
