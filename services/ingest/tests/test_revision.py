from datetime import UTC, datetime
from itertools import permutations
from typing import Any
from uuid import UUID

from spikewatch.contracts.identifiers import report_id
from spikewatch.contracts.vocabulary import SourceType
from spikewatch.ingest.domain.feeds import FEEDS
from spikewatch.ingest.domain.feeds.feed import NotAnOverdose, Reading, Source
from spikewatch.ingest.domain.revision import REVISION_REUSED, History, Settled, is_overtaken, settle, settle_withdrawal

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


def nothing(submission: UUID, revision: int) -> NotAnOverdose:
    return NotAnOverdose(reading(submission).report.changed(withdrawn=True), revision)


def test_whatever_the_order_the_latest_stated_revision_decides_whether_there_is_an_overdose() -> None:
    said: list[Reading | NotAnOverdose] = [reading(FIRST, revision=10), nothing(SECOND, 20), reading(THIRD, revision=30, outcome="fatal")]
    for last in (1, 2):  # without the third it is no overdose, with it one that was fatal
        for order in permutations(said[: last + 1]):
            stored = History(reading(FIRST).report.report_key)
            for _ in range(2):  # a second time, as when all is sent again
                for one in order:
                    if isinstance(one, NotAnOverdose):
                        settle_withdrawal(stored, one, 0)
                    elif not is_overtaken(stored, one):
                        settle(stored, one, 0)
            known = {past.revision for past in stored.known}
            assert max(known, default=0) in ({20, 0} if last == 1 else {30})
            assert stored.is_changed, "what orders is stored"


def test_a_source_that_states_no_revision_leaves_nothing_to_store() -> None:
    history = History(reading(FIRST).report.report_key)
    assert settle_withdrawal(history, NotAnOverdose(reading(FIRST).report), 0) is None
    assert not history.is_changed
    assert not is_overtaken(history, reading(SECOND))
