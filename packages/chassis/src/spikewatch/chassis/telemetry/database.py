"""Spans of calls to MongoDB by the semantic conventions: one a call, made beside the call and not in the driver.

The driver's own monitoring makes an event object for the start and the end of each command, in the thread that runs it. A
call's span tells the same to a reader and costs a tenth. Never a document: those hold person-level fields.
"""

from typing import Final

from opentelemetry import trace
from opentelemetry.trace import SpanKind
from opentelemetry.util.types import AttributeValue

from spikewatch.chassis.telemetry.late_span import LateSpan, late_spans_are_recorded

__all__ = ["start_call_span"]

_SYSTEM: Final = "db.system.name"
_NAMESPACE: Final = "db.namespace"
_COLLECTION: Final = "db.collection.name"
_OPERATION: Final = "db.operation.name"
_BATCH: Final = "db.operation.batch.size"


def start_call_span(operation: str, database: str, collection: str, *, writes: int = 1) -> LateSpan | None:
    """Start the span of one call below the current one; None where nothing is traced.

    ``writes`` is how many operations a bulk write holds.
    """
    parent = trace.get_current_span().get_span_context()
    if not parent.trace_flags.sampled or not late_spans_are_recorded():
        return None
    attributes: dict[str, AttributeValue] = {
        _SYSTEM: "mongodb",
        _NAMESPACE: database,
        _COLLECTION: collection,
        _OPERATION: operation,
    }
    if writes > 1:
        attributes[_BATCH] = writes
    return LateSpan(f"{operation} {collection}", parent, SpanKind.CLIENT, attributes)
