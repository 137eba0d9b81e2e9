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
from spikewatch.enrichment.domain.people import distinguish

__all__ = ["MatchedIncident", "MatchedOverdose", "match"]

# Part of every digest: a change of the rules below or of survivorship must raise it, so that stored incidents are renewed when touched.
_RULES: Final = "3"
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
    _founded: int = 0
    # Within a block by incident, so that a busy corner is asked incident by incident and not report by report.
    _block: dict[str, dict[int, list[Candidate]]] = field(default_factory=lambda: defaultdict(dict))

    def take(self, candidate: Candidate) -> None:
        reached = self._joinable(candidate)
        if reached:
            # Groups are numbered as they are founded, so the lowest number is the earliest incident.
            number, *others = sorted(reached)
            self.groups[number].add(candidate)
            for other in others:
                if self.groups[other].last - self.groups[number].opened <= reached[other].seconds:
                    self._merge(number, other)
        else:
            number = self._founded
            self._founded += 1
            self.groups[number] = _Group(candidate.links.seconds, [candidate], candidate.links.seconds)
        for block in candidate.links.blocks:
            self._block[block].setdefault(number, []).append(candidate)

    def _joinable(self, candidate: Candidate) -> dict[int, Link]:
        # Equal to asking every pair, for a fraction of it: candidates come in order of time, so none of an incident's
        # members is further away in time than its founding report, and whether the window reaches is asked once.
        links = candidate.links
        reached: dict[int, Link] = {}
        for probe in links.number_probes:
            for number in self._block.get(probe, ()):
                if self._since(candidate, number) <= Link.NUMBER.seconds:
                    reached[number] = Link.NUMBER
        for probe in links.place_probes:
            for number, members in self._block.get(probe, {}).items():
                if (
                    number not in reached
                    and self._since(candidate, number) <= Link.PLACE.seconds
                    and any(links.is_near(earlier.links) for earlier in members)
                ):
                    reached[number] = Link.PLACE
        return reached

    def _since(self, candidate: Candidate, number: int) -> float:
        return candidate.links.seconds - self.groups[number].opened

    def _merge(self, number: int, other: int) -> None:
        for moved in self.groups.pop(other).members:
            self.groups[number].add(moved)
            for block in moved.links.blocks:
                self._block[block].setdefault(number, []).extend(self._block[block].pop(other, ()))


def _matched(members: list[Candidate]) -> MatchedIncident:
    ordered = sorted(members, key=_order)
    people = distinguish(ordered)
    overdoses = tuple(MatchedOverdose(tuple(reports), _weakest(reports)) for reports in people)
    return MatchedIncident(incident_id(ordered[0].key), overdoses, tuple(ordered), _digest(overdoses))


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
            extract = report.extract
            digest.update(report.key.bytes + extract.revision.to_bytes(8, "big") + extract.geodata_version.to_bytes(8, "big"))
    return digest.hexdigest()
