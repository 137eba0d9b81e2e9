"""Dead letters: the original record byte for byte, with the reason in ``dlq-`` headers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import NAMESPACE_OID, UUID, uuid5

from spikewatch.chassis.kafka.message import Record
from spikewatch.chassis.outcome import DeadLetter

__all__ = ["PREFIX", "Cause", "DeadLetterRecord", "headers_for", "original_headers", "read_cause"]

PREFIX: Final = "dlq-"
# Headers are for people: what does not fit says nothing more.
_LONGEST_TEXT: Final = 500


@dataclass(frozen=True, slots=True)
class Cause:
    """Why and where a record was dead-lettered, as its headers tell."""

    id: UUID
    reason: str
    field: str
    problem: str
    expected: str
    example: str
    exception: str
    topic: str
    partition: int
    offset: int
    group: str
    failed_at: datetime
    service: str


@dataclass(frozen=True, slots=True)
class DeadLetterRecord:
    """A dead letter ready to be written."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]
    reason: str


def headers_for(
    record: Record, letter: DeadLetter, *, index: int, group: str, service: str, at: datetime, exception: str = ""
) -> list[tuple[str, bytes | None]]:
    """Return the original headers followed by the reason headers.

    Args:
        record: the consumed record.
        letter: what is wrong with it, or with a part of it.
        index: 0 for the record itself, 1… for its rejected parts; part of the id that makes a repeated dead letter recognisable.
        group: the consumer group that gave up.
        service: name and version of the service.
        at: when it gave up.
        exception: type of the exception, never its message, which may be personal.
    """
    original = record.headers if letter.headers is None else letter.headers
    place = f"{record.topic}/{record.partition}/{record.offset}/{group}/{index}"
    reasons = {
        "id": str(uuid5(NAMESPACE_OID, place)),
        "reason": letter.reason.value,
        "field": letter.field or "",
        "problem": letter.problem,
        "expected": letter.expected,
        "example": letter.example,
        "exception": exception,
        "topic": record.topic,
        "partition": str(record.partition),
        "offset": str(record.offset),
        "group": group,
        "failed-at": at.astimezone(UTC).isoformat(),
        "service": service,
    }
    kept: list[tuple[str, bytes | None]] = [(name, value) for name, value in original if not name.startswith(PREFIX)]
    kept.extend((PREFIX + name, text[:_LONGEST_TEXT].encode()) for name, text in reasons.items())
    return kept


def original_headers(headers: Sequence[tuple[str, bytes | None]]) -> list[tuple[str, bytes | None]]:
    """Return the headers a dead letter had before it became one."""
    return [(name, value) for name, value in headers if not name.startswith(PREFIX)]


def read_cause(record: Record) -> Cause:
    """Return the cause that a dead letter's headers tell.

    Raises:
        ValueError: the record carries no reason headers, so it is not a dead letter of ours.
    """

    def text(name: str) -> str:
        value = record.header(PREFIX + name)
        return value.decode(errors="replace") if value is not None else ""

    try:
        return Cause(
            id=UUID(text("id")),
            reason=text("reason"),
            field=text("field"),
            problem=text("problem"),
            expected=text("expected"),
            example=text("example"),
            exception=text("exception"),
            topic=text("topic"),
            partition=int(text("partition")),
            offset=int(text("offset")),
            group=text("group"),
            failed_at=datetime.fromisoformat(text("failed-at")),
            service=text("service"),
        )
    except ValueError:
        raise ValueError(f"{record.topic}/{record.partition}@{record.offset} has no dlq- headers: it is not a dead letter") from None
