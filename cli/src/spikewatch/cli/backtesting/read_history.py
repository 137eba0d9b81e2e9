"""Reads a whole history for a back-test, and keeps what was wrong with rows."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Final

from spikewatch.alerts.domain.backtest.histories import Happened, Histories, histories_of
from spikewatch.alerts.domain.clusters.look import Placed
from spikewatch.alerts.domain.instants import moment
from spikewatch.chassis.clock import system_clock
from spikewatch.cli.backtesting.history_row import HistoryRow
from spikewatch.cli.backtesting.history_rows import history_rows
from spikewatch.cli.detection.calendar import says_future
from spikewatch.cli.detection.cells import Refused, says_refused
from spikewatch.cli.exit_status import CannotRun
from spikewatch.cli.files.opened import opened
from spikewatch.cli.files.written import written
from spikewatch.cli.progress import Progress, say

__all__ = ["ReadHistory", "read_history"]

_EVERY: Final = 1_000  # rows between two movements of the bar


@dataclass(frozen=True, slots=True)
class ReadHistory:
    """The overdoses of each area, those that lie in map cells, how many rows were refused, and a sentence about them."""

    histories: Histories
    placed: list[Placed]
    refused: int
    says_refused: str


class _Reading:
    """What is kept beside the overdoses while the rows go by."""

    def __init__(self, file: str, errors: str | None, output: IO[str] | None, *, keep_placed: bool) -> None:
        self._file = file
        self._errors = errors
        self._output = output
        self._keep_placed = keep_placed
        self._first: tuple[int, Refused] | None = None
        self.refused = 0
        self.placed: dict[str, Placed] = {}
        self.days: tuple[int, int] | None = None
        self.newest_line = 0

    def take(self, row: HistoryRow) -> Iterator[Happened]:
        """Return the overdoses of a row."""
        if row.refused is not None:
            self._refuse(row.line, row.refused)
        if row.day is not None:
            if self.days is None or row.day > self.days[1]:
                self.newest_line = row.line
            self.days = (row.day, row.day) if self.days is None else (min(self.days[0], row.day), max(self.days[1], row.day))
        if self._keep_placed and row.placed is not None:
            self.placed[row.placed.key] = row.placed
        return (one for one in row.happened for _ in range(row.count))

    def _refuse(self, line: int, why: Refused) -> None:
        self.refused += 1
        self._first = self._first if self._first is not None and self._first[0] < line else (line, why)
        if self._output is not None:
            told = {"file": self._file, "line": line, "field": why.field, "problem": why.problem}
            self._output.write(json.dumps(told | {"expected": why.expected, "example": why.example}, ensure_ascii=False) + "\n")

    def says_refused(self) -> str:
        """Return how many rows were refused and why the first was; empty where none was."""
        return "" if self._first is None else says_refused(self.refused, *self._first, self._errors)


def read_history(name: str, area: str, errors: str | None, *, keep_placed: bool) -> ReadHistory:
    """Read a file; ``area`` is where rows without an area lie, ``errors`` the file for refused rows.

    Raises:
        CannotRun: it cannot be read, or tells of no overdose.
    """
    with contextlib.ExitStack() as stack:
        output = written(stack, errors) if errors else None
        file = stack.enter_context(opened(name))
        progress = stack.enter_context(Progress("read", file.size, unit="bytes"))
        reading = _Reading(name, errors, output, keep_placed=keep_placed)

        def happened() -> Iterator[Happened]:
            for count, row in enumerate(history_rows(file, area)):
                yield from reading.take(row)
                if count % _EVERY == 0:
                    progress.reach(file.done())

        try:
            histories = histories_of(happened())
        except ValueError:
            why = reading.says_refused()
            raise CannotRun(f"{name} tells of no overdose{'; ' if why else ''}{why}") from None
        progress.reach(file.size or file.done())
    start, end = reading.days or (histories.start, histories.end)
    future = says_future(moment(end).date(), reading.newest_line, system_clock())
    if future is not None:
        say(future)
    # Days on which nothing happened were watched, too.
    watched = Histories(histories.areas, min(start, histories.start), max(end, histories.end))
    return ReadHistory(watched, list(reading.placed.values()), reading.refused, reading.says_refused())
