"""In-control means from a log-linear regression on harmonics of the year, many areas at a time."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import digamma, polygamma

from spikewatch.alerts.domain.detection.series import Floats

__all__ = ["Fitted", "design", "fit_counts", "fit_negative_binomial"]

_ROUNDS: Final = 50
_ENOUGH: Final = 1e-8  # relative change of the deviance, where R's `glm` stops, too; the last step's error is of its square
_LEAST: Final = 1e-10  # mean of an area without an incident


@dataclass(frozen=True, slots=True)
class Fitted:
    """Coefficients by area, and the dispersion alpha of variance mean + alpha mean squared."""

    coefficients: Floats
    alpha: Floats

    def mean(self, rows: Floats) -> Floats:
        """Return the mean of each area at rows of a design."""
        return np.asarray(np.exp(np.clip(self.coefficients @ rows.T, -700, 700)), dtype=np.float64)


def design(times: Floats, period: float, *, harmonics: int, trend: bool) -> Floats:
    """Return the rows 1, time when a trend is wanted, and cosine and sine of each harmonic."""
    columns = [np.ones_like(times)]
    if trend:
        columns.append(times)
    for order in range(1, harmonics + 1):
        angle = 2 * order * np.pi / period * times
        columns += [np.cos(angle), np.sin(angle)]
    return np.stack(columns, axis=1)


def fit_counts(rows: Floats, counts: Floats, *, alpha: Floats | float = 0.0) -> Fitted:
    """Fit counts of each area, Poisson or negative binomial with a known alpha; what was not told has no weight."""
    # a trend in steps would dwarf the other columns: the same space, well conditioned
    basis, triangle = np.linalg.qr(rows)
    told = (~np.isnan(counts)).astype(np.float64)
    values = np.where(told > 0, counts, 0.0)
    dispersion = np.broadcast_to(np.asarray(alpha, dtype=np.float64), (len(counts),))[:, None]
    products = (basis[:, :, None] * basis[:, None, :]).reshape(len(rows), -1)
    mean = np.where(dispersion > 0, values + (values == 0) / 6, values + 0.1)
    predictor = np.log(mean)
    coefficients = np.zeros((len(counts), rows.shape[1]))
    deviance = _deviance(values, mean, told, dispersion)
    open_ = np.arange(len(counts))
    for _ in range(_ROUNDS):
        weight = told[open_] * mean[open_] / (1 + dispersion[open_] * mean[open_])
        working = predictor[open_] + (values[open_] - mean[open_]) / mean[open_]
        information = (weight @ products).reshape(-1, rows.shape[1], rows.shape[1])
        information += 1e-14 * np.trace(information, axis1=1, axis2=2)[:, None, None] * np.eye(rows.shape[1])
        information += 1e-300 * np.eye(rows.shape[1])
        coefficients[open_] = np.linalg.solve(information, ((weight * working) @ basis)[:, :, None])[:, :, 0]
        predictor[open_] = np.clip(coefficients[open_] @ basis.T, -30, 300)
        mean[open_] = np.exp(predictor[open_])
        now = _deviance(values[open_], mean[open_], told[open_], dispersion[open_])
        settled = np.abs(now - deviance[open_]) < _ENOUGH * (np.abs(now) + 0.1)
        deviance[open_] = now
        open_ = open_[~settled]
        if not len(open_):
            break
    empty = values.sum(axis=1) == 0
    coefficients[empty] = np.log(_LEAST) * basis.sum(axis=0) if empty.any() else coefficients[empty]
    return Fitted(np.linalg.solve(triangle, coefficients.T).T, dispersion[:, 0].copy())


def _deviance(values: Floats, mean: Floats, told: Floats, alpha: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        first = np.where(values > 0, values * np.log(values / mean), 0.0)
        size = np.where(alpha > 0, 1 / alpha, 0.0)
        many = (values + size) * np.log((values + size) / (mean + size))
    terms = np.where(alpha > 0, first - many, first - (values - mean))
    return np.asarray(2 * (told * terms).sum(axis=1), dtype=np.float64)


def fit_negative_binomial(rows: Floats, counts: Floats) -> Fitted:
    """Fit counts of each area with an alpha of its own, by maximum likelihood; alpha is 0 where counts vary no more than Poisson's."""
    alpha = np.zeros(len(counts))
    fitted = fit_counts(rows, counts)
    told = ~np.isnan(counts)
    values = np.where(told, counts, 0.0)
    for _ in range(_ROUNDS):
        before = alpha
        alpha = _dispersion(values, fitted.mean(rows), told, alpha)
        fitted = fit_counts(rows, counts, alpha=alpha)
        if np.allclose(alpha, before, rtol=1e-10, atol=1e-12):
            break
    return fitted


def _dispersion(values: Floats, mean: Floats, told: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], start: Floats) -> Floats:
    """Return the alpha that makes counts likeliest given their means: Newton's method on the logarithm of the size."""
    number = told.sum(axis=1)
    excess = np.where(told, (values - mean) ** 2 - values, 0.0).sum(axis=1)
    moment = excess / np.where(told, mean * mean, 0.0).sum(axis=1)
    is_more = moment > 1e-8
    size = 1 / np.where(start > 0, start, np.where(is_more, moment, 1.0))
    log_size = np.log(np.clip(size, 1e-6, 1e8))
    for _ in range(_ROUNDS):
        each = np.exp(log_size)[:, None]
        slope = digamma(values + each) - digamma(each) + np.log(each / (each + mean)) + (mean - values) / (each + mean)
        bend = polygamma(1, values + each) - polygamma(1, each) + 1 / each - 2 / (each + mean) + (values + each) / (each + mean) ** 2
        first = np.where(told, slope, 0.0).sum(axis=1)
        second = np.where(told, bend, 0.0).sum(axis=1)
        flat = each[:, 0]
        gradient, curvature = first * flat, second * flat * flat + first * flat
        step = np.where(curvature < 0, -gradient / np.where(curvature < 0, curvature, -1), np.sign(gradient))
        log_size = np.clip(log_size + np.clip(step, -2, 2), -14, 25)
        if (np.abs(step) < 1e-12).all():
            break
    return np.where(is_more & (number > 0) & (log_size < 20), np.exp(-log_size), 0.0)
