"""Farrington's detector, original and modified, with the choices Rnssp makes.

Sources: C. Farrington, N. Andrews, A. Beale, M. Catchpole, A statistical algorithm for the early detection of outbreaks of infectious
disease, JRSS A 159(3), 1996; A. Noufaily and others, An improved algorithm for outbreak detection in multiple surveillance systems,
Statistics in Medicine 32(7), 2013; numbers as in Rnssp 0.3.1 ``alert_farrington``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.special import ndtri, stdtr

from spikewatch.alerts.domain.detection.algorithm import Algorithm, Parameters
from spikewatch.alerts.domain.detection.detection import Detected, alarms, blank
from spikewatch.alerts.domain.detection.essence.loglinear import Fitted, fit_poisson
from spikewatch.alerts.domain.detection.essence.reference_weeks import Reference, same_weeks, whole_years
from spikewatch.alerts.domain.detection.series import Floats, Series, SeriesError
from spikewatch.alerts.domain.detection.tails import negative_binomial_quantile, poisson_quantile

__all__ = ["ALGORITHMS", "EssenceFarrington", "essence_farrington"]

_RECENT: Final = 5  # weeks whose sum must exceed as many incidents
_SIGNIFICANT: Final = 0.05
_OUTLYING: Final[Mapping[str, float]] = {"original": 1.0, "modified": 2.58}


class EssenceFarrington(Parameters):
    """Parameters of ``essence_farrington``; the names in brackets are those of Rnssp."""

    method: Literal["original", "modified"] = Field(default="original", description="The rule of 1996 or that of 2013 (method).")
    years: Annotated[int, Field(ge=2, le=20)] = Field(default=4, description="Years of baseline (B).")
    half_width: Annotated[int, Field(ge=0, le=20)] = Field(default=3, description="Weeks before and after each reference date (w).")
    guard_band: Annotated[int, Field(ge=1)] = Field(default=27, description="Weeks between baseline and week, modified only (g).")
    periods: Annotated[int, Field(ge=2, le=30)] = Field(default=10, description="Seasons of the year, modified only (p).")
    alpha: Annotated[float, Field(gt=0, lt=0.5)] = Field(
        default=0.05, description="One-sided probability above the threshold; fixed at .05 in Rnssp."
    )
    compat: Literal["", "rnssp-0.3.1"] = Field(
        default="",
        description="rnssp-0.3.1: dispersion of the trend's test and of the forecast from the weights instead of the fit, seven "
        "weeks a window whatever its half width, score of the modified rule on the link's scale.",
    )


def essence_farrington(series: Series, p: EssenceFarrington, judged_from: int = 0) -> Detected:
    """Judge each week by a log-linear regression on the same weeks of the years before, past spikes weighted down.

    An alarm needs a count above the threshold and more than five incidents in five weeks. ``statistic`` is (count - expected) /
    (threshold - expected). ``also["time_coefficient"]`` is the trend that was tried.
    Weeks before ``judged_from`` are not judged.

    Raises:
        SeriesError: steps that are not weeks.
    """
    if series.step_days() != 7:
        raise SeriesError("starts: expected steps of seven days")
    y = series.counts
    expected, threshold, score, slope = (blank(series) for _ in range(4))
    recent = _recent(y)
    for step in range(max(52 * p.years + p.half_width + 1, judged_from), y.shape[1]):
        reference = _reference(series, step, p)
        if reference is None:
            continue
        week = _judge(y[:, reference.at], reference, p)
        expected[:, step], slope[:, step] = week.mean, week.slope
        threshold[:, step] = week.upper
        centre = week.eta if p.compat and p.method == "modified" else week.mean
        with np.errstate(invalid="ignore", divide="ignore"):
            score[:, step] = (y[:, step] - centre) / (week.upper - centre)
    if p.method == "modified" and p.compat:
        threshold = np.where(recent > _RECENT, threshold, np.nan)
    evaluated = ~np.isnan(score) & ~np.isnan(recent)
    return Detected(
        expected=expected,
        threshold=threshold,
        statistic=score,
        p_value=blank(series),
        alarm=alarms((score > 1) & (recent > _RECENT), evaluated),
        also={"time_coefficient": slope},
    )


def _recent(y: Floats) -> Floats:
    """Return the incidents of the last five weeks."""
    recent = np.full(y.shape, np.nan)
    if y.shape[1] >= _RECENT:
        recent[:, _RECENT - 1 :] = sum(y[:, lag : y.shape[1] - _RECENT + 1 + lag] for lag in range(_RECENT))
    return recent


def _reference(series: Series, step: int, p: EssenceFarrington) -> Reference | None:
    if p.method == "original":
        length = 7 if p.compat else 2 * p.half_width + 1
        reference = same_weeks(series.starts, step, years=p.years, half_width=p.half_width, length=length)
        return None if reference is None or reference.at.max() >= len(series.starts) else reference
    return whole_years(series.starts, step, years=p.years, half_width=p.half_width, guard=p.guard_band, periods=p.periods)


@dataclass(frozen=True, slots=True)
class _Week:
    """What one week is judged by, for each area; nan where no fit converged."""

    eta: Floats
    mean: Floats
    upper: Floats
    slope: Floats


def _judge(y: Floats, reference: Reference, p: EssenceFarrington) -> _Week:
    told = (~np.isnan(y)).astype(np.float64)
    filled = np.where(told > 0, y, 0.0)
    line = _Reweighted.fit(reference.design(trend=True), filled, told, p)
    flat = _Reweighted.fit(reference.design(trend=False), filled, told, p)
    eta_line, error_line = line.forecast(reference.row(trend=True))
    with np.errstate(all="ignore"):
        keep = line.converged & (line.trend_p_value() < _SIGNIFICANT) & (np.exp(eta_line) <= filled.max(axis=1))
        eta_flat, error_flat = flat.forecast(reference.row(trend=False))
        usable = keep | flat.converged
        eta = np.where(usable, np.where(keep, eta_line, eta_flat), np.nan)
        mean = np.exp(eta)
        phi = np.where(keep, line.dispersion, flat.dispersion)
        upper = _upper(mean, phi, np.where(keep, error_line, error_flat) * mean, p)
    return _Week(eta=eta, mean=mean, upper=upper, slope=np.where(usable & line.converged, line.first_slope, np.nan))


def _upper(mean: Floats, phi: Floats, error: Floats, p: EssenceFarrington) -> Floats:
    if p.method == "original":
        spread = np.sqrt(4 / 9 * np.cbrt(mean) * (phi + error**2 / mean))
        root = mean ** (2 / 3) + ndtri(1 - p.alpha) * spread
        return np.where(np.isnan(root), np.nan, np.maximum(root, 0.0) ** 1.5)
    safe = np.where(phi > 1, phi, 2.0)
    overdispersed = negative_binomial_quantile(p.alpha, mean / (safe - 1), 1 / safe)
    return np.where(phi > 1, overdispersed, poisson_quantile(p.alpha, mean))


@dataclass(frozen=True, slots=True)
class _Reweighted:
    """A fit whose outlying weeks were weighted down by their Anscombe residuals, and fitted again."""

    design: Floats
    fitted: Fitted
    first_slope: Floats
    dispersion: Floats
    scale: Floats
    degrees: Floats
    converged: NDArray[np.bool_]

    @classmethod
    def fit(cls, design: Floats, y: Floats, told: Floats, p: EssenceFarrington) -> "_Reweighted":
        first = fit_poisson(design, y, told)
        degrees = told.sum(axis=1) - design.shape[1]
        with np.errstate(all="ignore"):
            phi = np.maximum(_dispersion(first.weights, first, y, degrees), 1)[:, None]
            spread = np.sqrt(phi * (1 - first.leverage(design)))
            residual = 1.5 * (y ** (2 / 3) * first.mean ** (-1 / 6) - np.sqrt(first.mean)) / spread
            plain = np.where(residual > _OUTLYING[p.method], residual**-2.0, 1.0) * told
            weights = plain * (told.sum(axis=1) / plain.sum(axis=1))[:, None]
        usable = first.converged & (degrees > 0) & np.isfinite(weights).all(axis=1)
        weights = np.where(usable[:, None], weights, told)
        second = fit_poisson(design, y, weights)
        with np.errstate(all="ignore"):
            dispersion = np.maximum(_dispersion(second.weights, second, y, degrees), 1)
            # the peer puts the prior weights in the place of the fit's before it asks for the dispersion again
            scale = _dispersion(weights, second, y, degrees) if p.compat else dispersion
        return cls(
            design=design,
            fitted=second,
            first_slope=first.coefficients[:, 1] if design.shape[1] > 1 else np.full(len(y), np.nan),
            dispersion=dispersion,
            scale=scale,
            degrees=degrees,
            converged=usable & np.isfinite(second.coefficients).all(axis=1),
        )

    def trend_p_value(self) -> Floats:
        """Return the two-sided p-value of the second column."""
        t = self.fitted.coefficients[:, 1] / np.sqrt(self.scale * self.fitted.unscaled[:, 1, 1])
        return np.asarray(2 * stdtr(np.maximum(self.degrees, 1), -np.abs(t)))

    def forecast(self, row: Floats) -> tuple[Floats, Floats]:
        """Return the linear predictor and its standard error."""
        with np.errstate(invalid="ignore"):
            return self.fitted.coefficients @ row, np.sqrt(self.scale) * self.fitted.link_error(row)


def _dispersion(weights: Floats, fitted: Fitted, y: Floats, degrees: Floats) -> Floats:
    residual = np.where(weights > 0, fitted.working_residual(y), 0.0)
    return np.asarray((weights * residual**2).sum(axis=1) / degrees)


ALGORITHMS: Final = (
    Algorithm(
        name="essence_farrington",
        parameters=EssenceFarrington,
        run=essence_farrington,
        summary="Weekly counts against the same weeks of four years, original (1996) or modified (2013), one-sided 95 %.",
        source="Farrington and others 1996; Noufaily and others 2013; Rnssp 0.3.1",
        also_known_as={"Rnssp": "alert_farrington"},
        judge=essence_farrington,
    ),
)
