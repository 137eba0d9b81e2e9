"""Dates and times in forms that a profile or a feed names: patterns of fixed tokens, never regular expressions of the sender."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta, timezone
from functools import lru_cache
from typing import Final, NamedTuple

from spikewatch.contracts.vocabulary import TimePrecision

__all__ = ["EXAMPLE", "FORMATS_SEEN", "FormatError", "Moment", "date_reader", "example_of", "time_of_day"]

_LONGEST: Final = 64
_CACHED: Final = 8_192  # distinct texts of one column: dates repeat, times hardly
_DAY_0: Final = datetime(1899, 12, 30)  # noqa: DTZ001  # of spreadsheets: a wall clock without a zone
_MONTHS: Final = {
    name: number for number, name in enumerate(("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1)
}
_TOKENS: Final = {
    "YYYY": r"(?P<year>\d{4})",
    "YY": r"(?P<short_year>\d\d)",
    "MMMM": r"(?P<month_name>[A-Za-z]{3,9})\.?",
    "MMM": r"(?P<month_name>[A-Za-z]{3})\.?",
    "MM": r"(?P<month>\d\d?)",
    "M": r"(?P<month>\d\d?)",
    "DD": r"(?P<day>\d\d?)",
    "D": r"(?P<day>\d\d?)",
    "HH": r"(?P<hour>\d\d?)",
    "H": r"(?P<hour>\d\d?)",
    "hh": r"(?P<hour12>\d\d?)",
    "h": r"(?P<hour12>\d\d?)",
    "mm": r"(?P<minute>\d\d)",
    "ss": r"(?P<second>\d\d)(?:[.,]\d{1,9})?",
    "AM": r"(?P<half>[AaPp])\.?[Mm]\.?",
    "Z": r"(?P<zone>Z|UTC|GMT|(?:AK|[ECMPH])[SD]T|[+-]\d\d(?::?\d\d)?)",
}
# Of the United States, whose agencies write them; elsewhere CST and IST are others.
_ZONES: Final = {
    "Z": 0, "UTC": 0, "GMT": 0, "EDT": -4, "EST": -5, "CDT": -5, "CST": -6, "MDT": -6, "MST": -7, "PDT": -7, "PST": -8, "AKDT": -8,
    "AKST": -9, "HDT": -9, "HST": -10,
}  # fmt: skip
_PARTS: Final = ("year", "month", "day", "hour", "minute", "second", "zone", "short_year", "month_name", "hour12", "half")
_SHOWN: Final = {
    "YYYY": "2026", "YY": "26", "MMMM": "May", "MMM": "May", "MM": "05", "M": "5", "DD": "01", "D": "1", "HH": "14", "H": "14",
    "hh": "02", "h": "2", "mm": "03", "ss": "00", "AM": "PM", "Z": "-04:00",
}  # fmt: skip
_FIXED_WIDTH: Final = {"MM": 2, "DD": 2, "HH": 2, "hh": 2}
# Without anything between them tokens have their full width: YYYYMMDD, YYYYMMDDHHmm.
_TOKEN: Final = re.compile("|".join(sorted(_TOKENS, key=len, reverse=True)))
_ISO: Final = re.compile(
    r"(\d{4})-(\d\d)(?:-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,]\d{1,9})?)?\s?(Z|UTC|[+-]\d\d(?::?\d\d)?)?)?)?", re.ASCII
)
_SERIAL: Final = re.compile(r"\d{4,6}(?:\.\d{1,15})?", re.ASCII)
_TIME: Final = re.compile(r"(?:^|[T ])(\d\d?):(\d\d)(?::(\d\d)(?:\.\d+)?)?(?:\s?([AaPp])\.?[Mm]\.?)?\s*(?:hrs?|h)?$", re.ASCII)
_MILITARY: Final = re.compile(r"(\d{1,2})(\d\d)(?:\s?(?:hrs?|h))?", re.ASCII)
_FRACTION: Final = re.compile(r"0?\.\d+|0", re.ASCII)
_EPOCH: Final = re.compile(r"(\d{10})(\d{3})?(?:\.\d{1,9})?", re.ASCII)  # seconds, or milliseconds as map servers write them
EXAMPLE: Final = "MM/DD/YYYY HH:mm"
FORMATS_SEEN: Final = (
    "ISO", "MM/DD/YYYY", "MM/DD/YYYY HH:mm", "MM/DD/YYYY HH:mm:ss", "MM/DD/YYYY hh:mm AM", "MM/DD/YYYY hh:mm:ss AM", "MM/DD/YY",
    "MM/DD/YY HH:mm", "MM/DD/YY HH:mm:ss", "MM/DD/YY hh:mm AM", "MM/DD/YY hh:mm:ss AM", "MM/DD/YYYY HHmm", "MM/DD/YYYY HH:mm:ss Z",
    "MM/DD/YYYY HH:mm Z", "YYYY/MM/DD", "YYYY/MM/DD HH:mm", "YYYY/MM/DD HH:mm:ss", "YYYY/MM/DD hh:mm:ss AM", "YYYY/MM/DD HH:mm:ssZ",
    "YYYY-MM-DD hh:mm:ss AM", "YYYY-MM-DD HH:mm:ss Z", "YYYYMMDD", "YYYYMMDD HHmm", "YYYYMMDD HH:mm", "YYYYMMDD HH:mm:ss", "YYYYMMDDHHmm",
    "YYYYMMDDHHmmss", "YYYYMMDDHHmmssZ", "MM-DD-YYYY", "MM-DD-YYYY HH:mm", "MM-DD-YYYY HH:mm:ss", "DD-MMM-YYYY", "DD-MMM-YYYY HH:mm",
    "DD-MMM-YYYY HH:mm:ss", "DD-MMM-YY", "DD-MMM-YY HH:mm:ss", "DD-MMM-YY hh.mm.ss AM", "DDMMMYYYY", "DDMMMYYYY:HH:mm:ss", "MMM DD, YYYY",
    "MMM DD, YYYY hh:mm AM", "MMM DD, YYYY, hh:mm AM", "MMM DD, YYYY hh:mm:ss AM", "MMMM DD, YYYY", "MMMM DD, YYYY hh:mm AM",
    "MMM DD YYYY hh:mmAM", "MMM DD YYYY hh:mm:ssAM", "MMM DD YYYY hh:mm AM", "MMM DD YYYY hh:mm:ss AM", "YYYY MMM DD hh:mm:ss AM",
    "DD.MM.YYYY", "DD.MM.YYYY HH:mm", "DD/MM/YYYY", "DD/MM/YYYY HH:mm", "DD/MM/YYYY HH:mm:ss", "DD-MM-YYYY", "DD-MM-YYYY HH:mm", "EXCEL",
    "EPOCH",
)  # fmt: skip
"""What exports write, the commonest first; for proposals."""


class FormatError(ValueError):
    """The pattern names no date."""


class Moment(NamedTuple):
    """A wall-clock time, or a moment when its text had an offset, and how exactly it was written."""

    at: datetime
    precision: TimePrecision


Reader = Callable[[str], Moment | None]
"""Returns None for what is no date of the form."""


def date_reader(formats: tuple[str, ...]) -> Reader:
    """Return a reader that tries the formats in order.

    Raises:
        FormatError: a pattern is none.
    """
    readers = [_reader(pattern) for pattern in formats]

    @lru_cache(maxsize=_CACHED)
    def read(text: str) -> Moment | None:
        if len(text) > _LONGEST:
            return None
        for one in readers:
            try:
                found = one(text)
            except (ValueError, OverflowError):
                continue  # 02/30, hour 25: not of this form
            if found is not None:
                return found
        return None

    return read


def example_of(pattern: str) -> str:
    """Return a time written in the pattern."""
    written = {"ISO": "2026-05-01T14:03:00", "EXCEL": "46143", "EPOCH": "1777658580"}
    return written.get(pattern) or _TOKEN.sub(lambda token: _SHOWN[token[0]], pattern)


def _reader(pattern: str) -> Reader:
    if pattern == "ISO":
        return _iso
    if pattern == "EXCEL":
        return _serial
    if pattern == "EPOCH":
        return _epoch
    expression, at, seen = "", 0, set()
    for match in _TOKEN.finditer(pattern):
        expression += _literal(pattern[at : match.start()])
        token = match[0]
        group = _TOKENS[token]
        beside = pattern[max(match.start() - 1, 0) : match.start()] + pattern[match.end() : match.end() + 1]
        if token in _FIXED_WIDTH and any(map(str.isalpha, beside.replace("T", ""))):
            group = group.replace(r"\d\d?", r"\d\d")
        name = group[4 : group.index(">")]
        if name in seen:
            raise FormatError(f"names {token} twice")
        seen.add(name)
        expression += group
        at = match.end()
    expression += _literal(pattern[at:])
    if not seen & {"year", "short_year"} or not seen & {"month", "month_name"}:
        raise FormatError("names no year and month")
    if "hour12" in seen and "half" not in seen:
        raise FormatError("has a twelve-hour clock without AM")
    lacking = "".join(f"(?P<{name}>(?!))?" for name in _PARTS if name not in seen)  # never there, so that all patterns have the same groups
    compiled = re.compile(expression + lacking, re.ASCII)
    order = [compiled.groupindex[name] for name in _PARTS]
    return lambda text: None if (match := compiled.fullmatch(text)) is None else _moment(*match.group(*order))


def _literal(text: str) -> str:
    if any(letter.isalnum() and letter not in "Tt" for letter in text):
        raise FormatError("has a letter that stands for nothing")
    return "".join(r"\s+" if part.isspace() else re.escape(part) for part in re.findall(r"\s+|\S", text))


def _moment(
    year: str | None,
    month: str | None,
    day: str | None,
    hour: str | None,
    minute: str | None,
    second: str | None,
    zone: str | None,
    short_year: str | None = None,
    month_name: str | None = None,
    hour12: str | None = None,
    half: str | None = None,
) -> Moment | None:
    # Two digits are of this century up to 68, as everywhere (POSIX); nobody reports what lies further ahead.
    full = int(year) if year else int(short_year or 0) + (2000 if int(short_year or 0) < 69 else 1900)
    number = _MONTHS.get(month_name[:3].lower(), 0) if month_name else int(month or 0)
    if hour12 is not None:
        if not 1 <= int(hour12) <= 12:  # a clock's face
            return None
        hour = str(int(hour12) % 12 + (12 if (half or "").lower() == "p" else 0))
    offset = None if zone is None else _offset(zone)
    at = datetime(full, number, int(day or 1), int(hour or 0), int(minute or 0), int(second or 0), 0, offset)
    if day is None:
        precision = TimePrecision.MONTH
    elif hour is None:
        precision = TimePrecision.DATE
    else:
        precision = TimePrecision.HOUR if minute is None else TimePrecision.MINUTE if second is None else TimePrecision.SECOND
    return Moment(at, precision)


@lru_cache(maxsize=256)
def _offset(zone: str) -> timezone:
    if zone in _ZONES:
        return timezone(timedelta(hours=_ZONES[zone]))
    digits = zone[1:].replace(":", "").ljust(4, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if zone[0] == "-" else offset)


def _iso(text: str) -> Moment | None:
    match = _ISO.fullmatch(text)
    return None if match is None else _moment(*match.groups())


def _serial(text: str) -> Moment | None:
    if not _SERIAL.fullmatch(text):
        return None
    days = float(text)
    at = _DAY_0 + timedelta(seconds=round(days * 86_400))
    return Moment(at, TimePrecision.DATE if days == int(days) else TimePrecision.SECOND)


def _epoch(text: str) -> Moment | None:
    match = _EPOCH.fullmatch(text)
    return None if match is None else Moment(datetime.fromtimestamp(int(match[1]), UTC), TimePrecision.SECOND)


def time_of_day(text: str) -> tuple[time, TimePrecision] | None:
    """Read a time of day: 9:05, 09:05:30, 9:05 PM, 0905, 0.378 (a spreadsheet's), or the end of a date and time."""
    # As nearly all exports write it; too many to be remembered. 12:03 PM is another form, and refused here.
    if len(text) == 8 and text[2] == text[5] == ":":
        try:
            return time.fromisoformat(text), TimePrecision.SECOND
        except ValueError:
            pass
    return _other_time_of_day(text)


@lru_cache(maxsize=_CACHED)
def _other_time_of_day(text: str) -> tuple[time, TimePrecision] | None:
    if len(text) > _LONGEST:
        return None
    try:
        if _FRACTION.fullmatch(text):
            return (_DAY_0 + timedelta(seconds=round(float(text) * 86_400))).time(), TimePrecision.MINUTE
        if match := _TIME.search(text):
            hour, minute, second, half = match.groups()
            if half is not None:
                hour = str(int(hour) % 12 + (12 if half.lower() == "p" else 0))
            return time(int(hour), int(minute), int(second or 0)), TimePrecision.SECOND if second else TimePrecision.MINUTE
        if match := _MILITARY.fullmatch(text):
            return time(int(match[1]), int(match[2])), TimePrecision.MINUTE
    except ValueError:
        return None
    return None
