"""Log lines as JSON objects with the trace they belong to; secrets and record contents never reach them.

The rule is kept by the callers, who log constant messages and structure; this module only makes the line.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, Final

from opentelemetry import trace
from typing_extensions import override

__all__ = ["JsonFormatter", "TextFormatter", "configure"]

# What every LogRecord has; the rest was given by `extra`.
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "taskName",
    "otelSpanID",
    "otelTraceID",
    "otelServiceName",
}


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}


def _error_type(record: logging.LogRecord) -> str | None:
    return record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else None


def _where(record: logging.LogRecord) -> list[str]:
    """Return the frames of an exception without its message: a message may quote the record that caused it."""
    frames, traceback = [], record.exc_info[2] if record.exc_info else None
    while traceback is not None:
        code = traceback.tb_frame.f_code
        frames.append(f"{code.co_filename.rpartition('/')[2]}:{traceback.tb_lineno} {code.co_name}")
        traceback = traceback.tb_next
    return frames[-12:]


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    @override
    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "service": self._service,
            "logger": record.name,
            "message": record.getMessage(),
        }
        context = trace.get_current_span().get_span_context()
        if context.is_valid:
            line["trace_id"] = trace.format_trace_id(context.trace_id)
            line["span_id"] = trace.format_span_id(context.span_id)
        line |= _extra(record)
        if (error := _error_type(record)) is not None:
            line |= {"error_type": error, "error_at": _where(record)}
        return json.dumps(line, default=str, ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """A line for a person at a terminal."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        extra = " ".join(f"{name}={value}" for name, value in _extra(record).items())
        moment = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S")
        error = _error_type(record)
        tail = f" [{error} at {' < '.join(reversed(_where(record)))}]" if error else ""
        return f"{moment} {record.levelname:<7} {record.getMessage()} {extra}{tail}".rstrip()


def configure(*, service: str, level: str, form: str) -> None:
    """Send all log lines of the process to standard error in one form."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(service) if form == "json" else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # Libraries that report each request or command; the chassis reports what matters of them.
    for name in ("aiokafka", "faststream", "pymongo", "uvicorn", "grpc", "httpx", "urllib3", "opentelemetry"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # An ordinary rebalance or restart of the broker is logged there as an error with a stack for each retry.
    logging.getLogger("aiokafka.consumer.group_coordinator").setLevel(logging.CRITICAL)
