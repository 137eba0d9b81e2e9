"""More than, or at least, a fixed count. It needs no history: it works from the first overdose on."""

from typing import Literal

import numpy as np
from pydantic import Field

from spikewatch.alerts.domain.instants import Bools, Instants
from spikewatch.alerts.domain.rules.criterion import Finding
from spikewatch.alerts.domain.series import Series
from spikewatch.contracts.contract import Contract

__all__ = ["FixedCount"]


class FixedCount(Contract, extra="forbid"):
    """Met when the window holds more than, or at least, ``threshold`` overdoses.

    Published rules differ in the comparison ("exceeds" and "reaches"), so it is part of the rule.
    """

    threshold: int = Field(ge=1)
    comparison: Literal["more_than", "at_least"]

    def reach(self, window: int) -> int:
        """An overdose counts in the windows that hold it, nowhere else."""
        return window

    def met(self, series: Series, at: Instants, counts: Instants, window: int) -> Bools:  # noqa: ARG002  # the protocol's
        """Compare the counts."""
        return np.asarray(counts > self.threshold if self.comparison == "more_than" else counts >= self.threshold)

    def finding(self, series: Series, at: int, count: int, window: int) -> Finding:  # noqa: ARG002  # the protocol's
        """Name the threshold."""
        words = "more than" if self.comparison == "more_than" else "at least"
        return Finding(demand=f"{words} {self.threshold}", threshold=float(self.threshold))
