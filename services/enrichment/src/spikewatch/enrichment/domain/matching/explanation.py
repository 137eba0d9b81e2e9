"""Why reports are one overdose: the weight of each field for each pair, the strongest and the weakest tie, what would have split them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final
from uuid import UUID

import numpy as np

from spikewatch.enrichment.domain.matching.blocking import candidates
from spikewatch.enrichment.domain.matching.columns import Columns
from spikewatch.enrichment.domain.matching.comparison import compare, oriented
from spikewatch.enrichment.domain.matching.decisions import DecisionLevel, Decisions
from spikewatch.enrichment.domain.matching.fields import FIELDS, OFFSETS
from spikewatch.enrichment.domain.matching.matcher import Matched
from spikewatch.enrichment.domain.matching.records import Compared
from spikewatch.enrichment.domain.matching.weights import SCALE, Weights

__all__ = ["Edge", "Evidence", "Explanation", "are_compared", "edge", "explain", "explain_group", "fit", "fits"]

NOTHING_IN_FORCE: Final = Decisions()
_NOT_NEAR: Final = -100  # bits: a veto, or no tie at all
_DECIDED: Final = 10**6  # hundredths of a bit: what people decided holds whatever else is said
_SMALL: Final = 12  # reports up to which every set of fields is tried: some tens of milliseconds
_MOST_TRIED: Final = 3  # fields of a set


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one field says about a pair: in which context, on which level of agreement, and how many bits that weighs."""

    field: str
    context: str
    level: str
    bits: float


