"""Learns weights: from labelled or reviewed pairs by counting, and without labels by expectation and maximisation."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import numpy as np
import numpy.typing as npt

from spikewatch.enrichment.domain.matching.blocking import candidates, pairs_within
from spikewatch.enrichment.domain.matching.columns import Columns, Floats, Ints
from spikewatch.enrichment.domain.matching.comparison import Looked, compare, oriented
from spikewatch.enrichment.domain.matching.fields import DISTANCE_EDGES_M, FIELDS, SIZE, TIME_EDGES_MIN, WEIGHTS_OF
from spikewatch.enrichment.domain.matching.records import Compared
from spikewatch.enrichment.domain.matching.visits import APART, against_rides, counted
from spikewatch.enrichment.domain.matching.weights import SCALE, Weights

__all__ = ["Counts", "count_labelled", "count_reviewed", "learn", "learn_unlabelled", "spread"]

_AT_ONCE: Final = 200_000
_POOL: Final = 8.0  # counts that the field's levels are given over all contexts before anything was seen
_CONTEXT: Final = 25.0  # counts that a context is given from all contexts together
_BELIEF: Final = 30.0  # matches in a context at which its own weights count as much as the ones begun with
_MOST: Final = 12.0  # bits: no single field decides alone, because any field can be mistyped
_MOST_PRIOR: Final = 30.0  # that one agency writes no two reports about a person is no matter of typing
_ORDERED: Final = frozenset({"time", "date", "distance", "age"})  # levels that neighbour one another
_FALLS_FROM: Final = {"distance": DISTANCE_EDGES_M.index(450)}  # levels from which none speaks more for one person than those before
# Levels of these speak the less for one person the further they lie from the most usual one; of how wide a level is follows which that is.
_WIDTHS: Final = {"time": np.diff(np.array([-np.inf, *TIME_EDGES_MIN, np.inf]))}
_REVIEWED: Final = 0.25  # what a reviewed pair counts of a labelled one
_FURTHEST: Final = 0.5  # bits from where it began that a weight may come to without labels
_PRIOR: Final = WEIGHTS_OF["prior"]
_TIME: Final = WEIGHTS_OF["time"]
_NEIGHBOURS: Final = np.array([0.2, 0.6, 0.2])


@dataclass(slots=True)
class Counts:
    """How often each level was seen among pairs about one person, and among pairs about two. Counts of several files add up."""

    same: Floats
    different: Floats

    @classmethod
    def none(cls) -> "Counts":
        """Return counts of nothing."""
        return cls(np.zeros(SIZE), np.zeros(SIZE))

    def add(self, looked: Looked, same: Floats) -> None:
        """Count compared pairs, each with the probability that it is about one person."""
        for row, counts in zip(looked, counted(looked), strict=True):
            self.same += np.bincount(row, weights=same, minlength=SIZE)
            self.different += np.bincount(row, weights=(1.0 - same) * counts, minlength=SIZE)


def count_labelled(records: Sequence[Compared], people: Mapping[UUID, object], counts: Counts) -> None:
    """Add the pairs of records, in canonical order, whose people are known; pairs of others are left out.

    Counted are the pairs that two agencies' records of the same hours and places make, whether or not they agree in age, and
    all pairs about one person, however far apart.
    """
    columns = Columns.of(records)
    known = {label: number for number, label in enumerate(dict.fromkeys(people.values()))}
    person = np.array([known[people[one.key]] if one.key in people else -1 for one in records], dtype=np.int64)
    found = candidates(columns, wide=True)
    pairs = np.union1d(found.first * len(records) + found.second, pairs_within(person) if len(records) else found.first)
    first, second = pairs // max(len(records), 1), pairs % max(len(records), 1)
    labelled = (person[first] >= 0) & (person[second] >= 0)
    first, second = first[labelled], second[labelled]
    for looked, part in _compared(columns, first, second):
        counts.add(looked, (person[first[part]] == person[second[part]]).astype(np.float64))


def count_reviewed(records: Sequence[Compared], reviewed: Mapping[tuple[UUID, UUID], bool], counts: Counts) -> int:
    """Add pairs of records, in canonical order, that somebody reviewed, and return how many of them counted.

    People choose what they review. So a pair counts a part of a labelled one; how often two records are of one person is not learnt from
    it; and of two persons only such counts as ``count_labelled`` would count: that people miles and days apart are two says nothing about
    those that are near.
    """
    place = {one.key: index for index, one in enumerate(records)}
    known = [
        (*sorted((place[one], place[two])), same) for (one, two), same in reviewed.items() if one in place and two in place and one != two
    ]
    if not known:
        return 0
    columns = Columns.of(records)
    first, second, same = (np.array(column, dtype=np.int64) for column in zip(*known, strict=True))
    near = candidates(columns, wide=True)
    counting = (same == 1) | np.isin(first * len(records) + second, near.first * len(records) + near.second)
    first, second, same = first[counting], second[counting], same[counting]
    own = Counts.none()
    for looked, part in _compared(columns, first, second):
        own.add(looked, same[part].astype(np.float64))
    own.same[_PRIOR] = own.different[_PRIOR] = 0.0
    counts.same += _REVIEWED * own.same
    counts.different += _REVIEWED * own.different
    return len(first)


def learn(counts: Counts, base: Weights, *, name: str, origin: str, only: Collection[str] | None = None) -> Weights:
    """Return the weights that counts tell; where little was seen, those of ``base`` stay, and of all fields but ``only`` ones, if given."""
    table = base.table / SCALE
    for field in FIELDS:
        if only is not None and field.name not in only:
            continue
        part = WEIGHTS_OF[field.name]
        shape = (len(field.contexts), len(field.levels))
        same, different = counts.same[part].reshape(shape), counts.different[part].reshape(shape)
        begun = base.table[part].reshape(shape) / SCALE
        if field.name == "prior":
            # As if so many pairs had been seen before, as often about one person as the weights begun with say.
            odds = np.log2((same + _BELIEF * np.exp2(begun)) / (different + _BELIEF))
            table[part] = np.clip(odds, -_MOST_PRIOR, _MOST_PRIOR).ravel()
            continue
        bits, is_time = np.zeros(shape), field.name == "time"
        for group in (APART, ~APART) if is_time else (slice(None),):
            ordered, widths = field.name in _ORDERED, _WIDTHS.get(field.name)
            bits[group] = _field_bits(same[group], different[group], ordered=ordered, falls_from=_FALLS_FROM.get(field.name), widths=widths)
        bits = against_rides(bits, different) if is_time else bits
        belief = np.minimum(same.sum(axis=1), different.sum(axis=1))[:, None]
        share = belief / (belief + _BELIEF)
        table[part] = np.clip(share * bits + (1.0 - share) * begun, -_MOST, _MOST).ravel()
    return base.with_table(table, name=name, origin=origin)


def learn_unlabelled(records: Sequence[Compared], base: Weights, *, rounds: int = 8, name: str = "em") -> Weights:
    """Return weights learnt from records, in canonical order, of which nobody said who is who.

    Each round weighs every pair by the probability that it is about one person under the weights of the round before. What one round
    believes of pairs that disagree in a field, the next takes for evidence: without bounds each goes further from what is so (of several
    people at a scene it makes one). So only the weights of time differences are free, which differ from county to county more than all
    else, and every other one stays within half a bit of where it began.
    """
    columns = Columns.of(records)
    found = candidates(columns, wide=True)
    first, second = oriented(columns, found.first, found.second)
    weights = base
    for _ in range(rounds):
        counts = Counts.none()
        for looked, _part in _compared(columns, first, second):
            odds = np.exp2(np.clip(weights.scores(looked) / SCALE, -60.0, 60.0))
            counts.add(looked, odds / (1.0 + odds))
        learnt = learn(counts, base, name=name, origin=f"{rounds} rounds without labels on {len(records)} reports, from {base.name}")
        table = np.clip(learnt.table / SCALE, base.table / SCALE - _FURTHEST, base.table / SCALE + _FURTHEST)
        table[_TIME] = learnt.table[_TIME] / SCALE
        weights = learnt.with_table(table, name=name, origin=learnt.origin)
    return weights


def _compared(columns: Columns, first: Ints, second: Ints) -> Iterator[tuple[Looked, slice]]:
    for begin in range(0, len(first), _AT_ONCE):
        part = slice(begin, begin + _AT_ONCE)
        yield compare(columns, *oriented(columns, first[part], second[part])), part


def _field_bits(same: Floats, different: Floats, *, ordered: bool, falls_from: int | None = None, widths: Floats | None = None) -> Floats:
    if ordered:
        same, different = spread(same), spread(different)
    pooled_same, pooled_different = same.sum(axis=0), different.sum(axis=0)
    # What is expected before anything was seen: that a level says nothing.
    everything = pooled_same + pooled_different + 0.5
    everything /= everything.sum()
    pooled_same = (pooled_same + _POOL * everything) / (pooled_same.sum() + _POOL)
    pooled_different = (pooled_different + _POOL * everything) / (pooled_different.sum() + _POOL)
    among_same = (same + _CONTEXT * pooled_same) / (same.sum(axis=1, keepdims=True) + _CONTEXT)
    among_different = (different + _CONTEXT * pooled_different) / (different.sum(axis=1, keepdims=True) + _CONTEXT)
    if falls_from is not None:
        for row_same, row_different in zip(among_same, among_different, strict=True):
            _fall(row_same[falls_from:], row_different[falls_from:])
    if widths is not None:
        for row_same, row_different in zip(among_same, among_different, strict=True):
            mode = int((row_same / widths).argmax())
            _fall(row_same[mode:], row_different[mode:])
            _fall(row_same[mode::-1], row_different[mode::-1])
    bits: Floats = np.log2(among_same / among_different)
    return bits


def _fall(same: Floats, different: Floats) -> None:
    """Count neighbouring levels as one, in place, wherever a further level would speak more for one person than a nearer one.

    Pairs of far places, or hours apart, are compared because they share something else, so that chance looks rare among them.
    """
    blocks: list[tuple[int, float, float]] = []  # levels, and how often they are seen
    for one, other in zip(same.tolist(), different.tolist(), strict=True):
        blocks.append((1, one, other))
        while len(blocks) > 1 and blocks[-1][1] * blocks[-2][2] > blocks[-2][1] * blocks[-1][2]:
            count, further_same, further_different = blocks.pop()
            levels, nearer_same, nearer_different = blocks.pop()
            blocks.append((levels + count, nearer_same + further_same, nearer_different + further_different))
    counts = [levels for levels, _, _ in blocks]
    same[:] = np.repeat([one / levels for levels, one, _ in blocks], counts)
    different[:] = np.repeat([other / levels for levels, _, other in blocks], counts)


def spread(counts: Floats) -> Floats:
    """Give each level a part of its neighbours' counts: bins are borders that nature does not know."""
    padded: npt.NDArray[np.float64] = np.pad(counts, ((0, 0), (1, 1)), mode="edge")
    spread: Floats = padded[:, :-2] * _NEIGHBOURS[0] + padded[:, 1:-1] * _NEIGHBOURS[1] + padded[:, 2:] * _NEIGHBOURS[2]
    return spread
