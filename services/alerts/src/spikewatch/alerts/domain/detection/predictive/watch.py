"""The default detector one step at a time: what a service keeps between two days, and what it asks each day."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from spikewatch.alerts.domain.detection.predictive.calendar import covariate, prior_variance
from spikewatch.alerts.domain.detection.predictive.learnt import Learnt
from spikewatch.alerts.domain.detection.predictive.parameters import Predictive
from spikewatch.alerts.domain.detection.predictive.windows import Combination, mid_tail
from spikewatch.alerts.domain.detection.series import Floats

__all__ = ["Judged", "Watch"]


@dataclass(frozen=True, slots=True)
class Judged:
    """How the steps up to now look, one value an area; nan where too little is known or the newest count was not told.

    ``p_value`` is the probability of windows as improbable as these, without a spike. ``window`` is the length in steps of the
    window that tells most, ``observed`` and ``expected`` its counts, what was told of it; ``mean`` what was expected in the
    newest step alone, with ``variance``. ``dispersion`` is the variance over the mean of the area's counts.
    """

    p_value: Floats
    window: NDArray[np.int64]
    observed: Floats
    expected: Floats
    mean: Floats
    variance: Floats
    dispersion: Floats


class Watch:
    """Many areas that are watched together, all at the same step. Thousands cost little more than one.

    The last ``guard`` steps are judged and not learnt from yet, so their counts may still be revised.
    """

    def __init__(self, areas: int, day: np.datetime64, parameters: Predictive, *, step_days: int = 1) -> None:
        """Begin before the step that starts on ``day``; the first ``advance`` moves onto it."""
        self.parameters = parameters
        self.step_days = step_days
        self.day = day - step_days
        self._weekdays = step_days == 1
        self._prior = prior_variance(parameters, weekdays=self._weekdays, step_days=step_days)
        self._looks = parameters.looks(step_days)
        self._lengths = np.array(self._looks.windows)
        self._combination = Combination(self._looks)
        kept = 2 * self._looks.guard  # those that are judged, and before them a window that was learnt from
        self._row = np.zeros(len(self._prior))
        self.learnt = Learnt.nothing(areas, self._prior)
        self.counts = np.full((areas, kept), np.nan)
        self.means = np.full((areas, kept), np.nan)
        self.shares = np.ones((areas, kept))
        self.uncertainties = np.full((areas, kept), np.nan)
        self.entered = np.zeros(areas, dtype=np.bool_)  # areas whose first count was taken in
        self.all_areas = np.zeros(2)  # counts and population so far

    def rows(self, which: NDArray[np.intp]) -> Self:
        """Return a copy that watches some of the areas."""
        copy = type(self)(len(which), self.day + self.step_days, self.parameters, step_days=self.step_days)
        copy.learnt = self.learnt.rows(which)
        copy.counts, copy.means, copy.shares = self.counts[which], self.means[which], self.shares[which]
        copy.uncertainties, copy.entered, copy.all_areas = self.uncertainties[which], self.entered[which], self.all_areas.copy()
        return copy

    def joined(self, other: Self) -> Self:
        """Return a copy that watches the areas of both, which stand at the same step and are asked the same."""
        copy = type(self)(0, self.day + self.step_days, self.parameters, step_days=self.step_days)
        copy.learnt = self.learnt.joined(other.learnt)
        for name in ("counts", "means", "shares", "uncertainties", "entered"):
            setattr(copy, name, np.concatenate((getattr(self, name), getattr(other, name))))
        copy.all_areas = self.all_areas + other.all_areas
        return copy

    def advance(self, counts: Floats, *, population: Floats | None = None) -> None:
        """Move to the next step and take in its counts (areas; nan: not told). The oldest step of the guard is learnt from.

        ``population`` lets an area that has no history yet start from the rate of all areas together.
        """
        self.day = self.day + self.step_days
        rows = [covariate(day, weekdays=self._weekdays) for day in (self.day - self.step_days * self._looks.guard, self.day)]
        self.learnt.age(self._prior, self.parameters, self.step_days)
        guard = self._looks.guard
        oldest = self.counts[:, guard].copy()
        self.learnt.begin(oldest, np.full(len(oldest), np.nan), self.parameters)
        # the very count that an area started from must not be learnt from again
        self.learnt.learn(np.where(self.entered, oldest, np.nan), self.shares[:, guard], rows[0], self.parameters)
        self.entered |= self.learnt.known
        if population is not None:
            self._start_from_population(counts, population)
        for kept in (self.counts, self.means, self.shares, self.uncertainties):
            kept[:, :-1] = kept[:, 1:]
        self.counts[:, -1] = counts
        self.shares[:, -1] = 1.0
        self.means[:, -1], self.uncertainties[:, -1] = self.learnt.forecast(rows[1], guard, self.parameters)
        past = slice(None, guard)
        thought = (self.means[:, past] * self.shares[:, past]).sum(axis=1)
        self.learnt.settle(self.counts[:, past].sum(axis=1), thought, self.uncertainties[:, guard - 1], guard, self.parameters)

    def _start_from_population(self, counts: Floats, population: Floats) -> None:
        seen, people = self.all_areas
        if people > 0:
            rate = (seen + 0.5) / people
            self.learnt.begin(
                np.full(len(counts), np.nan), np.where(np.isnan(counts) | (population <= 0), np.nan, population * rate), self.parameters
            )
            self.entered |= self.learnt.known
        told = ~np.isnan(counts) & (population > 0)
        self.all_areas += (counts[told].sum(), population[told].sum())

    def revise(self, age: int, counts: Floats, share: Floats | float | None = None) -> None:
        """Replace the counts told ``age`` steps ago (0: the newest), and the share of overdoses that have been reported of it.

        Raises:
            ValueError: the step is older than the guard and was learnt from; the area has to be watched anew.
        """
        if not 0 <= age < self._looks.guard:
            raise ValueError("age: the step was learnt from already; expected a step within the guard")
        self.counts[:, -1 - age] = counts
        if share is not None:
            self.shares[:, -1 - age] = share

    def judge(self) -> Judged:
        """Return how the windows that end now look."""
        phi = self.learnt.dispersion(self.parameters)
        judged = slice(self._looks.guard, None)
        told, shares = ~np.isnan(self.counts[:, judged]), self.shares[:, judged]
        counts = np.where(told, self.counts[:, judged], 0.0)[:, ::-1]
        # the part of a mean that was reported; reports that come later thin out the dispersion with it
        means = np.where(told, self.means[:, judged] * shares, 0.0)[:, ::-1]
        thinned = means * shares[:, ::-1]
        ends = self._lengths - 1
        observed, expected, thin = (np.cumsum(each, axis=1)[:, ends].T for each in (counts, means, thinned))
        variance = expected + (phi - 1) * thin + expected**2 * self.uncertainties[:, -1] * self.learnt.doubt()
        usable = told[:, -1] & (shares[:, -1] > 0) & ~np.isnan(means[:, 0])
        expected = np.where(usable & (expected > 0), expected, np.nan)
        tails = mid_tail(observed, expected, variance)
        p_value = np.where(usable, self._combination(tails), np.nan)
        best = np.where(usable, np.where(np.isnan(tails), np.inf, tails).argmin(axis=0), 0)
        each = np.arange(len(best))
        return Judged(
            p_value=p_value,
            window=self._lengths[best],
            observed=np.where(usable, observed[best, each], np.nan),
            expected=expected[best, each],
            mean=expected[0],
            variance=np.where(usable, variance[0], np.nan),
            dispersion=np.where(self.learnt.known, phi, np.nan),
        )
