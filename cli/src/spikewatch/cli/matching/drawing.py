"""Draws for people why reports are one overdose: who fits whom, what every field weighs, what would have split them."""

import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from spikewatch.cli.tables import print_table
from spikewatch.enrichment.domain.matching.explanation import Edge, Evidence, Explanation

__all__ = ["draw_explanation", "evidence_rows", "width"]

_PIPED: Final = 200  # columns where there is no terminal
_PAIR: Final = 24  # columns that one pair takes in a table, or one report
_MOST_PAIRS: Final = 36  # every field of every pair up to nine reports; of more, the strongest and the weakest pair
_MOST_WAYS: Final = 4
_FIELDS: Final = {
    "cad": "number of the call",
    "naloxone": "statement about naloxone",
    "zip": "ZIP code",
    "distance": "place",
    "house": "house number",
    "doses": "number of doses",
}
_UNITS: Final = {"time": "min", "date": "days", "distance": "m", "age": "years"}


def width() -> int:
    """Return how many columns what is printed may take."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else _PIPED


def draw_explanation(told: Explanation, names: Mapping[UUID, str], join: float, nearest: str | None = None) -> None:
    """Print an explanation.

    Args:
        told: it.
        names: how each report is called.
        join: the boundary in bits.
        nearest: what was left out, in words; None: as the explanation knows it.
    """
    if told.edges:
        _draw_matrix(told, names)
        _draw_pairs(told, names)
    for kind, edge in (("strongest", told.strongest), ("weakest", told.weakest)):
        if edge is not None:
            print(f"{kind}: {_pair(edge, names)} {edge.bits:+.2f} bits{', but decided' if edge.is_decided else ''}")
    if decided := [_pair(edge, names) for edge in told.edges if edge.is_decided]:
        print(f"people decided that they are one overdose, whatever the bits say: {'; '.join(decided)}")
    if told.loosest is not None and told.tie is not None:
        print(f"least tied: {names[told.loosest]} by {told.tie:+.2f} bits; they join from {join:+.2f}")
        if told.ways:
            ways = ", or ".join(
                f"another {' and another '.join(_FIELDS.get(name, name) for name in way)}" for way in told.ways[:_MOST_WAYS]
            )
            print(f"the overdose would have been split had this report stated {ways}")
        else:
            print("no other statement of this report would have split the overdose")
    if nearest is not None:
        print(nearest)
    elif told.outside is not None:
        print(f"the nearest overdose left out fits by {told.outside:+.2f} bits")


def _draw_matrix(told: Explanation, names: Mapping[UUID, str]) -> None:
    said = {frozenset((edge.first, edge.second)): f"{edge.bits:+.1f}{' decided' if edge.is_decided else ''}" for edge in told.edges}
    rows = [{"bits": names[one]} | {names[two]: said.get(frozenset((one, two)), "") for two in told.reports} for one in told.reports]
    print_table(rows, title="How well each fits each, in bits")


def _draw_pairs(told: Explanation, names: Mapping[UUID, str]) -> None:
    edges = sorted(told.edges, key=lambda one: -one.bits)
    if len(edges) > _MOST_PAIRS:
        edges = [edges[0], edges[-1]]
    at_once = max(1, width() // _PAIR - 1)
    for start in range(0, len(edges), at_once):
        _draw_fields(edges[start : start + at_once], names)


def _draw_fields(edges: Sequence[Edge], names: Mapping[UUID, str]) -> None:
    fields: dict[str, float] = {}
    for edge in edges:
        for one in edge.evidence:
            fields[one.field] = fields.get(one.field, 0.0) + abs(one.bits)
    said = [{one.field: f"{one.bits:+.2f} {_level(one)}" for one in edge.evidence} for edge in edges]
    titles = [_pair(edge, names) for edge in edges]
    rows: list[dict[str, Any]] = [
        {"field": name} | {title: part.get(name) for title, part in zip(titles, said, strict=True)}
        for name in sorted(fields, key=lambda name: (-fields[name], name))
    ]
    rows.append({"field": "sum"} | {title: f"{edge.bits:+.2f}" for title, edge in zip(titles, edges, strict=True)})
    print_table(rows, title="What each field weighs, in bits")


def _level(one: Evidence) -> str:
    """Return what a field says of a pair, with the unit of a difference."""
    level = f"{one.level.replace('..', ' to ')} {_UNITS[one.field]}" if one.field in _UNITS else one.level
    return level if one.field != "prior" else "for these kinds"


def evidence_rows(edge: Edge) -> list[dict[str, Any]]:
    """Return the evidence of one pair as rows of a table, what speaks for it first."""
    return [
        {"field": one.field, "among": one.context, "says": _level(one), "bits": f"{one.bits:+.2f}"}
        for one in sorted(edge.evidence, key=lambda one: -one.bits)
    ]


def _pair(edge: Edge, names: Mapping[UUID, str]) -> str:
    return f"{names[edge.first]} and {names[edge.second]}"
