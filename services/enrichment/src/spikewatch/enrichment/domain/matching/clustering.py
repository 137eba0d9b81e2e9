"""Divides reports among people by their scores: a pure function of the scored pairs, whatever the order of arrival.

Two groups of reports fit when half the best and half the mean score between them reaches the threshold and no pair is below
the veto; the pair of groups that fits best becomes one, until none fits. So a merge that shows itself late is never missed, and
an equal number of a call joins two patients only when nothing of age or sex speaks against it.
"""

from collections import defaultdict
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import combinations
from typing import Final

import numpy as np

from spikewatch.enrichment.domain.matching.columns import Columns, Ints
from spikewatch.enrichment.domain.matching.comparison import compare, oriented
from spikewatch.enrichment.domain.matching.decided import NOTHING, NOTHING_DECIDED, Decided, Scores
from spikewatch.enrichment.domain.matching.weights import Weights

__all__ = ["LARGEST", "NOTHING", "Clusters", "Scores", "cluster", "divide", "scored"]

LARGEST: Final = 96
"""Reports that are compared each with each. A larger group is cut at its weakest ties first."""

_CUT: Final = 50  # hundredths of a bit by which the threshold is raised to cut a group that is too large
_HIGHEST: Final = 4_000
_AT_ONCE: Final = 200_000  # pairs compared in one go: bounds the memory


@dataclass(frozen=True, slots=True)
class Clusters:
    """For every record the first record of its cluster, how well the cluster holds together and what stood nearest outside.

    ``within`` and ``outside`` are in hundredths of a bit; ``NOTHING`` for a single report or where nothing was near.
    ``component`` numbers the groups whose reports were compared each with each. ``cut`` holds the records of groups that
    were too large for that.
    """

    founder: Ints
    within: Ints
    outside: Ints
    component: Ints
    cut: Ints


def scored(columns: Columns, first: Ints, second: Ints, weights: Weights) -> Scores:
    """Return the scores of pairs in any orientation."""
    scores = np.empty(len(first), dtype=np.int32)
    for begin in range(0, len(first), _AT_ONCE):
        part = slice(begin, begin + _AT_ONCE)
        scores[part] = weights.scores(compare(columns, *oriented(columns, first[part], second[part])))
    return scores


def cluster(columns: Columns, first: Ints, second: Ints, scores: Scores, weights: Weights, decided: Decided = NOTHING_DECIDED) -> Clusters:
    """Divide the records among people, given the scores of the candidate pairs; what people decided outranks them."""
    count = len(columns)
    first, second, scores = decided.joined(count, first, second, scores)
    founder, within, outside = np.arange(count), np.full(count, NOTHING), np.full(count, NOTHING)
    tied = scores >= weights.join
    component, cut = _components(count, first[tied], second[tied], scores[tied], weights.join)
    order = np.argsort(component, kind="stable")
    sizes = np.bincount(component, minlength=count)
    size_at = sizes[component[order]]
    for size in np.unique(size_at[size_at > 1]).tolist():
        members = order[size_at == size].reshape(-1, size)
        one, two = np.triu_indices(size, 1)
        left, right = members[:, one].ravel(), members[:, two].ravel()
        found = decided.over(count, left, right, scored(columns, left, right, weights)).reshape(-1, len(one))
        clean = found.min(axis=1) >= weights.join
        founder[members[clean]] = members[clean][:, :1]
        within[members[clean]] = _ties(found[clean], one, two, size)[:, None]
        for reports, pairs in zip(members[~clean].tolist(), found[~clean].tolist(), strict=True):
            for group, inner, outer in divide(size, pairs, weights.join, weights.veto):
                at = [reports[index] for index in group]
                founder[at], within[at], outside[at] = at[0], inner, outer
    return Clusters(founder, within, outside, component, cut)


