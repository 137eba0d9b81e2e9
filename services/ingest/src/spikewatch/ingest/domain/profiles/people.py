"""Reads what a row says of the person and of the reversal drug, by a profile."""

from collections.abc import Callable
from typing import Final

from spikewatch.contracts.report import QualityNote, Reversal, Victims
from spikewatch.contracts.vocabulary import AgeBand, ReversalGiver, Sex, YesNo
from spikewatch.ingest.domain.profiles.cells import NOT_RECOGNISED, Cells, Doubts, Reader, number, value
from spikewatch.ingest.domain.profiles.model import Profile
from spikewatch.ingest.domain.profiles.words import CLOSED
from spikewatch.ingest.domain.record import Fields

__all__ = ["closed_value", "person", "reversal"]

_OLDEST_STATED: Final = 89
_YEARS: Final = {"years": 1.0, "months": 12.0, "weeks": 52.18, "days": 365.25, "hours": 8_766.0, "minutes": 525_960.0}
_UNITS: Final = {
    **dict.fromkeys(("", "year", "years", "yr", "yrs", "y", "yo", "y/o"), "years"),
    **dict.fromkeys(("month", "months", "mo", "mos", "m"), "months"),
    **dict.fromkeys(("week", "weeks", "wk", "wks", "w"), "weeks"),
    **dict.fromkeys(("day", "days", "d"), "days"),
    **dict.fromkeys(("hour", "hours", "hr", "hrs", "h"), "hours"),
    **dict.fromkeys(("minute", "minutes", "min", "mins"), "minutes"),
}


def closed_value(cells: Cells, profile: Profile, field: str) -> Reader | None:
    """Return a reader of a field whose words are listed; None where the profile does not map it."""
    spec = getattr(profile, field)
    return None if spec is None else value(cells, spec, field, CLOSED[field])


def person(cells: Cells, profile: Profile) -> Callable[[Fields, Doubts], Victims]:
    """Return what reads age and sex, and how many were counted; all unknown where the profile maps none."""
    age = None if profile.age is None else number(cells, profile.age, "victims.age", 0, 1_000_000)
    band, sex = closed_value(cells, profile, "age_band"), closed_value(cells, profile, "sex")
    count = None if profile.count is None else number(cells, profile.count, "victims.count", 1, 500)
    if age is band is sex is count is None:
        nobody = Victims()
        return lambda _row, _doubts: nobody

    def read(row: Fields, doubts: Doubts) -> Victims:
        years = None if age is None else _years(age(row, doubts), doubts)
        pooled = None if band is None else band(row, doubts)
        if years is not None and years > _OLDEST_STATED:
            years, pooled = None, AgeBand.A90_PLUS
        people = None if count is None else count(row, doubts)
        return Victims(
            count=None if people is None else int(people[0]),
            age=years,
            age_band=pooled,
            sex=Sex.UNKNOWN if sex is None else sex(row, doubts) or Sex.UNKNOWN,
        )

    return read


def _years(stated: tuple[float, str] | None, doubts: Doubts) -> int | None:
    if stated is None:
        return None
    amount, unit = stated
    divisor = _YEARS.get(_UNITS.get(unit, "?"))
    years = -1 if divisor is None else int(amount / divisor)
    if not 0 <= years <= 130:  # nobody is older; 999 is filler
        doubts.append(QualityNote(field="victims.age", code="out_of_range" if divisor else NOT_RECOGNISED))
        return None
    return years


def reversal(cells: Cells, profile: Profile) -> Callable[[Fields, Doubts], Reversal] | None:
    """Return what reads the reversal drug; None where the profile maps none of it."""
    names = ("given", "drug", "unit", "route", "by", "before_ems", "response")
    words = {name: reader for name in names if (reader := closed_value(cells, profile, f"reversal_{name}")) is not None}
    doses = None if profile.reversal_doses is None else number(cells, profile.reversal_doses, "reversal.doses", 0, 99)
    amount_spec = profile.reversal_dose_amount
    amount = None if amount_spec is None else number(cells, amount_spec, "reversal.dose_amount", 0, 10_000)
    if not words and doses is None and amount is None:
        return None

    def read(row: Fields, doubts: Doubts) -> Reversal:
        stated = {name: reader(row, doubts) for name, reader in words.items()}
        many = None if doses is None else doses(row, doubts)
        dose = None if amount is None else amount(row, doubts)
        unit = stated.get("unit")
        if dose is not None and unit is None and dose[1] in CLOSED["reversal_unit"]:
            unit = dose[1]
        return Reversal(
            given=stated.get("given") or YesNo.UNKNOWN,
            drug=stated.get("drug"),
            doses=None if many is None else int(many[0]),
            dose_amount=None if dose is None else dose[0],
            unit=unit if dose is not None else None,
            route=stated.get("route"),
            by=stated.get("by") or ReversalGiver.UNKNOWN,
            before_ems=stated.get("before_ems") or YesNo.UNKNOWN,
            response=stated.get("response"),
        )

    return read
