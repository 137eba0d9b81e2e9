"""Cuts CSV into rows that keep their original text, line by line in bounded memory. A broken row is refused alone.

Delimiters comma, semicolon, tab and pipe; lines may stand before the header. A header that is repeated further down is
skipped. Blank rows, and rows of nothing but delimiters, are no records.
"""

import csv
from collections.abc import Collection, Container, Iterator
from dataclasses import replace
from itertools import chain
from typing import BinaryIO, Final

from spikewatch.ingest.domain.columns import MOST_COLUMNS, Columns, Missing, missing_of, plain
from spikewatch.ingest.domain.record import Fields, RawRecord, Split, over_limit
from spikewatch.ingest.domain.rejection import Fault, Rejected
from spikewatch.ingest.domain.text_lines import as_windows_1252, is_foreign, text_lines

__all__ = ["ENCODING_ASSUMED", "Columns", "Missing", "csv_rows", "missing_of", "plain"]

ENCODING_ASSUMED: Final = "windows_1252_assumed"
"""The field that a row has when it was no UTF-8 and was read as Windows-1252."""

_DELIMITERS: Final = ",;\t|"
_MAX_LINES: Final = 50  # of one row: a quote that is never closed must not swallow the file
_MAX_ROW: Final = 1 << 20  # characters of a row that goes over several lines
_MAX_CELL: Final = 10_000  # characters; the longest cell of a real feed has a few hundred
_LONGEST_HEADER: Final = 64_000  # characters: 500 names of 127, with their delimiters; a longer line is not cut to be looked at
_HEADER_WITHIN: Final = 20  # filled lines; a title, an agency's name and a date stand before the header of an export
_Header = tuple[str, str, list[str]]  # delimiter, text, cells
_QUOTES: Final = 'quotes around a cell, doubled inside: "a ""b"" c"'


def csv_rows(*, required: Collection[str] | Missing, header: str, reads: Container[str] | None = None) -> Split:
    """Return a splitter for CSV with a header row.

    Args:
        required: columns without which no row could become a report, or what tells which of them a header lacks.
        header: a header that would be accepted, for the message.
        reads: the columns that the format looks at, for the others never leave the row; None: all.
    """
    missing = required if callable(required) else missing_of(required)
    needed: Collection[str] = () if callable(required) else required

    def split(stream: BinaryIO, limit: int) -> Iterator[RawRecord]:
        lines = _Lines(text_lines(stream))
        delimiter, preface, cells = _header(lines, missing, header)
        columns = Columns(cells, reads, needed, header)
        count = 0
        for count, raw in enumerate(_records(lines, delimiter, preface, columns, header), start=1):
            if count > limit:
                raise over_limit(limit)
            yield raw
        if count == 0:
            raise Rejected(Fault.MALFORMED, None, "has a header but no row", "at least one row", header)

    return split


class _Lines:
    """Lines that can be given back, and those that the row at hand takes."""

    def __init__(self, blocks: Iterator[list[str]]) -> None:
        self._lines = chain.from_iterable(blocks)
        self._back: list[str] = []  # the next one is the last
        self.taken: list[str] = []
        self.number = 1  # of the line that comes next, or that the row at hand starts on

    def single(self) -> str | None:
        """Take one line."""
        line = self._back.pop() if self._back else next(self._lines, None)
        self.number += line is not None
        return line

    def up_to_closing_quote(self, first: str) -> tuple[str, int]:
        """Return a header's first line with those after it that its quotes go on to, which stay untaken, and how many they are."""
        more: list[str] = []
        size, quotes = len(first), first.count('"')
        while quotes % 2 and len(more) < _MAX_LINES and size <= _LONGEST_HEADER and (line := self.single()) is not None:
            more.append(line)
            size += len(line)
            quotes += line.count('"')
        self._back.extend(reversed(more))
        self.number -= len(more)
        return (first, 0) if quotes % 2 or size > _LONGEST_HEADER else (first + "".join(more), len(more))

    def row(self) -> str:
        """Return the text of the row at hand, which is done."""
        taken = self.taken
        text = taken[0] if len(taken) == 1 else "".join(taken)
        self.number += len(taken)
        taken.clear()
        return text

    def first_alone(self) -> str:
        """Return the first line of the row at hand; the others start afresh."""
        first = self.taken[0]
        self._back.extend(reversed(self.taken[1:]))
        self.taken.clear()
        self.number += 1
        return first

    def feed(self) -> Iterator[str]:
        """Yield lines for the parser; ends where a row grows beyond all rows."""
        taken, back, more = self.taken, self._back, self._lines
        size = 0
        while True:
            if not taken:
                size = 0
            elif len(taken) >= _MAX_LINES or size > _MAX_ROW:
                return
            line = back.pop() if back else next(more, None)
            if line is None:
                return
            taken.append(line)
            size += len(line)
            yield line


def _header(lines: _Lines, missing: Missing, example: str) -> _Header:
    """Find the header and return its delimiter, its text, and its cells."""
    first: _Header | None = None
    seen = longer = 0
    while seen < _HEADER_WITHIN and (line := lines.single()) is not None:
        if not line.strip():
            continue
        seen += 1
        if len(line) > _LONGEST_HEADER:
            longer += 1
            continue
        # A name may go over several lines: a spreadsheet's cell with a line break in it.
        whole, more = lines.up_to_closing_quote(line)
        for text in (line, whole)[: 1 + (more > 0)]:
            found, tried = _fitting(text, missing)
            if found is not None:
                for _ in range(more if text is whole else 0):
                    lines.single()
                return found
            first = first or tried
    if not seen:
        raise Rejected(Fault.MALFORMED, None, "is empty", "a header row and at least one row", example)
    if longer:
        problem = f"is not among the first {_HEADER_WITHIN} filled lines, or is one of the {longer} that are too long for a header"
        names = ", ".join(missing(())) or "a name for each column"
        expected = f"a header row of at most {MOST_COLUMNS} columns and {_LONGEST_HEADER:,} characters, with at least {names}"
        raise Rejected(Fault.MALFORMED, "header", problem, expected, example)
    if first is None:
        raise Rejected(Fault.MALFORMED, "header", "cannot be read", "a header row in UTF-8", example)
    lacking = missing([plain(cell) for cell in first[2]])
    problem = f"lacks {len(lacking)} required column(s), the first is {lacking[0]}"
    raise Rejected(Fault.MISSING_FIELD, lacking[0], problem, f"a header row with at least {', '.join(lacking)}", example)


