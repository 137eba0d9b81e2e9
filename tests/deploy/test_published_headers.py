"""The published document names exactly the headers that the code writes."""

from datetime import UTC, datetime

import pytest

from spikewatch.chassis.kafka.dead_letter import headers_for
from spikewatch.chassis.kafka.message import Record
from spikewatch.chassis.outcome import DeadLetter, Reason
from spikewatch.contracts.asyncapi import document
from spikewatch.contracts.cloudevents import Attributes, write


@pytest.fixture(scope="module")
def schemas():
    return document()["components"]["schemas"]


def test_dead_letter_headers(schemas):
    now = datetime(2026, 5, 1, tzinfo=UTC)
    record = Record(topic="overdose.reports.v1", partition=0, offset=0, key=None, value=b"", headers=(), timestamp=now)
    written = headers_for(record, DeadLetter(Reason.MALFORMED), index=0, group="enrichment-locate", service="enrichment 0", at=now)
    assert [name for name, _ in written] == list(schemas["DeadLetterHeaders"]["properties"])


def test_event_headers(schemas):
    attributes = Attributes(id="1", source="s", type="t", time=datetime(2026, 5, 1, tzinfo=UTC), subject="x", dataschema="y")
    written = {name for name, _ in write(attributes)}
    assert written == schemas["CloudEventHeaders"]["properties"].keys() - {"traceparent", "tracestate"}
    assert set(schemas["CloudEventHeaders"]["required"]) == {name for name, _ in write(Attributes(id="1", source="s", type="t"))}


def test_submission_headers(schemas):
    intake = pytest.importorskip("spikewatch.ingest.intake", reason="the service ingest is not in this tree")
    written = {intake.SEAL_HEADER, intake.FORMAT_HEADER, intake.SUBMISSION_HEADER, intake.INDEX_HEADER}
    assert written == set(schemas["SubmissionHeaders"]["properties"])


def test_incident_headers(schemas):
    handlers = pytest.importorskip("spikewatch.enrichment.handlers", reason="the service enrichment is not in this tree")
    assert list(schemas["IncidentHeaders"]["properties"]) == [handlers.MERGED_INTO]
