"""What became of a submission, record by record, as its agency may read it."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from spikewatch.ingest.domain.rejection import Rejected

__all__ = ["Receipt", "RecordOutcome", "Result"]


class Result(StrEnum):
    """What one record became."""

    REPORT = "report"
    DUPLICATE = "duplicate"
    NOT_AN_OVERDOSE = "not_an_overdose"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class RecordOutcome:
    """What one record became.

    ``report_id`` and ``revision`` are those of the report, or of the known report that it repeats. The rest is set for
    rejected records only. ``index`` -1 stands for the submission as a whole.
    """

    index: int
    result: Result
    report_id: UUID | None = None
    revision: int | None = None
    reason: str | None = None
    field: str | None = None
    problem: str | None = None
    expected: str | None = None
    example: str | None = None
    topic: str | None = None

    @classmethod
    def refused(cls, index: int, rejected: Rejected, topic: str) -> "RecordOutcome":
        """Return the outcome of a rejected record that waits in the dead-letter topic."""
        return cls(
            index=index,
            result=Result.REJECTED,
            reason=rejected.fault.value,
            field=rejected.field,
            problem=rejected.problem,
            expected=rejected.expected,
            example=rejected.example,
            topic=topic,
        )


@dataclass(frozen=True, slots=True)
class Receipt:
    """What is known about one submission.

    ``is_part`` is set where a single record came again alone: only its outcome is known then.
    """

    submission_id: UUID
    agency_id: str
    received_at: datetime
    format: str
    records: int
    outcomes: tuple[RecordOutcome, ...] = field(default=())
    is_part: bool = False

    def counts(self) -> dict[str, int]:
        """Return how many records became what; a submission refused as a whole counts as one rejected."""
        found = Counter(outcome.result.value for outcome in self.outcomes)
        return {result.value: found[result.value] for result in Result}
