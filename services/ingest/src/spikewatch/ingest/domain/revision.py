"""Decides whether a reading is a new report, a new revision, or a duplicate; the same input always gives the same answer.

A report's content decides, not its arrival: a redelivered record finds its own entry and comes out as the same revision
again, another record of equal content is a duplicate of the revision that has it.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from spikewatch.contracts.identifiers import report_id
from spikewatch.contracts.report import QualityNote, Report
from spikewatch.ingest.domain.feeds.feed import Reading

__all__ = ["REVISION_REUSED", "History", "Revision", "Settled", "content_digest", "settle"]

REVISION_REUSED: Final = QualityNote(field="revision", code="number_reused")
# What says how and when a report came, not what it says.
_NOT_CONTENT: Final = {"report_id", "report_key", "revision", "received_at", "submission_id", "submission_format", "profile", "trace_id"}


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision of a report that is known already, and the record it came with."""

    revision: int
    digest: bytes
    submission_id: UUID
    index: int


@dataclass(slots=True)
class History:
    """All known revisions of one report; ``version`` counts the stored changes (0: not stored yet)."""

    report_key: UUID
    version: int = 0
    revisions: list[Revision] = field(default_factory=list)
    is_changed: bool = False


@dataclass(frozen=True, slots=True)
class Settled:
    """The answer: the report to publish, or None for a duplicate; and the id and number of the revision that has the content."""

    report: Report | None
    report_id: UUID
    revision: int


def content_digest(report: Report) -> bytes:
    """Return 16 bytes that are equal for reports that say the same."""
    content = report.__pydantic_serializer__.to_json(report, exclude=_NOT_CONTENT, exclude_none=True)
    return hashlib.blake2b(content, digest_size=16).digest()


def settle(history: History, reading: Reading, index: int) -> Settled:
    """Place a reading in its report's history, which is extended when the content is new.

    Args:
        history: the history of this report's key.
        reading: what the record says.
        index: the record's place in its submission.
    """
    report, stated = reading.report, reading.stated_revision
    digest = content_digest(report)
    known = next((past for past in history.revisions if past.digest == digest and stated in {None, past.revision}), None)
    if known is None:
        numbers = {past.revision for past in history.revisions}
        is_reused = stated is not None and stated in numbers
        # A resend of what was renumbered before must find the renumbered entry, not be numbered once more.
        known = next((past for past in history.revisions if is_reused and past.digest == digest), None)
        if known is None:
            number = stated if stated is not None and not is_reused else max(numbers, default=0) + 1
            known = Revision(number, digest, report.submission_id, index)
            history.revisions.append(known)
            history.is_changed = True
    is_same_number = known.revision == report.revision
    identity = report.report_id if is_same_number else report_id(report.source_agency_id, report.source_record_id, known.revision)
    if (known.submission_id, known.index) != (report.submission_id, index):
        return Settled(None, identity, known.revision)
    if is_same_number:
        return Settled(report, identity, known.revision)
    change: dict[str, object] = {"report_id": identity, "revision": known.revision}
    if stated is not None:
        change["quality"] = (*report.quality, REVISION_REUSED)
    return Settled(report.model_copy(update=change), identity, known.revision)
