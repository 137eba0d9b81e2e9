"""Reads a history from a table, CSV or JSON lines: one row an overdose, or one row a date and area with its count."""

import re
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from spikewatch.alerts.domain.backtest.histories import Happened
from spikewatch.alerts.domain.clusters.cells import is_cell
from spikewatch.alerts.domain.instants import DAY, micros
from spikewatch.alerts.domain.marks import mark
from spikewatch.cli.backtesting.history_row import HistoryRow
from spikewatch.cli.backtesting.moments import TIMES, TIMES_OF_DAY, moment_of
from spikewatch.cli.backtesting.places import COLUMNS, county_of, of_table_row
from spikewatch.cli.detection.calendar import apart, misfit
from spikewatch.cli.detection.cells import MISSING, Refused, count_of
from spikewatch.cli.detection.told_rows import Told, ToldRow, told_rows
from spikewatch.cli.files.opened import OpenedFile
from spikewatch.cli.progress import say
from spikewatch.contracts.case_definitions import DefinitionName
from spikewatch.contracts.vocabulary import DrugClass, Outcome, SourceType

__all__ = ["table_rows"]

_WORDS: Final[Mapping[str, type[StrEnum]]] = {"outcome": Outcome, "drug_class": DrugClass, "source_type": SourceType}
_DEFINITION: Final = "case_definition"
_DEFINITION_NAME: Final[TypeAdapter[str]] = TypeAdapter(DefinitionName)
_KINDED: Final = {"county_fips": "county", "zip": "zip"}
_DIGITS: Final = 5
_BLANK: Final = re.compile(r"\s")
_MOST_NAMED: Final = 5
_MOST_A_ROW: Final = 1_000_000


def table_rows(file: OpenedFile, area: str) -> Iterator[HistoryRow]:
    """Read the rows in their order; ``area`` is where rows without an area lie. What is not read, and what is left out, is said.

    Raises:
        CannotRun: the file is no such table.
    """
    told = told_rows(file, TIMES, (*_WORDS, _DEFINITION, *COLUMNS, *TIMES_OF_DAY.values()))
    if (unread := told.says_unread()) is not None:
        say(unread)
    if told.count is None:
        yield from (_row(row, told, area)[0] for row in told.rows)
    else:
        yield from _of_counts(told, (_row(row, told, area) for row in told.rows))


