"""The incidents of a set of reports as the rest of enrichment sees them: who belongs where, how sure that is, and a digest of it all."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final
from uuid import UUID

from spikewatch.contracts.identifiers import incident_id
from spikewatch.enrichment.domain.candidate import Candidate
from spikewatch.enrichment.domain.matching.decisions import Decisions
from spikewatch.enrichment.domain.matching.matcher import match
from spikewatch.enrichment.domain.matching.weights import Weights

__all__ = ["MatchedIncident", "MatchedOverdose", "matched"]

# Part of every digest: a change of the matcher or of survivorship must raise it, so that stored incidents are renewed when touched.
_RULES: Final = "6"
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
        weights: what a pair is worth; their name and version are part of the digests.
        decisions: what people decided.
        flooded: the keys of the reports that are part of a flood: each is an incident of its own.
    """
    by_key = {one.key: one for one in candidates}
    found = match((one.record for key, one in by_key.items() if key not in flooded), weights, decisions=decisions, bounded=False)
    scenes: dict[UUID, dict[UUID, list[Candidate]]] = defaultdict(lambda: defaultdict(list))
    confidence: dict[UUID, float] = {}
    for key, assigned in found.assignments().items():  # in canonical order
        scenes[assigned.incident_id][assigned.overdose_id].append(by_key[key])
        confidence[assigned.overdose_id] = assigned.confidence
    made = [
        _incident(scene, tuple(MatchedOverdose(tuple(reports), confidence[person]) for person, reports in people.items()), weights)
        for scene, people in scenes.items()
    ]
    alone = weights.confidence(1, 0, _SURELY_MORE)
    made += [
        _incident(incident_id(key), (MatchedOverdose((one,), alone, is_flooded=True),), weights)
        for key, one in by_key.items()
        if key in flooded
    ]
    return tuple(made)


def _incident(identity: UUID, overdoses: tuple[MatchedOverdose, ...], weights: Weights) -> MatchedIncident:
    members = [report for overdose in overdoses for report in overdose.reports]
    members.sort(key=lambda one: one.record.order)
    return MatchedIncident(identity, overdoses, tuple(members), _digest(overdoses, weights))


def _digest(overdoses: tuple[MatchedOverdose, ...], weights: Weights) -> str:
    digest = blake2b(f"{_RULES}|{weights.name}@{weights.version}".encode(), digest_size=16)
    for overdose in overdoses:
        digest.update(f"|{overdose.confidence}|{overdose.is_flooded}|".encode())
        for report in overdose.reports:
            digest.update(report.key.bytes + "{}.{}".format(*report.record.revision).encode())
    return digest.hexdigest()
