"""Writes the example FHIR files: invented people of an invented county, the same bytes on every run."""

import json
from pathlib import Path

ICD, SNOMED, LOINC, RXNORM = (
    "http://hl7.org/fhir/sid/icd-10-cm",
    "http://snomed.info/sct",
    "http://loinc.org",
    "http://www.nlm.nih.gov/research/umls/rxnorm",
)
VRDR, MDI = "http://hl7.org/fhir/us/vrdr/StructureDefinition/", "http://hl7.org/fhir/us/mdi/StructureDefinition/"
VERIFIED = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
DISCHARGE = "http://terminology.hl7.org/CodeSystem/discharge-disposition"
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"


def concept(system: str, code: str, text: str = "") -> dict:
    """Return a CodeableConcept."""
    return {"coding": [{"system": system, "code": code}]} | ({"text": text} if text else {})


def patient(number: int, born: str, gender: str = "male", zip5: str = "99701", **more: object) -> dict:
    """Return a Patient with what a hospital sends, most of which is never looked at."""
    return {
        "resourceType": "Patient",
        "id": f"p{number}",
        "identifier": [{"type": {"text": "MRN"}, "value": f"00{number}4711"}],
        "name": [{"family": f"Invented{number}", "given": ["Person"]}],
        "telecom": [{"system": "phone", "value": f"555-01{number:02d}"}],
        "gender": gender,
        "birthDate": born,
        "address": [{"use": "home", "line": [f"{number} Example St"], "city": "Cedar", "state": "AK", "postalCode": zip5}],
    } | more


def encounter(number: int, start: str, *, subject: int | None = None, kind: str = "EMER", discharge: str = "home", **more: object) -> dict:
    """Return an Encounter."""
    stay = {"hospitalization": {"dischargeDisposition": concept(DISCHARGE, discharge)}} if discharge else {}
    return (
        {
            "resourceType": "Encounter",
            "id": f"e{number}",
            "meta": {"versionId": "1", "lastUpdated": f"2026-04-0{1 + number % 9}T12:00:00Z"},
            "identifier": [{"use": "official", "system": "https://hospital.example/visits", "value": f"V26-{number:05d}"}],
            "status": "finished",
            "class": {"system": ACT, "code": kind},
            "subject": {"reference": f"Patient/p{subject or number}"},
            "period": {"start": start},
        }
        | stay
        | more
    )


def condition(number: int, visit: int, code: dict, verified: str = "confirmed", **more: object) -> dict:
    """Return a Condition of a visit."""
    return {
        "resourceType": "Condition",
        "id": f"c{number}",
        "verificationStatus": concept(VERIFIED, verified),
        "code": code,
        "subject": {"reference": f"Patient/p{visit}"},
        "encounter": {"reference": f"Encounter/e{visit}"},
    } | more


def observation(code: str, subject: str, **value: object) -> dict:
    """Return an Observation."""
    found = {"resourceType": "Observation", "status": "final", "code": concept(LOINC, code), "subject": {"reference": subject}}
    return found | value


def naloxone(visit: int, status: str = "completed") -> dict:
    """Return a MedicationAdministration."""
    return {
        "resourceType": "MedicationAdministration",
        "status": status,
        "medicationCodeableConcept": concept(RXNORM, "7242", "naloxone"),
        "subject": {"reference": f"Patient/p{visit}"},
        "context": {"reference": f"Encounter/e{visit}"},
        "dosage": {"route": concept(SNOMED, "46713006"), "dose": {"value": 4, "unit": "mg"}},
    }


def bundle(kind: str, *resources: dict, timestamp: str = "2026-04-10T08:00:00Z", base: str = "https://hospital.example/fhir") -> dict:
    """Return a Bundle; resources with an id get a fullUrl."""
    entries = [
        ({"fullUrl": f"{base}/{part['resourceType']}/{part['id']}"} if isinstance(part, dict) and "id" in part else {}) | {"resource": part}
        for part in resources
    ]
    return {"resourceType": "Bundle", "type": kind, "timestamp": timestamp, "entry": entries}


