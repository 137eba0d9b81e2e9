"""Reads the rows of a table line by line, so that a quotation mark that nobody closed costs its own row and not all that follow."""

import csv
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

__all__ = ["OpenMark", "Rows"]

_MOST_LINES: Final = 1_000  # of one row: no narrative is as long


class OpenMark(Exception):  # noqa: N818  # named by its consequence
    """A row opens a quotation mark and does not close it; the rows after it are still to be read."""


class _TooLong(csv.Error):
    """A row goes on for too many lines."""


class Rows:
    """The rows of a table. ``line`` is the line that the last one began on, from 1; ``is_row`` tells cells that are a row's from words."""

    def __init__(self, lines: Iterator[str], delimiter: str) -> None:
        self.is_row: Callable[[list[str]], bool] = bool
        self._lines = lines
        self._again: deque[str] = deque()
        self._taken: list[str] = []
        self._delimiter = delimiter
        self._reader = csv.reader(self._next_lines(), delimiter=delimiter)
        self._longest = csv.field_size_limit()
        self._width = 0
        self._next_line = 1
        self.line = 0

    def next(self) -> list[str] | None:
        """Return the cells of the next row, None after the last one.

        Raises:
            OpenMark: it opens a quotation mark and does not close it.
            csv.Error: a cell is too long.
        """
        line = self._again.popleft() if self._again else next(self._lines, None)
        self.line = self._next_line
        if line is None:
            return None
        if '"' not in line and len(line) <= self._longest:  # most rows: a third of the cost
            self._next_line += 1
            cells = line.rstrip("\r\n").split(self._delimiter)
            self._width = self._width or len(cells)
            return cells
        self._again.appendleft(line)
        self._taken.clear()
        return self._of_marks()

    def _of_marks(self) -> list[str]:
        """Return the cells of a row that has quotation marks, or a cell that is too long."""
        try:
            cells = next(self._reader)
        except csv.Error:
            self._reader = csv.reader(self._next_lines(), delimiter=self._delimiter)
            self._after(len(self._taken))
            if len(self._taken) > 1:
                raise self._open_mark() from None
            raise
        self._after(len(self._taken))
        self._width = self._width or len(cells)
        if self._swallowed(cells) if len(self._taken) > 1 else self._is_last_open():
            raise self._open_mark()
        return cells

    def _next_lines(self) -> Iterator[str]:
        while (line := self._again.popleft() if self._again else next(self._lines, None)) is not None:
            self._taken.append(line)
            if len(self._taken) > _MOST_LINES:
                raise _TooLong
            yield line

    def _after(self, lines: int) -> None:
        self._next_line = self.line + lines

    def _open_mark(self) -> OpenMark:
        self._again.extendleft(reversed(self._taken[1:]))
        self._after(1)
        # A generator that ended or failed gives no more.
        self._reader = csv.reader(self._next_lines(), delimiter=self._delimiter)
        return OpenMark()

    def _swallowed(self, cells: list[str]) -> bool:
        """Return whether a row of several lines holds others: it is no good table by itself, or one of its lines is a row, too."""
        if len(cells) > self._width or not self._is_whole():
            return True
        alone = (next(csv.reader([line], delimiter=self._delimiter), []) for line in self._taken[1:])
        return any(len(one) >= self._width and self.is_row(one) for one in alone)

    def _is_last_open(self) -> bool:
        return self._taken[0].count('"') % 2 == 1 and not self._is_whole()

    def _is_whole(self) -> bool:
        try:
            for _ in csv.reader(self._taken, delimiter=self._delimiter, strict=True):
                pass
        except csv.Error:
            return False
        return True
