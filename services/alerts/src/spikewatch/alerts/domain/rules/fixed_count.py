"""More than, or at least, a fixed count. It needs no history: it works from the first overdose on."""

from typing import Literal

import numpy as np
from pydantic import Field
from typing_extensions import override

from spikewatch.alerts.domain.instants import Bools, Instants
from spikewatch.alerts.domain.rules.criterion import Criterion, Finding
from spikewatch.alerts.domain.series import Series

__all__ = ["FixedCount"]


class FixedCount(Criterion):
    """Met when the window holds more than, or at least, ``threshold`` overdoses.

    Published rules differ in the comparison ("exceeds" and "reaches"), so it is part of the rule.
    """

    threshold: int = Field(ge=1)
    comparison: Literal["more_than", "at_least"]

    @override
    def asks(self) -> str:
        """Name the threshold."""
        return f"the window holds {self._words} {self.threshold}"

    @override
    def reach(self, window: int) -> int:
        """An overdose counts in the windows that hold it, nowhere else."""
        return window

    @override
    def met(self, series: Series, at: Instants, counts: Instants, window: int) -> Bools:  # the protocol's
        """Compare the counts."""
        return np.asarray(counts > self.threshold if self.comparison == "more_than" else counts >= self.threshold)

    @override
    def met_once(self, series: Series, at: int, count: int, window: int) -> bool:
        return count > self.threshold if self.comparison == "more_than" else count >= self.threshold

    @override
    def finding(self, series: Series, at: int, count: int, window: int) -> Finding:  # the protocol's
        """Name the threshold."""
        return Finding(demand=f"{self._words} {self.threshold}", threshold=float(self.threshold))

    @property
    def _words(self) -> str:
        return "more than" if self.comparison == "more_than" else "at least"
