"""What is known of each area: its level, trend, season and weekdays as logarithms, how sure that is, and its dispersion.

A dynamic generalised linear model by linear Bayes (West, Harrison and Migon 1985, doi 10.2307/2287954): the mean of a step is
gamma distributed, its logarithm's place a linear function of the coefficients. A count updates the gamma exactly, as
gamma-Poisson does, and the change of the logarithm is shared among the coefficients by their covariance. Without covariates this
is the discounted gamma-Poisson model. A dispersion phi above 1 weakens each count by 1/phi.
"""

from dataclasses import dataclass, fields
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from spikewatch.alerts.domain.detection.predictive.calendar import LEVEL, TREND
from spikewatch.alerts.domain.detection.predictive.parameters import Predictive
from spikewatch.alerts.domain.detection.series import Floats

__all__ = ["Learnt"]

_TREND_MEMORY: Final = 5000.0  # days after which a growth has lost two thirds of its say
_PATTERN_MEMORY: Final = 36500.0  # days in which the week's and the year's shape may change as much as it differs between areas
_DOUBT: Final = 3.0  # windows, by what they tell, that the model's own uncertainty is worth
_DOUBT_RANGE: Final = (0.1, 4.0)
_SHARED: Final = 1.0  # logarithm
_FIRST: Final = 4.0  # overdoses that a first count is worth at most: it may be a spike
_BUSY: Final = 5.0  # overdoses a step
_VAGUE: Final = 0.5  # overdoses, and steps, that a level without any history is worth
_BY_POPULATION: Final = 2.0  # overdoses that a level known from the population alone is worth


