"""Folds many elements into one word each: what became of the person, where they went, who they are."""

import re
from typing import Final

from spikewatch.contracts.report import QualityNote, Victims
from spikewatch.contracts.vocabulary import AgeBand, Disposition, Outcome, Sex
from spikewatch.ingest.domain.feeds.nemsis.elements import APPROXIMATE, Pcr
from spikewatch.ingest.domain.identifying import without_identifiers

__all__ = ["destination", "disposition", "is_without_patient", "outcome", "victims"]

_DEAD: Final = (
    ("eScene.08", "2708009"),
    ("eSituation.13", "2813007"),
    ("eArrest.18", "3018001"),
    ("eArrest.18", "3018003"),
    ("eDisposition.12", "4212013"),
    ("eDisposition.12", "4212015"),
    ("eDisposition.12", "4212017"),
    ("eDisposition.12", "4212019"),
    ("eDisposition.19", "4219007"),
    ("eDisposition.19", "4219009"),
    ("eDisposition.21", "4221009"),
    ("eOutcome.01", "20"),
    ("eOutcome.02", "20"),
)
_ALIVE: Final = (
    ("eDisposition.19", ("4219001", "4219003", "4219005", "4219011")),  # acuity when the crew let the person go
    ("eDisposition.28", ("4228003", "4228005", "4228007")),  # refused, or needed no care
    ("eDisposition.12", ("4212021", "4212023", "4212025", "4212027", "4212029", "4212035", "4212037")),
    ("eDisposition.30", ("4230009",)),
    ("eArrest.18", ("3018007", "3018009")),
)
_DISCHARGED: Final = re.compile(r"\d\d", re.ASCII)
_RESUSCITATION_GOES_ON: Final = ("3018005", "3018011")
_ARREST: Final = ("3001003", "3001005")
_3_4: Final = "eDisposition.12"
_TRANSPORTED: Final = ("4230001", "4230003", "4230005", "4230007")
_NO_PATIENT: Final = ("4227003", "4227005", "4227007", "4227009", "4227011")
# NEMSIS v3.4 has one element, eDisposition.12, for what v3.5 says in .27 to .30; grouped as NEMSIS's General Filters group it: all
# others are the dead, and those whom the crew met and let go.
_TRANSPORTED_3_4: Final = ("4212023", "4212033")
_REFUSED_3_4: Final = ("4212023", "4212025")
_RELEASED_3_4: Final = ("4212021", "4212027", "4212029")
_NO_PATIENT_3_4: Final = ("4212001", "4212003", "4212005", "4212007", "4212009", "4212011", "4212039", "4212041", "4212043")
_HOME: Final = "4221001"
_SEXES: Final = {
    "9919001": Sex.FEMALE,
    "9919003": Sex.MALE,
    "9906001": Sex.FEMALE,
    "9906003": Sex.MALE,
    "9906007": Sex.OTHER,
    "9906009": Sex.OTHER,
    "9906011": Sex.OTHER,
}
_YEARS: Final = "2516009"
_MONTHS: Final = "2516007"
_SHORTER: Final = ("2516001", "2516003", "2516005")
_AGE: Final = re.compile(r"\d{1,3}", re.ASCII)
_OLDEST: Final = 120
_OLDEST_STATED: Final = 89  # older ages are pooled
_BANDS: Final = tuple(AgeBand)
_SINGLE_PATIENT: Final = "2707005"
_LONGEST_NAME: Final = 100
# A destination is kept when it is called like a facility: a home may be called by a person's name.
_FACILITY: Final = re.compile(
    r"hosp|medic|health|clinic|center|centre|\bctr|emergency|\bER\b|\bED\b|urgent|recovery|rehab|treatment|detox|sober|crisis|shelter|"
    r"jail|prison|police|sheriff|correction|university|memorial|general|regional|infirmary|morgue|\bVA\b|department|\bdept",
    re.IGNORECASE,
)


