"""Publishes messages: idempotent, acknowledged by all in-sync replicas, each with its own send span."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordTooLargeError
from aiokafka.partitioner import murmur2
from opentelemetry import trace

from spikewatch.chassis.kafka.connection import KafkaConnection
from spikewatch.chassis.kafka.message import Message
from spikewatch.chassis.kafka.record_batches import RecordBatches
from spikewatch.chassis.outcome import Permanent, Reason, Transient
from spikewatch.chassis.telemetry.messaging import SentCounter, end_with_error, start_send_span, traceparent
from spikewatch.contracts.cloudevents import Attributes, write

if TYPE_CHECKING:
    from collections.abc import Awaitable

__all__ = ["Outgoing", "Publisher", "partition_of"]

# Above the largest declared record plus the headroom of its dead letter, so that the broker's limit decides.
_LARGEST_REQUEST: Final = 12 * 1024 * 1024
_BATCH_BYTES: Final = 1_048_576
# A producer that gets no answer for so long reports it; the batch is then tried again as a whole.
_REQUEST_TIMEOUT_MS: Final = 20_000
# From so many messages on they go as whole batches. Fewer go one by one: the producer then joins them with those of other
# calls, as of many small requests at once.
_WORTH_BATCHES: Final = 32


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message with the contexts of the records it follows from: the first is its parent in the trace, the others are linked."""

    message: Message
    causes: Sequence[trace.SpanContext] = ()


@lru_cache(maxsize=16_384)  # areas and counties come again and again, and the hash is computed byte by byte
def partition_of(partition_key: bytes, partitions: int) -> int:
    """Return the partition of a key as Kafka's own default partitioner computes it."""
    return int((murmur2(partition_key) & 0x7FFFFFFF) % partitions)


