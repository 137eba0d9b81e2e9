"""What counts it takes to be so much likelier under a changed Poisson mean than under the expected one."""

from typing import Final

import numpy as np

from spikewatch.alerts.domain.detection.series import Floats

__all__ = ["NeededCount", "needed_ratio"]

_ROUNDS: Final = 60
_ENOUGH: Final = 1e-14
_SPACING: Final = 0.01
_FARTHEST: Final = 32.0


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


def _table() -> Floats:
    """Return the coefficients of (u - 1) / s in cubic pieces, for u log u - u + 1 = s squared / 2."""
    at = np.arange(round(_FARTHEST / _SPACING) + 2) * _SPACING
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = needed_ratio(at * at / 2)
        value = (ratio - 1) / at
        slope = (at / np.log(ratio) - value) / at
    value[0], slope[0] = 1.0, 1 / 6
    slope = slope * _SPACING
    rise = value[1:] - value[:-1]
    return np.stack((value[:-1], slope[:-1], 3 * rise - 2 * slope[:-1] - slope[1:], slope[:-1] + slope[1:] - 2 * rise))


class NeededCount:
    """The count at which an expected one has a given gain. That is asked millions of times, so that it is looked up: exact to 1e-11."""

    def __init__(self, gain: float) -> None:
        """``gain`` is a log likelihood ratio."""
        self._gain = gain
        self._table = _table()
        self._least = 2 * gain / _FARTHEST**2

    def __call__(self, expected: Floats) -> Floats:
        """Return the count, not rounded; nan where nothing is expected."""
        far = (~(expected > self._least)).nonzero()[0]
        root = np.fmax(expected, self._least)
        np.divide(2 * self._gain, root, out=root)
        np.sqrt(root, out=root)
        place = root / _SPACING
        piece = place.astype(np.intp)
        place -= piece
        answer: Floats = self._table[3].take(piece)
        for coefficient in (self._table[2], self._table[1], self._table[0]):
            answer *= place
            answer += coefficient.take(piece)
        answer *= root
        answer += 1.0
        answer *= expected
        if len(far):
            with np.errstate(divide="ignore", invalid="ignore"):
                answer[far] = expected[far] * needed_ratio(self._gain / expected[far])
        return answer