@dataclass(frozen=True, slots=True)
class Edge:
    """Two reports, the score of the pair in bits and the evidence that sums up to it. Fields that one of the two lacks are left out.

    ``is_decided``: people decided that they are of one overdose, and the score does not matter.
    """

    first: UUID
    second: UUID
    bits: float
    evidence: tuple[Evidence, ...]
    is_decided: bool = False


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why the reports of one overdose are together.

    Attributes:
        reports: their keys in canonical order.
        edges: every pair.
        strongest, weakest: of the edges; None for a single report.
        loosest: the report that is tied least to the others: it would have been split off first. What people decided is not loose; None
            when they decided about every report, or there is one.
        tie: half its best and half its mean score with the others, in bits.
        splits: the fewest fields of the loosest report that would have had to disagree for the overdose to be divided; empty when none
            would do, or nothing is loose. Of more than a dozen reports, or more than three fields, perhaps not the fewest.
            Other reports nearby are left aside.
        ways: every set of so many fields that would have done, ``splits`` first.
        outside: the best fit of another overdose nearby, in bits; None when there was none.
    """

    reports: tuple[UUID, ...]
    edges: tuple[Edge, ...]
    strongest: Edge | None
    weakest: Edge | None
    loosest: UUID | None
    tie: float | None
    splits: tuple[str, ...]
    outside: float | None
    ways: tuple[tuple[str, ...], ...] = ()


def edge(first: Compared, second: Compared, weights: Weights) -> Edge:
    """Return what speaks for and against two reports being about one person."""
    return _edges([first, second] if first.order < second.order else [second, first], weights)[0]


def explain(matched: Matched, report: UUID, decisions: Decisions = NOTHING_IN_FORCE) -> Explanation:
    """Return why the reports of one report's overdose are together; ``decisions`` are those they were matched by.

    Raises:
        KeyError: the report is not among those that stand.
    """
    place = {record.key: index for index, record in enumerate(matched.records)}[report]
    founder = matched.clusters.founder[place]
    members = [matched.records[index] for index in np.flatnonzero(matched.clusters.founder == founder).tolist()]
    nearest = int(matched.clusters.outside[place])
    return explain_group(members, matched.weights, None if nearest <= _NOT_NEAR * SCALE else nearest / SCALE, decisions)


def explain_group(
    members: Sequence[Compared], weights: Weights, outside: float | None, decisions: Decisions = NOTHING_IN_FORCE
) -> Explanation:
    """Return why reports that were found to be one overdose are; they are in canonical order, ``outside`` is as in ``Explanation``."""
    keys = tuple(record.key for record in members)
    if len(members) == 1:
        return Explanation(keys, (), None, None, None, None, (), outside)
    edges = _edges(members, weights)
    groups = decisions.together(DecisionLevel.OVERDOSE)
    edges = [replace(one, is_decided=any(one.first in group and one.second in group for group in groups)) for one in edges]
    by_report = {key: [one for one in edges if key in (one.first, one.second)] for key in keys}
    ties = {key: _tie([one.bits for one in own]) for key, own in by_report.items() if not any(one.is_decided for one in own)}
    loosest = min(ties, key=lambda key: (ties[key], keys.index(key)), default=None)
    ways = () if loosest is None else _ways(edges, keys.index(loosest), len(keys), weights)
    return Explanation(
        reports=keys,
        edges=tuple(edges),
        strongest=max(edges, key=lambda one: one.bits),
        weakest=min(edges, key=lambda one: one.bits),
        loosest=loosest,
        tie=None if loosest is None else round(ties[loosest], 2),
        splits=ways[0] if ways else (),
        outside=outside,
        ways=ways,
    )


def fit(one: Sequence[Compared], two: Sequence[Compared], weights: Weights) -> tuple[float, bool]:
    """Return how two groups of reports fit as one overdose, in bits (half the best, half the mean score), and whether a veto parts them."""
    return fits(one, [two], weights)[0]


def fits(one: Sequence[Compared], others: Sequence[Sequence[Compared]], weights: Weights) -> list[tuple[float, bool]]:
    """Return the ``fit`` of a group with each of some others, none of them empty; compared all at once."""
    if not others:
        return []
    columns = Columns.of([*one, *(record for group in others for record in group)])
    first, second = (places.ravel() for places in np.meshgrid(np.arange(len(one)), np.arange(len(one), len(columns))))
    # A row for each record of the others.
    scores = weights.scores(compare(columns, *oriented(columns, first, second))).astype(np.int64).reshape(-1, len(one))
    sizes = np.array([len(group) for group in others])
    begin = np.cumsum(sizes) - sizes
    most, least = np.maximum.reduceat(scores.max(axis=1), begin), np.minimum.reduceat(scores.min(axis=1), begin)
    mean = np.add.reduceat(scores.sum(axis=1), begin) / (sizes * len(one))
    return list(zip(((most + mean) / 2 / SCALE).tolist(), (least < weights.veto).tolist(), strict=True))


def are_compared(one: Sequence[Compared], others: Sequence[Sequence[Compared]]) -> list[bool]:
    """Return of some groups whether the matcher compares any of their reports with one of ``one``; else it does not matter how they fit."""
    told = [(record, place) for place, group in enumerate([one, *others]) for record in group]
    told.sort(key=lambda pair: pair[0].order)
    found = candidates(Columns.of([record for record, _ in told]), bounded=False)
    group = np.array([place for _, place in told])
    first, second = group[found.first], group[found.second]
    met = {*second[first == 0].tolist(), *first[second == 0].tolist()}
    return [place in met for place in range(1, len(others) + 1)]


def _edges(members: Sequence[Compared], weights: Weights) -> list[Edge]:
    columns = Columns.of(members)
    one, two = np.triu_indices(len(members), 1)
    first, second = oriented(columns, one, two)
    looked = compare(columns, first, second)
    made = []
    for number, (left, right) in enumerate(zip(first.tolist(), second.tolist(), strict=True)):
        evidence = []
        for field, offset, place in zip(FIELDS, OFFSETS, looked[:, number].tolist(), strict=True):
            bits = int(weights.table[place]) / SCALE
            if place and bits:
                context, level = divmod(place - offset, len(field.levels))
                evidence.append(Evidence(field.name, field.contexts[context], field.levels[level], bits))
        score = int(weights.table[looked[:, number]].sum()) / SCALE
        made.append(Edge(members[left].key, members[right].key, score, tuple(evidence)))
    return made


def _tie(bits: Sequence[float]) -> float:
    return (max(bits) + sum(bits) / len(bits)) / 2


def _ways(edges: Sequence[Edge], place: int, count: int, weights: Weights) -> tuple[tuple[str, ...], ...]:
    """Return the smallest sets of fields of one report of which each, had it disagreed, would have divided the overdose.

    Each is tried as the matcher would: every pair of the report weighs what the worst disagreement in these fields does, and the group is
    divided anew, so that a veto counts as it does there. That which leaves the least tie comes first, and in it the heaviest field.
    """
    own = [number for number, pair in enumerate(combinations(range(count), 2)) if place in pair]
    stated = [{one.field: one.bits for one in edges[number].evidence} for number in own]
    worst = [{one.field: _worst(one, weights) for one in edges[number].evidence if one.field != "prior"} for number in own]
    begun = [_DECIDED if one.is_decided else round(one.bits * SCALE) for one in edges]
    names = sorted({name for part in worst for name in part})

    def otherwise(fields: Sequence[str]) -> list[float]:
        parts = zip(stated, worst, strict=True)
        return [sum(low[name] if name in fields and name in low else bits for name, bits in said.items()) for said, low in parts]

    def is_divided(fields: Sequence[str]) -> bool:
        scores, bits = begun.copy(), otherwise(fields)
        for number, changed in zip(own, bits, strict=True):
            scores[number] = round(changed * SCALE)
        if count > _SMALL:
            return min(scores) < weights.veto or _tie(bits) * SCALE < weights.join
        return not _is_one(count, scores, weights)

    def tie(fields: Sequence[str]) -> tuple[float, Sequence[str]]:
        return _tie(otherwise(fields)), fields

    for size in range(1, min(len(names), _MOST_TRIED if count <= _SMALL else 1) + 1):
        if dividing := [fields for fields in combinations(names, size) if is_divided(fields)]:
            return tuple(tuple(sorted(fields, key=lambda name: tie([name]))) for fields in sorted(dividing, key=tie))
    # Beyond that one after the other, that first which leaves the least tie: perhaps not the fewest.
    turned: list[str] = []
    while names:
        turned.append(min(names, key=lambda name: tie([*turned, name])))
        names.remove(turned[-1])
        if is_divided(turned):
            return (tuple(turned),)
    return ()


def _is_one(count: int, scores: Sequence[int], weights: Weights) -> bool:
    """Return whether reports become one by the rule of ``clustering``, given the scores of (0, 1), (0, 2) and so on."""
    # Of each two groups the best score between them, the sum, the least and how many there are.
    between = {pair: (score, score, score, 1) for pair, score in zip(combinations(range(count), 2), scores, strict=True)}
    while between:
        fits = {pair: (most + total / number) / 2 for pair, (most, total, least, number) in between.items() if least >= weights.veto}
        best = min(fits, key=lambda pair: (-fits[pair], pair), default=None)
        if best is None or fits[best] < weights.join:
            return False
        keep, gone = best
        del between[best]
        for pair in [pair for pair in between if gone in pair]:
            other = pair[1] if pair[0] == gone else pair[0]
            ours = (keep, other) if keep < other else (other, keep)
            one, two = between.pop(pair), between[ours]
            between[ours] = (max(one[0], two[0]), one[1] + two[1], min(one[2], two[2]), one[3] + two[3])
    return True


def _worst(evidence: Evidence, weights: Weights) -> float:
    field, offset = next((one, start) for one, start in zip(FIELDS, OFFSETS, strict=True) if one.name == evidence.field)
    begin = offset + field.contexts.index(evidence.context) * len(field.levels)
    return min(int(weights.table[begin : begin + len(field.levels)].min()) / SCALE, evidence.bits)
