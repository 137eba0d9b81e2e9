"""Past spikes weigh less: Anscombe residuals and the weights made of them."""

import numpy as np

from spikewatch.alerts.domain.detection.farrington.quasi_poisson import Fit, Groups, fit
from spikewatch.alerts.domain.detection.series import Floats

__all__ = ["Weighted", "weighted_fit"]


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
    root = np.sqrt(first.mean)
    residuals = 1.5 * (np.cbrt(counts) ** 2 / np.cbrt(root) - root) / np.sqrt(phi[:, None] * np.maximum(1 - first.leverage, 1e-300))
    large = (residuals > limit) & (told > 0)
    weights = np.where(large, 1 / np.where(large, residuals * residuals, 1.0), told)
    weights *= (told.sum(axis=1) / weights.sum(axis=1))[:, None]
    again = fit(groups, counts, weights, exposure, trend=trend)
    return Weighted(again, weights, first.converged)
