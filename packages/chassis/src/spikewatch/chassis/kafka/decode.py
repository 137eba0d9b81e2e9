"""From a consumed record to a decoded event, or to the dead letter that says why not. Never raises for content."""

from collections.abc import Callable
from functools import partial
from typing import Any

from pydantic import TypeAdapter, ValidationError

from spikewatch.chassis.kafka.message import Record
from spikewatch.chassis.outcome import DeadLetter, Reason
from spikewatch.contracts.cloudevents import Attributes, CloudEventError, read
from spikewatch.contracts.reading import read_json
from spikewatch.contracts.topics import Topic

__all__ = ["Decoder", "first_problem"]

_REASONS = {"json_invalid": Reason.MALFORMED, "missing": Reason.MISSING_FIELD, "timezone_aware": Reason.NAIVE_TIME}


class Decoder:
    """Decodes the records of one topic; ``read_value`` in place of its model, where there is a cheaper way to the same."""

    def __init__(self, topic: Topic, *, most_bytes: int, read_value: Callable[[bytes], Any] | None = None) -> None:
        if read_value is None and topic.model is not None:
            read_value = partial(read_json, TypeAdapter(topic.model))
        self._read_value = read_value
        self._types = frozenset(topic.event_types)
        self._expected_types = " or ".join(topic.event_types)
        self._takes_tombstones = topic.cleanup == "compact"
        self._most_bytes = most_bytes

    def __call__(self, record: Record) -> tuple[Attributes, Any] | DeadLetter:
        """Return attributes and body (None for a tombstone), or what is wrong with the record."""
        size = len(record.value) if record.value is not None else 0
        if size > self._most_bytes:
            return DeadLetter(
                Reason.TOO_LARGE, problem=f"the value has {size} bytes", expected=f"at most {self._most_bytes} bytes; split the submission"
            )
        try:
            attributes, value = read(record.headers, record.value)
        except CloudEventError as error:
            return DeadLetter(Reason.NOT_A_CLOUD_EVENT, field=error.field, problem=error.problem, expected=error.expected)
        if attributes.type not in self._types:
            return DeadLetter(
                Reason.UNKNOWN_EVENT_TYPE, field="ce_type", problem="is not a type of this topic", expected=self._expected_types
            )
        if value is None:
            if self._takes_tombstones:
                return attributes, None
            return DeadLetter(Reason.MALFORMED, field="value", problem="is null", expected="a body; this topic has no tombstones")
        if self._read_value is None:
            return attributes, value
        try:
            return attributes, self._read_value(value)
        except ValidationError as error:
            return first_problem(error)


def first_problem(error: ValidationError) -> DeadLetter:
    """Return the dead letter for a validation error: field and problem of its first finding, never the value."""
    finding = error.errors(include_input=False, include_url=False, include_context=False)[0]
    field = ".".join(str(part) for part in finding["loc"]) or "value"
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    reason = _REASONS.get(finding["type"], Reason.INVALID_FIELD)
    return DeadLetter(reason, field=field, problem=finding["msg"] + more, expected=f"what the schema says of {field}")
