"""Reads times as agencies write them. A time without an offset is never guessed: it needs the agency's zone, and says so."""

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from spikewatch.contracts.vocabulary import TimePrecision
from spikewatch.ingest.domain.rejection import Fault, Rejected

__all__ = ["AMBIGUOUS", "NONEXISTENT", "ZONE_ASSUMED", "Instant", "local", "not_future", "read_agency_time", "read_instant", "zone_named"]

ZONE_ASSUMED: Final = "zone_assumed"
AMBIGUOUS: Final = "ambiguous_local_time"
NONEXISTENT: Final = "nonexistent_local_time"

_ASSUMED: Final = (ZONE_ASSUMED,)
_EXAMPLE: Final = "2026-05-01T14:03:00-04:00"
_EXPECTED: Final = "an ISO 8601 date and time with its offset"
_FIRST_YEAR: Final = 1990  # older dates are a system's filler (1900, 1970), not an overdose that is still reported
_LAST_YEAR: Final = 9998  # one year of room, so that no zone can push the time out of what a datetime holds
_CLOCK_SKEW: Final = timedelta(minutes=5)
# For example 2026-05-01, 2026-05-01 14:03, 2026-05-01T14:03:00.250-04:00, 2026-05-01T18:03Z
_ISO: Final = re.compile(r"^\d{4}-\d\d-\d\d(?:[T ](\d\d:\d\d)(:\d\d(?:\.\d{1,9})?)?\s?(Z|[+-]\d\d:?\d\d)?)?$", re.ASCII)
_AMERICAN: Final = re.compile(
    r"^(?:(\d{4}-\d\d-\d\d)|(\d{1,2})[/-](\d{1,2})[/-](\d{4}|\d\d)|(\d{1,2})[ -]?([A-Za-z]{3,9})[ -]?,?(\d{4}|\d\d))"
    r"(?:[T ]+(\d{1,2}):?(\d\d)(?::?(\d\d)(?:\.\d{1,9})?)?\s?(?:([AaPp])\.?[Mm]\.?)?)?$",
    re.ASCII,
)
# The two of _AMERICAN that stand in two cells: a day that is not ISO's, and a clock.
_DAY: Final = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4}|\d\d)", re.ASCII)
_CLOCK: Final = re.compile(r"(\d{1,2}):?(\d\d)(?::?(\d\d)(?:\.\d{1,9})?)?\s?(?:([AaPp])\.?[Mm]\.?)?", re.ASCII)
_FILLER: Final = re.compile(r"[T ]+(?:0?0:00(?::00(?:\.0+)?)?|12:00(?::00)?\s?AM)$", re.ASCII | re.IGNORECASE)
_MONTHS: Final = {
    name: number
    for number, name in enumerate(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], start=1)
}
_EXPECTED_AGENCY: Final = "a local date and time, the month before the day, or ISO 8601"
_EXAMPLE_AGENCY: Final = "05/01/2026 14:03"


class Instant(NamedTuple):
    """A moment in UTC, how exactly it was stated, and the doubts about it."""

    at: datetime
    precision: TimePrecision
    notes: tuple[str, ...] = ()


@lru_cache(maxsize=1024)
def zone_named(name: str | None) -> ZoneInfo | None:
    """Return the IANA zone, or None when there is none of that name."""
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, ValueError, OSError):  # unknown, not a relative path, or the path of a folder
        return None


def read_instant(text: str, zone: ZoneInfo | None, field: str) -> Instant:
    """Read an ISO 8601 time; without an offset it is the agency's wall clock.

    Raises:
        Rejected: it is no time, has no offset and no zone is known, or lies outside the calendar we take.
    """
    match = _ISO.match(text)
    if match is None:
        raise Rejected(Fault.INVALID_FIELD, field, "is not a time", _EXPECTED, _EXAMPLE)
    try:
        moment = datetime.fromisoformat(text.replace(" ", "T", 1).replace(" ", "") if " " in text else text)
    except ValueError:
        raise Rejected(Fault.INVALID_FIELD, field, "names a day or an hour that does not exist", _EXPECTED, _EXAMPLE) from None
    clock, seconds, _ = match.groups()
    precision = TimePrecision.SECOND if seconds else TimePrecision.MINUTE if clock else TimePrecision.DATE
    _in_calendar(moment, field)
    if moment.tzinfo is not None:
        return Instant(moment.astimezone(UTC), precision)
    return local(moment, zone, field, precision, _ASSUMED)


