"""Draws for people why reports are one overdose: who fits whom, what every field weighs, what would have split them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from spikewatch.cli.tables import print_table
from spikewatch.enrichment.domain.matching.explanation import Edge, Explanation

__all__ = ["draw_explanation", "evidence_rows"]

_PAIRS_AT_ONCE: Final = 6  # columns of a table that still fit a terminal
_MOST_PAIRS: Final = 36  # every field of every pair up to nine reports; of more, the strongest and the weakest pair


def draw_explanation(told: Explanation, names: Mapping[UUID, str], join: float) -> None:
    """Print an explanation; ``names`` says how each report is called, ``join`` is the boundary in bits."""
    if told.edges:
        _draw_matrix(told, names)
        edges = sorted(told.edges, key=lambda one: -one.bits)
        if len(edges) > _MOST_PAIRS:
            edges = [edges[0], edges[-1]]
        for start in range(0, len(edges), _PAIRS_AT_ONCE):
            _draw_fields(edges[start : start + _PAIRS_AT_ONCE], names)
    for kind, edge in (("strongest", told.strongest), ("weakest", told.weakest)):
        if edge is not None:
            print(f"{kind}: {_pair(edge, names)} {edge.bits:+.2f} bits ({kind}{', but decided' if edge.is_decided else ''})")
    if decided := [_pair(edge, names) for edge in told.edges if edge.is_decided]:
        print(f"people decided that they are one overdose, whatever the bits say: {'; '.join(decided)}")
    if told.loosest is not None and told.tie is not None:
        print(f"least tied: {names[told.loosest]} by {told.tie:+.2f} bits; they join from {join:+.2f}")
        print(f"it would have stood alone had there been another {' and another '.join(told.splits) or 'report: no field would do'}")
    if told.outside is not None:
        print(f"the nearest overdose left out fits by {told.outside:+.2f} bits")


def _draw_matrix(told: Explanation, names: Mapping[UUID, str]) -> None:
    said = {frozenset((edge.first, edge.second)): f"{edge.bits:+.1f}{' decided' if edge.is_decided else ''}" for edge in told.edges}
    rows = [{"bits": names[one]} | {names[two]: said.get(frozenset((one, two)), "") for two in told.reports} for one in told.reports]
    print_table(rows, title="How well each fits each, in bits")


def _draw_fields(edges: Sequence[Edge], names: Mapping[UUID, str]) -> None:
    fields: dict[str, float] = {}
    for edge in edges:
        for one in edge.evidence:
            fields[one.field] = fields.get(one.field, 0.0) + abs(one.bits)
    said = [{one.field: f"{one.bits:+.2f} {one.level}" for one in edge.evidence} for edge in edges]
    titles = [_pair(edge, names) for edge in edges]
    rows: list[dict[str, Any]] = [
        {"field": name} | {title: part.get(name) for title, part in zip(titles, said, strict=True)}
        for name in sorted(fields, key=lambda name: (-fields[name], name))
    ]
    rows.append({"field": "sum"} | {title: f"{edge.bits:+.2f}" for title, edge in zip(titles, edges, strict=True)})
    print_table(rows, title="What each field weighs, in bits")


def evidence_rows(edge: Edge) -> list[dict[str, Any]]:
    """Return the evidence of one pair as rows of a table, what speaks for it first."""
    return [
        {"field": one.field, "among": one.context, "says": one.level, "bits": f"{one.bits:+.2f}"}
        for one in sorted(edge.evidence, key=lambda one: -one.bits)
    ]


def _pair(edge: Edge, names: Mapping[UUID, str]) -> str:
    return f"{names[edge.first]} and {names[edge.second]}"