def _of_counts(told: Told, rows: Iterable[tuple[HistoryRow, object]]) -> Iterator[HistoryRow]:
    """Refuse counts that stand twice and dates that do not fit; they are known when the last row is."""
    seen: set[object] = set()
    kept: list[HistoryRow] = []
    numbers: dict[str, int] = {}
    for row, key in rows:
        if row.day is None:
            yield row
        elif key in seen:
            problem, expected = "stands twice for its area", "one row a date and area (and outcome, drug class …), their counts added"
            yield HistoryRow(row.line, refused=Refused(told.when, problem, expected, "2026-05-01"))
        else:
            seen.add(key)
            kept.append(row)
    days = np.array([(row.day or 0) // DAY for row in kept], dtype=np.int64)
    areas = np.array([numbers.setdefault(row.happened[0].area, len(numbers)) for row in kept], dtype=np.intp)
    found = apart(days, areas)
    for row, fits in zip(kept, found.fits.tolist(), strict=True):
        yield row if fits else HistoryRow(row.line, refused=misfit(told.when, found.step))
    if kept:
        _say_what_is_left_out(found.step, days[found.fits], areas[found.fits])
    silent = sorted(set(numbers) - {row.happened[0].area for row in kept if row.count})
    if silent:
        shown = ", ".join(silent[:_MOST_NAMED]) + (" …" if len(silent) > _MOST_NAMED else "")
        say(f"{len(silent):,} areas without any overdose raise no alarm and stand in no table: {shown}")


def _say_what_is_left_out(step: str, days: NDArray[np.int64], areas: NDArray[np.intp]) -> None:
    if step != "day":
        say(f"the dates are a {step} apart: a rule whose window is shorter sees the overdoses of a whole {step} on one date")
        return
    span = int(days.max() - days.min()) + 1
    told, watched = len(np.unique(areas * span + days - days.min())), span * len(np.unique(areas))
    if told < watched:
        say(f"{watched - told:,} of {watched:,} days of the areas have no row; they count as days without an overdose")


def _row(row: ToldRow, told: Told, area: str) -> tuple[HistoryRow, object]:
    """Return a row, and what no other row of counts may tell of, too."""
    if row.refused is not None:
        return HistoryRow(row.line, refused=row.refused), None
    found = _read(row.line, row.cells, told, area)
    return (HistoryRow(row.line, refused=found), None) if isinstance(found, Refused) else found


def _read(line: int, cells: Mapping[str, str], told: Told, area: str) -> tuple[HistoryRow, object] | Refused:
    moment = moment_of(text := _time(cells, told.when))
    if moment is None:
        problem = "is no time" if text else "is missing"
        return Refused(told.when, problem, "an ISO 8601 time or date from 1900 on, or month/day/year", "2026-05-01")
    count = 1.0 if told.count is None else count_of(told.count, cells.get(told.count, "").strip(), _MOST_A_ROW)
    if isinstance(count, Refused):
        return count
    if count is None:
        return Refused(told.count or "", "is missing", "a whole number; 0 where there was none", "3")
    place = _place(cells, told.area)
    if isinstance(place, Refused):
        return place
    bits = _mark(*(cells.get(column, "") for column in _WORDS), cells.get(_DEFINITION, ""))
    if isinstance(bits, Refused):
        return bits
    at = micros(moment)
    county = county_of(cells.get("county_fips", ""), place, area)
    placed = of_table_row(cells, line, at, bits, int(count), county)
    where = [place or area]
    if county and placed is not None and is_cell(where[0]):
        where.append(f"county:{county}")  # rules that watch counties count what is told by cell, too
    key = (at, place, bits, *(cells.get(name, "").strip() for name in COLUMNS)) if told.count else None
    return HistoryRow(line, tuple(Happened(one, at, bits) for one in where), int(count), day=at, placed=placed), key


def _time(cells: Mapping[str, str], when: str) -> str:
    text = cells.get(when, "").strip()
    time = cells.get(TIMES_OF_DAY.get(when, ""), "").strip()
    return f"{text} {time}" if text and time.lower() not in MISSING and ":" not in text else text


def _place(cells: Mapping[str, str], column: str | None) -> str | Refused:
    for name, kind in _KINDED.items():
        told = cells.get(name, "").strip()
        if told.lower() in MISSING or name not in {column, "county_fips"}:
            continue
        code = told.removeprefix(f"{kind}:")
        if not (code.isascii() and code.isdecimal() and len(code) == _DIGITS):
            expected = f"{_DIGITS} digits; a spreadsheet loses leading zeros"
            return Refused(name, f"has not {_DIGITS} digits", expected, "09009" if name == "county_fips" else "01902")
        if name == column:
            return f"{kind}:{code}"
    place = cells.get(column, "").strip() if column else ""
    if place.lower() in MISSING:
        return ""
    kind, colon, code = place.partition(":")
    return f"{kind.lower()}:{code}" if colon and not _BLANK.search(place) else place  # `Cedar: North` is a name


@lru_cache(maxsize=4_096)
def _mark(outcome: str, drug_class: str, source_type: str, definition: str) -> int | Refused:
    found: dict[str, list[str]] = {}
    for (column, words), cell in zip(_WORDS.items(), (outcome, drug_class, source_type), strict=True):
        known = [word.value for word in words]
        found[column] = []
        for text in cell.split(";"):
            word = text.strip().lower().replace("-", "")
            if word in MISSING:
                continue
            if word not in known:
                return Refused(column, "is a word that nobody counts by", f"one of {', '.join(known)}", known[0])
            found[column].append(word)
    if len(found["outcome"]) > 1:
        return Refused("outcome", "names more than one", "one outcome a row", "fatal")
    definitions = [name for name in definition.replace(";", " ").lower().split() if name not in MISSING]
    if not all(map(_is_definition, definitions)):
        return Refused(_DEFINITION, "is no name of a case definition", "ids, or id@version, with ; between them", "opioid@1; any-drug")
    return mark(
        [Outcome(word) for word in found["outcome"]] or (Outcome.UNKNOWN,),
        [DrugClass(word) for word in found["drug_class"]],
        [SourceType(word) for word in found["source_type"]],
        definitions,
    )


def _is_definition(name: str) -> bool:
    try:
        _DEFINITION_NAME.validate_python(name)
    except ValidationError:
        return False
    return True
