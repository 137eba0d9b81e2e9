"""Why an incident is what it is, for a person who is to judge it: its reports, what ties them, what nearly joined, what was decided.

Nothing here names a person or a place: numbers of calls are told as equal or not, places by how well they are known.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from spikewatch.contracts.decision import Decision, DecisionKind, DecisionLevel
from spikewatch.contracts.incident import FieldOrigin, Incident
from spikewatch.contracts.report import Victims
from spikewatch.contracts.vocabulary import Sex, TimePrecision
from spikewatch.enrichment.domain.candidate import Candidate
from spikewatch.enrichment.domain.matching.decisions import Decisions
from spikewatch.enrichment.domain.matching.explanation import Explanation, explain_group, fit
from spikewatch.enrichment.domain.matching.weights import SCALE, Weights

__all__ = ["Bond", "DecisionLine", "IncidentExplanation", "OriginLine", "OverdoseLine", "ReportLine", "explain_incident"]

_NO_FIT = -100.0  # bits: nothing was near
_ROUGH = frozenset({TimePrecision.DATE, TimePrecision.MONTH})


@dataclass(frozen=True, slots=True)
class ReportLine:
    """One report. ``number`` counts from 1 in order of time; ``overdose`` is the number of its overdose.

    ``call`` is a letter: reports with equal letters state the same number of the call. None: it states none.
    """

    number: int
    report_key: UUID
    overdose: int
    occurred_at: datetime
    is_date_only: bool
    agency: str
    kind: str
    place: str
    age: str | None
    sex: str | None
    outcome: str
    call: str | None


@dataclass(frozen=True, slots=True)
class OriginLine:
    """The report, by number, that a field was taken from, and those that contradict it."""

    field: str
    report: int
    differing: tuple[int, ...]


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


@dataclass(frozen=True, slots=True)
class Bond:
    """Why two overdoses, by number, are one incident: they were decided to be, are of one call, or of one place and time."""

    first: int
    second: int
    because: str


@dataclass(frozen=True, slots=True)
class DecisionLine:
    """What a person decided. The reports are named by number; ``elsewhere`` counts those that are not of this incident.

    ``is_in_force`` is false when it was undone; a later decision about the same reports may outrank one in force.
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


def explain_incident(
    published: Incident, known: Mapping[UUID, Candidate], around: Sequence[Candidate], decisions: Decisions, weights: Weights
) -> IncidentExplanation:
    """Return why an incident is what it is.

    Args:
        published: its current state.
        known: its reports, as far as they are kept.
        around: reports that lie where its own may be tied to them; those of its own may be among them.
        decisions: what bears on its reports.
        weights: what a pair is worth.
    """
    people = [
        sorted((known[one.report_key] for one in part.reports if one.report_key in known), key=lambda one: one.record.order)
        for part in published.overdoses
    ]
    home = {report.key: number for number, reports in enumerate(people, 1) for report in reports}
    ordered = sorted((report for reports in people for report in reports), key=lambda one: one.record.order)
    numbers = {report.key: number for number, report in enumerate(ordered, 1)}
    letters = _letters(ordered)
    strangers = [one for one in around if one.key not in home]
    overdoses = []
    for number, (part, reports) in enumerate(zip(published.overdoses, people, strict=True), 1):
        others = [other for place, other in enumerate(people, 1) if place != number and other]
        told = _explained(reports, [*others, *([one] for one in strangers)], weights, decisions)
        conflicts = tuple(sorted({note.field for note in part.quality if note.code == "sources_differ"}))
        origins = _origins(part.provenance, numbers)
        is_flooded = any(note.code == "flood_not_matched" for note in part.quality)
        outcome = part.outcome.value
        overdoses.append(
            OverdoseLine(number, part.overdose_id, part.occurred_at, outcome, part.confidence, conflicts, origins, told, is_flooded)
        )
    return IncidentExplanation(
        incident_id=published.incident_id,
        version=published.version,
        change=published.change.value,
        occurred_at=published.occurred_at,
        aliases=published.aliases,
        weights=weights.label,
        join=weights.join / SCALE,
        origins=_origins(published.provenance, numbers),
        reports=tuple(_line(report, numbers[report.key], home[report.key], letters.get(report.record.cad)) for report in ordered),
        missing=sum(len(part.reports) for part in published.overdoses) - len(ordered),
        overdoses=tuple(overdoses),
        bonds=_bonds(people, decisions),
        decisions=tuple(_decided(one, numbers, decisions) for one in decisions.all),
    )


