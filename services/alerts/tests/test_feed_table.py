"""Which feeds are silent, as the topic tells."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from spikewatch.alerts.adapters.feed_table import FeedTable
from spikewatch.alerts.domain.evidence import beside_the_counts
from spikewatch.contracts.alert import SilentFeed
from spikewatch.contracts.contract import Interval
from spikewatch.contracts.feed_health import FeedHealth, FeedState

SINCE = datetime(2026, 3, 1, 10, tzinfo=UTC)


def health(
    agency: str, state: FeedState = FeedState.SILENT, *, areas: tuple[str, ...] = ("county:99001",), days: int = 0
) -> SimpleNamespace:
    since = SINCE - timedelta(days=days)
    body = FeedHealth(
        feed=f"{agency}/statutory",
        agency_id=agency,
        format="statutory",
        areas=areas,
        version=1,
        state=state,
        since=since,
        first_received_at=since,
        last_received_at=since,
        window=Interval(start=since, end=SINCE),
    )
    return SimpleNamespace(key=body.feed, body=body)


def names(table: FeedTable, *areas: str, before: datetime = SINCE + timedelta(hours=1)) -> list[str]:
    return [feed.agency_id for feed in table.silent(areas, before)]


def test_only_silent_feeds_that_cover_the_area_are_named_the_longest_silent_first() -> None:
    table = FeedTable()
    for record in (
        health("a"),
        health("b", days=2),
        health("c", areas=("county:99002",)),
        health("d", FeedState.FLOWING),
        health("e", FeedState.LEARNING),
        health("f", areas=("state:99",)),
    ):
        table.on_record(record)
    assert names(table, "county:99001") == ["b", "a"]
    assert names(table, "zip:99701", "county:99001", "state:99") == ["b", "a", "f"]
    assert names(table, "county:99003") == []


def test_a_window_that_ended_while_the_feed_still_sent_misses_nothing() -> None:
    table = FeedTable()
    table.on_record(health("a"))
    assert names(table, "county:99001", before=SINCE) == []
    assert names(table, "county:99001", before=SINCE + timedelta(microseconds=1)) == ["a"]


@pytest.mark.parametrize("after", [health("a", FeedState.FLOWING), SimpleNamespace(key="a/statutory", body=None)])
def test_a_feed_that_speaks_again_or_is_gone_is_no_longer_named(after: SimpleNamespace) -> None:
    table = FeedTable()
    table.on_record(health("a"))
    table.on_record(after)
    assert names(table, "county:99001") == []


def test_the_sentence_names_three_and_counts_the_others() -> None:
    silent = [SilentFeed(feed=f"{name}/statutory", agency_id=name, since=SINCE) for name in "abcde"]
    assert beside_the_counts([]) == ""
    said = beside_the_counts(silent)
    assert "c/statutory (since 2026-03-01 10:00 UTC) and 2 more; the true count may be higher." in said
    assert "d/statutory" not in said
