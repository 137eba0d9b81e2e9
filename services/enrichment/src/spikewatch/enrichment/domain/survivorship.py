"""Which report an overdose takes each field from when several speak about the same person, and which of them say otherwise.

Time: computer-aided dispatch before EMS, fire, police. Place: the best precision, then EMS. Outcome: fatal when a
medical examiner or a death on scene says so, else the latest. Age and sex: medical examiner, emergency department, EMS.
Case definitions: those that any report meets.

Every incident that changes passes here, so there is a loop where a generator or a function for each field would read as well.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final, NamedTuple, Protocol
from uuid import UUID

from spikewatch.contracts.contract import unchecked
from spikewatch.contracts.identifiers import overdose_id
from spikewatch.contracts.incident import MOST_DEFINITIONS, FieldOrigin, Incident, IncidentChange, Overdose, PublicPosition
from spikewatch.contracts.report import Position, QualityNote, Reversal, Victims
from spikewatch.contracts.vocabulary import Disposition, DrugClass, Outcome, PlacePrecision, Sex, SourceType, TimePrecision, YesNo
from spikewatch.enrichment.domain.candidate import Candidate
from spikewatch.enrichment.domain.conflicts import ages_differ, ages_meet, families, places_differ
from spikewatch.enrichment.domain.extract import Extract
from spikewatch.enrichment.domain.locate import EXACT
from spikewatch.enrichment.domain.matched import MatchedIncident, MatchedOverdose

__all__ = ["Masking", "incident"]

# A fourth of the cost: every value comes from a report that was checked when it was read.
_made_incident: Final = unchecked(Incident)
_made_overdose: Final = unchecked(Overdose)
_made_victims: Final = unchecked(Victims)
_made_origin: Final = unchecked(FieldOrigin)

_S = SourceType
_TIME: Final = (_S.CAD, _S.EMS, _S.FIRE, _S.POLICE)
_PLACE: Final = (_S.EMS, _S.CAD, _S.FIRE, _S.POLICE, _S.ME)
_PERSON: Final = (_S.ME, _S.ED, _S.EMS, _S.POLICE)
_DRUGS: Final = (_S.ME, _S.ED, _S.EMS)
_REVERSAL: Final = (_S.EMS, _S.ED, _S.FIRE, _S.POLICE)
_BEST_PLACE: Final = {precision: rank for rank, precision in enumerate(PlacePrecision)}  # declared best first
_ROUGH_TIMES: Final = frozenset({TimePrecision.DATE, TimePrecision.MONTH})
_NOT_TOLD: Final = Reversal(given=YesNo.UNKNOWN)
_NOT_GIVEN: Final = Reversal(given=YesNo.NO)


class Masking(Protocol):
    """Says where an incident may be shown to everybody."""

    def of(self, position: Position | None, areas: Sequence[str]) -> PublicPosition | None:
        """Return the public position; None when there is none to show."""
        ...


class _Order(NamedTuple):
    """In which order the reports of an overdose are believed, by their places in it."""

    time: tuple[int, ...]
    person: tuple[int, ...]
    drugs: tuple[int, ...]
    reversal: tuple[int, ...]


@lru_cache(4_096)  # the agencies of a county send few combinations of kinds
def _order(sources: tuple[SourceType, ...]) -> _Order:
    return _Order(*(_believed(sources, ranks) for ranks in (_TIME, _PERSON, _DRUGS, _REVERSAL)))


def _believed(sources: Sequence[SourceType], ranks: Sequence[SourceType]) -> tuple[int, ...]:
    # Sorting is stable, so reports of the same rank stay in canonical order.
    return tuple(sorted(range(len(sources)), key=lambda at: _rank(sources[at], ranks)))


def _rank(source: SourceType, ranks: Sequence[SourceType]) -> int:
    return ranks.index(source) if source in ranks else len(ranks)


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
    overdoses = tuple([_overdose(one) for one in matched.overdoses])
    counted = max([report.extract.victims.count or 0 for report in matched.members], default=0)
    if counted > len(overdoses):
        # An agency counted more people than sent or gave reports: told, but nobody is invented.
        note = _note("victims.count", "more_people_counted")
        overdoses = (overdoses[0].changed(quality=(*overdoses[0].quality, note)), *overdoses[1:])
    origin, provenance = _placed(matched.members)
    placed = origin.extract
    return _made_incident(
        incident_id=matched.incident_id,
        version=version,
        change=change,
        occurred_at=_begun(overdoses),
        place_key=placed.place_key,
        position=placed.position,
        public_position=None if masking is None else masking.of(placed.position, placed.areas),
        areas=placed.areas,
        overdoses=overdoses,
        aliases=tuple(aliases),
        split_from=split_from,
        provenance=provenance,
    )


def _begun(overdoses: Sequence[Overdose]) -> datetime:
    """Return when the first of them was; a bare date, which begins at midnight, only where nobody knows the hour of any."""
    timed = [one.occurred_at for one in overdoses if one.occurred_at_precision not in _ROUGH_TIMES]
    return min(timed or [one.occurred_at for one in overdoses])


def _placed(members: Sequence[Candidate]) -> tuple[Candidate, tuple[FieldOrigin, ...]]:
    """Return the report that knows the place best, and that it is from there."""
    if len(members) == 1:  # all is from it
        return members[0], ()
    best = min(members, key=_merit)
    return best, (
        _made_origin(field="position", report_key=best.key, differing=_keys(members, [places_differ(best, one) for one in members])),
    )


def _merit(report: Candidate) -> tuple[bool, bool, int, int]:
    said = report.extract
    position, source = said.position, said.reference.source_type
    precision = PlacePrecision.NONE if position is None else position.precision
    # An emergency department knows the home ZIP code, which is not the scene.
    is_home = source is SourceType.ED and precision not in EXACT
    return position is None and not said.areas, is_home, _BEST_PLACE[precision], _rank(source, _PLACE)


def _overdose(matched: MatchedOverdose) -> Overdose:
    reports = matched.reports
    said = [report.extract for report in reports]
    order = _order(tuple([one.reference.source_type for one in said]))
    when = _timed(said, order.time)
    outcome, judge = _outcome(said)
    counting = _counting(said)
    aged, age, band = _aged(reports, order.person)
    sexed = next((at for at in order.person if said[at].victims.sex is not Sex.UNKNOWN), None)
    naming = _naming(said, order.drugs)
    reversal, reviver = _reversal(said, order.reversal)
    sex = Sex.UNKNOWN if sexed is None else said[sexed].victims.sex
    provenance: tuple[FieldOrigin, ...] = ()
    if len(reports) > 1:  # else all is from the only one
        other_age = () if aged is None else _keys(reports, [ages_differ(reports[aged], one) for one in reports])
        provenance = tuple(
            [
                _made_origin(field=field, report_key=reports[at].key, differing=differing)
                for field, at, differing in (
                    ("occurred_at", when, ()),  # agencies date different moments of it: a difference is no contradiction
                    ("outcome", judge, _saying_other(reports, [_ended(one) for one in said], outcome, Outcome.UNKNOWN)),
                    ("drugs", naming, () if naming is None else _naming_other(reports, reports[naming])),
                    ("reversal", reviver, _saying_other(reports, [one.reversal.given for one in said], reversal.given, YesNo.UNKNOWN)),
                    ("victims.count", counting, ()),  # the most that anybody saw
                    ("victims.age", age, other_age),
                    ("victims.age_band", band, other_age),
                    ("victims.sex", sexed, _saying_other(reports, [one.victims.sex for one in said], sex, Sex.UNKNOWN)),
                )
                if at is not None
            ]
        )
    notes = [_note(one.field, "sources_differ") for one in provenance if one.differing]
    if matched.is_flooded:
        notes.append(_note("reports", "flood_not_matched"))
    met = _met(said)
    if len(met) > MOST_DEFINITIONS:
        notes.append(_note("case_definition_hits", "more_definitions_met"))
    return _made_overdose(
        overdose_id=overdose_id(reports[0].key),
        occurred_at=said[when].occurred_at,
        occurred_at_precision=said[when].occurred_at_precision,
        outcome=outcome,
        drugs=() if naming is None else said[naming].drugs,
        reversal=reversal,
        victims=_made_victims(
            count=None if counting is None else said[counting].victims.count,
            age=None if age is None else said[age].victims.age,
            age_band=None if band is None else said[band].victims.age_band,
            sex=sex,
        ),
        reports=tuple([one.reference for one in said]),
        confidence=matched.confidence,
        quality=tuple(notes),
        provenance=provenance,
        case_definition_hits=met[:MOST_DEFINITIONS],
    )


@lru_cache(64)
def _note(field: str, code: str) -> QualityNote:
    return QualityNote(field=field, code=code)


def _keys(reports: Sequence[Candidate], chosen: Sequence[bool]) -> tuple[UUID, ...]:
    return tuple([report.key for report, is_chosen in zip(reports, chosen, strict=True) if is_chosen]) if True in chosen else ()


def _saying_other(reports: Sequence[Candidate], said: Sequence[object], taken: object, unknown: object) -> tuple[UUID, ...]:
    """Return the keys of the reports that state something, and not what was taken."""
    return _keys(reports, [one is not taken and one is not unknown for one in said])


def _naming(said: Sequence[Extract], order: Sequence[int]) -> int | None:
    """Return the first that names a drug whose class is known; only where nobody does the first that wrote anything."""
    stating = [at for at in order if said[at].drugs]
    knowing = (at for at in stating if any(drug.drug_class is not DrugClass.UNKNOWN for drug in said[at].drugs))
    return next(knowing, stating[0] if stating else None)


def _naming_other(reports: Sequence[Candidate], naming: Candidate) -> tuple[UUID, ...]:
    """Return the keys of those that name known families of drugs, and none in common: heroin for fentanyl is a guess, no contradiction."""
    known = families(naming)
    return _keys(reports, [bool(others := families(one)) and known.isdisjoint(others) for one in reports]) if known else ()


def _timed(said: Sequence[Extract], order: Sequence[int]) -> int:
    for at in order:
        if said[at].occurred_at_precision not in _ROUGH_TIMES:
            return at
    return order[0]


def _tells_death(one: Extract) -> bool:
    return one.reference.source_type is SourceType.ME or one.disposition is Disposition.DIED_ON_SCENE


def _ended(one: Extract) -> Outcome:
    """Return what a report says of the outcome: who tells a death contradicts none, whatever else is written in the report."""
    return Outcome.FATAL if _tells_death(one) else one.outcome


def _outcome(said: Sequence[Extract]) -> tuple[Outcome, int | None]:
    latest = None  # canonical order is event order: the latest that knows decides
    for at, one in enumerate(said):
        if _tells_death(one):
            return Outcome.FATAL, at
        if one.outcome is not Outcome.UNKNOWN:
            latest = at
    return (Outcome.UNKNOWN if latest is None else said[latest].outcome), latest


def _counting(said: Sequence[Extract]) -> int | None:
    """Return the first that counted most people, if any did."""
    most, counting = 0, None
    for at, one in enumerate(said):
        count = one.victims.count
        if count is not None and count > most:
            most, counting = count, at
    return counting


def _aged(reports: Sequence[Candidate], order: Sequence[int]) -> tuple[int | None, int | None, int | None]:
    """Return the first that knows an age or a band, and the ones that each is taken from.

    Both come from the first that states either, or from one that agrees: never a band beside an age outside it.
    """
    first = age = band = None
    for at in order:
        report = reports[at]
        if report.record.age_low < 0 or (first is not None and not ages_meet(reports[first], report)):
            continue
        victims = report.extract.victims
        if first is None:
            first = at
        if age is None and victims.age is not None:
            age = at
        if band is None and victims.age_band is not None:
            band = at
    return first, age, band


def _reversal(said: Sequence[Extract], order: Sequence[int]) -> tuple[Reversal, int | None]:
    """Return the reversal with the report it is from; doses and who was first there are the most that any report of it says."""
    giving = [at for at in order if said[at].reversal.given is YesNo.YES]
    if not giving:
        denying = next((at for at, one in enumerate(said) if one.reversal.given is YesNo.NO), None)
        return _NOT_TOLD if denying is None else _NOT_GIVEN, denying
    first = said[giving[0]].reversal
    if len(giving) == 1:
        return first, giving[0]
    given = [said[at].reversal for at in giving]
    doses = max([reversal.doses for reversal in given if reversal.doses is not None], default=None)
    before = YesNo.YES if any(reversal.before_ems is YesNo.YES for reversal in given) else first.before_ems
    return first.changed(doses=doses, before_ems=before), giving[0]


def _met(said: Sequence[Extract]) -> tuple[str, ...]:
    met = [one.case_definition_hits for one in said if one.case_definition_hits]
    return tuple(sorted(set().union(*met))) if met else ()
