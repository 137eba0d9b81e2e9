"""The span of the past that a sliding window is compared with, and what it held."""

import numpy as np

from spikewatch.alerts.domain.instants import DAY, HOUR, Instants
from spikewatch.alerts.domain.series import Series

__all__ = ["baseline_shown", "baseline_span"]

_SHOWN = 30  # baseline spans in an explanation; more would not be read and makes alerts large


def baseline_span(series: Series, at: Instants, window: int, *, guard_hours: float, days: float) -> tuple[Instants, Instants]:
    """Return where the baselines of the windows that end at some times begin and end: none begins before the area was known."""
    end = at - window - round(guard_hours * HOUR)
    return np.maximum(end - round(days * DAY), series.first), end


def baseline_shown(series: Series, start: int, end: int, window: int) -> tuple[tuple[int, int, int], ...]:
    """Return start, end and count of the newest days (or windows, where those are longer) of a baseline, newest last."""
    step = max(window, DAY)
    shown = min((end - start) // step, _SHOWN)
    ends = end - step * np.arange(shown - 1, -1, -1, dtype=np.int64)
    return tuple(zip((ends - step).tolist(), ends.tolist(), series.count(ends - step, ends).tolist(), strict=True))
