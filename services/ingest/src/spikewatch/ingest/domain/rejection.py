"""Why a submission or one record of it was refused. A rejection never holds the offending value: it may be personal."""

from enum import StrEnum

__all__ = ["Fault", "Rejected"]


class Fault(StrEnum):
    """The kind of fault; the values are those of the dead letters' reasons."""

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


class Rejected(Exception):  # noqa: N818  # named by its consequence: the record becomes no report
    """The record, or the whole submission, can never succeed as it is.

    Attributes:
        fault: the kind of fault.
        field: the field at fault, or None when it is the record as a whole.
        problem: what is wrong, without the value.
        expected: what would be right.
        example: a value that would be accepted.
    """

    def __init__(self, fault: Fault, field: str | None, problem: str, expected: str, example: str = "") -> None:
        super().__init__(f"{field or 'record'}: {problem}; expected {expected}")
        self.fault = fault
        self.field = field
        self.problem = problem
        self.expected = expected
        self.example = example
