"""What people decided, as far as it is in force: which reports must be together and which must not.

Invariant: a function of the set of decisions; no order of arrival and no repetition takes part. What is in force never contradicts
itself: no two reports that must not be together are joined by decisions, and what is one overdose is one incident.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import combinations, product
from typing import Final
from uuid import UUID

from spikewatch.contracts.decision import Decision, DecisionKind, DecisionLevel

__all__ = ["Decision", "DecisionKind", "DecisionLevel", "Decisions", "Force", "Pair"]

Pair = tuple[UUID, UUID]
"""Two report keys, the lesser first."""

_BOTH: Final = (DecisionLevel.OVERDOSE, DecisionLevel.INCIDENT)


class Force(StrEnum):
    """Whether what a decision says holds."""

    WHOLE = "in force"
    PART = "in force in part"
    OUTRANKED = "outranked"
    UNDONE = "undone"


@dataclass(slots=True)
class _Level:
    """The groups that decisions made on one level, and what stands between them."""

    parent: dict[UUID, UUID] = field(default_factory=dict)
    members: dict[UUID, set[UUID]] = field(default_factory=dict)
    apart: set[Pair] = field(default_factory=set)
    between: dict[UUID, set[UUID]] = field(default_factory=lambda: defaultdict(set))  # reports that must not join a root's group

    def root(self, key: UUID) -> UUID:
        while (above := self.parent.get(key, key)) != key:
            key = above
        return key

    def group(self, key: UUID) -> set[UUID]:
        return self.members.get(self.root(key), {key})

    def may_join(self, one: UUID, two: UUID) -> bool:
        return self.between.get(self.root(one), set()).isdisjoint(self.group(two))

    def join(self, one: UUID, two: UUID) -> None:
        kept, gone = sorted((self.root(one), self.root(two)))
        if kept != gone:
            self.members[kept] = self.group(kept) | self.group(gone)
            self.members.pop(gone, None)
            self.parent[gone] = kept
            if gone in self.between:
                self.between[kept] |= self.between.pop(gone)

    def part(self, one: UUID, two: UUID) -> None:
        self.apart.add((one, two))
        self.between[self.root(one)].add(two)
        self.between[self.root(two)].add(one)


class Decisions:
    """What is in force of a set of decisions. Falsy when nothing is.

    Decisions are taken from the latest to the earliest (of two of one moment the greater id counts as later). A pair that can no
    longer be what was decided earlier, because later decisions say otherwise, is passed over. An overdose that is decided to be one is
    in one incident, and what is decided to be two incidents is two overdoses.
    """

    def __init__(self, decisions: Iterable[Decision] = ()) -> None:
        known = {one.decision_id: one for one in decisions}
        self.all: Final = tuple(sorted(known.values(), key=lambda one: (one.decided_at, one.decision_id), reverse=True))
        undone = {one.undoes for one in self.all}
        self.standing: Final = tuple(one for one in self.all if one.kind is not DecisionKind.UNDO and one.decision_id not in undone)
        self._levels: Final = {level: _Level() for level in _BOTH}
        self._force: Final[dict[UUID, Force]] = {}
        for decision in self.standing:
            taken = [self._take(decision, one, two) for one, two in _pairs(decision)]
            self._force[decision.decision_id] = Force.WHOLE if all(taken) else Force.PART if any(taken) else Force.OUTRANKED

    def __bool__(self) -> bool:
        return bool(self.standing)

    def force(self, decision: Decision) -> Force:
        """Return whether what a decision says holds beside the later ones. Nothing takes an undo back, so it is in force."""
        return Force.WHOLE if decision.kind is DecisionKind.UNDO else self._force.get(decision.decision_id, Force.UNDONE)

    def together(self, level: DecisionLevel) -> tuple[frozenset[UUID], ...]:
        """Return the groups of reports that must be one overdose or incident: disjoint, of two at least, by their least key."""
        groups = self._levels[level].members
        return tuple(frozenset(groups[root]) for root in sorted(groups) if len(groups[root]) > 1)

    def apart(self, level: DecisionLevel) -> frozenset[Pair]:
        """Return the pairs of reports that must not be one overdose or incident; no pair is within a group of ``together``.

        What holds for a report of a group holds for all of it: who is in one incident with A is no person of an incident that A is not of.
        """
        own, scene = self._levels[level], self._levels[DecisionLevel.INCIDENT]
        found = set(own.apart)
        for pairs, groups in ((own.apart, own), (scene.apart, scene)):
            for one, two in pairs:
                found.update((min(pair), max(pair)) for pair in product(groups.group(one), groups.group(two)))
        return frozenset(found)

    def of(self, reports: Collection[UUID]) -> "Decisions":
        """Return what bears on some reports: the decisions about them, about what those name, and so on.

        They say of these reports what all decisions say.
        """
        about: dict[UUID, list[Decision]] = defaultdict(list)
        for decision in self.all:
            for key in (*decision.reports, *decision.others):
                about[key].append(decision)
        reached, waiting, found = set(reports), list(reports), dict[UUID, Decision]()
        while waiting:
            for decision in about.get(waiting.pop(), ()):
                if decision.decision_id not in found:
                    found[decision.decision_id] = decision
                    new = {*decision.reports, *decision.others} - reached
                    reached |= new
                    waiting += new
        # An undo that names other reports than what it undoes is one all the same.
        return Decisions((*found.values(), *(one for one in self.all if one.undoes in found)))

    def _take(self, decision: Decision, one: UUID, two: UUID) -> bool:
        """Take what a decision says of two reports in; False: it is passed over, because later ones say otherwise."""
        # An overdose is joined on both levels or on none; an incident is parted on both.
        is_together = decision.kind is DecisionKind.TOGETHER
        both = is_together is (decision.level is DecisionLevel.OVERDOSE)
        levels = [self._levels[level] for level in (_BOTH if both else (decision.level,))]
        own = self._levels[decision.level]
        if not (all(level.may_join(one, two) for level in levels) if is_together else own.root(one) != own.root(two)):
            return False
        for level in levels:
            if is_together:
                level.join(one, two)
            else:
                level.part(one, two)
        return True


def _pairs(decision: Decision) -> Iterator[Pair]:
    # In the order of the keys, so that which of them is passed over does not depend on how they were written.
    if decision.others:
        found = ((one, two) if one < two else (two, one) for one, two in product(decision.reports, decision.others))
    else:
        found = ((one, two) for one, two in combinations(sorted(set(decision.reports)), 2))
    yield from sorted(found)
