import json
import platform
import shutil
from pathlib import Path

import pytest

from spikewatch.cli.main import main
from spikewatch.cli.stack.checks import Verdict, run_checks


@pytest.fixture(autouse=True)
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SPIKEWATCH_KAFKA_BOOTSTRAP", "SPIKEWATCH_MONGODB_URI", "KAFKA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SPIKEWATCH_CACHE", str(tmp_path / "cache"))


def _found(folder: Path) -> dict[str, tuple[Verdict, str]]:
    return {check.check: (check.verdict, check.advice) for check in run_checks(folder)}


def test_jars_that_are_not_there_yet_are_no_problem(tmp_path: Path) -> None:
    verdict, advice = _found(tmp_path)["kafka jars"]

    assert verdict is Verdict.WARNING
    assert "downloads" in advice


def test_a_machine_without_its_mongod_is_pointed_to_compose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    monkeypatch.setattr(shutil, "which", lambda _name: None)

    verdict, advice = _found(tmp_path)["mongod"]

    assert verdict is Verdict.PROBLEM
    assert "docker compose up" in advice


def test_given_servers_that_do_not_answer_are_told_and_local_ones_not_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SPIKEWATCH_KAFKA_BOOTSTRAP", "127.0.0.1:1")
    monkeypatch.setenv("SPIKEWATCH_MONGODB_URI", "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=100")

    assert main(["doctor", "--json", "--folder", str(tmp_path)]) == 1
    checks = {check["check"]: check for check in json.loads(capsys.readouterr().out)}
    assert checks["mongodb answers"]["verdict"] == "problem"
    assert checks["kafka answers"]["advice"]
    assert "java" not in checks


def test_every_check_that_is_not_ok_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: shutil._ntuple_diskusage(1, 1, 0))
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")

    bad = {name: advice for name, (verdict, advice) in _found(tmp_path).items() if verdict is not Verdict.OK}

    assert {"disk", "platform"} <= set(bad)
    assert all(bad.values())
