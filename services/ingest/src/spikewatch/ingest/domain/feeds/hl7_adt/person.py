"""The person of an ADT message as far as a report tells: age, sex, home ZIP and county. Nothing else of PID is looked at."""

import re
from datetime import datetime
from functools import lru_cache
from typing import Final

from spikewatch.contracts.report import Location, QualityNote, Victims
from spikewatch.contracts.vocabulary import AgeBand, PlacePrecision, Sex
from spikewatch.ingest.domain.feeds.feed import COUNTY_ASSUMED, Source
from spikewatch.ingest.domain.feeds.hl7_adt import tables
from spikewatch.ingest.domain.feeds.hl7_adt.er7 import Message, Observations, Segment

__all__ = ["home", "victims"]

_AGE: Final = re.compile(r"(\d{1,4})(\.\d{1,6})?", re.ASCII)
_ZIP: Final = re.compile(r"(\d{5})(?:-?\d{4})?", re.ASCII)
_COUNTY: Final = re.compile(r"\d{5}", re.ASCII)
_BIRTH_DATE: Final = re.compile(r"(\d{4})(\d\d)(\d\d)\d*", re.ASCII)
_OLDEST: Final = 130
_OLDEST_STATED: Final = 89
_HOME_PLACE: Final = QualityNote(field="location", code="home_place")
_AGE_NOT_RECOGNISED: Final = QualityNote(field="victims.age", code="not_recognised")
_SEX_NOT_RECOGNISED: Final = QualityNote(field="victims.sex", code="not_recognised")


def home(message: Message, person: Segment | None, source: Source) -> tuple[Location, list[QualityNote]]:
    """Return the home ZIP and county. They are not the scene, and are marked so."""
    zip5 = county = None
    if person is not None:
        for address in person.repetitions(11):
            parts = message.values.components(address)
            found = _ZIP.fullmatch(parts[4].strip()) if len(parts) > 4 else None
            if zip5 is None and found and found[1] not in tables.NOT_A_ZIP:
                zip5 = found[1]
            if county is None and len(parts) > 8 and _COUNTY.fullmatch(parts[8].strip()):
                county = parts[8].strip()
    if zip5 or county:
        return _home(zip5, county), [_HOME_PLACE]
    if source.county_fips is not None:
        return _home(None, source.county_fips), [COUNTY_ASSUMED]
    return Location(), []


def victims(observations: Observations, person: Segment | None, arrived: datetime) -> tuple[Victims, list[QualityNote]]:
    """Return sex and age: as observed, else from the birth date, which goes no further."""
    doubts: list[QualityNote] = []
    stated = person.code(8).upper() if person is not None else ""
    sex = tables.SEXES.get(stated)
    if sex is None:
        sex = Sex.UNKNOWN
        doubts.append(_SEX_NOT_RECOGNISED)
    years = _observed_age(observations, doubts)
    if years is None and person is not None:
        years = _years_between(person.code(7), arrived)
    if years is not None and years > _OLDEST_STATED:
        years = _OLDEST_STATED + 1
    return _victims(years, sex), doubts


@lru_cache(maxsize=1_024)
def _victims(years: int | None, sex: Sex) -> Victims:
    return Victims(age_band=AgeBand.A90_PLUS, sex=sex) if years is not None and years > _OLDEST_STATED else Victims(age=years, sex=sex)


@lru_cache(maxsize=4_096)
def _home(zip5: str | None, county: str | None) -> Location:
    return Location(precision=PlacePrecision.ZIP if zip5 else PlacePrecision.COUNTY, zip5=zip5, county_fips=county)


def _observed_age(observations: Observations, doubts: list[QualityNote]) -> int | None:
    for code, observation in observations:
        if code not in tables.OBSERVED_AGE:
            continue
        match = _AGE.fullmatch(observation.code(5))
        unit = tables.AGE_UNITS.get(observation.word(6).lower())
        if match is not None and unit is not None:
            years = int(float(match[0]) * unit + 1e-9)
            if years <= _OLDEST:
                return years
        if observation.code(5):
            doubts.append(_AGE_NOT_RECOGNISED)
    return None


def _years_between(born: str, arrived: datetime) -> int | None:
    """Return the age in whole years; the birth date itself goes no further."""
    match = _BIRTH_DATE.fullmatch(born)
    if match is None:
        return None
    year, month, day = (int(part) for part in match.groups())
    years = arrived.year - year - ((arrived.month, arrived.day) < (month, day))
    return years if 0 <= years <= _OLDEST else None
