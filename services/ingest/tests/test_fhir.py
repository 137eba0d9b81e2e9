import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from spikewatch_testing.fuzzing.seeds import examples

from spikewatch.contracts.vocabulary import AgeBand, Disposition, Outcome, PlacePrecision, Sex, SourceType, TimeBasis, TimePrecision, YesNo
from spikewatch.ingest.domain.feeds.feed import NotAnOverdose, Reading, Source
from spikewatch.ingest.domain.feeds.fhir import FEED
from spikewatch.ingest.domain.rejection import Rejected

ICD, SNOMED, LOINC = "http://hl7.org/fhir/sid/icd-10-cm", "http://snomed.info/sct", "http://loinc.org"
SOURCE = Source("cedar-ed", SourceType.ED, datetime(2026, 6, 1, tzinfo=UTC), UUID(int=7), "fhir", "America/New_York", "99001")
START = "2026-05-01T14:03:00-04:00"
TRACKING = "http://hl7.org/fhir/us/mdi/StructureDefinition/Extension-tracking-number"


def concept(system: str, code: str, text: str | None = None) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]} | ({"text": text} if text else {})


def visit(**more: Any) -> dict[str, Any]:
    found = {
        "resourceType": "Encounter",
        "id": "e1",
        "status": "finished",
        "class": {"code": "EMER"},
        "subject": {"reference": "Patient/p1"},
        "period": {"start": START},
        "reasonCode": [{"text": "seen"}],
    } | more
    return {name: value for name, value in found.items() if value is not None}


def person(**more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "id": "p1",
        "gender": "female",
        "birthDate": "1990-05-02",
        "address": [{"postalCode": "99701-1234"}],
    } | more


def condition(code: str = "T40.1X1A", **more: Any) -> dict[str, Any]:
    return {"resourceType": "Condition", "code": concept(ICD, code), "subject": {"reference": "Patient/p1"}} | more


def observed(code: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Observation", "status": "final", "code": concept(LOINC, code), "subject": {"reference": "Patient/p1"}} | more


def bundle(*resources: Any, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": resource} for resource in resources]} | more


def read_all(value: Any, media_type: str = "application/fhir+json") -> Iterator[Reading | NotAnOverdose | Rejected]:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    for record in FEED.records(body, media_type, limit=100):
        try:
            if record.rejected is not None:
                raise record.rejected
            yield FEED.read(record.fields, SOURCE)
        except Rejected as rejected:
            yield rejected


def whole(body: bytes) -> list[Reading | NotAnOverdose | Rejected]:
    try:
        return list(read_all(body))
    except Rejected as rejected:
        return [rejected]


def one(*resources: Any, **more: Any) -> Any:
    [found] = read_all(bundle(*resources, **more))
    return found


def refused(*resources: Any) -> Rejected:
    found = one(*resources)
    assert isinstance(found, Rejected)
    return found


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


@pytest.mark.parametrize(
    ("resources", "field"),
    [
        ((visit(period=None),), "Bundle.entry[0].resource.period.start"),
        ((visit(period={"start": "yesterday"}),), "Bundle.entry[0].resource.period.start"),
        ((visit(period={"start": "2026"}),), "Bundle.entry[0].resource.period.start"),
        ((visit(period={"start": "2027-01-01T00:00:00Z"}),), "Bundle.entry[0].resource.period.start"),
        ((visit(period=[]),), "Bundle.entry[0].resource.period"),
        ((visit(status="done"),), "Bundle.entry[0].resource.status"),
        ((person(gender="x"), visit()), "Bundle.entry[0].resource.gender"),
        ((person(birthDate="1990-13-01"), visit()), "Bundle.entry[0].resource.birthDate"),
        ((person(birthDate="1750-01-01"), visit()), "Bundle.entry[0].resource.birthDate"),
        ((person(), visit(), condition() | {"code": {"coding": {}}}), "Bundle.entry[2].resource.code.coding"),
        ((person(),), "Bundle.entry"),
        (("x",), "Bundle.entry[0].resource.resourceType"),
    ],
)
def test_an_error_names_the_element(resources: tuple[Any, ...], field: str) -> None:
    rejected = refused(*resources)
    assert rejected.field == field
    assert rejected.problem
    assert rejected.expected
    assert rejected.example


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"a": NaN}',
        b"[" * 100_000,
        b'{"resourceType": "Bundle", "entry": ' + b"[" * 500 + b"]" * 500 + b"}",
        b"\xff\xfe{}",
        b"3",
    ],
)
def test_what_is_no_bundle_is_refused(body: bytes) -> None:
    assert all(isinstance(found, Rejected) for found in whole(body))


def test_more_records_than_the_limit_are_refused() -> None:
    body = json.dumps(bundle(*(visit(id=f"e{number}") for number in range(4)))).encode()
    with pytest.raises(Rejected):
        list(FEED.records(body, "application/fhir+json", limit=3))


def test_the_lines_of_an_export_refer_to_each_other_and_a_broken_one_is_refused_alone() -> None:
    lines = [json.dumps(part).encode() for part in (condition(), person(), visit())] + [b'{"resourceType":']
    found = list(FEED.records(b"\r\n".join(lines), "application/fhir+ndjson", limit=10))
    assert [(record.line, record.rejected is None) for record in found] == [(4, False), (3, True)]
    reading = FEED.read(found[1].fields, SOURCE)
    assert isinstance(reading, Reading)
    assert [code.code for code in reading.found.codes] == ["T40.1X1A"]


