"""Upper tails and quantiles of Poisson and negative-binomial counts, on arrays; small tails keep their relative precision."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, gammainc, ndtri

from spikewatch.alerts.domain.detection.series import Floats

__all__ = ["by_distinct", "negative_binomial_quantile", "negative_binomial_tail", "poisson_quantile", "poisson_tail"]

_DENSE: Final = 8_000_000  # cells of a table of presence; beyond, keys are sorted instead
_NOT_FOUND: Final = 1e15  # counts beyond this are not told from one another


def poisson_tail(count: Floats, mean: Floats) -> Floats:
    """Return P(Y >= count) of a Poisson variable."""
    tail: Floats = np.where(count > 0, gammainc(np.maximum(count, 1), mean), np.where(np.isnan(count) | np.isnan(mean), np.nan, 1.0))
    return tail


def negative_binomial_tail(count: Floats, size: Floats, probability: Floats) -> Floats:
    """Return P(Y >= count) of a negative-binomial variable with mean ``size * (1 - probability) / probability``."""
    unknown = np.isnan(count) | np.isnan(size)
    tail: Floats = np.where(count > 0, betainc(np.maximum(count, 1), size, 1 - probability), np.where(unknown, np.nan, 1.0))
    return tail


def poisson_quantile(alpha: float, mean: Floats) -> Floats:
    """Return the smallest count that is exceeded with a probability of at most ``alpha``; nan where the mean is nan."""
    flat = mean.ravel()
    guess = _guess(alpha, flat, np.sqrt(flat))
    return _search(alpha, guess, lambda count, at: poisson_tail(count, flat[at])).reshape(mean.shape)


def negative_binomial_quantile(alpha: float, size: Floats, probability: Floats) -> Floats:
    """Return the smallest count that is exceeded with a probability of at most ``alpha``; nan where a parameter is nan."""
    sizes, probabilities = (each.ravel() for each in np.broadcast_arrays(size, probability))
    mean = sizes * (1 - probabilities) / probabilities
    guess = _guess(alpha, mean, np.sqrt(mean / probabilities))
    found = _search(alpha, guess, lambda count, at: negative_binomial_tail(count, sizes[at], probabilities[at]))
    return found.reshape(np.broadcast_shapes(size.shape, probability.shape))


def _guess(alpha: float, mean: Floats, deviation: Floats) -> Floats:
    """Return a first guess; a third of the squared quantile stands for the skewness of counts."""
    z = float(ndtri(1 - alpha))
    return np.floor(np.maximum(mean + z * deviation + (z * z - 1) / 6, 0))


def _search(alpha: float, guess: Floats, tail: Callable[[Floats, NDArray[np.intp]], Floats]) -> Floats:
    """Return the smallest count at which the tail beyond is at most ``alpha``: by steps that double, then by halves."""
    answer = np.full(guess.shape, np.nan)
    at = np.flatnonzero(np.isfinite(guess) & (guess < _NOT_FOUND))
    low = np.full(len(at), -1.0)  # never enough
    high = guess[at].copy()
    enough = tail(high + 1, at) <= alpha
    # walk down from where it is enough, up from where it is not
    low[~enough] = high[~enough]
    for upwards in (False, True):
        moving = np.flatnonzero(enough != upwards)
        stride = 1.0
        while len(moving):
            here = (high if not upwards else low)[moving]
            there = here + stride if upwards else np.maximum(here - stride, -1)
            is_enough = (tail(there + 1, at[moving]) <= alpha) & (there >= 0)
            high[moving[is_enough]] = there[is_enough]
            low[moving[~is_enough]] = there[~is_enough]
            moving = moving[is_enough != upwards]
            moving = moving[np.abs(high[moving]) < _NOT_FOUND] if not upwards else moving[low[moving] < _NOT_FOUND]
            stride *= 2
    between = np.flatnonzero(high - low > 1)
    while len(between):
        middle = np.floor((low[between] + high[between]) / 2)
        is_enough = tail(middle + 1, at[between]) <= alpha
        high[between[is_enough]] = middle[is_enough]
        low[between[~is_enough]] = middle[~is_enough]
        between = between[high[between] - low[between] > 1]
    answer[at] = high
    return answer


def by_distinct(function: Callable[..., Floats], *keys: Floats) -> Floats:
    """Return ``function(*keys)`` where every key is whole numbers from 0 or nan, computed once for each distinct combination.

    Counts of thousands of areas repeat themselves; a special function costs hundreds of times more than a look-up.
    """
    shape = keys[0].shape
    keys = tuple(np.broadcast_to(key, shape) for key in keys)
    told = np.flatnonzero(np.logical_and.reduce([~np.isnan(key) for key in keys]).ravel())
    answer = np.full(int(np.prod(shape)), np.nan)
    if not len(told):
        return answer.reshape(shape)
    columns = (
        [key.ravel()[told].astype(np.int64) for key in keys] if len(told) < len(answer) else [key.ravel().astype(np.int64) for key in keys]
    )
    widths = [int(column.max()) + 1 for column in columns]
    code = columns[0]
    for column, width in zip(columns[1:], widths[1:], strict=True):
        code = code * width + column
    room = float(np.prod([float(width) for width in widths]))
    if room <= _DENSE:
        present = np.zeros(int(room), dtype=bool)
        present[code] = True
        distinct = np.flatnonzero(present)
        values = np.empty(int(room))
        values[distinct] = function(*_decoded(distinct, widths))
        answer[told] = values[code]
    elif room < 2**62:
        distinct, position = np.unique(code, return_inverse=True)
        answer[told] = function(*_decoded(distinct, widths))[position]
    else:
        answer[told] = function(*(column.astype(np.float64) for column in columns))
    return answer.reshape(shape)


def _decoded(code: NDArray[np.int64], widths: list[int]) -> list[Floats]:
    decoded = []
    for width in reversed(widths[1:]):
        code, rest = np.divmod(code, width)
        decoded.append(rest.astype(np.float64))
    return [code.astype(np.float64), *reversed(decoded)]
