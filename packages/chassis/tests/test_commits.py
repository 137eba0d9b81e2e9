import asyncio

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError
from spikewatch_testing.patience import PATIENCE_S

from spikewatch.chassis.kafka.commits import Commits

FIRST, SECOND = TopicPartition("overdose.reports.v1", 0), TopicPartition("overdose.reports.v1", 1)


class SlowCommitter:
    """Remembers each commit; the first takes until it is let go."""

    def __init__(self) -> None:
        self.calls = []
        self.failures = []
        self.asked = asyncio.Event()
        self.may_answer = asyncio.Event()

    async def commit(self, offsets) -> None:
        self.calls.append(offsets)
        self.asked.set()
        await self.may_answer.wait()
        if self.failures:
            raise self.failures.pop()

    def seek(self, partition, offset) -> None:
        raise AssertionError("a commit does not move the consumer")


@pytest.fixture
def committer() -> SlowCommitter:
    return SlowCommitter()


async def test_the_first_offsets_go_at_once_and_those_that_come_meanwhile_go_together(committer):
    commits = Commits("enrichment-locate")
    commits.add({FIRST: 3}, committer)
    await asyncio.wait_for(committer.asked.wait(), PATIENCE_S)
    commits.add({FIRST: 5}, committer)
    commits.add({FIRST: 8, SECOND: 2}, committer)
    committer.may_answer.set()
    await asyncio.wait_for(commits.flush(), PATIENCE_S)
    assert committer.calls == [{FIRST: 3}, {FIRST: 8, SECOND: 2}]


async def test_a_flush_returns_only_after_the_commit_that_is_on_its_way(committer):
    commits = Commits("enrichment-locate")
    commits.add({FIRST: 3}, committer)
    await asyncio.wait_for(committer.asked.wait(), PATIENCE_S)
    flushing = asyncio.create_task(commits.flush())
    await asyncio.sleep(0)
    assert not flushing.done()
    committer.may_answer.set()
    await asyncio.wait_for(flushing, PATIENCE_S)
    assert committer.calls == [{FIRST: 3}]


async def test_waiting_offsets_are_committed_without_a_flush(committer):
    commits = Commits("enrichment-locate")
    committer.may_answer.set()
    commits.add({FIRST: 3}, committer)
    await asyncio.wait_for(committer.asked.wait(), PATIENCE_S)
    committer.asked.clear()
    commits.add({FIRST: 4}, committer)
    await asyncio.wait_for(committer.asked.wait(), PATIENCE_S)
    assert committer.calls == [{FIRST: 3}, {FIRST: 4}]


async def test_a_refused_commit_is_dropped_and_the_next_goes_on(committer):
    commits = Commits("enrichment-locate")
    committer.may_answer.set()
    committer.failures.append(CommitFailedError())
    commits.add({FIRST: 3}, committer)
    await commits.flush()
    commits.add({FIRST: 4}, committer)
    await commits.flush()
    assert committer.calls == [{FIRST: 3}, {FIRST: 4}]
