"""FHIR: what is refused, how Bundles and exports are cut, and how a record is known again."""

import io
import json
from typing import Any

import pytest
from spikewatch_testing.fhir_bundles import SOURCE, bundle, condition, one, person, refused, visit, whole
from spikewatch_testing.fuzzing.seeds import examples

from spikewatch.ingest.domain.feeds.feed import Reading
from spikewatch.ingest.domain.feeds.fhir import FEED
from spikewatch.ingest.domain.rejection import Rejected


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
