"""Reads the times of histories and of labelled spikes, and the columns that tell them."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

__all__ = ["TIMES", "TIMES_OF_DAY", "is_date", "moment_of"]

TIMES: Final = ("occurred_at", "event_time", "datetime", "timestamp", "date_time", "date", "incident_date", "date_of_death", "time")
"""Columns that say when, the first of them that is there."""

TIMES_OF_DAY: Final = {"date": "time", "incident_date": "incident_time"}
"""Beside which column of dates another may tell the time of the day."""

_FORMATS: Final = ("%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M %p", "%Y/%m/%d", "%m/%d/%Y")
_DATES: Final = _FORMATS[-2:]
_NOON: Final = timedelta(hours=12)
_FIRST_YEAR: Final = 1900
_LAST_YEAR: Final = 2199


def is_date(text: str) -> bool:
    """Whether a text that tells a moment tells a date alone, not an hour of it."""
    return len(text.strip()) <= len("2026-01-01")


@lru_cache(maxsize=16_384)  # a table of counts tells each date once an area
def moment_of(text: str) -> datetime | None:
    """Return the moment that a text tells, in ISO 8601 or as it is written in the United States; a date alone is its noon, UTC.

    A time without a zone is UTC. None: it tells none, or one before 1900 or after 2199.
    """
    text = text.strip()
    try:
        moment = datetime.fromisoformat(text)
        noon = is_date(text)
    except ValueError:
        for pattern in _FORMATS:
            try:
                moment, noon = datetime.strptime(text, pattern), pattern in _DATES  # noqa: DTZ007  # the zone follows
                break
            except ValueError:
                continue
        else:
            return None
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        return None
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return moment + _NOON if noon else moment
