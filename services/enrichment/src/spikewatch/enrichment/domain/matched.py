"""The incidents of a set of reports as the rest of enrichment sees them: who belongs where, how sure that is, and a digest of it all."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
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
_RULES: Final = "9"
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
    return tuple(made)


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
