from types import SimpleNamespace

import pytest
from aiokafka import TopicPartition

from spikewatch.chassis.kafka import gather as gathering
from spikewatch.chassis.kafka.gather import Gatherer


class Fetched(str):
    """A record that is told by its name and holds as many bytes as its name has letters."""

    __slots__ = ()

    @property
    def value(self):
        return self.encode()


FIRST, SECOND = TopicPartition("overdose.reports.v1", 0), TopicPartition("overdose.reports.v1", 1)


class Polls:
    """Answers each poll with the next of its answers; remembers what was paused when."""

    def __init__(self, *answers) -> None:
        self.answers = list(answers)
        self.held = set()
        self.asked = []

    def assignment(self):
        return {FIRST, SECOND}

    def paused(self):
        return set(self.held)

    def pause(self, *partitions):
        self.held |= set(partitions)

    def resume(self, *partitions):
        self.held -= set(partitions)

    async def getmany(self, *, timeout_ms, max_records):
        assert not self.held, "nothing is fetched of what is paused"
        self.asked.append(max_records)
        answer, *self.answers = self.answers
        return {partition: [Fetched(name) for name in names] for partition, names in answer.items()}


@pytest.fixture(autouse=True)
def pauses(monkeypatch):
    """A clock that stands still but for the pauses; returns how long each was."""
    told = []

    async def pause(seconds):
        told.append(round(seconds, 6))

    monkeypatch.setattr(gathering, "time", SimpleNamespace(monotonic=lambda: 100 + sum(told)))
    monkeypatch.setattr(gathering, "asyncio", SimpleNamespace(sleep=pause))
    return told


@pytest.fixture
def gather():
    return Gatherer(max_records=5, max_bytes=1_000)


async def test_a_record_that_comes_alone_is_taken_at_once(gather, pauses):
    assert await gather(Polls({FIRST: ["a"]})) == ("a",)
    assert pauses == [0]


async def test_records_of_several_partitions_make_one_batch_and_keep_their_order(gather):
    assert await gather(Polls({FIRST: ["a", "c"], SECOND: ["b"]})) == ("a", "c", "b")


async def test_nothing_is_fetched_ahead_while_a_batch_is_in_hand(gather):
    polls = Polls({FIRST: ["a"]}, {FIRST: ["b"]})
    await gather(polls)
    assert polls.held == {FIRST, SECOND}
    assert await gather(polls) == ("b",)


async def test_batches_that_follow_one_another_keep_a_distance(gather, pauses):
    polls = Polls(*({FIRST: ["a"]} for _ in range(3)))
    for _ in range(3):
        await gather(polls)
    assert pauses == [0, 0.03, 0.03]


async def test_behind_a_full_batch_the_next_follows_at_once(gather, pauses):
    polls = Polls({FIRST: ["a", "b", "c", "d", "e"]}, {FIRST: ["f"]})
    await gather(polls)
    await gather(polls)
    assert pauses == [0, 0]


async def test_it_asks_again_after_a_poll_that_brought_nothing(gather):
    polls = Polls({}, {}, {FIRST: ["a"]})
    assert await gather(polls) == ("a",)
    assert len(polls.asked) == 3


async def test_how_many_are_taken_follows_from_how_large_the_last_ones_were():
    gather = Gatherer(max_records=500, max_bytes=100)
    polls = Polls(
        {FIRST: ["a" * 30, "b" * 10]}, {FIRST: ["c" * 1000]}, {FIRST: ["d" * 2]}, {FIRST: ["e" * 2]}, {FIRST: ["f" * 50]}, {FIRST: ["g"]}
    )
    for _ in range(6):
        await gather(polls)
    assert polls.asked == [16, 5, 1, 2, 4, 2], "as many as fit, and at most twice as many as before"


async def test_more_than_the_limit_is_never_asked_for_and_a_tombstone_has_no_size():
    gather = Gatherer(max_records=5, max_bytes=100)
    polls = Polls({FIRST: [""]}, {FIRST: ["a"]})
    for _ in range(2):
        await gather(polls)
    assert polls.asked == [5, 5]