def _explained(reports: Sequence[Candidate], others: Sequence[Sequence[Candidate]], weights: Weights, decisions: Decisions) -> Explanation:
    if not reports:
        return Explanation((), (), None, None, None, None, (), None)
    records = [report.record for report in reports]
    apart, own = decisions.apart(DecisionLevel.OVERDOSE), {report.key for report in reports}
    parted = {key for pair in apart if not own.isdisjoint(pair) for key in pair}
    near = [group for group in others if parted.isdisjoint(one.key for one in group)]
    fits = [fit(records, [one.record for one in group], weights) for group in near]
    # What a veto or a decision keeps apart is no near miss, however well the rest of it fits.
    nearest = max((bits for bits, is_vetoed in fits if not is_vetoed), default=_NO_FIT)
    return explain_group(records, weights, None if nearest <= _NO_FIT else round(nearest, 2), decisions)


def _origins(provenance: Sequence[FieldOrigin], numbers: Mapping[UUID, int]) -> tuple[OriginLine, ...]:
    return tuple(
        OriginLine(one.field, numbers[one.report_key], tuple(sorted(numbers[key] for key in one.differing if key in numbers)))
        for one in provenance
        if one.report_key in numbers  # else it is kept no longer
    )


def _letters(reports: Sequence[Candidate]) -> dict[str, str]:
    numbers = dict.fromkeys(report.record.cad for report in reports if report.record.cad)
    return {number: chr(ord("A") + place) if place < 26 else f"A{place}" for place, number in enumerate(numbers)}


def _line(report: Candidate, number: int, overdose: int, call: str | None) -> ReportLine:
    extract = report.extract
    return ReportLine(
        number=number,
        report_key=report.key,
        overdose=overdose,
        occurred_at=extract.occurred_at,
        is_date_only=extract.occurred_at_precision in _ROUGH,
        agency=extract.reference.source_agency_id,
        kind=extract.reference.source_type.value,
        place="none" if extract.position is None else extract.position.precision.value,
        age=_age(extract.victims, is_rough=report.record.is_age_rough),
        sex=None if extract.victims.sex is Sex.UNKNOWN else extract.victims.sex.value,
        outcome=extract.outcome.value,
        call=call,
    )


def _age(victims: Victims, *, is_rough: bool) -> str | None:
    if victims.age is not None:
        return f"about {victims.age}" if is_rough else str(victims.age)
    return None if victims.age_band is None else victims.age_band.value


def _bonds(people: Sequence[Sequence[Candidate]], decisions: Decisions) -> tuple[Bond, ...]:
    """Return for every overdose but the first by what it is tied to one before it."""
    groups = decisions.together(DecisionLevel.INCIDENT)
    found = []
    for later in range(1, len(people)):
        best: tuple[int, int, str] | None = None
        for earlier in range(later):
            keys = [{one.key for one in people[place]} for place in (earlier, later)]
            calls = [{one.record.cad for one in people[place] if one.record.cad} for place in (earlier, later)]
            if any(not group.isdisjoint(keys[0]) and not group.isdisjoint(keys[1]) for group in groups):
                told = (0, earlier, "decided")
            elif not calls[0].isdisjoint(calls[1]):
                told = (1, earlier, "same call")
            else:
                told = (2, earlier, "same place and hour")
            best = told if best is None or told < best else best
        if best is not None:
            found.append(Bond(best[1] + 1, later + 1, best[2]))
    return tuple(found)


def _decided(decision: Decision, numbers: Mapping[UUID, int], decisions: Decisions) -> DecisionLine:
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
        is_in_force=decision.kind is DecisionKind.UNDO or decision in decisions.standing,
    )
