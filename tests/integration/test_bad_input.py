"""What is sent badly by HTTP gets a clear answer, and what is sent well beside it becomes a report."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from spikewatch_testing.patience import PATIENCE_S
from spikewatch_testing.pipeline import Pipeline
from spikewatch_testing.senders import enrol, good, letters_by_place, probe, reason_of, receipt_when_processed

from spikewatch.cli.main import main as spikewatch
from spikewatch.contracts import topics

pytestmark = pytest.mark.integration

EMS, ZONELESS, SUSPENDED, STRANGER = "bad-input-ems", "bad-input-zoneless", "bad-input-suspended", "bad-input-nowhere"
GROUP = "ingest-normalise"
DEAD_LETTERS = "overdose.submissions.v1.ingest-normalise.dlq"
HEADER = "record_id,occurred_at,county_fips,outcome,reversal_given"
MIB = 1_048_576


@pytest.fixture(scope="module")
def desk(stack: Pipeline, tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    folder = tmp_path_factory.mktemp("bad-input")
    enrol(stack, folder, EMS)
    enrol(stack, folder, ZONELESS, time_zone="")
    enrol(stack, folder, SUSPENDED, state="suspended")
    return stack


def problem(answer: httpx.Response, status: int, kind: str, field: str | None) -> None:
    """Check an answer against RFC 9457 and our own promise: field, problem, expected, example."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["type"] == f"urn:spikewatch:problem:{kind}"
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    if field is None:
        assert document["errors"] == []
        return
    (error,) = document["errors"]
    assert set(error) == {"field", "problem", "expected", "example"}
    assert all(error.values()), error
    assert error["field"] == field


def csv(*rows: str) -> str:
    return "\n".join((HEADER, *rows)) + "\n"


WHOLE = json.dumps(good("WHOLE"))
JSON, LINES, CSV = "application/json", "application/x-ndjson", "text/csv"


@pytest.mark.parametrize(
    ("body", "media", "form", "status", "kind", "field"),
    [
        pytest.param(WHOLE[:-1], JSON, "statutory", 400, "unreadable-body", "body", id="json breaks off"),
        pytest.param("{'a': 1}", JSON, "statutory", 400, "unreadable-body", "body", id="no json"),
        pytest.param(f"[{WHOLE}] x", JSON, "statutory", 400, "unreadable-body", "body", id="something after the end"),
        pytest.param('{"lat": NaN}', JSON, "statutory", 400, "unreadable-body", "body", id="NaN"),
        pytest.param("[" * 100_000, JSON, "statutory", 400, "unreadable-body", "body", id="nested beyond any stack"),
        pytest.param("[]", JSON, "statutory", 400, "unreadable-body", "body", id="empty array"),
        pytest.param("", JSON, "statutory", 400, "unreadable-body", "body", id="empty"),
        pytest.param(" \r\n\t ", CSV, "statutory", 400, "unreadable-body", "body", id="blank"),
        pytest.param("\ufeff", JSON, "statutory", 400, "unreadable-body", "body", id="nothing but a byte order mark"),
        pytest.param('{"city": "Mönch"}'.encode("latin-1"), JSON, "statutory", 400, "unreadable-body", "body", id="latin-1"),
        pytest.param(WHOLE.encode("utf-16"), JSON, "statutory", 400, "unreadable-body", "body", id="utf-16 with its mark"),
        pytest.param(WHOLE.encode("utf-16-le"), JSON, "statutory", 400, "unreadable-body", "body", id="utf-16 little-endian, no mark"),
        pytest.param(csv("A").encode("utf-16-be"), CSV, "statutory", 400, "unreadable-body", "body", id="utf-16 big-endian csv, no mark"),
        pytest.param(WHOLE, f"{JSON}; charset=utf-16", "statutory", 415, "unsupported-content-type", "content-type", id="charset"),
        pytest.param(WHOLE, "application/xml", "statutory", 415, "unsupported-content-type", "content-type", id="xml"),
        pytest.param(WHOLE, "", "statutory", 415, "unsupported-content-type", "content-type", id="no content type"),
        pytest.param(WHOLE, JSON, "fax", 400, "bad-request", "format", id="unknown format"),
        pytest.param("R1,2026-05-01,99777,fatal,no\n", CSV, "statutory", 400, "unreadable-body", "occurred_at", id="csv without header"),
        pytest.param(HEADER, CSV, "statutory", 400, "unreadable-body", "body", id="csv with nothing but a header"),
        pytest.param(csv("a").replace("county_fips", "outcome"), CSV, "statutory", 400, "unreadable-body", "header", id="column twice"),
        pytest.param("[" + "{}," * 10_000 + "{}]", JSON, "statutory", 413, "too-large", "body", id="too many records"),
        pytest.param(" " * (MIB + 1), JSON, "statutory", 413, "too-large", "body", id="one byte too many"),
    ],
)
def test_what_cannot_be_read_at_all_is_refused_whole(
    desk: Pipeline, body: str | bytes, media: str, form: str, status: int, kind: str, field: str
) -> None:
    problem(desk.post(EMS, body, content_type=media, form=form), status, kind, field)


