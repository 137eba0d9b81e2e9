"""Sends finished spans to the collector over OTLP/HTTP, late ones in our own encoding."""

from collections.abc import Sequence

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from typing_extensions import override

from spikewatch.chassis.telemetry.span_encoding import encode

__all__ = ["SpanExporter"]


class SpanExporter(OTLPSpanExporter):
    """The SDK's exporter, with its address, headers, certificates and retries from the environment."""

    @override
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if self._shutdown:
            return SpanExportResult.FAILURE
        return SpanExportResult.SUCCESS if self._client.export(encode(spans)).success else SpanExportResult.FAILURE
