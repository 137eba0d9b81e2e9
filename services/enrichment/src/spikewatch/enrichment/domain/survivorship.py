"""Which report an overdose takes each field from when several speak about the same person, and which of them say otherwise.

Time: computer-aided dispatch before EMS, fire, police. Place: the best precision, then EMS. Outcome: fatal when a
medical examiner or a death on scene says so, else the latest. Age and sex: medical examiner, emergency department, EMS.
Case definitions: those that any report meets.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Protocol
from uuid import UUID

from spikewatch.contracts.contract import unchecked
from spikewatch.contracts.identifiers import overdose_id
from spikewatch.contracts.incident import MOST_DEFINITIONS, FieldOrigin, Incident, IncidentChange, Overdose, PublicPosition
from spikewatch.contracts.report import Position, QualityNote, Reversal, Victims
from spikewatch.contracts.vocabulary import Disposition, Outcome, PlacePrecision, Sex, SourceType, TimePrecision, YesNo
from spikewatch.enrichment.domain.candidate import Candidate
from spikewatch.enrichment.domain.conflicts import ages_differ, ages_meet, drugs_differ, places_differ
from spikewatch.enrichment.domain.locate import EXACT
from spikewatch.enrichment.domain.matched import MatchedIncident, MatchedOverdose

__all__ = ["Masking", "incident"]

# A fourth of the cost: every value comes from a report that was checked when it was read.
_made_incident: Final = unchecked(Incident)
_made_overdose: Final = unchecked(Overdose)
_made_victims: Final = unchecked(Victims)
_made_reversal: Final = unchecked(Reversal)
_made_origin: Final = unchecked(FieldOrigin)

_S = SourceType
_TIME: Final = (_S.CAD, _S.EMS, _S.FIRE, _S.POLICE)
_PLACE: Final = (_S.EMS, _S.CAD, _S.FIRE, _S.POLICE, _S.ME)
_PERSON: Final = (_S.ME, _S.ED, _S.EMS, _S.POLICE)
_DRUGS: Final = (_S.ME, _S.ED, _S.EMS)
_REVERSAL: Final = (_S.EMS, _S.ED, _S.FIRE, _S.POLICE)
_BEST_PLACE: Final = list(PlacePrecision)  # declared best first
_ROUGH_TIMES: Final = frozenset({TimePrecision.DATE, TimePrecision.MONTH})


class Masking(Protocol):
    """Says where an incident may be shown to everybody."""

    def of(self, position: Position | None, areas: Sequence[str]) -> PublicPosition | None:
        """Return the public position; None when there is none to show."""
        ...


def incident(
    matched: MatchedIncident,
    *,
    version: int,
    change: IncidentChange,
    aliases: Iterable[UUID] = (),
    split_from: UUID | None = None,
    masking: Masking | None = None,
) -> Incident:
    """Return the incident as it is published; without ``masking`` it has no public position."""
    overdoses = tuple(_overdose(one) for one in matched.overdoses)
    counted = max((report.extract.victims.count or 0 for report in matched.members), default=0)
    if counted > len(overdoses):
        # An agency counted more people than sent or gave reports: told, but nobody is invented.
        note = QualityNote(field="victims.count", code="more_people_counted")
        overdoses = (overdoses[0].changed(quality=(*overdoses[0].quality, note)), *overdoses[1:])
    origin = _placed(matched.members)
    placed = origin.extract
    return _made_incident(
        incident_id=matched.incident_id,
        version=version,
        change=change,
        occurred_at=min(one.occurred_at for one in overdoses),
        place_key=placed.place_key,
        position=placed.position,
        public_position=None if masking is None else masking.of(placed.position, placed.areas),
        areas=placed.areas,
        overdoses=overdoses,
        aliases=tuple(aliases),
        split_from=split_from,
        provenance=_origins(matched.members, {"position": (origin, lambda other: places_differ(origin, other))}),
    )


def _ranked(reports: Iterable[Candidate], ranks: Sequence[SourceType]) -> list[Candidate]:
    # Sorting is stable, so reports of the same rank stay in canonical order.
    return sorted(reports, key=lambda report: _rank(report, ranks))


def _rank(report: Candidate, ranks: Sequence[SourceType]) -> int:
    source = report.extract.reference.source_type
    return ranks.index(source) if source in ranks else len(ranks)


def _placed(members: Sequence[Candidate]) -> Candidate:
    def merit(report: Candidate) -> tuple[bool, bool, int, int]:
        position = report.extract.position
        precision = PlacePrecision.NONE if position is None else position.precision
        # An emergency department knows the home ZIP code, which is not the scene.
        is_home = report.extract.reference.source_type is SourceType.ED and precision not in EXACT
        return position is None and not report.extract.areas, is_home, _BEST_PLACE.index(precision), _rank(report, _PLACE)

    return min(members, key=merit)


def _overdose(matched: MatchedOverdose) -> Overdose:
    reports = matched.reports
    timed = [report for report in reports if report.extract.occurred_at_precision not in _ROUGH_TIMES] or list(reports)
    when = _ranked(timed, _TIME)[0]
    outcome, judge = _outcome(reports)
    counting = max((report for report in reports if _count(report)), key=_count, default=None)
    aged = [report for report in _ranked(reports, _PERSON) if report.record.age_low >= 0]
    # Age and band come from the first that states either, or from one that agrees: never a band beside an age outside it.
    agreeing = [report for report in aged if ages_meet(aged[0], report)]
    age = next((report for report in agreeing if report.extract.victims.age is not None), None)
    band = next((report for report in agreeing if report.extract.victims.age_band is not None), None)
    sexed = next((report for report in _ranked(reports, _PERSON) if _sex(report) is not Sex.UNKNOWN), None)
    naming = next((report for report in _ranked(reports, _DRUGS) if report.extract.drugs), None)
    reversal, reviver = _reversal(reports)
    known_age = aged[0] if aged else None
    provenance = _origins(
        reports,
        {
            "occurred_at": (when, _never),  # agencies date different moments of it: a difference is no contradiction
            "outcome": (judge, lambda other: other.extract.outcome not in {Outcome.UNKNOWN, outcome}),
            "drugs": (naming, lambda other: naming is not None and drugs_differ(naming, other)),
            "reversal": (reviver, lambda other: other.extract.reversal.given not in {YesNo.UNKNOWN, reversal.given}),
            "victims.count": (counting, _never),  # the most that anybody saw
            "victims.age": (age, lambda other: known_age is not None and ages_differ(known_age, other)),
            "victims.age_band": (band, lambda other: known_age is not None and ages_differ(known_age, other)),
            "victims.sex": (sexed, lambda other: sexed is not None and _sex(other) not in {Sex.UNKNOWN, _sex(sexed)}),
        },
    )
    notes = [QualityNote(field=one.field, code="sources_differ") for one in provenance if one.differing]
    if matched.is_flooded:
        notes.append(QualityNote(field="reports", code="flood_not_matched"))
    met = sorted({name for report in reports for name in report.extract.case_definition_hits})
    if len(met) > MOST_DEFINITIONS:
        notes.append(QualityNote(field="case_definition_hits", code="more_definitions_met"))
    return _made_overdose(
        overdose_id=overdose_id(reports[0].key),
        occurred_at=when.extract.occurred_at,
        occurred_at_precision=when.extract.occurred_at_precision,
        outcome=outcome,
        drugs=() if naming is None else naming.extract.drugs,
        reversal=reversal,
        victims=_made_victims(
            count=None if counting is None else counting.extract.victims.count,
            age=None if age is None else age.extract.victims.age,
            age_band=None if band is None else band.extract.victims.age_band,
            sex=Sex.UNKNOWN if sexed is None else _sex(sexed),
        ),
        reports=tuple(report.extract.reference for report in reports),
        confidence=matched.confidence,
        quality=tuple(notes),
        provenance=provenance,
        case_definition_hits=tuple(met[:MOST_DEFINITIONS]),
    )


def _never(_other: Candidate) -> bool:
    return False


def _origins(
    reports: Sequence[Candidate], taken: Mapping[str, tuple[Candidate | None, Callable[[Candidate], bool]]]
) -> tuple[FieldOrigin, ...]:
    """Return where each field comes from that anybody states, with those that contradict it; nothing of a single report."""
    if len(reports) == 1:  # all is from it
        return ()
    return tuple(
        _made_origin(field=field, report_key=origin.key, differing=tuple(other.key for other in reports if differs(other)))
        for field, (origin, differs) in taken.items()
        if origin is not None
    )


def _count(report: Candidate) -> int:
    return report.extract.victims.count or 0


def _sex(report: Candidate) -> Sex:
    return report.extract.victims.sex


def _outcome(reports: Sequence[Candidate]) -> tuple[Outcome, Candidate | None]:
    for report in reports:
        if report.extract.reference.source_type is SourceType.ME or report.extract.disposition is Disposition.DIED_ON_SCENE:
            return Outcome.FATAL, report
    # Canonical order is event order: the latest that knows decides.
    latest = next((report for report in reversed(reports) if report.extract.outcome is not Outcome.UNKNOWN), None)
    return (Outcome.UNKNOWN if latest is None else latest.extract.outcome), latest


def _reversal(reports: Sequence[Candidate]) -> tuple[Reversal, Candidate | None]:
    """Return the reversal with the report it is from; doses and who was first there are the most that any report of it says."""
    giving = [report for report in _ranked(reports, _REVERSAL) if report.extract.reversal.given is YesNo.YES]
    if not giving:
        denying = next((report for report in reports if report.extract.reversal.given is YesNo.NO), None)
        return _made_reversal(given=YesNo.UNKNOWN if denying is None else YesNo.NO), denying
    given = [report.extract.reversal for report in giving]
    doses = max((reversal.doses for reversal in given if reversal.doses is not None), default=None)
    before = YesNo.YES if any(reversal.before_ems is YesNo.YES for reversal in given) else given[0].before_ems
    return given[0].changed(doses=doses, before_ems=before), giving[0]
