"""Which complaints and codes of hospitals make a report by the definitions that come along. Invented lines."""

import json
from datetime import UTC, datetime
from uuid import UUID

import pytest
from spikewatch_testing.fhir_bundles import SNOMED, bundle, concept, condition, person, visit
from spikewatch_testing.hl7_messages import message, read

from spikewatch.contracts.vocabulary import SourceType
from spikewatch.ingest.domain.classification import Classifier
from spikewatch.ingest.domain.feeds.feed import NotAnOverdose, Reading, Source
from spikewatch.ingest.domain.feeds.fhir import FEED
from spikewatch.ingest.terminology import definitions, vocabulary

CLASSIFIER = Classifier(vocabulary(), definitions(), lambda _: "0" * 16)
SOURCE = Source("cedar-ed", SourceType.ED, datetime(2026, 6, 1, tzinfo=UTC), UUID(int=7), "fhir", "America/New_York", "99001")


def _of_complaint(text: str) -> Reading | NotAnOverdose:
    found = read(message(obx=f"OBX|3|TX|8661-1^^LN||{text}||||||F"))
    assert isinstance(found, Reading)
    return CLASSIFIER.classify(found)


@pytest.mark.parametrize("text", ["UNRESPONSIVE, NARCAN X2", "found down, narcan given by ems", "AMS, improved with naloxone"])
def test_a_reversal_drug_for_a_sign_is_a_suspected_overdose(text: str) -> None:
    found = _of_complaint(text)
    assert isinstance(found, Reading)
    assert found.report.case_definition_hits == ("suspected-overdose@2",)


@pytest.mark.parametrize(
    "text",
    ["needs narcan kit", "narcan refill", "unresponsive, no narcan given", "opioid withdrawal, lethargic, narcan at home", "syncope"],
)
def test_a_reversal_drug_alone_is_none(text: str) -> None:
    assert isinstance(_of_complaint(text), NotAnOverdose)


@pytest.mark.parametrize("code", ["55680006", "59369008", "59274003", "708079007", "1149222004"])
def test_an_overdose_by_its_snomed_code_alone(code: str) -> None:
    value = bundle(person(), visit(), condition() | {"code": concept(SNOMED, code)})
    [record] = FEED.records(json.dumps(value).encode(), "application/fhir+json", limit=10)
    read_as = FEED.read(record.fields, SOURCE)
    assert isinstance(read_as, Reading)
    found = CLASSIFIER.classify(read_as)
    assert isinstance(found, Reading)
    assert {"suspected-overdose@2", "any-drug@2"} <= set(found.report.case_definition_hits)
