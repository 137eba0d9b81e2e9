"""What can be set on the default detector."""

from typing import Final, NamedTuple, Self

from pydantic import Field, model_validator

from spikewatch.alerts.domain.detection.algorithm import Parameters

__all__ = ["Looks", "Predictive"]


class Looks(NamedTuple):
    """Lengths of the windows that end with a step, in steps, and the share of the false alarms that each may have."""

    windows: tuple[int, ...]
    weights: tuple[float, ...]

    @property
    def guard(self) -> int:
        """Steps before now, this one included, that are judged and have not been learnt from yet."""
        return self.windows[-1]


_DAILY: Final = Looks((1, 2, 3, 7), (0.5, 0.35, 0.1, 0.05))
_LONGER: Final = Looks((1, 2), (0.35, 0.65))


class Predictive(Parameters):
    """Parameters of the default detector. A step is a day or a week, as the counts are."""

    alpha: float = Field(
        1 / 365, gt=0, lt=0.5, description="false alarms expected for each step without a spike; 1/365 is one a year of days"
    )
    minimum: int = Field(2, ge=0, description="an alarm needs so many within the window that tells most")
    windows: tuple[int, ...] | None = Field(
        None,
        description="lengths of the windows that end with the step, rising; by default 1, 2, 3, 7 days, or 1, 2 weeks or months",
    )
    weights: tuple[float, ...] | None = Field(
        None,
        description="share of the false alarms of each window; by default .5, .35, .1, .05 for days, .35, .65 for weeks or months",
    )
    drift: float = Field(
        0.01, ge=0, le=1, description="how much an area's level wanders in a step, relative to itself (standard deviation)"
    )
    trend: float = Field(0.0005, ge=0, le=0.1, description="standard deviation, between areas, of the growth a day")
    season: tuple[float, float] = Field(
        (0.3, 0.15), description="prior standard deviation of a year's and a half-year's wave, as logarithms"
    )
    weekday: float = Field(
        0.06, ge=0, le=2, description="prior standard deviation of each weekday contrast, as a logarithm; daily counts only"
    )
    dispersion: float = Field(1.2, ge=1, description="variance over mean that is assumed before the area has shown its own")
    dispersion_weight: float = Field(20, gt=0, description="how many overdoses that assumption is worth")
    dispersion_memory: float = Field(1000, gt=0, description="steps after which what was seen of the dispersion counts half")
    clip: float = Field(
        2.7, gt=0, description="counts enter the history no farther than so many standard deviations above what was predicted"
    )

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if (self.windows is None) != (self.weights is None):
            raise ValueError("windows, weights: expected both or neither")
        if self.windows is not None and (not self.windows or list(self.windows) != sorted(set(self.windows)) or self.windows[0] < 1):
            raise ValueError("windows: expected whole numbers from 1, rising, for example [1, 2, 3, 7]")
        if self.weights is not None and (len(self.weights) != len(self.windows or ()) or min(self.weights) <= 0):
            raise ValueError("weights: expected one number above 0 for each window, for example [0.5, 0.35, 0.1, 0.05]")
        if min(self.season) < 0:
            raise ValueError("season: expected two numbers from 0, for example [0.3, 0.15]")
        return self

    def looks(self, step_days: int) -> Looks:
        """Return the windows that are judged, for steps of so many days."""
        return Looks(self.windows, self.weights) if self.windows and self.weights else _DAILY if step_days == 1 else _LONGER
