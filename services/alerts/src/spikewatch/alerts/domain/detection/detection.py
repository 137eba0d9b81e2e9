"""What every detector answers, for each area and step."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from spikewatch.alerts.domain.detection.series import Floats, Series

__all__ = ["ALARM", "NONE", "NOT_EVALUATED", "Alarms", "Detected", "alarms", "blank"]

ALARM = 1
NONE = 0
NOT_EVALUATED = -1

Alarms = NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Detected:
    """What a detector found, each by area and step; nan where it could not evaluate or does not compute the quantity.

    ``alarm`` is 1 (alarm), 0 (none) or -1 (not evaluated: too little history, or a gap). ``threshold`` is in the unit of
    the counts unless the detector's docstring says otherwise, ``p_value`` the probability of a count as large or larger
    without a spike. ``also`` holds further columns of one detector, each by area and step.
    """

    expected: Floats
    threshold: Floats
    statistic: Floats
    p_value: Floats
    alarm: Alarms
    also: Mapping[str, NDArray[np.generic]] = field(default_factory=dict)


def blank(series: Series) -> Floats:
    """Return nan for each area and step: what a detector that computes nothing answers."""
    return np.full(series.counts.shape, np.nan)


def alarms(exceeds: NDArray[np.bool_], evaluated: NDArray[np.bool_]) -> Alarms:
    """Return 1, 0 or -1 for each area and step."""
    return np.where(evaluated, exceeds, NOT_EVALUATED).astype(np.int8)
