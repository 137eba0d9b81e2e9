"""An Encounter, with what belongs to it, as a report of a hospital."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from spikewatch.contracts.report import Code, Location, QualityNote, Reversal
from spikewatch.contracts.vocabulary import Disposition, DrugBasis, Outcome, PlacePrecision, TimeBasis, YesNo
from spikewatch.ingest.domain.evidence import Found, Statement
from spikewatch.ingest.domain.feeds.feed import COUNTY_ASSUMED, NotAnOverdose, Reading, Source
from spikewatch.ingest.domain.feeds.fhir.element import Element, codes, instant, words
from spikewatch.ingest.domain.feeds.fhir.graph import Belongings
from spikewatch.ingest.domain.feeds.fhir.medication import reversal
from spikewatch.ingest.domain.feeds.fhir.person import home, one_of_kind, victim
from spikewatch.ingest.domain.feeds.fhir.report import report_of, revision
from spikewatch.ingest.domain.feeds.reported import location_of
from spikewatch.ingest.domain.rejection import Fault
from spikewatch.ingest.domain.wall_clock import not_future

__all__ = ["read_encounter"]

_EMERGENCY: Final = frozenset({"EMER", "E", "FLD"})
_OUTPATIENT: Final = frozenset({"AMB", "VR", "HH", "PRENC", "O"})
_STATUSES: Final = frozenset(
    {
        "planned",
        "arrived",
        "triaged",
        "in-progress",
        "onleave",
        "finished",
        "cancelled",
        "entered-in-error",
        "unknown",
        "discharged",
        "completed",
    }
)
_NOT_YET: Final = frozenset({"planned", "cancelled"})
_COMPLAINTS: Final = {
    "8661-1": "chief_complaint",
    "10154-3": "chief_complaint",
    "46239-0": "chief_complaint",
    "29299-5": "chief_complaint",
    "54094-8": "narrative",
}
_DEAD: Final = frozenset({"exp", "20", "40", "41", "42"})
_DISPOSITIONS: Final = {
    "home": Disposition.RELEASED, "01": Disposition.RELEASED, "1": Disposition.RELEASED,
    "aadvice": Disposition.REFUSED, "07": Disposition.REFUSED, "7": Disposition.REFUSED,
    "21": Disposition.ARREST,
}  # fmt: skip
_ALIVE: Final = frozenset(_DISPOSITIONS) | {
    "alt-home", "other-hcf", "hosp", "hospice", "long", "oth", "psy", "rehab", "snf", "02", "03", "04", "05", "06", "30", "50", "51",
    "62", "63", "65", "66", "70",
}  # fmt: skip
_OVER: Final = re.compile(r"[ST]\d{2}\.?[0-9A-Z]{3}[DS]", re.ASCII)  # ICD-10-CM: a later encounter, a sequela
_BEFORE: Final = timedelta(days=2)
_VOID: Final = frozenset({"entered-in-error", "cancelled"})


def read_encounter(record: Belongings, source: Source) -> Reading | NotAnOverdose:
    """Make a reading of an Encounter.

    Raises:
        Rejected: an element is missing or wrong.
    """
    root = record.root.element
    status = root.text("status")
    if status is not None and status not in _STATUSES:
        root.child("status").fail(
            "is no status of an Encounter", "one of planned, arrived, in-progress, finished, cancelled, …", "finished"
        )
    kinds = _classes(root)
    start = root.at("period", "start")
    if not start.is_stated and root.child("actualPeriod").is_stated:
        start = root.at("actualPeriod", "start")  # its name in R5
    if not start.is_stated:
        start.fail("is missing", "when the person arrived", "2026-05-01T14:03:00-04:00", Fault.MISSING_FIELD)
    arrived = instant(start, source.time_zone)
    if status not in _NOT_YET:
        not_future(arrived, source.received_at, start.path)
    patient = one_of_kind(record, "Patient")
    observations = [part for part in record.of_kind("Observation") if part.text("status") not in _VOID]
    person, doubts = victim(patient, arrived.at, observations)
    location, place_doubts = _location(patient, source)
    outcome, disposition, outcome_doubts = _outcome(root, patient, status)
    given = reversal(record)
    found = _found(record, observations, kinds, outcome, given)
    unstated = () if kinds else (QualityNote(field="encounter.class", code="not_stated"),)
    report = report_of(
        record,
        source,
        occurred=arrived,
        basis=TimeBasis.ARRIVAL,
        location=location,
        outcome=outcome,
        disposition=disposition,
        reversal=given,
        victims=person,
        quality=(*doubts, *place_doubts, *outcome_doubts, *unstated),
    )
    number = revision(record)
    if report.withdrawn or status in _NOT_YET or (kinds and kinds <= _OUTPATIENT):
        return NotAnOverdose(report, number)
    if not found.codes and not found.statements and given.given is YesNo.UNKNOWN and one_of_kind(record, "Condition") is None:
        return NotAnOverdose()  # it says nothing of why the person came, as an Encounter sent alone: it takes nothing back either
    return Reading(report, number, found, is_declared=False)


def _classes(root: Element) -> set[str]:
    """Return the codes of Encounter.class: a Coding in R4, a list of concepts in R5, a word before both."""
    value = root.child("class")
    if isinstance(value.value, str):
        return {"EMER"} if value.value.lower() == "emergency" else {"AMB"} if value.value.lower() == "outpatient" else set()
    if isinstance(value.value, list):
        found = [coding.text("code") for concept in root.each("class") for coding in concept.each("coding")]
    else:
        found = [value.text("code")]
    return {code.upper() for code in found if code is not None}


def _location(patient: Element | None, source: Source) -> tuple[Location, tuple[QualityNote, ...]]:
    """Return where the person lives, as far as ZIP and county say; a hospital's feed does not know the scene."""
    lives = home(patient)
    county = lives.county_fips or source.county_fips
    doubts = (QualityNote(field="location", code="home_place"),) if lives.zip5 or lives.county_fips else ()
    if lives.county_fips is None and county is not None:
        doubts = (*doubts, COUNTY_ASSUMED)
    precision = PlacePrecision.ZIP if lives.zip5 else PlacePrecision.COUNTY if county else PlacePrecision.NONE
    return location_of(precision=precision, zip5=lives.zip5, county_fips=county), doubts


