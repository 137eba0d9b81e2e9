"""Divides reports among people by their scores: a pure function of the scored pairs, whatever the order of arrival.

Two groups of reports fit when half the best and half the mean score between them reaches the threshold and no pair is below
the veto; the pair of groups that fits best becomes one, until none fits. So a merge that shows itself late is never missed, and
an equal number of a call joins two patients only when nothing of age or sex speaks against it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import pairwise, repeat
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
_AT_ONCE: Final = 16_384  # pairs worked on in one go: all that is known of them stays in the cache of a processor


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
    block = np.cumsum(size * (size - 1) // 2) // _AT_ONCE
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
    open_ = torn[ends]
    person[open_] = np.flatnonzero(open_)
    allowed = (found >= weights.veto) & open_[left]
    for keep, gone in divide(len(ends), left[allowed], right[allowed], found[allowed], weights.join):
        person[gone] = keep
    while not np.array_equal(person, first := person[person]):
        person = first
    return person


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


def divide(size: int, first: Ints, second: Ints, scores: Scores, join: int) -> Iterator[tuple[int, int]]:
    """Yield which two clusters become one, each named by its first report, the lower name first; at the start each report is one.

    Args:
        size: number of reports.
        first: the lower report of each pair that no veto parts, pairs in their order; two of any other never come into one cluster.
        second: the higher one.
        scores: of each of these pairs.
        join: what a fit must reach.
    """
    # Of each cluster those that it may become one with: best, sum and number of the scores between the two.
    near: list[dict[int, tuple[int, int, int]]] = [{} for _ in range(size)]
    listed = scores.tolist()
    for one, two, state in zip(first.tolist(), second.tolist(), zip(listed, listed, repeat(1), strict=False), strict=True):
        near[one][two] = near[two][one] = state
    # The best fit first, of equal ones the earlier pair: first what fits from the start, in a line, beside it what merges make anew.
    fitting = np.flatnonzero(scores >= join)
    fitting = fitting[np.argsort(-scores[fitting], kind="stable")]
    line = zip((-scores[fitting]).tolist(), first[fitting].tolist(), second[fitting].tolist(), strict=True)
    made: list[tuple[float, int, int, int]] = []
    head = next(line, None)
    while head or made:
        if head and (not made or head < made[0]):
            (_, keep, gone), number, head = head, 1, next(line, None)
        else:
            _, keep, gone, number = heappop(made)
        ours, theirs = near[keep], near[gone]
        then = ours.get(gone)
        if then is None or then[2] != number:
            continue
        yield keep, gone
        del ours[gone], theirs[keep]
        near[gone] = {}
        for other in theirs:
            del near[other][gone]
        both = near[keep] = {}
        for other, then in ours.items():
            moved = theirs.get(other)
            beside = near[other]
            if moved is None:
                del beside[keep]
                continue
            most = max(then[0], moved[0])
            total, number = then[1] + moved[1], then[2] + moved[2]
            both[other] = beside[keep] = (most, total, number)
            if most >= join and (fit := (most + total / number) / 2) >= join:
                heappush(made, (-fit, keep, other, number) if keep < other else (-fit, other, keep, number))
