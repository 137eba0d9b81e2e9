"""Cuts a spreadsheet (XLSX, XLSM) into rows that read as CSV rows do. Rows that are hidden or filtered away are rows too.

The first sheet whose header fits is read; titles may stand above the header. Formulas give the value they were saved with.
The cells of a merged area all say what its first one says. Macros and links are never looked at. A row that travels alone
travels as CSV.
"""

import csv
import io
import posixpath
import re
from collections.abc import Callable, Collection, Container, Iterator, Mapping, Sequence
from typing import BinaryIO, Final

from spikewatch.ingest.domain.csv_rows import Columns, Missing, missing_of, plain
from spikewatch.ingest.domain.record import RawRecord, Split, over_limit
from spikewatch.ingest.domain.rejection import Fault, Rejected
from spikewatch.ingest.domain.xlsx_cells import Look, cell_text, column_of, looks, shared_strings
from spikewatch.ingest.domain.xlsx_parts import Parts, Reader, broken

__all__ = ["XLSX", "xlsx_rows"]

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_CSV: Final = "text/csv"
_MOST_SHEETS: Final = 50
_MOST_COLUMNS: Final = 501  # one more than a header may have
_MOST_MERGED: Final = 10_000
_MAX_CELL: Final = 10_000
_MAX_ROW: Final = 1 << 20
_HEADER_WITHIN: Final = 20  # filled rows
_NUMBER: Final = (Look.NUMBER, 0)
_MERGED: Final = re.compile(rb'mergeCell\s[^>]{0,64}?ref\s*=\s*["\']([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})["\']')
_OVERLAP: Final = 128
_ROOT: Final = "_rels/.rels"

Row = tuple[int, list[str]]
_Area = tuple[int, int, int, int]


def xlsx_rows(*, required: Collection[str] | Missing, header: str, reads: Container[str] | None = None) -> Split:
    """Return a splitter for spreadsheets, to be called as ``csv_rows`` is."""
    missing = required if callable(required) else missing_of(required)
    needed: Collection[str] = () if callable(required) else required

    def split(stream: BinaryIO, limit: int) -> Iterator[RawRecord]:
        rows, head = _table(_Workbook(Parts(stream)), missing, header)
        columns = Columns(head, reads, needed, header)
        preface = _as_csv(head)
        count = 0
        for count, raw in enumerate(_records(rows, columns, preface, header), start=1):
            if count > limit:
                raise over_limit(limit)
            yield raw
        if count == 0:
            raise Rejected(Fault.MALFORMED, None, "has a header but no row", "at least one row", header)

    return split


def _table(workbook: "_Workbook", missing: Missing, example: str) -> tuple[Iterator[Row], list[str]]:
    """Find the sheet and the row of the header."""
    first: list[str] | None = None
    for sheet in workbook.sheets[:_MOST_SHEETS]:
        rows = workbook.rows(sheet)
        for _, (_, cells) in zip(range(_HEADER_WITHIN), rows, strict=False):
            names = [plain(cell) for cell in cells]
            if not missing(names):
                return rows, _trimmed(cells)
            first = first or _trimmed(cells)
    if first is None:
        raise Rejected(Fault.MALFORMED, None, "is empty", "a header row and at least one row", example)
    lacking = missing([plain(cell) for cell in first])
    problem = f"lacks {len(lacking)} required column(s), the first is {lacking[0]}"
    raise Rejected(Fault.MISSING_FIELD, lacking[0], problem, f"a header row with at least {', '.join(lacking)}", example)


def _trimmed(cells: Sequence[str]) -> list[str]:
    width = max((place for place, cell in enumerate(cells, start=1) if cell.strip()), default=0)
    return list(cells[:width])


def _records(rows: Iterator[Row], columns: Columns, preface: str, example: str) -> Iterator[RawRecord]:
    width = len(columns.names)
    index = 0
    try:
        for line, found in rows:
            cells = [*found[:width], *[""] * (width - len(found))]
            beyond = any(cell.strip() for cell in found[width:])
            rejected: Rejected | None = None
            if beyond:
                rejected = Rejected(Fault.MALFORMED, None, "has cells beyond the header", f"{width} cells, as the header has", example)
            elif max(map(len, cells)) > _MAX_CELL or sum(map(len, cells)) > _MAX_ROW:
                rejected = Rejected(Fault.TOO_LARGE, None, "has a cell that is too long", f"at most {_MAX_CELL} characters a cell", example)
            elif not any(cells):
                continue
            if rejected is not None:
                cells = (
                    [cell[: _MAX_CELL + 1] for cell in found[: width + 1]]
                    if sum(map(len, found)) <= _MAX_ROW
                    else ["" for _ in found[: width + 1]]
                )
                yield RawRecord(index, line, _as_csv(cells), {}, preface, rejected, media_type=_CSV)
            elif columns.repeated_by(cells):
                yield RawRecord(index, line, _as_csv(cells), {}, preface, media_type=_CSV, is_skipped=True)
            else:
                yield RawRecord(index, line, _as_csv(cells), columns.fields(cells), preface, media_type=_CSV)
            index += 1
    except Rejected as rejected:
        # The sheet breaks off: the rows before it stand.
        if index == 0:
            raise
        yield RawRecord(index, 0, "", {}, preface, rejected, media_type=_CSV)


def _as_csv(cells: Sequence[str]) -> str:
    line = io.StringIO(newline="")
    csv.writer(line).writerow(cells)
    return line.getvalue()


