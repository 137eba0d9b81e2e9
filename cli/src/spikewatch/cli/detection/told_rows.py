"""Reads tables of counts or overdoses, CSV or JSON lines: which column says what, and the cells of each row.

What is not certain is refused: a column of counts by another name, two columns of counts, a row with more or fewer cells than the header.
"""

import csv
import io
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import chain, islice
from typing import Any, Final

from spikewatch.cli.detection.cells import MISSING, Refused, number_of
from spikewatch.cli.exit_status import CannotRun
from spikewatch.cli.files.opened import OpenedFile

__all__ = ["AREAS", "COUNTS", "Told", "ToldRow", "is_of_lines", "plain_name", "readable", "separator_of", "told_rows"]

COUNTS: Final = ("count", "counts", "observed", "cases")
"""Columns of which one, if there is any, makes a table one of counts; else each row is one overdose."""

AREAS: Final = ("area", "county_fips", "county", "city", "town", "neighborhood", "zip")
"""Columns that say where, the first of them that is there."""

_LIKE_COUNTS: Final = frozenset(
    {"n", "num", "number", "total", "totals", "overdoses", "ods", "deaths", "fatalities", "incidents", "events", "freq", "frequency"}
    | {"value", "calls", "patients", "victims", "visits", "reports"}
)
_PARTS_LIKE_COUNTS: Final = frozenset({"count", "counts", "total", "cases", "overdoses", "ods", "deaths"})
_NEAR: Final = 0.8  # as like as `coutn` is to `count`
_NO_COUNTS: Final = frozenset({"country"})  # as like as that, and a word
_SAMPLE: Final = 1_000  # rows by which a table's columns are known
_LINES: Final = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")
_TABLES: Final = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".txt.gz")
_EXAMPLE: Final = '{"date": "2026-05-01", "count": 3, "area": "county:42091"}'
_SEPARATORS: Final = (",", ";", "\t", "|")
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class ToldRow:
    """The line where a row begins and its cells by the names of their columns, or why it is refused."""

    line: int
    cells: Mapping[str, str]
    refused: Refused | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """A table: the columns that say when, how many (None: each row is one overdose) and where, and those that nobody reads."""

    columns: tuple[str, ...]
    when: str
    count: str | None
    area: str | None
    unread: tuple[str, ...]
    rows: Iterator[ToldRow]

    def says_unread(self) -> str | None:
        """Return a sentence about the columns that nobody reads, None where all are read."""
        if not self.unread:
            return None
        shown = ", ".join(self.unread[:8])
        return f"columns that are not read: {shown}" + (f" and {len(self.unread) - 8:,} more" if len(self.unread) > 8 else "")


