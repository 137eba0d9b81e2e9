"""Learns from a file itself, without labels, when its agencies date an overdose; and how far off its places lie, where that is unusual."""

from dataclasses import fields
from typing import Final

import numpy as np

from spikewatch.enrichment.domain.matching.blocking import candidates
from spikewatch.enrichment.domain.matching.clustering import cluster
from spikewatch.enrichment.domain.matching.columns import Columns, Floats, Ints
from spikewatch.enrichment.domain.matching.comparison import Looked, compare, oriented
from spikewatch.enrichment.domain.matching.fields import DISTANCE_EDGES_M, FIELDS, KIND_PAIRS, PAIR_OF_KINDS, TIME_EDGES_MIN, WEIGHTS_OF
from spikewatch.enrichment.domain.matching.learning import Counts, learn, spread
from spikewatch.enrichment.domain.matching.weights import SCALE, Weights

__all__ = ["learn_lags"]

_MOST_PAIRS: Final = 200_000
_ROUNDS: Final = 4
_DIVIDED: Final = 10_000  # reports that are divided among people for their lags
_DIVISIONS: Final = 2
_DISPLACED: Final = 0.75  # bits that distances must fall short of what is usual by to be learnt: .66 where a city is three times as wide
_LATE: Final = 0.3  # the same of how late departments are after those whom they hardly ever meet directly
_NUMBER: Final = {one.name: number for number, one in enumerate(FIELDS)}
_PAIRS: Final = np.array(PAIR_OF_KINDS, dtype=np.int64)
_BINS: Final = len(TIME_EDGES_MIN) + 1
# Whoever states neither a hospital nor an exact age meets a department through others only.
_NOT_MET: Final = [KIND_PAIRS.index(pair) for pair in ("cad|ed", "fire|ed", "police|ed")]


def learn_lags(columns: Columns, first: Ints, second: Ints, base: Weights) -> Weights:
    """Return weights whose time differences are learnt from candidate pairs of the records themselves, all else as it was.

    When each agency dates an overdose differs from county to county more than anything else does, and it can be seen without
    labels: in the pairs that agree in everything else. Of many pairs those in the middle of the period are looked at.

    Then reports in the middle of the period are divided among people, and the pairs of one person are counted. Where many overdoses are
    near one another far more pairs agree by chance than usual; each looks likely by itself, but a report belongs to one person only.
    Distances are learnt, too, where they are quite other than usual: places that were displaced for privacy, or all lie a street off.
    """
    middle = max(len(first) - _MOST_PAIRS, 0) // 2
    part = slice(middle, middle + _MOST_PAIRS)
    looked = compare(columns, *oriented(columns, first[part], second[part]))
    times = looked[_NUMBER["time"], None]
    others = base.scores(looked) - base.scores(times)
    weights = base
    for _ in range(_ROUNDS):
        odds = np.exp2(np.clip((others + weights.scores(times)) / SCALE, -60.0, 60.0))
        weights = _learnt(_counted(times, odds / (1.0 + odds)), base, "time")
    begin = max(len(columns) - _DIVIDED, 0) // 2
    inside = (first >= begin) & (second < begin + _DIVIDED)
    if len(times[0]) < len(inside) or not inside.all():
        first, second = first[inside] - begin, second[inside] - begin
        columns = Columns(**{one.name: getattr(columns, one.name)[begin : begin + _DIVIDED] for one in fields(columns)})
        looked = compare(columns, *oriented(columns, first, second))
    return _learn_of_people(columns, first, second, looked, weights, base)


def _learn_of_people(columns: Columns, first: Ints, second: Ints, looked: Looked, weights: Weights, base: Weights) -> Weights:
    met = candidates(columns, wide=True)
    is_late = np.isin(_PAIRS[columns.kind[met.first], columns.kind[met.second]], _NOT_MET)
    one, two = met.first[is_late], met.second[is_late]
    late = compare(columns, *oriented(columns, one, two))[_NUMBER["time"], None]
    named = looked[[_NUMBER[name] for name in ("time", "date", "distance")]]
    for _ in range(_DIVISIONS):
        person = cluster(columns, first, second, weights.scores(looked), weights).founder
        counts = _counted(named, (person[first] == person[second]).astype(np.float64))
        of_late = _counted(late, (person[one] == person[two]).astype(np.float64))
        displaced = _short(counts, base, WEIGHTS_OF["distance"], len(DISTANCE_EDGES_M) + 1) >= _DISPLACED
        weights = _learnt(counts, base, *(("time", "date", "distance") if displaced else ("time", "date")))
        learnt_late = _learnt(of_late, base, "time")
        for pair in _NOT_MET:
            begin = WEIGHTS_OF["time"].start + pair * _BINS
            bins = slice(begin, begin + _BINS)
            if _short(of_late, base, bins, _BINS) >= _LATE:
                weights.table[bins] = learnt_late.table[bins]
    return weights


def _short(counts: Counts, base: Weights, part: slice, levels: int) -> float:
    """Return how many bits fewer ``base`` gives a pair of one person, in the mean, than it would if they had the levels that are usual.

    What is usual follows from how often two people's pairs have each level, and how much more often one person's have it by ``base``.
    """
    same, different = counts.same[part].reshape(-1, levels), spread(counts.different[part].reshape(-1, levels)) + 0.5
    bits = base.table[part].reshape(-1, levels) / SCALE
    usual = different * np.exp2(bits)
    usual *= same.sum(axis=1, keepdims=True) / usual.sum(axis=1, keepdims=True)
    return float(((usual - same) * bits).sum() / max(float(same.sum()), 1.0))


def _counted(looked: Looked, same: Floats) -> Counts:
    counts = Counts.none()
    counts.add(looked, same)
    return counts


def _learnt(counts: Counts, base: Weights, *names: str) -> Weights:
    """Return ``base`` with the weights of these fields as the counts tell them."""
    return learn(counts, base, name=base.name, origin=f"{base.origin}; {', '.join(names)} learnt without labels", only=names)
