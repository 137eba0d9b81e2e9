"""The reports that have a say in where the reports of a batch belong: grown tie by tie, floods left out.

A flood is more than ``FLOOD`` reports of one agency at one place within hours, or of one call: a feed that repeats itself. Each of its
reports stands alone, so that it costs its length and not its square, and the reports of others there are matched as ever.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from spikewatch.enrichment.domain.candidate import Candidate
from spikewatch.enrichment.domain.matching.decisions import DecisionLevel, Decisions
from spikewatch.enrichment.domain.matching.matcher import ties
from spikewatch.enrichment.domain.matching.records import revision_of
from spikewatch.enrichment.domain.matching.weights import Weights

__all__ = ["FLOOD", "Component", "Neighbourhood"]

FLOOD: Final = 500
"""Reports of one agency within 1.6 km and six hours. The largest known overdose clusters had a hundred people in a day."""


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
        self._known: dict[UUID, Candidate] = {}
        # Reports by number in the blocks: hashing a number costs a tenth of hashing a UUID, and here is done most.
        self._numbered: list[Candidate] = []
        self._block: dict[int, list[int]] = defaultdict(list)
        self._spot: dict[str, set[UUID]] = defaultdict(set)
        self._asked: set[int] = set()
        self._frontier: list[UUID] = []
        self._leaving: set[UUID] = set()  # newly found to be of a flood: what they were matched with so far is matched anew
        self._parent: dict[UUID, UUID] = {}

    @property
    def size(self) -> int:
        """How many reports were seen."""
        return len(self._known)

    def is_of_now(self, key: UUID, state: tuple[int, int]) -> bool:
        """Return whether a report that counts was matched in this state; one that does not count may be in any."""
        return key not in self._known or self._known[key].record.revision == revision_of(*state)

    @property
    def candidates(self) -> Collection[Candidate]:
        """Every report that was seen."""
        return self._known.values()

    @property
    def reached(self) -> set[UUID]:
        """Every report that takes part, also those that are withdrawn or gone."""
        return set(self._parent)

    @property
    def decisions(self) -> Decisions:
        """What people decided about the reports reached."""
        return self._decisions

    def reach(self, key: UUID, candidate: Candidate | None) -> None:
        """Take a report in; without a candidate it takes part only as a former member of incidents."""
        if candidate is not None:
            self.learn([candidate])
        if key not in self._parent:
            self._parent[key] = key
            if key in self._known:
                self._frontier.append(key)

    def knows(self, key: UUID) -> bool:
        """Return whether the report was seen, reached or not."""
        return key in self._known

    def unite(self, keys: Iterable[UUID]) -> None:
        """Bind reports that belong together for another reason than a tie; all must have been reached."""
        first, *rest = keys
        for other in rest:
            self._join(first, other)

    def obey(self, decisions: Decisions) -> list[frozenset[UUID]]:
        """Take note of what people decided; return the groups of reports that are bound by it and must be reached."""
        self._decisions = decisions
        return [group for group in decisions.together(DecisionLevel.INCIDENT) if not group.isdisjoint(self._parent)]

    def wanted(self) -> list[int]:
        """Return the blocks that must be looked up before ``spread``; each is asked for once."""
        probes = {probe for key in self._frontier if self._spreads(key) for probe in self._known[key].probes} - self._asked
        self._asked |= probes
        return sorted(probes)

    def learn(self, candidates: Iterable[Candidate]) -> None:
        """Take note of reports that lie in the blocks asked for."""
        for candidate in candidates:
            key = candidate.key
            if key not in self._known:
                self._known[key] = candidate
                for block in candidate.blocks:
                    self._block[block].append(len(self._numbered))
                self._numbered.append(candidate)
                for spot in candidate.spots:
                    self._spot[spot].add(key)

    def flood(self, spots: Collection[str]) -> None:
        """Take note of floods that another writer has found in the meantime."""
        self._flooded.update(spots)

    def knows_flood(self, spots: Collection[str]) -> bool:
        """Return whether any of these spots is known to be flooded."""
        return not self._flooded.isdisjoint(spots)

    def is_flooded(self, key: UUID) -> bool:
        """Return whether a report that was seen is one of a flood."""
        return bool(self._flooded) and self.knows_flood(self._known[key].spots)

    def spread(self) -> bool:
        """Follow the ties of all reports whose blocks are known now; return whether new blocks are wanted."""
        frontier, self._frontier = self._frontier, []
        self._tell_floods(frontier)
        standing = [key for key in frontier if self._spreads(key)]
        near: set[int] = set()
        for key in standing:
            for probe in self._known[key].probes:  # its own spot is among them, and so it is
                if (lying := self._block.get(probe)) is not None:
                    near.update(lying)
        leaving = self._leaving.intersection(standing)
        self._leaving -= leaving
        found = [self._numbered[number] for number in near]
        records = [one.record for one in found if not self._flooded or one.key in leaving or not self.knows_flood(one.spots)]
        for one, two in ties(records, self._weights, frozenset(standing), leaving):
            self._bind(one)
            self._bind(two)
            self._join(one, two)
        return bool(self._frontier)

    def _spreads(self, key: UUID) -> bool:
        return key in self._leaving or not self.is_flooded(key)

    def _tell_floods(self, frontier: list[UUID]) -> None:
        # All blocks of these reports' own spots are known now: what is counted here is all there is.
        waiting = set(frontier)
        for spot in {spot for key in frontier for spot in self._known[key].spots} - self._flooded:
            if len(keys := self._spot[spot]) > FLOOD:
                self._flooded.add(spot)
                self.new_floods[spot] = keys
                for key in keys:
                    # They were matched with others before: all of them are on their own from now on. What lies around each is read first.
                    self._bind(key)
                self._leaving |= keys
                self._frontier += keys & waiting
                waiting -= keys
                self.unite(keys)
        frontier[:] = waiting

    def components(self) -> list[Component]:
        """Return the connected reports."""
        groups: dict[UUID, list[UUID]] = defaultdict(list)
        for key in self._parent:
            groups[self._root(key)].append(key)
        return [Component(frozenset(keys), tuple(self._known[key] for key in keys if key in self._known)) for keys in groups.values()]

    def _bind(self, key: UUID) -> None:
        if key not in self._parent:
            self._parent[key] = key
            self._frontier.append(key)

    def _join(self, one: UUID, other: UUID) -> None:
        self._parent[self._root(other)] = self._root(one)

    def _root(self, key: UUID) -> UUID:
        parent = self._parent
        while (above := parent[key]) != key:
            parent[key] = key = parent[above]
        return key
