"""Thousands of reports at one point within hours: the work grows with them and not with their pairs, and the loop stays free."""

import threading
from collections.abc import Callable

import pytest

from spikewatch.contracts.report import LocatedReport
from spikewatch.enrichment import service
from spikewatch.enrichment.domain.candidate import Candidate, Extract
from spikewatch.enrichment.domain.component import Components
from spikewatch.enrichment.domain.links import Links
from spikewatch.enrichment.domain.match import MatchedIncident, match
from spikewatch.enrichment.service import MatchReports
from spikewatch.enrichment.testing import InMemoryMatchStore

Build = Callable[..., LocatedReport]
REPORTS = 1_200
AGENCIES = ("cedar-911", "cedar-ems", "cedar-police")


@pytest.fixture(scope="module")
def corner(located: Build) -> list[LocatedReport]:
    """Six hours at one corner: a report every eighteen seconds."""
    return [located(str(number), AGENCIES[number % 3], minutes=number * 0.3, age=20 + number % 50) for number in range(REPORTS)]


@pytest.fixture
def comparisons(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    made: list[str] = []
    for name in ("link", "is_near"):
        original = getattr(Links, name)

        def counted(self: Links, other: Links, name: str = name, original: Callable[[Links, Links], object] = original) -> object:
            made.append(name)
            return original(self, other)

        monkeypatch.setattr(Links, name, counted)
    return made


def test_matching_a_corner_compares_each_report_with_few_others(corner: list[LocatedReport], comparisons: list[str]) -> None:
    found = match([Candidate.of(Extract.of(one)) for one in corner])
    assert sum(len(one.members) for one in found) == REPORTS
    assert len(comparisons) < 20 * REPORTS


def test_growing_a_component_from_one_end_of_a_corner_compares_each_report_with_few_others(
    corner: list[LocatedReport], comparisons: list[str]
) -> None:
    candidates = [Candidate.of(Extract.of(one)) for one in corner]
    components = Components()
    for fresh in candidates[-100:]:
        components.reach(fresh.key, fresh)
    components.learn(candidates)
    while components.spread():
        pass
    (only,) = components.groups()
    assert len(only[1]) == REPORTS
    assert len(comparisons) < 40 * REPORTS


async def test_a_large_component_is_matched_beside_the_loop_and_a_small_one_on_it(
    corner: list[LocatedReport], monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[threading.Thread] = []

    def watched(candidates: list[Candidate]) -> tuple[MatchedIncident, ...]:
        threads.append(threading.current_thread())
        return match(candidates)

    monkeypatch.setattr(service, "match", watched)
    store = InMemoryMatchStore()
    await MatchReports(store).apply(corner[:500])
    assert set(threads) == {threading.main_thread()}
    threads.clear()
    await MatchReports(store).apply(corner[500:])
    assert threads
    assert threading.main_thread() not in threads
