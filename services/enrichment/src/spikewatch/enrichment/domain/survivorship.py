"""Which report an overdose takes each field from when several speak about the same person.

Time: computer-aided dispatch before EMS, fire, police. Place: the best precision, then EMS. Outcome: fatal when a
medical examiner or a death on scene says so, else the latest. Age and sex: medical examiner, emergency department, EMS.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol, TypeVar
from uuid import UUID

from spikewatch.contracts.contract import unchecked
from spikewatch.contracts.identifiers import overdose_id
from spikewatch.contracts.incident import Incident, IncidentChange, Overdose, PublicPosition
from spikewatch.contracts.report import Drug, Position, QualityNote, Reversal, Victims
from spikewatch.contracts.vocabulary import Disposition, Outcome, PlacePrecision, Sex, SourceType, TimePrecision, YesNo
from spikewatch.enrichment.domain.candidate import Candidate
from spikewatch.enrichment.domain.locate import EXACT
from spikewatch.enrichment.domain.matched import MatchedIncident, MatchedOverdose

__all__ = ["Masking", "incident"]

T = TypeVar("T")

# A fourth of the cost: every value comes from a report that was checked when it was read.
_made_incident: Final = unchecked(Incident)
_made_overdose: Final = unchecked(Overdose)
_made_victims: Final = unchecked(Victims)
_made_reversal: Final = unchecked(Reversal)

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
    matched: MatchedIncident, *, version: int, change: IncidentChange, aliases: Iterable[UUID] = (), masking: Masking | None = None
) -> Incident:
    """Return the incident as it is published; without ``masking`` it has no public position."""
    overdoses = tuple(_overdose(one) for one in matched.overdoses)
    counted = max((report.extract.victims.count or 0 for report in matched.members), default=0)
    if counted > len(overdoses):
        # An agency counted more people than sent or gave reports: told, but nobody is invented.
        note = QualityNote(field="victims.count", code="more_people_counted")
        overdoses = (overdoses[0].changed(quality=(*overdoses[0].quality, note)), *overdoses[1:])
    placed = _placed(matched.members).extract
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
    )


def _ranked(reports: Iterable[Candidate], ranks: Sequence[SourceType]) -> list[Candidate]:
    # Sorting is stable, so reports of the same rank stay in canonical order.
    return sorted(reports, key=lambda report: _rank(report, ranks))


def _rank(report: Candidate, ranks: Sequence[SourceType]) -> int:
    source = report.extract.reference.source_type
    return ranks.index(source) if source in ranks else len(ranks)


def _first(reports: Iterable[Candidate], ranks: Sequence[SourceType], value: Callable[[Candidate], T | None]) -> T | None:
    return next((found for report in _ranked(reports, ranks) if (found := value(report)) is not None), None)


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
    time = _ranked(timed, _TIME)[0].extract
    victims = _made_victims(
        count=max((report.extract.victims.count for report in reports if report.extract.victims.count is not None), default=None),
        age=_first(reports, _PERSON, lambda report: report.extract.victims.age),
        age_band=_first(reports, _PERSON, lambda report: report.extract.victims.age_band),
        sex=_first(reports, _PERSON, lambda report: None if report.extract.victims.sex is Sex.UNKNOWN else report.extract.victims.sex)
        or Sex.UNKNOWN,
    )
    known = {report.extract.outcome for report in reports} - {Outcome.UNKNOWN}
    notes = [QualityNote(field="outcome", code="sources_differ")] if len(known) > 1 else []
    if matched.is_flooded:
        notes.append(QualityNote(field="reports", code="flood_not_matched"))
    return _made_overdose(
        overdose_id=overdose_id(reports[0].key),
        occurred_at=time.occurred_at,
        occurred_at_precision=time.occurred_at_precision,
        outcome=_outcome(reports),
        drugs=_drugs(reports),
        reversal=_reversal(reports),
        victims=victims,
        reports=tuple(report.extract.reference for report in reports),
        confidence=matched.confidence,
        quality=tuple(notes),
    )


def _outcome(reports: Sequence[Candidate]) -> Outcome:
    for report in reports:
        if report.extract.reference.source_type is SourceType.ME or report.extract.disposition is Disposition.DIED_ON_SCENE:
            return Outcome.FATAL
    # Canonical order is event order: the latest that knows decides.
    return next((report.extract.outcome for report in reversed(reports) if report.extract.outcome is not Outcome.UNKNOWN), Outcome.UNKNOWN)


def _drugs(reports: Sequence[Candidate]) -> tuple[Drug, ...]:
    return _first(reports, _DRUGS, lambda report: report.extract.drugs or None) or ()


def _reversal(reports: Sequence[Candidate]) -> Reversal:
    given = [report.extract.reversal for report in _ranked(reports, _REVERSAL) if report.extract.reversal.given is YesNo.YES]
    if not given:
        denied = any(report.extract.reversal.given is YesNo.NO for report in reports)
        return _made_reversal(given=YesNo.NO if denied else YesNo.UNKNOWN)
    doses = max((reversal.doses for reversal in given if reversal.doses is not None), default=None)
    before = YesNo.YES if any(reversal.before_ems is YesNo.YES for reversal in given) else given[0].before_ems
    return given[0].changed(doses=doses, before_ems=before)
