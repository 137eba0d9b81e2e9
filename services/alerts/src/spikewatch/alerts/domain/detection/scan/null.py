"""What chance gives: expected cases of each area in the windows, and draws of them without a spike."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from spikewatch.alerts.domain.detection.series import Floats, SeriesError

__all__ = ["Counts", "Null", "Permutation", "Poisson"]

Counts = NDArray[np.integer]
Ints = NDArray[np.int64]


class Null(Protocol):
    """A model without spikes. Windows are the last 1, 2, … steps."""

    @property
    def total(self) -> int:
        """All cases."""

    @property
    def expected(self) -> Floats:
        """Expected cases by area and step, the last step first."""

    @property
    def weight(self) -> Floats:
        """What limits a circle's share: cases or people of each area."""

    def draw(self, rng: np.random.Generator, times: int) -> tuple[Ints, Ints, Ints]:
        """Return area, step before the last (0 is the last) and replication of each case that was drawn into the windows."""


@dataclass(frozen=True)
class Permutation:
    """Times are shuffled over the cases: areas keep their cases, steps keep theirs.

    Source: M. Kulldorff, R. Heffernan, J. Hartman, R. Assunção, F. Mostashari, A space-time permutation scan statistic for disease
    outbreak detection, PLoS Medicine 2(3), 2005. Cases of one stratum (a day of the week) trade places with one another only.
    """

    total: int
    expected: Floats
    weight: Floats
    _pools: tuple[tuple[Ints, Ints], ...]

    @classmethod
    def of(cls, counts: Ints, strata: Ints, longest: int) -> "Permutation":
        """Return the model of counts by area and step; ``strata`` numbers each step's stratum."""
        steps = counts.shape[1]
        last = np.arange(steps - 1, steps - 1 - longest, -1)
        expected = np.zeros((len(counts), longest))
        pools = []
        for stratum in np.unique(strata[last]):
            inside = counts[:, strata == stratum]
            by_area, lags = inside.sum(axis=1), np.flatnonzero(strata[last] == stratum)
            drawn = counts[:, last[lags]].sum(axis=0)
            expected[:, lags] = by_area[:, None] * drawn[None, :] / max(int(by_area.sum()), 1)
            pools.append((np.repeat(np.arange(len(counts)), by_area), np.repeat(lags, drawn)))
        return cls(total=int(counts.sum()), expected=expected, weight=counts.sum(axis=1).astype(np.float64), _pools=tuple(pools))

    def draw(self, rng: np.random.Generator, times: int) -> tuple[Ints, Ints, Ints]:
        """Draw the cases of the last steps without putting them back."""
        areas, lags = [], []
        for pool, lag in self._pools:
            areas.append(np.stack([pool[rng.choice(len(pool), len(lag), replace=False)] for _ in range(times)]))
            lags.append(lag)
        area = np.concatenate(areas, axis=1)
        replication = np.repeat(np.arange(times), area.shape[1])
        return area.ravel(), np.tile(np.concatenate(lags), times), replication


@dataclass(frozen=True)
class Poisson:
    """Cases fall on people and steps in proportion.

    Source: M. Kulldorff, Prospective time periodic geographical disease surveillance using a scan statistic, JRSS A 164(1), 2001.
    """

    total: int
    expected: Floats
    weight: Floats
    _by_lag: Floats
    _alias: tuple[tuple[Floats, Ints], ...]

    @classmethod
    def of(cls, counts: Ints, population: Floats, strata: Ints | None, longest: int) -> "Poisson":
        """Return the model of counts and people by area and step; with strata each stratum keeps its share of the cases.

        Raises:
            SeriesError: nobody lives anywhere, or cases where nobody does.
        """
        if np.isnan(population).any() or not (population.sum(axis=0) > 0).all():
            raise SeriesError("population: expected people for every area and step")
        if (counts[population.sum(axis=1) == 0] > 0).any():
            raise SeriesError("population: an area with incidents has nobody; expected at least one person")
        total = int(counts.sum())
        share = population / population.sum()
        if strata is not None:
            for stratum in np.unique(strata):
                inside = strata == stratum
                share[:, inside] *= counts[:, inside].sum() / total / share[:, inside].sum()
        last = share[:, ::-1][:, :longest]
        by_lag = last.sum(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            within = np.where(by_lag > 0, last / by_lag, 1 / len(last))
        alike = (np.abs(within - within[:, :1]) < 1e-15).all()
        alias = tuple(_alias(within[:, lag]) for lag in range(1 if alike else longest))
        return cls(total=total, expected=total * last, weight=population.mean(axis=1), _by_lag=by_lag, _alias=alias)

    def draw(self, rng: np.random.Generator, times: int) -> tuple[Ints, Ints, Ints]:
        """Draw how many cases fall on each of the last steps, then where each does."""
        longest = len(self._by_lag)
        drawn = rng.multinomial(self.total, np.append(self._by_lag, max(0.0, 1 - self._by_lag.sum())), size=times)[:, :longest]
        areas = []
        for lag in range(longest):
            keep, other = self._alias[lag if len(self._alias) > 1 else 0]
            at = rng.random(int(drawn[:, lag].sum())) * len(keep)
            column = at.astype(np.int64)
            areas.append(np.where(at - column < keep[column], column, other[column]))
        replication = [np.repeat(np.arange(times), drawn[:, lag]) for lag in range(longest)]
        lags = np.repeat(np.arange(longest), [len(each) for each in areas])
        return np.concatenate(areas), lags, np.concatenate(replication)


def _alias(probability: Floats) -> tuple[Floats, Ints]:
    """Return Vose's tables: a column is kept with its probability, else the other one is taken."""
    keep, other = probability * len(probability), np.arange(len(probability))
    small, large = list(np.flatnonzero(keep < 1)), list(np.flatnonzero(keep >= 1))
    while small and large:
        less, more = small.pop(), large[-1]
        other[less] = more
        keep[more] -= 1 - keep[less]
        if keep[more] < 1:
            small.append(large.pop())
    keep[small + large] = 1.0
    return keep, other
