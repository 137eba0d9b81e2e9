"""The reports that have a say in where the reports of a batch belong: grown tie by tie, floods left out.

A flood is more than ``FLOOD`` reports of one agency at one place within hours, or of one call: a feed that repeats itself. Each of its
reports stands alone, so that it costs its length and not its square, and the reports of others there are matched as ever.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from uuid import UUID, uuid5

import numpy as np

from spikewatch.enrichment.domain.candidate import Candidate
from spikewatch.enrichment.domain.matching.decisions import DecisionLevel, Decisions
from spikewatch.enrichment.domain.matching.matcher import ties
from spikewatch.enrichment.domain.matching.weights import Weights

__all__ = ["FLOOD", "Component", "Neighbourhood"]

FLOOD: Final = 500
"""Reports of one agency within 1.6 km and six hours. The largest known overdose clusters had a hundred people in a day."""

_ASIDE: Final = -1
_COUNTED: Final = UUID("5d9c3b0e-3f0b-4c86-9a53-6b1f0a7f2c41")  # of the names by which reports of floods are found to be counted
_DAY: Final = 24  # hours
_DAY_S: Final = 86_400.0


def _block_of(spot: str) -> int:
    """Return the block that a spot's reports lie in; its upper half is an hour since 1970."""
    return int(spot.rpartition("|")[2])


@lru_cache(64)
def _state_of(revision: tuple[float, str]) -> tuple[int, int]:
    """Return revision and version of the geodata again, of which ``revision_of`` was made."""
    return int(revision[0]), int(revision[1])


@dataclass(frozen=True, slots=True)
class Component:
    """Reports that have a say in one another's place: the keys of all that take part, and those that count."""

    keys: frozenset[UUID]
    reports: tuple[Candidate, ...]