def is_of_lines(file: OpenedFile) -> bool:
    """Whether a file holds JSON lines rather than a table: by its name, else by its first character."""
    name = file.name.lower()
    return name.endswith(_LINES) or (not name.endswith(_TABLES) and file.start.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{")


def plain_name(text: str) -> str:
    """Return a column's name as it is compared: small letters, underscores for blanks and hyphens."""
    return "_".join(text.strip().lower().replace("-", " ").split())


def readable(file: OpenedFile) -> io.TextIOWrapper:
    """Return a file as text, its byte order mark taken off.

    Raises:
        CannotRun: it is UTF-16.
    """
    if file.start[:2] in _UTF_16:
        raise CannotRun(f"{file.name} is UTF-16; save it as UTF-8 (in a spreadsheet: CSV UTF-8)")
    return io.TextIOWrapper(file.stream, encoding="utf-8-sig", errors="replace", newline="")


def separator_of(header: str, wanted: Collection[str]) -> str:
    """Return what stands between the cells of a header that names one of the wanted columns: a comma, semicolon, tab or bar."""
    for mark in _SEPARATORS:
        if any(plain_name(cell) in wanted for cell in next(csv.reader([header], delimiter=mark), [])):
            return mark
    return _SEPARATORS[0]


def told_rows(file: OpenedFile, times: Sequence[str], more: Collection[str]) -> Told:
    """Return a table whose ``when`` is the first of ``times`` that it has; ``more`` are other columns that the caller reads.

    Raises:
        CannotRun: the file is no such table.
    """
    lines = is_of_lines(file)
    text = readable(file)
    columns, rows = _of_lines(text, {*times, *COUNTS, *AREAS, *more}) if lines else _of_table(file.name, text, times)
    if not columns:
        raise CannotRun(f"{file.name} is empty; it needs a header and a row, for example date,count,area and 2026-05-01,3,county:42091")
    when = next((name for name in times if name in columns), None)
    if when is None:
        raise CannotRun(
            f"{file.name} has no column that says when; its {'objects' if lines else 'header'} must name one of {', '.join(times)}, "
            "for example date,count,area"
        )
    counts = [name for name in COUNTS if name in columns]
    if len(counts) > 1:
        raise CannotRun(f"{file.name} has two columns of counts, {counts[0]} and {counts[1]}; leave one of them out")
    area = next((name for name in AREAS if name in columns), None)
    read = tuple(dict.fromkeys(name for name in (when, *counts, area, *more) if name in columns))
    for name in read:
        if columns.count(name) > 1:
            raise CannotRun(f"{file.name} names the column {name} twice in its header; leave one of them out")
    sample = list(islice(rows, _SAMPLE))
    if not sample:
        raise CannotRun(f"{file.name} has a header and no row; give it at least one, for example 2026-05-01,3,county:42091")
    if not counts:
        _refuse_counts_by_another_name(file.name, [name for name in columns if name and name not in read], sample)
    required = [name for name in (when, *counts, area) if name] if lines else []
    checked = (_checked(row, read, required) for row in chain(sample, rows))
    unread = tuple(name for name in dict.fromkeys(columns) if name and name not in read)
    return Told(tuple(columns), when, counts[0] if counts else None, area, unread, checked)


def _refuse_counts_by_another_name(file: str, columns: Sequence[str], sample: Sequence[ToldRow]) -> None:
    for name in columns:
        is_like = name in _LIKE_COUNTS or _PARTS_LIKE_COUNTS & set(name.split("_")) or get_close_matches(name, COUNTS, 1, _NEAR)
        if not is_like or name in _NO_COUNTS:
            continue
        numbers = [number_of(text) for row in sample if (text := row.cells.get(name, "").strip()).lower() not in MISSING]
        if numbers and all(number is not None and number == int(number) and 0 <= number < 1e6 for number in numbers):
            raise CannotRun(
                f"{file}: column {name} holds whole numbers and is none of {', '.join(COUNTS)}; call it count if it says how many "
                "(for example date,count,area), or leave it out if each row is one overdose"
            )


def _checked(row: ToldRow, read: Collection[str], required: Sequence[str]) -> ToldRow:
    if row.refused is not None:
        return row
    for name in required:
        if name not in row.cells:
            expected = "the same keys on every line, null where nothing was told"
            return ToldRow(row.line, {}, Refused(name, "is missing", expected, _EXAMPLE))
    for name in read:
        cell = row.cells.get(name, "")
        if "\n" in cell or "\r" in cell:
            return ToldRow(row.line, {}, Refused(name, "holds a line break", "quotes that close on their line", '"Cedar, Town"'))
        if "\ufffd" in cell:
            return ToldRow(row.line, {}, Refused(name, "is no UTF-8", "a file saved as UTF-8", "Cañon City"))
    return row


def _of_table(file: str, text: io.TextIOWrapper, times: Sequence[str]) -> tuple[list[str], Iterator[ToldRow]]:
    first = text.readline()
    rows = csv.reader(chain([first], text), delimiter=separator_of(first, times))
    try:
        columns = [plain_name(name) for name in next(rows, [])]
    except csv.Error:
        raise CannotRun(f"{file} is no table that can be read; give CSV with a header, for example date,count,area") from None
    while columns and not columns[-1]:
        columns.pop()
    return columns, _cells_of_table(file, rows, columns)


def _cells_of_table(file: str, rows: Any, columns: Sequence[str]) -> Iterator[ToldRow]:
    line, width = rows.line_num, len(columns)
    try:
        for row in rows:
            line, began = rows.line_num, line + 1
            if len(row) == width or (len(row) > width and not any(cell.strip() for cell in row[width:])):
                yield ToldRow(began, dict(zip(columns, row, strict=False)))
            elif row:
                problem = f"has {len(row)} cells where the header has {width}"
                expected = "a cell for each column; text with commas in quotes, numbers without a thousands separator"
                yield ToldRow(began, {}, Refused("the row", problem, expected, '2026-05-01,1234,"Cedar, Town"'))
    except csv.Error:
        raise CannotRun(f"{file} is no table that can be read near line {rows.line_num}; give CSV with a header") from None


def _of_lines(text: io.TextIOWrapper, known: Collection[str]) -> tuple[list[str], Iterator[ToldRow]]:
    """The columns of JSON lines are the keys of the first so many objects; a key that tells more later is refused, for it was not read."""
    rows = (_cells_of_line(number, line) for number, line in enumerate(text, start=1) if line.strip())
    sample = list(islice(rows, _SAMPLE))
    columns = list(dict.fromkeys(name for row in sample for name in row.cells))
    late = set(known) - set(columns)
    return columns, chain(sample, (_refuse_late(row, late) for row in rows))


def _refuse_late(row: ToldRow, late: Collection[str]) -> ToldRow:
    name = next((name for name in row.cells if name in late), None)
    if name is None:
        return row
    problem = f"is told by none of the first {_SAMPLE:,} lines"
    return ToldRow(row.line, {}, Refused(name, problem, "the same keys on every line", _EXAMPLE))


def _cells_of_line(number: int, line: str) -> ToldRow:
    try:
        pairs = json.loads(line, object_pairs_hook=tuple)
    except (ValueError, RecursionError):
        pairs = None
    if not isinstance(pairs, tuple):
        return ToldRow(number, {}, Refused("the line", "is no JSON object", "one object a line", _EXAMPLE))
    cells = {plain_name(key): "" if value is None else str(value) for key, value in pairs}
    if len(cells) < len(pairs):
        return ToldRow(number, {}, Refused("the line", "names a key twice", "each key once", _EXAMPLE))
    return ToldRow(number, cells)
