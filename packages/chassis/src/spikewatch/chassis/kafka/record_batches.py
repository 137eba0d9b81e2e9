"""Many records handed to the producer as whole batches: one future a batch instead of one a record, half of what a send costs."""

from collections.abc import Awaitable, Iterator, Sequence
from typing import Any

from aiokafka import AIOKafkaProducer

__all__ = ["RecordBatches"]

Place = tuple[str, int]
"""Topic and partition."""


class RecordBatches:
    """Records on their way to one producer; those of one partition keep their order."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer
        self._full: list[tuple[Place, Any]] = []
        self._open: dict[Place, Any] = {}

    def add(self, place: Place, key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes | None]]) -> None:
        """Take one record in."""
        batch = self._open.get(place)
        if batch is not None and batch.append(timestamp=None, key=key, value=value, headers=headers) is not None:
            return
        if batch is not None:
            self._full.append((place, batch))
        batch = self._open[place] = self._producer.create_batch()
        # The first record of a batch is taken whatever its size.
        batch.append(timestamp=None, key=key, value=value, headers=headers)

    async def hand_over(self, acknowledgements: list[Awaitable[object]]) -> None:
        """Give all batches to the producer and add what to await for each, also where a later one fails.

        Raises:
            KafkaError: the producer's buffer cannot be flushed.
        """
        for (topic, partition), batch in self._in_order():
            batch.close()  # nothing of another call joins it
            acknowledgements.append(await self._producer.send_batch(batch, topic, partition=partition))

    def _in_order(self) -> Iterator[tuple[Place, Any]]:
        yield from self._full  # filled before those that are still open
        yield from self._open.items()
