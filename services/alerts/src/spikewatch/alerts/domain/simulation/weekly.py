"""Weekly histories after Noufaily et al. 2013 (doi 10.1002/sim.5595), as Bedubourg and Le Strat 2017 used them.

The mean of week t is ``exp(theta + beta t + sum over j up to m of g1 cos(2 pi j t / 52) + g2 sin(2 pi j t / 52))``, the variance
``phi`` times the mean. Of 624 weeks the weeks 313 to 575 carry four unlabelled spikes of 2, 3, 5 and 10 standard deviations, and
the last 49 one labelled spike of 1 to 10.
"""

from itertools import product
from typing import Final

import numpy as np

from spikewatch.alerts.domain.detection.series import Series
from spikewatch.alerts.domain.simulation.drawn import Simulated, overdispersed, spike

__all__ = ["PARAMETER_SETS", "noufaily_weeks"]

PARAMETER_SETS: Final = (  # theta, phi, beta, g1, g2
    (0.1, 1.5, 0.0025, 0.6, 0.6),
    (-2.0, 2.0, 0.005, 0.1, 0.3),
    (1.5, 1.0, 0.003, 0.2, -0.4),
    (0.5, 5.0, 0.002, 0.5, 0.5),
    (2.5, 3.0, 0.001, 1.0, 0.1),
    (3.75, 1.1, 0.001, 0.1, -0.1),
    (5.0, 1.2, 0.0001, 0.05, 0.01),
)
_WEEKS: Final = 624
_BASELINE: Final = (312, 575)  # weeks that carry past spikes, counted from 0, half open
_TEST: Final = 575
_PAST: Final = (2, 3, 5, 10)
_ROOM: Final = 4  # weeks at the end in which no spike starts, so that it can unfold


def noufaily_weeks(seed: int, *, repeats: int = 20, harmonics: tuple[int, ...] = (0, 1)) -> Simulated:
    """Draw ``repeats`` areas of each of the 7 parameter sets, with and without trend, with each number of harmonics.

    The same seed gives the same counts.
    """
    draws = np.random.default_rng(seed)
    scenarios = tuple(product(range(len(PARAMETER_SETS)), (0, 1), harmonics))
    stratum = np.repeat(np.arange(len(scenarios)), repeats)
    week = np.arange(1, _WEEKS + 1)
    means, dispersion = [], []
    for which, trend, order in scenarios:
        theta, phi, beta, cosine, sine = PARAMETER_SETS[which]
        angle = 2 * np.pi * week / 52
        waves = sum((cosine * np.cos(j * angle) + sine * np.sin(j * angle) for j in range(1, order + 1)), np.zeros(_WEEKS))
        means.append(np.exp(theta + trend * beta * week + waves))
        dispersion.append(phi)
    mean, phi_of = np.stack(means)[stratum], np.array(dispersion)[stratum]
    counts = overdispersed(draws, mean, phi_of[:, None])
    areas = np.arange(len(stratum))
    for size in _PAST:
        start = draws.integers(_BASELINE[0], _BASELINE[1] - _ROOM, len(areas))
        counts += spike(draws, counts.shape, start, size * np.sqrt(phi_of * mean[areas, start]))
    strength = draws.integers(1, 11, len(areas))
    start = draws.integers(_TEST, _WEEKS - _ROOM, len(areas))
    names = tuple(f"area-{number}" for number in areas)
    starts = np.datetime64("2012-01-02") + 7 * np.arange(_WEEKS)
    extra = spike(draws, counts.shape, start, strength * np.sqrt(phi_of * mean[areas, start]))
    return Simulated(
        spiked=Series(starts, counts + extra, names),
        calm=Series(starts, counts, names),
        extra=extra,
        expected=mean,
        first_test_step=_TEST,
        strength=strength,
        stratum=stratum,
        strata=tuple(f"set {which + 1}, {'trend' if trend else 'no trend'}, {order} harmonics" for which, trend, order in scenarios),
    )
