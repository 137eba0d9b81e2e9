"""What a simulation gives, and how counts and spikes are drawn."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spikewatch.alerts.domain.detection.series import Floats, Series

__all__ = ["Simulated", "overdispersed", "spike"]


@dataclass(frozen=True, slots=True)
class Simulated:
    """Drawn histories of many areas with one labelled spike each in the steps held out for the test.

    ``spiked`` and ``calm`` are the same but for the labelled spike; spikes of the past stand in both, unlabelled. ``extra`` is
    the number of overdoses of the labelled spike by area and step. ``strength`` is k: the spike's expected size in standard
    deviations of a step's count. ``stratum`` numbers the scenario each area was drawn from, ``expected`` is the mean the
    counts were drawn from.
    """

    spiked: Series
    calm: Series
    extra: Floats
    first_test_step: int
    strength: NDArray[np.int64]
    stratum: NDArray[np.int64]
    strata: tuple[str, ...]
    expected: Floats

    @property
    def lasting(self) -> NDArray[np.bool_]:
        """Steps from the first to the last overdose of the labelled spike, by area; nothing where none was drawn."""
        begun = np.cumsum(self.extra, axis=1) > 0
        not_over = np.cumsum(self.extra[:, ::-1], axis=1)[:, ::-1] > 0
        both: NDArray[np.bool_] = begun & not_over
        return both


def overdispersed(draws: np.random.Generator, mean: Floats, dispersion: Floats) -> Floats:
    """Draw counts whose variance is ``dispersion`` times their mean: negative binomial, Poisson where it is 1."""
    counts = draws.poisson(mean).astype(np.float64)
    wider = np.broadcast_to(dispersion > 1, mean.shape)
    phi = np.broadcast_to(dispersion, mean.shape)[wider]
    counts[wider] = draws.negative_binomial(mean[wider] / (phi - 1), 1 / phi)
    return counts


def spike(draws: np.random.Generator, shape: tuple[int, int], start: NDArray[np.int64], size: Floats) -> Floats:
    """Draw the overdoses of one spike an area: Poisson in number, each floor(lognormal(0, 0.5)) steps after the start."""
    extra = np.zeros(shape)
    number = draws.poisson(size)
    area = np.repeat(np.arange(shape[0]), number)
    step = start[area] + np.floor(draws.lognormal(0, 0.5, len(area))).astype(np.int64)
    inside = step < shape[1]
    np.add.at(extra, (area[inside], step[inside]), 1)
    return extra
