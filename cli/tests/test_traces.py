import gzip
import http.client
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from spikewatch_testing.patience import PATIENCE_S

from spikewatch.cli.main import main
from spikewatch.cli.stack import trace_tree
from spikewatch.cli.stack.trace_store import TraceStore
from spikewatch.cli.stack.traces import TraceReceiver, _Waiting

TRACE, BATCH, OTHER = "0a" * 16, "0b" * 16, "0c" * 16
MS = 1_000_000


def request(service: str, *spans: dict) -> bytes:
    message = ExportTraceServiceRequest()
    resource = message.resource_spans.add()
    name = resource.resource.attributes.add(key="service.name")
    name.value.string_value = service
    scope = resource.scope_spans.add()
    for given in spans:
        span = scope.spans.add(
            trace_id=bytes.fromhex(given.get("trace", TRACE)),
            span_id=bytes.fromhex(given["id"] * 8),
            name=given["name"],
            start_time_unix_nano=given["start"] * MS,
            end_time_unix_nano=given["end"] * MS,
        )
        if "parent" in given:
            span.parent_span_id = bytes.fromhex(given["parent"] * 8)
        for trace, target in given.get("links", ()):
            span.links.add(trace_id=bytes.fromhex(trace), span_id=bytes.fromhex(target * 8))
        for key, value in given.get("attributes", {}).items():
            span.attributes.add(key=key).value.int_value = value
        if given.get("error"):
            span.status.code = 2
    return message.SerializeToString()


PIPELINE = (
    request("enrichment", {"id": "03", "parent": "02", "name": "process overdose.reports.v1", "start": 30, "end": 31, "error": True}),
    request(
        "ingest",
        {"id": "01", "name": "POST /v1/submissions", "start": 10, "end": 22, "attributes": {"http.response.status_code": 202}},
        {"id": "02", "parent": "01", "name": "process overdose.submissions.v1", "start": 20, "end": 25},
    ),
    request("enrichment", {"trace": BATCH, "id": "04", "name": "process batch", "start": 29, "end": 33, "links": [(TRACE, "03")]}),
    request("enrichment", {"trace": BATCH, "id": "05", "parent": "04", "name": "bulk write", "start": 30, "end": 32}),
    request("alerts", {"trace": OTHER, "id": "06", "name": "unrelated", "start": 99, "end": 100}),
)


@pytest.fixture
def store(tmp_path: Path):
    opened = TraceStore(tmp_path / "traces.sqlite")
    opened.add(PIPELINE)
    yield opened
    opened.close()


def test_a_trace_is_drawn_as_a_tree_with_what_links_to_it(store: TraceStore) -> None:
    drawn = trace_tree.draw(trace_tree.tree(trace_tree.find_trace(store, TRACE), TRACE))

    assert drawn == [
        "ingest: POST /v1/submissions  +0.0 ms, 12.0 ms  status=202",
        "└─ ingest: process overdose.submissions.v1  +10.0 ms, 5.0 ms",
        "   └─ enrichment: process overdose.reports.v1  +20.0 ms, 1.0 ms ERROR",
        "      └─ ⇢ linked trace 0b0b0b0b… enrichment: process batch  +19.0 ms, 4.0 ms",
        "         └─ enrichment: bulk write  +20.0 ms, 2.0 ms",
    ]


def test_a_trace_that_follows_another_says_so(store: TraceStore) -> None:
    (root,) = trace_tree.tree(trace_tree.find_trace(store, BATCH), BATCH)

    assert trace_tree.draw([root])[0].endswith(f"(follows trace {TRACE})")


def test_a_span_whose_parent_never_came_is_a_root() -> None:
    spans = trace_tree.decode(request("ingest", {"id": "02", "parent": "01", "name": "process", "start": 1, "end": 2}))

    assert [branch.span.name for branch in trace_tree.tree(spans, TRACE)] == ["process"]


def test_a_cycle_of_parents_ends() -> None:
    spans = trace_tree.decode(
        request(
            "ingest",
            {"id": "01", "name": "root", "start": 1, "end": 2},
            {"id": "02", "parent": "03", "name": "a", "start": 1, "end": 2},
            {"id": "03", "parent": "02", "name": "b", "start": 1, "end": 2},
        )
    )

    assert [branch.span.name for branch in trace_tree.tree(spans, TRACE)] == ["root"]


def test_latest_is_the_trace_that_crossed_the_most_services(store: TraceStore) -> None:
    assert trace_tree.newest_trace(store) == TRACE


def test_a_body_that_is_not_otlp_gives_no_spans() -> None:
    assert trace_tree.decode(b"\xff\xff\xff") == []


def test_a_full_store_drops_the_oldest(tmp_path: Path) -> None:
    store = TraceStore(tmp_path / "traces.sqlite", max_bytes=10_000)
    for number in range(100):
        store.add([bytes([number]) * 1_000])
    kept = [body[0] for body in store.newest()]
    store.close()

    assert kept == sorted(kept, reverse=True)
    assert kept[0] == 99
    assert 8 <= len(kept) <= 10


@pytest.fixture
def receiver(tmp_path: Path):
    started = TraceReceiver(tmp_path / "traces.sqlite")
    started.start()
    yield started
    started.stop()


def _post(receiver: TraceReceiver, path: str, body: bytes, **headers: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=PATIENCE_S)
    try:
        connection.request("POST", path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        return connection.getresponse().status
    finally:
        connection.close()


def test_plain_and_compressed_traces_are_kept_and_found_from_the_command_line(
    receiver: TraceReceiver, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _post(receiver, "/v1/traces", PIPELINE[0]) == 200
    assert _post(receiver, "/v1/traces", gzip.compress(PIPELINE[1]), content_encoding="gzip") == 200
    receiver.flush()

    assert main(["trace", "latest", "--folder", str(receiver.file.parent)]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"trace {TRACE}: 3 spans in enrichment, ingest\n")


def test_metrics_and_logs_are_accepted_and_nonsense_is_not(receiver: TraceReceiver) -> None:
    assert _post(receiver, "/v1/metrics", b"x") == 200
    assert _post(receiver, "/v1/logs", b"x") == 200
    assert _post(receiver, "/elsewhere", b"x") == 404
    assert _post(receiver, "/v1/traces", b"not gzip", content_encoding="gzip") == 400


@pytest.mark.parametrize(
    ("wanted", "told"), [("xyz", "32 hexadecimal digits"), ("f" * 32, "not among those kept")], ids=["malformed", "unknown"]
)
def test_a_trace_that_cannot_be_shown_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str], wanted: str, told: str) -> None:
    TraceStore(tmp_path / "traces.sqlite").close()

    assert main(["trace", wanted, "--folder", str(tmp_path)]) == 2
    assert told in capsys.readouterr().err


def test_a_disk_that_does_not_keep_up_costs_the_oldest_traces_and_no_memory() -> None:
    waiting = _Waiting(max_bytes=10)
    for body in (b"aaaa", b"bbbb", b"cccc"):
        waiting.add(body)

    assert waiting.take() == [b"bbbb", b"cccc"]
    assert waiting.take() == []
