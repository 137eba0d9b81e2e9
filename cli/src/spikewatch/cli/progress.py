"""Progress on standard error: a bar on a terminal, a plain line now and then elsewhere. Standard output stays for results."""

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

__all__ = ["Progress", "say"]

_SECONDS_BETWEEN_LINES: Final = 5.0  # often enough to see that it lives, rare enough for a log file


def say(message: str) -> None:
    """Print one line for people to standard error."""
    print(message, file=sys.stderr, flush=True)


class Progress:
    """How far one piece of work is; a context manager.

    ``total`` is in ``unit``; None when it is not known. ``seconds`` is a monotonic clock.
    """

    def __init__(
        self,
        label: str,
        total: int | None = None,
        *,
        unit: str = "records",
        stream: TextIO | None = None,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._label = label
        self._total = total
        self._unit = unit
        self._stream = sys.stderr if stream is None else stream
        self._seconds = seconds
        self._done = 0
        self._began = self._said = seconds()
        self._bars: Bars | None = None
        if self._stream.isatty():
            self._bars = Bars(
                SpinnerColumn(),
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn(unit),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
                console=Console(file=self._stream),
            )
            self._task = self._bars.add_task(label, total=total)

    def __enter__(self) -> Self:
        if self._bars is not None:
            self._bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._bars is not None:
            self._bars.stop()
        elif kind is None:
            self._line("done")

    @property
    def done(self) -> int:
        """How many units are done."""
        return self._done

    def advance(self, count: int = 1) -> None:
        """Count units as done."""
        self.reach(self._done + count)

    def reach(self, done: int) -> None:
        """Set how many units are done."""
        self._done = done
        if self._bars is not None:
            self._bars.update(self._task, completed=done)
        elif self._seconds() - self._said >= _SECONDS_BETWEEN_LINES:
            self._said = self._seconds()
            self._line("so far")

    def expect(self, total: int) -> None:
        """Set or correct the total."""
        self._total = total
        if self._bars is not None:
            self._bars.update(self._task, total=total)

    def message(self, text: str) -> None:
        """Print a line above the bar."""
        if self._bars is not None:
            self._bars.console.print(text)
        else:
            print(text, file=self._stream, flush=True)

    def _line(self, state: str) -> None:
        of = "" if self._total is None else f" of {self._total:,}"
        elapsed = self._seconds() - self._began
        print(f"{self._label}: {self._done:,}{of} {self._unit} {state}, {elapsed:.1f} s", file=self._stream, flush=True)