def hospital() -> dict:
    """Return five visits: an overdose, one with a complaint only, one refuted, one of another class, one entered in error."""
    return bundle(
        "collection",
        patient(1, "1988-02-03"),
        encounter(1, "2026-04-01T22:14:00-08:00"),
        condition(1, 1, concept(ICD, "T40.1X1A", "Poisoning by heroin, accidental, initial encounter")),
        naloxone(1),
        patient(2, "1995-11-30", "female", "99702"),
        encounter(2, "2026-04-02T03:40:00-08:00", discharge="aadvice"),
        observation("8661-1", "Patient/p2", valueString="unresponsive, fentanyl overdose") | {"encounter": {"reference": "Encounter/e2"}},
        patient(3, "1970"),
        encounter(3, "2026-04-02T11:00:00-08:00"),
        condition(3, 3, concept(ICD, "T40.411A"), "refuted"),
        condition(4, 3, concept(ICD, "S93.401A", "Sprain of ankle")),
        patient(4, "1961-06-15"),
        encounter(4, "2026-04-03T09:00:00-08:00", kind="AMB"),
        condition(5, 4, concept(ICD, "F11.20", "Opioid dependence")),
        patient(5, "1961-06-16"),
        encounter(5, "2026-04-03T10:00:00-08:00", status="entered-in-error"),
        patient(6, "1931-06-16", deceasedDateTime="2026-04-04T02:00:00-08:00"),
        encounter(6, "2026-04-04T01:00:00-08:00", discharge="exp"),
        condition(6, 6, concept(SNOMED, "295174006", "Heroin overdose")),
    )


def transaction() -> dict:
    """Return a transaction whose references are those of its entries alone, with a contained Condition and mistakes."""
    visit = encounter(7, "2026-04-05T18:05:00-08:00", subject=7)
    visit["subject"] = {"reference": "urn:uuid:11111111-1111-4111-8111-111111111111"}
    visit["contained"] = [{"resourceType": "Condition", "id": "why", "code": concept(ICD, "T40.2X4A")}]
    visit["diagnosis"] = [{"condition": {"reference": "#why"}}]
    entries = [
        {"fullUrl": "urn:uuid:11111111-1111-4111-8111-111111111111", "resource": patient(7, "2001-01-01"), "request": {"method": "PUT"}},
        {"fullUrl": "urn:uuid:22222222-2222-4222-8222-222222222222", "resource": visit, "request": {"method": "PUT"}},
        {"resource": encounter(8, "05/04/2026 18:05")},  # a time that is none
        {"resource": {key: value for key, value in encounter(9, "2026-04-05T18:05:00-08:00").items() if key != "period"}},
        {"resource": "Encounter"},
        {"request": {"method": "DELETE", "url": "Encounter/e77"}},
    ]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def examiner() -> dict:
    """Return a medical examiner's case: date, manner, causes, injury, its place."""
    decedent = "urn:uuid:33333333-3333-4333-8333-333333333333"
    place = {
        "resourceType": "Location",
        "id": "l1",
        "meta": {"profile": [VRDR + "vrdr-injury-location"]},
        "address": {"line": ["1200 River Rd"], "city": "Cedar", "district": "99001", "state": "AK", "postalCode": "99703"},
    }
    at = [{"url": VRDR + "Observation-Location", "valueReference": {"reference": "Location/l1"}}]
    number = {"url": MDI + "Extension-tracking-number", "valueIdentifier": {"system": "https://me.example/cases", "value": "ME26-0111"}}
    parts = [
        {"resourceType": "Composition", "id": "m1", "extension": [number], "status": "final", "subject": {"reference": decedent}},
        observation(
            "11374-6", decedent, effectiveDateTime="2026-03-30T21:00:00-08:00", valueString="Found without signs of life", extension=at
        ),
        observation("69449-7", decedent, valueCodeableConcept=concept(SNOMED, "7878000", "Accidental death")),
        observation("69453-9", decedent, valueCodeableConcept={"text": "Fentanyl and xylazine toxicity"}),
        observation("69441-6", decedent, valueCodeableConcept={"text": "Hypertensive heart disease"}),
        observation("81956-5", decedent, valueDateTime="2026-03-30T22:10:00-08:00"),
        place,
    ]
    made = bundle("document", *parts, base="https://me.example/fhir")
    made["entry"].append({"fullUrl": decedent, "resource": {"resourceType": "Patient", "gender": "female", "birthDate": "1979-09-09"}})
    return made


