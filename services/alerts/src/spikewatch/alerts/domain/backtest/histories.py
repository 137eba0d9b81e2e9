"""The past of many areas, as a back-test reads it."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from spikewatch.alerts.domain.series import History

__all__ = ["Happened", "Histories", "Labelled", "histories_of"]


class Happened(NamedTuple):
    """One overdose of a history: its area, event time in microseconds, and mark (outcome, drug classes, sources; 0 for unknown)."""

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
    """Each area's overdoses, and the span in microseconds over which all of them were watched."""

    areas: dict[str, History]
    start: int
    end: int

    @property
    def overdoses(self) -> int:
        """How many overdoses there are in all areas."""
        return sum(len(history) for history in self.areas.values())


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
