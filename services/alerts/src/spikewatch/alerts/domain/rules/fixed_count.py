"""More than, or at least, a fixed count. It needs no history: it works from the first overdose on."""

from typing import Final, Literal

import numpy as np
from pydantic import Field
from typing_extensions import override

from spikewatch.alerts.domain.instants import DAY, Bools, Instants
from spikewatch.alerts.domain.rules.criterion import Criterion, Finding
from spikewatch.alerts.domain.series import Series

__all__ = ["FixedCount"]

_SHOWN: Final = 30  # windows before in an explanation; more would not be read and makes alerts large
_FURTHEST: Final = 90 * DAY  # they lie within: an explanation must not read years of a rule whose window is weeks
_LEAST: Final = 3  # windows whose mean is told as what would be expected


class FixedCount(Criterion):
    """Met when the window holds more than, or at least, ``threshold`` overdoses.

    Published rules differ in the comparison ("exceeds" and "reaches"), so it is part of the rule. The windows just before, and their
    mean, are told and decide nothing.
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
    def explains_back(self, window: int) -> int:
        """The windows before, each as long as the one that met the rule."""
        return window * (1 + _blocks(window))

    @override
    def met(self, series: Series, at: Instants, counts: Instants, window: int) -> Bools:  # the protocol's
        """Compare the counts."""
        return np.asarray(counts > self.threshold if self.comparison == "more_than" else counts >= self.threshold)

    @override
    def met_once(self, series: Series, at: int, count: int, window: int) -> bool:
        return count > self.threshold if self.comparison == "more_than" else count >= self.threshold

    @override
    def finding(self, series: Series, at: int, count: int, window: int) -> Finding:  # the protocol's
        """Name the threshold, and what the windows before held since the area is known."""
        end = at - window
        known = max(min((end - series.first) // window, _blocks(window)), 0)
        counts = series.blocks_before(end, window, known)[::-1].tolist()
        starts = range(end - known * window, end, window)
        return Finding(
            demand=f"{self._words} {self.threshold}",
            threshold=float(self.threshold),
            expected=sum(counts) / known if known >= _LEAST else None,
            expected_by=f"the mean of the {known} such windows before",
            baseline=tuple((start, start + window, number) for start, number in zip(starts, counts, strict=True)),
        )

    @property
    def _words(self) -> str:
        return "more than" if self.comparison == "more_than" else "at least"


def _blocks(window: int) -> int:
    return min(_SHOWN, _FURTHEST // window)
