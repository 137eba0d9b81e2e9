import asyncio

import pytest
from aiokafka import TopicPartition

from spikewatch.chassis.kafka.gather import Gatherer

FIRST, SECOND = TopicPartition("overdose.reports.v1", 0), TopicPartition("overdose.reports.v1", 1)


class Polls:
    """Answers each poll with the next of its answers: after a while where the answer was awaited."""

    def __init__(self, *answers) -> None:
        self.answers = list(answers)
        self.asked = []

    async def getmany(self, *, timeout_ms, max_records):
        self.asked.append(max_records)
        answer, *self.answers = self.answers
        if callable(answer):
            answer = answer()
        else:
            await asyncio.sleep(0.005 if answer.pop("awaited", False) else 0)
        return answer


@pytest.fixture
def gather():
    return Gatherer(max_records=5, assignment=lambda: "the same")


async def test_a_record_that_was_awaited_is_taken_at_once(gather):
    polls = Polls({FIRST: ["a"], "awaited": True})
    assert await gather(polls) == ("a",)


async def test_records_that_waited_take_along_those_that_came_since(gather):
    polls = Polls({FIRST: ["a"], SECOND: ["b"]}, {FIRST: ["c"]})
    assert await gather(polls) == ("a", "b", "c")
    assert polls.asked == [5, 3]


async def test_a_full_batch_asks_for_no_more(gather):
    polls = Polls({FIRST: ["a", "b", "c", "d", "e"]})
    assert await gather(polls) == ("a", "b", "c", "d", "e")


async def test_it_asks_again_after_a_poll_that_brought_nothing(gather):
    polls = Polls({}, {"awaited": True}, {FIRST: ["a"], "awaited": True})
    assert await gather(polls) == ("a",)


async def test_what_was_taken_before_partitions_moved_is_left_to_its_new_owner():
    assigned = {"now": "before"}

    def moved():
        assigned["now"] = "after"
        return {SECOND: ["b"]}

    gather = Gatherer(max_records=5, assignment=lambda: assigned["now"])
    assert await gather(Polls({FIRST: ["a"]}, moved)) == ("b",)


async def test_partitions_that_move_and_bring_nothing_make_no_batch():
    assigned = {"now": "before"}

    def moved():
        assigned["now"] = "after"
        return {}

    gather = Gatherer(max_records=5, assignment=lambda: assigned["now"])
    assert await gather(Polls({FIRST: ["a"]}, moved, {FIRST: ["a"], "awaited": True})) == ("a",)
