"""Reads the reports of a file as the records that are compared: a table with a header, or JSON lines of (located) reports."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from spikewatch.cli.exit_status import CannotRun
from spikewatch.cli.files.opened import OpenedFile
from spikewatch.contracts.report import LocatedReport, Report
from spikewatch.enrichment.domain.matching.records import Compared, Unreadable, of_located, of_report, of_row

__all__ = ["ReportRow", "is_json_lines", "report_rows"]

_JSON_NAMES: Final = (".jsonl", ".ndjson", ".json", ".jsonl.gz", ".ndjson.gz", ".json.gz")
_NEEDED: Final = ("agency", "event_time")
_NUMBERS: Final = ("agency_record_no", "report_id")
_LONGEST_CELL: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class ReportRow:
    """One row: the line it begins on, what names it in the output, and either what is compared or why it is refused.

    ``truth`` is the text of the column that says who the person is, where one was asked for; nothing that matches ever sees it.
    """

    line: int
    report_id: str
    record: Compared | None
    refused: Unreadable | None
    truth: str | None = None


def is_json_lines(file: OpenedFile) -> bool:
    """Return whether a file holds JSON lines: told by its name, that of standard input by its first sign."""
    name = file.name.lower()
    return name.endswith(_JSON_NAMES) or (not name.endswith((".csv", ".csv.gz")) and file.start.lstrip()[:1] == b"{")


def report_rows(file: OpenedFile, *, truth: str | None = None) -> Iterator[ReportRow]:
    """Read the rows in their order.

    Args:
        file: the opened file.
        truth: name of the column that says who the person is; None: columns named ``truth_*`` are not even read.

    Raises:
        CannotRun: the file is no such table.
    """
    if is_json_lines(file):
        if truth is not None:
            raise CannotRun(f"{file.name} holds JSON lines, which say nobody's {truth}; give a table with that column")
        yield from _of_json_lines(file)
    else:
        yield from _of_table(file, truth)


def _of_table(file: OpenedFile, truth: str | None) -> Iterator[ReportRow]:
    csv.field_size_limit(_LONGEST_CELL)
    rows = csv.reader(io.TextIOWrapper(file.stream, encoding="utf-8-sig", errors="replace", newline=""))
    try:
        header = [name.strip().lower() for name in next(rows, [])]
        missing = [name for name in _NEEDED if name not in header]
        if not set(_NUMBERS) & set(header):
            missing.append(_NUMBERS[0])
        if missing:
            raise CannotRun(
                f"{file.name} has no column {' and none '.join(missing)}; its header must name {', '.join((*_NEEDED, _NUMBERS[0]))}"
            )
        if truth is not None and truth not in header:
            raise CannotRun(f"{file.name} has no column {truth}; name the one that says who the person is with --truth")
        named = [name for name in header if not name.startswith("truth_")]
        wanted = [place for place, name in enumerate(header) if not name.startswith("truth_")]
        label = header.index(truth) if truth is not None else -1
        is_plain = wanted == list(range(len(wanted)))
        line = rows.line_num + 1
        for cells in rows:
            if any(cells):
                kept = cells if is_plain else [cells[place] for place in wanted if place < len(cells)]
                row = dict(zip(named, kept, strict=False))
                yield _read(row, line, cells[label].strip() if 0 <= label < len(cells) else None)
            line = rows.line_num + 1
    except csv.Error as error:
        raise CannotRun(f"{file.name} is no table that can be read: line {rows.line_num} {error}") from None


def _read(row: dict[str, str], line: int, truth: str | None) -> ReportRow:
    named = (row.get("report_id") or "").strip() or (row.get("agency_record_no") or "").strip()
    try:
        return ReportRow(line, named, of_row(row), None, truth)
    except Unreadable as refused:
        return ReportRow(line, named, None, refused, truth)


def _of_json_lines(file: OpenedFile) -> Iterator[ReportRow]:
    for line, text in enumerate(file.stream, start=1):
        if not text.strip():
            continue
        try:
            said: Any = json.loads(text)
        except ValueError:
            yield ReportRow(line, "", None, Unreadable("line", "is no JSON", "one report a line", '{"report_id": ...}'))
            continue
        try:
            if isinstance(said, dict) and "report" in said:
                located = LocatedReport.model_validate_json(text)
                yield ReportRow(line, str(located.report.report_id), of_located(located), None)
            else:
                report = Report.model_validate_json(text)
                yield ReportRow(line, str(report.report_id), of_report(report), None)
        except ValidationError as error:
            yield ReportRow(line, "", None, _unreadable(error))


def _unreadable(error: ValidationError) -> Unreadable:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    field = ".".join(map(str, first["loc"])) or "line"
    return Unreadable(field, "does not fit the report contract", first["msg"], "what spikewatch normalize writes")
