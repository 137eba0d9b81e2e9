"""The rule kind that looks at all map cells of a county or state at once, on a schedule."""

import math
from typing import ClassVar, Final, Literal, Self

import numpy as np
from pydantic import Field, model_validator
from typing_extensions import override

from spikewatch.alerts.domain.instants import DAY, Bools, Instants
from spikewatch.alerts.domain.rules.criterion import Criterion, Finding
from spikewatch.alerts.domain.rules.refusal import Refusal
from spikewatch.alerts.domain.series import Series

__all__ = ["JOINED", "SpaceTimeScan"]

JOINED: Final = "state"
"""The kind of area of which a scan looks at all it watches as at one place, so that a cluster may lie across their borders."""

_LOOKS_POWER: Final = 0.4  # measured, see docs/detection/scans.md
_MOST_LOOKS: Final = 24  # a day; a schedule is a full hour or longer where it is not told otherwise
_SHARE: Final = 2  # the longest window is at most half of the days, or there would be too little to compare it with


class SpaceTimeScan(Criterion):
    """Met by circles of H3 cells with more overdoses in the last days than chance gives: a prospective space-time permutation scan.

    The rule's window is the longest cluster, in whole days of 24 hours. No overdose meets it by itself: it is looked at on a
    schedule, each time with the last ``days`` days of all cells of the area.

    First days: works from the first overdoses on, for a day without any changes nothing (times are shuffled over the overdoses
    there are). Baseline all zero: then all overdoses lie in the window, as many as expected, and nothing is found.
    """

    watches: ClassVar[frozenset[str] | None] = frozenset({"county", "state"})
    is_scheduled: ClassVar[bool] = True

    model: Literal["space_time_permutation"] = Field(
        default="space_time_permutation", description="What chance is; needs no population, as contributions carry none."
    )
    days: int = Field(default=30, ge=4, le=366, description="How many days are looked at, the running one included.")
    radius_km: float = Field(gt=0, le=1000, description="Largest distance between the centre of a cluster and those of its cells.")
    probability: float = Field(gt=0, lt=1, description="A cluster is told if its p-value is below.")
    counts: Literal["days", "looks"] = Field(
        default="days",
        description="What probability and recurrence are of: a day, however often it is looked at, or one look.",
    )
    replications: int = Field(default=999, ge=99, le=9_999, description="Draws from chance.")
    weekly: bool = Field(default=False, description="Whether the day of the week is adjusted for.")
    day_starts_hour: int = Field(default=0, ge=0, le=23, description="Hour of UTC at which a day begins, for example 5.")

    @model_validator(mode="after")
    def _can_be_met(self) -> Self:
        several = self._several(_MOST_LOOKS)
        if several / (self.replications + 1) >= self.probability:
            needed = math.floor(several / self.probability)
            raise ValueError(f"replications: expected at least {needed}, or hourly looks show no chance below probability")
        return self

    def chance(self, p_value: float, looks_a_day: float) -> float:
        """Return the chance that the rule is about: of a look as it is, or of a day that is looked at so often.

        Looks at one day share most of their overdoses, so many bring far fewer clusters than as many days would.
        """
        return min(p_value * self._several(looks_a_day), 1.0)

    def _several(self, looks_a_day: float) -> float:
        return max(looks_a_day, 1.0) ** _LOOKS_POWER if self.counts == "days" else 1.0

    @override
    def refuses(self, window: int) -> Refusal | None:
        if window % DAY or _SHARE * window > self.days * DAY:
            return Refusal(("window_hours",), "is the longest cluster; expected whole days (24, 48, …) and at most half of parameters.days")
        return None

    @property
    @override
    def tells_recurrence(self) -> bool:
        return True

    @override
    def allow(self, chance: float) -> str | None:
        """Tell whether there are draws enough to see a chance so small; the looks themselves are judged together."""
        several = self._several(_MOST_LOOKS)
        return None if (self.replications + 1) * chance >= several else f"at least {math.ceil(several / chance)} parameters.replications"

    @override
    def asks(self) -> str:
        """Name the probability and the radius."""
        return (
            f"a scan of the last {self.days} days finds a cluster of cells within {self.radius_km:g} km whose chance is below "
            f"{self.probability:g} {'a day' if self.counts == 'days' else 'a look'} among {self.replications} draws"
        )

    @override
    def reach(self, window: int) -> int:
        """An overdose counts in every scan of the days after it."""
        return self.days * DAY

    @override
    def met(self, series: Series, at: Instants, counts: Instants, window: int) -> Bools:
        """Tell that one area's overdoses alone never meet it."""
        return np.zeros(len(at), dtype=np.bool_)

    @override
    def finding(self, series: Series, at: int, count: int, window: int) -> Finding:
        """Name the probability: what one area's overdoses can tell."""
        return Finding(demand=self.demand)

    @property
    def demand(self) -> str:
        """What completes the sentence "the rule asks for …"."""
        return f"a chance below {self.probability:g} by a scan of {self.days} days"
