"""Log-linear regressions of many areas at once: one design, each area its own counts and weights.

Iterated least squares as R's ``glm.fit`` does it (start, stopping rule and what is kept of the last round), so that its
results can be compared to the last digits. An area whose fit has converged is left alone while others go on.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from spikewatch.alerts.domain.detection.series import Floats

__all__ = ["Fitted", "fit_negative_binomial", "fit_poisson"]

_ROUNDS: Final = 25
_CLOSE: Final = 1e-8
_ETA_LIMIT: Final = 700.0  # exp beyond it overflows


@dataclass(frozen=True, slots=True)
class Fitted:
    """What was fitted, by area: ``weights`` are those of the last round of least squares, as R keeps them."""

    coefficients: Floats
    mean: Floats
    weights: Floats
    unscaled: Floats
    converged: NDArray[np.bool_]

    def replace(self, areas: NDArray[np.intp], part: "Fitted") -> None:
        """Put the fits of some areas in the place of theirs."""
        self.coefficients[areas], self.mean[areas], self.weights[areas] = part.coefficients, part.mean, part.weights
        self.unscaled[areas], self.converged[areas] = part.unscaled, part.converged

    def leverage(self, design: Floats) -> Floats:
        """Return the diagonal of each area's hat matrix."""
        hat: Floats = self.weights * np.einsum("nk,akl,nl->an", design, self.unscaled, design, optimize=True)
        return hat

    def working_residual(self, y: Floats) -> Floats:
        """Return (count - mean) / mean."""
        return (y - self.mean) / self.mean

    def link_error(self, row: Floats) -> Floats:
        """Return the unscaled standard error of the linear predictor at one row of a design."""
        error: Floats = np.sqrt(np.maximum(np.einsum("k,akl,l->a", row, self.unscaled, row), 0.0))
        return error


def fit_poisson(design: Floats, y: Floats, prior: Floats) -> Fitted:
    """Fit log(mean) to the design; ``prior`` weighs each count, 0 leaves it out. Never raises: see ``converged``."""
    size = np.full((len(y), 1), np.inf)
    return _fit(design, y, prior, np.log(y + 0.1), size)


def fit_negative_binomial(design: Floats, y: Floats, prior: Floats, theta: Floats, start: Floats) -> Fitted:
    """Fit log(mean) with variance mean + mean² / theta, theta given by area, from the linear predictors ``start``."""
    return _fit(design, y, prior, start.copy(), theta[:, None])


def _fit(design: Floats, y: Floats, prior: Floats, eta: Floats, size: Floats) -> Fitted:
    areas, columns = len(y), design.shape[1]
    products = (design[:, :, None] * design[:, None, :]).reshape(len(design), -1)
    found = Fitted(
        coefficients=np.full((areas, columns), np.nan),
        mean=np.exp(eta),
        weights=np.zeros(y.shape),
        unscaled=np.full((areas, columns, columns), np.nan),
        converged=np.zeros(areas, dtype=np.bool_),
    )
    open_ = np.arange(areas)
    with np.errstate(all="ignore"):
        rest = _saturated(y, prior, size)
        before = _deviance(y, eta, found.mean, prior, size) + rest
        for _ in range(_ROUNDS):
            counts, weight, mean = y[open_], prior[open_], found.mean[open_]
            weights = weight * mean / (1 + mean / size[open_])
            working = np.where(weight > 0, eta + (counts - mean) / mean, 0.0)
            inverse = _inverse((weights @ products).reshape(-1, columns, columns))
            coefficients = np.einsum("akl,al->ak", inverse, (weights * working) @ design)
            eta = np.clip(coefficients @ design.T, -_ETA_LIMIT, _ETA_LIMIT)
            mean = np.exp(eta)
            now = _deviance(counts, eta, mean, weight, size[open_]) + rest[open_]
            found.replace(open_, Fitted(coefficients, mean, weights, inverse, np.abs(now - before) / (np.abs(now) + 0.1) < _CLOSE))
            going = np.isfinite(now) & ~found.converged[open_]
            open_, eta, before = open_[going], eta[going], now[going]
            if not len(open_):
                break
    return found


def _deviance(y: Floats, eta: Floats, mean: Floats, prior: Floats, size: Floats) -> Floats:
    """Return each area's deviance, but for what the mean does not change; of a Poisson variable where the size is infinite."""
    # log1p, as a size of millions would swallow the mean
    spread = mean if np.isinf(size).all() else (y + size) * np.log1p(mean / size)
    each = spread - y * eta
    return np.asarray(2 * (prior * each).sum(axis=1))


def _saturated(y: Floats, prior: Floats, size: Floats) -> Floats:
    """Return the rest of the deviance."""
    each = xlogy(y, y)
    each = each - (y if np.isinf(size).all() else (y + size) * np.log1p(y / size))
    return np.asarray(2 * (prior * each).sum(axis=1))


def _inverse(gram: Floats) -> Floats:
    """Return the inverse of each matrix, nan where there is none."""
    finite: NDArray[np.bool_] = np.asarray(np.isfinite(gram).all(axis=(1, 2)))
    try:
        if finite.all():
            return np.asarray(np.linalg.inv(gram), dtype=np.float64)
    except np.linalg.LinAlgError:
        finite = finite & np.asarray(np.linalg.det(np.where(finite[:, None, None], gram, 0.0)) != 0)
    inverse = np.full(gram.shape, np.nan)
    inverse[finite] = np.linalg.inv(gram[finite])
    return inverse