def laboratory() -> dict:
    """Return a toxicology message; detected and not detected in every form."""
    number = {"url": MDI + "Extension-tracking-number", "valueIdentifier": {"system": "https://me.example/cases", "value": "ME26-0111"}}

    def result(number: int, code: str, text: str, **value: object) -> dict:
        found = observation(code, "Patient/d1", **value) | {"id": f"r{number}", "specimen": {"display": "blood"}}
        return found | {"code": concept(LOINC, code, text)}

    results = [
        result(1, "73938-3", "fentaNYL [Mass/volume] in Blood by Confirmatory method", valueString="23 ng/mL"),
        result(2, "12345-5", "Xylazine [Presence] in Urine", valueCodeableConcept=concept(SNOMED, "260373001", "Detected")),
        result(3, "5640-8", "Ethanol [Mass/volume] in Blood", valueQuantity={"value": 0.145, "unit": "g/dL"}),
        result(4, "3397-7", "Cocaine [Presence] in Urine", valueCodeableConcept=concept(SNOMED, "260415000", "Not detected")),
        result(5, "3773-9", "Methadone [Presence] in Blood", valueString="none detected"),
        result(6, "20548-6", "Oxycodone [Mass/volume] in Blood", valueQuantity={"value": 5, "comparator": "<", "unit": "ng/mL"}),
    ]
    report = {
        "resourceType": "DiagnosticReport",
        "id": "t1",
        "meta": {"profile": [MDI + "DiagnosticReport-toxicology-to-mdi"]},
        "extension": [number],
        "identifier": [{"system": "https://lab.example/cases", "value": "R26-01578"}],
        "status": "final",
        "subject": {"reference": "Patient/d1"},
        "effectiveDateTime": "2026-03-31T19:00:00Z",
        "result": [{"reference": f"Observation/r{number}"} for number in range(1, 7)],
    }
    decedent = {"resourceType": "Patient", "id": "d1", "gender": "female", "birthDate": "1979-09-09"}
    header = {"resourceType": "MessageHeader", "focus": [{"reference": "DiagnosticReport/t1"}]}
    return bundle("message", header, report, decedent, *results, base="https://lab.example/fhir")


def export() -> list[object]:
    """Return the lines of a bulk export, one of them broken."""
    return [
        patient(20, "1990-05-05", "other", "99704"),
        encounter(20, "2026-04-06T01:15:00-08:00", status="in-progress", discharge=""),
        condition(20, 20, concept(ICD, "T43.621A", "Poisoning by amphetamines")),
        encounter(21, "2026-04-06T02:15:00-08:00", subject=20, status="planned"),
    ]


def files() -> dict[str, bytes]:
    """Return each file's bytes by its name."""

    def line(value: object) -> str:
        return json.dumps(value, separators=(",", ":"))

    lines = [*(line(resource) for resource in export()), '{"resourceType": "Encounter", "id":', line(hospital()), line(examiner())]
    return {
        "hospital.json": json.dumps(hospital(), indent=1).encode() + b"\n",
        "transaction.json": json.dumps(transaction(), indent=1).encode() + b"\n",
        "examiner.json": json.dumps(examiner(), indent=1).encode() + b"\n",
        "laboratory.json": json.dumps(laboratory(), indent=1).encode() + b"\n",
        "export.ndjson": "\n".join(lines).encode() + b"\n",
    }


if __name__ == "__main__":
    for name, body in files().items():
        Path(__file__).with_name(name).write_bytes(body)
