import asyncio

import pytest

from spikewatch.alerts.adapters.joined_questions import JoinedQuestions
from spikewatch.alerts.service.together import all_of, both
from spikewatch.chassis.outcome import Transient


async def test_what_is_asked_at_one_moment_is_one_question():
    asked: list[list[int]] = []

    async def answer(questions):
        asked.append(list(questions))
        return [question * 10 for question in questions]

    joined = JoinedQuestions(answer)
    assert await asyncio.gather(*(joined.ask(number) for number in range(3))) == [0, 10, 20]
    assert await joined.ask(7) == 70
    assert asked == [[0, 1, 2], [7]]


async def test_very_many_questions_go_in_several():
    asked: list[int] = []

    async def answer(questions):
        asked.append(len(questions))
        return questions

    joined = JoinedQuestions(answer)
    assert await asyncio.gather(*(joined.ask(number) for number in range(250))) == list(range(250))
    assert asked == [100, 100, 50]


async def test_whoever_asked_hears_of_a_failure_and_the_next_question_goes_on():
    failures = [Transient("away")]

    async def answer(questions):
        if failures:
            raise failures.pop()
        return questions

    joined = JoinedQuestions(answer)
    assert [str(error) for error in await asyncio.gather(joined.ask(1), joined.ask(2), return_exceptions=True)] == ["away", "away"]
    assert await joined.ask(3) == 3


@pytest.mark.parametrize("together", [both, lambda *several: all_of(several)])
async def test_a_failure_is_raised_when_nothing_is_under_way_any_more(together):
    ended: list[str] = []

    async def fails():
        raise Transient("away")

    async def writes():
        await asyncio.sleep(0.01)
        ended.append("written")

    with pytest.raises(Transient, match="away"):
        await together(fails(), writes())
    assert ended == ["written"]
