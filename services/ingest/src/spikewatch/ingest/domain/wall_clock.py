"""Reads times as agencies write them. A time without an offset is never guessed: it needs the agency's zone, and says so."""

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from spikewatch.contracts.vocabulary import TimePrecision
from spikewatch.ingest.domain.dates import Moment, date_reader, time_of_day
from spikewatch.ingest.domain.rejection import Fault, Rejected

__all__ = [
    "AMBIGUOUS",
    "NONEXISTENT",
    "ZONE_ASSUMED",
    "Instant",
    "local",
    "not_future",
    "read_agency_time",
    "read_instant",
    "read_time",
    "time_text",
    "zone_named",
]

ZONE_ASSUMED: Final = "zone_assumed"
AMBIGUOUS: Final = "ambiguous_local_time"
NONEXISTENT: Final = "nonexistent_local_time"

_ASSUMED: Final = (ZONE_ASSUMED,)
_EXAMPLE: Final = "2026-05-01T14:03:00-04:00"
_EXPECTED: Final = "an ISO 8601 date and time with its offset"
_FIRST_YEAR: Final = 1990  # older dates are a system's filler (1900, 1970), not an overdose that is still reported
_LAST_YEAR: Final = 9998  # one year of room, so that no zone can push the time out of what a datetime holds
_CLOCK_SKEW: Final = timedelta(minutes=5)
_SOME_DAY: Final = datetime(2000, 1, 1)  # noqa: DTZ001  # of any wall clock
_SOME_DAY_UTC: Final = _SOME_DAY.replace(tzinfo=UTC)
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
# What databases, map servers and spreadsheets write, tried where the two above do not fit. The month stands before the day.
_READ_EXPORT: Final = date_reader(
    (
        *("MM/DD/YYYY HH:mm:ss Z", "MM/DD/YYYY HH:mm Z", "MM/DD/YYYY hh:mm:ss AM Z", "MM/DD/YYYY hh:mm AM Z", "MM/DD/YYYY HH:mm:ssZ"),
        *("YYYY/MM/DD", "YYYY/MM/DD HH:mm", "YYYY/MM/DD HH:mm:ss", "YYYY/MM/DD hh:mm AM", "YYYY/MM/DD hh:mm:ss AM", "YYYY/MM/DD HH:mm:ssZ"),
        *("YYYY/MM/DD HH:mm:ss Z", "YYYY-MM-DD HH:mm:ss Z", "YYYY-MM-DD HH:mm Z", "YYYY-MM-DD HH:mm:ssZ", "YYYY-MM-DDTHH:mm:ssZ"),
        *("MMM DD, YYYY", "MMM DD, YYYY hh:mm AM", "MMM DD, YYYY, hh:mm AM", "MMM DD, YYYY hh:mm:ss AM", "MMM DD, YYYY, hh:mm:ss AM"),
        *("MMM DD, YYYY HH:mm", "MMM DD, YYYY HH:mm:ss", "MMM DD YYYY", "MMM DD YYYY hh:mmAM", "MMM DD YYYY hh:mm:ssAM"),
        *("MMM DD YYYY hh:mm AM", "MMM DD YYYY hh:mm:ss AM", "MMMM DD, YYYY", "MMMM DD, YYYY hh:mm AM", "MMMM DD, YYYY, hh:mm AM"),
        *("MMMM DD, YYYY hh:mm:ss AM", "YYYY MMM DD hh:mm:ss AM", "DD-MMM-YY hh.mm.ss AM", "DDMMMYYYY:HH:mm:ss"),
        *("YYYYMMDD", "YYYYMMDD HHmm", "YYYYMMDD HH:mm", "YYYYMMDD HH:mm:ss", "YYYYMMDDHHmm", "YYYYMMDDHHmmss", "YYYYMMDDHHmmssZ"),
        *("EXCEL", "EPOCH"),
    )
)
_SHORTEST: Final = 5  # characters: four digits are a year, or a clock, and no day of a spreadsheet
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
    return _iso_instant(match, zone, field)


def _iso_instant(match: re.Match[str], zone: ZoneInfo | None, field: str) -> Instant:
    text = match.string
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


def read_time(text: str, zone: ZoneInfo | None, field: str) -> Instant:
    """Read a time that should be ISO 8601, or else is as ``read_agency_time`` reads it from one cell.

    Raises:
        Rejected: it is no time, has no offset and no zone is known, or lies outside the calendar we take.
    """
    match = _ISO.match(text)
    return read_agency_time(text, None, zone, field) if match is None else _iso_instant(match, zone, field)


