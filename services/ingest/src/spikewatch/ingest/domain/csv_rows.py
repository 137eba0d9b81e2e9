"""Cuts CSV into rows that keep their original text. A broken row is refused alone; the next line starts afresh."""

import csv
import io
from collections.abc import Collection, Iterator
from typing import Final

from spikewatch.ingest.domain.record import RawRecord, Split, of_text, over_limit
from spikewatch.ingest.domain.rejection import Fault, Rejected

__all__ = ["csv_rows"]

_MAX_LINES: Final = 50  # of one row: a quote that is never closed must not swallow the file
_MAX_CELL: Final = 10_000  # characters; the longest cell of a real feed has a few hundred
_MAX_COLUMNS: Final = 500


def csv_rows(*, required: Collection[str], header: str) -> Split:
    """Return a splitter for CSV with a header row.

    Args:
        required: columns without which no row could become a report.
        header: a header that would be accepted, for the message.
    """

    def split(text: str, limit: int) -> Iterator[RawRecord]:
        lines = list(io.StringIO(text, newline=""))  # LF, CRLF, CR and mixtures, kept as they are
        rows = _rows(lines)
        at, taken, head = next(rows, (0, 0, None))
        if head is None:
            raise Rejected(Fault.MALFORMED, "header", "cannot be read", "a header row", header)
        names = [cell.strip().lower() for cell in head]
        _check(names, required, header)
        preface = "".join(lines[at : at + taken])
        preface += "" if preface.endswith(("\n", "\r")) else "\n"
        index = 0
        for at, taken, cells in rows:
            if index >= limit:
                raise over_limit(limit)
            original = "".join(lines[at : at + taken])
            rejected = _fault(cells, len(names), header)
            fields = dict(zip(names, cells, strict=True)) if cells is not None and rejected is None else {}
            yield RawRecord(index, at + 1, original, fields, preface, rejected)
            index += 1
        if index == 0:
            raise Rejected(Fault.MALFORMED, None, "has a header but no row", "at least one row", header)

    return of_text(split)


def _rows(lines: list[str]) -> Iterator[tuple[int, int, list[str] | None]]:
    """Yield where each row starts, how many lines it takes, and its cells (None: broken)."""
    at = 0
    while at < len(lines):
        if not lines[at].strip():
            at += 1
            continue
        source = _Counted(lines, at)
        try:
            cells = next(csv.reader(source, strict=True))
        except csv.Error:
            yield at, 1, None
            at += 1
        else:
            yield at, source.taken, cells
            at += source.taken


class _Counted:
    """The next lines, counting how many the reader took."""

    def __init__(self, lines: list[str], start: int) -> None:
        self._lines = lines
        self._start = start
        self.taken = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        at = self._start + self.taken
        if self.taken >= _MAX_LINES or at >= len(self._lines):
            raise StopIteration
        self.taken += 1
        return self._lines[at]


def _check(names: list[str], required: Collection[str], header: str) -> None:
    if len(names) > _MAX_COLUMNS:
        raise Rejected(Fault.MALFORMED, "header", "has too many columns", f"at most {_MAX_COLUMNS}", header)
    missing = [name for name in required if name not in names]
    if missing:
        problem = f"lacks {len(missing)} required column(s), the first is {missing[0]}"
        raise Rejected(Fault.MISSING_FIELD, missing[0], problem, f"a header row with at least {', '.join(required)}", header)
    if len(set(names)) != len(names):
        raise Rejected(Fault.MALFORMED, "header", "names a column twice", "each column once", header)


def _fault(cells: list[str] | None, columns: int, header: str) -> Rejected | None:
    if cells is None:
        return Rejected(
            Fault.MALFORMED, None, "has an unclosed or misplaced quote", 'quotes around a cell, doubled inside: "a ""b"" c"', header
        )
    if len(cells) != columns:
        return Rejected(Fault.MALFORMED, None, f"has {len(cells)} cells", f"{columns} cells, as the header has", header)
    if any(len(cell) > _MAX_CELL for cell in cells):
        return Rejected(Fault.TOO_LARGE, None, "has a cell that is too long", f"at most {_MAX_CELL} characters a cell", header)
    return None
