"""The stack as a whole with a stand-in service: the real services are the subject of tests/integration."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from spikewatch_testing.patience import PATIENCE_S

from spikewatch.chassis.kafka.connection import KafkaConnection
from spikewatch.chassis.kafka.topics_admin import plan
from spikewatch.cli.exit_status import CannotRun
from spikewatch.cli.main import main
from spikewatch.cli.stack import stack_file
from spikewatch.cli.stack.child_process import StartFailed
from spikewatch.cli.stack.stack import Stack, StackOptions
from spikewatch.cli.stack.waiting import wait_for

pytestmark = [pytest.mark.integration, pytest.mark.slow(40)]

# Answers /live and /ready like the chassis and writes the ready file; ends at once when told so by its environment.
_STAND_IN = """
import http.server, json, os, sys
if os.environ.get("STAND_IN_FAILS"):
    sys.exit("the stand-in was told to fail")
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("content-length", "0"); self.end_headers()
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
with open(os.environ["SPIKEWATCH_READY_FILE"], "w") as file:
    json.dump({"health": server.server_port, "http": int(os.environ["SPIKEWATCH_INGEST_PORT"]), "grpc": None, "pid": os.getpid()}, file)
print(os.environ["SPIKEWATCH_INSTANCE"], os.environ["OTEL_SERVICE_NAME"], os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"], flush=True)
server.serve_forever()
"""


@pytest.fixture(autouse=True)
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "code" / "spikewatch" / "standin"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(_STAND_IN, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "code"))
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)


@pytest.fixture
def own_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stack starts its own servers instead of taking those of the run."""
    for name in ("SPIKEWATCH_KAFKA_BOOTSTRAP", "SPIKEWATCH_MONGODB_URI"):
        monkeypatch.delenv(name, raising=False)


def _processes_of(folder: Path) -> list[psutil.Process]:
    """Everything whose command line or environment names the folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and (
                any(str(folder) in part for part in process.cmdline()) or str(folder) in process.environ().get("SPIKEWATCH_READY_FILE", "")
            ):
                found.append(process)
        except psutil.Error:
            continue
    return found


@pytest.mark.usefixtures("own_servers")
def test_a_stack_comes_up_survives_faults_and_goes_down(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "stack"
    options = StackOptions(services=("standin",), instances={"standin": 2}, env={"SPIKEWATCH_LOG_LEVEL": "DEBUG"})
    with Stack(folder, options) as stack:
        changes = asyncio.run(plan(KafkaConnection(bootstrap=(stack.kafka_bootstrap,), client_id="test")))
        assert {change.action for change in changes} == {"ok"}

        assert main(["status", "--folder", str(folder), "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert [(part["part"], part["state"]) for part in told["parts"]] == [
            ("kafka", "ready"),
            ("mongod", "ready"),
            ("standin-1", "ready"),
            ("standin-2", "ready"),
        ]
        with pytest.raises(CannotRun, match="a stack runs in"):
            Stack(folder, options).start()

        os.kill(stack.services[0].process.pid or 0, signal.SIGKILL)
        wait_for(lambda: not stack.services[0].process.is_running, timeout_s=PATIENCE_S, what="the end of standin-1")
        assert main(["status", "--folder", str(folder)]) == 1
        assert stack.revive() == ["standin-1"]
        assert stack.add_instance("standin").instance == "standin-3"
        assert main(["status", "--folder", str(folder)]) == 0
        assert main(["doctor", "--folder", str(folder)]) == 0
        assert stack.traces is not None
        assert stack.traces.endpoint in stack.services[0].process.log_tail()

    assert _processes_of(folder) == []
    assert not (folder / "stack.json").exists()
    assert main(["status", "--folder", str(folder)]) == 2


def test_on_given_servers_a_service_that_fails_is_told_with_its_log_and_nothing_stays(tmp_path: Path) -> None:
    folder = tmp_path / "stack"

    with pytest.raises(StartFailed, match=r"(?s)standin-1 ended at once.*told to fail"):
        Stack(folder, StackOptions(services=("standin",), env={"STAND_IN_FAILS": "1"})).start()

    assert _processes_of(folder) == []
    assert not (folder / "kafka").exists()  # the given servers were taken
    assert not (folder / "mongo").exists()


@pytest.mark.usefixtures("own_servers")
def test_a_stack_whose_parent_is_killed_leaves_nothing_behind(tmp_path: Path) -> None:
    folder = tmp_path / "stack"
    program = (
        "import sys\nfrom pathlib import Path\nfrom spikewatch.cli.stack.stack import Stack, StackOptions\n"
        "Stack(Path(sys.argv[1]), StackOptions(services=('standin',))).start()\nprint('up', flush=True)\nsys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "up\n"
        assert len(_processes_of(folder)) == 4  # parent, Kafka, mongod, service
        parent.kill()

        wait_for(lambda: _processes_of(folder) == [], timeout_s=PATIENCE_S, what="the end of every part")
    stack = stack_file.read(folder)
    assert not stack.supervisor.is_running
    assert main(["down", "--folder", str(folder)]) == 0
