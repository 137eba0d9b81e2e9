"""What a person should look at first: the overdoses that are nearest to being divided otherwise, by how many reports hang on it."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import numpy as np

from spikewatch.enrichment.domain.matching.clustering import scored
from spikewatch.enrichment.domain.matching.columns import Ints
from spikewatch.enrichment.domain.matching.decisions import DecisionLevel, Decisions, Pair
from spikewatch.enrichment.domain.matching.explanation import Edge, edge
from spikewatch.enrichment.domain.matching.matcher import Matched, compared_pairs
from spikewatch.enrichment.domain.matching.weights import SCALE

__all__ = ["Doubt", "doubts"]

_FAR: Final = 8.0  # bits from the boundary beyond which the odds are hundreds to one: nobody need look


@dataclass(frozen=True, slots=True)
class Doubt:
    """One question: are the reports of the two sides about one person?

    Attributes:
        together: what the matcher says now.
        reports: one side; of a single overdose the report that is tied to it least.
        others: the other side.
        bits: how far the fit of the two sides lies above (positive) or below the boundary.
        weight: 1 at the boundary, falling to 0, times the number of reports on both sides: by it the questions are ordered.
        edge: the strongest pair between the sides, with its evidence.
    """

    together: bool
    reports: tuple[UUID, ...]
    others: tuple[UUID, ...]
    bits: float
    weight: float
    edge: Edge


@dataclass(slots=True)
class _Between:
    most: int = -(10**9)
    total: int = 0
    least: int = 10**9
    count: int = 0
    best: tuple[int, int] = (0, 0)

    def add(self, score: int, one: int, two: int) -> None:
        # Of equal scores the first pair in canonical order, so that nothing depends on how pairs were listed.
        if score > self.most or (score == self.most and (one, two) < self.best):
            self.most, self.best = score, (one, two)
        self.total, self.least, self.count = self.total + score, min(self.least, score), self.count + 1

    @property
    def fit(self) -> float:
        return (self.most + self.total / self.count) / 2


@dataclass(frozen=True, slots=True)
class _Settled:
    """What people decided about persons: the number of each report's group, and the pairs that are two people's."""

    group: dict[UUID, int]
    apart: frozenset[Pair]
    parted: frozenset[UUID]

    @classmethod
    def of(cls, decisions: Decisions) -> "_Settled":
        apart = decisions.apart(DecisionLevel.OVERDOSE)
        groups = enumerate(decisions.together(DecisionLevel.OVERDOSE))
        return cls({key: number for number, keys in groups for key in keys}, apart, frozenset(key for pair in apart for key in pair))

    def says(self, one: Sequence[UUID], two: Sequence[UUID]) -> bool:
        """Return whether it is decided if the two sides are one person."""
        sides = [{self.group[key] for key in side if key in self.group} for side in (one, two)]
        if not sides[0].isdisjoint(sides[1]):
            return True
        left, right = ([key for key in side if key in self.parted] for side in (one, two))
        return any(((first, second) if first < second else (second, first)) in self.apart for first in left for second in right)


def doubts(matched: Matched, decisions: Decisions, limit: int) -> list[Doubt]:
    """Return the most informative questions, first the one to ask first.

    Whether two are one person is no question any more when a decision in force says it, or what several say together; that two are of
    one incident says nothing about it. Nor is what a veto keeps apart. An overdose is in one question only: its answer may settle the
    others, or raise them anew.
    """
    settled = _Settled.of(decisions)
    first, second = compared_pairs(matched)
    scores = scored(matched.columns, first, second, matched.weights)
    founder = matched.clusters.founder
    inner = founder[first] == founder[second]
    found = [
        *_splits(matched, first[inner], second[inner], scores[inner].tolist(), settled.group.keys()),
        *_merges(matched, first[~inner], second[~inner], scores[~inner].tolist()),
    ]
    open_questions = [one for one in found if not settled.says(one[3], one[4])]
    open_questions.sort(key=lambda one: (-one[0], one[3], one[4]))
    records = {record.key: record for record in matched.records}
    asked: list[Doubt] = []
    about: set[UUID] = set()
    for weight, bits, together, reports, others, (one, two) in open_questions:
        if len(asked) == limit:
            break
        if about.isdisjoint(reports) and about.isdisjoint(others):
            about.update(reports, others)
            strongest = edge(records[one], records[two], matched.weights)
            asked.append(Doubt(together, reports, others, round(bits, 2), round(weight, 4), strongest))
    return asked


_Question = tuple[float, float, bool, tuple[UUID, ...], tuple[UUID, ...], tuple[UUID, UUID]]


def _splits(matched: Matched, first: Ints, second: Ints, scores: Sequence[int], decided: Collection[UUID]) -> list[_Question]:
    """Return of every overdose the report that is tied to the others least, and about which nothing was decided."""
    ties: dict[int, _Between] = defaultdict(_Between)
    for one, two, score in zip(first.tolist(), second.tolist(), scores, strict=True):
        ties[one].add(score, one, two)
        ties[two].add(score, one, two)
    loosest: dict[int, int] = {}
    for report in sorted(ties):
        if matched.records[report].key in decided:
            continue
        group = int(matched.clusters.founder[report])
        if group not in loosest or ties[report].fit < ties[loosest[group]].fit:
            loosest[group] = report
    members = _members(matched, loosest)
    return [
        question
        for group, report in loosest.items()
        if (question := _question(matched, [report], [one for one in members[group] if one != report], ties[report], together=True))
    ]


def _merges(matched: Matched, first: Ints, second: Ints, scores: Sequence[int]) -> list[_Question]:
    """Return the pairs of overdoses of which two reports were compared, and that were not joined."""
    founder = matched.clusters.founder
    near: set[tuple[int, int]] = set()
    for left, right, score in zip(founder[first].tolist(), founder[second].tolist(), scores, strict=True):
        if score >= matched.weights.join - _FAR * SCALE:
            near.add((left, right) if left < right else (right, left))
    members = _members(matched, {group for pair in near for group in pair})
    # The fit is over all pairs between the two, also those that nothing brought together.
    crossing = [(one, two, pair) for pair in sorted(near) for one in members[pair[0]] for two in members[pair[1]]]
    one_side, other_side = (np.array([part[side] for part in crossing], dtype=np.int64) for side in (0, 1))
    between: dict[tuple[int, int], _Between] = defaultdict(_Between)
    for (one, two, pair), score in zip(crossing, scored(matched.columns, one_side, other_side, matched.weights).tolist(), strict=True):
        between[pair].add(score, one, two)
    return [
        question
        for (one, two), found in between.items()
        if found.least >= matched.weights.veto
        and (question := _question(matched, members[one], members[two], found, together=False)) is not None
    ]


def _members(matched: Matched, groups: Collection[int]) -> dict[int, list[int]]:
    members: dict[int, list[int]] = defaultdict(list)
    for place, group in enumerate(matched.clusters.founder.tolist()):
        if group in groups:
            members[group].append(place)
    return members


def _question(matched: Matched, one: list[int], two: list[int], found: _Between, *, together: bool) -> _Question | None:
    bits = (found.fit - matched.weights.join) / SCALE
    if abs(bits) > _FAR:
        return None
    probability = float(1 / (1 + np.exp2(-bits)))
    weight = 4 * probability * (1 - probability) * (len(one) + len(two))
    reports, others = (tuple(matched.records[place].key for place in side) for side in (one, two))
    pair = matched.records[found.best[0]].key, matched.records[found.best[1]].key
    return weight, bits, together, reports, others, pair
