"""What a detector found in one step, and what reports that are still to come make of it."""

from dataclasses import dataclass

import numpy as np

from spikewatch.alerts.domain.detection.detection import Detected
from spikewatch.alerts.domain.detection.reporting_delay import nowcast
from spikewatch.alerts.domain.reported import Reported
from spikewatch.alerts.domain.rules.criterion import Correction

__all__ = ["StepFound", "correction_of", "number"]


@dataclass(frozen=True, slots=True)
class StepFound:
    """The answer for one area and step; nan where the algorithm tells nothing. ``phi`` is the variance over the mean of whole counts."""

    expected: float
    threshold: float
    p_value: float
    phi: float

    @classmethod
    def of(cls, found: Detected, area: int, place: int) -> "StepFound":
        """Take it from the answers for several, without the last digits: they depend on how many areas are asked together."""
        phi = np.asarray(found.also["phi"])[area, place] if "phi" in found.also else 1.0
        told = (found.expected[area, place], found.threshold[area, place], found.p_value[area, place], phi)
        return cls(*(float(f"{one:.9g}") for one in told))


def correction_of(found: StepFound, count: int, share: float, reported: Reported | None) -> Correction | None:
    """Return what the count of a step will come to, of which a share is reported; None where nothing is missing or expected."""
    if share >= 1.0 or share <= 0.0 or not found.expected > 0:
        return None
    dispersion = max(found.phi, 1.0) if np.isfinite(found.phi) else 1.0
    whole = nowcast(np.array([float(count)]), np.array([found.expected / share]), np.array([share]), dispersion=dispersion)
    silent = reported.silent if reported is not None else ()
    return Correction(share, float(whole.expected[0]), float(whole.low[0]), float(whole.high[0]), silent)


def number(value: float) -> float | None:
    """Return a number as an alert tells it; None where there is none."""
    return max(float(value), 0.0) if np.isfinite(value) else None
