"""Divides reports among people by their scores: a pure function of the scored pairs, whatever the order of arrival.

Two groups of reports fit when half the best and half the mean score between them reaches the threshold and no pair is below
the veto; the pair of groups that fits best becomes one, until none fits. So a merge that shows itself late is never missed, and
an equal number of a call joins two patients only when nothing of age or sex speaks against it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from spikewatch.enrichment.domain.matching.columns import Columns, Floats, Ints
from spikewatch.enrichment.domain.matching.comparison import AT_ONCE, compare, oriented
from spikewatch.enrichment.domain.matching.decided import NOTHING, NOTHING_DECIDED, Decided, Scores
from spikewatch.enrichment.domain.matching.weights import Weights

__all__ = ["LARGEST", "NOTHING", "Clusters", "Scores", "cluster", "scored"]

LARGEST: Final = 96
"""Reports that are compared each with each. A larger group is cut at its weakest ties first."""

_CUT: Final = 50  # hundredths of a bit by which the threshold is raised to cut a group that is too large
_HIGHEST: Final = 4_000
_IN_BLOCK: Final = 65_536  # pairs of the groups that are divided together


_Mask = npt.NDArray[np.bool_]


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
    for begin in range(0, len(first), AT_ONCE):
        part = slice(begin, begin + AT_ONCE)
        scores[part] = weights.scores(compare(columns, *oriented(columns, first[part], second[part])))
    return scores


def cluster(columns: Columns, first: Ints, second: Ints, scores: Scores, weights: Weights, decided: Decided = NOTHING_DECIDED) -> Clusters:
    """Divide the records among people, given the scores of the candidate pairs; what people decided outranks them."""
    count = len(columns)
    first, second, scores = decided.joined(count, first, second, scores)
    founder, within, outside = np.arange(count), np.full(count, NOTHING), np.full(count, NOTHING)
    tied = scores >= weights.join
    component, cut = _components(count, first[tied], second[tied], scores[tied], weights.join)
    for members, ends in _blocks(component):
        left, right = _pairs(ends)
        found = scored(columns, members[left], members[right], weights)
        found = decided.over(count, members[left], members[right], found)
        person = _people(ends, left, right, found, weights)
        founder[members] = members[person]
        within[members] = _within(person, left, right, found)
        outside[members] = _outside(person, ends, left, right, found)
    return Clusters(founder, within, outside, component, cut)


def _blocks(component: Ints) -> Iterator[tuple[Ints, Ints]]:
    """Yield the records of the groups of two and more, many whole groups at a time, and of each record where its group ends in that."""
    order = np.argsort(component, kind="stable")
    sizes = np.bincount(component, minlength=len(component))
    order = order[sizes[component[order]] > 1]
    size = sizes[sizes > 1]
    ends = np.cumsum(size)
    block = np.cumsum(size * (size - 1) // 2) // _IN_BLOCK
    for begin, end in pairwise([*np.flatnonzero(np.diff(block, prepend=-1)).tolist(), len(size)]):
        start = int(ends[begin] - size[begin])
        yield order[start : ends[end - 1]], np.repeat(ends[begin:end] - start, size[begin:end])


def _pairs(ends: Ints) -> tuple[Ints, Ints]:
    """Return all pairs of places with one end, in their order: each place with those after it."""
    places = np.arange(len(ends))
    after = ends - places - 1
    left = np.repeat(places, after)
    return left, np.arange(len(left)) - np.repeat(np.cumsum(after) - after - places - 1, after)


def _people(ends: Ints, left: Ints, right: Ints, found: Scores, weights: Weights) -> Ints:
    """Return of each place the first place of its person."""
    torn = np.zeros(len(ends) + 1, dtype=np.bool_)
    torn[ends[left[found < weights.join]]] = True
    # Where every pair reaches the threshold nothing needs to be divided: the group begins where the one before it ends.
    begins = np.flatnonzero(np.diff(ends, prepend=0))
    person: Ints = np.repeat(begins, np.diff(begins, append=len(ends)))
    divided = torn[ends]
    person[divided] = np.flatnonzero(divided)
    # Of two that a veto parts, neither ever comes into a cluster of the other: all that follows goes without them.
    allowed = (found >= weights.veto) & divided[left]
    for keep, gone in _merges(ends, left[allowed], right[allowed], found[allowed].astype(np.int64), weights.join):
        person[gone] = keep
    while not np.array_equal(person, first := person[person]):
        person = first
    return person


def _merges(ends: Ints, one: Ints, two: Ints, most: Ints, join: int) -> Iterator[tuple[Ints, Ints]]:
    """Yield which clusters become one, many at a time, each named by its first place, the lower name first; at the start each place is one.

    The rule is that of all pairs in a group the one that fits best is merged, of equals the earlier one, again and again. Two are merged
    ahead of their turn when they fit better than even the best score of either with anybody else. That changes nothing: until their turn
    neither can be merged with another, because they fit better; and as one they fit nobody better than that best score, so that
    nobody else's turn comes before theirs because of it.

    Args:
        ends: of each place where its group ends.
        one: the lower place of each pair that no veto parts, pairs in their order.
        two: the higher one.
        most: the score of each.
        join: what a fit must reach.
    """
    count = len(ends)
    size = np.ones(count, dtype=np.int64)
    total, number = most, np.ones(len(most), dtype=np.int64)
    while len(one):
        fit = (most + total / number) / 2
        group = ends[one]
        # The best fit of each group, of equal ones the earlier pair.
        best = np.full(count + 1, -np.inf)
        np.maximum.at(best, group, fit)
        leading = np.flatnonzero((fit == best[group]) & (fit >= join))
        leading = leading[np.diff(group[leading], prepend=-1) > 0]
        merged = _alone(count, one, two, most, fit, join)
        merged[leading] = True
        keep, gone = one[merged], two[merged]
        yield keep, gone
        name = np.arange(count)
        name[gone] = keep
        size[keep] += size[gone]
        # Groups in which nothing fits any more are done.
        open_ = np.flatnonzero((best[group] >= join) & ~merged)
        if not len(open_):
            return
        one, two = name[one[open_]], name[two[open_]]
        pair = np.minimum(one, two) * count + np.maximum(one, two)
        order = np.argsort(pair)
        pair, open_ = pair[order], open_[order]
        begin = np.flatnonzero(np.diff(pair, prepend=-1))
        most = np.maximum.reduceat(most[open_], begin)
        total, number = np.add.reduceat(total[open_], begin), np.add.reduceat(number[open_], begin)
        one, two = pair[begin] // count, pair[begin] % count
        # Where a pair of reports is missing a veto parts two clusters.
        whole = number == size[one] * size[two]
        one, two, most, total, number = one[whole], two[whole], most[whole], total[whole], number[whole]


def _alone(count: int, one: Ints, two: Ints, most: Ints, fit: Floats, join: int) -> _Mask:
    """Return which pairs of clusters fit better than either could fit with any other."""
    top, below = np.full(count, NOTHING), np.full(count, NOTHING)
    np.maximum.at(top, one, most)
    np.maximum.at(top, two, most)
    top_of_one, top_of_two = most == top[one], most == top[two]
    np.maximum.at(below, one[~top_of_one], most[~top_of_one])
    np.maximum.at(below, two[~top_of_two], most[~top_of_two])
    tops = np.bincount(one[top_of_one], minlength=count) + np.bincount(two[top_of_two], minlength=count)
    alone: _Mask = top_of_one & top_of_two & (tops[one] == 1) & (tops[two] == 1)
    return alone & (fit >= join) & (fit > below[one]) & (fit > below[two])


def _within(person: Ints, left: Ints, right: Ints, found: Scores) -> Ints:
    """Return of each place the least tie of a member of its cluster to the others: half its best, half its mean score."""
    count = len(person)
    inner = person[left] == person[right]
    left, right, scores = left[inner], right[inner], found[inner].astype(np.int64)
    best = np.full(count, NOTHING)
    np.maximum.at(best, left, scores)
    np.maximum.at(best, right, scores)
    total = np.bincount(left, scores, count) + np.bincount(right, scores, count)
    others = np.bincount(person, minlength=count)[person] - 1
    member = np.flatnonzero(others)
    least = np.full(count, -NOTHING)
    few = others[member]
    np.minimum.at(least, person[member], (best[member] * few + total[member].astype(np.int64)) // (2 * few))
    return np.where(others > 0, least[person], NOTHING)


def _outside(person: Ints, ends: Ints, left: Ints, right: Ints, found: Scores) -> Ints:
    """Return of each place the best fit of its cluster to another one of its group."""
    founders = np.flatnonzero(person == np.arange(len(person)))
    number = np.searchsorted(founders, person)
    nearest = np.full(len(founders), NOTHING)
    one, two = number[left], number[right]
    outer = one != two
    one, two, scores = one[outer], two[outer], found[outer].astype(np.int64)
    one, two = np.minimum(one, two), np.maximum(one, two)
    # The clusters of a group have consecutive numbers: a small square of pairs for each group, square after square.
    first, width = np.unique(ends[founders], return_index=True, return_counts=True)[1:]
    row = np.cumsum(np.repeat(width, width)) - np.repeat(width, width)
    square = row - np.repeat(first, width)
    place = square[one] + two
    size = int((width * width).sum())
    most = np.full(size, NOTHING)
    np.maximum.at(most, place, scores)
    total, pairs = np.bincount(place, scores, size).astype(np.int64), np.bincount(place, minlength=size)
    met = np.flatnonzero(pairs)
    fit = (most[met] * pairs[met] + total[met]) // (2 * pairs[met])
    one = np.searchsorted(row, met, side="right") - 1
    np.maximum.at(nearest, one, fit)
    np.maximum.at(nearest, met - square[one], fit)
    return nearest[number]


def _components(count: int, first: Ints, second: Ints, scores: Scores, join: int) -> tuple[Ints, Ints]:
    """Return the connected group of each record by its first record, groups that are too large cut, and the records of those."""
    component = _connected(count, first, second)
    cut = np.flatnonzero(np.bincount(component, minlength=count)[component] > LARGEST)
    if not len(cut):
        return component, cut
    # Each group at its own pace: what else is matched at the same time has no say in where it is cut.
    group = np.zeros(count, dtype=np.int64)
    groups, group[cut] = np.unique(component[cut], return_inverse=True)
    level, height = np.full(len(groups), join), scores.astype(np.int64)
    large = cut  # the records of parts that are too large
    while len(large):
        place = np.full(count, -1)
        place[large] = np.arange(len(large))
        tied = place[first] >= 0
        first, second, height = first[tied], second[tied], height[tied]
        # The next threshold that parts anything; a flood of copies has one score and is not gone through step by step.
        lowest = np.full(len(groups), np.iinfo(scores.dtype).max, dtype=np.int64)
        np.minimum.at(lowest, group[first], height)
        level = np.maximum(level + _CUT, lowest + 1)
        tied = height >= level[group[first]]
        first, second, height = first[tied], second[tied], height[tied]
        component[large] = large[_connected(len(large), place[first], place[second])]
        large = large[np.bincount(component[large], minlength=count)[component[large]] > LARGEST]
        alike = level[group[large]] >= _HIGHEST
        for part in np.unique(component[large[alike]]).tolist():
            # As alike as copies: a feed that repeats itself. Taken in canonical order, so many at a time.
            members = np.flatnonzero(component == part)
            component[members] = members[np.arange(len(members)) // LARGEST * LARGEST]
        large = large[~alike]
    return component, cut


def _connected(count: int, first: Ints, second: Ints) -> Ints:
    """Return for every record the first record of its connected group: roots hook onto lower roots until none does."""
    roots = np.arange(count)
    while True:
        one, two = roots[first], roots[second]
        apart = one != two
        if not apart.any():
            return roots
        first, second = one[apart], two[apart]
        np.minimum.at(roots, np.maximum(first, second), np.minimum(first, second))
        while not np.array_equal(roots, higher := roots[roots]):
            roots = higher
