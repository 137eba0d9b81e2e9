"""From reports to incidents with overdoses: a pure function of the set of reports (docs/adr/0008-matching-foundation.md).

Invariant: no arrival order, repetition or history of earlier decisions takes part; equal sets give equal incidents.
The full matcher replaces the inside of ``match`` and keeps its signature.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import blake2b
from operator import attrgetter
from typing import Final
from uuid import UUID

from spikewatch.contracts.identifiers import incident_id
from spikewatch.enrichment.domain.candidate import Candidate
from spikewatch.enrichment.domain.links import Link

__all__ = ["MatchedIncident", "MatchedOverdose", "match"]

# Part of every digest: a change of the rules below or of survivorship must raise it, so that stored incidents are renewed when touched.
_RULES: Final = "1"
_order = attrgetter("order")


@dataclass(frozen=True, slots=True)
class MatchedOverdose:
    """The reports about one person, in canonical order; ``weakest`` is None for a single report."""

    reports: tuple[Candidate, ...]
    weakest: Link | None


@dataclass(frozen=True, slots=True)
class MatchedIncident:
    """The overdoses of one place and time, in the order of their founding reports."""

    incident_id: UUID
    overdoses: tuple[MatchedOverdose, ...]
    members: tuple[Candidate, ...]
    digest: str


@dataclass(slots=True)
class _Group:
    opened: float  # event time of the founding report, seconds since 1970
    members: list[Candidate]
    last: float

    def add(self, candidate: Candidate) -> None:
        self.members.append(candidate)
        self.last = max(self.last, candidate.links.seconds)


def match(candidates: Iterable[Candidate]) -> tuple[MatchedIncident, ...]:
    """Return the incidents of a set of reports that is closed under linking (one or several whole components).

    Reports are taken in canonical order (event time, report key). Each joins the earliest incident that holds a linked
    report and whose founding report lies within the link's window; when it reaches a second incident that lies whole
    within that window, the two become one. Else it founds a new incident. Because the window is counted from the
    founding report, a busy corner is cut into incidents of an hour instead of growing into one that never ends.
    """
    sweep = _Sweep()
    for candidate in sorted(candidates, key=_order):
        sweep.take(candidate)
    return tuple(_matched(group.members) for group in sweep.groups.values())


@dataclass(slots=True)
class _Sweep:
    groups: dict[int, _Group] = field(default_factory=dict)
    _group_of: dict[UUID, int] = field(default_factory=dict)
    _block: dict[str, list[Candidate]] = field(default_factory=lambda: defaultdict(list))

    def take(self, candidate: Candidate) -> None:
        at = candidate.links.seconds
        reached = self._reached(candidate)
        # Groups are numbered as they are founded, so the lowest number is the earliest incident.
        joinable = sorted(number for number, link in reached.items() if at - self.groups[number].opened <= link.seconds)
        if joinable:
            number = joinable[0]
            self.groups[number].add(candidate)
            for other in joinable[1:]:
                if self.groups[other].last - self.groups[number].opened <= reached[other].seconds:
                    self._merge(number, other)
        else:
            number = len(self._group_of)
            self.groups[number] = _Group(at, [candidate], at)
        self._group_of[candidate.key] = number
        for block in candidate.links.blocks:
            self._block[block].append(candidate)

    def _reached(self, candidate: Candidate) -> dict[int, Link]:
        reached: dict[int, Link] = {}
        for probe in candidate.links.probes:
            for earlier in self._block.get(probe, ()):
                number = self._group_of[earlier.key]
                if reached.get(number) is not Link.NUMBER and (link := candidate.links.link(earlier.links)) is not None:
                    reached[number] = max(link, reached.get(number, link))
        return reached

    def _merge(self, number: int, other: int) -> None:
        for moved in self.groups.pop(other).members:
            self.groups[number].add(moved)
            self._group_of[moved.key] = number


def _matched(members: list[Candidate]) -> MatchedIncident:
    ordered = sorted(members, key=_order)
    people: list[list[Candidate]] = []
    for report in ordered:
        open_to = [person for person in people if not any(_excludes(report, other) for other in person)]
        # Two patients of one scene often have calls of their own: the same number is a better sign than the order.
        same = (person for person in open_to if any(report.links.link(other.links) is Link.NUMBER for other in person))
        chosen = next(same, open_to[0] if open_to else None)
        if chosen is None:
            people.append([report])
        else:
            chosen.append(report)
    overdoses = tuple(MatchedOverdose(tuple(person), _weakest(person)) for person in people)
    return MatchedIncident(incident_id(ordered[0].key), overdoses, tuple(ordered), _digest(overdoses))


def _excludes(report: Candidate, other: Candidate) -> bool:
    # A report is about one person, so two reports of one agency in one incident are two people.
    return report.agency == other.agency or report.contradicts(other)


def _weakest(person: list[Candidate]) -> Link | None:
    weakest: Link | None = None
    for index, report in enumerate(person[1:], start=1):
        links = [link for other in person[:index] if (link := report.links.link(other.links)) is not None]
        best = max(links, default=Link.PLACE)  # joined through a report of another person: no better than the same place
        weakest = best if weakest is None else min(weakest, best)
    return weakest


def _digest(overdoses: tuple[MatchedOverdose, ...]) -> str:
    digest = blake2b(_RULES.encode(), digest_size=16)
    for overdose in overdoses:
        digest.update(b"|")
        for report in overdose.reports:
            digest.update(report.key.bytes + report.extract.revision.to_bytes(8, "big"))
    return digest.hexdigest()
