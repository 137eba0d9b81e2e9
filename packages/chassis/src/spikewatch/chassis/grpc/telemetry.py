"""RPC spans and metrics by the OpenTelemetry semantic conventions (still in development: all names stand here)."""

import time
from collections.abc import Iterable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Final

import grpc
from opentelemetry import context as otel_context
from opentelemetry import metrics, propagate, trace
from opentelemetry.trace import SpanKind, Status, StatusCode

__all__ = ["Call", "client_call", "server_call"]

_SYSTEM: Final = "rpc.system.name"
_METHOD: Final = "rpc.method"
_STATUS: Final = "rpc.response.status_code"
_ERROR: Final = "error.type"
# Seconds: a directory call takes milliseconds, a deadline some seconds.
_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
# Codes that are the server's fault; any other refusal is an answer, not an error of the server's span.
_SERVER_FAULTS: Final = frozenset(
    {
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DATA_LOSS,
    }
)

_tracer = trace.get_tracer("spikewatch.chassis")
_meter = metrics.get_meter("spikewatch.chassis")
_served = _meter.create_histogram(
    "rpc.server.call.duration", unit="s", description="Time a server took for a call.", explicit_bucket_boundaries_advisory=_BUCKETS
)
_called = _meter.create_histogram(
    "rpc.client.call.duration", unit="s", description="Time a client waited for a call.", explicit_bucket_boundaries_advisory=_BUCKETS
)


class Call:
    """A running call; whoever learns its status tells it here."""

    def __init__(self) -> None:
        self.code: grpc.StatusCode = grpc.StatusCode.OK


@contextmanager
def server_call(method: str, metadata: Iterable[tuple[str, str | bytes]]) -> Iterator[Call]:
    """Make a server span current whose parent is the caller's span in the metadata (W3C)."""
    carrier = {key: value for key, value in metadata if isinstance(value, str)}
    token = otel_context.attach(propagate.extract(carrier))
    try:
        with _observed(method, SpanKind.SERVER, _served, _SERVER_FAULTS) as call:
            yield call
    finally:
        otel_context.detach(token)


@contextmanager
def client_call(method: str, carrier: MutableMapping[str, str]) -> Iterator[Call]:
    """Make a client span current and write it into the carrier for the server."""
    with _observed(method, SpanKind.CLIENT, _called, frozenset(grpc.StatusCode) - {grpc.StatusCode.OK}) as call:
        propagate.inject(carrier)
        yield call


@contextmanager
def _observed(method: str, kind: SpanKind, duration: metrics.Histogram, faults: frozenset[grpc.StatusCode]) -> Iterator[Call]:
    name = method.lstrip("/")
    attributes: dict[str, str] = {_SYSTEM: "grpc", _METHOD: name}
    call = Call()
    began = time.perf_counter()
    # Exceptions are not recorded: their text may quote the request.
    with _tracer.start_as_current_span(
        name, kind=kind, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield call
        except BaseException:
            if call.code is grpc.StatusCode.OK:  # nobody told: the caller went away
                call.code = grpc.StatusCode.CANCELLED
            raise
        finally:
            attributes[_STATUS] = call.code.name
            if call.code in faults:
                attributes[_ERROR] = call.code.name
                span.set_status(Status(StatusCode.ERROR))
            span.set_attributes(attributes)
            duration.record(time.perf_counter() - began, attributes)