class Publisher:
    """One idempotent producer. It is started by the runtime before anything is consumed."""

    def __init__(self, connection: KafkaConnection) -> None:
        self._connection = connection
        self._producer: AIOKafkaProducer | None = None
        self._sent = SentCounter()

    async def start(self) -> None:
        """Connect.

        Raises:
            KafkaError: no broker answers.
        """
        producer = AIOKafkaProducer(
            **self._connection.aiokafka(),
            enable_idempotence=True,
            acks="all",
            compression_type="zstd",  # lz4, at the level the client library has, takes three times as long and twice the room
            max_batch_size=_BATCH_BYTES,
            max_request_size=_LARGEST_REQUEST,
            request_timeout_ms=_REQUEST_TIMEOUT_MS,
        )
        try:
            await producer.start()
        except BaseException:
            await producer.stop()
            raise
        self._producer = producer

    async def stop(self) -> None:
        """Send what is buffered and disconnect."""
        if self._producer is not None:
            await self._producer.stop()
            self._producer = None

    async def send(self, messages: Iterable[Message]) -> None:
        """Publish messages in the current trace, each with a send span, and return when the broker has acknowledged all.

        Raises:
            Transient: the broker did not acknowledge; nothing may be assumed of any message.
            Permanent: a message is larger than its topic takes.
        """
        current = trace.get_current_span().get_span_context()
        causes = (current,) if current.is_valid else ()
        wanted = list(messages)
        spans = [start_send_span(message, causes) for message in wanted]
        try:
            await self.send_caused([Outgoing(message, (span.get_span_context(),)) for message, span in zip(wanted, spans, strict=True)])
        except BaseException as error:
            for span in spans:
                end_with_error(span, error)
            raise
        for span in spans:
            span.end()

    async def send_caused(self, outgoing: Sequence[Outgoing]) -> None:
        """Publish the messages of a batch, each in the trace of the record it follows from; see `send`.

        A message that follows from one record carries that record's process span as its context: a span of its own would
        double what tracing costs and tell nothing more. One that follows from several gets a send span that links the others.
        """
        acknowledgements: list[Awaitable[object]] = []
        spans: list[trace.Span] = []
        try:
            hand_over = self._hand_over_batches if len(outgoing) >= _WORTH_BATCHES else self._hand_over_singly
            await hand_over([(item.message, _origin(item, spans)) for item in outgoing], acknowledgements)
            await _acknowledged(acknowledgements)
        except BaseException as error:
            for span in spans:
                end_with_error(span, error)
            # What was handed over before the failure is still in flight: take its result, so that none is left unawaited.
            await asyncio.gather(*acknowledgements, return_exceptions=True)
            raise
        for span in spans:
            span.end()
        self._sent.add(item.message.topic.name for item in outgoing)

    async def _hand_over_singly(self, messages: Sequence["_Addressed"], acknowledgements: "list[Awaitable[object]]") -> None:
        for message, origin in messages:
            headers = _headers(message, origin)
            acknowledgements.append(
                await self.raw(message.topic.name, message.key.encode(), _value(message), headers, partition_by=message.partition_by)
            )

    async def _hand_over_batches(self, messages: Sequence["_Addressed"], acknowledgements: "list[Awaitable[object]]") -> None:
        if self._producer is None:
            raise Transient("kafka: the producer is not connected")
        batches = RecordBatches(self._producer)
        try:
            topics = {message.topic.name for message, _ in messages}
            partitions = {topic: len(await self._producer.partitions_for(topic)) for topic in topics}
            for message, origin in messages:
                topic, key, value = message.topic.name, message.key.encode(), _value(message)
                if value is not None and len(value) > _LARGEST_REQUEST:
                    raise _too_large()
                placed_by = key if message.partition_by is None else message.partition_by.encode()
                batches.add((topic, partition_of(placed_by, partitions[topic])), key, value, _headers(message, origin))
            await batches.hand_over(acknowledgements)
        except KafkaError as error:
            raise Transient(f"kafka: {type(error).__name__}") from error

    async def raw(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes | None]],
        *,
        partition_by: str | None = None,
    ) -> "Awaitable[object]":
        """Hand a record of bytes to the producer and return what to await for its acknowledgement.

        Raises:
            Transient: the producer is not connected or its buffer cannot be flushed.
            Permanent: the record is larger than any topic takes.
        """
        if self._producer is None:
            raise Transient("kafka: the producer is not connected")
        try:
            partition = None
            if key is None and value is None:
                key = b""  # the client refuses a record of neither, though others may have written one: its dead letter must not fail
            if partition_by is not None:
                partition = partition_of(partition_by.encode(), len(await self._producer.partitions_for(topic)))
            acknowledgement: Awaitable[object] = await self._producer.send(topic, value, key, partition, headers=list(headers))
        except (MessageSizeTooLargeError, RecordTooLargeError) as error:
            raise _too_large() from error
        except KafkaError as error:
            raise Transient(f"kafka: {type(error).__name__}") from error
        return acknowledgement

    async def raw_acknowledged(self, acknowledgements: "Sequence[Awaitable[object]]") -> None:
        """Wait until all records handed over by `raw` are acknowledged; raises as `send` does."""
        await _acknowledged(acknowledgements)


_Addressed = tuple[Message, trace.SpanContext | None]
"""A message and the context that travels with it."""


def _origin(item: Outgoing, spans: list[trace.Span]) -> trace.SpanContext | None:
    """Return the context a message carries; a send span is started, and added to the list, only where there is something to link."""
    if len(item.causes) < 2:
        return item.causes[0] if item.causes else None
    span = start_send_span(item.message, item.causes)
    spans.append(span)
    return span.get_span_context()


def _value(message: Message) -> bytes | None:
    body = message.body
    return body if body is None or isinstance(body, bytes) else body.to_json()


def _headers(message: Message, origin: trace.SpanContext | None) -> list[tuple[str, bytes | None]]:
    attributes = Attributes(
        id=message.event_id,
        source=message.source,
        type=message.event_type,
        time=message.time,
        subject=message.subject,
        content_type=message.content_type,
    )
    headers: list[tuple[str, bytes | None]] = [*write(attributes), *message.headers]
    if origin is not None and (parent := traceparent(origin)) is not None:
        headers.append(("traceparent", parent))
    return headers


async def _acknowledged(acknowledgements: "Sequence[Awaitable[object]]") -> None:
    results = await asyncio.gather(*acknowledgements, return_exceptions=True)
    for result in results:
        if isinstance(result, (MessageSizeTooLargeError, RecordTooLargeError)):
            raise _too_large() from result
        if isinstance(result, KafkaError):
            raise Transient(f"kafka: {type(result).__name__}") from result
        if isinstance(result, BaseException):
            raise result


def _too_large() -> Permanent:
    return Permanent(
        Reason.TOO_LARGE, problem="the record is larger than its topic takes", expected="a record below the topic's max_message_bytes"
    )
