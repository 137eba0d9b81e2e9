"""Gathers the records of a batch: a record that comes alone at once, those that follow one another closely together.

The client library fetches ahead: while a batch is in hand it fetches the first record that comes, and asks for those behind it only
when that one was taken. Batches of one or two would follow, each with the whole cost of a batch: at a hundred records a second they
filled two cores, and records queued. So nothing is fetched ahead here: a poll fetches all that the broker holds by then.

A batch is bounded by bytes too, for one record may be a report or a file of ten thousand: how many are taken follows from how large
those of the last batch were. So the memory that a batch takes does not follow the backlog.
"""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Protocol

from aiokafka import ConsumerRecord, TopicPartition

__all__ = ["Gatherer", "Polled"]

_POLL_MS: Final = 500
# From one batch to the next, where records keep coming. A record waits less than half of it on the average, as a batch takes its time too.
_PACE_SECONDS: Final = 0.03
_FIRST: Final = 16  # records of the first batch, while their size is not known


class Polled(Protocol):
    """The part of a consumer that records are polled from."""

    def assignment(self) -> Iterable[TopicPartition]:
        """Return the partitions that are ours now."""
        ...

    def paused(self) -> Iterable[TopicPartition]:
        """Return those of them that are not fetched."""
        ...

    def pause(self, *partitions: TopicPartition) -> None:
        """Fetch no more of them."""
        ...

    def resume(self, *partitions: TopicPartition) -> None:
        """Fetch them again."""
        ...

    async def getmany(self, *, timeout_ms: int, max_records: int) -> Mapping[TopicPartition, Sequence["ConsumerRecord[bytes, bytes]"]]:
        """Return what was fetched, or what comes within the time."""
        ...


class Gatherer:
    """Polls for one consumer group.

    Args:
        max_records: how many records a batch holds at most.
        max_bytes: how many bytes of values it should hold at most; one larger record makes a batch alone.
    """

    def __init__(self, *, max_records: int, max_bytes: int) -> None:
        self._most = max_records
        self._bytes = max_bytes
        self._limit = min(max_records, _FIRST)
        self._not_before = 0.0

    async def __call__(self, consumer: Polled) -> tuple["ConsumerRecord[bytes, bytes]", ...]:
        """Return the records of the next batch, in the order of their partitions; waits until there are any."""
        await asyncio.sleep(max(0.0, self._not_before - time.monotonic()))
        consumer.resume(*consumer.paused())
        while not (polled := await consumer.getmany(timeout_ms=_POLL_MS, max_records=self._limit)):
            pass
        consumer.pause(*consumer.assignment())
        taken = tuple(record for records in polled.values() for record in records)
        # A full batch leaves records behind: there is nothing to wait for.
        self._not_before = 0.0 if len(taken) >= self._limit else time.monotonic() + _PACE_SECONDS
        each = max(1, sum(len(record.value or b"") for record in taken) // len(taken))
        # At most twice as many as before: a small record between large ones says nothing of those that follow.
        self._limit = max(1, min(self._most, self._bytes // each, 2 * self._limit))
        return taken