@dataclass(slots=True)
class Learnt:
    """State of many areas; the first axis of each array is the area. Changed in place by its methods."""

    coefficients: Floats
    covariance: Floats
    known: NDArray[np.bool_]
    told: Floats  # discounted sum of predicted means: the weight of what was seen of the dispersion
    squares: Floats  # discounted sum of squared surprises
    unsure: Floats  # the part of ``squares`` that the uncertainty of the means explains, as it was thought
    excess: Floats  # weighted sum of what windows were off by, squared, beyond their dispersion
    thought: Floats  # the same, as it was thought

    @classmethod
    def nothing(cls, areas: int, prior: Floats) -> Self:
        """Return what is known before the first count."""
        width = len(prior)
        covariance = np.zeros((areas, width, width))
        covariance[:] = np.diag(prior)
        return cls(np.zeros((areas, width)), covariance, np.zeros(areas, dtype=np.bool_), *np.zeros((5, areas)))

    def rows(self, which: NDArray[np.intp]) -> Self:
        """Return a copy of some areas' state."""
        return type(self)(*(getattr(self, field.name)[which] for field in fields(self)))

    def joined(self, other: Self) -> Self:
        """Return a copy of the state of both's areas."""
        return type(self)(*(np.concatenate((getattr(self, field.name), getattr(other, field.name))) for field in fields(self)))

    def dispersion(self, parameters: Predictive) -> Floats:
        """Return each area's variance over mean: at least 1, near the assumed one until enough was seen."""
        weight = parameters.dispersion_weight
        squares = self.squares - self.unsure * self.doubt()
        return np.maximum(1.0, (weight * parameters.dispersion + squares) / (weight + self.told))

    def doubt(self) -> Floats:
        """Return by how much forecasts are less certain than the model thinks: 1 until windows have shown otherwise."""
        return np.minimum(np.maximum((_DOUBT + self.excess) / (_DOUBT + self.thought), _DOUBT_RANGE[0]), _DOUBT_RANGE[1])

    def begin(self, counts: Floats, by_population: Floats, parameters: Predictive) -> None:
        """Let areas whose first count this is start from it, or from what their population makes expect where that is known."""
        starting = ~self.known & (~np.isnan(counts) | ~np.isnan(by_population))
        if not starting.any():
            return
        count, expected = counts[starting], by_population[starting]
        guessed = ~np.isnan(expected)
        shape = np.where(guessed, _BY_POPULATION, _VAGUE + np.nan_to_num(count) / parameters.dispersion)
        mean = np.where(guessed, np.nan_to_num(expected), shape / (_VAGUE + 1 / parameters.dispersion))
        shape = np.minimum(shape, _FIRST)
        self.coefficients[starting, LEVEL] = np.log(np.maximum(mean, 1e-9))
        self.covariance[starting, LEVEL, LEVEL] = 1 / shape
        self.known |= starting

    def age(self, prior: Floats, parameters: Predictive, step_days: int) -> None:
        """Move on by one step: the level grows by its trend, and everything becomes a little less sure."""
        covariance = self.covariance
        self.coefficients[:, LEVEL] += self.coefficients[:, TREND]
        covariance[:, LEVEL, :] += covariance[:, TREND, :]
        covariance[:, :, LEVEL] += covariance[:, :, TREND]
        kept = 1 - step_days / _TREND_MEMORY
        self.coefficients[:, TREND] *= kept
        covariance[:, TREND, :] *= kept
        covariance[:, :, TREND] *= kept
        added = prior * (step_days / _PATTERN_MEMORY)
        added[LEVEL] = parameters.drift**2
        added[TREND] = prior[TREND] * (1 - kept**2)
        np.einsum("aii->ai", covariance)[...] += added

    def forecast(self, row: Floats, ahead: int, parameters: Predictive) -> tuple[Floats, Floats]:
        """Return mean and squared relative uncertainty of the mean, ``ahead`` steps on; nan for areas nothing is known of."""
        covariate = row.copy()
        covariate[TREND] = ahead
        logarithm = self.coefficients @ covariate
        uncertainty = (self.covariance @ covariate) @ covariate + ahead * parameters.drift**2
        return np.where(self.known, np.exp(np.minimum(logarithm, 50.0)), np.nan), uncertainty

    def learn(self, counts: Floats, share: Floats, row: Floats, parameters: Predictive) -> None:
        """Learn from the counts of the step the state stands at; nan teaches nothing.

        ``share`` is the part of the step's overdoses that will have been reported in the count. A count far above its prediction
        enters clipped, so that a past spike does not mask the next one.
        """
        taught = self.known & ~np.isnan(counts) & (share > 0)
        if not taught.any():
            return
        gain = self.covariance @ row
        before = np.maximum(gain @ row, 1e-12)
        logarithm = np.minimum(self.coefficients @ row, 50.0)
        mean = np.exp(logarithm) * share
        phi = self.dispersion(parameters)
        # the upper bound of Cornish and Fisher: a third term stands for the skewness of sparse counts
        z = parameters.clip
        usual = z * np.sqrt(phi * mean + mean**2 * before)
        bound = mean + usual + (z * z - 1) / 6 * (2 * phi - 1) + 0.5
        count = np.where(taught, np.minimum(counts, bound), 0.0)
        shape = 1 / before + count / phi
        moved = np.where(taught, np.log(shape / (1 / (before * mean) + 1 / phi) / mean), 0.0)
        narrowed = np.where(taught, 1 - 1 / (shape * before), 0.0) / before
        # a fall of more than that is a level that was wrong, not a weekday or a season
        shared = np.maximum(moved, -_SHARED)
        self.coefficients += gain * (shared / before)[:, None]
        self.coefficients[:, LEVEL] += moved - shared
        self.covariance -= (gain * narrowed[:, None])[:, :, None] * gain[:, None, :]
        fading = 0.5 ** (1 / parameters.dispersion_memory)
        # a busy step tells no more of the dispersion than some quieter ones, and one whose mean was hardly known tells nothing
        weight = (phi / (phi + mean * before)) ** 2 / (1 + mean / _BUSY)
        surprise = np.maximum(count - mean, -usual)
        self.told = np.where(taught, fading * self.told + weight * mean, self.told)
        self.squares = np.where(taught, fading * self.squares + weight * surprise**2, self.squares)
        self.unsure = np.where(taught, fading * self.unsure + weight * mean**2 * before, self.unsure)

    def settle(self, observed: Floats, expected: Floats, uncertainty: Floats, steps: int, parameters: Predictive) -> None:
        """Learn from a whole window, forecast as judged windows are, whether forecasts are as uncertain as was thought; nan is skipped."""
        doubt = expected**2 * uncertainty
        phi = self.dispersion(parameters)
        variance = phi * expected + doubt * self.doubt()
        with np.errstate(invalid="ignore", divide="ignore"):
            surprise = np.minimum(np.abs(observed - expected), parameters.clip * np.sqrt(variance))
            weight = doubt / variance**2 / steps  # windows that follow one another share all but one step
            taught = np.isfinite(weight) & ~np.isnan(observed)
        fading = 0.5 ** (1 / parameters.dispersion_memory)
        self.excess = np.where(taught, fading * self.excess + weight * (surprise**2 - phi * expected), self.excess)
        self.thought = np.where(taught, fading * self.thought + weight * doubt, self.thought)
