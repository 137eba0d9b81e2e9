"""FHIR as other systems write it: death certificates with partly known dates, later encounters, envelopes, other systems' codes."""

from typing import Any

import pytest
from spikewatch_testing.fhir_bundles import LOINC, SNOMED, START, bundle, concept, condition, observed, one, person, read_all, visit

from spikewatch.contracts.vocabulary import TimeBasis, TimePrecision
from spikewatch.ingest.domain.feeds.feed import NotAnOverdose, Reading
from spikewatch.ingest.domain.rejection import Rejected

OLD = "http://hl7.org/fhir/us/vrdr/StructureDefinition/"
NEW = "http://hl7.org/fhir/us/vr-common-library/StructureDefinition/Extension-partial-date-time"
UNKNOWN = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]}
CAUSE = observed("69453-9", valueCodeableConcept={"text": "Fentanyl toxicity"})


def _partial(is_new: bool, **known: Any) -> dict[str, Any]:  # noqa: FBT001
    parts = []
    for name in ("year", "month", "day", "time"):
        value = "valueTime" if name == "time" else "valueUnsignedInt"
        stated = {value: known[name]} if name in known else {f"_{value}": UNKNOWN}
        parts.append({"url": name if is_new else f"{OLD}Date-{name.capitalize()}"} | stated)
    return {"extension": [{"url": NEW if is_new else f"{OLD}PartialDateTime", "extension": parts}]}


@pytest.mark.parametrize("is_new", [False, True])
@pytest.mark.parametrize(
    ("known", "at", "precision"),
    [
        ({"year": 2026, "month": 5, "day": 2, "time": "03:04:05"}, "2026-05-02T07:04:05+00:00", TimePrecision.SECOND),
        ({"year": 2026, "month": 5, "day": 2}, "2026-05-02T04:00:00+00:00", TimePrecision.DATE),
        ({"year": 2026, "month": 5}, "2026-05-01T04:00:00+00:00", TimePrecision.MONTH),
        ({"year": 2026, "month": 5, "time": "03:04:05"}, "2026-05-01T04:00:00+00:00", TimePrecision.MONTH),
    ],
)
def test_a_death_known_in_part_counts_as_far_as_it_is_known(
    is_new: bool,  # noqa: FBT001
    known: dict[str, Any],
    at: str,
    precision: TimePrecision,
) -> None:
    report = one(person(), observed("81956-5", _valueDateTime=_partial(is_new, **known)), CAUSE).report
    assert (report.occurred_at.isoformat(), report.occurred_at_precision) == (at, precision)
    assert report.occurred_at_basis is TimeBasis.DEATH


def test_a_death_nobody_saw_counts_from_when_it_was_pronounced() -> None:
    pronounced = {"code": concept(LOINC, "80616-6"), "valueDateTime": "2026-05-02T08:00:00-04:00"}
    report = one(person(), observed("81956-5", _valueDateTime=_partial(True), component=[pronounced]), CAUSE).report
    assert report.occurred_at.isoformat() == "2026-05-02T12:00:00+00:00"


@pytest.mark.parametrize("known", [{"year": 2026}, {"year": 2026, "day": 3}, {}])
def test_a_year_alone_is_no_time(known: dict[str, Any]) -> None:
    found = one(person(), observed("81956-5", _valueDateTime=_partial(True, **known)), CAUSE)
    assert isinstance(found, Rejected)
    assert found.problem == "states no time of injury or death"


def test_a_month_that_does_not_exist_is_refused_by_its_element() -> None:
    found = one(person(), observed("81956-5", _valueDateTime=_partial(True, year=2026, month=13, day=1)), CAUSE)
    assert isinstance(found, Rejected)
    assert found.field == "Bundle.entry[1].resource._valueDateTime"


