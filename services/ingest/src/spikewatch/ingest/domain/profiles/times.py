"""Finds the time of the overdose in a row: of the ways a profile lists the first usable one, and says when it was not the first."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from spikewatch.contracts.vocabulary import TimeBasis, TimePrecision
from spikewatch.ingest.domain.dates import date_reader, example_of, time_of_day
from spikewatch.ingest.domain.feeds.facts import time_doubts
from spikewatch.ingest.domain.feeds.feed import Source
from spikewatch.ingest.domain.profiles.cells import Cells, Doubts, condition
from spikewatch.ingest.domain.profiles.model import Time
from spikewatch.ingest.domain.record import Fields
from spikewatch.ingest.domain.rejection import Fault, Rejected
from spikewatch.ingest.domain.wall_clock import ZONE_ASSUMED, Instant, local, not_future, zone_named

__all__ = ["When", "occurred"]

_ROUGH: Final = frozenset({TimePrecision.DATE, TimePrecision.MONTH})
_MIDNIGHT: Final = (0, 0, 0)


class When(NamedTuple):
    """The time of one row, which moment it is, and in which zone its day was read."""

    instant: Instant
    basis: TimeBasis
    zone: ZoneInfo | None


Way = Callable[[Fields, Source], When | None]


def occurred(cells: Cells, ways: Sequence[Time], time_zone: str | None) -> Callable[[Fields, Source, Doubts], When]:
    """Return what finds the time of a row.

    It raises ``Rejected`` when no way is usable.
    """
    readers = [(_way(cells, way, time_zone), way) for way in ways]
    columns = ", ".join(dict.fromkeys(column for way in ways for column in way.columns))
    example = example_of(ways[0].formats[0])

    def read(row: Fields, source: Source, doubts: Doubts) -> When:
        first: Rejected | None = None
        trouble: str | None = None
        for position, (way, spec) in enumerate(readers):
            try:
                found = way(row, source)
            except Rejected as rejected:
                first = first or rejected
                trouble = trouble or "unusable"
                continue
            if found is None:
                if not spec.when:
                    trouble = trouble or "missing"
                continue
            if spec.within_days_before_next is not None and not _is_near(found, row, source, readers[position + 1 :], spec):
                first = first or Rejected(
                    Fault.OUT_OF_RANGE, spec.columns[0], "lies too far from the next time", "a plausible time", example
                )
                trouble = trouble or "implausible"
                continue
            notes = found.instant.notes
            if trouble is not None:
                notes = (*notes, f"preferred_time_{trouble}")
            if spec.note is not None:
                notes = (*notes, spec.note)
            if notes:
                doubts += time_doubts(notes)
            return found
        # A new one each time: an exception that is raised again keeps every row that it was raised for.
        raise first or Rejected(Fault.MISSING_FIELD, columns[:200], "says no time", "a date of the profile's form", example)

    return read


def _is_near(found: When, row: Fields, source: Source, others: Sequence[tuple[Way, Time]], spec: Time) -> bool:
    for way, _ in others:
        try:
            other = way(row, source)
        except Rejected:
            continue
        if other is None:
            continue
        at, limit = found.instant.at, other.instant.at
        if other.instant.precision in _ROUGH:
            limit += timedelta(days=1)  # any moment of that day
        return limit - timedelta(days=(spec.within_days_before_next or 0) + 1) <= at <= limit
    return True


def _way(cells: Cells, spec: Time, time_zone: str | None) -> Way:  # noqa: C901  # every decision once, the row last
    cell = cells.text(spec.columns[:1])
    clock_cell = cells.text(spec.columns[1:]) if len(spec.columns) > 1 else None
    parse = date_reader(spec.formats)
    applies = condition(cells, spec.when)
    field = spec.columns[0]
    example = example_of(spec.formats[0])
    expected = "a time written " + " or ".join(spec.formats)
    midnight_is_date, day_only, earliest, basis = spec.midnight == "date", spec.precision == "date", spec.earliest, spec.basis
    reading_zone, own_zone, is_zone_named = zone_named(spec.zone), zone_named(time_zone), bool(spec.zone or time_zone)

    def read(row: Fields, source: Source) -> When | None:
        if applies is not None and not applies(row):
            return None
        text = cell(row)
        if text is None:
            return None
        moment = parse(text)
        if moment is None:
            raise Rejected(Fault.INVALID_FIELD, field, "is not a time of the profile's form", expected, example)
        at, precision = moment.at, moment.precision
        notes: tuple[str, ...] = ()
        if clock_cell is not None and precision is not TimePrecision.MONTH:
            clock_text = clock_cell(row)
            clock = None if clock_text is None else time_of_day(clock_text)
            if clock is not None:
                at, precision = datetime.combine(at, clock[0], at.tzinfo), clock[1]
            else:
                at, precision = at.replace(hour=0, minute=0, second=0), TimePrecision.DATE
                if clock_text is not None:
                    notes = ("time_of_day_unreadable",)
        home = own_zone if time_zone else zone_named(source.time_zone)
        # Times written in another zone than the place's (UTC): their midnight, and their day, is the place's.
        if at.tzinfo is not None or (reading_zone is not None and reading_zone is not home):
            return _moved(at, precision, notes, source, home)
        return _at_home(at, precision, notes, source, home)

    def _moved(at: datetime, precision: TimePrecision, notes: tuple[str, ...], source: Source, home: ZoneInfo | None) -> When:
        instant = local(at, reading_zone, field, precision) if at.tzinfo is None else _aware(at, field, precision)
        wall = None if home is None else instant.at.astimezone(home)
        if precision not in _ROUGH and wall is not None and (wall.hour, wall.minute, wall.second) == _MIDNIGHT and midnight_is_date:
            precision, notes = TimePrecision.DATE, (*notes, "midnight_is_date_only")
        if day_only and precision is not TimePrecision.MONTH:
            precision = TimePrecision.DATE
            if wall is not None:
                instant = local(wall.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None), home, field)
        if earliest is not None:
            _not_earlier((wall or instant.at).date(), earliest, field)
        return _done(Instant(instant.at, precision, (*notes, *instant.notes)), source, home)

    def _at_home(at: datetime, precision: TimePrecision, notes: tuple[str, ...], source: Source, home: ZoneInfo | None) -> When:
        if precision not in _ROUGH:
            if midnight_is_date and (at.hour, at.minute, at.second) == _MIDNIGHT:
                precision, notes = TimePrecision.DATE, (*notes, "midnight_is_date_only")
            if day_only:
                precision, at = TimePrecision.DATE, at.replace(hour=0, minute=0, second=0)
        if earliest is not None:
            _not_earlier(at.date(), earliest, field)
        return _done(local(at, home, field, precision, notes if is_zone_named else (ZONE_ASSUMED, *notes)), source, home)

    def _done(instant: Instant, source: Source, zone: ZoneInfo | None) -> When:
        not_future(instant, source.received_at, field)
        return When(instant, basis, zone)

    return read


def _aware(at: datetime, field: str, precision: TimePrecision) -> Instant:
    # Through the same gate as a wall clock, so that year 9999 is refused whatever its offset.
    if not 1990 <= at.year <= 9998:  # the calendar of wall_clock
        raise Rejected(Fault.OUT_OF_RANGE, field, "is a year that no report has", "a year from 1990", "2026-05-01")
    if at.tzinfo is UTC:
        return Instant(at, precision)
    utc = at.astimezone(ZoneInfo("UTC")).replace(tzinfo=None)
    return Instant(local(utc, ZoneInfo("UTC"), field, precision).at, precision)


def _not_earlier(day: date, earliest: date, field: str) -> None:
    if day < earliest:
        raise Rejected(Fault.OUT_OF_RANGE, field, "lies before the first day of the profile", f"a day from {earliest}", str(earliest))
