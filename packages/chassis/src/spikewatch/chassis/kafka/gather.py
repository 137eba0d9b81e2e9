"""Gathers the records of a batch: at once where a record was awaited, with those behind it where records had to wait."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from aiokafka import ConsumerRecord, TopicPartition

__all__ = ["Gatherer", "Polled"]

_POLL_MS: Final = 500
# Records that came sooner had been fetched during the batch before. Since then more have come to the broker, and the client asks
# for them only now: they are one fetch away, and those that come meanwhile are taken too.
_AT_ONCE_SECONDS: Final = 0.001
_LINGER_MS: Final = 10

ConsumerRecords = Sequence["ConsumerRecord[bytes, bytes]"]


class Polled(Protocol):
    """The part of a consumer that records are polled from."""

    async def getmany(self, *, timeout_ms: int, max_records: int) -> Mapping[TopicPartition, ConsumerRecords]:
        """Return what was fetched, or what comes within the time."""
        ...


class Gatherer:
    """Polls for one consumer group.

    Args:
        max_records: how many records a batch holds at most.
        assignment: says what is assigned; another value after a poll means that partitions moved meanwhile.
    """

    def __init__(self, *, max_records: int, assignment: Callable[[], object]) -> None:
        self._most = max_records
        self._assignment = assignment

    async def __call__(self, consumer: Polled) -> tuple["ConsumerRecord[bytes, bytes]", ...]:
        """Return the records of the next batch, in the order of their partitions; waits until there are any."""
        while True:
            asked = time.monotonic()
            taken = _flat(await consumer.getmany(timeout_ms=_POLL_MS, max_records=self._most))
            if not taken:
                continue
            if time.monotonic() - asked > _AT_ONCE_SECONDS or len(taken) >= self._most:
                return tuple(taken)
            assigned = self._assignment()
            behind = _flat(await consumer.getmany(timeout_ms=_LINGER_MS, max_records=self._most - len(taken)))
            if self._assignment() is assigned:
                return tuple(taken + behind)
            # Partitions moved: what was taken before is read again from its committed offset, by us or by another instance.
            if behind:
                return tuple(behind)


def _flat(polled: Mapping[TopicPartition, ConsumerRecords]) -> list[Any]:
    return [record for records in polled.values() for record in records]
