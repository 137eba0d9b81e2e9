"""Tells when the pipeline has settled: every group has read its topic to the end, and nothing is added any more."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

from spikewatch.chassis.kafka.connection import KafkaConnection
from spikewatch.chassis.kafka.reader import committed_offsets, end_offsets
from spikewatch.cli.exit_status import CannotRun
from spikewatch.contracts.topics import ALL

__all__ = ["Standing", "settled", "standing"]

Standing = tuple[int, int]
"""Records on all topics, and how many of them their groups have yet to read."""

_PAUSE: Final = 0.5
_QUIET_LOOKS: Final = 2  # a record may be between two topics at one look, but not at the next with nothing added


async def standing(connection: KafkaConnection) -> Standing:
    """Return how many records the declared topics have got so far, and the lag of all groups together."""
    pairs = [(topic.name, group) for topic in ALL for group in topic.consumers]
    ends = await asyncio.gather(*(end_offsets(connection, topic.name) for topic in ALL))
    total_of = {topic.name: sum(end.values()) for topic, end in zip(ALL, ends, strict=True)}
    read = await asyncio.gather(*(committed_offsets(connection, topic, group) for topic, group in pairs))
    lag = sum(total_of[topic] - sum(offsets.values()) for (topic, _), offsets in zip(pairs, read, strict=True))
    return sum(total_of.values()), max(0, lag)


async def settled(
    look: Callable[[], Awaitable[Standing]],
    *,
    timeout: float,
    on_lag: Callable[[int], None],
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    seconds: Callable[[], float] = time.monotonic,
) -> None:
    """Return when nothing moves any more; ``on_lag`` gets the number of records still to read at each look.

    Raises:
        CannotRun: the pipeline has not settled after ``timeout`` seconds.
    """
    give_up = seconds() + timeout
    before: int | None = None
    quiet = 0
    while True:
        total, lag = await look()
        on_lag(lag)
        quiet = quiet + 1 if lag == 0 and total == before else 0
        if quiet >= _QUIET_LOOKS:
            return
        if seconds() > give_up:
            raise CannotRun(
                f"the pipeline still has {lag:,} records to read after {timeout:g} s; its logs are in the stack's folder, under services."
            )
        before = total
        await pause(_PAUSE)