def outcome(pcr: Pcr) -> Outcome:
    """Return fatal only where the record says dead; no pulse yet, or a resuscitation that goes on, is unknown."""
    if any(pcr.has(name, code) for name, code in _DEAD):
        return Outcome.FATAL
    if pcr.has("eArrest.18", *_RESUSCITATION_GOES_ON):
        return Outcome.UNKNOWN
    is_discharged = any(_DISCHARGED.fullmatch(pcr.text(name) or "") for name in ("eOutcome.01", "eOutcome.02"))
    if is_discharged or any(pcr.has(name, *codes) for name, codes in _ALIVE):
        return Outcome.NONFATAL
    if _is_transported(pcr) and not pcr.has("eArrest.01", *_ARREST):
        return Outcome.NONFATAL
    return Outcome.UNKNOWN


def disposition(pcr: Pcr, ended: Outcome) -> Disposition:
    """Return what became of the person at the scene."""
    is_transported = _is_transported(pcr)
    died_there = pcr.has("eArrest.18", "3018003") or pcr.has("eDisposition.21", "4221009") or pcr.has("eSituation.13", "2813007")
    if ended is Outcome.FATAL and (died_there or not is_transported):
        return Disposition.DIED_ON_SCENE
    if is_transported:
        if pcr.has("eDisposition.21", "4221019"):
            return Disposition.ARREST
        return Disposition.TREATMENT if pcr.has("eDisposition.21", "4221039") else Disposition.TRANSPORTED
    if pcr.has("eDisposition.30", "4230009") or pcr.has("eDisposition.28", "4228003", "4228007") or pcr.has(_3_4, *_REFUSED_3_4):
        return Disposition.REFUSED
    if pcr.has("eDisposition.30", "4230013") or pcr.has("eDisposition.28", "4228005") or pcr.has(_3_4, *_RELEASED_3_4):
        return Disposition.RELEASED
    return Disposition.UNKNOWN


def _is_transported(pcr: Pcr) -> bool:
    return pcr.has("eDisposition.30", *_TRANSPORTED) or pcr.has(_3_4, *_TRANSPORTED_3_4)


def destination(pcr: Pcr) -> str | None:
    """Return the name of the facility the person was brought to; a home has none."""
    name = " ".join((pcr.text("eDisposition.01") or "").split())
    if not _FACILITY.search(name) or len(name) > _LONGEST_NAME or not name.isprintable() or pcr.has("eDisposition.21", _HOME):
        return None
    cleaned, is_cut = without_identifiers(name)
    return None if is_cut else cleaned


def is_without_patient(pcr: Pcr) -> bool:
    """Tell whether the unit met no patient: cancelled, none found, no contact; and states no impression either."""
    is_stated = any(pcr.text(name) for name in ("eSituation.11", "eSituation.12"))
    is_unmet = pcr.has("eDisposition.27", *_NO_PATIENT) or pcr.has(_3_4, *_NO_PATIENT_3_4)
    return is_unmet and not is_stated


def victims(pcr: Pcr) -> tuple[Victims, list[QualityNote]]:
    """Return age and sex of the person; an approximate age is a band of ten years."""
    doubts: list[QualityNote] = []
    age, band = _age(pcr, doubts)
    sex = _SEXES.get(pcr.text("ePatient.25") or "") or _SEXES.get(pcr.text("ePatient.13") or "", Sex.UNKNOWN)
    return Victims(count=1 if pcr.has("eScene.06", _SINGLE_PATIENT) else None, age=age, age_band=band, sex=sex), doubts


def _age(pcr: Pcr, doubts: list[QualityNote]) -> tuple[int | None, AgeBand | None]:
    value, units = next(pcr.stated("ePatient.15"), None), pcr.text("ePatient.16")
    if value is None:
        return None, None
    age = int(value.text) if _AGE.fullmatch(value.text) else _OLDEST + 1
    if age > _OLDEST or units not in {_YEARS, _MONTHS, *_SHORTER}:
        doubts.append(QualityNote(field="victims.age", code="not_usable"))
        return None, None
    years = age if units == _YEARS else age // 12 if units == _MONTHS else 0
    if years > _OLDEST_STATED:
        return None, AgeBand.A90_PLUS
    if value.pn == APPROXIMATE:
        doubts.append(QualityNote(field="victims.age", code="approximate"))
        return None, _BANDS[years // 10]
    return years, None
