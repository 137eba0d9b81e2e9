"""Daily histories like those of overdoses: sparse to busy areas, flat or with weekday, season and trend.

Seven means from 0.05 to 20 overdoses a day, variance 1 or 1.6 times the mean, flat or structured. A structured area has more at
weekends (a factor of up to 1.3), a season of 20 % around the year at a time of its own, and a trend of up to 20 % a year either
way. The history carries four unlabelled spikes of 2, 3, 5 and 10 standard deviations, the last 120 days one labelled spike.
"""

from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from spikewatch.alerts.domain.detection.series import Floats, Series
from spikewatch.alerts.domain.simulation.drawn import Simulated, overdispersed, spike

__all__ = ["MEANS", "overdose_days", "structure"]

MEANS: Final = (0.05, 0.2, 0.5, 1.0, 3.0, 8.0, 20.0)
_DISPERSIONS: Final = (1.0, 1.6)
_WEEKDAYS: Final = np.array([0.88, 0.86, 0.90, 0.95, 1.10, 1.22, 1.09])  # Monday to Sunday; mean 1
_SEASON: Final = 0.2
_TREND: Final = 0.2  # a year
_TEST_DAYS: Final = 120
_PAST: Final = (2, 3, 5, 10)
_ROOM: Final = 4  # days at the end in which no spike starts, so that it can unfold


def overdose_days(seed: int, *, repeats: int = 20, history: int = 730) -> Simulated:
    """Draw ``repeats`` areas of each of the 28 scenarios, with ``history`` days before the 120 of the test.

    The same seed gives the same counts. ``history`` is at least 30.
    """
    draws = np.random.default_rng(seed)
    scenarios = tuple(product(MEANS, _DISPERSIONS, (False, True)))
    stratum = np.repeat(np.arange(len(scenarios)), repeats)
    areas, days = np.arange(len(stratum)), np.arange(history + _TEST_DAYS)
    level, phi_of, structured = (np.array([scenario[which] for scenario in scenarios])[stratum] for which in range(3))
    starts = np.datetime64("2022-01-03") + days  # a Monday
    shape = np.where(structured[:, None], structure(draws, len(areas), days, history), 1.0)
    mean = level[:, None] * shape
    counts = overdispersed(draws, mean, phi_of[:, None])
    for size in _PAST:
        start = draws.integers(0, history - _ROOM, len(areas))
        counts += spike(draws, counts.shape, start, size * np.sqrt(phi_of * mean[areas, start]))
    strength = draws.integers(1, 11, len(areas))
    start = draws.integers(history, history + _TEST_DAYS - _ROOM, len(areas))
    names = tuple(f"area-{number}" for number in areas)
    extra = spike(draws, counts.shape, start, strength * np.sqrt(phi_of * mean[areas, start]))
    return Simulated(
        spiked=Series(starts, counts + extra, names),
        calm=Series(starts, counts, names),
        extra=extra,
        expected=mean,
        first_test_step=history,
        strength=strength,
        stratum=stratum,
        strata=tuple(f"mean {mean_of:g}, dispersion {phi:g}, {'structured' if shaped else 'flat'}" for mean_of, phi, shaped in scenarios),
    )


def structure(draws: np.random.Generator, areas: int, days: NDArray[np.int64], present: int) -> Floats:
    """Draw by what factor each area and day lies above the area's level: weekday, season, and a trend that is none at ``present``.

    ``days`` are counted from a Monday.
    """
    season = _SEASON * np.cos(2 * np.pi * (days / 365.25 - draws.random((areas, 1))))
    trend = draws.uniform(-_TREND, _TREND, (areas, 1)) * (days - present) / 365.25
    factors: Floats = _WEEKDAYS[days % 7] * np.exp(season + trend)
    return factors
