"""In-control means from a log-linear regression on harmonics of the year, many areas at a time."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import xlogy

from spikewatch.alerts.domain.detection.series import Floats

__all__ = ["Fitted", "design", "fit_counts"]

_ROUNDS: Final = 50
_ENOUGH: Final = 1e-8  # relative change of the deviance, where R's `glm` stops, too; the last step's error is of its square
_CHUNK: Final = 60_000  # counts that are fitted together: they stay in the processor's cache
_FARTHEST: Final = 700.0  # of a mean's logarithm; beyond it has no exponential
_NEAREST: Final = float(np.log(np.finfo(np.float64).eps))  # R's log link gives no smaller mean
_USUAL: Final = 30.0  # while coefficients are sought
_R_ROUNDS: Final = 25
_START: Final = 0.1


@dataclass(frozen=True, slots=True)
class Fitted:
    """Coefficients by area, and the dispersion alpha of variance mean + alpha mean squared."""

    coefficients: Floats
    alpha: Floats

    def mean(self, rows: Floats) -> Floats:
        """Return the mean of each area at rows of a design."""
        return np.ascontiguousarray(self.by_step(rows).T)

    def by_step(self, rows: Floats) -> Floats:
        """Return the same by row and area."""
        predictor = rows @ self.coefficients.T
        if not (np.abs(rows).max(axis=0, initial=0.0) @ np.abs(self.coefficients.T) < -_NEAREST).all():
            np.clip(predictor, _NEAREST, _FARTHEST, out=predictor)
        return np.asarray(np.exp(predictor, out=predictor), dtype=np.float64)


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
    dispersion = np.broadcast_to(np.asarray(alpha, dtype=np.float64), (len(counts),))
    chunk = max(1, _CHUNK // len(rows))
    parts = [_fit(basis, counts[at : at + chunk], dispersion[at : at + chunk, None]) for at in range(0, len(counts), chunk)]
    return Fitted(np.linalg.solve(triangle, np.concatenate(parts).T).T, dispersion.copy())


def _fit(basis: Floats, counts: Floats, alpha: Floats) -> Floats:
    """Return coefficients of the basis, by Fisher's scoring."""
    missing = np.isnan(counts)
    told = None if not missing.any() else (~missing).astype(np.float64)
    values = counts if told is None else np.where(missing, 0.0, counts)
    width, is_poisson = basis.shape[1], not alpha.any()
    products = (basis[:, :, None] * basis[:, None, :]).reshape(len(basis), -1)
    ridge = 1e-300 * np.eye(width)
    mean = values + 0.1 if is_poisson else np.where(alpha > 0, values + (values == 0) / 6, values + 0.1)
    predictor, itself = np.log(mean), values * np.log(np.maximum(values, 1.0))
    if is_poisson:
        deviance = 2 * _weighted(itself - values * predictor - values + mean, told).sum(axis=1)
    else:
        deviance = _deviance(values, mean, told, alpha)
    weight = _weighted(mean if is_poisson else mean / (1 + alpha * mean), told)
    right = (weight * (predictor + (values - mean) / mean)) @ basis
    coefficients = np.linalg.solve(_information(weight, products, width) + ridge, right[:, :, None])[:, :, 0]
    constant = (_weighted(itself - values, told)).sum(axis=1)
    known, largest = values @ basis, np.abs(basis).max(axis=0)
    open_ = np.arange(len(counts))
    for _ in range(_ROUNDS):
        mean = coefficients[open_] @ basis.T
        if not (np.abs(coefficients[open_]) @ largest < _USUAL).all():
            np.clip(mean, -_USUAL, 300, out=mean)
        np.exp(mean, out=mean)
        some = None if told is None else told[open_]
        if is_poisson:
            weight = _weighted(mean, some)
            now = 2 * (constant[open_] - (coefficients[open_] * known[open_]).sum(axis=1) + weight.sum(axis=1))
            score = known[open_] - weight @ basis
        else:
            weight = _weighted(mean / (1 + alpha[open_] * mean), some)
            now = _deviance(values[open_], mean, some, alpha[open_])
            score = (weight * (values[open_] - mean) / mean) @ basis
        going = ~(np.abs(now - deviance[open_]) < _ENOUGH * (np.abs(now) + 0.1))
        deviance[open_] = now
        open_ = open_[going]
        if not len(open_):
            break
        information = _information(weight[going], products, width)
        # an area without incidents has all but no information: the step goes on, and the mean with it, towards 0
        information += 1e-14 * np.trace(information, axis1=1, axis2=2)[:, None, None] * np.eye(width) + ridge
        coefficients[open_] += np.linalg.solve(information, score[going][:, :, None])[:, :, 0]
    empty = values.sum(axis=1) == 0
    # the constant is in the space of the basis: its coefficients are those of the projection
    number = np.full(len(counts), len(basis)) if told is None else told.sum(axis=1)
    coefficients[empty] = _without_incident(number[empty])[:, None] * basis.sum(axis=0)
    return np.asarray(coefficients, dtype=np.float64)


def _without_incident(number: Floats) -> Floats:
    """Return the logarithm of the mean of an area without an incident: there is no likeliest, so it is where R's `glm` gives up.

    From a mean of 0.1 each of its rounds divides by e, until the deviance (twice the sum of means) stands still or rounds end.
    """
    rounds = np.ceil(np.log(2 * _START * np.maximum(number, 1) * (np.e - 1) / (_ENOUGH * 0.1)))
    least: Floats = np.log(_START) - np.clip(rounds, 1, _R_ROUNDS)
    return least


def _weighted(values: Floats, told: Floats | None) -> Floats:
    return values if told is None else values * told


def _information(weight: Floats, products: Floats, width: int) -> Floats:
    return np.asarray((weight @ products).reshape(-1, width, width), dtype=np.float64)


def _deviance(values: Floats, mean: Floats, told: Floats | None, alpha: Floats) -> Floats:
    terms = xlogy(values, values) - xlogy(values, mean)
    if not alpha.any():
        terms -= values - mean
    else:
        with np.errstate(divide="ignore", invalid="ignore"):
            size = np.where(alpha > 0, 1 / alpha, 0.0)
            many = (values + size) * np.log((values + size) / (mean + size))
        terms -= np.where(alpha > 0, many, values - mean)
    return np.asarray(2 * _weighted(terms, told).sum(axis=1), dtype=np.float64)
