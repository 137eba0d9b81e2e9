"""Times as HL7 writes them: ``YYYY[MM[DD[HH[MM[SS[.S[S[S[S]]]]]]]]][+/-ZZZZ]``, each at its own precision."""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from spikewatch.contracts.vocabulary import TimePrecision
from spikewatch.ingest.domain.rejection import Fault, Rejected
from spikewatch.ingest.domain.wall_clock import ZONE_ASSUMED, Instant, local

__all__ = ["EPOCH", "EXAMPLE", "Stated", "instant", "read", "seconds_since_2000"]

EXAMPLE: Final = "20260501140300-0400"
_EXPECTED: Final = "YYYYMMDDHHMMSS, as far as it is known, with its offset"
_TIME: Final = re.compile(r"(\d{4})(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:\.\d{1,9})?)?)?)?)?)?([+-]\d{4})?", re.ASCII)
EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
# By how many of year, month, day, hour, minute, second are stated.
_PRECISION: Final = (
    TimePrecision.MONTH, TimePrecision.MONTH, TimePrecision.MONTH, TimePrecision.DATE, TimePrecision.HOUR, TimePrecision.MINUTE,
    TimePrecision.SECOND,
)  # fmt: skip
_UTC: Final = ZoneInfo("UTC")
_YEAR_ALONE: Final = 1
_DAY: Final = 3
_ASSUMED: Final = (ZONE_ASSUMED,)
_TO_THE_SECOND: Final = 14  # digits
_UTMOST_OFFSET: Final = timedelta(hours=15)


class Stated(NamedTuple):
    """A time as it is written: the wall clock, how many of its six parts are stated, and its offset if it has one."""

    wall: datetime
    parts: int
    offset: timedelta | None

    @property
    def is_year_alone(self) -> bool:
        """Whether it says no more than a year."""
        return self.parts == _YEAR_ALONE


def read(text: str, field: str) -> Stated:
    """Read a time.

    Raises:
        Rejected: it is none, or names a day or an hour that does not exist.
    """
    if len(text) == _TO_THE_SECOND and text.isascii() and text.isdigit():  # what nearly all are
        try:
            return Stated(datetime.fromisoformat(f"{text[:8]}T{text[8:]}"), 6, None)
        except ValueError:
            pass  # told below
    match = _TIME.fullmatch(text)
    if match is None:
        raise Rejected(Fault.INVALID_FIELD, field, "is not a time", _EXPECTED, EXAMPLE)
    year, month, day, hour, minute, second, offset = match.groups()
    parts = (match.lastindex or 1) if offset is None else sum(part is not None for part in match.groups()[:6])
    try:
        wall = datetime(int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0), int(second or 0))  # noqa: DTZ001  # a wall clock
    except ValueError:
        raise Rejected(Fault.INVALID_FIELD, field, "names a day or an hour that does not exist", _EXPECTED, EXAMPLE) from None
    return Stated(wall, parts, None if offset is None else _offset(offset, field))


def instant(stated: Stated, zone: ZoneInfo | None, field: str) -> Instant:
    """Place a time in UTC; without an offset it is the facility's wall clock, and is noted as that.

    Raises:
        Rejected: it has no offset and no zone is known, or lies outside the calendar we take.
    """
    precision = _PRECISION[stated.parts]
    if stated.offset is None:
        return local(stated.wall, zone, field, precision, _ASSUMED)
    try:
        return local(stated.wall - stated.offset, _UTC, field, precision)
    except OverflowError:  # the first or the last day that a datetime holds
        return local(stated.wall, _UTC, field, precision)


def seconds_since_2000(stated: Stated, zone: ZoneInfo | None) -> int | None:
    """Return the whole seconds from 2000-01-01 UTC; None for a time that orders nothing: before then, or no finer than a day.

    A time without offset where no zone is known is counted as UTC: all times of one visit err alike.
    """
    if stated.parts <= _DAY:
        return None
    tz = timezone(stated.offset) if stated.offset is not None else zone or UTC
    try:
        seconds = int((stated.wall.replace(tzinfo=tz) - EPOCH).total_seconds())
    except OverflowError:
        return None
    return seconds if seconds > 0 else None


def _offset(text: str, field: str) -> timedelta:
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[3:]))
    if int(text[3:]) > 59 or offset > _UTMOST_OFFSET:
        raise Rejected(Fault.INVALID_FIELD, field, "has an offset that no place has", _EXPECTED, EXAMPLE)
    return -offset if text[0] == "-" else offset
