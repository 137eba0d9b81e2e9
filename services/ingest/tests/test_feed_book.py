from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikewatch.contracts.feed_health import FeedState
from spikewatch.contracts.report import Report
from spikewatch.contracts.vocabulary import SourceType
from spikewatch.ingest.domain.feed_book import FeedBook, FeedSubmission, health, is_news
from spikewatch.ingest.domain.feeds import FEEDS
from spikewatch.ingest.domain.feeds.feed import Reading, Source
from spikewatch.ingest.domain.receipt import Receipt, RecordOutcome, Result

START = datetime(2026, 5, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def report(received_at: datetime, occurred_at: str, **more: Any) -> Report:
    source = Source("cedar-ems", SourceType.EMS, received_at, UUID(int=1), "statutory", time_zone="America/New_York", county_fips="99001")
    reading = FEEDS["statutory"].read({"occurred_at": occurred_at, "outcome": "unknown", "reversal_given": "unknown", **more}, source)
    assert isinstance(reading, Reading)
    return reading.report


def submission(offset: int, at: datetime, *reports: Report, refused: str | None = None) -> FeedSubmission:
    outcomes = [RecordOutcome(index, Result.REPORT) for index in range(max(1, len(reports)))]
    if refused is not None:
        outcomes.append(RecordOutcome(len(outcomes), Result.REJECTED, reason=refused))
    receipt = Receipt(UUID(int=offset), "cedar-ems", at, "statutory", len(outcomes), tuple(outcomes))
    return FeedSubmission.of(receipt, reports, partition=0, offset=offset)


def hourly(hours: int, *, without: range = range(0)) -> FeedBook:
    book = FeedBook("cedar-ems/statutory")
    for hour in range(hours):
        if hour not in without:
            book.enter(submission(hour, START + hour * HOUR))
    return book


def test_a_feed_is_learnt_before_it_can_be_silent() -> None:
    book = hourly(20)
    known = health(book, START + 40 * HOUR)
    assert (known.state, known.usual_gap_s, known.silent_after) == (FeedState.LEARNING, None, None)


def test_a_feed_that_stops_is_silent_after_half_again_its_usual_pause() -> None:
    book = hourly(72)
    last = START + 71 * HOUR
    assert health(book, last + 1.5 * HOUR).state is FeedState.FLOWING
    silent = health(book, last + 1.6 * HOUR)
    assert (silent.state, silent.since, silent.usual_gap_s) == (FeedState.SILENT, last, 3600.0)
    assert silent.silent_after == last + 1.5 * HOUR


def test_one_outage_does_not_teach_that_outages_are_usual() -> None:
    book = hourly(200, without=range(100, 130))
    assert book.usual_gap() == HOUR


def test_quiet_nights_are_usual() -> None:
    book = FeedBook("cedar-ems/statutory")
    for hour in range(24 * 7):
        if hour % 24 < 16:
            book.enter(submission(hour, START + hour * HOUR))
    assert book.usual_gap() == 9 * HOUR


def test_a_declared_cadence_counts_at_once() -> None:
    book = hourly(1)
    assert health(book, START + 3 * HOUR, declared=HOUR).state is FeedState.SILENT
    assert health(book, START + HOUR, declared=HOUR).state is FeedState.FLOWING


def test_a_fast_feed_is_not_silent_for_a_quarter_of_an_hour() -> None:
    book = FeedBook("cedar-ems/statutory")
    for minute in range(60 * 50):
        book.enter(submission(minute, START + timedelta(minutes=minute)))
    last = START + timedelta(minutes=60 * 50 - 1)
    assert health(book, last + timedelta(minutes=15)).state is FeedState.FLOWING
    assert health(book, last + timedelta(minutes=16)).state is FeedState.SILENT


def test_lateness_and_completeness_are_of_new_reports() -> None:
    book = FeedBook("cedar-ems/statutory")
    prompt = report(START, "2026-04-30T20:00:00-04:00", zip="19401", age="34")
    late = report(START, "2026-04-29T10:00:00-04:00", lat="40.1", lon="-75.3")
    very_late = report(START, "2026-04-20T10:00:00-04:00", city="Springfield", sex="male")
    book.enter(submission(0, START, prompt, late, very_late, refused="invalid-field"))
    known = health(book, START)
    assert (known.new_reports, known.later_than_24_h, known.later_than_72_h) == (3, 2, 1)
    assert (known.records, known.error_rate) == (4, 0.25)
    assert [(one.reason, one.records) for one in known.rejected_by_reason] == [("invalid-field", 1)]
    complete = {one.field: one.share for one in known.completeness}
    assert complete["age"] == pytest.approx(1 / 3)
    assert complete["exact_time"] == 1
    assert complete["county"] == 0, "the home county of the agency is no statement of the record"


def test_a_day_without_its_hour_is_late_only_when_it_certainly_is() -> None:
    received_at = datetime(2026, 5, 2, 12, tzinfo=UTC)
    book = FeedBook("cedar-ems/statutory")
    book.enter(submission(0, received_at, report(received_at, "2026-05-01", zip="19401")))
    assert health(book, received_at).later_than_24_h == 0


def test_counts_leave_the_window_and_old_days_leave_the_book() -> None:
    book = FeedBook("cedar-ems/statutory")
    for day in range(60):
        book.enter(submission(day, START + timedelta(days=day)))
    assert len(book.days) == 28
    assert health(book, START + timedelta(days=59)).submissions == 7


def test_a_change_of_state_is_news_at_once_and_counts_once_a_minute() -> None:
    book = hourly(72)
    last = START + 71 * HOUR
    known = health(book, last + HOUR)
    assert is_news(None, known)
    assert not is_news(known, health(book, last + 1.2 * HOUR)), "nothing came and nothing changed"
    assert is_news(known, health(book, last + 2 * HOUR)), "it fell silent"
    book.enter(submission(99, last + HOUR))
    assert not is_news(known, health(book, last + HOUR + timedelta(seconds=59)))
    assert is_news(known, health(book, last + HOUR + timedelta(seconds=60)))


def test_a_topic_made_anew_is_counted_again() -> None:
    book = hourly(5)
    assert book.enter(submission(0, START + 9 * HOUR))
    assert not book.enter(submission(0, START + 9 * HOUR))


@given(st.integers(1, 40), st.lists(st.tuples(st.integers(0, 39), st.integers(1, 10)), max_size=8))
def test_redelivered_runs_count_nothing_twice(length: int, rewinds: list[tuple[int, int]]) -> None:
    once, again = FeedBook("a/b"), FeedBook("a/b")
    runs = [submission(offset, START + offset * HOUR) for offset in range(length)]
    for one in runs:
        once.enter(one)
    for one in runs:
        again.enter(one)
        for back, run in rewinds:
            if back == one.offset:
                for repeated in runs[max(0, back - run) : back + 1]:
                    again.enter(repeated)
    assert (again.days, again.pauses, again.last_received_at) == (once.days, once.pauses, once.last_received_at)
