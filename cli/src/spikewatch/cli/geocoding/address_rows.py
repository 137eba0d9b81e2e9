"""Rows to geocode: CSV with a header, JSON lines, or plain lines of one address each, read as a stream."""

import csv
import io
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import chain, islice
from typing import Any, Final, NamedTuple

from spikewatch.cli.exit_status import CannotRun
from spikewatch.cli.files.opened import STANDARD_INPUT, OpenedFile
from spikewatch.enrichment.adapters.geodata.column_words import letters, listed
from spikewatch.enrichment.adapters.geodata.csv_layer import delimiter_of
from spikewatch.enrichment.adapters.geodata.text_lines import encoding_of_text
from spikewatch.enrichment.adapters.geodata.unusable import GeodataUnusable

__all__ = ["ADDRESS_NAMES", "LINE", "AddressRow", "AddressTable", "Form", "address_table"]

LINE: Final = "address"
"""The column that a plain line becomes."""
ADDRESS_NAMES: Final = listed(
    "address fulladdress fulladdr streetaddress incidentaddress incidentlocation eventaddress eventlocation calladdress sceneaddress "
    "blockaddress hundredblockaddress hundredblock block100 addressblock siteaddress locationaddress addr location incidentstreet "
    "addressline1 address1 addressofinjury injuryaddress injurylocation injuryplace deathaddress placeofinjury intersection "
    "locationdescription locdesc place where street streetname"
)
"""Names of columns that hold an address, by letters and digits, the surest first."""
_LONGEST_CELL: Final = 1 << 26
_LOOKED_AT: Final = 500
_MOST_COLUMNS: Final = 4096
_JSON: Final = (".jsonl", ".ndjson", ".json")
_TABLES: Final = (".csv", ".tsv")


class Form(StrEnum):
    """How rows are written."""

    CSV = "csv"
    JSON_LINES = "json lines"
    LINES = "lines"


class AddressRow(NamedTuple):
    """One row: its line counted from 1, its values by column, and why it is refused, else empty."""

    line: int
    values: Mapping[str, Any]
    problem: str = ""


class AddressTable(NamedTuple):
    """A table that is being read.

    Attributes:
        form: how it is written.
        columns: their names; of JSON lines those of the first rows.
        delimiter: between cells of CSV.
        sample: its first rows, which ``rows`` gives, too.
        rows: all rows, once.
    """

    form: Form
    columns: tuple[str, ...]
    delimiter: str
    sample: Sequence[AddressRow]
    rows: Iterator[AddressRow]


def address_table(file: OpenedFile, *, has_named_columns: bool) -> AddressTable:
    """Open a table.

    Args:
        file: the file.
        has_named_columns: columns were named by people, so that standard input has a header.

    Raises:
        CannotRun: it is empty or no text.
    """
    try:
        encoding = encoding_of_text(file.name, file.start)
    except GeodataUnusable:
        raise CannotRun(f"{file.name} is no text; expected CSV, JSON lines or plain lines, so save a spreadsheet as CSV") from None
    start = file.start.decode(encoding, "replace")
    if not start.strip():
        raise CannotRun(f"{file.name} is empty; expected a header and rows, JSON lines, or an address on each line")
    form = _form(file.name, start, has_named_columns=has_named_columns)
    lines = io.TextIOWrapper(file.stream, encoding=encoding, errors="replace", newline="")
    delimiter = ","
    columns: tuple[str, ...] = (LINE,)
    if form is Form.CSV:
        csv.field_size_limit(max(csv.field_size_limit(), min(_LONGEST_CELL, sys.maxsize)))
        delimiter = delimiter_of(start)
        reader = csv.reader(lines, delimiter=delimiter)
        columns = _header(file.name, reader)
        rows = _csv_rows(reader, columns, delimiter)
    else:
        rows = _json_rows(lines) if form is Form.JSON_LINES else _plain_rows(lines)
    sample = list(islice(rows, _LOOKED_AT))
    if form is Form.JSON_LINES:
        if sample and all(row.problem for row in sample):
            raise CannotRun(f"{file.name} holds no JSON objects line by line; of an array make lines first, for example with: jq -c '.[]'")
        columns = tuple(dict.fromkeys(name for row in sample for name in row.values))
    return AddressTable(form, columns, delimiter, sample, chain(sample, rows))


def _form(name: str, start: str, *, has_named_columns: bool) -> Form:
    plain = name.lower().removesuffix(".gz")
    if name != STANDARD_INPUT:
        for endings, form in ((_JSON, Form.JSON_LINES), (_TABLES, Form.CSV)):
            if plain.endswith(endings):
                return form
    first = next(line for line in start.splitlines() if line.strip())
    if first.lstrip().startswith("{"):
        return Form.JSON_LINES
    cells = next(csv.reader([first], delimiter=delimiter_of(first)), [])
    is_header = any(letters(cell) in ADDRESS_NAMES for cell in cells)
    return Form.CSV if has_named_columns or is_header else Form.LINES


def _header(name: str, reader: "Iterator[list[str]]") -> tuple[str, ...]:
    header = next((row for row in reader if any(map(str.strip, row))), [])
    columns = tuple(cell.strip() for cell in header)
    if len(columns) > _MOST_COLUMNS:
        raise CannotRun(f"{name} has {len(columns):,} columns; expected at most {_MOST_COLUMNS:,}")
    repeated = next((column for place, column in enumerate(columns) if column and column in columns[:place]), None)
    if repeated is not None:
        raise CannotRun(f"{name} has the column {repeated!r} more than once; give each its own name")
    return tuple(column or f"column {place}" for place, column in enumerate(columns, start=1))


def _csv_rows(reader: Any, columns: Sequence[str], delimiter: str) -> Iterator[AddressRow]:
    width = len(columns)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield AddressRow(line, {}, "cells cannot be told apart")
            continue
        if len(cells) == width:
            yield AddressRow(line, dict(zip(columns, cells, strict=True)))
        elif width == 1 and cells:  # one column needs no delimiter: commas are the address's own
            yield AddressRow(line, {columns[0]: delimiter.join(cells)})
        elif len(cells) > width:
            yield AddressRow(line, {}, "more cells than the header has")
        elif cells:
            yield AddressRow(line, dict(zip(columns, [*cells, *[""] * (width - len(cells))], strict=True)))


def _json_rows(lines: io.TextIOWrapper) -> Iterator[AddressRow]:
    for line, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        try:
            values = json.loads(text)
        except (ValueError, RecursionError):
            values = None
        yield AddressRow(line, values) if isinstance(values, dict) else AddressRow(line, {}, "no JSON object")


def _plain_rows(lines: io.TextIOWrapper) -> Iterator[AddressRow]:
    for line, text in enumerate(lines, start=1):
        yield AddressRow(line, {LINE: text.rstrip("\r\n")})