def _outcome(root: Element, patient: Element | None, status: str | None) -> tuple[Outcome, Disposition, tuple[QualityNote, ...]]:
    discharge = root.at("hospitalization", "dischargeDisposition")
    if not discharge.is_stated:
        discharge = root.at("admission", "dischargeDisposition")  # its name in R5
    stated = [coding.text("code") for coding in discharge.each("coding")] if discharge.is_stated else []
    if any(code in _DEAD for code in stated):
        return Outcome.FATAL, Disposition.UNKNOWN, ()
    disposition = next((_DISPOSITIONS[code] for code in stated if code in _DISPOSITIONS), Disposition.UNKNOWN)
    is_alive = any(code in _ALIVE for code in stated)
    deceased = patient.child("deceasedBoolean").value if patient is not None else None
    if patient is not None and patient.child("deceasedDateTime").is_stated:
        died = instant(patient.child("deceasedDateTime"), "Etc/UTC").at
        end = root.at("period", "end")
        left = instant(end, "Etc/UTC").at if end.is_stated else None
        if not is_alive and (left is None or died <= left or (died - left).days < 1):
            return Outcome.FATAL, disposition, ()
    elif deceased is True and not is_alive:
        # Whether of this visit is not said: the one place where it would be, the discharge, is silent.
        return Outcome.FATAL, disposition, (QualityNote(field="outcome", code="death_time_not_stated"),)
    return Outcome.NONFATAL if is_alive and status != "in-progress" else Outcome.UNKNOWN, disposition, ()


def _found(record: Belongings, observations: list[Element], kinds: set[str], outcome: Outcome, given: Reversal) -> Found:
    root = record.root.element
    found: list[Code] = []
    statements: list[Statement] = []
    for condition in record.of_kind("Condition"):
        if not _holds(condition, record):
            continue
        stated, texts = _diagnosed(condition.child("code"), "diagnosis")
        found += stated
        statements += [Statement("diagnosis_text", text, DrugBasis.SUSPECTED) for text in texts]
    for reason in _reasons(root):
        stated, texts = _diagnosed(reason, "reason")
        found += stated
        statements += [Statement("chief_complaint", text, DrugBasis.SUSPECTED) for text in texts]
    for observation in observations:
        roles = [_COMPLAINTS[code.code] for code in codes(observation.child("code"), "observation") if code.code in _COMPLAINTS]
        if not roles:
            continue
        text = observation.text("valueString")
        concept = observation.child("valueCodeableConcept")
        texts = [text] if text is not None else words(concept)
        found += _diagnosed(concept, "reason")[0]
        statements += [Statement(roles[0], said, DrugBasis.SUSPECTED) for said in texts]
    facts = {
        "emergency_response": bool(kinds & _EMERGENCY),
        "dead": outcome is Outcome.FATAL,
        "naloxone_given": given.given is YesNo.YES and given.drug == "naloxone",
    }
    return Found(
        tuple(dict.fromkeys(found)), (), tuple(dict.fromkeys(statements)), frozenset(name for name, holds in facts.items() if holds)
    )


def _reasons(root: Element) -> Iterator[Element]:
    """Yield why the person came; R5 wraps each reason up twice."""
    yield from root.each("reasonCode")
    for reason in root.each("reason"):
        inner = [value.child("concept") for value in reason.each("value")]
        yield from inner or (reason,)


def _diagnosed(concept: Element, role: str) -> tuple[list[Code], list[str]]:
    """Return the codes and the texts of a diagnosis; of one that the person comes back for, or lives on with, the codes alone.

    In US hospitals what is sent as ICD-10 is its clinical modification.
    """
    found = [code.model_copy(update={"system": "icd10cm"}) if code.system == "icd10" else code for code in codes(concept, role)]
    is_over = any(code.system == "icd10cm" and _OVER.fullmatch(code.code) for code in found)
    return found, [] if is_over else words(concept)


def _is_older(condition: Element, root: Element) -> bool:
    """Tell whether a Condition was stated days before the visit. Times of any precision compare as texts."""
    start = root.at("period", "start").value or root.at("actualPeriod", "start").value
    dates = (condition.child("recordedDate"), condition.child("onsetDateTime"), condition.at("onsetPeriod", "start"))
    stated = next((part.value for part in dates if isinstance(part.value, str) and part.value), None)
    try:
        first = date.fromisoformat(str(start)[:10]) - _BEFORE
    except (ValueError, OverflowError):
        return False  # a start that cannot be read is refused elsewhere
    return stated is not None and stated[:10] < first.isoformat()[: len(stated)]


def _holds(condition: Element, record: Belongings) -> bool:
    """Tell whether a Condition is a finding of this visit: not refuted, not an error, no problem carried along, not of earlier days."""
    verification = {coding.text("code") for coding in condition.child("verificationStatus").each("coding")}
    if verification & {"refuted", "entered-in-error"}:
        return False
    if condition.child("encounter").is_stated:
        return True
    is_problem = any(
        coding.text("code") == "problem-list-item" for category in condition.each("category") for coding in category.each("coding")
    )
    root = record.root.element
    return not (is_problem or _is_older(condition, root)) or any(
        record.follow(diagnosis.child("condition"), root) == condition for diagnosis in root.each("diagnosis")
    )
