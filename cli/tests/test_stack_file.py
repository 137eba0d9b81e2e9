import os
import stat
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from spikewatch.cli.exit_status import CannotRun
from spikewatch.cli.main import main
from spikewatch.cli.stack import stack_file
from spikewatch.cli.stack.secret_key import seal_key


def _stack(**changes: object) -> stack_file.StackFile:
    own = stack_file.process_of(os.getpid())
    assert own is not None
    service = stack_file.RunningService(
        name="ingest", instance="ingest-1", process=own, health_port=1, http_port=20001, grpc_port=None, log="ingest-1.log"
    )
    directory = service.model_copy(update={"name": "directory", "instance": "directory-1", "http_port": None, "grpc_port": 20002})
    stack = stack_file.StackFile(
        started_at=datetime(2026, 5, 1, tzinfo=UTC),
        supervisor=own,
        kafka_bootstrap="127.0.0.1:20003",
        mongodb_uri="mongodb://127.0.0.1:20004/?replicaSet=rs0",
        services=(service, directory),
    )
    return stack.model_copy(update=changes)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    stack_file.write(tmp_path, _stack())

    assert stack_file.read(tmp_path) == _stack()
    assert stat.S_IMODE((tmp_path / "stack.json").stat().st_mode) == 0o600


def test_addresses_are_those_of_the_services() -> None:
    assert _stack().ingest_url == "http://127.0.0.1:20001"
    assert _stack().directory_address == "127.0.0.1:20002"
    assert _stack().alerts_address is None
    alerts = _stack().services[1].model_copy(update={"name": "alerts", "grpc_port": 20005})
    assert _stack(services=(*_stack().services, alerts)).alerts_address == "127.0.0.1:20005"
    assert _stack(services=()).ingest_url is None


def test_a_folder_without_a_stack_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match="spikewatch up"):
        stack_file.read(tmp_path)


def test_a_spoilt_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_text("{", encoding="utf-8")

    with pytest.raises(CannotRun, match="cannot be read"):
        stack_file.read(tmp_path)


def test_a_pid_that_another_process_has_now_is_not_taken_for_ours() -> None:
    own = stack_file.process_of(os.getpid())
    assert own is not None
    assert own.is_running
    assert own.memory_bytes()
    assert not own.model_copy(update={"started": own.started - 3600}).is_running


def test_a_process_that_ended_is_gone() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        process = stack_file.process_of(ended.pid)
        ended.wait()

    assert process is None or not process.is_running


def test_down_clears_what_a_dead_supervisor_left(tmp_path: Path) -> None:
    gone = stack_file.RunningProcess(pid=os.getpid(), started=0.0)
    stack_file.write(tmp_path, _stack(supervisor=gone, services=()))

    assert main(["down", "--folder", str(tmp_path)]) == 0
    assert not (tmp_path / "stack.json").exists()


def test_the_seal_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    key = seal_key(tmp_path)

    assert seal_key(tmp_path) == key
    assert stat.S_IMODE((tmp_path / "seal.key").stat().st_mode) == 0o600
