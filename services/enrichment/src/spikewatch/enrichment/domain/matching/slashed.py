"""Times written with slashes, as spreadsheets of the United States write them: ``5/1/2026 9:00``, ``05/01/26 21:00``, ``5/1/2026 9:00 AM``.

Month first is what is usual; a first number above 12 is a day. Which order a whole column is written in is for its reader to tell.
"""

import re
from datetime import UTC, datetime
from enum import IntEnum
from typing import Final

__all__ = ["Order", "order_of", "slashed", "turned"]

_DATE: Final = r"(?P<one>\d{1,2})/(?P<two>\d{1,2})/(?P<year>\d{4}|\d{2})|(?P<whole_year>\d{4})/(?P<month>\d{1,2})/(?P<day>\d{1,2})"
_CLOCK: Final = r"(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.\d+)?)?(?:\s*(?P<half>[AaPp])\.?[Mm]\.?)?"
_WRITTEN: Final = re.compile(rf"\s*(?:{_DATE})(?:(?:,\s*|\s+){_CLOCK})?\s*")
_CENTURY: Final = 2_000  # no report is of the last one
_TWO_DIGITS: Final = 2
_MONTHS: Final = 12
_NOON: Final = 12


class Order(IntEnum):
    """In which order month and day stand: by one text alone."""

    NEITHER = 0  # it is no such time, or the year stands first
    MONTH_FIRST = 1
    DAY_FIRST = 2
    EITHER = 3


def order_of(text: str) -> Order:
    """Return in which order a text has month and day."""
    found = _WRITTEN.fullmatch(text)
    if found is None or found["one"] is None:
        return Order.NEITHER
    one, two = int(found["one"]), int(found["two"])
    if one == two:
        return Order.NEITHER  # one day in both orders
    if one <= _MONTHS:
        return Order.EITHER if two <= _MONTHS else Order.MONTH_FIRST
    return Order.DAY_FIRST if two <= _MONTHS else Order.NEITHER


def slashed(text: str) -> datetime:
    """Return a time written with slashes, as UTC; month first where both orders are possible. A date alone is its midnight.

    Raises:
        ValueError: it is none.
    """
    found = _WRITTEN.fullmatch(text)
    if found is None:
        raise ValueError(text)
    if found["one"] is None:
        year, month, day = int(found["whole_year"]), int(found["month"]), int(found["day"])
    else:
        year, month, day = int(found["year"]), int(found["one"]), int(found["two"])
        year += _CENTURY if len(found["year"]) == _TWO_DIGITS else 0
        month, day = (day, month) if month > _MONTHS else (month, day)
    hour, half = int(found["hour"] or 0), found["half"]
    if half:
        if not 1 <= hour <= _NOON:
            raise ValueError(text)
        hour = hour % _NOON + (_NOON if half in "Pp" else 0)
    return datetime(year, month, day, hour, int(found["minute"] or 0), int(found["second"] or 0), tzinfo=UTC)


def turned(seconds: float) -> float:
    """Return a time whose month and day were taken for each other, in seconds since 1970; both are at most 12."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.replace(month=moment.day, day=moment.month).timestamp()
