"""Gives partitions away in order: the running batch ends and is committed before another instance starts on them.

PostHog/posthog#35269 and #46822 tell what happens otherwise: two owners of one partition during every deploy.
"""

import logging
from collections.abc import Iterable
from typing import Final

from aiokafka import ConsumerRebalanceListener, TopicPartition
from typing_extensions import override

from spikewatch.chassis.kafka.batch import BatchConsumer

__all__ = ["DrainingListener"]

_log: Final = logging.getLogger(__name__)


class DrainingListener(ConsumerRebalanceListener):  # type: ignore[misc]  # the base class is untyped
    """Listens to the group; also remembers what is assigned, for readiness."""

    def __init__(self, consumer: BatchConsumer) -> None:
        self._consumer = consumer
        self.has_joined = False
        self.assigned: frozenset[int] = frozenset()

    @override
    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Wait for the batch in hand, then tell the service which partitions it lost."""
        await self._consumer.settle()
        lost = frozenset(partition.partition for partition in revoked)
        subscription = self._consumer.subscription
        if lost and subscription.on_revoked is not None:
            await subscription.on_revoked(lost)
        self.assigned = frozenset()
        _log.info("partitions given away", extra={"group": subscription.group, "partitions": sorted(lost)})

    @override
    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Note the new partitions; none at all is a healthy standby."""
        self.assigned = frozenset(partition.partition for partition in assigned)
        self.has_joined = True
        _log.info("partitions assigned", extra={"group": self._consumer.subscription.group, "partitions": sorted(self.assigned)})
