"""A span that is built when it ends. It costs a fifth of the SDK's own, which matters where every record has one.

Only for spans below a sampled parent: nothing remains to be decided about them, and start, end and attributes are all known
at the end. Everything else goes through the tracer. It is the SDK's `ReadableSpan` too, so that the same processor takes it.
"""

import time
from collections.abc import Sequence
from typing import Final

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState
from opentelemetry.util.types import AnyValue, AttributeValue
from typing_extensions import override

__all__ = ["LateSpan", "PassingSpan", "late_spans_are_recorded", "passing_span", "record_late_spans"]

_SCOPE: Final = InstrumentationScope("spikewatch.chassis")
_UNSET: Final = Status(StatusCode.UNSET)
_SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)
_new_span_id = RandomIdGenerator().generate_span_id
_no_state: Final = TraceState()


class _Sink:
    """Where finished spans go; nowhere until telemetry is set up."""

    def __init__(self) -> None:
        self.processor: SpanProcessor | None = None
        self.resource = Resource({})


_sink = _Sink()


def record_late_spans(processor: SpanProcessor | None, resource: Resource) -> None:
    """Hand late spans to a processor; None drops them, but their contexts still travel."""
    _sink.processor, _sink.resource = processor, resource


def late_spans_are_recorded() -> bool:
    """Tell whether anybody takes late spans; those that carry no context onwards need not be made otherwise."""
    return _sink.processor is not None


def passing_span(parent: SpanContext) -> NonRecordingSpan:
    """Return the child of a sampled parent where nobody takes spans: its context travels on, and nothing is kept of it."""
    return NonRecordingSpan(_child_of(parent))


class PassingSpan(NonRecordingSpan):
    """As ``passing_span`` makes it, of a header that is a sampled parent's: hardly any record's span is ever asked for its context."""

    def __init__(self, header: bytes) -> None:
        self._header = header
        self._made: SpanContext | None = None

    @override
    def __repr__(self) -> str:
        return f"PassingSpan({self.get_span_context()!r})"

    @override
    def get_span_context(self) -> SpanContext:
        if self._made is None:
            trace_id, span_id = int(self._header[3:35], 16), int(self._header[36:52], 16)
            self._made = _child_of(SpanContext(trace_id, span_id, is_remote=True, trace_flags=_SAMPLED, trace_state=_no_state))
        return self._made


class LateSpan(NonRecordingSpan, ReadableSpan):  # type: ignore[misc]  # both declare _context, and mean the same
    """The child of a sampled parent, recorded at its end. It keeps no events: what goes wrong is its status and attributes."""

    def __init__(
        self, name: str, parent: SpanContext, kind: SpanKind, attributes: dict[str, AttributeValue], links: Sequence[Link] = ()
    ) -> None:
        ReadableSpan.__init__(
            self,
            name,
            _child_of(parent),
            parent=parent,
            resource=_sink.resource,
            kind=kind,
            links=links,
            status=_UNSET,
            start_time=time.time_ns(),
            instrumentation_scope=_SCOPE,
        )
        self._own = attributes
        self._attributes = attributes

    @property
    @override
    def attributes(self) -> dict[str, AttributeValue]:
        return self._own

    @override
    def is_recording(self) -> bool:
        return _sink.processor is not None

    @override
    def set_attribute(self, key: str, value: AnyValue) -> None:
        self._own[key] = value

    @override
    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        self._status = status if isinstance(status, Status) else Status(status, description)

    @override
    def end(self, end_time: int | None = None) -> None:
        if _sink.processor is not None:
            self._end_time = end_time or time.time_ns()
            _sink.processor.on_end(self)


def _child_of(parent: SpanContext) -> SpanContext:
    return SpanContext(parent.trace_id, _new_span_id(), is_remote=False, trace_flags=parent.trace_flags, trace_state=_no_state)
