"""How much of a day has been reported yet: learnt for each feed from the time between occurrence and receipt."""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from spikewatch.alerts.domain.detection.predictive.windows import mid_tail
from spikewatch.alerts.domain.detection.series import Floats

__all__ = ["Delays", "Nowcast", "area_share", "nowcast"]

_PRIOR_WEIGHT: Final = 5.0  # reports that the assumed delay is worth at each age


class Delays:
    """Counts of one feed by the day they occurred and by the days until they were received.

    The newest days cannot have late reports yet; comparing each age only among days that have reached it takes that into account
    (the reverse hazard of Lawless 1994, doi 10.2307/3315537, which is the chain ladder of insurers).
    """

    def __init__(self, longest: int = 14, *, half_life_days: float = 60.0, usual: Floats | None = None) -> None:
        """Begin without knowledge. ``longest`` is the delay, in days, after which a day counts as complete.

        ``usual`` is the share reported by each age, 0 to ``longest``, that is assumed before the feed has shown its own; all at once
        by default. What was seen weighs half after ``half_life_days``.

        Raises:
            ValueError: ``longest`` is below 1, or ``usual`` does not rise to 1 over ``longest + 1`` ages.
        """
        usual = np.ones(longest + 1) if usual is None else np.asarray(usual, dtype=np.float64)
        if longest < 1 or len(usual) != longest + 1 or (np.diff(usual) < 0).any() or usual[0] <= 0 or not np.isclose(usual[-1], 1):
            raise ValueError("usual: expected a rising share above 0 for each age from 0 to the longest delay, the last one 1")
        self.longest = longest
        self._fading = 0.5 ** (1 / half_life_days)
        self._days = np.zeros((longest + 1, longest + 1))  # age of the day, newest first, by delay of its reports
        hazard = np.diff(usual, prepend=0.0) / usual
        self._arrived = _PRIOR_WEIGHT * hazard  # reports that came at a delay...
        self._by_then = np.full(longest + 1, _PRIOR_WEIGHT)  # ...of those that had come by it

    @classmethod
    def of_table(cls, told: Floats, *, half_life_days: float = 60.0) -> Self:
        """Return what whole days teach, as if they had been taken in one by one.

        ``told`` counts reports by day of occurrence, the last row being the newest day that has ended, and by delay in days. What
        would have come after that day is left out.
        """
        number, ages = told.shape
        delays = cls(ages - 1, half_life_days=half_life_days)
        came = np.arange(number)[:, np.newaxis] + np.arange(ages) - (number - 1)  # days from the newest day to the receipt
        weight = np.where(came <= 0, delays._fading ** np.minimum(-came, number).clip(0), 0.0)  # our own
        delays._arrived = delays._arrived * delays._fading**number + (weight * told).sum(axis=0)
        delays._by_then = delays._by_then * delays._fading**number + (weight * np.cumsum(told, axis=1)).sum(axis=0)
        return delays

    def next_day(self) -> None:
        """Move on to the next day; the oldest day is complete and only its sums remain."""
        self._arrived *= self._fading
        self._by_then *= self._fading
        self._days[1:] = self._days[:-1].copy()
        self._days[0] = 0.0

    def end_of_day(self) -> None:
        """Take in, at the end of a day, what came at each age today: a day of age a has shown exactly its reports of delay a."""
        each = np.arange(self.longest + 1)
        self._arrived += self._days[each, each]
        self._by_then += np.cumsum(self._days, axis=1)[each, each]

    def received(self, delay_days: int, number: float = 1.0) -> None:
        """Count reports received today that occurred so many days ago; older ones than the longest delay are left out.

        Raises:
            ValueError: the delay is negative: a report from the future is no delay.
        """
        if delay_days < 0:
            raise ValueError("delay_days: expected a number from 0")
        if delay_days <= self.longest:
            self._days[delay_days, delay_days] += number

    def share(self) -> Floats:
        """Return the share of a day's overdoses that is reported by the end of each age, 0 to the longest delay."""
        hazard = np.clip(self._arrived / np.maximum(self._by_then, 1e-12), 0.0, 1.0)
        later = np.cumprod((1 - hazard[1:])[::-1])[::-1]
        return np.append(later, 1.0)


def area_share(shares: Floats, weights: Floats, silent: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Floats:
    """Return the share of an area's overdoses that is reported, by age: of its feeds, by what each usually sends.

    ``shares`` is by feed and age, ``weights`` what each feed usually sends there, ``silent`` by feed and age whether nothing at all
    came that was due. A silent feed is no zero: its part is not reported. An area without any feed has nothing reported.
    """
    total = weights.sum()
    if total <= 0:
        return np.zeros(shares.shape[1])
    reported: Floats = (weights[:, None] * np.where(silent, 0.0, shares)).sum(axis=0) / total
    return reported


@dataclass(frozen=True, slots=True)
class Nowcast:
    """What a count will come to: its expectation, and bounds that hold it with 90 %, taken from a normal distribution from 0 on.

    ``p_value`` is the mid-p of the count told so far against the part of the mean that is reported.
    """

    expected: Floats
    low: Floats
    high: Floats
    p_value: Floats


def nowcast(count: Floats, mean: Floats, share: Floats, *, dispersion: Floats | float = 1.0, uncertainty: Floats | float = 0.0) -> Nowcast:
    """Complete counts that are partly reported; arrays of one shape.

    ``mean`` is what was expected of the whole, ``dispersion`` its variance over its mean, ``uncertainty`` its squared relative
    uncertainty. The overdoses still to come follow from the prediction, moved by what has been told: a gamma level with the
    prediction's mean and variance, updated by the count. The test uses the prediction alone, so that a half-reported day is neither
    calm nor a reason to raise the history.
    """
    told = mean * share
    relative = np.maximum((np.asarray(dispersion) - 1) / np.maximum(mean, 1e-12) + uncertainty, 1e-9)
    size = 1 / relative
    # gamma(size, size / mean) updated by a Poisson count of exposure ``share``
    level = (size + count) / (size / np.maximum(mean, 1e-12) + share)
    to_come = (1 - share) * level
    deviation = np.sqrt(to_come + to_come**2 / (size + count))
    tail = mid_tail(count, np.where(told > 0, told, np.nan), told + relative * told**2)
    bound = 1.6449 * deviation
    return Nowcast(count + to_come, count + np.maximum(to_come - bound, 0), count + to_come + bound, tail)
