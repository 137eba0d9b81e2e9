"""The use case of reclassifying: stored reports get new revisions where the vocabulary or the definitions of today say otherwise."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from spikewatch.chassis.outcome import Transient
from spikewatch.contracts.identifiers import report_id
from spikewatch.contracts.report import Report
from spikewatch.ingest.domain.revision import History, Revision, content_digest
from spikewatch.ingest.ports import Publisher, Revisions
from spikewatch.ingest.service import report_message

__all__ = ["Applied", "apply", "latest", "renumbered"]

_BATCH: Final = 500
_ATTEMPTS: Final = 5
_NO_RECORD: Final = -1  # the index of a revision that came with no record: no redelivery takes it for its own


@dataclass(frozen=True, slots=True)
class Applied:
    """What was published, and how many reports an agency changed meanwhile (run again for those)."""

    published: int
    overtaken: int


def latest(reports: Iterable[Report]) -> list[Report]:
    """Return the highest revision of each report, in the order the reports first came."""
    found: dict[object, Report] = {}
    for report in reports:
        known = found.get(report.report_key)
        if known is None or report.revision >= known.revision:
            found[report.report_key] = report
    return list(found.values())


async def apply(changed: Sequence[tuple[Report, Report]], revisions: Revisions, publisher: Publisher) -> Applied:
    """Publish new revisions.

    A number is entered into the report's history before the revision is published, guarded by the history's version. A run that
    ended between the two is taken up by the next: it finds the entry and publishes it.

    Args:
        changed: the latest published revision of a report, and what it should say.
        revisions: the histories of ingest.
        publisher: acknowledged publishing.

    Raises:
        Transient: a store or the broker does not answer, or others kept changing the same reports.
    """
    published = overtaken = 0
    for first in range(0, len(changed), _BATCH):
        batch = changed[first : first + _BATCH]
        ready = await _entered(batch, revisions)
        await publisher.send([report_message(report) for report in ready])
        published += len(ready)
        overtaken += len(batch) - len(ready)
    return Applied(published, overtaken)


async def _entered(batch: Sequence[tuple[Report, Report]], revisions: Revisions) -> list[Report]:
    keys = [before.report_key for before, _ in batch]
    for attempt in range(_ATTEMPTS):
        histories = await revisions.load(keys)
        ready: list[Report] = []
        entered: list[History] = []
        for before, after in batch:
            history = histories.get(before.report_key) or _refounded(before)
            number = _number(history, before, after)
            if number is None:
                continue
            if history.is_changed:
                entered.append(history)
            ready.append(renumbered(after, number))
        try:
            if entered:
                await revisions.save(entered)
        except Transient:
            if attempt == _ATTEMPTS - 1:
                raise
            continue
        return ready
    raise AssertionError  # the last attempt returns or raises


def _refounded(report: Report) -> History:
    """Return the history of a report whose own is past its retention: it knows the revision that stands."""
    return History(report.report_key, revisions=[Revision(report.revision, content_digest(report), report.submission_id, _NO_RECORD)])


def _number(history: History, before: Report, after: Report) -> int | None:
    """Return the number of the new revision, entered if it is new; None where a later revision is on its way."""
    digest = content_digest(after)
    later = [past for past in history.revisions if past.revision > before.revision]
    for past in later:
        if past.index == _NO_RECORD and past.digest == digest:
            return past.revision
    if later:
        return None
    history.revisions.append(Revision(before.revision + 1, digest, after.submission_id, _NO_RECORD))
    history.is_changed = True
    return before.revision + 1


def renumbered(report: Report, number: int) -> Report:
    """Return the report as the revision of this number."""
    identity = report_id(report.source_agency_id, report.source_record_id, number)
    return report.model_copy(update={"report_id": identity, "revision": number})
