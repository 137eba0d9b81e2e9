"""Why several overdoses are one incident: people decided it, they are of one call, or of one place and hour."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from spikewatch.enrichment.domain.candidate import Candidate
from spikewatch.enrichment.domain.matching.codes import KIND_CODE
from spikewatch.enrichment.domain.matching.decisions import DecisionLevel, Decisions
from spikewatch.enrichment.domain.matching.matcher import CALL_S, SCENE_M, SCENE_S
from spikewatch.enrichment.domain.matching.records import Compared

__all__ = ["Bond", "bonds"]

_ELSEWHERE: Final = frozenset({KIND_CODE["ed"], KIND_CODE["me"]})  # may state the home or the hospital
_METRES: Final = 111_194.9  # of a degree of latitude
_REASONS: Final = ("decided", "same call", "same place and hour", "through other reports")


@dataclass(frozen=True, slots=True)
class Bond:
    """Why two overdoses, by number, are one incident: they were decided to be, are of one call, or of one place and time.

    ``through other reports``: none of it holds between reports that are kept.
    """

    first: int
    second: int
    because: str


def bonds(people: Sequence[Sequence[Candidate]], decisions: Decisions) -> tuple[Bond, ...]:
    """Return the bonds that hold overdoses together, one fewer than there are: the surest that reach the next one, from the first on."""
    groups = decisions.together(DecisionLevel.INCIDENT)
    # Of each overdose that is not reached yet the surest bond to one that is.
    waiting = {other: (len(_REASONS), 0) for other in range(1, len(people))}
    reached, found = 0, []
    while waiting:
        for other, known in waiting.items():
            waiting[other] = min(known, (_rank(people[reached], people[other], groups), reached))
        other = min(waiting, key=lambda one: (waiting[one][0], one))
        rank, one = waiting.pop(other)
        found.append(Bond(min(one, other) + 1, max(one, other) + 1, _REASONS[rank]))
        reached = other
    return tuple(sorted(found, key=lambda bond: (bond.second, bond.first)))


def _rank(one: Sequence[Candidate], two: Sequence[Candidate], groups: Sequence[frozenset[UUID]]) -> int:
    sides = [{report.key for report in side} for side in (one, two)]
    if any(not group.isdisjoint(sides[0]) and not group.isdisjoint(sides[1]) for group in groups):
        return 0
    pairs = [(first.record, second.record) for first in one for second in two]
    if any(first.cad and first.cad == second.cad and abs(first.seconds - second.seconds) <= CALL_S for first, second in pairs):
        return 1
    is_scene = any(
        _tells_scene(first)
        and _tells_scene(second)
        and abs(first.seconds - second.seconds) <= SCENE_S
        and _metres(first, second) <= SCENE_M
        for first, second in pairs
    )
    return 2 if is_scene else 3


def _tells_scene(one: Compared) -> bool:
    return 0 < one.place_class < 3 and not one.is_rough and one.kind not in _ELSEWHERE


def _metres(one: Compared, two: Compared) -> float:
    east = (one.lon - two.lon) * math.cos(math.radians((one.lat + two.lat) / 2))
    return math.hypot(one.lat - two.lat, east) * _METRES
