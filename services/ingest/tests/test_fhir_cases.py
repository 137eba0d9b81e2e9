"""FHIR: a decedent's case and its toxicology."""

from typing import Any

import pytest
from spikewatch_testing.fhir_bundles import LOINC, SNOMED, TRACKING, concept, observed, one, person

from spikewatch.contracts.vocabulary import Outcome, PlacePrecision, SourceType, TimeBasis, TimePrecision

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
