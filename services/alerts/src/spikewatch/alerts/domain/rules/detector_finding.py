"""What a detector found in one step, and what reports that are still to come make of it."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from spikewatch.alerts.domain.detection.detection import Detected
from spikewatch.alerts.domain.detection.reporting_delay import nowcast
from spikewatch.alerts.domain.instants import DAY
from spikewatch.alerts.domain.reported import Reported
from spikewatch.alerts.domain.rules.criterion import Correction, Finding, Together

__all__ = ["StepFound", "correction_of"]

_LEARN_DISPERSION: Final = frozenset({"predictive", "farrington", "farrington_flexible"})  # of others a correction guesses it


@dataclass(frozen=True, slots=True)
class StepFound:
    """The answer for one area and step; nan where the algorithm tells nothing. ``phi`` is the variance over the mean of whole counts.

    ``steps`` is how many that end with this one tell most together, 1 where the algorithm looks at this one alone; ``counted`` and
    ``awaited`` are what they hold and what was expected in them.
    """

    expected: float
    p_value: float
    phi: float
    steps: int
    counted: float
    awaited: float

    @classmethod
    def of(cls, found: Detected, area: int, place: int) -> "StepFound":
        """Take it from the answers for several, without the last digits: they depend on how many areas are asked together."""

        def also(name: str) -> float:
            return _cut(np.asarray(found.also[name])[area, place]) if name in found.also else np.nan

        steps = int(found.also["window"][area, place]) if "observed_in_window" in found.also else 1
        expected, p_value = _cut(found.expected[area, place]), _cut(found.p_value[area, place])
        return cls(expected, p_value, also("phi"), steps, also("observed_in_window"), also("expected_in_window"))

    def finding(
        self,
        algorithm: str,
        least: float,
        window: int,
        *,
        since: int,
        recurrence_days: float | None,
        baseline: tuple[tuple[int, int, int], ...],
        correction: Correction | None,
    ) -> Finding:
        """Explain the step; ``least`` is the smallest count that is an alarm in it, and ``since`` when the first of the steps began."""
        step = "day" if window == DAY else "week"
        is_joint = self.steps > 1 and np.isfinite(self.counted) and np.isfinite(self.awaited)
        after = f" after such {step}s before" if np.isfinite(self.counted) else ""
        return Finding(
            demand=f"at least {least:.0f} in a {step}{after} by {algorithm}" if np.isfinite(least) else f"an alarm of {algorithm}",
            threshold=_number(least),
            expected=_number(self.expected),
            probability=_number(self.p_value),
            recurrence_days=recurrence_days,
            dispersion=_number(self.phi) if algorithm in _LEARN_DISPERSION else None,
            baseline=baseline,
            correction=correction,
            together=Together(since, step, self.steps, round(self.counted), self.awaited) if is_joint else None,
        )


def correction_of(found: StepFound, count: int, share: float, reported: Reported | None) -> Correction | None:
    """Return what the count of a step will come to, of which a share is reported; None where nothing is missing or expected."""
    if share >= 1.0 or share <= 0.0 or not found.expected > 0:
        return None
    dispersion = max(found.phi, 1.0) if np.isfinite(found.phi) else 1.0
    whole = nowcast(np.array([float(count)]), np.array([found.expected / share]), np.array([share]), dispersion=dispersion)
    silent = reported.silent if reported is not None else ()
    return Correction(share, float(whole.expected[0]), float(whole.low[0]), float(whole.high[0]), silent)


def _cut(value: float) -> float:
    return float(f"{value:.9g}")


def _number(value: float) -> float | None:
    """Return a number as an alert tells it; None where there is none."""
    return max(float(value), 0.0) if np.isfinite(value) else None
