"""Offsets of finished batches on their way to the broker, beside the next batch and not in its way.

A commit is a write of the broker's own. Where batches follow one another within milliseconds, the newest offsets stand for
those before them, and one commit does for several batches.
"""

import asyncio
import logging
from typing import Final, Protocol

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

__all__ = ["Commits", "Committer"]

_log: Final = logging.getLogger(__name__)
# What a crash within it makes the next owner see again changes nothing there.
_PAUSE_SECONDS: Final = 0.1


class Committer(Protocol):
    """The part of a consumer that a batch needs."""

    async def commit(self, offsets: dict[TopicPartition, int]) -> None:
        """Make the offsets durable."""

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Read on from the offset."""


class Commits:
    """The commits of one consumer group: one at a time, the first at once, the next when some time has passed."""

    def __init__(self, group: str) -> None:
        self._group = group
        self._waiting: dict[TopicPartition, int] = {}
        self._committer: Committer | None = None
        self._one_at_a_time = asyncio.Lock()
        self._running: asyncio.Task[None] | None = None

    def add(self, offsets: dict[TopicPartition, int], committer: Committer) -> None:
        """Take the offsets of a batch whose every consequence is durable."""
        for partition, offset in offsets.items():
            self._waiting[partition] = max(self._waiting.get(partition, 0), offset)
        self._committer = committer
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run(), name=f"commit:{self._group}")

    async def flush(self) -> None:
        """Return when nothing waits any more: before partitions are given away or at a stop."""
        async with self._one_at_a_time:
            if not self._waiting or self._committer is None:
                return
            offsets, self._waiting = self._waiting, {}
            try:
                await self._committer.commit(offsets)
            except KafkaError as error:
                # The group moved on without us, or the broker is away: the batches come again, to us or to the new owner, and change
                # nothing.
                _log.warning(
                    "offsets were not committed, their batches will be seen again",
                    extra={"group": self._group, "error_type": type(error).__name__},
                )

    async def _run(self) -> None:
        while self._waiting:
            await self.flush()
            await asyncio.sleep(_PAUSE_SECONDS)
