from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from spikewatch.chassis.telemetry.late_span import LateSpan
from spikewatch.chassis.telemetry.messaging import end_with_error
from spikewatch.chassis.telemetry.span_encoding import encode


def _context(number: int, *, is_remote: bool = True) -> SpanContext:
    return SpanContext(number << 64 | number, number, is_remote=is_remote, trace_flags=TraceFlags(1))


def _decoded(body: bytes) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    request.ParseFromString(body)
    return request


def _wire_spans(request: ExportTraceServiceRequest) -> list[object]:
    return [span for resource in request.resource_spans for scope in resource.scope_spans for span in scope.spans]


def test_late_spans_are_encoded_as_the_sdk_encodes_them(spans):
    attributes = {"text": "überdosis", "long": "x" * 300, "zero": 0, "big": 2**40, "negative": -5, "yes": True, "no": False, "empty": ""}
    links = [Link(_context(7)), Link(_context(8, is_remote=False))]
    made = [LateSpan("process overdose.reports.v1", _context(1), SpanKind.CONSUMER, dict(attributes), links)]
    made += [LateSpan(f"find number-{kind.name}", _context(2, is_remote=False), kind, {}) for kind in SpanKind]
    for span in made:
        span.end()
    failed = LateSpan("bulkWrite alerts", _context(3), SpanKind.CLIENT, {})
    end_with_error(failed, ValueError("secret"))
    made.append(failed)
    expected = encode_spans(made)
    for span in _wire_spans(expected):
        if not span.status.code:
            span.ClearField("status")  # the SDK writes an empty status, which says the same as none
    assert _decoded(encode(made)) == expected


def test_late_and_other_spans_go_in_one_request(spans):
    late = LateSpan("late", _context(1), SpanKind.INTERNAL, {})
    late.end()
    trace.get_tracer("test").start_span("other").end()
    finished = spans.get_finished_spans()
    assert [span.name for span in finished] == ["late", "other"]
    assert {span.name for span in _wire_spans(_decoded(encode(finished)))} == {"late", "other"}
    assert encode([]) == b""


def test_a_status_that_is_no_error_is_not_written_as_one(spans):
    span = LateSpan("fine", _context(1), SpanKind.INTERNAL, {})
    span.set_status(Status(StatusCode.OK))
    span.end()
    assert not _wire_spans(_decoded(encode([span])))[0].status.code


def test_the_resource_of_the_process_is_named(spans):
    span = LateSpan("one", _context(1), SpanKind.INTERNAL, {})
    span._resource = Resource({"service.name": "spikewatch-alerts", "process.pid": 7})
    (resource,) = _decoded(encode([span])).resource_spans
    assert resource.resource == encode_spans([span]).resource_spans[0].resource
