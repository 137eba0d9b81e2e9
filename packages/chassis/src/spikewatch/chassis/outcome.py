"""What becomes of one consumed record, and the two kinds of failure.

A handler returns one outcome per record and never acts on it itself: only the chassis publishes, dead-letters and
commits, and counts what it did.
"""

from dataclasses import dataclass
from enum import StrEnum

from spikewatch.chassis.kafka.message import Message

__all__ = ["CannotStart", "DeadLetter", "Drop", "Emit", "Outcome", "Permanent", "Reason", "Transient"]


class Reason(StrEnum):
    """Why a record was dead-lettered. Stable and public: operators filter and replay by it."""

    NOT_A_CLOUD_EVENT = "not-a-cloud-event"
    UNKNOWN_EVENT_TYPE = "unknown-event-type"
    TOO_LARGE = "too-large"
    WRONG_ENCODING = "wrong-encoding"
    MALFORMED = "malformed"
    UNSUPPORTED_FORMAT = "unsupported-format"
    MISSING_FIELD = "missing-field"
    INVALID_FIELD = "invalid-field"
    NAIVE_TIME = "naive-time"
    FUTURE_TIME = "future-time"
    OUT_OF_RANGE = "out-of-range"
    UNKNOWN_AGENCY = "unknown-agency"
    SUSPENDED_AGENCY = "suspended-agency"
    UNPROVEN_ORIGIN = "unproven-origin"
    UNEXPECTED_ERROR = "unexpected-error"


class Transient(Exception):  # noqa: N818  # named by its consequence: the attempt is repeated
    """Something outside is not available; the same batch is tried again, nothing is committed."""


class CannotStart(Exception):  # noqa: N818  # named by its consequence
    """The service must not start as it is set up; the text tells the operator what to do. The process ends with status 2."""


class Permanent(Exception):  # noqa: N818  # named by its consequence: the record is dead-lettered
    """The record can never succeed; it is dead-lettered at once, because a retry cures no fault of content.

    Attributes:
        reason: why, for operators and replay filters.
        field: the field at fault, or None.
        problem: what was wrong, without the value itself, which may be personal.
        expected: what would have been right.
        example: a value that would have been accepted.
    """

    def __init__(self, reason: Reason, *, field: str | None = None, problem: str = "", expected: str = "", example: str = "") -> None:
        super().__init__(f"{field or 'record'}: {problem}; expected {expected}")
        self.reason = reason
        self.field = field
        self.problem = problem
        self.expected = expected
        self.example = example


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """The record can never succeed; it waits for a person in the dead-letter topic.

    ``value`` and ``headers`` are set only where one consumed record holds many and a single one of them is
    rejected; otherwise the consumed record itself goes, byte for byte.
    """

    reason: Reason
    field: str | None = None
    problem: str = ""
    expected: str = ""
    example: str = ""
    value: bytes | None = None
    headers: tuple[tuple[str, bytes], ...] | None = None


@dataclass(slots=True)  # not frozen: one is made for every record, and that costs four times as much
class Emit:
    """The record was processed: these messages follow from it, and these parts of it were rejected."""

    messages: tuple[Message, ...] = ()
    rejected: tuple[DeadLetter, ...] = ()


@dataclass(frozen=True, slots=True)
class Drop:
    """The record needs nothing done, for example because it is a known duplicate."""

    reason: str


Outcome = Emit | Drop | DeadLetter