def read_agency_time(day: str, clock: str | None, zone: ZoneInfo | None, field: str) -> Instant:
    """Read a time as American exports write it, in one cell or in two.

    Taken are ISO 8601 and ``5/1/2026``, ``05/01/2026 2:03 PM``, ``5/1/26 14:03``, ``1-May-2026``; the month stands before the day.
    Two digits of a year are of this century. A clock may be ``14:03``, ``14:03:00``, ``1403``, ``2:03 PM``.

    Args:
        day: the date, alone or with its time.
        clock: the time of a second cell; None: there is none.
        zone: of the agency, for times without an offset.
        field: named where it is refused.

    Raises:
        Rejected: it is no time, has no offset and no zone is known, or lies outside the calendar we take.
    """
    if clock is not None and (known_day := _plain_day(day)) is not None and (known_clock := _plain_clock(clock)) is not None:
        return local(datetime.combine(known_day, known_clock[0]), zone, field, known_clock[1], _ASSUMED)
    text = day if clock is None else f"{_day_alone(day)} {clock}"
    if _ISO.match(text):
        return read_instant(text, zone, field)
    match = _AMERICAN.match(text)
    if match is None:
        raise Rejected(Fault.INVALID_FIELD, field, "is not a time", _EXPECTED_AGENCY, _EXAMPLE_AGENCY)
    iso_day, month, dom, year, dom_2, name, year_2, hour, minute, second, half = match.groups()
    try:
        if iso_day:
            date = datetime.fromisoformat(iso_day)
        elif name:
            date = datetime(_year(year_2), _MONTHS[name[:3].lower()], int(dom_2))  # noqa: DTZ001  # a wall clock's; placed below
        else:
            date = datetime(_year(year), int(month), int(dom))  # noqa: DTZ001
        wall = date.replace(hour=_hour(hour, half), minute=int(minute or 0), second=int(second or 0))
    except (ValueError, KeyError):
        raise Rejected(
            Fault.INVALID_FIELD, field, "names a day or an hour that does not exist", _EXPECTED_AGENCY, _EXAMPLE_AGENCY
        ) from None
    precision = TimePrecision.SECOND if second else TimePrecision.MINUTE if hour else TimePrecision.DATE
    return local(wall, zone, field, precision, _ASSUMED)


@lru_cache(maxsize=4_096)
def _plain_day(text: str) -> date | None:
    """Return the day of a cell that holds a date alone, as most do; None: it must be read with its clock."""
    match = _DAY.fullmatch(_day_alone(text))
    try:
        return None if match is None else date(_year(match[3]), int(match[1]), int(match[2]))
    except ValueError:
        return None


@lru_cache(maxsize=4_096)
def _plain_clock(text: str) -> tuple[time, TimePrecision] | None:
    match = _CLOCK.fullmatch(text)
    try:
        if match is not None:
            clock = time(_hour(match[1], match[4]), int(match[2]), int(match[3] or 0))
            return clock, TimePrecision.SECOND if match[3] else TimePrecision.MINUTE
    except ValueError:
        pass
    return None


def _day_alone(text: str) -> str:
    """Return the date of a cell that has a filler for its time, as spreadsheets write it beside a column of times."""
    return _FILLER.sub("", text)


def _year(text: str) -> int:
    return int(text) + 2000 if len(text) == 2 else int(text)


def _hour(text: str | None, half: str | None) -> int:
    hour = int(text or 0)
    if half is None:
        return hour
    if not 1 <= hour <= 12:
        raise ValueError("a clock with AM and PM has the hours 1 to 12")
    return hour % 12 + (12 if half.lower() == "p" else 0)


def local(
    wall: datetime, zone: ZoneInfo | None, field: str, precision: TimePrecision = TimePrecision.SECOND, notes: tuple[str, ...] = ()
) -> Instant:
    """Place a wall-clock time in its zone.

    When clocks are set back, an hour comes twice: the first is taken. When they are set forward, an hour is missing:
    the time moves on by what the clocks jumped. Both are noted, after the ``notes`` that there are.

    Raises:
        Rejected: no zone is known, or the time lies outside the calendar we take.
    """
    if zone is None:
        raise Rejected(Fault.NAIVE_TIME, field, "has no offset, and the agency has no time zone", _EXPECTED, _EXAMPLE)
    _in_calendar(wall, field)
    offset = _offset(wall.date(), zone)
    if offset is not None:
        return Instant(wall.replace(tzinfo=UTC) - offset, precision, notes)
    first, second = wall.replace(tzinfo=zone, fold=0), wall.replace(tzinfo=zone, fold=1)
    at = first.astimezone(UTC)
    if first.utcoffset() == second.utcoffset():
        return Instant(at, precision, notes)
    # In the missing hour the way to UTC and back ends at another wall-clock time, for example 02:30 becomes 03:30.
    exists = at.astimezone(zone).replace(tzinfo=None) == wall
    return Instant(at, precision, (*notes, AMBIGUOUS if exists else NONEXISTENT))


@lru_cache(maxsize=4_096)
def _offset(day: date, zone: ZoneInfo) -> timedelta | None:
    """Return the zone's offset on a day without a change of clocks; None: there is one, or one beside it. Two a day there never are."""
    start = datetime.combine(day, time(), zone)
    moments = (start, start.replace(fold=1), start + timedelta(days=1), (start + timedelta(days=1)).replace(fold=1))
    offsets = {moment.utcoffset() for moment in moments}
    return offsets.pop() if len(offsets) == 1 else None


def not_future(instant: Instant, received_at: datetime, field: str) -> None:
    """Refuse a time after the submission came, beyond the skew of clocks.

    Raises:
        Rejected: it lies in the future.
    """
    if instant.at > received_at + _CLOCK_SKEW:
        raise Rejected(Fault.FUTURE_TIME, field, "lies after the moment it was received", "a time in the past", _EXAMPLE)


def _in_calendar(moment: datetime, field: str) -> None:
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise Rejected(Fault.OUT_OF_RANGE, field, "is a year that no report has", f"a year from {_FIRST_YEAR}", _EXAMPLE)
