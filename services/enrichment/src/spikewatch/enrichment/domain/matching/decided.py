"""What people decided as pairs of places among the records: scores that nothing outweighs."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Final

import numpy as np
import numpy.typing as npt

from spikewatch.enrichment.domain.matching.columns import Ints
from spikewatch.enrichment.domain.matching.decisions import DecisionLevel, Decisions
from spikewatch.enrichment.domain.matching.records import Compared

__all__ = ["NOTHING", "NOTHING_DECIDED", "Decided", "Scores"]

NOTHING: Final = -(10**6)
"""Stands for no tie at all, in hundredths of a bit; below every veto."""

_CERTAIN: Final = 10**6  # above every sum of weights, so that what was decided is joined before all else

Scores = npt.NDArray[np.int32]


def _none() -> Ints:
    return np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Decided:
    """Pairs of records, the earlier first, that must be one overdose or must not; and for incidents the groups and the pairs."""

    together: tuple[Ints, Ints] = field(default_factory=lambda: (_none(), _none()))
    apart: tuple[Ints, Ints] = field(default_factory=lambda: (_none(), _none()))
    scenes: tuple[tuple[int, ...], ...] = ()
    scenes_apart: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, records: Sequence[Compared], decisions: Decisions) -> "Decided":
        """Return what decisions say of some records, given in canonical order."""
        if not decisions:
            return NOTHING_DECIDED
        place = {record.key: index for index, record in enumerate(records)}

        def groups(level: DecisionLevel) -> list[tuple[int, ...]]:
            present = (tuple(sorted(place[key] for key in group if key in place)) for group in decisions.together(level))
            return [group for group in present if len(group) > 1]

        def pairs(level: DecisionLevel) -> list[tuple[int, int]]:
            present = ((place[one], place[two]) for one, two in decisions.apart(level) if one in place and two in place)
            return sorted((min(pair), max(pair)) for pair in present)

        joined = [pair for group in groups(DecisionLevel.OVERDOSE) for pair in combinations(group, 2)]
        return cls(
            _columns(joined),
            _columns(pairs(DecisionLevel.OVERDOSE)),
            tuple(groups(DecisionLevel.INCIDENT)),
            tuple(pairs(DecisionLevel.INCIDENT)),
        )

    def with_apart(self, pairs: Sequence[tuple[int, int]]) -> "Decided":
        """Return the same with more pairs that must not be one overdose."""
        first, second = _columns(pairs)
        return replace(self, apart=(np.concatenate([self.apart[0], first]), np.concatenate([self.apart[1], second])))

    def joined(self, count: int, first: Ints, second: Ints, scores: Scores) -> tuple[Ints, Ints, Scores]:
        """Return the pairs with those that were decided to be together, and all scores as they were decided."""
        if not len(self.together[0]) and not len(self.apart[0]):
            return first, second, scores
        codes, places = np.unique(np.concatenate([first * count + second, self.together[0] * count + self.together[1]]), return_index=True)
        scores = np.concatenate([scores, np.full(len(self.together[0]), _CERTAIN, dtype=np.int32)])[places]
        return codes // count, codes % count, self.over(count, codes // count, codes % count, scores)

    def over(self, count: int, first: Ints, second: Ints, scores: Scores) -> Scores:
        """Return the scores of pairs, the earlier record first, with those in place of them that were decided."""
        for (one, two), score in ((self.together, _CERTAIN), (self.apart, NOTHING)):
            if len(one):
                scores = np.where(np.isin(first * count + second, one * count + two), np.int32(score), scores)
        return scores


NOTHING_DECIDED: Final = Decided()


def _columns(pairs: Sequence[tuple[int, int]]) -> tuple[Ints, Ints]:
    table = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]
