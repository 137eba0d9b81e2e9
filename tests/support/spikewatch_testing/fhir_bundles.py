"""FHIR Bundles of an invented hospital, resource by resource, and what the feed makes of them."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from spikewatch.contracts.vocabulary import SourceType
from spikewatch.ingest.domain.feeds.feed import NotAnOverdose, Reading, Source
from spikewatch.ingest.domain.feeds.fhir import FEED
from spikewatch.ingest.domain.rejection import Rejected

__all__ = [
    "ICD",
    "LOINC",
    "SNOMED",
    "SOURCE",
    "START",
    "TRACKING",
    "bundle",
    "concept",
    "condition",
    "observed",
    "one",
    "person",
    "read_all",
    "refused",
    "visit",
    "whole",
]

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
