"""The overdoses of one area, sorted by event time: what a rule counts."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from spikewatch.alerts.domain.instants import Instants
from spikewatch.alerts.domain.marks import EVERYTHING, Asked, Marks, matches
from spikewatch.alerts.domain.reported import Reported
from spikewatch.alerts.domain.settled import Answers, Settled

__all__ = ["History", "Series"]


@dataclass(slots=True)  # not frozen: one is made for every look, and that costs four times as much
class Series:
    """Sorted event times that one rule counts.

    ``first`` is the area's first overdose of any kind: before it nothing was watched, so no baseline reaches back
    beyond it. A silent day after it counts as a day with none. ``reported`` tells how much of the newest days has been reported, to
    rules that are corrected for it. ``settled`` holds what was found out about the area before, None where that may be otherwise now.
    """

    times: Instants
    first: int
    reported: Reported | None = None
    settled: Answers | None = None

    def count(self, starts: Instants, ends: Instants) -> Instants:
        """Return the counts in the half-open spans ``(start, end]``; fastest when they come sorted."""
        # the array's own method: the function around it costs as much again, and here everything is small
        counts: Instants = self.times.searchsorted(ends, "right") - self.times.searchsorted(starts, "right")
        return counts

    def count_one(self, start: int, end: int) -> int:
        """Return the count in one half-open span ``(start, end]``."""
        return int(self.times.searchsorted(end, "right") - self.times.searchsorted(start, "right"))

    def blocks_before(self, end: int, length: int, number: int) -> Instants:
        """Return the counts of so many blocks of a length that end one after the other, the last of them at a time; newest first."""
        edges = self.times.searchsorted(end - length * np.arange(number + 1, dtype=np.int64), "right")
        blocks: Instants = edges[:-1] - edges[1:]
        return blocks

    def steps(self, edges: Instants) -> Instants:
        """Return the counts in the half-open spans between edges that rise."""
        return np.diff(self.times.searchsorted(edges, "right"))

    def distinct(self, low: int, high: int) -> Instants:
        """Return the distinct times in ``[low, high]``; a tie is evaluated once, with all its overdoses counted."""
        span = self.times[self.times.searchsorted(low) : self.times.searchsorted(high, "right")]
        if len(span) < 2:
            return span
        is_last = np.ones(len(span), dtype=np.bool_)
        is_last[:-1] = span[1:] != span[:-1]
        return span[is_last]


@dataclass(slots=True)
class History:
    """All overdoses of one area from ``loaded_from`` on; older ones stay in the database alone.

    Replaced as a whole, never changed in place, so that a failed batch leaves it right.
    """

    times: Instants
    marks: Marks
    first: int | None
    loaded_from: int
    reported: Reported | None = None  # of the moment: set for one evaluation of one rule, never kept
    settled: Settled = field(default_factory=Settled, compare=False)

    @classmethod
    def of(cls, rows: Iterable[tuple[int, int]], first: int | None, loaded_from: int) -> "History":
        """Build it from ``(time, mark)`` rows in any order; rows before ``loaded_from`` are left out."""
        return cls.of_pairs(np.array([row for row in rows if row[0] >= loaded_from], dtype=np.int64).reshape(-1, 2), first, loaded_from)

    @classmethod
    def of_pairs(cls, pairs: Instants, first: int | None, loaded_from: int) -> "History":
        """Build it from an array with a row of time and mark for each overdose, in any order, none before ``loaded_from``."""
        order = np.lexsort((pairs[:, 1], pairs[:, 0]))
        return cls(np.ascontiguousarray(pairs[order, 0]), np.ascontiguousarray(pairs[order, 1]), first, loaded_from)

    def __len__(self) -> int:
        return len(self.times)

    @property
    def newest(self) -> int | None:
        """The newest event time held, or None."""
        return int(self.times[-1]) if len(self.times) else None

    def changed(self, removed: Iterable[tuple[int, int]], added: Iterable[tuple[int, int]], first: int | None) -> "History":
        """Return it without some rows and with others.

        Raises:
            ValueError: a removed row is not held, so memory and database disagree.
        """
        times, marks, removed, added = self.times, self.marks, list(removed), list(added)
        gone = sorted(row for row in removed if row[0] >= self.loaded_from)
        if gone:
            positions = self._positions(gone)
            times, marks = np.delete(times, positions), np.delete(marks, positions)
        fresh = sorted(row for row in added if row[0] >= self.loaded_from)
        if fresh:
            pairs = np.array(fresh, dtype=np.int64)
            places = np.searchsorted(times, pairs[:, 0], side="right")
            times, marks = np.insert(times, places, pairs[:, 0]), np.insert(marks, places, pairs[:, 1])
        if first != self.first:
            return History(times, marks, first, self.loaded_from)
        earliest = min((time for rows in (removed, added) for time, _ in rows), default=None)  # of what is not held here, too
        settled = self.settled if earliest is None else self.settled.before(earliest)
        return History(times, marks, first, self.loaded_from, settled=settled)

    def _positions(self, rows: list[tuple[int, int]]) -> list[int]:
        taken: set[int] = set()
        for time, bits in rows:
            position = int(np.searchsorted(self.times, time, side="left"))
            while position < len(self.times) and self.times[position] == time and (position in taken or self.marks[position] != bits):
                position += 1
            if position >= len(self.times) or self.times[position] != time:
                raise ValueError("a removed overdose is not in the area's history")
            taken.add(position)
        return sorted(taken)

    def extended(self, older: Iterable[tuple[int, int]], loaded_from: int) -> "History":
        """Return it with rows that are older than all it held."""
        before = History.of((row for row in older if row[0] < self.loaded_from), self.first, loaded_from)
        times, marks = np.concatenate((before.times, self.times)), np.concatenate((before.marks, self.marks))
        return History(times, marks, self.first, loaded_from, settled=self.settled)

    def trimmed(self, horizon: int) -> "History":
        """Return it without what is more than the horizon older than its newest overdose; at once where little would go."""
        newest = self.newest
        if newest is None or newest - horizon - horizon // 10 <= self.loaded_from:
            return self  # a copy with every batch would cost more than the tenth it frees
        loaded_from = newest - horizon
        start = int(np.searchsorted(self.times, loaded_from, side="left"))
        # copies, so that the part left out is really freed
        return History(self.times[start:].copy(), self.marks[start:].copy(), self.first, loaded_from, settled=self.settled)

    def select(self, low: int, high: int, asks: Asked = EVERYTHING) -> Series:
        """Return the series a rule counts between two times, both included."""
        start, stop = self.times.searchsorted(low), self.times.searchsorted(high, "right")
        times = self.times[start:stop]
        if any(asks):
            times = times[matches(self.marks[start:stop], asks)]
        if self.first is None:
            return Series(times, high, self.reported)
        return Series(times, self.first, self.reported, self.settled.of(asks) if self.reported is None else None)
