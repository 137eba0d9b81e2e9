"""What every chart of a generalised likelihood ratio offers."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from spikewatch.alerts.domain.detection.series import Floats

__all__ = ["Areas", "Chart"]

Areas = NDArray[np.intp]
"""Positions of the areas that a step concerns."""


class Chart(Protocol):
    """The state of many areas since the last alarm of each."""

    def threshold(self, areas: Areas, step: int, mean: Floats) -> Floats:
        """Return the least count of the step to come that would raise an alarm; nan where none does."""
        ...

    def advance(self, areas: Areas, step: int, counts: Floats, mean: Floats) -> Floats:
        """Take a step in and return the log likelihood ratio."""
        ...

    def restart(self, areas: Areas, counts: Floats) -> None:
        """Start anew after an alarm at the step with these counts."""
        ...
