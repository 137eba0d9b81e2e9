"""Sends bodies in order of the feed, each when it is due, several at a time if asked."""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from uuid import UUID, uuid5

from spikewatch.cli.replay.bodies import Body
from spikewatch.cli.replay.gateway import Answer, Gateway
from spikewatch.cli.replay.pace import Pace

__all__ = ["send"]

_NAMESPACE = UUID("5a3f5c0e-6a0d-5c0c-8f43-0d8a4bd7c1f2")


def idempotency_key(agency: str, number: int, body: Body) -> str:
    """Return the key of one body: the same file sent again by the same agency repeats it, so nothing counts twice."""
    return str(uuid5(_NAMESPACE, f"{agency}\x1f{number}\x1f{hashlib.sha256(body.content).hexdigest()}"))


async def send(
    gateway: Gateway,
    agency: str,
    bodies: Iterable[Body],
    *,
    pace: Pace,
    concurrency: int = 1,
    first: int = 0,
    on_answer: Callable[[Body, Answer], None],
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    seconds: Callable[[], float] = time.monotonic,
) -> None:
    """Send every body and tell ``on_answer`` what the gateway said.

    With a concurrency of one the records arrive in the order of the feed; with more a correction may overtake what it corrects.

    Args:
        gateway: where to.
        agency: who sends.
        bodies: what, in order.
        pace: when each is due.
        concurrency: requests at a time.
        first: number of the first body; bodies of one feed sent by several calls must go on counting, else two that hold the
            same bytes would be taken for one that was sent again.
        on_answer: called with each body and its answer.
        pause: waits so many seconds.
        seconds: a monotonic clock.

    Raises:
        CannotRun: the gateway does not answer or does not take the key.
    """
    began = seconds()
    numbered: Iterator[tuple[int, Body]] = enumerate(bodies, first)

    async def work() -> None:
        for number, body in numbered:
            wait = began + pace.due(body.newest, body.records) - seconds()
            if wait > 0:
                await pause(wait)
            on_answer(body, await gateway.submit(body, idempotency_key(agency, number, body)))

    workers = [asyncio.ensure_future(work()) for _ in range(concurrency)]
    try:
        await asyncio.gather(*workers)
    finally:
        # The first failure ends the others too: no request may go out after the verb has said that it cannot run.
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
