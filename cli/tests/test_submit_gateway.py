import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from spikewatch.cli.exit_status import CannotRun
from spikewatch.cli.replay.bodies import Body
from spikewatch.cli.replay.gateway import Answer, Gateway
from spikewatch.cli.replay.outcomes import follow_receipts
from spikewatch.cli.replay.pace import Pace
from spikewatch.cli.replay.sending import send

ACCEPTED = httpx.Response(202, json={"submission_id": "s1", "status_url": "/v1/submissions/s1"})


class Clock:
    """A monotonic clock that only pausing moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def seconds(self) -> float:
        return self.now

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


def gateway(answer: Callable[[httpx.Request], httpx.Response], clock: Clock, **more: Any) -> Gateway:
    client = httpx.AsyncClient(base_url="http://gateway.test", transport=httpx.MockTransport(answer))
    return Gateway(client, "secret-key", "cad_911", pause=clock.pause, seconds=clock.seconds, **more)


def body(text: str = "{}\n", records: int = 1) -> Body:
    return Body(text.encode(), "application/x-ndjson", records)


async def test_a_busy_gateway_is_asked_again_with_the_same_key_until_it_answers() -> None:
    requests: list[httpx.Request] = []
    answers = iter([httpx.Response(503), httpx.Response(429, headers={"Retry-After": "7"}), ACCEPTED])

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return next(answers)

    clock = Clock()
    got = await gateway(answer, clock).submit(body(), "key-1")
    assert got == Answer(1, "s1", "/v1/submissions/s1")
    assert {request.headers["Idempotency-Key"] for request in requests} == {"key-1"}
    assert {request.headers["Authorization"] for request in requests} == {"Bearer secret-key"}
    assert str(requests[0].url) == "http://gateway.test/v1/submissions?format=cad_911"
    assert len(clock.pauses) == 2
    assert clock.pauses[1] == 7  # what the gateway asked for


async def test_a_lost_connection_is_tried_again_but_not_for_ever() -> None:
    def answer(_request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    clock = Clock()
    with pytest.raises(CannotRun, match="spikewatch up"):
        await gateway(answer, clock, patience=10).submit(body(), "k")
    assert 5 < clock.now <= 10


async def test_a_wrong_key_ends_at_once_and_is_not_repeated_in_the_message() -> None:
    clock = Clock()
    with pytest.raises(CannotRun, match="agency-keys issue") as error:
        await gateway(lambda _: httpx.Response(401), clock).submit(body(), "k")
    assert "secret-key" not in str(error.value)
    assert clock.pauses == []


async def test_a_refused_body_comes_back_with_its_problem() -> None:
    problem = {"title": "Not JSON", "status": 400, "detail": "is not JSON"}
    got = await gateway(lambda _: httpx.Response(400, json=problem), Clock()).submit(body(records=3), "k")
    assert got.status_url is None
    assert got.problem == problem
    assert got.records == 3


async def test_bodies_go_out_in_order_when_due_and_equal_bodies_have_keys_of_their_own() -> None:
    sent: list[tuple[float, str, str]] = []
    clock = Clock()

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append((clock.now, request.content.decode(), request.headers["Idempotency-Key"]))
        return ACCEPTED

    answers: list[Answer] = []
    to = gateway(answer, clock)
    for _ in range(2):
        await send(
            to,
            "a",
            [body("1"), body("1"), body("2")],
            pace=Pace(rate=2),
            on_answer=lambda _, got: answers.append(got),
            pause=clock.pause,
            seconds=clock.seconds,
        )
    assert [(moment, content) for moment, content, _ in sent[:3]] == [(0, "1"), (0.5, "1"), (1.0, "2")]
    keys = [key for _, _, key in sent]
    assert len(set(keys[:3])) == 3
    assert keys[:3] == keys[3:]  # the same file again is the same request again
    assert len(answers) == 6


async def test_equal_bodies_of_several_calls_that_go_on_counting_are_not_taken_for_one() -> None:
    keys: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers["Idempotency-Key"])
        return ACCEPTED

    to = gateway(answer, Clock())
    for first in (0, 1):
        await send(to, "a", [body("1")], pace=Pace(), first=first, on_answer=lambda *_: None)
    assert len(set(keys)) == 2


async def test_several_at_a_time_send_every_body_once_and_a_failure_ends_them_all() -> None:
    sent: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.content)
        return httpx.Response(401) if request.content == b"bad" else ACCEPTED

    to = gateway(answer, Clock())
    await send(to, "a", [body(str(n)) for n in range(20)], pace=Pace(), concurrency=4, on_answer=lambda *_: None)
    assert sorted(sent) == sorted(str(n).encode() for n in range(20))
    tasks = len(asyncio.all_tasks())
    with pytest.raises(CannotRun):
        await send(to, "a", [body("bad"), *(body(str(n)) for n in range(20))], pace=Pace(), concurrency=4, on_answer=lambda *_: None)
    assert len(asyncio.all_tasks()) == tasks


def receipt(status: str, **counts: int) -> dict[str, Any]:
    records = [{"index": 0, "result": "rejected", "reason": "future-time", "field": "occurred_at"}] if counts.get("rejected") else []
    return {"submission_id": "s", "status": status, "counts": counts, "records": records}


async def test_receipts_are_followed_until_all_are_processed_and_add_up() -> None:
    told = {
        "/v1/submissions/1": iter([receipt("received"), receipt("processed", report=2, duplicate=1)]),
        "/v1/submissions/2": iter([receipt("processed", report=1, rejected=1)]),
    }
    seen: list[int] = []
    clock = Clock()
    to = gateway(lambda request: httpx.Response(200, content=json.dumps(next(told[request.url.path]))), clock)
    tally = await follow_receipts(to, list(told), timeout=60, on_processed=seen.append, pause=clock.pause, seconds=clock.seconds)
    assert tally.counts == {"report": 3, "duplicate": 1, "rejected": 1}
    assert [refusal["reason"] for refusal in tally.refused] == ["future-time"]
    assert seen == [3, 2]


async def test_receipts_that_stay_unprocessed_end_the_wait_with_what_to_look_at() -> None:
    clock = Clock()
    to = gateway(lambda _: httpx.Response(200, json=receipt("received")), clock)
    with pytest.raises(CannotRun, match="spikewatch status"):
        await follow_receipts(to, ["/v1/submissions/1"], timeout=5, on_processed=lambda _: None, pause=clock.pause, seconds=clock.seconds)
    assert clock.now <= 5
