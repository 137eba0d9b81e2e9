"""How long a Poisson or binomial CUSUM runs without a change, and the decision interval for a wanted run length.

Markov chain of Brook and Evans 1972 on the lattice of the reference value, as Hawkins and Olwell 1998 have it.
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from scipy.special import bdtr, pdtr

from spikewatch.alerts.domain.detection.series import Floats

__all__ = ["Decision", "decision_interval", "mean_run_length", "raised_rate", "reference_value"]

Distribution = Literal["poisson", "binomial"]
_MOST_TRIES: Final = 500
_HIGHEST_RATE: Final = 3_000.0  # its chain has thousands of states; above, an interval takes minutes and then does not fit into numbers


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision interval h with its reference value k, for one in-control rate."""

    rate: float
    h: float
    k: float
    run_length: float


def raised_rate(rate: Floats, shift: float, distribution: Distribution) -> Floats:
    """Return the out-of-control rate: ``shift`` standard deviations more, or an odds ratio of ``shift`` for the binomial."""
    if distribution == "poisson":
        return rate + shift * np.sqrt(rate)
    return shift * rate / (1 - rate + shift * rate)


def reference_value(
    rate: Floats, raised: Floats, distribution: Distribution, *, digits: int | None = 1, size: Floats | float = 1.0
) -> Floats:
    """Return the best reference value k between two rates; rounded to digits, but never to a whole or half number."""
    if distribution == "poisson":
        value = (raised - rate) / (np.log(raised) - np.log(rate))
    else:
        value = -size * (np.log(1 - raised) - np.log(1 - rate)) / (np.log(raised * (1 - rate)) - np.log(rate * (1 - raised)))
    if digits is None:
        return np.asarray(value)
    rounded = np.round(value, digits)
    coarse = (rounded % 1 == 0.5) | (rounded % 1 == 0)
    upwards = ((value - np.floor(value)) * 10**digits) % 1 < 0.5
    shifted = value + np.where(upwards, 0.5, -0.5) * 10.0**-digits
    return np.asarray(np.round(np.where(coarse, shifted, value), digits))


def _denominator(first: float, second: float, digits: int) -> int:
    """Return the least number of parts in which both are whole."""
    many = np.arange(1, 10**digits + 1)
    fits = np.ones(len(many), dtype=bool)
    for value in (round(first, digits) + round(second, digits), round(first, digits), round(second, digits)):
        fits &= np.round(value * many, digits) % 1 == 0
    return int(many[fits.argmax()]) if fits.any() else 1


def mean_run_length(
    h: float, k: float, rate: float, distribution: Distribution, *, digits: int = 1, size: int = 1, head_start: bool = False
) -> float:
    """Return the mean number of steps until the sum reaches h, from 0 or from h / 2 (``head_start``)."""
    h, k = round(h, digits), round(k, digits)
    parts = _denominator(h, k, digits)
    reference, states = int(k * parts + 0.5), int(h * parts - 0.5)
    most = np.ceil(h + k + 1)
    at = np.arange(-states - 1 + reference, states + reference + 1) / parts
    counts = np.floor(at + 1e-9)
    below = pdtr(np.maximum(counts, 0), rate) if distribution == "poisson" else bdtr(np.clip(counts, 0, size), size, rate)
    below = np.where(counts < 0, 0.0, below)
    below[at >= most] = 1.0
    size_of_chain = states + 1
    chain = np.empty((size_of_chain, size_of_chain))
    zero = states + 1
    chain[:, 0] = below[zero - np.arange(size_of_chain)]
    steps = np.arange(1, size_of_chain)[None, :] - np.arange(size_of_chain)[:, None] + zero
    chain[:, 1:] = below[steps] - below[steps - 1]
    lengths = np.linalg.solve(np.eye(size_of_chain) - chain, np.ones(size_of_chain))
    return float(lengths[int((states + 1) / 2)] if head_start else lengths[0])


def decision_interval(
    rate: float,
    run_length: float,
    *,
    shift: float = 1.0,
    distribution: Distribution = "poisson",
    tolerance: float = 0.02,
    digits: int = 1,
    size: int = 1,
    head_start: bool = False,
) -> Decision:
    """Return the interval on the lattice whose mean run length is within tolerance of the wanted one, else the next longer one.

    Raises:
        ValueError: the rate is so high that no interval can be computed for it.
    """
    if rate > _HIGHEST_RATE:
        raise ValueError(
            f"an in-control mean above {_HIGHEST_RATE:,.0f} a step has no decision interval; expected lower counts, or a `table`"
        )
    k = float(reference_value(np.asarray(rate), raised_rate(np.asarray(rate), shift, distribution), distribution, digits=digits, size=size))

    def length(h: float) -> float:
        return mean_run_length(h, k, rate, distribution, digits=digits, size=size, head_start=head_start)

    first = min(12.0, 4 * k)
    first_length = length(first)
    while first_length < 100:
        first *= 2
        first_length = length(first)
    second = first * 2.0 ** np.sign(run_length - first_length)
    second_length = length(second)
    # Of a rate so low that any one event reaches both intervals the lengths differ by rounding alone.
    slope = 0.0 if np.isclose(second_length, first_length, rtol=1e-6) else (second - first) / (np.log(second_length) - np.log(first_length))
    h = max(round(float(first + slope * (np.log(run_length) - np.log(first_length))), digits), 10.0**-digits)
    found = length(h)
    if abs(found - run_length) / run_length < tolerance:
        return Decision(rate, h, k, found)
    step = 1 / _denominator(1, k, digits)
    sign = np.sign(run_length - found)
    for _ in range(_MOST_TRIES):
        following = round(float(h + sign * step), digits)
        if following <= 0:  # one event alone comes more rarely than an alarm is wanted; the longer length keeps the promise
            return Decision(rate, h, k, found)
        following_length = length(following)
        if abs(following_length - run_length) / run_length < tolerance:
            return Decision(rate, following, k, following_length)
        if np.sign(run_length - found) * np.sign(run_length - following_length) <= 0:
            # the two enclose the wanted run length: the longer one keeps the promise
            return Decision(rate, following, k, following_length) if following_length > run_length else Decision(rate, h, k, found)
        h, found = following, following_length
        sign = np.sign(run_length - found)
    return Decision(rate, h, k, found)
