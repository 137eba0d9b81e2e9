"""The incidents of a set of reports as the rest of enrichment sees them: who belongs where, how sure that is, and a digest of it all."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Final, TypeVar
from uuid import UUID

from spikewatch.contracts.identifiers import incident_id
from spikewatch.enrichment.domain.candidate import Candidate
from spikewatch.enrichment.domain.matching.decisions import DecisionLevel, Decisions
from spikewatch.enrichment.domain.matching.matcher import match
from spikewatch.enrichment.domain.matching.weights import Weights

__all__ = ["MatchedIncident", "MatchedOverdose", "matched"]

T = TypeVar("T")
# Part of every digest: a change of the matcher or of survivorship must raise it, so that stored incidents are renewed when touched.
_RULES: Final = "12"
_SURELY_MORE: Final = 10**6  # as if a report that fits perfectly had been left out


@dataclass(frozen=True, slots=True)
class MatchedOverdose:
    """The reports about one person, in canonical order.

    ``confidence`` is the probability that they are all of that person's, and no other's. ``is_flooded``: its report is one of so many of
    its agency at one place that they were not compared.
    """

    reports: tuple[Candidate, ...]
    confidence: float
    is_flooded: bool = False


@dataclass(frozen=True, slots=True)
class MatchedIncident:
    """The overdoses of one call or scene, in the order of their founding reports."""

    incident_id: UUID
    overdoses: tuple[MatchedOverdose, ...]
    members: tuple[Candidate, ...]
    digest: str


def matched(
    candidates: Iterable[Candidate], weights: Weights, decisions: Decisions, flooded: Collection[UUID] = ()
) -> tuple[MatchedIncident, ...]:
    """Return the incidents of a set of reports that is closed under ties (one or several whole components).

    Args:
        candidates: each report once.
        weights: what a pair is worth; their label is part of the digests.
        decisions: what people decided.
        flooded: the keys of the reports that are part of a flood: each is an incident of its own.
    """
    by_key = {one.key.int: one for one in candidates}  # a number is hashed in a tenth of the time of a UUID
    apart = {key.int for key in flooded}
    found = match([one.record for key, one in by_key.items() if key not in apart], weights, decisions=decisions, bounded=False)
    standing = [by_key[record.key.int] for record in found.records]
    rules = f"{_RULES}|{weights.label}".encode()
    made: list[MatchedIncident] = []
    for scene, people in found.scenes().items():
        overdoses = tuple([MatchedOverdose(tuple([standing[at] for at in places]), sure) for places, sure in people.values()])
        members = overdoses[0].reports
        if len(overdoses) > 1:
            members = tuple([standing[at] for at in sorted([at for places, _ in people.values() for at in places])])
        made.append(MatchedIncident(incident_id(standing[scene].key), overdoses, members, _digest(overdoses, rules)))
    alone = weights.confidence.of(1, 0, _SURELY_MORE)
    for one in [one for key, one in by_key.items() if key in apart]:
        overdoses = (MatchedOverdose((one,), alone, is_flooded=True),)
        made.append(MatchedIncident(incident_id(one.key), overdoses, (one,), _digest(overdoses, rules)))
    return tuple(_obeyed(made, apart, decisions, rules) if apart and decisions else made)


def _obeyed(made: Sequence[MatchedIncident], flooded: Collection[int], decisions: Decisions, rules: bytes) -> list[MatchedIncident]:
    """Join what people decided to be one and of which reports of a flood are a part: those were kept from the matcher, which obeys."""

    def groups(level: DecisionLevel) -> list[frozenset[int]]:
        found = (frozenset(key.int for key in group) for group in decisions.together(level))
        return [group for group in found if not group.isdisjoint(flooded)]

    joined: list[MatchedIncident] = []
    for parts in _bound([(one, one.members) for one in made], groups(DecisionLevel.INCIDENT)):
        if len(parts) == 1:
            joined.append(parts[0])
            continue
        people = [(one, one.reports) for part in parts for one in part.overdoses]
        overdoses = tuple(
            sorted(
                (_one_person(person) for person in _bound(people, groups(DecisionLevel.OVERDOSE))),
                key=lambda one: one.reports[0].record.order,
            )
        )
        members = tuple(sorted((report for one in overdoses for report in one.reports), key=lambda one: one.record.order))
        joined.append(MatchedIncident(incident_id(members[0].key), overdoses, members, _digest(overdoses, rules)))
    return joined


def _one_person(parts: Sequence[MatchedOverdose]) -> MatchedOverdose:
    if len(parts) == 1:
        return parts[0]
    reports = tuple(sorted((report for part in parts for report in part.reports), key=lambda one: one.record.order))
    # A report of a flood was compared with nothing: how sure the others are is all there is to say.
    sure = min([part.confidence for part in parts if not part.is_flooded], default=parts[0].confidence)
    return MatchedOverdose(reports, sure, is_flooded=True)


def _bound(parts: Sequence[tuple[T, Sequence[Candidate]]], groups: Iterable[frozenset[int]]) -> list[list[T]]:
    """Return the parts, those together that have reports of one group."""
    place = {report.key.int: at for at, (_, reports) in enumerate(parts) for report in reports}
    root = list(range(len(parts)))
    for group in groups:
        own = {root[place[key]] for key in group if key in place}
        if len(own) > 1:
            root = [min(own) if one in own else one for one in root]
    found: dict[int, list[T]] = {}
    for at, (part, _) in enumerate(parts):
        found.setdefault(root[at], []).append(part)
    return list(found.values())


def _digest(overdoses: Sequence[MatchedOverdose], rules: bytes) -> str:
    told = [rules]
    for overdose in overdoses:
        told.append(f"|{overdose.confidence}|{overdose.is_flooded}|".encode())
        for report in overdose.reports:
            told.append(report.key.bytes)
            told.append(_revision(report.record.revision))
    return blake2b(b"".join(told), digest_size=16).hexdigest()


@lru_cache(1_024)  # most reports have one, placed by one of a few versions of the geodata
def _revision(revision: tuple[float, str]) -> bytes:
    return "{}.{}".format(*revision).encode()
