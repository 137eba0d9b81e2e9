"""Reads the reports of a file as the records that are compared: a table with a header, or JSON lines of (located) reports or of rows."""

import codecs
import csv
import io
import json
from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from pydantic import ValidationError

from spikewatch.cli.exit_status import CannotRun
from spikewatch.cli.files.opened import OpenedFile
from spikewatch.cli.matching.contract_refusal import EXAMPLE, contract_refusal
from spikewatch.cli.matching.date_order import in_one_order, orders_of
from spikewatch.cli.matching.quoted_lines import OpenMark, Rows
from spikewatch.cli.matching.report_row import ReportRow
from spikewatch.contracts.report import LocatedReport, Report
from spikewatch.enrichment.domain.matching.cells import moment_of
from spikewatch.enrichment.domain.matching.records import Unreadable, of_located, of_report, of_row

__all__ = ["ReportRow", "is_json_lines", "report_rows"]

_JSON_NAMES: Final = (".jsonl", ".ndjson", ".json", ".jsonl.gz", ".ndjson.gz", ".json.gz")
_NEEDED: Final = ("agency", "event_time")
_NUMBERS: Final = ("agency_record_no", "report_id")
_LONGEST_CELL: Final = 1 << 20
_DELIMITERS: Final = ",;\t|"
_SPREADSHEET: Final = b"PK\x03\x04"
_UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_LONG_CELL: Final = Unreadable("line", "has a cell that is too long", f"at most {_LONGEST_CELL:,} letters a cell", '"MERCY, WEST"')
_OPEN_MARK: Final = Unreadable(
    "line", "opens a quotation mark that is not closed", "each quotation mark closed in its cell", '"MERCY, WEST"'
)
_UNLIKE: Final = "; save it as CSV in UTF-8"


def is_json_lines(file: OpenedFile) -> bool:
    """Return whether a file holds JSON lines: told by its name, that of standard input by its first sign."""
    name = file.name.lower()
    return name.endswith(_JSON_NAMES) or (
        not name.endswith((".csv", ".csv.gz")) and file.start.removeprefix(codecs.BOM_UTF8).lstrip()[:1] == b"{"
    )


def report_rows(file: OpenedFile, *, truth: str | None = None) -> Iterator[ReportRow]:
    """Read the rows in their order.

    Args:
        file: the opened file.
        truth: name of the column that says who the person is; None: columns named ``truth_*`` are not even read.

    Raises:
        CannotRun: the file is no such table, or one of its columns of times has the month first in one row and the day in another.
    """
    yield from in_one_order(_rows(file, truth), file.name)


def _rows(file: OpenedFile, truth: str | None) -> Iterator[ReportRow]:
    if is_json_lines(file):
        if truth is not None:
            raise CannotRun(f"{file.name} holds JSON lines, which say nobody's {truth}; give a table with that column")
        yield from _of_json_lines(file)
    else:
        yield from _of_table(file, truth)


def _of_table(file: OpenedFile, truth: str | None) -> Iterator[ReportRow]:
    csv.field_size_limit(_LONGEST_CELL)
    encoding = _encoding(file)
    text = io.TextIOWrapper(file.stream, encoding=encoding, errors="replace", newline="")
    rows = Rows(text, _delimiter(file.start.decode(encoding, errors="replace")))
    try:
        header = [name.strip().lower() for name in rows.next() or []]
    except (csv.Error, OpenMark):
        raise CannotRun(f"{file.name} is no table that can be read: its first line has a cell that does not end") from None
    missing = [name for name in _NEEDED if name not in header]
    if not set(_NUMBERS) & set(header):
        missing.append(_NUMBERS[0])
    if missing:
        raise CannotRun(
            f"{file.name} has no column {' and none '.join(missing)}; its first line must name {', '.join((*_NEEDED, _NUMBERS[0]))}, "
            "with commas, semicolons, tabs or | between"
        )
    if truth is not None and truth not in header:
        raise CannotRun(f"{file.name} has no column {truth}; name the one that says who the person is with --truth")
    rows.is_row = partial(_tells_time, header.index("event_time"))
    named = [name for name in header if not name.startswith("truth_")]
    wanted = [place for place, name in enumerate(header) if not name.startswith("truth_")]
    label = header.index(truth) if truth is not None else -1
    is_plain = wanted == list(range(len(wanted)))
    while True:
        try:
            cells = rows.next()
        except csv.Error:
            yield ReportRow(rows.line, "", None, _LONG_CELL)
            continue
        except OpenMark:
            yield ReportRow(rows.line, "", None, _OPEN_MARK)
            continue
        if cells is None:
            return
        if any(cells):
            kept = cells if is_plain else [cells[place] for place in wanted if place < len(cells)]
            row = dict(zip(named, kept, strict=False))
            yield _read(row, rows.line, cells[label].strip() if 0 <= label < len(cells) else None)


def _tells_time(column: int, cells: list[str]) -> bool:
    try:
        moment_of(cells[column], "event_time")
    except Unreadable:
        return False
    return True


def _encoding(file: OpenedFile) -> str:
    if file.start.startswith(_SPREADSHEET):
        raise CannotRun(f"{file.name} is a spreadsheet{_UNLIKE}")
    if file.start.startswith(_UTF_16):
        return "utf-16"
    if b"\0" in file.start[:4]:
        raise CannotRun(f"{file.name} is no text in UTF-8{_UNLIKE}")
    return "utf-8-sig"


def _delimiter(start: str) -> str:
    first = start.lstrip("\ufeff").splitlines()[:1]
    for delimiter in _DELIMITERS:
        names = {name.strip().lower() for cells in csv.reader(first, delimiter=delimiter) for name in cells}
        if names.issuperset(_NEEDED):
            return delimiter
    return _DELIMITERS[0]


def _read(row: dict[str, str], line: int, truth: str | None) -> ReportRow:
    named = (row.get("report_id") or "").strip() or (row.get("agency_record_no") or "").strip()
    try:
        return ReportRow(line, named, of_row(row), None, truth, orders_of(row))
    except Unreadable as refused:
        return ReportRow(line, named, None, refused, truth)


def _of_json_lines(file: OpenedFile) -> Iterator[ReportRow]:
    if file.start.startswith(_UTF_16):
        raise CannotRun(f"{file.name} is no text in UTF-8; save it as JSON lines in UTF-8")
    for line, text in enumerate(file.stream, start=1):
        said = text.removeprefix(codecs.BOM_UTF8) if line == 1 else text
        if said.strip():
            yield _of_json(said, line)


def _of_json(text: bytes, line: int) -> ReportRow:
    try:
        said: Any = json.loads(text)
    except (ValueError, RecursionError):  # a document that is too deep is none
        return ReportRow(line, "", None, Unreadable("line", "is no JSON", "one report a line", json.dumps(EXAMPLE)))
    try:
        if not isinstance(said, dict):
            return ReportRow(
                line, "", None, Unreadable("line", "is no object", "one report a line, no list around them", json.dumps(EXAMPLE))
            )
        if "report" in said:
            located = LocatedReport.model_validate_json(text)
            return ReportRow(line, str(located.report.report_id), of_located(located), None)
        if "agency" in said:  # a row of a table as an object, as statistics programs write one
            return _read(
                {name.lower(): _written(value) for name, value in said.items() if not name.lower().startswith("truth_")}, line, None
            )
        report = Report.model_validate_json(text)
        return ReportRow(line, str(report.report_id), of_report(report), None)
    except ValidationError as error:
        return ReportRow(line, "", None, contract_refusal(error))


def _written(value: object) -> str:
    return "" if value is None or isinstance(value, list | dict) else str(value)
