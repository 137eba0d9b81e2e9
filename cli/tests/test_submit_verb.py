import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from typing_extensions import override

from spikewatch.cli.main import main


class Gateway(ThreadingHTTPServer):
    """Takes bodies, refuses one that says so, and finds the record ``BAD`` wanting."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.taken: dict[str, list[str]] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answers(BaseHTTPRequestHandler):
    server: Gateway

    def do_POST(self) -> None:
        lines = self.rfile.read(int(self.headers["content-length"])).decode().splitlines()
        if "REFUSE" in lines:
            fault = {"field": "body", "problem": "cannot be read", "expected": "JSON", "example": "{}"}
            self._answer(400, {"title": "The body cannot be read", "errors": [fault]})
            return
        name = self.headers["idempotency-key"]
        self.server.taken[name] = lines
        self._answer(202, {"submission_id": name, "status_url": f"/v1/submissions/{name}"})

    def do_GET(self) -> None:
        name = self.path.rpartition("/")[2]
        results = ["rejected" if line == "BAD" else "report" for line in self.server.taken[name]]
        records = [{"index": i, "result": result, "reason": "malformed", "field": None} for i, result in enumerate(results)]
        counts = {result: results.count(result) for result in set(results)}
        self._answer(200, {"submission_id": name, "status": "processed", "counts": counts, "records": records})

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    @override
    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with Gateway() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPIKEWATCH_AGENCY_KEY", "key")


def feed(folder: Path, *lines: str) -> str:
    path = folder / "feed.jsonl"
    path.write_text("".join(f"{line}\n" for line in lines))
    return str(path)


def test_all_well_is_status_0_and_the_summary_adds_up(gateway: Gateway, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["submit", "--agency", "a", "--url", gateway.url, "--records", "2", "--wait", "--json", feed(tmp_path, "1", "2", "3")])
    assert status == 0
    assert list(gateway.taken.values()) == [["1", "2"], ["3"]]
    assert json.loads(capsys.readouterr().out) == {"accepted": 3, "refused": {}, "outcomes": {"report": 3}}


def test_refusals_are_status_1_and_each_is_written_with_its_file_and_line(gateway: Gateway, tmp_path: Path) -> None:
    path, errors = feed(tmp_path, "1", "2", "", "3", "BAD", "REFUSE"), tmp_path / "errors.jsonl"
    options = ["--agency", "a", "--url", gateway.url, "--records", "2", "--wait", "--errors", str(errors)]
    assert main(["submit", *options, path]) == 1
    body, record = (json.loads(line) for line in errors.read_text().splitlines())
    assert (body["file"], body["line"], body["problem"], body["expected"]) == (path, 6, "cannot be read", "JSON")
    assert (record["file"], record["line"], record["reason"]) == (path, 5, "malformed")


def test_sending_the_same_file_again_repeats_the_same_requests(gateway: Gateway, tmp_path: Path) -> None:
    path = feed(tmp_path, "1", "1", "1")
    for _ in range(2):
        assert main(["submit", "--agency", "a", "--url", gateway.url, "--records", "1", path]) == 0
    assert len(gateway.taken) == 3


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--url", "gateway"], "no address"),
        (["--url", "http://127.0.0.1:1", "--patience", "0.1"], "does not answer"),
        (["--folder", "nowhere"], "spikewatch up"),
        (["--url", "http://127.0.0.1:1", "--key-file", "no.key"], "check the path"),
    ],
)
def test_what_cannot_run_is_status_2_and_one_sentence(
    tmp_path: Path, options: list[str], says: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["submit", "--agency", "a", *options, feed(tmp_path, "1")]) == 2
    assert says in capsys.readouterr().err.splitlines()[-1]


def test_without_a_key_it_says_where_to_put_one(gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPIKEWATCH_AGENCY_KEY")
    assert main(["submit", "--agency", "a", "--url", gateway.url, feed(tmp_path, "1")]) == 2
    assert gateway.taken == {}
