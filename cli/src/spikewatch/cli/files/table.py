"""The header and the first rows of a table, whatever kind of file it is in."""

import csv
import json
from collections.abc import Mapping, Sequence
from typing import Final

from spikewatch.cli.exit_status import CannotRun
from spikewatch.cli.files.media_types import SPREADSHEET, media_type
from spikewatch.cli.files.opened import opened
from spikewatch.ingest.domain.csv_rows import csv_rows, plain
from spikewatch.ingest.domain.record import RawRecord, Split, json_lines, json_records, of_text
from spikewatch.ingest.domain.rejection import Rejected
from spikewatch.ingest.domain.xlsx_rows import xlsx_rows

__all__ = ["table_of"]

_MANY: Final = 1 << 40


def _no_header(names: Sequence[str]) -> Sequence[str]:
    """Tell what a line lacks to be a header: a title, a date or ``sep=;`` above the table has one cell or two."""
    return () if sum(map(bool, names)) > 2 else ("a third column",)  # less than an id, a time and a place is no table of reports


_SPLITS: Final[Mapping[str, Split]] = {
    "text/csv": csv_rows(required=_no_header, header="Incident Number,Incident Date"),
    SPREADSHEET: xlsx_rows(required=_no_header, header="Incident Number,Incident Date"),
    "application/json": of_text(json_records),
    "application/x-ndjson": of_text(json_lines),
}


def table_of(name: str, most: int) -> tuple[dict[str, str], list[dict[str, str]]]:
    """Return the columns, each name as it is compared with the name as it is written, and at most so many rows.

    Raises:
        CannotRun: the file holds no table.
    """
    header: dict[str, str] = {}
    rows: list[dict[str, str]] = []
    with opened(name) as file:
        try:
            kind = media_type(name, file.start, _SPLITS)
            if kind not in _SPLITS:
                raise CannotRun(f"{name} is no table; a profile describes .csv, .xlsx, .json and .jsonl")
            for record in _SPLITS[kind](file.stream, _MANY):
                if record.rejected is not None or record.is_skipped:
                    continue
                _note(header, record)
                rows.append({plain(key): _text(value) for key, value in record.fields.items()})
                if len(rows) >= most:
                    break
        except Rejected as rejected:
            if not rows:
                raise CannotRun(
                    f"{name} holds no table: {rejected.field or 'it'} {rejected.problem}; expected {rejected.expected}"
                ) from None
    if not rows:
        raise CannotRun(f"{name} has no row that can be read")
    return header, rows


def _note(header: dict[str, str], record: RawRecord) -> None:
    if not header and record.preface:
        line = record.preface
        written = max((next(csv.reader([line], delimiter=mark)) for mark in ",;\t|"), key=len)
        header.update({plain(cell): " ".join(cell.split()) for cell in written if plain(cell) in record.fields})
    for key in record.fields:
        header.setdefault(plain(key), " ".join(key.split()))


def _text(value: object) -> str:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool) or value is None:
        return {None: "", True: "true", False: "false"}[value]
    return str(value) if isinstance(value, int | float) else json.dumps(value)
