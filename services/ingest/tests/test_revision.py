from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from spikewatch.contracts.identifiers import report_id
from spikewatch.contracts.vocabulary import SourceType
from spikewatch.ingest.domain.feeds import FEEDS
from spikewatch.ingest.domain.feeds.feed import Reading, Source
from spikewatch.ingest.domain.revision import REVISION_REUSED, History, Settled, settle

FIRST, SECOND, THIRD = UUID(int=1), UUID(int=2), UUID(int=3)


def reading(submission: UUID, **fields: Any) -> Reading:
    source = Source("cedar-ems", SourceType.EMS, datetime(2026, 5, 2, tzinfo=UTC), submission, "statutory")
    base = {"record_id": "R-1", "occurred_at": "2026-05-01T14:03:00Z", "zip": "19401", "outcome": "unknown", "reversal_given": "no"}
    found = FEEDS["statutory"].read({**base, **fields}, source)
    assert isinstance(found, Reading)
    return found


def summary(settled: Settled) -> tuple[bool, int]:
    assert settled.report_id == report_id("cedar-ems", "R-1", settled.revision)
    if settled.report is not None:
        assert (settled.report.report_id, settled.report.revision) == (settled.report_id, settled.revision)
    return settled.report is not None, settled.revision


def test_equal_content_is_a_duplicate_and_other_content_the_next_revision() -> None:
    history = History(reading(FIRST).report.report_key)
    assert summary(settle(history, reading(FIRST), 0)) == (True, 1)
    assert summary(settle(history, reading(SECOND), 0)) == (False, 1)
    assert summary(settle(history, reading(SECOND, outcome="fatal"), 1)) == (True, 2)
    assert summary(settle(history, reading(THIRD, outcome="fatal"), 0)) == (False, 2)
    assert summary(settle(history, reading(THIRD), 1)) == (False, 1)


def test_a_redelivered_record_comes_out_as_the_same_revision_and_changes_nothing() -> None:
    history = History(reading(FIRST).report.report_key)
    first = settle(history, reading(FIRST), 0)
    settle(history, reading(SECOND, outcome="fatal"), 0)
    history.is_changed = False
    assert settle(history, reading(FIRST), 0) == first
    assert settle(history, reading(SECOND, outcome="fatal"), 0).revision == 2
    assert not history.is_changed


def test_the_same_record_twice_in_one_submission_is_a_report_and_a_duplicate() -> None:
    history = History(reading(FIRST).report.report_key)
    assert [summary(settle(history, reading(FIRST), index)) for index in (0, 1)] == [(True, 1), (False, 1)]


def test_a_revision_stated_by_the_source_wins() -> None:
    history = History(reading(FIRST).report.report_key)
    assert summary(settle(history, reading(FIRST, revision=4), 0)) == (True, 4)
    assert summary(settle(history, reading(SECOND, revision=2, outcome="fatal"), 0)) == (True, 2)
    assert summary(settle(history, reading(THIRD, outcome="nonfatal"), 0)) == (True, 5)


def test_a_stated_revision_with_other_content_is_numbered_anew_and_noted_also_when_it_comes_again() -> None:
    history = History(reading(FIRST).report.report_key)
    settle(history, reading(FIRST, revision=1), 0)
    again = settle(history, reading(SECOND, revision=1, outcome="fatal"), 0)
    assert summary(again) == (True, 2)
    assert again.report is not None
    assert REVISION_REUSED in again.report.quality
    assert settle(history, reading(SECOND, revision=1, outcome="fatal"), 0) == again
    assert summary(settle(history, reading(THIRD, revision=1, outcome="fatal"), 0)) == (False, 2)
