"""From which count on the newest step is an alarm by the default detector: the past is gone through once, whatever is tried."""

from typing import Final, Self

import numpy as np

from spikewatch.alerts.domain.detection.partly_reported import looked_at_again
from spikewatch.alerts.domain.detection.predictive import Predictive, Watch
from spikewatch.alerts.domain.detection.series import Floats
from spikewatch.alerts.domain.detection.tails import negative_binomial_quantile
from spikewatch.alerts.domain.instants import DAY, Bools
from spikewatch.alerts.domain.rules.detector_memory import key_of
from spikewatch.alerts.domain.rules.least_alarm import Places

__all__ = ["NewestStep", "Watched"]

_MOST_HELD: Final = 4  # first steps, each with all its areas; areas that begin later have their own


class NewestStep:
    """Areas whose steps before the newest were taken in; answers about any counts of the newest."""

    def __init__(self, watch: Watch, share: Floats | None = None) -> None:
        """``watch`` stands at the newest step, whatever its counts; ``share`` is the part of that step's counts that is reported."""
        self._watch = watch
        self._share = share

    @classmethod
    def after(cls, before: Floats, start: int, window: int, parameters: Predictive, share: Floats | None = None) -> Self:
        """Take the steps before in; ``start`` (microseconds) is that of the first. ``share`` has one step more than they."""
        watch = _begun(len(before), start, window, parameters)
        whole = None if share is None else np.broadcast_to(share, (len(before), before.shape[1] + 1))
        for step, counts in enumerate(before.T):
            watch.advance(counts)
            if whole is not None:
                watch.revise(0, counts, whole[:, step])
        watch.advance(np.zeros(len(before)))
        return cls(watch, None if whole is None else whole[:, -1])

    def __call__(self, counts: Floats, areas: Places) -> tuple[Bools, Floats]:
        """Tell which counts are alarms, by area and try, and the count that the first try of each area must exceed."""
        tried = self._watch.rows(np.repeat(areas, counts.shape[1]))
        share = None if self._share is None else np.repeat(self._share[areas], counts.shape[1])
        tried.revise(0, counts.reshape(-1), share)
        judged = tried.judge()
        p_value = judged.p_value if share is None else looked_at_again(judged.p_value, share)
        parameters = tried.parameters
        with np.errstate(invalid="ignore"):
            exceeds = (p_value <= parameters.alpha) & (judged.observed >= parameters.minimum)
        mean, variance = (each.reshape(counts.shape)[:, 0] for each in (judged.mean, judged.variance))
        with np.errstate(invalid="ignore", divide="ignore"):
            size = mean**2 / np.maximum(variance - mean, mean * 1e-9)
            threshold = negative_binomial_quantile(parameters.alpha, size, size / (size + mean))
        return exceeds.reshape(counts.shape), threshold


class Watched:
    """What was taken in of areas at the last step that began: at the next most of them have one step more, and nothing else is new.

    An area whose past has changed since is begun anew.
    """

    def __init__(self) -> None:
        self._held: dict[int, tuple[dict[bytes, int], int, Watch]] = {}

    def newest(self, first: int, before: Floats, start: int, window: int, parameters: Predictive) -> NewestStep:
        """Return the areas at the step after ``before``, which is areas by steps from the step ``first`` on."""
        steps = before.shape[1]
        known, taken, watch = self._held.pop(first, ({}, 0, None))
        if watch is None or taken > steps or watch.parameters != parameters:
            known, taken, watch = {}, 0, _begun(0, start, window, parameters)
        at = np.array([known.get(key_of(first, told[:taken], window), -1) for told in before], dtype=np.intp)
        anew = (at < 0).nonzero()[0]
        fresh = _begun(len(anew), start, window, parameters)
        for counts in before[anew, :taken].T:
            fresh.advance(counts)
        at[anew] = len(known) + np.arange(len(anew))
        watch = watch.joined(fresh).rows(at)
        for counts in before[:, taken:].T:
            watch.advance(counts)
        self._held[first] = {key_of(first, told, window): row for row, told in enumerate(before)}, steps, watch
        while len(self._held) > _MOST_HELD:
            del self._held[next(iter(self._held))]
        newest = watch.rows(np.arange(len(before)))
        newest.advance(np.zeros(len(before)))
        return NewestStep(newest)


def _begun(areas: int, start: int, window: int, parameters: Predictive) -> Watch:
    return Watch(areas, np.datetime64(start // DAY, "D"), parameters, step_days=window // DAY)
