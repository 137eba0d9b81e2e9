"""Decides whether a reading is a new report, a new revision, or a duplicate; the same input always gives the same answer.

A report's content decides, not its arrival: a redelivered record finds its own entry and comes out as the same revision
again, another record of equal content is a duplicate of the revision that has it.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Final, NamedTuple
from uuid import UUID

from spikewatch.contracts.identifiers import report_id
from spikewatch.contracts.report import QualityNote, Report
from spikewatch.ingest.domain.feeds.feed import NotAnOverdose, Reading

__all__ = ["REVISION_REUSED", "History", "Revision", "Settled", "content_digest", "is_overtaken", "settle", "settle_withdrawal"]

REVISION_REUSED: Final = QualityNote(field="revision", code="number_reused")
# The digest is of a report's JSON without what says how and when it came (ids, revision, received_at, submission, profile, trace), and
# without what our definitions make of it: a new version of them must not turn every resend into a revision. What counts stands
# together. A comma, a quote, a name, a quote and a colon in a row are never part of a text, where every quote is escaped.
_START: Final = b',"source_agency_id":'
_BEHIND_EVIDENCE: Final = b',"vocabulary":'
_WITHOUT_EVIDENCE: Final = b',"case_definition_hits":'


@dataclass(slots=True)
class Revision:
    """One revision of a report that is known already, and the record it came with.

    A number that is not above 0 is of a record that said "no overdose" before any report was known: the revision that it stated,
    negated, or 0 where it stated none.
    """

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

    @property
    def known(self) -> list[Revision]:
        """The revisions of the report, without the records that said that there is none."""
        return [past for past in self.revisions if past.revision > 0]


class Settled(NamedTuple):
    """The answer: the report to publish, or None for a duplicate; and the id and number of the revision that has the content.

    ``wire`` is the JSON of the report, which its digest was made of.
    """

    report: Report | None
    report_id: UUID
    revision: int
    wire: bytes = b""


def content_digest(report: Report) -> bytes:
    """Return 16 bytes that are equal for reports that say the same."""
    return _digest(report, report.to_json())


def _digest(report: Report, wire: bytes) -> bytes:
    start = wire.index(_START)
    end = wire.index(_WITHOUT_EVIDENCE if report.evidence is None else _BEHIND_EVIDENCE, start)
    # Processors have instructions for this one: it takes half the time of any other.
    return hashlib.sha256(wire[start:end]).digest()[:16]


def settle_withdrawal(history: History, said: NotAnOverdose, index: int) -> Settled | None:
    """Take back a report whose source record is no overdose any more.

    Returns:
        None where there is nothing to take back. The history then remembers the record: in memory, so that it is known by whom it was
        said should the same batch make the report and come again; and stored if it states its revision, so that an older record that
        comes after it is known to be overtaken.
    """
    report = said.report
    if report is None:
        return None
    mark = Revision(-(said.stated_revision or 0), content_digest(report), report.submission_id, index)
    if mark in history.revisions:
        return None
    if not history.known:
        history.revisions.append(mark)
        history.is_changed = history.is_changed or said.stated_revision is not None
        return None
    return settle(history, Reading(report, said.stated_revision), index)


def is_overtaken(history: History, reading: Reading) -> bool:
    """Tell whether the source said as of a later revision, before any report was known, that the record is no overdose."""
    stated = reading.stated_revision
    return stated is not None and any(past.revision < -stated for past in history.revisions)


def settle(history: History, reading: Reading, index: int) -> Settled:
    """Place a reading in its report's history, which is extended when the content is new.

    Args:
        history: the history of this report's key.
        reading: what the record says.
        index: the record's place in its submission.
    """
    report, stated = reading.report, reading.stated_revision
    wire = report.to_json()
    digest = _digest(report, wire)
    if not history.revisions and (stated is None or stated == report.revision):  # as nearly all are
        history.revisions.append(Revision(report.revision, digest, report.submission_id, index))
        history.is_changed = True
        return Settled(report, report.report_id, report.revision, wire)
    revisions = history.known
    known = next((past for past in revisions if past.digest == digest and stated in {None, past.revision}), None) if revisions else None
    if known is None:
        numbers = {past.revision for past in revisions}
        is_reused = stated is not None and stated in numbers
        # A resend of what was renumbered before must find the renumbered entry, not be numbered once more.
        known = next((past for past in revisions if is_reused and past.digest == digest), None)
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
        return Settled(report, identity, known.revision, wire)
    change: dict[str, object] = {"report_id": identity, "revision": known.revision}
    if stated is not None:
        change["quality"] = (*report.quality, REVISION_REUSED)
    renumbered = report.changed(**change)
    return Settled(renumbered, identity, known.revision, renumbered.to_json())
