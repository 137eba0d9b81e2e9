"""Traces, metrics and logs by the standard OpenTelemetry variables alone."""
