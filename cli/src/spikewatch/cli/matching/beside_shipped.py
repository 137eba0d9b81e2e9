"""Tells how weights that nobody's labels confirmed divide the reports they were learnt from, beside the shipped weights."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import numpy as np

from spikewatch.cli.progress import say
from spikewatch.enrichment.adapters.matching_weights import LEARNT, load_weights
from spikewatch.enrichment.domain.matching.comparison import compare, oriented
from spikewatch.enrichment.domain.matching.fields import FIELDS
from spikewatch.enrichment.domain.matching.matcher import Matched, compared_pairs, match
from spikewatch.enrichment.domain.matching.records import Compared
from spikewatch.enrichment.domain.matching.weights import SCALE, Weights

__all__ = ["contradicting", "say_beside_shipped"]

_MUCH: Final = 2.0  # bits that a field weighs otherwise, in the mean of the pairs that state it


def say_beside_shipped(records: Sequence[Compared], weights: Weights) -> None:
    """Tell how many overdoses are divided otherwise than by the shipped weights, and which fields weigh much otherwise."""
    shipped = load_weights(LEARNT)
    ours, theirs = (match(records, one, learns_lags=True) for one in (weights, shipped))
    overdoses = _overdoses(theirs)
    otherwise = len(overdoses - _overdoses(ours))
    say(
        f"{otherwise:,} of the {len(overdoses):,} overdoses that the shipped weights find in these reports are divided otherwise. No label "
        f"tells which are right; unless match evaluate does, the shipped weights ({LEARNT}) are the safer choice"
    )
    if found := contradicting(theirs, weights, shipped):
        told = ", ".join(f"{name} ({bits:.1f})" for name, bits in found.items())
        say(f"fields that weigh otherwise, by so many bits in the mean: {told}; --weights {LEARNT} begins with the shipped weights")


def contradicting(matched: Matched, weights: Weights, shipped: Weights) -> dict[str, float]:
    """Return the fields that weigh otherwise by two bits or more in the mean of the compared pairs that state them, most first."""
    looked = compare(matched.columns, *oriented(matched.columns, *compared_pairs(matched)))
    apart = np.abs(weights.table - shipped.table) / SCALE
    bits = {field.name: float(apart[row[row > 0]].mean()) for field, row in zip(FIELDS, looked, strict=True) if row.any()}
    return {name: one for name, one in sorted(bits.items(), key=lambda item: -item[1]) if one >= _MUCH}


def _overdoses(matched: Matched) -> set[frozenset[UUID]]:
    members: dict[int, list[UUID]] = {}
    for record, founder in zip(matched.records, matched.clusters.founder.tolist(), strict=True):
        members.setdefault(founder, []).append(record.key)
    return {frozenset(keys) for keys in members.values()}
