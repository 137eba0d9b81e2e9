"""EARS C1, C2 and C3 (Hutwagner and others, J Urban Health 2003; tuning of Tokars and others, Emerg Infect Dis 2009)."""

from typing import Final, Literal

import numpy as np
from pydantic import Field
from scipy.special import ndtr, ndtri

from spikewatch.alerts.domain.detection.algorithm import Algorithm, Compat, Parameters
from spikewatch.alerts.domain.detection.detection import Detected, alarms, blank
from spikewatch.alerts.domain.detection.series import Floats, Series
from spikewatch.alerts.domain.detection.trailing import trailing

__all__ = ["ALGORITHMS", "EarsC1", "EarsC2", "EarsC3"]

_GUARD: Final = 2  # steps between the baseline and the step that is judged
_SOURCE: Final = (
    "Hutwagner, Thompson, Seeman, Treadwell 2003, doi 10.1007/PL00022319; baseline and least deviation: doi 10.3201/eid1504.080616"
)


class _Ears(Parameters):
    baseline: int = Field(28, ge=3, description="steps of the baseline; the original has 7")
    min_sigma: float = Field(0.5, ge=0, description="least standard deviation, in incidents; the original has 0")
    alpha: float | None = Field(
        None, gt=0, lt=1, description="upper tail of the normal distribution that gives the limit instead of `limit`"
    )

    def deviations(self, limit: float) -> float:
        """Return the limit in standard deviations."""
        return limit if self.alpha is None else float(ndtri(1 - self.alpha))


class EarsC1(_Ears):
    """Parameters of C1: the baseline ends the step before."""

    limit: float = Field(3.0, gt=0, description="standard deviations above the mean that the count must exceed")


class EarsC2(EarsC1):
    """Parameters of C2: the baseline ends three steps before."""


class EarsC3(_Ears):
    """Parameters of C3: the sum over three steps of what exceeds one standard deviation."""

    limit: float = Field(2.0, gt=0, description="sum of max(0, C2 - 1) over three steps that must be exceeded")
    compat: Compat = Field(
        "",
        description="surveillance-1.20.3 repeats `earsC`, whose upper bound carries today's count instead of the baseline's mean, "
        "so that an alarm depends on the two steps before alone",
    )


def _scores(series: Series, parameters: _Ears, guard: int) -> tuple[Floats, Floats, Floats]:
    """Return mean, deviation and (count - mean) / deviation; a count on a flat baseline is 0 or infinitely far from it."""
    baseline = trailing(series.counts, parameters.baseline, guard=guard)
    usable = baseline.is_whole & (baseline.steps == parameters.baseline)
    mean = np.where(usable, baseline.mean(), np.nan)
    deviation = np.where(usable, np.maximum(baseline.deviation(), parameters.min_sigma), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        score = (series.counts - mean) / deviation
    return mean, deviation, score


def _single(series: Series, parameters: EarsC1, guard: int) -> Detected:
    mean, deviation, score = _scores(series, parameters, guard)
    score = np.where((deviation == 0) & (series.counts == mean), 0.0, score)
    threshold = mean + parameters.deviations(parameters.limit) * deviation
    evaluated = ~np.isnan(threshold) & ~np.isnan(series.counts)
    return Detected(mean, threshold, score, ndtr(-score), alarms(series.counts > threshold, evaluated))


def ears_c1(series: Series, parameters: EarsC1) -> Detected:
    """Alarm where a count exceeds mean + limit · deviation of the steps just before. p-values are those of a normal score."""
    return _single(series, parameters, 0)


def ears_c2(series: Series, parameters: EarsC2) -> Detected:
    """Alarm as C1 does, with two steps between the baseline and the count, so that a slow start does not hide itself."""
    return _single(series, parameters, _GUARD)


def ears_c3(series: Series, parameters: EarsC3) -> Detected:
    """Alarm where the sum of max(0, C2 - 1) over this step and the two before exceeds the limit; the threshold is the count that does."""
    mean, deviation, score = _scores(series, parameters, _GUARD)
    like_peer = parameters.compat == "surveillance-1.20.3"
    if not like_peer:
        score = np.where((deviation == 0) & (series.counts == mean), 0.0, score)
    excess = np.maximum(score - 1, 0)
    before = np.full_like(excess, np.nan)
    before[:, 2:] = excess[:, :-2] + excess[:, 1:-1]
    limit = parameters.deviations(parameters.limit)
    if like_peer:
        with np.errstate(invalid="ignore"):  # a flat baseline after an infinite score: not a number there, too
            threshold = np.maximum(series.counts + deviation * (limit - before), 0)
        evaluated = ~np.isnan(threshold)
        return Detected(mean, threshold, before, blank(series), alarms(series.counts > threshold, evaluated))
    with np.errstate(invalid="ignore"):
        statistic = excess + before
        # today must bring what is missing, but nothing counts below one deviation: when the two steps before suffice, any count alarms
        missing = limit - before
        threshold = np.where(missing < 0, 0.0, mean + deviation * (1 + missing))
    evaluated = ~np.isnan(statistic)
    return Detected(mean, np.where(evaluated, threshold, np.nan), statistic, blank(series), alarms(statistic > limit, evaluated))


def _named(letter: Literal["C1", "C2", "C3"]) -> dict[str, str]:
    return {"surveillance": f'earsC(method = "{letter}")', "epysurv": f"Ears{letter}"}


ALGORITHMS: Final = (
    Algorithm("ears_c1", EarsC1, ears_c1, "count above mean + 3 SD of the steps just before", _SOURCE, _named("C1")),
    Algorithm("ears_c2", EarsC2, ears_c2, "as ears_c1, with two steps between baseline and count", _SOURCE, _named("C2")),
    Algorithm("ears_c3", EarsC3, ears_c3, "three steps of C2 together", _SOURCE, _named("C3")),
)
