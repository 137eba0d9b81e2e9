"""One batch from poll to commit. The offset is committed only when everything that follows from the batch is durable.

Order inside a batch: decode, handle, publish, write dead letters, commit. Whatever fails for a passing reason repeats the
batch; a record that fails for good is isolated and dead-lettered, and those behind it go on.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from opentelemetry import trace

from spikewatch.chassis.clock import Clock
from spikewatch.chassis.kafka.backoff import delays
from spikewatch.chassis.kafka.circuit import Circuit
from spikewatch.chassis.kafka.commits import Commits, Committer
from spikewatch.chassis.kafka.dead_letter_writer import DeadLetterWriter, Judged
from spikewatch.chassis.kafka.decode import Decoder
from spikewatch.chassis.kafka.message import Event, Record
from spikewatch.chassis.kafka.publisher import Outgoing, Publisher
from spikewatch.chassis.kafka.subscription import Subscription
from spikewatch.chassis.outcome import DeadLetter, Emit, Outcome, Permanent, Reason, Transient
from spikewatch.chassis.telemetry.messaging import MOST_LINKS, ConsumedCounter, end_with_error, start_batch_span, start_process_span

__all__ = ["BatchConsumer", "BatchLimits"]

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """Limits of one consumer, from the settings."""

    max_record_bytes: int
    retry_seconds: float
    circuit_ratio: float
    circuit_records: int
    circuit_pause_seconds: float


class BatchConsumer:
    """Runs the batches of one subscription, one at a time."""

    def __init__(self, subscription: Subscription[Any], *, publisher: Publisher, limits: BatchLimits, service: str, clock: Clock) -> None:
        self.subscription = subscription
        self._publisher = publisher
        self._wrapping = subscription.wrapping
        self._limits = limits
        self._decode = Decoder(subscription.topic, most_bytes=limits.max_record_bytes, read_value=subscription.read)
        self._circuit = Circuit(ratio=limits.circuit_ratio, window=limits.circuit_records)
        self._counter = ConsumedCounter(subscription.topic.name, subscription.group)
        self._dead_letters = DeadLetterWriter(subscription, publisher=publisher, service=service, clock=clock)
        self._commits = Commits(subscription.group)
        self._busy = asyncio.Lock()
        self._hand_back = asyncio.Event()
        self._is_closed = False
        self.progressed_at = time.monotonic()

    @property
    def is_busy(self) -> bool:
        """Whether a batch is running."""
        return self._busy.locked()

    @property
    def circuit_is_open(self) -> bool:
        """Whether the circuit has stopped this consumer."""
        return self._circuit.is_open

    async def settle(self) -> None:
        """Wait until the running batch has ended, without further retries, and all that is done is committed.

        Called before partitions are given away and at a stop.
        """
        self._hand_back.set()
        async with self._busy:
            self._hand_back.clear()
            await self._commits.flush()

    async def close(self) -> None:
        """Wait as `settle` does, and take no further batch: what is still fetched stays uncommitted for whoever comes next."""
        self._is_closed = True
        await self.settle()

    async def run(self, records: Sequence[Record], consumer: Committer) -> None:
        """Process a batch and have it committed, or hand it back to Kafka uncommitted."""
        async with self._busy:
            if self._is_closed:
                return
            started = time.monotonic()
            self.progressed_at = started
            if await self._finish(records):
                self._commits.add(_offsets_behind(records), consumer)
                await self._tell_published()
                self._counter.batch(len(records), time.monotonic() - started)
            else:
                self._rewind(records, consumer)
            self.progressed_at = time.monotonic()

    async def _finish(self, records: Sequence[Record]) -> bool:
        for delay in delays(self._limits.retry_seconds):
            try:
                if await self._attempt(records):
                    return True
            except Transient as error:
                self._counter.retried(error)
                _log.warning(
                    "batch will be tried again",
                    extra={"topic": records[0].topic, "group": self.subscription.group, "cause": str(error), "records": len(records)},
                )
                if await self._handed_back(delay):
                    return False
            else:
                await self._handed_back(self._limits.circuit_pause_seconds)
                return False
        return False

    async def _handed_back(self, delay: float) -> bool:
        """Wait, and return early with True when the batch must be given up because partitions move or the service stops."""
        self.progressed_at = time.monotonic()
        try:
            await asyncio.wait_for(self._hand_back.wait(), delay)
        except TimeoutError:
            return False
        return True

    async def _attempt(self, records: Sequence[Record]) -> bool:
        """Take the batch through once; False when the circuit does not admit it.

        Raises:
            Transient: nothing was committed; the attempt may be repeated.
        """
        group, trusts = self.subscription.group, self.subscription.trusts_trace
        judged = [Judged(record, start_process_span(record, group, trusted=trusts(record))) for record in records]
        spans = [item.span for item in judged]
        try:
            batch_span = start_batch_span(records[0].topic, group, spans)
            with trace.use_span(batch_span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
                await self._judge(judged)
                bad = sum(self._counts(item.outcome) for item in judged)
                if not self._circuit.admits(len(judged), bad):
                    _log.error(
                        "circuit open: too many dead letters, nothing is committed",
                        extra={"topic": records[0].topic, "group": group, "bad": bad, "records": len(judged)},
                    )
                    return False
                self._counter.dead_letters(await self._dead_letters.write(judged))
                self._circuit.record(len(judged), bad)
        except BaseException as error:
            for span in spans:
                end_with_error(span, error)
            raise
        for item in judged:
            if isinstance(item.outcome, DeadLetter):
                item.span.set_attribute("spikewatch.reason", item.outcome.reason.value)
            item.span.end()
        return True

    async def _judge(self, judged: Sequence[Judged]) -> None:
        """Decode, handle and publish; isolate what cannot be handled together."""
        events: list[tuple[Judged, Event[Any]]] = []
        for item in judged:
            record = item.record if self._wrapping is None else self._wrapping.unwrap(item.record)
            decoded = self._decode(record)
            if isinstance(decoded, DeadLetter):
                item.outcome = decoded
            else:
                attributes, body = decoded
                events.append((item, Event(record, attributes, body, item.span)))
        if not events:
            return
        try:
            await self._handle(events)
        except Transient:
            raise
        except Exception as error:  # noqa: BLE001  # whatever it was, one record must not stop the others
            _log.warning(
                "batch failed, its records are tried one by one",
                extra={"topic": judged[0].record.topic, "group": self.subscription.group, "error_type": type(error).__name__},
                exc_info=error if not isinstance(error, Permanent) else None,
            )
            for pair in events:
                await self._isolate(pair)

    async def _handle(self, events: Sequence[tuple[Judged, Event[Any]]]) -> None:
        outcomes = await self.subscription.handle([event for _, event in events])
        if len(outcomes) != len(events):
            raise RuntimeError(f"{self.subscription.group} returned {len(outcomes)} outcomes for {len(events)} records")
        outgoing: list[Outgoing] = []
        for position, outcome in enumerate(outcomes):
            if isinstance(outcome, Emit):
                for message in outcome.messages:
                    causes = (position, *message.also_caused_by[:MOST_LINKS])  # none of further ones would be linked
                    outgoing.append(Outgoing(message, tuple(events[index][0].span.get_span_context() for index in causes)))
        await self._publisher.send_caused(outgoing)
        for (item, _), outcome in zip(events, outcomes, strict=True):
            item.outcome = outcome

    async def _isolate(self, pair: tuple[Judged, Event[Any]]) -> None:
        item, _ = pair
        self.progressed_at = time.monotonic()
        try:
            await self._handle([pair])
        except Transient:
            raise
        except Permanent as error:
            item.outcome = DeadLetter(
                error.reason, field=error.field, problem=error.problem, expected=error.expected, example=error.example
            )
        except Exception as error:  # noqa: BLE001  # the last resort that keeps one poison record from blocking its partition
            item.exception = type(error).__name__
            item.outcome = DeadLetter(
                Reason.UNEXPECTED_ERROR,
                problem=f"the service failed with {type(error).__name__}",
                expected="a record the service can process; this is a defect of the service, replay after it is mended",
            )

    def _counts(self, outcome: Outcome | None) -> bool:
        return isinstance(outcome, DeadLetter) and outcome.reason in self.subscription.circuit_reasons

    async def _tell_published(self) -> None:
        if self.subscription.on_published is None:
            return
        try:
            await self.subscription.on_published()
        except Transient as error:
            _log.warning("outbox was not settled, its messages may be published again", extra={"cause": str(error)})

    def _rewind(self, records: Sequence[Record], consumer: Committer) -> None:
        first: dict[TopicPartition, int] = {}
        for record in records:
            partition = TopicPartition(record.topic, record.partition)
            first[partition] = min(first.get(partition, record.offset), record.offset)
        for partition, offset in first.items():
            try:
                consumer.seek(partition, offset)
            except KafkaError:  # the partition is no longer ours: its new owner starts at the committed offset
                _log.info(
                    "partition was given away before it was rewound", extra={"topic": partition.topic, "partition": partition.partition}
                )


def _offsets_behind(records: Sequence[Record]) -> dict[TopicPartition, int]:
    offsets: dict[TopicPartition, int] = {}
    for record in records:
        partition = TopicPartition(record.topic, record.partition)
        offsets[partition] = max(offsets.get(partition, 0), record.offset + 1)
    return offsets
