"""Why reports are one overdose: the weight of each field for each pair, the strongest and the weakest tie, what would have split them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

import numpy as np

from spikewatch.enrichment.domain.matching.columns import Columns
from spikewatch.enrichment.domain.matching.comparison import compare, oriented
from spikewatch.enrichment.domain.matching.decisions import DecisionLevel, Decisions
from spikewatch.enrichment.domain.matching.fields import FIELDS, OFFSETS
from spikewatch.enrichment.domain.matching.matcher import Matched
from spikewatch.enrichment.domain.matching.records import Compared
from spikewatch.enrichment.domain.matching.weights import SCALE, Weights

__all__ = ["Edge", "Evidence", "Explanation", "edge", "explain", "explain_group", "fit"]

NOTHING_IN_FORCE: Final = Decisions()
_NOT_NEAR: Final = -100  # bits: a veto, or no tie at all


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
        splits: the fewest fields that would have had to disagree for the loosest report to stand alone; empty when none would do, or
            nothing is loose.
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
    return Explanation(
        keys,
        tuple(edges),
        max(edges, key=lambda one: one.bits),
        min(edges, key=lambda one: one.bits),
        loosest,
        None if loosest is None else round(ties[loosest], 2),
        () if loosest is None else _splits(by_report[loosest], weights),
        outside,
    )


def fit(one: Sequence[Compared], two: Sequence[Compared], weights: Weights) -> tuple[float, bool]:
    """Return how two groups of reports fit as one overdose, in bits (half the best, half the mean score), and whether a veto parts them."""
    columns = Columns.of([*one, *two])
    first, second = (places.ravel() for places in np.meshgrid(np.arange(len(one)), len(one) + np.arange(len(two))))
    scores = weights.scores(compare(columns, *oriented(columns, first, second)))
    return float(scores.max() + scores.mean()) / 2 / SCALE, bool(scores.min() < weights.veto)


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


def _splits(edges: Sequence[Edge], weights: Weights) -> tuple[str, ...]:
    """Return the fewest fields that would have had to disagree so that the tie falls below the threshold, the heaviest first."""
    stated = [{one.field: one.bits for one in edge.evidence} for edge in edges]
    worst = [{one.field: _worst(one, weights) for one in edge.evidence if one.field != "prior"} for edge in edges]
    names = sorted({name for part in worst for name in part})
    turned: list[str] = []

    def otherwise(fields: list[str]) -> float:
        parts = zip(stated, worst, strict=True)
        return _tie([sum(low[name] if name in fields and name in low else bits for name, bits in said.items()) for said, low in parts])

    while names:
        lowering = min(names, key=lambda name: (otherwise([*turned, name]), name))
        turned.append(lowering)
        names.remove(lowering)
        if otherwise(turned) < weights.join / SCALE:
            return tuple(turned)
    return ()


def _worst(evidence: Evidence, weights: Weights) -> float:
    field, offset = next((one, start) for one, start in zip(FIELDS, OFFSETS, strict=True) if one.name == evidence.field)
    begin = offset + field.contexts.index(evidence.context) * len(field.levels)
    return min(int(weights.table[begin : begin + len(field.levels)].min()) / SCALE, evidence.bits)
