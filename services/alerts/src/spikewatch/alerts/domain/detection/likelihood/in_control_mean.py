"""The in-control mean of the likelihood-ratio detectors: given, or a log-linear regression on the training steps."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from spikewatch.alerts.domain.detection.algorithm import Parameters
from spikewatch.alerts.domain.detection.evaluated_steps import each_evaluated
from spikewatch.alerts.domain.detection.harmonic import Fitted, design, fit_counts
from spikewatch.alerts.domain.detection.likelihood.learnt_dispersion import learn_dispersion
from spikewatch.alerts.domain.detection.period import steps_of_year
from spikewatch.alerts.domain.detection.series import Floats, Series

__all__ = ["InControl", "InControlMean"]


class InControlMean(Parameters):
    """How the mean without a spike is found."""

    training: int = Field(365, ge=1, description="steps before the first that is evaluated; the mean is learnt from them")
    mean: tuple[float, ...] | None = Field(None, description="in-control mean of each evaluated step, given (`mu0` as numbers)")
    harmonics: int = Field(1, ge=0, description="yearly waves of the regression (`mu0$S`)")
    trend: bool = Field(False, description="whether the regression has a trend (`mu0$trend`)")
    refit: bool = Field(False, description="whether the regression is made anew after each alarm, with all counts so far (`mu0$refit`)")
    period: int | None = Field(None, ge=2, description="steps of a year (`freq`); 365, 52 or 12 by the length of a step")


@dataclass
class InControl:
    """Means by step and area of the evaluated steps, and the dispersion alpha by area."""

    alpha: Floats
    _series: Series
    _parameters: InControlMean
    _rows: Floats
    _fitted: Fitted | None
    _mean: Floats | None = None  # only where it is given, or learnt anew in between
    _unknown: NDArray[np.bool_] | None = None

    @classmethod
    def of(cls, series: Series, parameters: InControlMean, alpha: float | None) -> "InControl":
        """Find means; an ``alpha`` of None is learnt from the training steps, and is 0 where the mean is given."""
        first, (areas, steps) = parameters.training, series.counts.shape
        times = np.arange(steps, dtype=np.float64) + 1
        rows = design(times, steps_of_year(series, parameters.period), harmonics=parameters.harmonics, trend=parameters.trend)
        if parameters.mean is not None:
            given = np.broadcast_to(each_evaluated(parameters.mean, steps - first, "mean"), (areas, steps - first))
            return cls(np.full(areas, alpha or 0.0), series, parameters, rows, None, given.T.copy())
        training = series.counts[:, :first]
        fitted = learn_dispersion(rows[:first], training) if alpha is None else fit_counts(rows[:first], training, alpha=alpha)
        found = cls(fitted.alpha, series, parameters, rows, fitted, _unknown=np.logical_and.reduce(np.isnan(training), axis=1))
        if parameters.refit:
            found._mean = found.block(0, steps - first)
        return found

    def block(self, low: int, high: int) -> Floats:
        """Return the means of some evaluated steps, by step and area; nan where nothing was told in the training."""
        if self._mean is not None or self._fitted is None:
            return np.asarray(self._mean)[low:high]
        first = self._parameters.training
        mean = self._fitted.by_step(self._rows[first + low : first + high])
        if self._unknown is not None and self._unknown.any():
            mean[:, self._unknown] = np.nan
        return mean

    def alarmed(self, areas: NDArray[np.intp], step: int) -> None:
        """Learn the means after an evaluated step anew, where the parameters want it."""
        if not self._parameters.refit or self._mean is None or self._fitted is None or not len(areas):
            return
        end = self._parameters.training + step + 1
        fitted: Fitted = fit_counts(self._rows[:end], self._series.counts[areas, :end], alpha=self.alpha[areas])
        self._mean[step + 1 :, areas] = fitted.mean(self._rows[end:]).T