class Neighbourhood:
    """Connected reports, found block by block.

    The caller alternates: ``wanted`` says which blocks to look up, ``learn`` takes what lies there, ``spread`` follows
    the ties. A report that was only looked at and is tied to nothing reached stays outside.

    Args:
        weights: what a pair is worth.
        flooded: spots whose floods are known; their reports need not be read any more.
    """

    def __init__(self, weights: Weights, flooded: Collection[str] = ()) -> None:
        self._weights = weights
        self._flooded = set(flooded)
        self.new_floods: dict[str, set[UUID]] = {}
        self._decisions = Decisions()
        # Reports by number: hashing a number costs a tenth of hashing a UUID, and here is done most.
        self._number: dict[UUID, int] = {}
        self._keys: list[UUID] = []
        self._seen: list[Candidate | None] = []
        self._parent: list[int] = []  # _ASIDE: only looked at
        self._reached: set[UUID] = set()
        self._block: dict[int, list[int]] = defaultdict(list)
        self._spot: dict[str, list[int]] = defaultdict(list)
        self._asked: set[int] = set()
        self._frontier: list[int] = []
        self._leaving: set[int] = set()  # newly found to be of a flood: what they were matched with so far is matched anew

    @property
    def size(self) -> int:
        """How many reports were seen or reached."""
        return len(self._seen)

    def states(self, keys: Iterable[UUID]) -> dict[UUID, tuple[int, int]]:
        """Return in which revision, placed by which version of the geodata, those of some reports are matched that count."""
        numbers = (self._number.get(key) for key in keys)
        seen = (self._seen[number] for number in numbers if number is not None)
        return {one.key: _state_of(one.record.revision) for one in seen if one is not None}

    @property
    def candidates(self) -> Iterator[Candidate]:
        """Every report that was seen."""
        return (one for one in self._seen if one is not None)

    @property
    def reached(self) -> set[UUID]:
        """Every report that takes part, also those that are withdrawn or gone."""
        return self._reached.copy()

    @property
    def decisions(self) -> Decisions:
        """What people decided about the reports reached."""
        return self._decisions

    def reach(self, key: UUID, candidate: Candidate | None) -> None:
        """Take a report in; without a candidate it takes part only as a former member of incidents."""
        number = self._numbered(key)
        if candidate is not None:
            self._see(number, candidate)
        if self._parent[number] == _ASIDE:
            self._bind(number)

    def knows(self, key: UUID) -> bool:
        """Return whether the report was seen, reached or not."""
        number = self._number.get(key)
        return number is not None and self._seen[number] is not None

    def unite(self, keys: Iterable[UUID]) -> None:
        """Bind reports that belong together for another reason than a tie; all must have been reached."""
        first, *rest = (self._number[key] for key in keys)
        for other in rest:
            self._join(first, other)

    def obey(self, decisions: Decisions) -> list[frozenset[UUID]]:
        """Take note of what people decided; return the groups of reports that are bound by it and must be reached."""
        self._decisions = decisions
        return [group for group in decisions.together(DecisionLevel.INCIDENT) if not group.isdisjoint(self._reached)]

    def wanted(self) -> list[int]:
        """Return the blocks that must be looked up before ``spread``; each is asked for once."""
        probes: set[int] = set()
        for one in self._standing(self._frontier):
            probes.update(one.probes)
        # Around those of floods nobody is looked for, but they count for another flood that may be there.
        for one in (self._candidate(number) for number in self._frontier) if self._flooded else ():
            if self.is_flooded(one):
                probes.update(_block_of(spot) for spot in one.spots if spot not in self._flooded)
        probes -= self._asked
        self._asked |= probes
        return sorted(probes)

    def learn(self, candidates: Iterable[Candidate]) -> None:
        """Take note of reports that lie in the blocks asked for."""
        for candidate in candidates:
            self._see(self._numbered(candidate.key), candidate)

    def flood(self, spots: Collection[str]) -> None:
        """Take note of floods that another writer has found in the meantime."""
        self._flooded.update(spots)

    def knows_flood(self, spots: Collection[str]) -> bool:
        """Return whether any of these spots is known to be flooded."""
        return not self._flooded.isdisjoint(spots)

    def is_flooded(self, candidate: Candidate) -> bool:
        """Return whether a report is one of a flood."""
        return bool(self._flooded) and self.knows_flood(candidate.spots)

    def counted_by(self, candidate: Candidate) -> frozenset[UUID]:
        """Return by what a report of a flood is found to be counted for a second one: it lies in no block any more."""
        return frozenset(uuid5(_COUNTED, spot) for spot in candidate.spots if spot not in self._flooded)

    def counted(self) -> set[UUID]:
        """Return by what those reports of known floods are found that count where the reports reached so far do."""
        # Only about the time of a flood: a report of it lies in both spots, and neither is longer than a day.
        flooding = {(spot.partition("|")[0], (_block_of(spot) >> 32) // _DAY + days) for spot in self._flooded for days in range(-2, 3)}
        reached = [self._seen[number] for number in self._frontier] if flooding else []
        near = [one for one in reached if one is not None and (one.record.agency, int(one.record.seconds // _DAY_S)) in flooding]
        return {name for one in near for name in self.counted_by(one)}

    def spread(self) -> bool:
        """Follow the ties of all reports whose blocks are known now; return whether new blocks are wanted."""
        frontier, self._frontier = self._frontier, []
        frontier = self._without_new_floods(frontier)
        # A set, because what lies at one place looks into the same blocks: each is gone through once, not once a report.
        probes = {probe for standing in self._standing(frontier) for probe in standing.probes}
        near: set[int] = set()
        for probe in probes:  # the spots of the frontier are among them, and so it is
            if (lying := self._block.get(probe)) is not None:
                near.update(lying)
        leaving, asked = self._leaving.intersection(frontier), set(frontier)
        self._leaving -= leaving
        standing = [number for number in near if number not in leaving and not self.is_flooded(self._candidate(number))]
        self._tie(standing, asked, ())
        # Those of a flood are held against the others and not against one another: in parts, as all at once would meet each with each.
        length = max(FLOOD, len(standing))
        flood = sorted(leaving)
        for begin in range(0, len(flood), length):
            part = flood[begin : begin + length]
            self._tie([*standing, *part], part, part)
        return bool(self._frontier)

    def _tie(self, compared: Sequence[int], of: Collection[int], flooded: Collection[int]) -> None:
        """Join those of some reports that are tied: each to one of ``of``, the flooded ones not to one another."""
        asked, many = set(of), set(flooded)
        if asked.isdisjoint(compared):
            return
        marks = np.array([number in asked for number in compared], dtype=np.bool_)
        apart = np.array([number in many for number in compared], dtype=np.bool_) if many else None
        for pair in ties([self._candidate(number).record for number in compared], self._weights, marks, apart):
            first, second = compared[pair[0]], compared[pair[1]]
            for number in (first, second):
                if self._parent[number] == _ASIDE:
                    self._bind(number)
            self._join(first, second)

    def components(self) -> list[Component]:
        """Return the connected reports."""
        groups: dict[int, list[int]] = defaultdict(list)
        for number, parent in enumerate(self._parent):
            if parent != _ASIDE:
                groups[self._root(number)].append(number)
        return [
            Component(
                frozenset(self._keys[number] for number in numbers),
                tuple(one for number in numbers if (one := self._seen[number]) is not None),
            )
            for numbers in groups.values()
        ]

    def _numbered(self, key: UUID) -> int:
        number = self._number.get(key)
        if number is None:
            number = self._number[key] = len(self._keys)
            self._keys.append(key)
            self._seen.append(None)
            self._parent.append(_ASIDE)
        return number

    def _see(self, number: int, candidate: Candidate) -> None:
        if self._seen[number] is not None:
            return
        self._seen[number] = candidate
        for block in candidate.blocks:
            self._block[block].append(number)
        for spot in candidate.spots:
            self._spot[spot].append(number)

    def _candidate(self, number: int) -> Candidate:
        candidate = self._seen[number]
        assert candidate is not None  # noqa: S101  # only what was seen lies in a block, and only that is at the frontier
        return candidate

    def _standing(self, numbers: Iterable[int]) -> Iterator[Candidate]:
        """Yield the reports that others are looked for around: all but those of floods that were left before."""
        for number in numbers:
            one = self._candidate(number)
            if number in self._leaving or not self.is_flooded(one):
                yield one

    def _without_new_floods(self, frontier: list[int]) -> list[int]:
        """Tell floods; return of the frontier what is looked around at once."""
        # All blocks of these reports' own spots are known now: what is counted here is all there is.
        waiting = set(frontier)
        for spot in {spot for number in frontier for spot in self._candidate(number).spots} - self._flooded:
            if len(numbers := self._spot[spot]) > FLOOD:
                self._flooded.add(spot)
                self.new_floods[spot] = {self._keys[number] for number in numbers}
                for number in numbers:
                    # They were matched with others before: all of them are on their own from now on. What lies around each is read first.
                    if self._parent[number] == _ASIDE:
                        self._bind(number)
                    self._join(numbers[0], number)
                self._leaving.update(numbers)
                self._frontier += waiting.intersection(numbers)
                waiting.difference_update(numbers)
        return list(waiting)

    def _bind(self, number: int) -> None:
        self._parent[number] = number
        self._reached.add(self._keys[number])
        if self._seen[number] is not None:
            self._frontier.append(number)

    def _join(self, one: int, other: int) -> None:
        self._parent[self._root(other)] = self._root(one)

    def _root(self, number: int) -> int:
        parent = self._parent
        while (above := parent[number]) != number:
            parent[number] = number = parent[above]
        return number
