"""Means and dispersions of many areas, learnt in turn from the training as R's ``MASS::glm.nb`` learns them.

The dispersion is what R's rounds end at, not where the likelihood is greatest: ``theta.ml`` takes 24 steps of Newton's rule at most, from
the same start each time, and always looks at the means of the alternation before. Counts that vary no more than Poisson's have no
greatest likelihood, and get a small dispersion (size times 1.5 a step).

Source: W. Venables, B. Ripley, Modern Applied Statistics with S, 2002; MASS 7.3-58.2 ``glm.nb``, ``theta.ml``, which ``glrnb`` of
surveillance 1.20.3 calls.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, polygamma

from spikewatch.alerts.domain.detection.essence.loglinear import fit_negative_binomial
from spikewatch.alerts.domain.detection.harmonic import Fitted, fit_counts
from spikewatch.alerts.domain.detection.series import Floats

__all__ = ["learn_dispersion"]

_ALTERNATIONS: Final = 25  # `maxit` of `glm.control`, and the `limit` of `theta.ml`
_CLOSE: Final = 1e-8  # `epsilon` of `glm.control`
_STEP: Final = float(np.finfo(np.float64).eps ** 0.25)  # `eps` of `theta.ml`
_LEAST_MEAN: Final = float(np.finfo(np.float64).eps)  # below which R's log link gives no mean
_STILL: Final = 1e-12  # part of a size, or of a mean: what moves no more than this is rounding, and further rounds would change nothing
_CHUNK: Final = 60_000  # counts that are fitted together: they stay in the processor's cache
_SHORT: Final = 4096  # counts up to here are summed by a table
_FAR: Final = 50.0  # from a size of as many times the largest count or mean on, a short series gives all digits
_TERMS: Final = 10  # of that series: 50 ** -10 is beyond rounding


def learn_dispersion(rows: Floats, counts: Floats) -> Fitted:
    """Fit counts of each area, nan where not told, with a dispersion of its own.

    Where ``glm.nb`` ends in an error (no incident at all, as many coefficients as counts, a size of zero) the dispersion is 0 and
    the mean that of a Poisson regression. Its warnings of reached limits change nothing: the numbers it ends with are taken.
    """
    poisson = fit_counts(rows, counts)
    basis, triangle = np.linalg.qr(rows)
    alpha, coefficients = np.zeros(len(counts)), poisson.coefficients.copy()
    told = ~np.isnan(counts)
    fitting = np.flatnonzero((np.nansum(counts, axis=1) > 0) & (told.sum(axis=1) > rows.shape[1]))
    chunk = max(1, _CHUNK // len(rows))
    for at in range(0, len(fitting), chunk):
        some = fitting[at : at + chunk]
        weight = told[some].astype(np.float64)
        found, size = _alternate(basis, np.where(told[some], counts[some], 0.0), weight, poisson.coefficients[some] @ rows.T)
        good = np.isfinite(found).all(axis=1) & np.isfinite(size) & (size > 0)
        alpha[some[good]] = 1 / size[good]
        coefficients[some[good]] = np.linalg.solve(triangle, found[good].T).T
    return Fitted(coefficients, alpha)


def _alternate(basis: Floats, y: Floats, told: Floats, eta: Floats) -> tuple[Floats, Floats]:
    """Return coefficients of the basis and sizes, from the linear predictors of a Poisson regression on; nan where R gives up."""
    sizes = _Sizes.of(y, told)
    coefficients, mean = np.full((len(y), basis.shape[1]), np.nan), _mean(eta)
    with np.errstate(all="ignore"):
        theta = sizes.likeliest(np.arange(len(y)), mean)
        scale = np.sqrt(2 * np.maximum(1, told.sum(axis=1) - basis.shape[1]))
        open_ = np.flatnonzero(theta > 0)
        for alternation in range(_ALTERNATIONS):
            before, size = mean[open_], theta[open_]
            part = fit_negative_binomial(basis, y[open_], told[open_], size, np.log(before))
            # of the means before this fit; the first time these are still the Poisson regression's
            now = size if alternation == 0 else sizes.likeliest(open_, before)
            mean[open_], theta[open_], coefficients[open_] = _mean(np.log(part.mean)), now, part.coefficients
            growth = np.log(mean[open_] / before)
            moved = np.abs(now - size)
            t, counts = now[:, None], y[open_]
            # the sizes differ too little to count where this matters
            gain = (told[open_] * (counts * growth - (t + counts) * np.log1p((mean[open_] - before) / (t + before)))).sum(axis=1)
            still = (moved <= _STILL * now) & (np.abs(told[open_] * growth).max(axis=1) <= _STILL) & (alternation > 0)
            open_ = open_[(np.abs(gain) / scale[open_] + moved > _CLOSE) & ~still & (now > 0)]
            if not len(open_):
                break
    return coefficients, theta


def _mean(eta: Floats) -> Floats:
    return np.maximum(np.exp(eta), _LEAST_MEAN)


@dataclass(frozen=True, slots=True)
class _Sizes:
    """The sizes that make counts of areas likeliest, as ``theta.ml`` finds them. ``_above``: counts above 0, 1, 2 and so on, by area."""

    _y: Floats
    _told: Floats
    _above: Floats | None

    @classmethod
    def of(cls, y: Floats, told: Floats) -> "_Sizes":
        most = int(y.max(initial=0))
        if most > _SHORT:
            return cls(y, told, None)
        histogram = np.zeros((len(y), most + 1))
        np.add.at(histogram, (np.arange(len(y))[:, None], y.astype(np.int64)), told)
        return cls(y, told, histogram[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:])

    def likeliest(self, areas: NDArray[np.intp], mean: Floats) -> Floats:
        """Return the size of each of some areas; 0 where R truncates it, nan where R fails."""
        y, told = self._y[areas], self._told[areas]
        theta = np.asarray(told.sum(axis=1) / (told * (y / mean - 1) ** 2).sum(axis=1))
        far_from = _FAR * (told * np.maximum(y, mean)).max(axis=1)
        series = np.full((len(areas), _TERMS), np.nan)
        open_ = np.flatnonzero(np.isfinite(theta))
        for _ in range(_ALTERNATIONS - 1):
            theta[open_] = np.abs(theta[open_])
            is_far = (theta[open_] > far_from[open_]) & (self._above is not None)
            step = np.empty(len(open_))
            far, near = open_[is_far], open_[~is_far]
            new = far[np.isnan(series[far, 0])]
            if len(new):
                series[new] = self._series(areas[new], mean[new])
            step[is_far] = _far_step(series[far], theta[far])
            step[~is_far] = self._step(areas[near], mean[near], theta[near])
            theta[open_] += step
            open_ = open_[np.abs(step) > _STEP]
            if not len(open_):
                break
        return np.where(np.isfinite(theta), np.maximum(theta, 0.0), np.nan)

    def _step(self, areas: NDArray[np.intp], mean: Floats, theta: Floats) -> Floats:
        """Return Newton's step: the likelihood's slope over its information."""
        y, told, t = self._y[areas], self._told[areas], theta[:, None]
        if self._above is None:
            first = (told * (digamma(t + y) - digamma(t))).sum(axis=1)
            second = (told * (polygamma(1, t) - polygamma(1, t + y))).sum(axis=1)
        else:
            # both are short sums of 1 / (t + j), shared by all counts above j
            inverse, above = 1 / (t + np.arange(self._above.shape[1])), self._above[areas]
            first, second = (above * inverse).sum(axis=1), (above * inverse * inverse).sum(axis=1)
        whole, lack = mean + t, mean - y
        slope = first + (told * (lack / whole - np.log1p(mean / t))).sum(axis=1)
        # 2 / (m + t) - (y + t) / (m + t)² - 1 / t, without what the three have in common
        information = second + (told * (lack / whole - mean / t) / whole).sum(axis=1)
        return np.asarray(slope / information)

    def _series(self, areas: NDArray[np.intp], mean: Floats) -> Floats:
        """Return what the slope's terms of t^-2, t^-3 and so on are multiplied with."""
        y, told = self._y[areas], self._told[areas]
        below = np.arange(1 if self._above is None else self._above.shape[1], dtype=np.float64)
        above = np.zeros((len(areas), 1)) if self._above is None else self._above[areas]
        terms = np.empty((len(areas), _TERMS))
        power = told.copy()
        for order in range(1, _TERMS + 1):
            power *= mean
            shared = (power * (mean - y - mean / (order + 1))).sum(axis=1)
            terms[:, order - 1] = (-1) ** order * (above @ below**order + shared)
        return terms


def _far_step(series: Floats, theta: Floats) -> Floats:
    """Return Newton's step where the size is far above counts and means."""
    orders = np.arange(1, _TERMS + 1)
    each = series * theta[:, None] ** -(orders - 1.0)
    return np.asarray(theta * each.sum(axis=1) / (each * (orders + 1)).sum(axis=1))
