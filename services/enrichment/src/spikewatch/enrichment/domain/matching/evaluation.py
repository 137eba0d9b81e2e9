"""How well an assignment agrees with known truth: precision, recall and F1 by pairs and by clusters, with bootstrap intervals."""

import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["Agreement", "Figure", "agreement", "pair_agreement", "pair_figures", "reliability", "wilson"]

_RESAMPLES: Final = 400
_INTERVAL: Final = (2.5, 97.5)
_Z: Final = 1.959964  # of the normal distribution, for 95 %


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of pairs of reports that are together. ``exact`` is the share of true people whose reports are together, with no other."""

    precision: Figure
    recall: Figure
    f1: Figure
    exact: Figure


def agreement(found: Sequence[Hashable], truth: Sequence[Hashable], *, seed: int = 1) -> Agreement:
    """Compare clusters with the truth, over all pairs of reports that end in one cluster.

    The interval comes from drawing the true people again and again with replacement; a wrong pair counts half for each of its two. Where
    every draw says 0 or 1, and for ``exact``, it is Wilson's for so many people.
    """
    sizes_true, sizes_found = Counter(truth), Counter(found)
    both = Counter(zip(truth, found, strict=True))
    people = {label: number for number, label in enumerate(sizes_true)}
    right = np.zeros(len(people))
    wrong = np.zeros(len(people))
    exact = np.zeros(len(people))
    for (label, group), count in both.items():
        right[people[label]] += count * (count - 1) / 2
        wrong[people[label]] += count * (sizes_found[group] - count) / 2
        exact[people[label]] = float(count == sizes_true[label] == sizes_found[group])
    true = np.array([count * (count - 1) / 2 for count in sizes_true.values()])
    return _figures(right, wrong, true, exact, seed)


def pair_agreement(scores: Sequence[float], same: Sequence[bool], true_pairs: int) -> tuple[float, float, float, float]:
    """Return F1, precision and recall of scored pairs at their best threshold, and that threshold. Pairs never scored count as missed."""
    order = np.argsort(-np.asarray(scores, dtype=np.float64), kind="stable")
    ordered = np.asarray(scores, dtype=np.float64)[order]
    right = np.cumsum(np.asarray(same, dtype=np.float64)[order])
    # A threshold takes all pairs of one score or none.
    last = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True)) if len(ordered) else np.zeros(0, dtype=np.int64)
    if not len(last) or not true_pairs:
        return 0.0, 0.0, 0.0, 0.0
    precision, recall = right[last] / (last + 1), right[last] / true_pairs
    f1 = 2 * right[last] / (last + 1 + true_pairs)
    best = int(f1.argmax())
    return float(f1[best]), float(precision[best]), float(recall[best]), float(ordered[last[best]])


def pair_figures(first: Sequence[int], second: Sequence[int], truth: Sequence[Hashable], *, seed: int = 1) -> tuple[Figure, Figure, Figure]:
    """Return precision, recall and F1, with intervals, of pairs that are taken for one person's; pairs left out count as missed.

    Args:
        first: places in ``truth`` of the one report of each pair.
        second: of the other.
        truth: the person of each report.
        seed: of the draws: the true people are drawn again and again, a wrong pair counts half for each of its two.
    """
    sizes = Counter(truth)
    people = {label: number for number, label in enumerate(sizes)}
    person = np.array([people[label] for label in truth], dtype=np.int64)
    one, two = (person[np.asarray(side, dtype=np.int64)] for side in (first, second))
    is_right, count = one == two, len(people)
    right = np.bincount(one[is_right], minlength=count).astype(np.float64)
    crossing = np.concatenate([one[~is_right], two[~is_right]])
    wrong = np.bincount(crossing, weights=np.full(len(crossing), 0.5), minlength=count).astype(np.float64)
    true = np.array([size * (size - 1) / 2 for size in sizes.values()])
    figures = _figures(right, wrong, true, np.zeros(count), seed)
    return figures.precision, figures.recall, figures.f1


def reliability(confidence: Mapping[Hashable, float], right: Mapping[Hashable, bool], bins: int = 10) -> list[tuple[float, float, int]]:
    """Return for each tenth of the confidence the mean that was claimed, the share that was right, and of how many."""
    rows: list[list[tuple[float, bool]]] = [[] for _ in range(bins)]
    for one, claimed in confidence.items():
        rows[min(int(claimed * bins), bins - 1)].append((claimed, right[one]))
    return [
        (sum(claimed for claimed, _ in row) / len(row), sum(was_right for _, was_right in row) / len(row), len(row)) for row in rows if row
    ]


def _figures(
    right: npt.NDArray[np.float64], wrong: npt.NDArray[np.float64], true: npt.NDArray[np.float64], exact: npt.NDArray[np.float64], seed: int
) -> Agreement:
    draw = np.random.default_rng(seed)
    count = len(true)
    rows = [np.ones(count)] + [np.bincount(draw.integers(0, count, count), minlength=count).astype(np.float64) for _ in range(_RESAMPLES)]
    values = []
    for times in rows if count else []:
        hits, misses, pairs = float(times @ right), float(times @ wrong), float(times @ true)
        precision = hits / (hits + misses) if hits + misses else 1.0
        recall = hits / pairs if pairs else 1.0
        values.append(
            (precision, recall, 2 * precision * recall / (precision + recall) if precision + recall else 0.0, float(times @ exact) / count)
        )
    if not values:
        values = [(1.0, 1.0, 1.0, 1.0)]
    of_precision, of_recall, of_f1, of_exact = (_figure(column, count) for column in zip(*values, strict=True))
    # How many people are exactly right is a plain share: Wilson's interval is right for few of them, too.
    return Agreement(of_precision, of_recall, of_f1, Figure(of_exact.value, *wilson(of_exact.value, count)))


def _figure(drawn: Sequence[float], people: int) -> Figure:
    """Return a figure with its interval: that of the draws; where no draw differs from 0 or 1, what so many people leave open."""
    low, high = (float(np.percentile(drawn, part)) for part in _INTERVAL)
    if low == high and low in {0.0, 1.0}:
        low, high = wilson(low, people)
    return Figure(drawn[0], low, high)


def wilson(share: float, count: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share of so many; all of 0 to 1 for none."""
    if not count:
        return 0.0, 1.0
    middle = share + _Z**2 / (2 * count)
    reach = _Z * math.sqrt(share * (1 - share) / count + _Z**2 / (4 * count**2))
    whole = 1 + _Z**2 / count
    return 0.0 if share == 0 else (middle - reach) / whole, 1.0 if share == 1 else (middle + reach) / whole
