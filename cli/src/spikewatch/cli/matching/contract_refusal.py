"""Says why a JSON document is no report: field, problem, what was expected and an example, never what stood there."""

import json
from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from spikewatch.enrichment.domain.matching.records import Unreadable

__all__ = ["EXAMPLE", "contract_refusal"]

EXAMPLE: Final[Mapping[str, Any]] = {
    "report_id": "7f3c9d52-4f0e-5a53-9d5c-0c8f6c0a51b1",
    "report_key": "0d9b1c3e-6a55-5d0e-8f57-2a3f6b1c7d88",
    "source_agency_id": "cedar-ems",
    "source_record_id": "EM105454",
    "revision": 1,
    "source_type": "ems",
    "occurred_at": "2026-05-01T13:45:00Z",
    "occurred_at_basis": "dispatch",
    "occurred_at_precision": "second",
    "received_at": "2026-05-01T14:10:00Z",
    "location": {"zip5": "19401"},
    "victims": {"age": 49, "sex": "male"},
    "submission_id": "5b0c7c1e-8a0f-4c7e-9f6d-3c2b1a0f9e8d",
    "submission_format": "json",
}
"""The least of a report."""

_A_REPORT: Final = "a report of the contract, as spikewatch normalize writes it"


def contract_refusal(error: ValidationError) -> Unreadable:
    """Return the first of what is wrong with a document."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    if not first["loc"]:
        return Unreadable("line", "is no report", _A_REPORT, json.dumps(EXAMPLE))
    field = ".".join(map(str, first["loc"]))
    if first["type"] == "missing":
        return Unreadable(field, "is missing", _A_REPORT, _example(first["loc"]))
    expected = first["msg"].removeprefix("Value error, ").removeprefix("Input should ").removeprefix("be ")
    return Unreadable(field, "does not fit the report contract", expected, _example(first["loc"]))


def _example(place: tuple[int | str, ...]) -> str:
    found: Any = EXAMPLE
    for part in place[1:] if place[0] == "report" else place:
        if not isinstance(found, Mapping) or part not in found:
            return json.dumps(EXAMPLE)
        found = found[part]
    return found if isinstance(found, str) else json.dumps(found)
