"""An incident's reports as a person reads them: numbered, with what each says, and from which of them every field was taken.

Nothing here names a person or a place: numbers of calls are told as equal or not, places by how well they are known.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from spikewatch.contracts.incident import FieldOrigin, Incident
from spikewatch.contracts.report import Drug, Reversal, Victims
from spikewatch.contracts.vocabulary import Sex, TimePrecision, YesNo
from spikewatch.enrichment.domain.candidate import Candidate

__all__ = ["NumberedReports", "OriginLine", "ReportLine"]

_ROUGH: Final = frozenset({TimePrecision.DATE, TimePrecision.MONTH})


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
    drugs: str | None = None
    naloxone: str | None = None


@dataclass(frozen=True, slots=True)
class OriginLine:
    """The report, by number, that a field was taken from and what it says; those that contradict it, and what each of them says."""

    field: str
    report: int
    differing: tuple[int, ...]
    value: str = ""
    contradicting: tuple[str, ...] = ()


class NumberedReports:
    """The reports of an incident, as far as they are kept, with their numbers.

    Args:
        published: the incident's current state.
        known: its reports, as far as they are kept.
    """

    def __init__(self, published: Incident, known: Mapping[UUID, Candidate]) -> None:
        self.people = [
            sorted((known[one.report_key] for one in part.reports if one.report_key in known), key=lambda one: one.record.order)
            for part in published.overdoses
        ]
        self.home = {report.key: number for number, reports in enumerate(self.people, 1) for report in reports}
        self.ordered = sorted((report for reports in self.people for report in reports), key=lambda one: one.record.order)
        self.numbers = {report.key: number for number, report in enumerate(self.ordered, 1)}
        self.missing = sum(len(part.reports) for part in published.overdoses) - len(self.ordered)

    @property
    def lines(self) -> tuple[ReportLine, ...]:
        """Every report, in order of time."""
        calls = dict.fromkeys(report.record.cad for report in self.ordered if report.record.cad)
        letters = {call: chr(ord("A") + place) if place < 26 else f"A{place}" for place, call in enumerate(calls)}
        return tuple(self._line(report, letters.get(report.record.cad)) for report in self.ordered)

    def origins(self, provenance: Sequence[FieldOrigin]) -> tuple[OriginLine, ...]:
        """Return from which report each field is, of those whose report is still kept."""
        return tuple(self._origin(one) for one in provenance if one.report_key in self.numbers)

    def _origin(self, origin: FieldOrigin) -> OriginLine:
        differing = sorted(self.numbers[key] for key in origin.differing if key in self.numbers)
        own, *others = [_said(self.ordered[number - 1], origin.field) for number in (self.numbers[origin.report_key], *differing)]
        return OriginLine(origin.field, self.numbers[origin.report_key], tuple(differing), own, tuple(others))

    def _line(self, report: Candidate, call: str | None) -> ReportLine:
        extract = report.extract
        return ReportLine(
            number=self.numbers[report.key],
            report_key=report.key,
            overdose=self.home[report.key],
            occurred_at=extract.occurred_at,
            is_date_only=extract.occurred_at_precision in _ROUGH,
            agency=extract.reference.source_agency_id,
            kind=extract.reference.source_type.value,
            place="none" if extract.position is None else extract.position.precision.value,
            age=_age(extract.victims, is_rough=report.record.is_age_rough),
            sex=None if extract.victims.sex is Sex.UNKNOWN else extract.victims.sex.value,
            outcome=extract.outcome.value,
            call=call,
            drugs=_drugs(extract.drugs) or None,
            naloxone=_naloxone(extract.reversal),
        )


def _said(report: Candidate, field: str) -> str:
    """Return what a report says of a field that an overdose or an incident has."""
    said = report.extract
    age = _age(said.victims, is_rough=report.record.is_age_rough)
    if field == "occurred_at":
        return f"{said.occurred_at:%Y-%m-%d}" if said.occurred_at_precision in _ROUGH else f"{said.occurred_at:%Y-%m-%d %H:%M:%S}"
    return {
        "outcome": said.outcome.value,
        "drugs": _drugs(said.drugs),
        "reversal": _naloxone(said.reversal) or "",
        "victims.count": "" if said.victims.count is None else str(said.victims.count),
        "victims.age": age or "",
        "victims.age_band": "" if said.victims.age_band is None else said.victims.age_band.value,
        "victims.sex": said.victims.sex.value,
        "position": "none" if said.position is None else said.position.precision.value,
    }.get(field, "")


def _age(victims: Victims, *, is_rough: bool) -> str | None:
    if victims.age is not None:
        return f"about {victims.age}" if is_rough else str(victims.age)
    return None if victims.age_band is None else victims.age_band.value


def _drugs(drugs: Sequence[Drug]) -> str:
    # Their classes: what an agency wrote may hold more than a drug.
    return " ".join(dict.fromkeys(drug.drug_class.value for drug in drugs))


def _naloxone(reversal: Reversal) -> str | None:
    if reversal.given is YesNo.UNKNOWN:
        return None
    return reversal.given.value if not reversal.doses else f"{reversal.given.value}, doses {reversal.doses}"
