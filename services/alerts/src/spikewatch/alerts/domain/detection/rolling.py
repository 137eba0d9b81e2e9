"""Incidents within hours of one another, looked at whenever one is received, and what a late one completes.

The window is half open, (end - span, end]: an incident exactly one span ago no longer counts.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Incidents", "RolledCounts", "roll"]

Microseconds = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Incidents:
    """Incidents in the order in which they were received; times in microseconds since 1970, UTC."""

    occurred: Microseconds
    received: Microseconds
    areas: NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class RolledCounts:
    """For each incident, what was known when it was received.

    ``at_receipt`` counts the window that ends then, ``at_occurrence`` the one that ends when the incident occurred, ``worst`` is the
    largest of all windows that hold the incident.
    """

    at_receipt: NDArray[np.int64]
    at_occurrence: NDArray[np.int64]
    worst: NDArray[np.int64]


def roll(incidents: Incidents, span: int) -> RolledCounts:
    """Count the windows of ``span`` microseconds that each incident touches, in its area."""
    number = len(incidents.occurred)
    counted = RolledCounts(*(np.zeros(number, dtype=np.int64) for _ in range(3)))
    known: dict[int, list[int]] = {}
    for position in range(number):
        times = known.setdefault(int(incidents.areas[position]), [])
        occurred, received = int(incidents.occurred[position]), int(incidents.received[position])
        times.insert(int(np.searchsorted(times, occurred, side="right")), occurred)
        sorted_ = np.array(times, dtype=np.int64)

        def held(ends: Microseconds, among: Microseconds = sorted_) -> Microseconds:
            return np.searchsorted(among, ends, side="right") - np.searchsorted(among, ends - span, side="right")

        counted.at_receipt[position] = held(np.array([received]))[0]
        counted.at_occurrence[position] = held(np.array([occurred]))[0]
        ends = sorted_[np.searchsorted(sorted_, occurred) : np.searchsorted(sorted_, occurred + span)]
        counted.worst[position] = held(ends).max()
    return counted
