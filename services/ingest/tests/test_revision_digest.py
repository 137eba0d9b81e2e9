"""The digest is cut out of the wire form; it must be that of the report without the members that are no content."""

import hashlib
import io
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikewatch.contracts.report import Code, DefinitionHit, Evidence, QualityNote, Report
from spikewatch.contracts.vocabulary import SourceType
from spikewatch.ingest.domain.feeds import statutory
from spikewatch.ingest.domain.feeds.feed import Source
from spikewatch.ingest.domain.revision import content_digest

SOURCE = Source("cedar-ems", SourceType.EMS, datetime(2026, 5, 2, tzinfo=UTC), UUID(int=1), "statutory", county_fips="99001")
LEFT_OUT = {
    *("report_id", "report_key", "revision", "received_at", "submission_id", "submission_format", "profile", "trace_id"),
    *("case_definition_hits", "case_definitions"),
}
TRICKY = st.text(max_size=40) | st.sampled_from(
    [',"revision":1,"source_type":"', '\\",\\"evidence":', ',"vocabulary":', ',"source_agency_id":"', ","]
)


def slow_digest(report: Report) -> bytes:
    exclude = {**dict.fromkeys(LEFT_OUT, True), "evidence": {"vocabulary"}}
    content = report.__pydantic_serializer__.to_json(report, exclude=exclude, exclude_none=True)  # type: ignore[arg-type]
    end = b"}" if report.evidence is None else b"}}"
    return hashlib.sha256(b"," + content.removeprefix(b"{").removesuffix(end)).digest()[:16]


def example(**changed: object) -> Report:
    body = b"occurred_at,zip,outcome,reversal_given\n2026-05-01T14:03:00Z,19401,fatal,no\n"
    raw = next(statutory.FEED.records(io.BytesIO(body), "text/csv", limit=1))
    return statutory.read(raw.fields, SOURCE).report.model_copy(update=changed)


@given(TRICKY, TRICKY, TRICKY, st.booleans())
def test_the_digest_is_that_of_the_content(record: str, reason: str, note: str, has_evidence: bool) -> None:  # noqa: FBT001
    evidence = Evidence(vocabulary=3, codes=(Code(system=note, code=reason, role=record),), facts=(note,)) if has_evidence else None
    hit = DefinitionHit(definition=note, because=(reason, record))
    report = example(
        source_record_id=record,
        case_definition_hits=(reason,),
        case_definitions=(hit,),
        evidence=evidence,
        quality=(QualityNote(field=note, code=reason),),
        profile=note,
        incident_number=reason,
    )
    assert content_digest(report) == slow_digest(report)


@pytest.mark.parametrize(
    ("changed", "is_same"),
    [({"revision": 7}, True), ({"profile": "a@1"}, True), ({"case_definition_hits": ("x@1",)}, True), ({"incident_number": "7"}, False)],
)
def test_what_is_no_content_changes_nothing(changed: dict[str, object], is_same: bool) -> None:  # noqa: FBT001
    assert (content_digest(example()) == content_digest(example(**changed))) is is_same
