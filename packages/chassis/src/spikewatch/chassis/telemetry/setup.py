"""OpenTelemetry, set up by its standard environment variables only.

Without ``OTEL_EXPORTER_OTLP_ENDPOINT`` nothing is exported, but trace ids still travel, so that a record can be followed.
"""

import logging
import os
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from opentelemetry import metrics, trace
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from typing_extensions import override

from spikewatch.chassis.telemetry.late_span import record_late_spans
from spikewatch.chassis.telemetry.span_export import SpanExporter

__all__ = ["service_version", "start_telemetry"]

_ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"


class _OnceHashed(Resource):
    """A resource that computes its hash once: the exporter asks for it with every span, and the SDK's writes JSON for it each time."""

    def __init__(self, of: Resource) -> None:
        super().__init__(of.attributes, of.schema_url)
        self._hash = super().__hash__()

    @override
    def __hash__(self) -> int:
        return self._hash

    @override
    def __eq__(self, other: object) -> bool:
        return self is other or super().__eq__(other)


def service_version(service: str) -> str:
    """Return the installed version of a service."""
    try:
        return version(f"spikewatch-{service}")
    except PackageNotFoundError:
        return "0+unknown"


def start_telemetry(service: str, instance: str) -> Callable[[], None]:
    """Install the providers and return what flushes and stops them. Call once a process, after any fork."""
    os.environ.setdefault("OTEL_SERVICE_NAME", f"spikewatch-{service}")
    resource = _OnceHashed(
        Resource.create({"service.namespace": "spikewatch", "service.instance.id": instance, "service.version": service_version(service)})
    )
    # Every record has a span: the default of 2048 is full within a second of heavy load, and what does not fit is dropped.
    os.environ.setdefault("OTEL_BSP_MAX_QUEUE_SIZE", "32768")
    os.environ.setdefault("OTEL_BSP_SCHEDULE_DELAY", "1000")
    # Each export is an HTTP request, which costs as much as a hundred spans.
    os.environ.setdefault("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "2048")
    stops: list[Callable[[], object]] = []
    tracer_provider = TracerProvider(resource=resource)
    if _exports("OTEL_TRACES_EXPORTER"):
        processor = BatchSpanProcessor(SpanExporter())
        tracer_provider.add_span_processor(processor)
        record_late_spans(processor, tracer_provider.resource)
    trace.set_tracer_provider(tracer_provider)
    stops.append(tracer_provider.shutdown)
    if _exports("OTEL_METRICS_EXPORTER"):
        meter_provider = MeterProvider(resource=resource, metric_readers=[PeriodicExportingMetricReader(OTLPMetricExporter())])
        metrics.set_meter_provider(meter_provider)
        stops.append(meter_provider.shutdown)
    if _exports("OTEL_LOGS_EXPORTER"):
        logger_provider = LoggerProvider(resource=resource)
        logger_provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
        logging.getLogger().addHandler(LoggingHandler(logger_provider=logger_provider))
        stops.append(logger_provider.shutdown)

    def stop() -> None:
        for part in stops:
            part()

    return stop


def _exports(variable: str) -> bool:
    """Return whether a signal is exported: an endpoint is set and the signal's exporter is not `none`."""
    return bool(os.environ.get(_ENDPOINT)) and os.environ.get(variable, "otlp") != "none"
