"""One row of a history that a back-test reads."""

from dataclasses import dataclass

from spikewatch.alerts.domain.backtest.histories import Happened
from spikewatch.alerts.domain.clusters.look import Placed
from spikewatch.cli.detection.cells import Refused

__all__ = ["HistoryRow"]


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One row: the line it stands on, and the overdoses it tells of, ``count`` times the same, or why it is refused.

    ``day`` is when it says something of, in microseconds; ``placed`` are all of them in the map cell where they lie, None where it tells
    none.
    """

    line: int
    happened: tuple[Happened, ...] = ()
    count: int = 1
    refused: Refused | None = None
    day: int | None = None
    placed: Placed | None = None