def _ties(found: Scores, one: Ints, two: Ints, size: int) -> Ints:
    """Return for each clean cluster the least tie of a member to the others: half its best, half its mean score."""
    least: Ints = np.full(len(found), -NOTHING, dtype=np.int64)
    for member in range(size):
        own = found[:, (one == member) | (two == member)].astype(np.int64)
        least = np.minimum(least, (own.max(axis=1) * (size - 1) + own.sum(axis=1)) // (2 * (size - 1)))
    return least


def _components(count: int, first: Ints, second: Ints, scores: Scores, join: int) -> tuple[Ints, Ints]:
    """Return the connected group of each record by its first record, groups that are too large cut, and the records of those."""
    component = _connected(count, first, second)
    sizes = np.bincount(component, minlength=count)
    cut = np.flatnonzero(sizes[component] > LARGEST)
    if not len(cut):
        return component, cut
    # Each group by itself: what else is matched at the same time has no say in where it is cut.
    pairs = np.flatnonzero(sizes[component[first]] > LARGEST)
    pairs = pairs[np.argsort(component[first[pairs]], kind="stable")]
    members = cut[np.argsort(component[cut], kind="stable")]
    groups, member_begin = np.unique(component[members], return_index=True)
    pair_begin = np.searchsorted(component[first[pairs]], groups)
    ends = zip([*member_begin[1:].tolist(), len(members)], [*pair_begin[1:].tolist(), len(pairs)], strict=True)
    for begin, start, (end, stop) in zip(member_begin.tolist(), pair_begin.tolist(), ends, strict=True):
        own, tied = members[begin:end], pairs[start:stop]
        parts = _parts(len(own), np.searchsorted(own, first[tied]), np.searchsorted(own, second[tied]), scores[tied], join)
        component[own] = own[parts]
    return component, cut


def _parts(count: int, first: Ints, second: Ints, scores: Scores, join: int) -> Ints:
    """Cut one group at its weakest ties until no part is too large; return the first record of each record's part."""
    part, level = np.zeros(count, dtype=np.int64), join
    too_large = np.ones(count, dtype=np.bool_)
    while too_large.any() and level < _HIGHEST:
        # The next threshold that parts anything; a flood of copies has one score and is not gone through step by step.
        level = max(level + _CUT, int(scores[too_large[first]].min()) + 1)
        kept = (scores >= level) | ~too_large[first]
        first, second, scores = first[kept], second[kept], scores[kept]
        part = _connected(count, first, second)
        too_large = np.bincount(part, minlength=count)[part] > LARGEST
    for group in np.unique(part[too_large]).tolist():
        # As alike as copies: a feed that repeats itself. Taken in canonical order, so many at a time.
        members = np.flatnonzero(part == group)
        part[members] = members[np.arange(len(members)) // LARGEST * LARGEST]
    return part


def _connected(count: int, first: Ints, second: Ints) -> Ints:
    """Return for every record the first record of its connected group: roots hook onto lower roots until none does."""
    roots = np.arange(count)
    while True:
        one, two = roots[first], roots[second]
        lower = np.minimum(one, two)
        hooked = roots.copy()
        np.minimum.at(hooked, one, lower)
        np.minimum.at(hooked, two, lower)
        while not np.array_equal(hooked, higher := hooked[hooked]):
            hooked = higher
        if np.array_equal(hooked, roots):
            return roots
        roots = hooked


def divide(size: int, scores: list[int], join: int, veto: int) -> list[tuple[list[int], int, int]]:
    """Return the clusters of one group with the least tie within and the best fit to another.

    Args:
        size: number of reports; they are 0 to size - 1 in canonical order.
        scores: of each pair, in the order (0, 1), (0, 2), ...
        join: what a fit must reach.
        veto: the score of a pair below which two clusters never become one.
    """
    groups = {index: [index] for index in range(size)}
    # Of each two groups, the lower number first: best, sum, least and number of the scores between them.
    between = {pair: (score, score, score, 1) for pair, score in zip(combinations(range(size), 2), scores, strict=True)}
    # The best fit first, of equal ones the earlier pair. What a merge made anew lies there beside what it was.
    least_of_one = max(join, veto)
    line = [(-float(score), pair, between[pair]) for pair, score in zip(between, scores, strict=True) if score >= least_of_one]
    heapify(line)
    while line:
        _, chosen, then = heappop(line)
        if between.get(chosen) != then:
            continue
        keep, gone = chosen
        groups[keep] += groups.pop(gone)
        del between[chosen]
        for other in groups:
            if other != keep:
                moved = between.pop((gone, other) if gone < other else (other, gone))
                pair = (keep, other) if keep < other else (other, keep)
                most, total, least, number = between[pair]
                most, total = max(most, moved[0]), total + moved[1]
                least, number = min(least, moved[2]), number + moved[3]
                between[pair] = now = (most, total, least, number)
                if least >= veto and (fit := (most + total / number) / 2) >= join:
                    heappush(line, (-fit, pair, now))
    table = _square(size, scores)
    nearest: dict[int, int] = defaultdict(lambda: NOTHING)
    for (one, two), (most, total, _, number) in between.items():
        fit = (most * number + total) // (2 * number)
        nearest[one], nearest[two] = max(nearest[one], fit), max(nearest[two], fit)
    return [(sorted(members), _least_tie(members, table), nearest[number]) for number, members in groups.items()]


def _square(size: int, scores: list[int]) -> list[list[int]]:
    table = [[0] * size for _ in range(size)]
    place = iter(scores)
    for one in range(size):
        for two in range(one + 1, size):
            table[one][two] = table[two][one] = next(place)
    return table


def _least_tie(members: list[int], table: list[list[int]]) -> int:
    others = len(members) - 1
    if not others:
        return NOTHING
    ties = []
    for member in members:
        row = [table[member][other] for other in members if other != member]
        ties.append((max(row) * others + sum(row)) // (2 * others))
    return min(ties)