class _Workbook:
    """The sheets of a workbook, and what their cells refer to."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        main = next((target for kind, _, target in _links(parts, _ROOT, "") if kind == "officeDocument"), "xl/workbook.xml")
        self.is_1904 = False
        listed: list[str] = []

        def start(tag: str, attributes: Mapping[str, str]) -> None:
            if tag == "workbookPr":
                self.is_1904 = attributes.get("date1904", "0").lower() in {"1", "true", "on"}
            elif tag == "sheet":
                listed.append(next((value for name, value in attributes.items() if name.endswith("relationships id")), ""))

        _read_all(parts, main, start)
        folder = posixpath.dirname(main)
        links = list(_links(parts, f"{folder}/_rels/{posixpath.basename(main)}.rels", folder))
        by_id = {name: target for kind, name, target in links if kind == "worksheet"}
        self.sheets = [by_id[name] for name in listed if name in by_id and by_id[name] in parts]
        if not self.sheets:
            raise broken("has no sheet with cells")
        part = {kind: target for kind, _, target in links}
        self._strings = shared_strings(parts, part.get("sharedStrings"))
        self._looks = looks(parts, part.get("styles"))

    def rows(self, sheet: str) -> Iterator[Row]:
        """Yield the filled rows of a sheet with their numbers."""
        waiting = sorted(self._merged(sheet), reverse=True)  # the next one is the last
        active: list[tuple[_Area, str]] = []
        for line, cells in self._filled(sheet):
            while waiting and waiting[-1][0] <= line:
                area = waiting.pop()
                first = cells.get(area[1], "") if area[0] == line else ""
                if first:
                    active.append((area, first))
            active = [(area, text) for area, text in active if area[2] >= line]
            for (_, left, _, right), text in active:
                for column in range(left, min(right, _MOST_COLUMNS - 1) + 1):
                    cells.setdefault(column, text)
            yield line, [cells.get(column, "") for column in range(max(cells) + 1)]

    def _filled(self, sheet: str) -> Iterator[tuple[int, dict[int, str]]]:
        """Yield each row that has a cell with something in it: its number, and its cells by column."""
        table = _Sheet(self._strings, self._looks, is_1904=self.is_1904)
        reader = Reader(table.start, table.end)
        for piece in self._parts.pieces(sheet):
            reader.read(piece)
            if table.rows:
                yield from table.rows
                table.rows.clear()
        reader.read(b"", is_last=True)
        yield from table.rows

    def _merged(self, sheet: str) -> list[_Area]:
        found: list[_Area] = []
        tail = b""
        for piece in self._parts.pieces(sheet):
            text = tail + piece
            end = 0
            for match in _MERGED.finditer(text):
                end = match.end()
                left, top, right, bottom = match.groups()
                found.append((int(top), column_of(left.decode()), int(bottom), column_of(right.decode())))
            if len(found) > _MOST_MERGED:
                raise broken("has more merged cells than any table")
            tail = text[max(end, len(text) - _OVERLAP) :]
        return found


class _Sheet:
    """Gathers rows while a sheet is read."""

    def __init__(self, strings: Sequence[str], styles: Sequence[tuple[Look, int]], *, is_1904: bool) -> None:
        self.rows: list[tuple[int, dict[int, str]]] = []
        self._strings = strings
        self._looks = styles
        self._is_1904 = is_1904
        self._line = 0
        self._column = -1
        self._cells: dict[int, str] = {}
        self._kind = "n"
        self._style = ""
        self._runs: list[str] = []
        self._aside = False

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Take the start of an element."""
        if tag == "c":
            reference = attributes.get("r")
            self._column = self._column + 1 if reference is None else column_of(reference)
            self._kind = attributes.get("t", "n")
            self._style = attributes.get("s", "")
            self._runs.clear()
        elif tag == "row":
            number = attributes.get("r", "")
            self._line = int(number) if number.isascii() and number.isdecimal() and len(number) < 9 else self._line + 1
            self._column = -1
            self._cells = {}
        elif tag == "rPh":
            self._aside = True

    def end(self, tag: str, text: str) -> None:
        """Take the end of an element."""
        if tag == "v" or (tag == "t" and not self._aside):
            self._runs.append(text)
        elif tag == "c":
            said = self._said("".join(self._runs)) if self._runs and 0 <= self._column < _MOST_COLUMNS else ""
            if said:
                self._cells[self._column] = said
        elif tag == "row":
            if self._cells:
                self.rows.append((self._line, self._cells))
        elif tag == "rPh":
            self._aside = False

    def _said(self, text: str) -> str:
        if self._kind == "s":
            place = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else len(self._strings)
            return self._strings[place] if place < len(self._strings) else ""
        if self._kind == "inlineStr":
            return text[: _MAX_CELL + 1]
        style = int(self._style) if self._style.isascii() and self._style.isdecimal() and len(self._style) < 10 else len(self._looks)
        return cell_text(self._kind, text, self._looks[style] if style < len(self._looks) else _NUMBER, is_1904=self._is_1904)


def _links(parts: Parts, name: str, folder: str) -> Iterator[tuple[str, str, str]]:
    """Yield the kind, the id and the target of each link of a part."""
    found: list[tuple[str, str, str]] = []

    def start(tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "Relationship" and attributes.get("TargetMode") != "External":
            target = attributes.get("Target", "")
            path = posixpath.normpath(target if target.startswith("/") else posixpath.join(folder, target)).lstrip("/")
            found.append((attributes.get("Type", "").rpartition("/")[2], attributes.get("Id", ""), path))

    _read_all(parts, name, start)
    yield from found


def _read_all(parts: Parts, name: str, start: Callable[[str, Mapping[str, str]], None]) -> None:
    reader = Reader(start, lambda _tag, _text: None)
    for piece in parts.pieces(name):
        reader.read(piece)
    reader.read(b"", is_last=True)
