"""Log-linear regressions of many areas at once: one design, each area its own counts and weights.

Iterated least squares as R's ``glm.fit`` does it (start, stopping rule and what is kept of the last round), so that its
results can be compared to the last digits. An area whose fit has converged is left alone while others go on.
"""

from collections.abc import Callable
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

Deviance = Callable[[Floats, Floats], Floats]


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

    def deviance(counts: Floats, mean: Floats) -> Floats:
        return np.asarray(2 * (xlogy(counts, counts / mean) - (counts - mean)))

    return _fit(design, y, prior, np.log(y + 0.1), lambda mean, _: mean, deviance, None)


def fit_negative_binomial(design: Floats, y: Floats, prior: Floats, theta: Floats, start: Floats) -> Fitted:
    """Fit log(mean) with variance mean + mean² / theta, theta given by area, from the linear predictors ``start``."""
    size = theta[:, None]

    def deviance(counts: Floats, mean: Floats) -> Floats:
        return np.asarray(2 * (xlogy(counts, counts / mean) - (counts + size) * np.log((counts + size) / (mean + size))))

    return _fit(design, y, prior, start, lambda mean, size: mean / (1 + mean / size), deviance, size)


def _fit(
    design: Floats,
    y: Floats,
    prior: Floats,
    eta: Floats,
    weigh: Callable[[Floats, Floats], Floats],
    deviance: Deviance,
    size: Floats | None,
) -> Fitted:
    areas, columns = len(y), design.shape[1]
    products = (design[:, :, None] * design[:, None, :]).reshape(len(design), -1)
    mean, weights = np.exp(eta), np.zeros(y.shape)
    coefficients, unscaled = np.full((areas, columns), np.nan), np.full((areas, columns, columns), np.nan)
    converged = np.zeros(areas, dtype=np.bool_)
    open_ = np.ones(areas, dtype=np.bool_)
    shape = np.ones((areas, 1)) if size is None else size
    with np.errstate(all="ignore"):
        before = (prior * deviance(y, mean)).sum(axis=1)
        for _ in range(_ROUNDS):
            weights[open_] = (prior * weigh(mean, shape))[open_]
            working = np.where(prior > 0, eta + (y - mean) / mean, 0.0)
            gram = (weights @ products).reshape(areas, columns, columns)
            right = (weights * working) @ design
            open_ &= np.isfinite(gram).all(axis=(1, 2)) & (np.abs(np.linalg.det(gram)) > 0)
            if not open_.any():
                break
            inverse = np.linalg.inv(gram[open_])
            unscaled[open_] = inverse
            coefficients[open_] = np.einsum("akl,al->ak", inverse, right[open_])
            eta = np.where(open_[:, None], np.clip(coefficients @ design.T, -_ETA_LIMIT, _ETA_LIMIT), eta)
            mean = np.exp(eta)
            now = (prior * deviance(y, mean)).sum(axis=1)
            done = open_ & (np.abs(now - before) / (np.abs(now) + 0.1) < _CLOSE)
            converged |= done
            open_ &= ~done
            before = now
            if not open_.any():
                break
    return Fitted(coefficients=coefficients, mean=mean, weights=weights, unscaled=unscaled, converged=converged)
