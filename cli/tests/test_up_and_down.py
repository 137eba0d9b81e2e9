"""`spikewatch up` and `down` as an operator runs them, with stand-ins for the four services."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
from pymongo import MongoClient
from spikewatch_testing.patience import PATIENCE_S

from spikewatch.cli.stack import stack_file
from spikewatch.cli.stack.mongo_server import SETTINGS
from spikewatch.cli.stack.stack import SERVICES
from spikewatch.cli.stack.waiting import wait_for

pytestmark = [pytest.mark.integration, pytest.mark.slow(40)]

_STAND_IN = """
import http.server, json, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("content-length", "0"); self.end_headers()
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
http_port = int(os.environ["SPIKEWATCH_INGEST_PORT"]) if os.environ["OTEL_SERVICE_NAME"] == "ingest" else None
with open(os.environ["SPIKEWATCH_READY_FILE"], "w") as file:
    json.dump({"health": server.server_port, "http": http_port, "pid": os.getpid()}, file)
server.serve_forever()
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    for service in SERVICES:
        package = tmp_path / "code" / "spikewatch" / service
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "__main__.py").write_text(_STAND_IN, encoding="utf-8")
    given = {"SPIKEWATCH_KAFKA_BOOTSTRAP", "SPIKEWATCH_MONGODB_URI", "OTEL_EXPORTER_OTLP_ENDPOINT"}
    return {name: value for name, value in os.environ.items() if name not in given} | {"PYTHONPATH": str(tmp_path / "code")}


def _processes_of(folder: Path) -> list[int]:
    found = []
    for process in psutil.process_iter():
        try:
            named = [*process.cmdline(), process.environ().get("SPIKEWATCH_READY_FILE", "")]
            if process.status() != psutil.STATUS_ZOMBIE and any(str(folder) in text for text in named):
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


def _spikewatch(*arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "spikewatch.cli", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=False)


def test_a_detached_stack_runs_on_its_own_until_down(tmp_path: Path, environment: dict[str, str]) -> None:
    folder = tmp_path / "stack"
    asked = ("--instances", "enrichment=2", "--mongodb-cache", "0.75")
    up = _spikewatch("up", "--detach", "--folder", str(folder), *asked, environment=environment)
    assert up.returncode == 0, up.stderr
    assert "everything is ready" in up.stderr

    told = json.loads(_spikewatch("status", "--json", "--folder", str(folder), environment=environment).stdout)
    assert [part["part"] for part in told["parts"] if part["state"] == "ready"] == [
        "kafka",
        "mongod",
        "directory-1",
        "ingest-1",
        "enrichment-1",
        "enrichment-2",
        "alerts-1",
    ]
    with MongoClient[dict[str, Any]](stack_file.read(folder).mongodb_uri) as client:
        cache = client.admin.command("serverStatus")["wiredTiger"]["cache"]
        storage = client.admin.command("getCmdLineOpts")["parsed"]["storage"]["wiredTiger"]
        history = client.admin.command("getParameter", minSnapshotHistoryWindowInSeconds=1)
    assert cache["maximum bytes configured"] == 0.75 * 2**30
    assert storage["engineConfig"]["configString"] in SETTINGS
    assert history["minSnapshotHistoryWindowInSeconds"] == 0
    assert _spikewatch("up", "--detach", "--folder", str(folder), environment=environment).returncode == 2

    down = _spikewatch("down", "--folder", str(folder), environment=environment)
    assert down.returncode == 0, down.stderr
    assert _processes_of(folder) == []


@pytest.mark.parametrize(
    ("number", "seen", "status"),
    [
        (signal.SIGINT, "everything is ready", 0),
        (signal.SIGTERM, "starting mongod", 130),
        (signal.SIGKILL, "everything is ready", -signal.SIGKILL),
    ],
    ids=["ctrl-c", "sigterm-while-starting", "sigkill"],
)
def test_however_up_ends_nothing_stays(tmp_path: Path, environment: dict[str, str], number: int, seen: str, status: int) -> None:
    folder = tmp_path / "stack"
    command = [sys.executable, "-m", "spikewatch.cli", "up", "--folder", str(folder)]
    with subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, bufsize=1) as up:
        assert up.stderr is not None
        lines = []
        while not (lines and lines[-1].startswith(seen)):
            lines.append(up.stderr.readline())
            assert lines[-1], "".join(lines)
        up.send_signal(number)
        rest = up.stderr.read()

        assert up.wait(60) == status, "".join(lines) + rest
    assert "Traceback" not in rest
    wait_for(lambda: _processes_of(folder) == [], timeout_s=PATIENCE_S, what="the end of every part")


@pytest.mark.parametrize("size", ["0", "none", "nan"])
def test_a_cache_that_mongod_would_refuse_is_refused_at_once(tmp_path: Path, environment: dict[str, str], size: str) -> None:
    refused = _spikewatch("up", "--folder", str(tmp_path / "stack"), "--mongodb-cache", size, environment=environment)
    assert refused.returncode == 2
    assert "expected gigabytes from 0.25 to 10,000, for example 1.5" in refused.stderr
