"""Upper tail of the Poisson distribution without scipy: one sum of positive terms, so nothing cancels."""

from functools import lru_cache
from math import exp, fsum, lgamma, log

__all__ = ["poisson_tail", "poisson_tail_is_below"]

_DOUBTLESS = 1.000_001  # whatever the last digits
_NEGLIGIBLE = 1e-18  # relative to the sum so far: below a double's resolution


@lru_cache(maxsize=65_536)  # an area's baseline takes few values, and every look asks again
def poisson_tail(observed: int, mean: float) -> float:
    """Return P(X >= observed) for a Poisson variable; relative error below 1e-10 for means up to 100,000.

    Raises:
        ValueError: the mean is negative.
    """
    if mean < 0:
        raise ValueError("the mean of a Poisson variable is at least 0")
    if observed <= 0:
        return 1.0
    if mean == 0:
        return 0.0
    if observed <= mean:
        # here the lower tail is the small one and its terms fall towards zero
        return 1.0 - _sum(observed - 1, mean, step=-1)
    return _sum(observed, mean, step=1)


def poisson_tail_is_below(observed: int, mean: float, probability: float) -> bool:
    """Tell whether P(X >= observed), of one at least and a mean above 0, is below a probability.

    Most windows are told from a spike by P(X = observed) alone.
    """
    if exp(observed * log(mean) - mean - lgamma(observed + 1)) > probability * _DOUBTLESS:
        return False
    return poisson_tail(observed, mean) < probability


def _sum(start: int, mean: float, *, step: int) -> float:
    term = exp(start * log(mean) - mean - lgamma(start + 1))
    terms, total, number = [term], term, start
    while term > total * _NEGLIGIBLE:
        if step > 0:
            number += 1
            term *= mean / number
        else:
            term *= number / mean
            number -= 1
        terms.append(term)
        total += term
    return min(1.0, fsum(terms))
