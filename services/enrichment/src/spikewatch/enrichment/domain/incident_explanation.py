"""Why an incident is what it is, for a person who is to judge it: its reports, what ties them, what nearly joined, what was decided.

Nothing here names a person or a place: numbers of calls are told as equal or not, places by how well they are known.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

from spikewatch.contracts.decision import Decision, DecisionKind, DecisionLevel
from spikewatch.contracts.incident import Incident
from spikewatch.enrichment.domain.candidate import Candidate
from spikewatch.enrichment.domain.incident_bonds import Bond, bonds
from spikewatch.enrichment.domain.matching.decisions import Decisions, Force
from spikewatch.enrichment.domain.matching.explanation import Explanation, are_compared, explain_group, fits
from spikewatch.enrichment.domain.matching.weights import SCALE, Weights
from spikewatch.enrichment.domain.report_lines import NumberedReports, OriginLine, ReportLine

__all__ = [
    "Around",
    "Bond",
    "DecisionLine",
    "IncidentExplanation",
    "Nearest",
    "OriginLine",
    "OverdoseLine",
    "ReportLine",
    "explain_incident",
]

_NO_FIT = -100.0  # bits: nothing was near


@dataclass(frozen=True, slots=True)
class Nearest:
    """The overdose that fits best of those that were left out: its incident and its number there, its reports, and how well in bits.

    What a veto or a decision keeps apart is no near miss, however well the rest of it fits, nor is what is of a flood, or lies so far away
    that the matcher does not compare it.
    """

    incident_id: UUID
    overdose: int
    reports: tuple[UUID, ...]
    bits: float


@dataclass(frozen=True, slots=True)
class Around:
    """An overdose of another incident nearby; ``number`` is its number there."""

    incident_id: UUID
    number: int
    reports: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class OverdoseLine:
    """One person's overdose and why its reports are together.

    ``conflicts`` are the fields about which they disagree; ``origins`` say where each field is from, of several reports. ``is_flooded``:
    a report of it is one of so many of its agency at one place that it was not matched, whatever it fits.
    """

    number: int
    overdose_id: UUID
    occurred_at: datetime
    outcome: str
    confidence: float
    conflicts: tuple[str, ...]
    origins: tuple[OriginLine, ...]
    explanation: Explanation
    is_flooded: bool = False
    nearest: Nearest | None = None


@dataclass(frozen=True, slots=True)
class DecisionLine:
    """What a person decided. The reports are named by number; ``elsewhere`` counts those that are not of this incident.

    ``incidents`` are those that the ones elsewhere are in now; withdrawn ones, and those that have not come yet, are in none.
    ``state`` is whether it holds: in force, in force in part (later decisions say otherwise of some of its pairs), outranked (of all of
    them), or undone. ``is_in_force``: at least a part of it is.
    """

    decision_id: UUID
    kind: DecisionKind
    level: DecisionLevel
    reports: tuple[int, ...]
    others: tuple[int, ...]
    elsewhere: int
    undoes: UUID | None
    author: str
    reason: str
    decided_at: datetime
    is_in_force: bool
    state: str = ""
    incidents: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class IncidentExplanation:
    """An incident as a person judges it. ``join`` is the boundary in bits; ``missing`` counts reports that are kept no longer.

    ``weights`` is the label, name@version+digest, of those that weigh the pairs shown. ``origins`` says where its place is from.
    """

    incident_id: UUID
    version: int
    change: str
    occurred_at: datetime
    aliases: tuple[UUID, ...]
    weights: str
    join: float
    origins: tuple[OriginLine, ...]
    reports: tuple[ReportLine, ...]
    missing: int
    overdoses: tuple[OverdoseLine, ...]
    bonds: tuple[Bond, ...]
    decisions: tuple[DecisionLine, ...]
    split_from: UUID | None = None


def explain_incident(
    published: Incident,
    known: Mapping[UUID, Candidate],
    around: Sequence[Around],
    decisions: Decisions,
    weights: Weights,
    homes: Mapping[UUID, UUID] = MappingProxyType({}),
) -> IncidentExplanation:
    """Return why an incident is what it is.

    Args:
        published: its current state.
        known: its reports, as far as they are kept.
        around: overdoses of other incidents that lie where its own may be tied to them.
        decisions: what bears on its reports.
        weights: what a pair is worth.
        homes: in which other incident the reports are that decisions name.
    """
    told = NumberedReports(published, known)
    own = [Around(published.incident_id, number, tuple(reports)) for number, reports in enumerate(told.people, 1) if reports]
    overdoses = []
    for number, (part, reports) in enumerate(zip(published.overdoses, told.people, strict=True), 1):
        nearest = _nearest(reports, [*(one for one in own if one.number != number), *around], weights, decisions) if reports else None
        overdoses.append(
            OverdoseLine(
                number=number,
                overdose_id=part.overdose_id,
                occurred_at=part.occurred_at,
                outcome=part.outcome.value,
                confidence=part.confidence,
                conflicts=tuple(sorted({note.field for note in part.quality if note.code == "sources_differ"})),
                origins=told.origins(part.provenance),
                explanation=_explained(reports, nearest, weights, decisions),
                is_flooded=any(note.code == "flood_not_matched" for note in part.quality),
                nearest=nearest,
            )
        )
    return IncidentExplanation(
        incident_id=published.incident_id,
        version=published.version,
        change=published.change.value,
        occurred_at=published.occurred_at,
        aliases=published.aliases,
        weights=weights.label,
        join=weights.join / SCALE,
        origins=told.origins(published.provenance),
        reports=told.lines,
        missing=told.missing,
        overdoses=tuple(overdoses),
        bonds=bonds(told.people, decisions),
        decisions=tuple(_decided(one, told.numbers, decisions, homes) for one in _about(decisions, told.numbers)),
        split_from=published.split_from,
    )


def _explained(reports: Sequence[Candidate], nearest: Nearest | None, weights: Weights, decisions: Decisions) -> Explanation:
    if not reports:
        return Explanation((), (), None, None, None, None, (), None)
    return explain_group([report.record for report in reports], weights, None if nearest is None else nearest.bits, decisions)


def _nearest(reports: Sequence[Candidate], others: Sequence[Around], weights: Weights, decisions: Decisions) -> Nearest | None:
    apart, own = decisions.apart(DecisionLevel.OVERDOSE), {report.key for report in reports}
    parted = {key for pair in apart if not own.isdisjoint(pair) for key in pair}
    near = [other for other in others if parted.isdisjoint(one.key for one in other.reports)]
    records, groups = [report.record for report in reports], [[one.record for one in other.reports] for other in near]
    met = are_compared(records, groups)
    near = [other for other, is_met in zip(near, met, strict=True) if is_met]
    told = fits(records, [group for group, is_met in zip(groups, met, strict=True) if is_met], weights)
    found = [(-bits, other.incident_id, other.number, other) for other, (bits, is_vetoed) in zip(near, told, strict=True) if not is_vetoed]
    bits, _, _, best = min(found, key=lambda one: one[:3], default=(-_NO_FIT, None, 0, None))
    if best is None or -bits <= _NO_FIT:
        return None
    return Nearest(best.incident_id, best.number, tuple(one.key for one in best.reports), round(-bits, 2))


def _about(decisions: Decisions, numbers: Mapping[UUID, int]) -> list[Decision]:
    """Return the decisions that name a report of the incident, and what takes those back: others bear on it through what they name."""
    own = [one for one in decisions.all if not numbers.keys().isdisjoint((*one.reports, *one.others))]
    ids = {one.decision_id for one in own}
    return [one for one in decisions.all if one.decision_id in ids or one.undoes in ids]


def _decided(decision: Decision, numbers: Mapping[UUID, int], decisions: Decisions, homes: Mapping[UUID, UUID]) -> DecisionLine:
    named = (*decision.reports, *decision.others)
    return DecisionLine(
        decision_id=decision.decision_id,
        kind=decision.kind,
        level=decision.level,
        reports=tuple(sorted(numbers[key] for key in decision.reports if key in numbers)),
        others=tuple(sorted(numbers[key] for key in decision.others if key in numbers)),
        elsewhere=sum(key not in numbers for key in named),
        undoes=decision.undoes,
        author=decision.author,
        reason=decision.reason,
        decided_at=decision.decided_at,
        is_in_force=decisions.force(decision) in {Force.WHOLE, Force.PART},
        state=decisions.force(decision).value,
        incidents=tuple(sorted({homes[key] for key in named if key not in numbers and key in homes})),
    )
