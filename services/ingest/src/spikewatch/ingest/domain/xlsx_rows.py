"""Cuts a spreadsheet (XLSX, XLSM) into rows that read as CSV rows do. Rows that are hidden or filtered away are rows too.

Every sheet that is shown and whose header fits is read, one after the other; hidden sheets where no other fits. Titles may
stand above a header. Formulas give the value they were saved with; a row whose read cells have none, or an error, is
refused. The cells of a merged area all say what its first one says. A row that travels alone travels as CSV.
"""

import csv
import io
from collections.abc import Collection, Container, Iterator, Sequence
from typing import BinaryIO, Final

from spikewatch.ingest.domain.csv_rows import Columns, Missing, missing_of, plain
from spikewatch.ingest.domain.record import RawRecord, Split, over_limit
from spikewatch.ingest.domain.rejection import Fault, Rejected
from spikewatch.ingest.domain.xlsx_book import Row, Workbook
from spikewatch.ingest.domain.xlsx_parts import Parts

__all__ = ["XLSX", "xlsx_rows"]

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_CSV: Final = "text/csv"
_MAX_CELL: Final = 10_000
_MAX_ROW: Final = 1 << 20
_HEADER_WITHIN: Final = 20  # filled rows


def xlsx_rows(*, required: Collection[str] | Missing, header: str, reads: Container[str] | None = None) -> Split:
    """Return a splitter for spreadsheets, to be called as ``csv_rows`` is; where ``reads`` is None only the first sheet is read."""
    missing = required if callable(required) else missing_of(required)
    needed: Collection[str] = () if callable(required) else required

    def split(stream: BinaryIO, limit: int) -> Iterator[RawRecord]:
        tables = _tables(Workbook(Parts(stream)), missing, header, is_only=reads is None)
        count = 0
        for count, raw in enumerate(_of_tables(tables, reads, needed, header), start=1):
            if count > limit:
                raise over_limit(limit)
            yield raw
        if count == 0:
            raise Rejected(Fault.MALFORMED, None, "has a header but no row", "at least one row", header)

    return split


def _of_tables(
    tables: Iterator[tuple[Iterator[Row], list[str]]], reads: Container[str] | None, required: Collection[str], example: str
) -> Iterator[RawRecord]:
    index = 0
    preface = ""
    try:
        for rows, head in tables:
            columns = Columns(head, reads, required, example)
            preface = _as_csv([" ".join(cell.split()) for cell in head])  # on one line
            for raw in _records(rows, columns, preface, example, index, is_listed=reads is not None):
                yield raw
                index += 1
    except Rejected as rejected:
        # The workbook breaks off: the rows before it stand.
        if index == 0:
            raise
        yield RawRecord(index, 0, "", {}, preface, rejected, media_type=_CSV)


def _tables(workbook: Workbook, missing: Missing, example: str, *, is_only: bool) -> Iterator[tuple[Iterator[Row], list[str]]]:
    """Yield the rows below each header that fits, and the header."""
    first: list[str] | None = None
    is_found = False
    for sheet, is_hidden in (*((sheet, False) for sheet in workbook.shown), *((sheet, True) for sheet in workbook.hidden)):
        if is_found and (is_hidden or is_only):
            return
        rows = workbook.rows(sheet)
        for _, row in zip(range(_HEADER_WITHIN), rows, strict=False):
            # A name that is merged over two columns is the name of the first; the second has a name that no format reads.
            cells = [f"{cell} ({place + 1})" if place in row.copies else cell for place, cell in enumerate(row.cells)]
            if not missing([plain(cell) for cell in cells]):
                is_found = True
                yield rows, _trimmed(cells)
                break
            first = first or _trimmed(cells)
    if is_found:
        return
    if first is None:
        raise Rejected(Fault.MALFORMED, None, "is empty", "a header row and at least one row", example)
    lacking = missing([plain(cell) for cell in first])
    problem = f"lacks {len(lacking)} required column(s), the first is {lacking[0]}"
    raise Rejected(Fault.MISSING_FIELD, lacking[0], problem, f"a header row with at least {', '.join(lacking)}", example)


def _trimmed(cells: Sequence[str]) -> list[str]:
    width = max((place for place, cell in enumerate(cells, start=1) if cell.strip()), default=0)
    return list(cells[:width])


def _records(rows: Iterator[Row], columns: Columns, preface: str, example: str, index: int, *, is_listed: bool) -> Iterator[RawRecord]:
    width = len(columns.names)
    for line, found, _, flaws in rows:
        cells = [*found[:width], *[""] * (width - len(found))]
        beyond = any(cell.strip() for cell in found[width:])
        rejected: Rejected | None = None
        if beyond:
            rejected = Rejected(Fault.MALFORMED, None, "has cells beyond the header", f"{width} cells, as the header has", example)
        elif max(map(len, cells)) > _MAX_CELL or sum(map(len, cells)) > _MAX_ROW:
            rejected = Rejected(Fault.TOO_LARGE, None, "has a cell that is too long", f"at most {_MAX_CELL} characters a cell", example)
        elif not any(cells):
            continue
        elif is_listed and flaws and (place := min(columns.places & flaws.keys(), default=-1)) >= 0:
            rejected = Rejected(Fault.INVALID_FIELD, columns.names[place], *flaws[place])
            # One cell too many, which tells why: nobody takes the mark that stands in the cell for what it says.
            found = [*cells, flaws[place].problem]  # noqa: PLW2901
        if rejected is not None:
            kept = [cell[: _MAX_CELL + 1] for cell in found] if sum(map(len, found)) <= _MAX_ROW else ["" for _ in found]
            yield RawRecord(index, line, _as_csv(kept), {}, preface, rejected, media_type=_CSV)
        elif columns.repeated_by(cells):
            yield RawRecord(index, line, _as_csv(cells), {}, preface, media_type=_CSV, is_skipped=True)
        else:
            yield RawRecord(index, line, _as_csv(cells), columns.fields(cells), preface, media_type=_CSV)
        index += 1


def _as_csv(cells: Sequence[str]) -> str:
    line = io.StringIO(newline="")
    csv.writer(line).writerow(cells)
    return line.getvalue()