def test_a_wrong_encoding_is_named(desk: Pipeline) -> None:
    for body in (WHOLE.encode("utf-16"), WHOLE.encode("utf-16-le"), WHOLE.encode("utf-32-be"), "ä".encode("latin-1")):
        assert "UTF-8" in desk.post(EMS, body).json()["detail"]


def test_a_body_that_streams_past_the_limit_gets_its_answer(desk: Pipeline) -> None:
    def parts() -> Iterator[bytes]:
        for _ in range(3 * 16):
            yield b" " * (MIB // 16)

    headers = {"Authorization": f"Bearer {desk.issue_key(EMS)}", "Content-Type": JSON}
    answer = httpx.post(f"{desk.gateway_url}/v1/submissions", content=parts(), headers=headers, timeout=PATIENCE_S)
    assert answer.request.headers["transfer-encoding"] == "chunked"
    problem(answer, 413, "too-large", "body")


def test_a_sender_that_nobody_knows_is_told_so(desk: Pipeline, capsys: pytest.CaptureFixture[str]) -> None:
    mongodb = ("--mongodb", desk.mongodb_uri, "--json")
    capsys.readouterr()
    assert spikewatch(["agency-keys", "issue", EMS, *mongodb]) == 0
    issued = json.loads(capsys.readouterr().out)
    assert spikewatch(["agency-keys", "revoke", issued["key_id"], *mongodb]) == 0
    unknown = desk.issue_key(STRANGER)  # a good key, but its agency is not in the directory
    for bearer in (
        "",
        "Bearer",
        "Bearer wrong",
        "Basic eDp5",
        f"Bearer {issued['key']}",
        f"Bearer {unknown}",
        f"Bearer {issued['key'][:-1]}",
    ):
        headers = {"Content-Type": JSON} | ({"Authorization": bearer} if bearer else {})
        answer = httpx.post(f"{desk.gateway_url}/v1/submissions", content=WHOLE, headers=headers, timeout=PATIENCE_S)
        problem(answer, 401, "not-authenticated", "Authorization")
        assert answer.headers["www-authenticate"] == "Bearer"
    problem(desk.post(SUSPENDED, WHOLE), 403, "suspended-agency", None)
    assert probe(desk, desk.issue_key(EMS)) == 404


def test_what_is_asked_for_wrongly_is_told_so(desk: Pipeline) -> None:
    headers = {"Authorization": f"Bearer {desk.issue_key(EMS)}"}
    for path in ("/v1/submissions/not-an-id", "/nowhere"):
        problem(httpx.get(desk.gateway_url + path, headers=headers), 404, "not-found", None)
    problem(httpx.delete(f"{desk.gateway_url}/v1/submissions", headers=headers), 405, "method-not-allowed", None)
    problem(desk.post(EMS, WHOLE, **{"Idempotency-Key": "k" * 256}), 400, "bad-request", "Idempotency-Key")
    problem(desk.post(EMS, WHOLE, **{"Content-Encoding": "gzip"}), 415, "unsupported-content-type", "content-encoding")


def deep(levels: int) -> Any:
    inner: Any = 1
    for _ in range(levels):
        inner = [inner]
    return inner


TOMORROW = (datetime.now(UTC) + timedelta(days=1)).isoformat()
# For each record what is wrong with it: (record, reason, field).
BAD: list[tuple[Any, str, str | None]] = [
    ("a text", "malformed", None),
    (17, "malformed", None),
    (None, "malformed", None),
    ([good("B")], "malformed", None),
    ({}, "missing-field", "occurred_at"),
    (good("B", occurred_at=...), "missing-field", "occurred_at"),
    (good("B", outcome=...), "missing-field", "outcome"),
    (good("B", reversal_given=None), "missing-field", "reversal_given"),
    (good("B", lat=40.1), "missing-field", "lon"),
    (good("B", occurred_at=1_700_000_000), "invalid-field", "occurred_at"),
    (good("B", occurred_at="yesterday"), "invalid-field", "occurred_at"),
    (good("B", occurred_at="2026-02-30T10:00:00Z"), "invalid-field", "occurred_at"),
    (good("B", outcome=["fatal"]), "invalid-field", "outcome"),
    (good("B", outcome="perhaps"), "invalid-field", "outcome"),
    (good("B", reversal_given={"a": 1}), "invalid-field", "reversal_given"),
    (good("B", count=True), "invalid-field", "count"),
    (good("B", count=1.5), "invalid-field", "count"),
    (good("B", suspected_drugs={"a": 1}), "invalid-field", "suspected_drugs"),
    (good("B", lat="north", lon=1), "invalid-field", "lat"),
    (good("B", zip="1234"), "invalid-field", "zip"),
    (good("B", county_fips=[1]), "invalid-field", "county_fips"),
    (good("B\ud800"), "invalid-field", "record_id"),
    (good("B", address="A\u0000B"), "invalid-field", "address"),
    (good("B", lat=90.01, lon=0), "out-of-range", "lat"),
    (good("B", lat=0, lon=-180.5), "out-of-range", "lon"),
    (good("B", age=10**400), "out-of-range", "age"),
    (good("B", occurred_at="0001-01-01T00:00:00Z"), "out-of-range", "occurred_at"),
    (good("B", occurred_at=TOMORROW), "future-time", "occurred_at"),
    (good("B", note=deep(40)), "malformed", None),
]


def test_each_bad_record_of_a_body_is_explained_alone_and_the_good_ones_become_reports(desk: Pipeline) -> None:
    records = [good("B-FIRST"), *(record for record, _, _ in BAD), good("B-LAST")]
    submission = desk.accept(EMS, records)
    receipt = receipt_when_processed(desk, EMS, submission)
    assert receipt["counts"] == {"report": 2, "duplicate": 0, "not_an_overdose": 0, "rejected": len(BAD)}
    first, *middle, last = receipt["records"]
    assert first["result"] == last["result"] == "report"
    for (record, reason, field), told in zip(BAD, middle, strict=True):
        assert (told["result"], told["reason"], told.get("field")) == ("rejected", reason, field), record
        assert told["problem"]
        assert told["expected"]
        assert told["example"]
        assert told["topic"] == DEAD_LETTERS
    parts = [letter for letter in desk.records(DEAD_LETTERS) if letter.header("spikewatch-submission") == submission.encode()]
    parts.sort(key=lambda letter: int(letter.header("spikewatch-record-index") or b""))
    assert [reason_of(letter) for letter in parts] == [reason for _, reason, _ in BAD]
    assert [(letter.header("dlq-field") or b"").decode() or None for letter in parts] == [field for _, _, field in BAD]


def test_an_overlong_number_is_no_record_of_ours(desk: Pipeline) -> None:
    body = json.dumps(good("N")).replace('"yes"', '"yes", "age": ' + "9" * 5_000)
    problem(desk.post(EMS, body), 400, "unreadable-body", "body")
    lines = desk.post(EMS, body + "\n" + json.dumps(good("N-GOOD")), content_type=LINES)
    receipt = receipt_when_processed(desk, EMS, lines.json()["submission_id"])
    assert [record["result"] for record in receipt["records"]] == ["rejected", "report"]


def test_a_time_without_offset_needs_the_agencys_zone(desk: Pipeline) -> None:
    naive = (datetime.now(UTC) - timedelta(days=50)).replace(microsecond=0, tzinfo=None)
    at_home = desk.accept(EMS, [good("NAIVE", occurred_at=naive.isoformat())])
    nowhere = desk.accept(ZONELESS, [good("NAIVE", occurred_at=naive.isoformat()), good("NAIVE-GOOD")])
    assert receipt_when_processed(desk, EMS, at_home)["counts"]["report"] == 1
    told, fine = receipt_when_processed(desk, ZONELESS, nowhere)["records"]
    assert (told["result"], told["reason"], told["field"]) == ("rejected", "naive-time", "occurred_at")
    assert fine["result"] == "report"
    (report,) = [body for body in desk.reports().values() if body["submission_id"] == at_home]
    assert datetime.fromisoformat(report["occurred_at"]) == (naive + timedelta(hours=3)).replace(tzinfo=UTC)
    assert {"field": "occurred_at", "code": "zone_assumed"} in report["quality"]


def test_a_broken_row_of_a_csv_spoils_no_other(desk: Pipeline) -> None:
    when = (datetime.now(UTC) - timedelta(days=60)).isoformat()
    rows = [
        (f"C1,{when},99777,fatal,no", "report", None),
        (HEADER, "not_an_overdose", None),  # two exports pasted together
        (f"C2,{when},99777,fatal", "rejected", "malformed"),
        (f"C3,{when},99777,fatal,no,more", "rejected", "malformed"),
        (f"C4,{when},99\x00777,fatal,no", "rejected", "malformed"),
        (f'C5,"{when},99777,fatal,no', "rejected", "too-large"),  # the quote stays open over the next line
        (f"C6,{when},99777,{'x' * 10_001},no", "rejected", "too-large"),
        (f"C7,{when},99777,fatal,no", "report", None),
    ]
    answer = desk.post(EMS, csv(*(row for row, _, _ in rows)), content_type=CSV)
    assert answer.status_code == 202, answer.text
    receipt = receipt_when_processed(desk, EMS, answer.json()["submission_id"])
    assert [(record["result"], record.get("reason")) for record in receipt["records"]] == [(result, why) for _, result, why in rows]


def test_headers_of_the_sender_do_not_travel(desk: Pipeline) -> None:
    foreign = {
        "reply_to": "overdose.reports.v1",
        "Reply-To": "a",
        "ce_type": "x",
        "dlq-id": "y",
        "X-Anything": "z",
        "spikewatch-seal": "a1",
    }
    answer = desk.post(EMS, json.dumps(good("FOREIGN")), **foreign)
    assert receipt_when_processed(desk, EMS, answer.json()["submission_id"])["counts"]["report"] == 1
    (record,) = [one for one in desk.records(topics.SUBMISSIONS) if one.header("ce_id") == answer.json()["submission_id"].encode()]
    own = {
        "ce_specversion",
        "ce_id",
        "ce_source",
        "ce_type",
        "ce_time",
        "content-type",
        "spikewatch-seal",
        "spikewatch-format",
        "traceparent",
    }
    assert {name for name, _ in record.headers} == own
    assert len(record.headers) == len(own)
    assert record.header("ce_type") == topics.EventType.SUBMISSION_RECEIVED.encode()


def test_a_record_that_was_refused_alone_is_sealed_where_it_waits(desk: Pipeline) -> None:
    submission = desk.accept(EMS, [good("ALONE", outcome="secretword")])
    assert receipt_when_processed(desk, EMS, submission)["counts"]["rejected"] == 1
    (record,) = [one for one in desk.records(topics.SUBMISSIONS) if one.header("ce_id") == submission.encode()]
    letter = letters_by_place(desk, topics.SUBMISSIONS, GROUP)[record.partition, record.offset]
    assert (letter.key, letter.value) == (record.key, record.value)
    assert [part for part in letter.headers if not part[0].startswith("dlq-")] == list(record.headers)
    assert b"secretword" not in (letter.value or b"")
