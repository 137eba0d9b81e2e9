"""The upper tail of Student's distribution on large arrays."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from spikewatch.alerts.domain.detection.series import Floats

__all__ = ["student_tail"]

_SMALL: Final = 1e-5  # the sum's rounding would show in tails below


def student_tail(degrees: NDArray[np.int64], t: Floats) -> Floats:
    """Return P(T > t) for whole degrees of freedom; nan where t is nan.

    The tail is a finite sum of powers of a cosine (Abramowitz and Stegun 26.7.3 and 4), several times faster than the incomplete
    beta function; small tails are left to the latter, which keeps their relative precision.
    """
    tail = np.full(t.shape, np.nan)
    for row in np.ndindex(t.shape[:-1]):
        sizes = degrees[row]
        if (sizes == sizes[0]).all():
            tail[row] = _tail(int(sizes[0]), t[row])
            continue
        for size in np.unique(sizes):
            alike = sizes == size
            tail[row][alike] = _tail(int(size), t[row][alike])
    with np.errstate(invalid="ignore"):
        small = np.nonzero(tail < _SMALL)
    tail[small] = stdtr(degrees[small], -t[small])
    return tail


def _tail(degrees: int, t: Floats) -> Floats:
    if degrees < 1:
        return np.full(t.shape, np.nan)
    odd = degrees % 2
    angle = t / np.sqrt(degrees)
    square = 1 / (1 + angle * angle)  # of the cosine
    total = np.zeros_like(t)
    # 1 + c²·2/3·(1 + c²·4/5·(1 + …)) for odd degrees, 1 + c²·1/2·(1 + c²·3/4·(1 + …)) for even ones
    for power in range(degrees - 2, 1, -2):
        total = (1 + total) * square * ((power - 1) / power)
    sine = angle * np.sqrt(square)
    if odd:
        inner = sine * np.sqrt(square) * (1 + total) if degrees > 1 else 0.0
        within = (np.arctan(angle) + inner) * (2 / np.pi)
    else:
        within = sine * (1 + total)
    return np.asarray((1 - within) / 2)