def test_a_record_alone_says_the_same() -> None:
    for name, body in examples("fhir"):
        media_type = "application/fhir+ndjson" if name.endswith("ndjson") else "application/fhir+json"
        for record in FEED.records(body, media_type, limit=100):
            if record.rejected is not None:
                continue
            [alone] = FEED.splits["application/fhir+json"](io.BytesIO(record.alone()), 10)
            try:
                before = FEED.read(record.fields, SOURCE)
            except Rejected:
                with pytest.raises(Rejected):
                    FEED.read(alone.fields, SOURCE)
            else:
                assert FEED.read(alone.fields, SOURCE) == before


def test_the_id_is_a_hash_of_the_identifier_and_the_revision_its_last_change() -> None:
    identified = {"identifier": [{"use": "old", "value": "1"}, {"use": "official", "system": "s", "value": "MRN-4711"}]}
    early = one(person(), visit(**identified, meta={"lastUpdated": "2026-05-02T00:00:00Z"}))
    late = one(person(), visit(id="other", **identified), condition(meta={"lastUpdated": "2026-05-03T00:00:00.5Z"}))
    assert early.report.report_key == late.report.report_key
    assert "4711" not in early.report.source_record_id
    assert late.stated_revision - early.stated_revision == 86_400
    assert one(visit(meta={"versionId": "3"})).stated_revision == 3
    assert one(visit()).stated_revision is None


CASE = [
    observed("81956-5", valueDateTime="2026-05-02T03:00:00-04:00"),
    observed("69449-7", valueCodeableConcept=concept(SNOMED, "7878000")),
    observed("69453-9", valueCodeableConcept={"text": "Acute fentanyl intoxication"}),
]


def test_a_case_is_a_report_of_a_medical_examiner() -> None:
    found = one(person(), *CASE)
    report = found.report
    assert (report.source_type, report.outcome, report.occurred_at_basis) == (SourceType.ME, Outcome.FATAL, TimeBasis.DEATH)
    assert {"dead", "manner_accident"} <= found.found.facts
    assert [(part.role, part.text) for part in found.found.statements] == [("cause_of_death", "Acute fentanyl intoxication")]


@pytest.mark.parametrize(
    ("injury", "basis", "note"),
    [
        ("2026-05-01T23:00:00-04:00", TimeBasis.INJURY, None),
        ("2026-05-01", TimeBasis.INJURY, None),
        ("2000-01-01", TimeBasis.DEATH, "injury_time_unusable"),
        ("9999-01-01", TimeBasis.DEATH, "injury_time_unusable"),
        ("2026-05-20", TimeBasis.DEATH, "injury_time_unusable"),
    ],
)
def test_the_injury_is_the_time_unless_it_cannot_be(injury: str, basis: TimeBasis, note: str | None) -> None:
    report = one(person(), *CASE, observed("11374-6", effectiveDateTime=injury)).report
    assert report.occurred_at_basis is basis
    assert (note in {part.code for part in report.quality}) == (note is not None)
    if injury == "2026-05-01":
        assert report.occurred_at_precision is TimePrecision.DATE


def test_the_place_of_the_injury_but_never_the_home() -> None:
    at = [{"url": "http://x/Observation-Location", "valueReference": {"reference": "Location/l"}}]
    place = {"resourceType": "Location", "id": "l", "address": {"line": ["12 Oak St"], "city": "Cedar", "postalCode": "99703"}}
    place |= {"position": {"latitude": 40.1, "longitude": -75.3}}
    injury = observed("11374-6", effectiveDateTime="2026-05-01", extension=at)
    report = one(person(), *CASE, injury, place).report
    assert (report.location.address, report.location.precision, report.location.lat) == ("12 Oak St", PlacePrecision.POINT, 40.1)
    home = one(person(address=[{"line": ["12 OAK ST."]}]), *CASE, injury, place).report
    assert (home.location.address, home.location.lat, home.location.zip5) == (None, None, "99703")
    assert any(note.code == "home_place" for note in home.quality)


@pytest.mark.parametrize(
    ("value", "is_found"),
    [
        ({"valueString": "23 ng/mL"}, True),
        ({"valueString": "POSITIVE"}, True),
        ({"valueString": "true"}, True),
        ({"valueString": "None Detected"}, False),
        ({"valueString": "negative"}, False),
        ({"valueString": "< 5 ng/mL"}, False),
        ({"valueString": "0 ng/mL"}, False),
        ({"valueString": "see report"}, False),
        ({"valueQuantity": {"value": 0.145}}, True),
        ({"valueQuantity": {"value": 5, "comparator": "<"}}, False),
        ({"valueCodeableConcept": concept(SNOMED, "260373001")}, True),
        ({"valueCodeableConcept": concept(SNOMED, "260415000", "Not detected")}, False),
        ({"valueCodeableConcept": {"text": "Not Detected"}}, False),
        ({"valueBoolean": True}, True),
        ({"dataAbsentReason": {"text": "unknown"}, "valueString": "1"}, False),
        ({"interpretation": [concept("x", "POS")]}, True),
        ({"valueString": "23", "status": "entered-in-error"}, False),
    ],
)
def test_toxicology(value: dict[str, Any], is_found: bool) -> None:  # noqa: FBT001
    code = {"code": concept(LOINC, "73938-3", "fentaNYL [Mass/volume] in Blood")}
    tracking = {"url": TRACKING, "valueIdentifier": {"value": "ME21-111"}}
    report = {"resourceType": "DiagnosticReport", "extension": [tracking], "status": "final", "effectiveDateTime": "2026-05-02"}
    report |= {"subject": {"reference": "Patient/p1"}, "result": [{"reference": "Observation/o"}]}
    found = one(person(), report, observed("73938-3", id="o") | code | value)
    assert [(name.name, name.code) for name in found.found.names] == ([("fentaNYL", "73938-3")] if is_found else [])
    assert (found.report.incident_number, found.report.occurred_at_basis) == ("ME21-111", TimeBasis.REPORTED)
