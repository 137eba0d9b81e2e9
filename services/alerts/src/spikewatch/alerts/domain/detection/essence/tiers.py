"""The colours of ESSENCE as numbers: what its detectors say about a step beside the p-value."""

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from spikewatch.alerts.domain.detection.detection import Alarms, alarms
from spikewatch.alerts.domain.detection.series import Floats

__all__ = ["ALERT", "QUIET", "UNKNOWN", "WARNING", "EssenceCompat", "Tiers", "red", "tiers"]

EssenceCompat = Literal["", "rnssp-0.3.1", "pynssp-0.1.0"]
Tiers = NDArray[np.int8]

UNKNOWN: Final = -1  # grey: not evaluated
QUIET: Final = 0  # blue
WARNING: Final = 1  # yellow, p < .05
ALERT: Final = 2  # red, p < .01


def tiers(p_value: Floats) -> Tiers:
    """Return the tier of each p-value; nan is ``UNKNOWN``."""
    found = np.full(p_value.shape, UNKNOWN, dtype=np.int8)
    found[p_value >= 0.05] = QUIET
    found[p_value < 0.05] = WARNING
    found[p_value < 0.01] = ALERT
    return found


def red(tier: Tiers) -> Alarms:
    """Return the alarm of each tier: only an alert is one."""
    return alarms(tier == ALERT, tier != UNKNOWN)
