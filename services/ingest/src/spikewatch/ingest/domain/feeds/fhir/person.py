"""What is read of the Patient: sex, the age at the time (the birth date ends here), home ZIP and county. Nothing else is looked at."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from spikewatch.contracts.report import QualityNote, Victims
from spikewatch.contracts.vocabulary import AgeBand, Sex
from spikewatch.ingest.domain.feeds.fhir.element import Element, codes
from spikewatch.ingest.domain.feeds.fhir.graph import Belongings

__all__ = ["Home", "home", "one_of_kind", "victim"]

_OLDEST_STATED: Final = 89  # older ages are pooled
_OLDEST: Final = 130
_BIRTH: Final = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?", re.ASCII)
_ZIP: Final = re.compile(r"(\d{5})(?:-?\d{4})?", re.ASCII)
_COUNTY: Final = re.compile(r"\d{5}", re.ASCII)
_SEX: Final = {kind.value: kind for kind in Sex}
_AGE_CODES: Final = frozenset({"21612-7", "30525-0", "29553-5", "39016-1"})  # reported, age, calculated, at death
_YEARS: Final = {"a": 1.0, "mo": 1 / 12, "wk": 1 / 52.18, "d": 1 / 365.25, "h": 0.0, "min": 0.0}


@dataclass(frozen=True, slots=True)
class Home:
    """How far a person's home may be known."""

    zip5: str | None = None
    county_fips: str | None = None


def one_of_kind(record: Belongings, kind: str) -> Element | None:
    """Return the first resource of a kind."""
    return next(record.of_kind(kind), None)


def victim(patient: Element | None, at: datetime, observations: list[Element]) -> tuple[Victims, tuple[QualityNote, ...]]:
    """Return sex and age of the person; the age an Observation states goes before the one that a birth date gives.

    Raises:
        Rejected: gender, birth date or the stated age is none.
    """
    sex = Sex.UNKNOWN
    notes: tuple[QualityNote, ...] = ()
    age = _stated_age(observations)
    if patient is not None:
        gender = patient.text("gender")
        if gender is not None and gender.lower() not in _SEX:
            patient.child("gender").fail("is not one of the listed values", "one of male, female, other, unknown", "female")
        sex = _SEX[gender.lower()] if gender is not None else Sex.UNKNOWN
        if age is None:
            age, is_exact = _age_at(patient.child("birthDate"), at)
            notes = () if is_exact else (QualityNote(field="victims.age", code="approximate"),)
    if age is not None and age > _OLDEST_STATED:
        return Victims(age_band=AgeBand.A90_PLUS, sex=sex), notes
    return Victims(age=age, sex=sex), notes


def home(patient: Element | None) -> Home:
    """Return ZIP and county of the current home address; street and town are never looked at.

    Raises:
        Rejected: the address is no address.
    """
    if patient is None:
        return Home()
    for address in patient.each("address"):
        if address.text("use") in {"old", "temp", "billing"}:
            continue
        zip5 = _ZIP.fullmatch(address.text("postalCode") or "")
        district = address.text("district") or ""
        county = district if _COUNTY.fullmatch(district) else None
        if zip5 or county:
            return Home(zip5[1] if zip5 else None, county)
    return Home()


def _age_at(birth: Element, at: datetime) -> tuple[int | None, bool]:
    """Return completed years at a moment, and whether the day of birth was stated."""
    if not birth.is_stated:
        return None, True
    stated = _BIRTH.fullmatch(birth.value) if isinstance(birth.value, str) else None
    if stated is None:
        birth.fail("is not a date", "a FHIR date", "1987-05-01")
    year, month, day = int(stated[1]), int(stated[2] or 1), int(stated[3] or 1)
    if not (1 <= month <= 12 and 1 <= day <= 31):
        birth.fail("names a day that does not exist", "a FHIR date", "1987-05-01")
    age = at.year - year - ((at.month, at.day) < (month, day))
    if not -1 <= age <= _OLDEST:
        birth.fail("gives an age that nobody has", f"0 to {_OLDEST} years before the encounter", "1987-05-01")
    return max(age, 0), stated[3] is not None


def _stated_age(observations: list[Element]) -> int | None:
    for observation in observations:
        if not any(code.code in _AGE_CODES for code in codes(observation.child("code"), "age")):
            continue
        quantity = observation.child("valueQuantity")
        value = quantity.number("value")
        if value is None:
            continue
        unit = quantity.text("code") or quantity.text("unit") or "a"
        years = _YEARS.get(unit, 1.0 if unit.lower() in {"years", "year", "yr", "y"} else None)
        if years is None:
            quantity.child("code").fail("is no unit of age", "one of a, mo, wk, d, h, min (UCUM)", "a")
        if not 0 <= value * years <= _OLDEST:
            quantity.child("value").fail("is an age that nobody has", f"0 to {_OLDEST} years", "34")
        return int(value * years)
    return None