def _fitting(text: str, missing: Missing) -> tuple[_Header | None, _Header | None]:
    """Return the header that a text is by one of the delimiters, and the first that could be cut though it lacks columns."""
    first: _Header | None = None
    read = as_windows_1252(text) or "" if is_foreign(text) else text  # the same text, read
    for delimiter in sorted(_DELIMITERS, key=read.count, reverse=True):
        cells = _cells(read, delimiter)
        if cells and not missing([plain(cell) for cell in cells]):
            return (delimiter, _closed(read), cells), None
        first = first or ((delimiter, _closed(read), cells) if cells else None)
    return None, first


def _closed(line: str) -> str:
    return line if line.endswith(("\n", "\r")) else line + "\n"


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        cells = next(csv.reader([line], delimiter=delimiter, strict=True, skipinitialspace=True), [])
    except csv.Error:
        return []
    while cells and not cells[-1].strip():
        cells.pop()  # trailing delimiters
    return cells


def _rows(lines: _Lines, delimiter: str) -> Iterator[list[str] | None]:
    """Yield the cells of each row, None for a broken one; its lines are those that ``lines`` holds as taken."""
    while True:
        try:
            yield from csv.reader(lines.feed(), delimiter=delimiter, strict=True, skipinitialspace=True)
        except csv.Error:
            yield None
        else:
            return


def _records(  # noqa: C901  # one turn a row: calls would cost as much as the parsing
    lines: _Lines, delimiter: str, preface: str, columns: Columns, example: str
) -> Iterator[RawRecord]:
    names = columns.names
    width, taken = len(names), lines.taken
    # Characters of a cell that says the first name again: no letter becomes two of ASCII.
    shortest = max(len(names[0]), 1) if names[0].isascii() else 1
    index = 0
    is_utf8 = False  # a letter beyond ASCII came in UTF-8: what is no UTF-8 then is a fault, not another code page
    for cells in _rows(lines, delimiter):
        line = lines.number
        if cells is None or len(cells) != width or ((len(taken) > 1 or len(taken[0]) > _MAX_CELL) and max(map(len, cells)) > _MAX_CELL):
            if cells is not None and not any(cells):
                lines.row()
                continue
            while cells is not None and len(cells) > width and not cells[-1].strip():
                cells.pop()  # trailing delimiters
            rejected = _fault(cells, width, example, longest=max(map(len, taken)))
            if rejected is not None or cells is None:
                yield RawRecord(index, line, lines.first_alone(), {}, preface, rejected)
                index += 1
                continue
        original = lines.row()
        if original.isascii():
            if not any(cells):
                continue
            rejected = None
        elif not is_foreign(original):
            is_utf8, rejected = True, None
        else:
            yield _foreign(RawRecord(index, line, original, {}, preface), columns, delimiter, is_utf8=is_utf8)
            index += 1
            continue
        if "\0" in original:
            rejected = Rejected(Fault.MALFORMED, None, "holds a NUL character", "printable text", example)
            yield RawRecord(index, line, original, {}, preface, rejected)
        elif len(cells[0]) >= shortest and plain(cells[0]) == names[0] and columns.repeated_by(cells):
            yield RawRecord(index, line, original, {}, preface, is_skipped=True)
        else:
            yield RawRecord(index, line, original, columns.fields(cells), preface)
        index += 1


def _foreign(raw: RawRecord, columns: Columns, delimiter: str, *, is_utf8: bool) -> RawRecord:
    """Read a row that is no UTF-8 as Windows-1252 where it is plainly that, else refuse it."""
    text = None if is_utf8 or "\0" in raw.original else as_windows_1252(raw.original)
    cells = None if text is None else next(csv.reader([text], delimiter=delimiter, skipinitialspace=True), None)
    if text is None or cells is None or len(cells) < len(columns.names):
        problem = "is not UTF-8"
        rejected = Rejected(Fault.WRONG_ENCODING, None, problem, "UTF-8 text", "export the file as UTF-8; in Excel: CSV UTF-8")
        return replace(raw, rejected=rejected)
    fields: Fields = {**columns.fields(cells[: len(columns.names)]), ENCODING_ASSUMED: "yes"}
    return replace(raw, original=text, fields=fields)


def _fault(cells: list[str] | None, columns: int, example: str, *, longest: int) -> Rejected | None:
    if longest > _MAX_CELL and (cells is None or any(len(cell) > _MAX_CELL for cell in cells)):
        return Rejected(Fault.TOO_LARGE, None, "has a cell that is too long", f"at most {_MAX_CELL} characters a cell", example)
    if cells is None:
        return Rejected(Fault.MALFORMED, None, "has an unclosed or misplaced quote", _QUOTES, example)
    if len(cells) != columns:
        return Rejected(Fault.MALFORMED, None, f"has {len(cells)} cells", f"{columns} cells, as the header has", example)
    return None
