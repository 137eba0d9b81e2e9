"""How much likelier counts are under a changed Poisson mean than under the expected one, and what counts it takes."""

from typing import Final

import numpy as np

from spikewatch.alerts.domain.detection.series import Floats

__all__ = ["needed_ratio", "poisson_gain"]

_ROUNDS: Final = 60
_ENOUGH: Final = 1e-14


def poisson_gain(total: Floats, expected: Floats) -> Floats:
    """Return the log likelihood ratio of the best raised mean: x log(x/m) - x + m where x > m, else 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = total * np.log(total / expected) - total + expected
    return np.where(total > expected, gain, 0.0)


def needed_ratio(gain: Floats, *, above: bool = True) -> Floats:
    """Return the u with u log u - u + 1 = gain, above 1 or below it; nan where there is none (below: a gain over 1)."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        if above:
            # from the right, where the convex function lets Newton's method only fall
            ratio = 1 + np.sqrt(2 * gain) + gain / 3 + gain / np.maximum(np.log1p(gain), 1)
        else:
            ratio = np.where(gain < 1, np.maximum(1 - np.sqrt(2 * gain), 1e-3), np.nan)
        for _ in range(_ROUNDS):
            step = (ratio * np.log(ratio) - ratio + 1 - gain) / np.log(ratio)
            following = ratio - step
            following = np.where(following > 0, following, ratio / 10)
            settled = np.abs(following - ratio) <= _ENOUGH * ratio * 100
            ratio = following
            if (settled | ~np.isfinite(ratio)).all():
                break
    return ratio
