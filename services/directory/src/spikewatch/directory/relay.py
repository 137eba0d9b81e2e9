"""Publishes the changes that wait in the store, in order for each record, and at least once.

One relay works at a time. Should two ever overlap (a pause longer than the hold), the later to notice publishes the record's
present state once more, so that the compacted topic always ends with the truth.
"""

import asyncio
from datetime import timedelta
from typing import Final

from spikewatch.chassis.clock import Clock
from spikewatch.directory.ports import ChangePublisher, Outbox

__all__ = ["Relay"]

_HOLD: Final = timedelta(seconds=15)  # far longer than a batch takes; a crashed holder delays changes by this much at most
_IDLE_SECONDS: Final = 1.0  # how late a change is published that another instance wrote
_MOST_RECORDS: Final = 200


class Relay:
    """The way of a change from the store to the topic."""

    def __init__(self, outbox: Outbox, publisher: ChangePublisher, *, clock: Clock, holder: str) -> None:
        self._outbox = outbox
        self._publisher = publisher
        self._clock = clock
        self._holder = holder
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Tell that a change waits."""
        self._woken.set()

    async def turn(self) -> None:
        """Wait until woken, or a while, and publish what waits.

        Raises:
            Transient: the store or the broker is away; what waits stays.
        """
        try:
            async with asyncio.timeout(_IDLE_SECONDS):
                await self._woken.wait()
        except TimeoutError:
            pass
        self._woken.clear()
        await self.publish_waiting()

    async def publish_waiting(self) -> int:
        """Publish until nothing waits; return how many changes were published here.

        Raises:
            Transient: the store or the broker is away; what was not marked is published again, with the same event ids.
        """
        published = 0
        # The look without the hold keeps an idle directory from writing.
        while await self._outbox.waiting(1):
            now = self._clock()
            if not await self._outbox.hold(self._holder, now, now + _HOLD):
                break
            changes = await self._outbox.waiting(_MOST_RECORDS)
            await self._publisher.publish(changes)
            published += len(changes)
            latest = {change.name: change.version for change in changes}
            for name, version in latest.items():
                if not await self._outbox.mark_sent(name, version):
                    await self._outbox.publish_again(name)
        if published:
            await self._outbox.release(self._holder)
        return published
