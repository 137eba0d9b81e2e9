"""Whether the consumers move: lag for the metrics, and liveness by progress rather than by a reachable broker.

aiokafka can stop and look alive after a broker restart (aiokafka#1154, #625, #847): records wait, none arrive, nothing
fails. That, and only that, must end the process.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Observation

from spikewatch.chassis.kafka.broker import Consumption

__all__ = ["Progress"]

_log: Final = logging.getLogger(__name__)
# A broker under load answers in milliseconds; the client's own 40 s would hide a dead client for that long.
_ANSWER_SECONDS: Final = 10.0


class _Standstill(NamedTuple):
    """Records wait behind a position since a moment of the monotonic clock."""

    position: int
    since: float


class Progress:
    """Watches all consumptions of a process.

    Two states are fatal: records wait and none moves; or the broker takes connections and yet the consumer's own client gets no
    answer from it. An outage is neither: then nobody gets an answer.
    """

    def __init__(
        self,
        consumptions: Sequence[Consumption],
        *,
        limit_seconds: float,
        answers: Callable[[], Awaitable[bool]],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._consumptions = consumptions
        self._limit = limit_seconds
        self._answers = answers
        self._monotonic = monotonic
        self._lag: dict[str, int] = {}
        self._standstills: dict[str, _Standstill] = {}
        self._unanswered: dict[str, float] = {}
        meter = metrics.get_meter("spikewatch.chassis")
        meter.create_observable_gauge("spikewatch.consumer.lag", [self._observe_lag], unit="{record}")
        meter.create_observable_gauge("spikewatch.loop.progress_age", [self._observe_age], unit="s")
        meter.create_observable_gauge("spikewatch.circuit.open", [self._observe_circuit])

    async def look(self) -> None:
        """Ask the broker how far behind each consumer is; without an answer the last one stands."""
        for consumption in self._consumptions:
            consumer = consumption.consumer
            if consumer is not None:
                await self._look_at(consumer, consumption.batches.subscription.group)

    async def _look_at(self, consumer: AIOKafkaConsumer, group: str) -> None:
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                assigned: list[TopicPartition] = sorted(consumer.assignment())
                ends = await consumer.end_offsets(assigned) if assigned else {}
                positions = {partition: await consumer.position(partition) for partition in assigned}
        except (KafkaError, TimeoutError) as error:
            _log.info("lag unknown", extra={"group": group, "error_type": type(error).__name__})
            self._standstills.pop(group, None)
            if await self._answers():
                self._unanswered.setdefault(group, self._monotonic())
            else:
                self._unanswered.pop(group, None)
            return
        self._unanswered.pop(group, None)
        self._lag[group] = lag = sum(max(0, ends[partition] - positions[partition]) for partition in assigned)
        reached = sum(positions.values())
        if lag == 0:
            self._standstills.pop(group, None)
        elif group not in self._standstills or self._standstills[group].position != reached:
            self._standstills[group] = _Standstill(reached, self._monotonic())

    def stuck(self) -> list[str]:
        """Return the groups whose consumer has stopped."""
        now = self._monotonic()
        return [
            group
            for consumption in self._consumptions
            if self._stands_still(group := consumption.batches.subscription.group, consumption.batches.progressed_at, now)
            or now - self._unanswered.get(group, now) > self._limit
        ]

    def joined(self) -> bool:
        """Return whether every consumer has joined its group; no partition at all is a healthy standby."""
        return all(consumption.listener.has_joined for consumption in self._consumptions)

    def _stands_still(self, group: str, progressed_at: float, now: float) -> bool:
        """Return whether the same records were waiting for all of the limit: how long nothing had come before them says nothing."""
        standstill = self._standstills.get(group)
        return standstill is not None and now - max(standstill.since, progressed_at) > self._limit

    def _observe_lag(self, _: CallbackOptions) -> Iterable[Observation]:
        return [Observation(lag, {"messaging.consumer.group.name": group}) for group, lag in self._lag.items()]

    def _observe_age(self, _: CallbackOptions) -> Iterable[Observation]:
        return [
            Observation(self._monotonic() - part.batches.progressed_at, {"messaging.consumer.group.name": part.batches.subscription.group})
            for part in self._consumptions
        ]

    def _observe_circuit(self, _: CallbackOptions) -> Iterable[Observation]:
        return [
            Observation(int(part.batches.circuit_is_open), {"messaging.consumer.group.name": part.batches.subscription.group})
            for part in self._consumptions
        ]
