"""Past spikes weigh less: Anscombe residuals and the weights made of them."""

from typing import Final

import numpy as np

from spikewatch.alerts.domain.detection.farrington.quasi_poisson import Fit, Groups, fit
from spikewatch.alerts.domain.detection.series import Floats

__all__ = ["Weighted", "weighted_fit"]

_LEAST_FREE: Final = 1e-12  # a count that is alone in its group is met by the fit: what is left of it is rounding, and no spike


class Weighted:
    """A regression, made again with weights where that is wanted; ``phi`` is its dispersion, at least 1."""

    def __init__(self, fitted: Fit, weights: Floats, converged: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> None:
        self.fit = fitted
        self.weights = weights
        self.converged = converged
        self.phi: Floats = np.fmax(fitted.dispersion, 1.0)


def weighted_fit(groups: Groups, counts: Floats, told: Floats, exposure: Floats | None, *, trend: bool, limit: float | None) -> Weighted:
    """Fit; then, unless ``limit`` is None, fit again with residuals above the limit weighing less. Convergence is that of the first fit."""
    first = fit(groups, counts, told, exposure, trend=trend)
    if limit is None:
        return Weighted(first, told, first.converged)
    phi = np.fmax(first.dispersion, 1.0)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # a fit that diverges is told by `converged`
        root = np.sqrt(first.mean)
        free = np.maximum(1 - first.leverage, _LEAST_FREE)
        residuals = 1.5 * (np.cbrt(counts) ** 2 / np.cbrt(root) - root) / np.sqrt(phi[:, None] * free)
        large = (residuals > limit) & (told > 0)
        weights = np.where(large, 1 / np.where(large, residuals * residuals, 1.0), told)
    number, total = told.sum(axis=1), weights.sum(axis=1)
    weights *= np.where(total > 0, number / np.where(total > 0, total, 1.0), 1.0)[:, None]
    again = fit(groups, counts, weights, exposure, trend=trend)
    return Weighted(again, weights, first.converged)
