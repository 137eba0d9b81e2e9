"""Messages on their way out and records on their way in, free of any client library's types."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from opentelemetry import context as otel_context
from opentelemetry import trace

from spikewatch.contracts.cloudevents import Attributes
from spikewatch.contracts.identifiers import event_id
from spikewatch.contracts.topics import EventType, Topic

__all__ = ["Body", "Event", "Message", "Record"]


class Body(Protocol):
    """What a contract model offers to be sent."""

    def to_json(self) -> bytes:
        """Return the wire form."""
        ...


@dataclass(slots=True)  # not frozen: one is made for every record, and that costs four times as much
class Record:
    """One consumed Kafka record, undecoded. Headers stay bytes: a record from outside may hold anything."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    timestamp: datetime

    def header(self, name: str) -> bytes | None:
        """Return the last value of a header, or None."""
        for key, value in reversed(self.headers):
            if key == name:
                return value
        return None


@dataclass(slots=True)
class Message:
    """One CloudEvent to publish.

    ``body`` None is a tombstone. ``partition_by`` is set where the topic is partitioned by a part of its key.
    ``also_caused_by`` lists further records of the batch (by index) that the message follows from; its trace
    parent is the record whose outcome carries it, the others are linked.
    """

    topic: Topic
    key: str
    body: Body | bytes | None
    event_type: EventType
    event_id: str
    source: str
    time: datetime | None = None
    subject: str | None = None
    partition_by: str | None = None
    headers: tuple[tuple[str, bytes], ...] = ()
    content_type: str = "application/json"
    also_caused_by: tuple[int, ...] = ()

    @classmethod
    def of(
        cls,
        topic: Topic,
        body: Body | bytes | None,
        *,
        key: str,
        event_type: EventType,
        subject: UUID | str,
        version: object,
        source: str,
        time: datetime | None = None,
        partition_by: str | None = None,
        also_caused_by: tuple[int, ...] = (),
    ) -> "Message":
        """Build a message whose ``ce_id`` follows from type, subject and version, so that a replay repeats it."""
        subject = str(subject)  # once: a UUID makes its text anew each time
        return cls(
            topic=topic,
            key=key,
            body=body,
            event_type=event_type,
            event_id=str(event_id(event_type, subject, version)),
            source=source,
            time=time,
            subject=subject,
            partition_by=partition_by,
            also_caused_by=also_caused_by,
        )


M_co = TypeVar("M_co", covariant=True)


@dataclass(slots=True)
class Event(Generic[M_co]):
    """A decoded record: its CloudEvent attributes and its body (None for a tombstone)."""

    record: Record
    attributes: Attributes
    body: M_co | None
    span: trace.Span = field(default=trace.INVALID_SPAN, compare=False, repr=False)

    @property
    def trace_id(self) -> str | None:
        """The trace this record belongs to, 32 hex digits; None when nothing is traced."""
        span_context = self.span.get_span_context()
        return trace.format_trace_id(span_context.trace_id) if span_context.is_valid else None

    @property
    def key(self) -> str:
        """The record key as text; undecodable bytes become replacement characters."""
        return (self.record.key or b"").decode(errors="replace")

    @contextmanager
    def as_current(self) -> Iterator[None]:
        """Make this record's span the current one, so that calls inside belong to its trace."""
        token = otel_context.attach(trace.set_span_in_context(self.span))
        try:
            yield
        finally:
            otel_context.detach(token)
