"""Messaging spans and metrics by the OpenTelemetry semantic conventions 1.44 (still in development: all names stand here).

A single record's process span takes the producer's span as its parent, also inside a batch; the batch itself is one
more span, linked to each. So one trace runs from the agency's request to the alert whatever the batches were.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from opentelemetry import metrics, trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState
from opentelemetry.util.types import AttributeValue

from spikewatch.chassis.kafka.message import Message, Record
from spikewatch.chassis.telemetry.late_span import LateSpan, PassingSpan, late_spans_are_recorded, passing_span

__all__ = [
    "MOST_LINKS",
    "ConsumedCounter",
    "SentCounter",
    "end_with_error",
    "extract",
    "start_batch_span",
    "start_process_span",
    "start_send_span",
    "traceparent",
]

_SYSTEM: Final = "messaging.system"
_OPERATION: Final = "messaging.operation.name"
_OPERATION_TYPE: Final = "messaging.operation.type"
_DESTINATION: Final = "messaging.destination.name"
_PARTITION: Final = "messaging.destination.partition.id"
_OFFSET: Final = "messaging.kafka.offset"
_GROUP: Final = "messaging.consumer.group.name"
_MESSAGE_ID: Final = "messaging.message.id"
_BATCH: Final = "messaging.batch.message_count"
_TOMBSTONE: Final = "messaging.kafka.message.tombstone"
_ERROR: Final = "error.type"

# version 00, 32 hex digits of trace, 16 of span, 2 of flags; for example 00-4bf9…-00f0…-01
_TRACEPARENT: Final = re.compile(rb"^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$")
_SAMPLED_PARENT: Final = re.compile(rb"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-01")
_SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)
_NO_STATE: Final = TraceState()
# Links beyond this say nothing more to a reader and cost memory in every exporter.
MOST_LINKS: Final = 128
"""Spans that one may be linked to."""

_tracer = trace.get_tracer("spikewatch.chassis")
_meter = metrics.get_meter("spikewatch.chassis")


def traceparent(context: SpanContext) -> bytes | None:
    """Return the W3C header of a span's context; None when nothing is traced."""
    if not context.is_valid:
        return None
    return b"00-%032x-%016x-%02x" % (context.trace_id, context.span_id, context.trace_flags)


def extract(header: bytes | None) -> SpanContext | None:
    """Return the remote context of a ``traceparent`` header; None when it is absent or malformed."""
    match = _TRACEPARENT.match(header) if header else None
    if match is None:
        return None
    context = SpanContext(
        trace_id=int(match[1], 16),
        span_id=int(match[2], 16),
        is_remote=True,
        trace_flags=_SAMPLED if match[3] == b"01" else TraceFlags(int(match[3], 16)),
        trace_state=_NO_STATE,
    )
    return context if context.is_valid else None


def start_send_span(message: Message, causes: Sequence[SpanContext]) -> Span:
    """Start the producer span of one message below its first cause, linked to the others."""
    is_below = bool(causes) and causes[0].trace_flags.sampled
    if is_below and not late_spans_are_recorded():
        return passing_span(causes[0])
    name = f"send {message.topic.name}"
    links = [Link(cause) for cause in causes[1:MOST_LINKS]]
    attributes: dict[str, AttributeValue] = {
        _SYSTEM: "kafka",
        _OPERATION: "send",
        _OPERATION_TYPE: "send",
        _DESTINATION: message.topic.name,
        _MESSAGE_ID: message.event_id,
    }
    if message.body is None:
        attributes[_TOMBSTONE] = True
    if is_below:
        return LateSpan(name, causes[0], SpanKind.PRODUCER, attributes, links)
    parent = trace.set_span_in_context(NonRecordingSpan(causes[0])) if causes else None
    return _tracer.start_span(name, context=parent, kind=SpanKind.PRODUCER, links=links, attributes=attributes)


def start_process_span(record: Record, group: str, *, trusted: bool) -> Span:
    """Start the consumer span of one record.

    A trusted producer's span is the parent; any other starts a new trace that is only linked to it.
    """
    header = record.header("traceparent")
    if header is not None and trusted and not late_spans_are_recorded() and _SAMPLED_PARENT.fullmatch(header):
        return PassingSpan(header)
    origin = extract(header)
    is_below = origin is not None and trusted and origin.trace_flags.sampled
    if origin is not None and is_below and not late_spans_are_recorded():
        return passing_span(origin)  # with further flags
    attributes: dict[str, AttributeValue] = {
        _SYSTEM: "kafka",
        _OPERATION: "process",
        _OPERATION_TYPE: "process",
        _DESTINATION: record.topic,
        _PARTITION: str(record.partition),
        _OFFSET: record.offset,
        _GROUP: group,
    }
    name = f"process {record.topic}"
    if origin is not None and is_below:
        return LateSpan(name, origin, SpanKind.CONSUMER, attributes)
    parent = trace.set_span_in_context(NonRecordingSpan(origin)) if origin is not None and trusted else Context()
    links = [Link(origin)] if origin is not None and not trusted else ()
    return _tracer.start_span(name, context=parent, kind=SpanKind.CONSUMER, links=links, attributes=attributes)


def start_batch_span(topic: str, group: str, spans: Sequence[Span]) -> Span:
    """Start the span of a whole batch, linked to the process spans of its records."""
    return _tracer.start_span(
        f"process batch {topic}",
        context=Context(),
        kind=SpanKind.CONSUMER,
        links=[Link(span.get_span_context()) for span in spans[:MOST_LINKS]],
        attributes={
            _SYSTEM: "kafka",
            _OPERATION: "process",
            _OPERATION_TYPE: "process",
            _DESTINATION: topic,
            _GROUP: group,
            _BATCH: len(spans),
        },
    )


def end_with_error(span: Span, error: BaseException) -> None:
    """End a span as failed. Only the type of the error is kept: a message may hold personal data."""
    span.set_attribute(_ERROR, type(error).__name__)
    span.set_status(Status(StatusCode.ERROR))
    span.end()


class SentCounter:
    """Counts published messages by topic."""

    def __init__(self) -> None:
        self._counter = _meter.create_counter("messaging.client.sent.messages", unit="{message}")

    def add(self, topics: Iterable[str]) -> None:
        """Count one message for each topic named."""
        for topic, count in Counter(topics).items():
            self._counter.add(count, {_SYSTEM: "kafka", _DESTINATION: topic})


class ConsumedCounter:
    """Counts consumed records, their outcomes and the time they took, for one subscription."""

    def __init__(self, topic: str, group: str) -> None:
        self._attributes = {_SYSTEM: "kafka", _DESTINATION: topic, _GROUP: group}
        self._consumed = _meter.create_counter("messaging.client.consumed.messages", unit="{message}")
        self._duration = _meter.create_histogram("messaging.process.duration", unit="s")
        self._dead_letters = _meter.create_counter("spikewatch.dead_letters", unit="{record}")
        self._retries = _meter.create_counter("spikewatch.batch.retries", unit="{attempt}")

    def batch(self, records: int, seconds: float) -> None:
        """Count a finished batch."""
        self._consumed.add(records, self._attributes)
        self._duration.record(seconds, self._attributes)

    def dead_letters(self, reasons: Iterable[str]) -> None:
        """Count dead letters by reason."""
        for reason, count in Counter(reasons).items():
            self._dead_letters.add(count, {**self._attributes, "spikewatch.reason": reason})

    def retried(self, error: BaseException) -> None:
        """Count one more attempt at a batch."""
        self._retries.add(1, {**self._attributes, _ERROR: type(error).__name__})
