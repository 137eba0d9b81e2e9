"""``spikewatch rules put|rm``, and what names the rules that the directory keeps."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from spikewatch.cli.main import main

SERVER = """
import asyncio
from spikewatch.api.directory.v1.directory_service_pb2_grpc import add_DirectoryServiceServicer_to_server
from spikewatch.chassis.clock import system_clock
from spikewatch.chassis.grpc.server import make_server
from spikewatch.directory.domain.names import Kind
from spikewatch.directory.handlers import DirectoryServicer
from spikewatch.directory.service import Directory
from spikewatch.directory.testing import InMemoryRecordStore

async def serve():
    directory = Directory(InMemoryRecordStore(), clock=system_clock, wake=lambda: None)
    unreadable = '{"id": "of-tomorrow", "version": 1, "kind": "oracle"}'
    draft = {"display_name": "Of tomorrow", "rule_version": 1, "document": unreadable}
    await directory.create(Kind.RULE, resource_id="of-tomorrow", draft=draft)
    server = make_server(token=None, reflection=False, names=())
    register = lambda s: add_DirectoryServiceServicer_to_server(DirectoryServicer(directory), s)
    print(await server.start(register, "127.0.0.1", 0), flush=True)
    await asyncio.Event().wait()

asyncio.run(serve())
"""
RULES = """rules:
  - id: cedar-24h
    version: 1
    description: Three in a day.
    kind: fixed_count
    window_hours: 24
    area_kinds: [county]
    parameters: {threshold: 3, comparison: at_least}
  - id: cedar-6h
    version: 1
    description: Two in six hours.
    kind: fixed_count
    window_hours: 6
    areas: ["county:42091"]
    parameters: {threshold: 2, comparison: at_least}
"""
Run = Callable[..., tuple[int, Any]]


@pytest.fixture
def address() -> Iterator[str]:
    # One for each test: a version once spent stays so.
    with subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield f"127.0.0.1:{server.stdout.readline().strip()}"
        server.kill()


@pytest.fixture
def run(address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("SPIKEWATCH_DIRECTORY_ADDRESS", address)

    def run(*arguments: str) -> tuple[int, Any]:
        capsys.readouterr()
        status = main(["rules", *arguments, "--json"])
        shown = capsys.readouterr().out
        return status, json.loads(shown) if shown else None

    return run


def outcomes(told: Any) -> dict[str, str]:
    return {row["id"]: row["outcome"] for row in told["rules"]}


def ids(run: Run) -> list[str]:
    return [f"{row['id']}@{row['version']}" for row in run("ls", "--stored")[1]]


def test_rules_are_kept_changed_compared_and_removed(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(RULES, encoding="utf-8")
    status, told = run("put", str(file), "--dry-run")
    assert (status, told["dry_run"], outcomes(told)) == (0, True, {"cedar-24h": "added", "cedar-6h": "added"})
    assert ids(run) == []
    assert outcomes(run("put", str(file), "cedar-24h")[1]) == {"cedar-24h": "added"}
    status, told = run("put", str(file))
    assert (status, outcomes(told)) == (0, {"cedar-24h": "unchanged", "cedar-6h": "added"})
    assert ids(run) == ["cedar-24h@1", "cedar-6h@1"]
    assert run("diff", "stored", str(file)) == (0, [])

    file.write_text(RULES.replace("window_hours: 6", "window_hours: 8").replace("Three in a day.", "Three."), encoding="utf-8")
    status, differences = run("diff", str(file), "--stored")
    assert (status, [(one["rule"], one["change"], one["needs_version"]) for one in differences]) == (
        1,
        [("cedar-24h", "described", False), ("cedar-6h", "changed", True)],
    )
    status, told = run("put", str(file))
    assert (status, outcomes(told)) == (1, {"cedar-24h": "described", "cedar-6h": "refused"})
    assert told["rules"][1]["problem"].startswith(f"{file}:9: version: other content is kept under it")

    file.write_text(RULES.replace("version: 1", "version: 2").replace("window_hours: 6", "window_hours: 8"), encoding="utf-8")
    assert run("put", str(file))[0] == 0
    assert ids(run) == ["cedar-24h@2", "cedar-6h@2"]
    file.write_text(RULES, encoding="utf-8")
    status, told = run("put", str(file))
    assert (status, set(outcomes(told).values())) == (1, {"refused"})

    assert run("rm", "cedar-6h") == (0, {"removed": "cedar-6h", "version": 2})
    assert run("rm", "cedar-6h")[0] == 2
    status, told = run("put", str(file), "cedar-6h")
    assert status == 1, "a removed rule leaves its version"
    assert "count `version` in the rule up" in told["rules"][0]["problem"]
    assert run("rm", "cedar-24h")[0] == 0
    file.write_text(RULES.replace("version: 1", "version: 3"), encoding="utf-8")
    capsys.readouterr()
    assert main(["rules", "put", str(file)]) == 0
    assert "alerts the spikes that are going on by them" in capsys.readouterr().err
    assert main(["rules", "put", str(file)]) == 0
    assert "going on" not in capsys.readouterr().err, "nothing was switched on"
    assert main(["rules", "ls", "--stored"]) == 0
    assert "of-tomorrow (version 1) is kept and cannot be used: " in capsys.readouterr().err


def test_what_cannot_be_used_is_not_sent_and_told_with_its_line(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(RULES.replace("window_hours: 6", "window_hours: 0"), encoding="utf-8")
    capsys.readouterr()
    assert main(["rules", "put", str(file)]) == 2
    assert "rules.yaml:13: cedar-6h: window_hours" in capsys.readouterr().err
    assert run("put", str(tmp_path / "none.yaml"))[0] == 2
    file.write_text(RULES, encoding="utf-8")
    assert run("put", str(file), "unknown")[0] == 2
    assert run("diff", str(file))[0] == 2


def test_rules_that_contradict_what_is_kept_are_refused(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    watched = 'areas: ["county:42091"]'
    near = 'neighbours: {"county:42091": ["county:42017"]}'
    one = RULES.replace(watched, near).replace("cedar-6h", "near-a")
    file.write_text(one, encoding="utf-8")
    assert run("put", str(file), "near-a")[0] == 0
    file.write_text(one.replace("near-a", "near-b").replace("42017", "42029"), encoding="utf-8")
    status, told = run("put", str(file), "near-b")
    assert status == 1
    assert "neighbours: differ from those that rule near-a states" in told["rules"][0]["problem"]
    assert run("rm", "near-a")[0] == 0


def test_without_a_directory_is_said_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SPIKEWATCH_DIRECTORY_ADDRESS", raising=False)
    assert main(["rules", "ls", "--stored", "--folder", str(tmp_path)]) == 2
    assert "directory" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["rules", "put", "--help"])
    assert "Example: spikewatch rules put rules.yaml --dry-run" in capsys.readouterr().out