def read_agency_time(day: str, clock: str | None, zone: ZoneInfo | None, field: str) -> Instant:
    """Read a time as American exports write it, in one cell or in two.

    Taken are ISO 8601 and ``5/1/2026``, ``05/01/2026 2:03 PM``, ``5/1/26 14:03``, ``1-May-2026``; the month stands before the day.
    Two digits of a year are of this century. A clock may be ``14:03``, ``14:03:00``, ``1403``, ``2:03 PM``. Then what databases,
    map servers and spreadsheets write: ``05/01/2026 14:03:22 EDT``, ``May 1, 2026 2:03 PM``, ``20260501140322``, days since 1899-12-30
    (``46143.585``, also a day and a fraction in two cells), and seconds or milliseconds since 1970 UTC.

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
    if iso := _ISO.match(text):
        return _iso_instant(iso, zone, field)
    match = _AMERICAN.match(text)
    if match is None:
        return _export_time(day, clock, zone, field)
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


def time_text(value: object, field: str) -> str:
    """Return what a cell says of a time as text: JSON may give a spreadsheet's day, or an epoch, as a number.

    Raises:
        Rejected: it is neither text nor number.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Rejected(Fault.INVALID_FIELD, field, "is not a text", _EXPECTED_AGENCY, _EXAMPLE_AGENCY)
    return str(int(value)) if isinstance(value, float) and value.is_integer() else repr(value)


def _export_time(day: str, clock: str | None, zone: ZoneInfo | None, field: str) -> Instant:
    """Read what databases, map servers and spreadsheets write.

    Raises:
        Rejected: as ``read_agency_time``.
    """
    moment = _export_moment(day, clock)
    if moment is None or moment.precision is TimePrecision.MONTH:
        raise Rejected(Fault.INVALID_FIELD, field, "is not a time", _EXPECTED_AGENCY, _EXAMPLE_AGENCY)
    _in_calendar(moment.at, field)
    if moment.at.tzinfo is not None:
        return Instant(moment.at.astimezone(UTC), moment.precision)
    return local(moment.at, zone, field, moment.precision, _ASSUMED)


def _export_moment(day: str, clock: str | None) -> Moment | None:
    if clock is None:
        return _READ_EXPORT(day) if len(day) >= _SHORTEST else None
    together = _READ_EXPORT(f"{_day_alone(day)} {clock}")
    if together is not None:
        return together
    # Two cells of a spreadsheet: the day's number, and the time as a fraction of a day.
    plain, time_at = _plain_day(day) or _iso_day(day), time_of_day(clock)
    wall = _READ_EXPORT(day) if plain is None and len(day) >= _SHORTEST else None
    if plain is None and wall is not None and wall.at.tzinfo is None and wall.at.time() == time():
        plain = wall.at.date()
    return None if plain is None or time_at is None else Moment(datetime.combine(plain, time_at[0]), time_at[1])


def _iso_day(text: str) -> date | None:
    try:
        return date.fromisoformat(_day_alone(text))
    except ValueError:
        return None


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
    there = _local_day(wall.date(), zone)
    if there is not None:
        return Instant(_SOME_DAY_UTC + (wall - there), precision, notes)  # at a tenth of what it costs to replace its zone
    first, second = wall.replace(tzinfo=zone, fold=0), wall.replace(tzinfo=zone, fold=1)
    at = first.astimezone(UTC)
    if first.utcoffset() == second.utcoffset():
        return Instant(at, precision, notes)
    # In the missing hour the way to UTC and back ends at another wall-clock time, for example 02:30 becomes 03:30.
    exists = at.astimezone(zone).replace(tzinfo=None) == wall
    return Instant(at, precision, (*notes, AMBIGUOUS if exists else NONEXISTENT))


@lru_cache(maxsize=4_096)
def _local_day(day: date, zone: ZoneInfo) -> datetime | None:
    """Return ``_SOME_DAY`` in UTC by the zone's clock of a day; None: clocks change on that day or beside it, where they do once."""
    start = datetime.combine(day, time(), zone)
    moments = (start, start.replace(fold=1), start + timedelta(days=1), (start + timedelta(days=1)).replace(fold=1))
    offsets = {moment.utcoffset() for moment in moments}
    return _SOME_DAY + offset if len(offsets) == 1 and (offset := offsets.pop()) is not None else None


def not_future(instant: Instant, received_at: datetime, field: str) -> None:
    """Refuse a time after the submission came, beyond the skew of clocks.

    Raises:
        Rejected: it lies in the future.
    """
    if instant.at > received_at and instant.at > received_at + _CLOCK_SKEW:
        raise Rejected(Fault.FUTURE_TIME, field, "lies after the moment it was received", "a time in the past", _EXAMPLE)


def _in_calendar(moment: datetime, field: str) -> None:
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise Rejected(Fault.OUT_OF_RANGE, field, "is a year that no report has", f"a year from {_FIRST_YEAR}", _EXAMPLE)
