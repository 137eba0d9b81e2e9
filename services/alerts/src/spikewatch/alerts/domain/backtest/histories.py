"""The past of many areas, as a back-test reads it."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from spikewatch.alerts.domain.instants import DAY, Instants
from spikewatch.alerts.domain.series import History

__all__ = ["Happened", "Histories", "Labelled", "histories_of"]


class Happened(NamedTuple):
    """One overdose of a history: its area, event time in microseconds, and mark (``marks``; 0 where nothing else is known)."""

    area: str
    at: int
    mark: int = 0


@dataclass(frozen=True, slots=True)
class Labelled:
    """A spike that is known to have been there: from ``start`` to ``end`` in microseconds, both included."""

    name: str
    area: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Histories:
    """Each area's overdoses, and the span in microseconds over which all of them were watched, both ends included.

    What lies before the span is the past that rules look back upon; what lies after it decides nothing.
    """

    areas: dict[str, History]
    start: int
    end: int

    @property
    def overdoses(self) -> int:
        """How many overdoses there are in all areas within the span."""
        return sum(self.counted(area) for area in self.areas)

    def counted(self, area: str) -> int:
        """Return how many overdoses an area has within the span."""
        return len(self._within(area))

    def daily(self, area: str) -> Instants:
        """Return an area's count of each day (UTC) from the first of the span to its last."""
        first = self.start // DAY
        return np.bincount(self._within(area) // DAY - first, minlength=self.end // DAY - first + 1)

    def _within(self, area: str) -> Instants:
        times = self.areas[area].times
        return times[np.searchsorted(times, self.start, side="left") : np.searchsorted(times, self.end, side="right")]


def histories_of(happened: Iterable[Happened], span: tuple[int, int] | None = None) -> Histories:
    """Gather overdoses in any order; ``span`` is when the areas were watched, else it is from the first overdose to the last.

    Raises:
        ValueError: there is no overdose.
    """
    rows: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for area, at, bits in happened:
        rows[area].append((at, bits))
    if not rows:
        raise ValueError("the history holds no overdose")
    areas = {area: History.of(mine, min(at for at, _ in mine), -(2**62)) for area, mine in sorted(rows.items())}
    if span is None:
        span = min(int(one.times[0]) for one in areas.values()), max(int(one.times[-1]) for one in areas.values())
    return Histories(areas, *span)