@pytest.mark.parametrize(
    ("injured", "died", "basis"),
    [
        ({"year": 2026, "month": 5, "day": 1}, {"valueDateTime": "2026-05-02T03:00:00-04:00"}, TimeBasis.INJURY),
        ({"year": 2026, "month": 5}, {"valueDateTime": "2026-05-02T03:00:00-04:00"}, TimeBasis.DEATH),
        ({"year": 2026, "month": 5, "day": 20}, {"_valueDateTime": _partial(True, year=2026, month=5)}, TimeBasis.INJURY),
        ({"year": 2026, "month": 4}, {"_valueDateTime": _partial(True, year=2026, month=5)}, TimeBasis.INJURY),
    ],
)
def test_of_injury_and_death_the_vaguer_one_gives_way(injured: dict[str, Any], died: dict[str, Any], basis: TimeBasis) -> None:
    report = one(person(), observed("81956-5", **died), observed("11374-6", _effectiveDateTime=_partial(True, **injured)), CAUSE).report
    assert report.occurred_at_basis is basis


@pytest.mark.parametrize(
    ("code", "display"),
    [
        ("T40.1X1D", "Poisoning by heroin, accidental, subsequent encounter"),
        ("T40.1X1S", "Poisoning by heroin, accidental, sequela"),
        ("T401X1S", "Poisoning by heroin, accidental, sequela"),
    ],
)
def test_the_words_of_a_later_encounter_are_no_overdose(code: str, display: str) -> None:
    coded = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": code, "display": display}]}
    found = one(person(), visit(reasonCode=[coded]), condition() | {"code": coded})
    assert isinstance(found, Reading)
    assert not found.found.statements
    assert {one_code.code for one_code in found.found.codes} == {code}


def test_icd_10_of_a_hospital_is_the_clinical_modification() -> None:
    coded = condition() | {"code": concept("http://hl7.org/fhir/sid/icd-10", "T40.1X1A")}
    found = one(person(), visit(), coded)
    assert ("icd10cm", "T40.1X1A", "diagnosis") in {(code.system, code.code, code.role) for code in found.found.codes}


@pytest.mark.parametrize(
    ("dated", "counts"),
    [
        ({"recordedDate": "2019-01-01T10:00:00Z"}, False),
        ({"onsetDateTime": "2019"}, False),
        ({"onsetDateTime": "2026-03"}, False),
        ({"onsetPeriod": {"start": "2026-04-20"}}, False),
        ({"onsetDateTime": "2026-05"}, True),
        ({"recordedDate": "2026-04-30"}, True),
        ({"recordedDate": "2026-05-03"}, True),
        ({}, True),
    ],
)
def test_a_condition_of_earlier_days_that_names_no_visit_is_not_of_this_one(dated: dict[str, Any], counts: bool) -> None:  # noqa: FBT001
    found = one(person(), visit(), condition(**dated))
    assert bool(found.found.codes) == counts
    named = one(person(), visit(), condition(encounter={"reference": "Encounter/e1"}, **dated))
    assert named.found.codes


def test_a_message_around_a_document_is_no_record_of_its_own() -> None:
    inner = bundle(person(), observed("81956-5", valueDateTime=START), CAUSE, type="document")
    header = {"resourceType": "MessageHeader", "id": "h", "eventUri": "http://nchs.cdc.gov/vrdr_submission"}
    parameters = {"resourceType": "Parameters", "id": "q", "parameter": [{"name": "cert_no", "valueUnsignedInt": 182}]}
    [found] = read_all(bundle(header, parameters, inner, type="message"))
    assert isinstance(found, Reading)


def test_a_message_around_a_document_without_a_case_is_refused_once() -> None:
    header = {"resourceType": "MessageHeader", "id": "h", "eventUri": "http://nchs.cdc.gov/vrdr_submission"}
    [found] = read_all(bundle(header, bundle(person(), type="document"), type="message"))
    assert isinstance(found, Rejected)


def test_a_reason_as_r5_wraps_it() -> None:
    reason = [{"value": [{"concept": concept(SNOMED, "55680006")}]}]
    found = one(person(), visit(reasonCode=None, reason=reason))
    assert not isinstance(found, NotAnOverdose)
    assert {code.code for code in found.found.codes} == {"55680006"}
