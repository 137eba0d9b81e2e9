"""The time of a 911 call: of the columns that state one the best, that of the call before that of the dispatch.

A spreadsheet's serial number (``46143.585``) is a local time, an epoch (``1777658580``, in milliseconds too) a moment of UTC; both
are noted. A day without its time gives way to a column that has one.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

from spikewatch.contracts.vocabulary import TimeBasis
from spikewatch.ingest.domain.feeds.feed import Source
from spikewatch.ingest.domain.feeds.fields import stated
from spikewatch.ingest.domain.record import Fields
from spikewatch.ingest.domain.rejection import Fault, Rejected
from spikewatch.ingest.domain.wall_clock import ZONE_ASSUMED, Instant, not_future, read_agency_time, zone_named

__all__ = ["call_time"]

# For example "…; Station 381; 2015-12-10 @ 22:27:24;"
_CALL_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\d) @ (\d\d:\d\d:\d\d)", re.ASCII)
_EXPECTED: Final = "a local date and time"
_EXAMPLE: Final = "2015-12-10 17:40:00"
_WITH_DATE: Final = re.compile(r"\d[/-]|[A-Za-z]{3}|^(?:19|20)\d{6}(?: ?\d{4}(?:\d\d)?)?$", re.ASCII)
_CLOCK: Final = re.compile(r"\d{1,2}:\d\d(?::\d\d)?", re.ASCII)  # as most are
_UNKNOWN: Final = frozenset({"unknown", "unk", "u", "?", "not known"})
# A day, perhaps with the midnight that stands for no time.
_DAY_ALONE: Final = re.compile(
    r"(\d{1,2}[/-]\d{1,2}[/-](?:\d{4}|\d\d)|\d{4}-\d\d-\d\d|\d{1,2}[ -]?[A-Za-z]{3,9}[ -]?,?(?:\d{4}|\d\d)|(?:19|20)\d{6})"
    r"([T ]+(?:0?0:00(?::00(?:\.0+)?)?|12:00(?::00)?\s?AM))?",
    re.ASCII | re.IGNORECASE,
)
# A clock that a spreadsheet wrote with its first day.
_DAYLESS: Final = re.compile(r"(?:1899-12-3[01]|1900-01-0[01]|12/3[01]/1899|0?1/0?[01]/1900)[T ]+(?=\d)", re.ASCII)
_FRACTION: Final = re.compile(r"0?\.\d{1,18}|0(?:\.0)?", re.ASCII)
_SERIAL: Final = re.compile(r"\d{5}(?:\.\d{1,18})?", re.ASCII)
_EPOCH: Final = re.compile(r"(\d{10})(?:\d{3})?(?:\.\d{1,9})?", re.ASCII)
_SERIALS: Final = (32_874, 73_050)  # 1990 to 2099
_DAY_0: Final = datetime(1899, 12, 30)  # noqa: DTZ001  # of spreadsheets: a wall clock without a zone
_DAY: Final = 86_400  # seconds
_MOST: Final = 10**15  # no number of a time is larger; a number of thousands of digits could not even be written out
_MIDNIGHT: Final = "midnight_is_date_only"
_LONGEST_NUMBER: Final = 40
_ZONE_KNOWN: Final = frozenset({"desc", "timestamp", "call utc"})  # the Montgomery layout is local by nature, the last says its zone
_WAYS: Final = (
    ("call", TimeBasis.PSAP_CALL),
    ("clock", TimeBasis.PSAP_CALL),
    ("call utc", TimeBasis.PSAP_CALL),
    ("day", TimeBasis.PSAP_CALL),
    ("dispatch", TimeBasis.DISPATCH),
    ("timestamp", TimeBasis.REPORTED),
)


_Cell = tuple[str, tuple[str, ...]]
"""A time as its column states it, numbers written out, and the doubts about it."""


class _Stated(NamedTuple):
    field: str
    day: str
    clock: str | None
    basis: TimeBasis
    notes: tuple[str, ...]


def call_time(call: Fields, source: Source, desc: str) -> tuple[Instant, TimeBasis, tuple[str, ...]]:
    """Return the best time of a call, which moment it is, and the doubts beside the instant's own.

    Args:
        call: the cells under our names.
        source: its zone is that of times without an offset.
        desc: the text in which the Montgomery layout has the time of the call.

    Raises:
        Rejected: no column holds a time, or the best of them is none.
    """
    inside = _CALL_TIME.search(desc)
    if inside is not None:
        return _read(_Stated("desc", f"{inside[1]} {inside[2]}", None, TimeBasis.PSAP_CALL, ()), source)
    best, rough = _stated(call)
    try:
        return _read(best, source)
    except Rejected:
        if rough is None or rough is best:
            raise
        is_clock = best.clock is not None and best.field == rough.field
    return _read(rough._replace(notes=(*best.notes, "time_of_day_unreadable")) if is_clock else rough, source)


def _read(found: _Stated, source: Source) -> tuple[Instant, TimeBasis, tuple[str, ...]]:
    zone = zone_named("UTC" if found.field == "call utc" else source.time_zone)
    instant = read_agency_time(found.day, found.clock, zone, found.field)
    if found.field in _ZONE_KNOWN:
        instant = instant._replace(notes=tuple(note for note in instant.notes if note != ZONE_ASSUMED))
    not_future(instant, source.received_at, found.field)
    return instant, found.basis, found.notes


def _stated(call: Fields) -> tuple[_Stated, _Stated | None]:
    """Return the best time, and the day alone that stands where that one cannot be read."""
    clock = undated = None
    rough: _Stated | None = None
    for field, basis in _WAYS:
        cell = _cell(call, field) if field in call else None
        if cell is None:
            continue
        day, notes = cell
        if field in {"call", "clock"} and not _WITH_DATE.search(day):
            clock, undated = clock or day, undated or field  # a clock alone, its date stands in another column
        elif field in {"call", "day"} and (alone := _day_alone(day, field, call)) is not None:
            if rough is None:
                rough = _Stated(field, alone, None, basis, notes if alone == day else (*notes, _MIDNIGHT))
        elif rough is not None and (clock is not None or field == "timestamp"):
            break  # the day of the call with its clock; even alone it says more than when the row was posted
        else:
            notes = ("posting_time_used", *notes) if field == "timestamp" else notes
            return _Stated(field, day, clock if field == "day" and ":" not in day else None, basis, notes), rough
    if rough is not None and clock is not None:
        kept = tuple(note for note in rough.notes if note != _MIDNIGHT) if rough.notes else ()
        return _Stated(rough.field, rough.day, clock, rough.basis, kept), rough
    if rough is not None:
        return rough, rough
    if undated is not None:
        raise Rejected(Fault.INVALID_FIELD, undated, "holds no date, and no other column does", _EXPECTED, _EXAMPLE)
    raise Rejected(Fault.MISSING_FIELD, "timestamp", "is missing, and no other column holds a time", _EXPECTED, _EXAMPLE)


def _day_alone(text: str, field: str, call: Fields) -> str | None:
    """Return the day of a cell without a time, or with a midnight that stands for none; None: it has one."""
    match = _DAY_ALONE.fullmatch(text)
    if match is None or (match[2] is not None and field == "call" and stated(call, "clock") is None):
        return None
    return match[1]


def _cell(call: Fields, field: str) -> _Cell | None:
    value = stated(call, field)
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _MOST:
        value = str(value)  # JSON
    if value is None:
        return None
    if not isinstance(value, str):
        raise Rejected(Fault.INVALID_FIELD, field, "is not a text", _EXPECTED, _EXAMPLE)
    if field == "clock" and _CLOCK.fullmatch(value):
        return value, ()
    if _WITH_DATE.search(value):
        if value.lower() in _UNKNOWN:
            return None
        return _DAYLESS.sub("", value) if field == "clock" else value, ()
    if len(value) > _LONGEST_NUMBER:
        return value, ()
    if value.lower() in _UNKNOWN:
        return None
    # 91503 beside a day is a clock without its colons.
    is_clock = field == "clock" and "." not in value and stated(call, "day") is not None
    return _number(value, is_clock=is_clock) or (value, ())


@lru_cache(maxsize=4_096)
def _number(text: str, *, is_clock: bool) -> _Cell | None:
    """Write out a number that is a time: a part of a day, the days since 1899-12-30, or the seconds or milliseconds since 1970."""
    if _FRACTION.fullmatch(text):
        return f"{_DAY_0 + timedelta(seconds=round(float(text) * _DAY)):%H:%M:%S}", ()
    if _SERIAL.fullmatch(text) and not is_clock and _SERIALS[0] <= (days := float(text)) < _SERIALS[1]:
        wall = _DAY_0 + timedelta(seconds=round(days * _DAY))
        return f"{wall:%Y-%m-%d}" if days == int(days) else f"{wall:%Y-%m-%d %H:%M:%S}", ("serial_number_read",)
    if (epoch := _EPOCH.fullmatch(text)) is not None:
        return f"{datetime.fromtimestamp(int(epoch[1]), UTC):%Y-%m-%dT%H:%M:%SZ}", ("epoch_read_as_utc",)
    return None
