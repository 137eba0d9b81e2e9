"""One trace as a tree of spans across services, with the spans of other traces that link to it.

A batch's span links to the records it was made of, and a record from outside starts a trace of its own that links to its
sender's: both are shown below the span they point to, marked as linked.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as WireSpan
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from spikewatch.cli.stack.trace_store import TraceStore

__all__ = ["Branch", "Link", "Span", "decode", "draw", "find_trace", "newest_trace", "tree"]

_MOST_LINKED_TRACES: Final = 20  # one alert's trace is linked by a few batches; a hub's is not worth a thousand queries
_RECENT_SPANS: Final = 20_000  # how far back "latest" looks for a trace that crossed many services
_KINDS: Final = {kind.number: kind.name.removeprefix("SPAN_KIND_").lower() for kind in WireSpan.SpanKind.DESCRIPTOR.values}


@dataclass(frozen=True, slots=True)
class Link:
    """A pointer from one span to another, of any trace; ids in hexadecimal."""

    trace_id: str
    span_id: str


@dataclass(frozen=True, slots=True)
class Span:
    """One finished span. Instants are nanoseconds since 1970 in UTC."""

    trace_id: str
    span_id: str
    parent_id: str | None
    service: str
    name: str
    kind: str
    start_ns: int
    end_ns: int
    is_error: bool
    attributes: dict[str, str]
    links: tuple[Link, ...]

    @property
    def started_at(self) -> datetime:
        """When it began, in UTC, to the microsecond."""
        return datetime.fromtimestamp(self.start_ns / 1e9, tz=UTC)

    @property
    def duration_ms(self) -> float:
        """How long it took, in milliseconds."""
        return (self.end_ns - self.start_ns) / 1e6


@dataclass(frozen=True, slots=True)
class Branch:
    """A span and what stands below it; ``is_linked`` when it points here from another trace instead of being a child."""

    span: Span
    branches: tuple["Branch", ...]
    is_linked: bool = False

    def spans(self) -> Iterator[Span]:
        """Return all spans of the branch, depth first."""
        yield self.span
        for branch in self.branches:
            yield from branch.spans()


def decode(body: bytes) -> list[Span]:
    """Decode one OTLP request; a request that is not one gives no spans."""
    request = ExportTraceServiceRequest()
    try:
        request.ParseFromString(body)
    except Exception:  # noqa: BLE001  # protobuf's DecodeError has moved between releases; one broken request must not hide a trace
        return []
    found = []
    for resource in request.resource_spans:
        service = next((a.value.string_value for a in resource.resource.attributes if a.key == "service.name"), "unknown")
        found += [_span(service, wire) for scope in resource.scope_spans for wire in scope.spans]
    return found


def find_trace(store: TraceStore, trace_id: str) -> list[Span]:
    """Return the spans of a trace, and of the traces that link to it."""
    mentioned = [span for body in store.holding(bytes.fromhex(trace_id)) for span in decode(body)]
    own = {span.span_id: span for span in mentioned if span.trace_id == trace_id}
    linking = {span.trace_id for span in mentioned if span.trace_id != trace_id and any(link.trace_id == trace_id for link in span.links)}
    for other in sorted(linking)[:_MOST_LINKED_TRACES]:
        own |= {span.span_id: span for body in store.holding(bytes.fromhex(other)) for span in decode(body) if span.trace_id == other}
    return sorted(own.values(), key=lambda span: span.start_ns)


def newest_trace(store: TraceStore) -> str | None:
    """Return the newest of the recent traces that crossed the most services; None when there is none."""
    services: dict[str, set[str]] = defaultdict(set)  # in order of first sight: the newest first
    seen = 0
    for body in store.newest():
        for span in sorted(decode(body), key=lambda span: -span.end_ns):
            services[span.trace_id].add(span.service)
            seen += 1
        if seen >= _RECENT_SPANS:
            break
    return max(services, key=lambda trace_id: len(services[trace_id]), default=None)


def tree(spans: Sequence[Span], trace_id: str) -> list[Branch]:
    """Arrange spans below their parents, and linking spans of other traces below the span they point to; roots first to last.

    A span whose parent was never received is a root: better a tree with a gap than none.
    """
    known = {span.span_id for span in spans}
    children: dict[str, list[tuple[Span, bool]]] = defaultdict(list)
    roots = []
    for span in spans:
        target = next((link.span_id for link in span.links if link.trace_id == trace_id and link.span_id in known), None)
        if span.trace_id != trace_id and target is not None:
            children[target].append((span, True))
        elif span.parent_id is not None and span.parent_id in known:
            children[span.parent_id].append((span, False))
        elif span.trace_id == trace_id:
            roots.append(span)

    def branch(span: Span, *, is_linked: bool, above: frozenset[str]) -> Branch:
        below = sorted(children[span.span_id], key=lambda child: child[0].start_ns)
        inside = above | {span.span_id}  # a cycle of ids from a broken exporter must end
        return Branch(
            span, tuple(branch(s, is_linked=linked, above=inside) for s, linked in below if s.span_id not in inside), is_linked=is_linked
        )

    return [branch(root, is_linked=False, above=frozenset()) for root in sorted(roots, key=lambda span: span.start_ns)]


def draw(branches: Iterable[Branch]) -> list[str]:
    """Draw the tree as lines: service, name, offset from the first span, duration, key attributes."""
    roots = list(branches)
    if not roots:
        return []
    begin = min(span.start_ns for root in roots for span in root.spans())
    lines: list[str] = []

    def walk(branch: Branch, lead: str, below: str) -> None:
        lines.append(lead + _line(branch, begin))
        for position, child in enumerate(branch.branches):
            is_last = position == len(branch.branches) - 1
            walk(child, below + ("└─ " if is_last else "├─ "), below + ("   " if is_last else "│  "))

    for root in roots:
        walk(root, "", "")
    return lines


# Attributes of the semantic conventions that help a person, with the label they get.
_SHOWN: Final = {
    "messaging.destination.name": "topic",
    "messaging.destination.partition.id": "partition",
    "messaging.kafka.offset": "offset",
    "messaging.batch.message_count": "records",
    "http.request.method": "method",
    "http.route": "route",
    "http.response.status_code": "status",
    "rpc.method": "call",
    "rpc.grpc.status_code": "code",
    "db.collection.name": "collection",
    "error.type": "error",
}


def _line(branch: Branch, begin: int) -> str:
    span = branch.span
    shown = [f"{label}={span.attributes[key]}" for key, label in _SHOWN.items() if key in span.attributes]
    # What is already in the name ("process overdose.reports.v1") is not said twice.
    shown = [text for text in shown if text.split("=", 1)[1] not in span.name.split()]
    shown += [f"{key}={value}" for key, value in span.attributes.items() if key.startswith("spikewatch.")]
    mark = f"⇢ linked trace {span.trace_id[:8]}… " if branch.is_linked else ""
    backward = [link for link in span.links if link.trace_id != span.trace_id] if not branch.is_linked else []
    follows = f" (follows trace {backward[0].trace_id})" if backward else ""
    error = " ERROR" if span.is_error else ""
    offset = (span.start_ns - begin) / 1e6
    extra = f"  {' '.join(shown)}" if shown else ""
    return f"{mark}{span.service}: {span.name}  +{offset:.1f} ms, {span.duration_ms:.1f} ms{error}{extra}{follows}"


def _span(service: str, wire: WireSpan) -> Span:
    return Span(
        trace_id=wire.trace_id.hex(),
        span_id=wire.span_id.hex(),
        parent_id=wire.parent_span_id.hex() or None,
        service=service,
        name=wire.name,
        kind=_KINDS.get(wire.kind, "internal"),
        start_ns=wire.start_time_unix_nano,
        end_ns=wire.end_time_unix_nano,
        is_error=wire.status.code == Status.StatusCode.STATUS_CODE_ERROR,
        attributes={attribute.key: _text(attribute.value) for attribute in wire.attributes},
        links=tuple(Link(link.trace_id.hex(), link.span_id.hex()) for link in wire.links),
    )


def _text(value: AnyValue) -> str:
    kind = value.WhichOneof("value")
    if kind is None:
        return ""
    if kind == "array_value":
        return ",".join(_text(part) for part in value.array_value.values)
    return str(getattr(value, kind))
