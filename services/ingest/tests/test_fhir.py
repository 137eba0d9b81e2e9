"""FHIR: what an Encounter and what belongs to it become."""

from datetime import UTC, datetime
from typing import Any

import pytest
from spikewatch_testing.fhir_bundles import ICD, SNOMED, START, bundle, concept, condition, observed, one, person, read_all, visit, whole

from spikewatch.contracts.vocabulary import AgeBand, Disposition, Outcome, PlacePrecision, Sex, TimeBasis, YesNo
from spikewatch.ingest.domain.feeds.feed import NotAnOverdose, Reading
from spikewatch.ingest.domain.rejection import Rejected


def test_a_visit_with_its_condition_is_one_reading() -> None:
    found = one(person(), visit(), condition(encounter={"reference": "Encounter/e1"}))
    report = found.report
    assert (report.occurred_at, report.occurred_at_basis) == (datetime(2026, 5, 1, 18, 3, tzinfo=UTC), TimeBasis.ARRIVAL)
    assert (report.location.zip5, report.location.precision, report.location.address) == ("99701", PlacePrecision.ZIP, None)
    assert (report.victims.age, report.victims.sex) == (35, Sex.FEMALE), "it is a day before the 36th birthday"
    assert [(code.system, code.code, code.role) for code in found.found.codes] == [("icd10cm", "T40.1X1A", "diagnosis")]
    assert "emergency_response" in found.found.facts
    assert not found.is_declared
    assert {note.code for note in report.quality} == {"home_place", "agency_county_assumed"}


def test_a_bundle_of_many_visits_is_cut_into_many_and_each_keeps_its_own() -> None:
    second = visit(id="e2", subject={"reference": "Patient/p2"})
    found = list(
        read_all(
            bundle(
                person(),
                person(id="p2", gender="male"),
                visit(),
                second,
                condition("T40.1X1A", encounter={"reference": "Encounter/e1"}),
                condition("T43.621A", subject={"reference": "Patient/p2"}),
            )
        )
    )
    assert [[code.code for code in part.found.codes] for part in found if isinstance(part, Reading)] == [["T40.1X1A"], ["T43.621A"]]


def test_what_names_no_visit_belongs_to_none_where_there_are_several() -> None:
    found = list(read_all(bundle(person(), visit(), visit(id="e2"), condition())))
    assert [part.found.codes for part in found if isinstance(part, Reading)] == [(), ()]


@pytest.mark.parametrize(
    ("url", "reference"),
    [
        ("urn:uuid:0f0f0f0f-0000-4000-8000-000000000001", "urn:uuid:0f0f0f0f-0000-4000-8000-000000000001"),
        ("https://hospital.example/fhir/Encounter/e1", "https://hospital.example/fhir/Encounter/e1/_history/3"),
        ("https://hospital.example/fhir/Encounter/e1", "Encounter/e1"),
        (None, "https://elsewhere.example/Encounter/e1"),
    ],
)
def test_references_are_followed_in_every_form(url: str | None, reference: str) -> None:
    entry = {"resource": visit()} | ({"fullUrl": url} if url else {})
    found = list(
        read_all(
            {
                "resourceType": "Bundle",
                "entry": [entry, {"resource": visit(id="e2")}, {"resource": condition(encounter={"reference": reference})}],
            }
        )
    )
    assert [len(part.found.codes) for part in found if isinstance(part, Reading)] == [1, 0]


def test_contained_resources_belong_to_their_visit() -> None:
    found = one(person(), visit(contained=[condition(id="c")], diagnosis=[{"condition": {"reference": "#c"}}]))
    assert [code.code for code in found.found.codes] == ["T40.1X1A"]


@pytest.mark.parametrize(
    "more",
    [
        {"verificationStatus": concept("x", "refuted")},
        {"verificationStatus": concept("x", "entered-in-error")},
        {"category": [concept("x", "problem-list-item")]},
    ],
)
def test_what_is_refuted_or_carried_along_is_no_finding(more: dict[str, Any]) -> None:
    assert one(person(), visit(), condition(**more)).found.codes == ()


def test_a_problem_that_the_visit_names_as_its_diagnosis_counts() -> None:
    known = condition(id="c", category=[concept("x", "problem-list-item")])
    assert len(one(person(), visit(diagnosis=[{"condition": {"reference": "Condition/c"}}]), known).found.codes) == 1


def test_codes_of_three_systems_and_no_text_in_the_place_of_one() -> None:
    many = {
        "coding": [
            {"system": SNOMED, "code": "295174006"},
            {"system": "urn:oid:2.16.840.1.113883.6.103", "code": "965.01"},
            {"system": ICD, "code": "Jane Doe"},
            {"system": "urn:unknown", "code": "1"},
        ]
    }
    found = one(person(), visit(), condition() | {"code": many})
    assert [(code.system, code.code) for code in found.found.codes] == [("snomed", "295174006"), ("icd9cm", "965.01")]


