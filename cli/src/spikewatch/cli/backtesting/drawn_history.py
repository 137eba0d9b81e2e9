"""Writes drawn histories with labelled spikes, to try rules and detectors on before there is a history of one's own."""

import csv
from pathlib import Path

import numpy as np

from spikewatch.alerts.domain.simulation.daily import overdose_days
from spikewatch.alerts.domain.simulation.drawn import Simulated

__all__ = ["drawn_days", "write_history"]


def drawn_days(seed: int, areas_each: int, days: int) -> Simulated:
    """Draw so many areas for each of 28 kinds of area (quiet to busy, flat or with season), with so many days before the last 120."""
    return overdose_days(seed, repeats=areas_each, history=days)


def write_history(drawn: Simulated, folder: Path) -> tuple[int, int]:
    """Write ``counts.csv`` and ``spikes.csv`` and return how many rows of counts and how many spikes there are.

    A spike that brought no overdose is not written: nobody could find it.

    Raises:
        OSError: a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    days = np.datetime_as_string(drawn.spiked.starts, unit="D").tolist()
    with (folder / "counts.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("date", "count", "area"))
        for area, counts in zip(drawn.spiked.areas, drawn.spiked.counts.astype(np.int64).tolist(), strict=True):
            table.writerows(zip(days, counts, [area] * len(days), strict=True))
    spikes = 0
    with (folder / "spikes.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("event_id", "start", "end", "area", "overdoses", "strength", "kind_of_area"))
        for place, area in enumerate(drawn.spiked.areas):
            lasting = np.flatnonzero(drawn.lasting[place])
            if len(lasting):
                spikes += 1
                row = (f"spike-{place}", days[lasting[0]], days[lasting[-1]], area, int(drawn.extra[place].sum()))
                table.writerow((*row, int(drawn.strength[place]), drawn.strata[drawn.stratum[place]]))
    return len(days) * len(drawn.spiked.areas), spikes
