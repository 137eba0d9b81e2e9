"""Late spans as OTLP, written field by field.

The SDK builds a protobuf object for a span, for each attribute and for each link before it writes any byte: some forty
microseconds a span, a sixth of all the pipeline's work where every record has spans. What a late span can hold is little,
and most of it comes again and again, so its bytes are put together here instead. Everything else is the SDK's to encode;
two requests written one behind the other are one request, as repeated fields add up.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from struct import Struct
from typing import Final

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import Link, SpanContext, SpanKind
from opentelemetry.util.types import AttributeValue

from spikewatch.chassis.telemetry.late_span import LateSpan

__all__ = ["encode"]

# Tags of opentelemetry/proto/trace/v1/trace.proto: (number << 3) | kind, which is 0 varint, 1 eight bytes, 2 counted bytes, 5 four bytes.
_TRACE_ID: Final = b"\x0a\x10"
_SPAN_ID: Final = b"\x12\x08"
_PARENT_ID: Final = b"\x22\x08"
_NAME: Final = b"\x2a"
_KINDS: Final = {kind: b"\x30" + bytes((kind.value + 1,)) for kind in SpanKind}
_TIMES: Final = Struct("<cQcQ")  # start under tag 7, end under tag 8
_ATTRIBUTE: Final = b"\x4a"
_LINK: Final = b"\x6a"
_LINK_FLAGS: Final = b"\x35"
_STATUS_ERROR: Final = b"\x7a\x02\x18\x02"
_FLAGS: Final = b"\x85\x01"
_IS_LOCAL: Final = (0x100).to_bytes(4, "little")  # whether it is remote is known, and it is not
_IS_REMOTE: Final = (0x300).to_bytes(4, "little")
_SPANS: Final = b"\x12"
_SCOPE_SPANS: Final = b"\x12"
_RESOURCE_SPANS: Final = b"\x0a"
_SHORT: Final = 32  # characters; what is longer is an id or a text that does not come again


def encode(spans: Sequence[ReadableSpan]) -> bytes:
    """Return the OTLP request that exports some spans."""
    late = [span for span in spans if isinstance(span, LateSpan)]
    others = [span for span in spans if not isinstance(span, LateSpan)]
    request = encode_spans(others).SerializeToString() if others else b""
    return request + _request_of(late) if late else request


def _request_of(spans: Sequence[LateSpan]) -> bytes:
    """Return a request of late spans; they share one resource, the process, and one scope, the chassis."""
    first = spans[0]
    scope = first.instrumentation_scope
    head = _counted(b"\x0a", _counted(b"\x0a", scope.name.encode())) if scope is not None else b""
    body = head + b"".join([_counted(_SPANS, _span(span)) for span in spans])
    return _counted(_RESOURCE_SPANS, _resource(first.resource) + _counted(_SCOPE_SPANS, body))


def _resource(resource: Resource) -> bytes:
    return _counted(b"\x0a", b"".join(_counted(b"\x0a", _attribute(key, value)) for key, value in resource.attributes.items()))


def _span(span: LateSpan) -> bytes:
    context, parent = span.get_span_context(), span.parent
    parts = [_TRACE_ID, context.trace_id.to_bytes(16), _SPAN_ID, context.span_id.to_bytes(8)]
    if parent is not None:
        parts += (_PARENT_ID, parent.span_id.to_bytes(8), _FLAGS, _IS_REMOTE if parent.is_remote else _IS_LOCAL)
    parts += (_text(_NAME, span.name), _KINDS[span.kind], _TIMES.pack(b"\x39", span.start_time or 0, b"\x41", span.end_time or 0))
    parts += [_attribute_of_span(key, value) for key, value in span.attributes.items()]
    parts += _links(span.links)
    if not span.status.is_unset and not span.status.is_ok:
        parts.append(_STATUS_ERROR)
    return b"".join(parts)


def _links(links: Iterable[Link]) -> list[bytes]:
    return [_counted(_LINK, _link(link.context)) for link in links]


def _link(context: SpanContext) -> bytes:
    flags = _IS_REMOTE if context.is_remote else _IS_LOCAL
    return b"".join((_TRACE_ID, context.trace_id.to_bytes(16), _SPAN_ID, context.span_id.to_bytes(8), _LINK_FLAGS, flags))


def _attribute_of_span(key: str, value: AttributeValue) -> bytes:
    if isinstance(value, str) and len(value) <= _SHORT:
        return _known_attribute(key, value)
    return _counted(_ATTRIBUTE, _attribute(key, value))


@lru_cache(maxsize=4096)
def _known_attribute(key: str, value: str) -> bytes:
    return _counted(_ATTRIBUTE, _attribute(key, value))


def _attribute(key: str, value: AttributeValue) -> bytes:
    """Return a KeyValue; numbers and booleans keep their type, everything else is written as text."""
    match value:
        case bool():
            return _text(b"\x0a", key) + (b"\x12\x02\x10\x01" if value else b"\x12\x02\x10\x00")
        case int():
            return _text(b"\x0a", key) + _counted(b"\x12", b"\x18" + _varint(value & 0xFFFF_FFFF_FFFF_FFFF))
        case _:
            return _text(b"\x0a", key) + _counted(b"\x12", _text(b"\x0a", str(value)))


@lru_cache(maxsize=4096)  # keys, names of topics and collections
def _text(tag: bytes, text: str) -> bytes:
    return _counted(tag, text.encode())


def _counted(tag: bytes, content: bytes) -> bytes:
    size = len(content)
    return tag + (bytes((size,)) if size < 0x80 else _varint(size)) + content


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