def test_the_chief_complaint_is_handed_over_and_not_kept() -> None:
    found = one(
        person(),
        visit(reasonCode=None),
        observed("8661-1", valueString="heroin OD"),
        observed("10154-3", valueCodeableConcept={"text": "nodding"}),
    )
    assert [(part.role, part.text) for part in found.found.statements] == [("chief_complaint", "heroin OD"), ("chief_complaint", "nodding")]
    assert b"heroin OD" not in found.report.to_json()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"status": "completed"}, YesNo.YES),
        ({"status": "not-done"}, YesNo.NO),
        ({"status": "entered-in-error"}, YesNo.UNKNOWN),
        ({"medicationCodeableConcept": {"text": "buprenorphine / naloxone"}}, YesNo.UNKNOWN),
    ],
)
def test_naloxone(given: dict[str, Any], expected: YesNo) -> None:
    dose = {"dose": {"value": 0.4, "unit": "mg"}, "route": concept(SNOMED, "47625008")}
    entry = {"resourceType": "MedicationAdministration", "medicationCodeableConcept": {"text": "Naloxone 0.4 mg"}, "dosage": dose}
    entry |= {"subject": {"reference": "Patient/p1"}, "status": "completed"} | given
    found = one(person(), visit(), entry, entry)
    assert found.report.reversal.given is expected
    assert ("naloxone_given" in found.found.facts) == (expected is YesNo.YES)
    if expected is YesNo.YES:
        assert (found.report.reversal.doses, found.report.reversal.dose_amount, found.report.reversal.route) == (2, 0.8, "intravenous")


@pytest.mark.parametrize(
    ("discharge", "patient", "outcome", "disposition"),
    [
        ("exp", {}, Outcome.FATAL, Disposition.UNKNOWN),
        ("home", {}, Outcome.NONFATAL, Disposition.RELEASED),
        ("aadvice", {}, Outcome.NONFATAL, Disposition.REFUSED),
        (None, {"deceasedDateTime": "2026-05-01T20:00:00-04:00"}, Outcome.FATAL, Disposition.UNKNOWN),
        ("home", {"deceasedDateTime": "2026-05-20"}, Outcome.NONFATAL, Disposition.RELEASED),
        ("home", {"deceasedBoolean": True}, Outcome.NONFATAL, Disposition.RELEASED),
        (None, {"deceasedBoolean": True}, Outcome.FATAL, Disposition.UNKNOWN),
        (None, {}, Outcome.UNKNOWN, Disposition.UNKNOWN),
    ],
)
def test_outcome(discharge: str | None, patient: dict[str, Any], outcome: Outcome, disposition: Disposition) -> None:
    stay = {"hospitalization": {"dischargeDisposition": concept("x", discharge)}} if discharge else {}
    report = one(person(**patient), visit(**stay)).report
    assert (report.outcome, report.disposition) == (outcome, disposition)


@pytest.mark.parametrize(
    "more", [{"class": {"code": "AMB"}}, {"status": "planned"}, {"status": "cancelled"}, {"status": "entered-in-error"}]
)
def test_other_visits_are_no_overdose_and_take_back_what_was_one(more: dict[str, Any]) -> None:
    found = one(person(), visit(**more))
    assert isinstance(found, NotAnOverdose)
    assert found.report is not None
    assert found.report.report_key == one(person(), visit()).report.report_key


def test_a_visit_that_says_nothing_of_its_reason_changes_nothing() -> None:
    assert one(person(), visit(reasonCode=None)) == NotAnOverdose()
    assert one(person(), visit(reasonCode=None, status="cancelled")).report is not None
    denied = condition(verificationStatus=concept("x", "refuted"))
    assert isinstance(one(person(), visit(reasonCode=None), denied), Reading), "that there is no such finding is a finding"


def test_the_period_by_its_name_in_r5() -> None:
    moved = visit(period=None, actualPeriod={"start": START})
    assert one(person(), moved).report.occurred_at == one(person(), visit()).report.occurred_at


def test_fhir_as_xml_is_told_so() -> None:
    [found] = whole(b'<Bundle xmlns="http://hl7.org/fhir"/>')
    assert isinstance(found, Rejected)
    assert "is XML" in found.problem


def test_naltrexone_reverses_nothing() -> None:
    given = {
        "resourceType": "MedicationAdministration",
        "status": "completed",
        "medicationCodeableConcept": {"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "7243"}]},
        "subject": {"reference": "Patient/p1"},
    }
    assert one(person(), visit(), given).report.reversal.given is YesNo.UNKNOWN


@pytest.mark.parametrize(
    ("birth", "age", "band", "is_noted"),
    [("1990-05-01", 36, None, False), ("1990", 36, None, True), ("1920-01-01", None, AgeBand.A90_PLUS, False), (None, None, None, False)],
)
def test_the_age_and_never_the_birth_date(birth: str | None, age: int | None, band: AgeBand | None, is_noted: bool) -> None:  # noqa: FBT001
    report = one(person(birthDate=birth), visit()).report
    assert (report.victims.age, report.victims.age_band) == (age, band)
    assert any(note.code == "approximate" for note in report.quality) == is_noted


def test_a_stated_age_goes_before_the_birth_date() -> None:
    age = observed("21612-7", valueQuantity={"value": 18, "code": "mo"})
    assert one(person(), visit(), age).report.victims.age == 1
