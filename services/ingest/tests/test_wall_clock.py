from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikewatch.contracts.vocabulary import TimePrecision
from spikewatch.ingest.domain.rejection import Fault, Rejected
from spikewatch.ingest.domain.wall_clock import (
    AMBIGUOUS,
    NONEXISTENT,
    ZONE_ASSUMED,
    local,
    not_future,
    read_agency_time,
    read_instant,
    zone_named,
)

EASTERN = zone_named("America/New_York")


@pytest.mark.parametrize(
    ("text", "expected", "precision", "notes"),
    [
        ("2026-05-01T14:03:00-04:00", "2026-05-01T18:03:00+00:00", TimePrecision.SECOND, ()),
        ("2026-05-01T18:03Z", "2026-05-01T18:03:00+00:00", TimePrecision.MINUTE, ()),
        ("2026-05-01 14:03:00.5", "2026-05-01T18:03:00.500000+00:00", TimePrecision.SECOND, (ZONE_ASSUMED,)),
        ("2026-05-01", "2026-05-01T04:00:00+00:00", TimePrecision.DATE, (ZONE_ASSUMED,)),
        ("2026-11-01T01:30:00", "2026-11-01T05:30:00+00:00", TimePrecision.SECOND, (ZONE_ASSUMED, AMBIGUOUS)),
        ("2026-03-08T02:30:00", "2026-03-08T07:30:00+00:00", TimePrecision.SECOND, (ZONE_ASSUMED, NONEXISTENT)),
        ("2026-03-08T03:30:00", "2026-03-08T07:30:00+00:00", TimePrecision.SECOND, (ZONE_ASSUMED,)),
    ],
)
def test_times_are_read_with_their_precision_and_doubts(text: str, expected: str, precision: TimePrecision, notes: tuple[str, ...]) -> None:
    instant = read_instant(text, EASTERN, "occurred_at")
    assert (instant.at.isoformat(), instant.precision, instant.notes) == (expected, precision, notes)
    assert instant.at.tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("yesterday", Fault.INVALID_FIELD),
        ("2026-02-30T10:00:00Z", Fault.INVALID_FIELD),
        ("05/01/2026 14:03", Fault.INVALID_FIELD),
        ("1900-01-01T00:00:00Z", Fault.OUT_OF_RANGE),
        ("9999-12-31T23:59:59-12:00", Fault.OUT_OF_RANGE),
        ("2026-05-01T14:03:00", Fault.NAIVE_TIME),
    ],
)
def test_other_times_are_refused_without_repeating_them(text: str, fault: Fault) -> None:
    with pytest.raises(Rejected) as caught:
        read_instant(text, None, "occurred_at")
    assert caught.value.fault is fault
    assert text not in str(caught.value)


def test_a_clock_may_be_five_minutes_fast() -> None:
    instant = read_instant("2026-05-01T14:05:00Z", None, "occurred_at")
    received = datetime(2026, 5, 1, 14, 0, tzinfo=UTC)
    not_future(instant, received, "occurred_at")
    with pytest.raises(Rejected) as caught:
        not_future(instant, received - timedelta(seconds=1), "occurred_at")
    assert caught.value.fault is Fault.FUTURE_TIME


@pytest.mark.parametrize("name", [None, "", "Mars/Olympus", "../etc/passwd", "America", "/etc/passwd"])
def test_what_is_no_zone_is_none(name: str | None) -> None:
    assert zone_named(name) is None


@given(
    wall=st.datetimes(datetime(1990, 1, 1), datetime(2037, 12, 31)),  # noqa: DTZ001  # wall clocks
    zone=st.timezone_keys().map(ZoneInfo),
)
def test_a_wall_clock_time_is_what_the_zone_makes_of_it(wall: datetime, zone: ZoneInfo) -> None:
    for beside in (wall, *(change + timedelta(minutes=wall.minute) for change in _changes(wall.year, zone))):
        first, second = beside.replace(tzinfo=zone, fold=0), beside.replace(tzinfo=zone, fold=1)
        found = local(beside, zone, "at", notes=("before",))
        assert found.at == first.astimezone(UTC)
        assert found.at.tzinfo is UTC
        assert (found.notes == ("before",)) == (first.utcoffset() == second.utcoffset())


def _changes(year: int, zone: ZoneInfo) -> list[datetime]:
    """Return the wall-clock hours of a year at which the offset is another than an hour before."""
    hours = [datetime(year, 1, 1) + timedelta(hours=hour) for hour in range(0, 8_760, 6)]  # noqa: DTZ001
    days = [late for early, late in pairwise(hours) if early.replace(tzinfo=zone).utcoffset() != late.replace(tzinfo=zone).utcoffset()]
    return [day - timedelta(hours=hour) for day in days for hour in range(8)]


@pytest.mark.parametrize(
    ("day", "clock"),
    [
        *(
            ("3/5/2026", "14:03"),
            ("03-05-26", "1403"),
            ("3/5/2026 0:00", "2:03 PM"),
            ("3/5/2026", "14:03:09.25"),
            ("3/5/2026", "12:00 a.m."),
        ),
        *(("2026-03-05", "14:03"), ("5-Mar-2026", "14:03"), ("13/5/2026", "14:03"), ("3/5/2026", "24:00"), ("3/5/2026", "13:00 PM")),
        *(("3/5/2026 14:03", "14:03"), ("3/5/2026", "T14:03"), ("3/5/2026", "x"), ("3/5/206", "14:03"), ("2/30/2026", "14:03")),
    ],
)
def test_two_cells_say_what_one_cell_says(day: str, clock: str) -> None:
    zone = zone_named("America/New_York")

    def said(*cells: str | None) -> object:
        try:
            return read_agency_time(cells[0] or "", cells[1], zone, "at")
        except Rejected as rejected:
            return str(rejected)

    assert said(day, clock) == said(f"{day.removesuffix(' 0:00')} {clock}", None)
