"""A compacted topic as a table that every instance keeps whole: read from the start, then followed."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final

from aiokafka.errors import KafkaError

from spikewatch.chassis.kafka.backoff import delays
from spikewatch.chassis.kafka.connection import KafkaConnection
from spikewatch.chassis.kafka.decode import Decoder
from spikewatch.chassis.kafka.message import Event
from spikewatch.chassis.kafka.reader import follow
from spikewatch.chassis.outcome import DeadLetter, Transient
from spikewatch.contracts.topics import Topic

__all__ = ["Table"]

_log: Final = logging.getLogger(__name__)
_LONGEST_OUTAGE_SECONDS: Final = 240.0


class Table:
    """Feeds each record of a topic to a function, for as long as the service runs.

    After an outage the topic is read from its start again, so the function must take a repeated record calmly.
    """

    def __init__(self, connection: KafkaConnection, topic: Topic, on_record: Callable[[Event[Any]], None], *, most_bytes: int) -> None:
        self._connection = connection
        self._topic = topic
        self._on_record = on_record
        self._decode = Decoder(topic, most_bytes=most_bytes)
        self._caught_up = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Return when everything the topic held at the start has been fed."""
        self._task = asyncio.create_task(self._run(), name=f"table:{self._topic.name}")
        waiting = asyncio.create_task(self._caught_up.wait())
        done, _ = await asyncio.wait({waiting, self._task}, return_when=asyncio.FIRST_COMPLETED)
        if self._task in done:
            waiting.cancel()
            await self._task

    async def stop(self) -> None:
        """Stop following."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            for delay in delays(_LONGEST_OUTAGE_SECONDS):
                try:
                    await self._follow()
                except (KafkaError, Transient, LookupError) as error:
                    _log.warning(
                        "table cannot be read, trying again", extra={"topic": self._topic.name, "error_type": type(error).__name__}
                    )
                    await asyncio.sleep(delay)

    async def _follow(self) -> None:
        async for record in follow(self._connection, self._topic.name):
            if record is None:
                self._caught_up.set()
                continue
            decoded = self._decode(record)
            if isinstance(decoded, DeadLetter):
                # A table has no group and so no dead letters: the record stays where it is and is only passed over.
                _log.error(
                    "record of a table passed over",
                    extra={"topic": record.topic, "offset": record.offset, "reason": decoded.reason.value, "field": decoded.field},
                )
                continue
            attributes, body = decoded
            self._on_record(Event(record, attributes, body))
