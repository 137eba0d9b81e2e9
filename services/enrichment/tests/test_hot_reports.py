"""The reports compared last are taken as they were; what the store says always decides."""

import asyncio
import random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spikewatch_testing.exploring import examples
from spikewatch_testing.matching_histories import WEIGHTS, Build, expected, histories, split, told

from spikewatch.enrichment.domain.candidate import Candidate
from spikewatch.enrichment.domain.hot_reports import HotReports
from spikewatch.enrichment.service import MatchReports
from spikewatch.enrichment.testing import InMemoryMatchStore


def test_a_report_is_found_in_the_revision_and_placing_it_was_kept_in(located: Build) -> None:
    hot = HotReports()
    one = Candidate.of(located("1", revision=2))
    hot.keep([one])
    assert hot.find(one.key, (2, 0)) is one
    assert hot.find(one.key, (1, 0)) is None
    assert hot.find(one.key, (2, 1)) is None


def test_those_that_nobody_asked_for_longest_give_way(located: Build) -> None:
    hot = HotReports(2)
    first, second, third = (Candidate.of(located(record)) for record in "123")
    hot.keep([first, second])
    assert hot.find(first.key, (1, 0)) is first
    hot.keep([third])
    assert len(hot) == 2
    assert hot.find(second.key, (1, 0)) is None
    assert hot.find(first.key, (1, 0)) is first


def test_what_fills_an_overdose_is_read_again_from_what_is_kept(located: Build) -> None:
    one = Candidate.of(located("1", age=40, cad_number="26-0001"))
    before = (one.extract, one.blocks, one.probes, one.spots)
    HotReports().keep([one])
    assert (one.extract, one.blocks, one.probes, one.spots) == before


@settings(max_examples=examples(25), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories(), seed=st.integers(0, 2**32), most=st.sampled_from([0, 2, 100]))
def test_instances_that_remember_end_in_the_same_incidents(located: Build, history: list[dict[str, Any]], seed: int, most: int) -> None:
    reports = [located(**one) for one in history]
    store, choose = InMemoryMatchStore(), random.Random(seed)
    instances = [MatchReports(store, WEIGHTS, hot=HotReports(most)) for _ in range(2)]
    choose.shuffle(reports)

    async def consume() -> None:
        for batch in split(reports, choose):
            await choose.choice(instances).apply(batch)

    asyncio.run(consume())
    assert told([one.body for one in store.kept_incidents.values() if one.active]) == expected(reports)
