"""``spikewatch directory`` against a real gRPC server with an in-memory store, in a process of its own."""

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
from spikewatch.directory.handlers import DirectoryServicer
from spikewatch.directory.service import Directory
from spikewatch.directory.testing import InMemoryRecordStore
from pydantic import SecretStr

async def serve():
    servicer = DirectoryServicer(Directory(InMemoryRecordStore(), clock=system_clock, wake=lambda: None))
    server = make_server(token=SecretStr("right"), reflection=False, names=())
    print(await server.start(lambda s: add_DirectoryServiceServicer_to_server(servicer, s), "127.0.0.1", 0), flush=True)
    await asyncio.Event().wait()

asyncio.run(serve())
"""
RECORDS: list[dict[str, Any]] = [
    {
        "kind": "contact",
        "name": "agencies/ems/contacts/desk",
        "display_name": "Desk",
        "organization": "EMS",
        "role": "duty_desk",
        "areas": ["zip:1"],
    },
    {"kind": "agency", "name": "agencies/ems", "display_name": "EMS", "source_type": "ems", "areas": ["county:42091"]},
    {"kind": "provider", "name": "providers/p", "display_name": "Recovery"},
    {
        "kind": "service",
        "name": "providers/p/services/s",
        "display_name": "Start",
        "status": "temporarily closed",
        "lat": 0.0,
        "lon": -75.5,
        "categories": ["naloxone"],
    },
]
Run = Callable[..., tuple[int, Any]]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield f"127.0.0.1:{server.stdout.readline().strip()}"
        server.kill()


@pytest.fixture
def run(address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("SPIKEWATCH_DIRECTORY_ADDRESS", address)
    monkeypatch.setenv("SPIKEWATCH_DIRECTORY_TOKEN", "right")

    def call(*arguments: str) -> tuple[int, Any]:
        capsys.readouterr()
        status = main(["directory", *arguments])
        out = capsys.readouterr()
        try:
            return status, json.loads(out.out)
        except ValueError:
            return status, out.out + out.err

    for kind in ("contact", "service", "agency", "provider"):  # what an earlier test left, children first
        for record in call(kind, "list", "--json")[1]:
            assert call(kind, "delete", record["name"])[0] == 0
    return call


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "directory.json"
    path.write_text(json.dumps(RECORDS), encoding="utf-8")
    return path


def test_what_was_loaded_is_exported_and_loads_again_without_a_change(run: Run, file: Path, tmp_path: Path) -> None:
    assert run("load", str(file), "--json") == (0, {"loaded": 4, "refused": 0})
    copy = tmp_path / "copy.json"
    assert run("export", "-o", str(copy))[0] == 0
    exported = {record["name"]: record for record in json.loads(copy.read_text(encoding="utf-8"))}
    for record in RECORDS:
        assert exported[record["name"]].items() >= record.items()
    before = run("agency", "get", "agencies/ems", "--json")
    assert run("load", str(copy))[0] == 0
    assert run("agency", "get", "agencies/ems", "--json") == before


def test_a_record_lives_through_all_steps(run: Run) -> None:
    status, made = run("agency", "create", "agencies/ems", "--display-name", "EMS", "--source-type", "ems", "--areas", "zip:1", "--json")
    assert (status, made["agency_id"], made["areas"]) == (0, "ems", ["zip:1"])
    status, changed = run("agency", "update", "agencies/ems", "--state", "suspended", "--clear", "areas", "--json")
    assert (status, changed["state"], changed["areas"], changed["display_name"]) == (0, "suspended", [], "EMS")
    status, table = run("agency", "list")
    assert status == 0
    assert "agencies/ems" in table
    assert run("agency", "list", "--filter", "state = active", "--json") == (0, [])
    status, text = run("agency", "delete", "agencies/ems", "--etag", made["etag"])
    assert status == 2
    assert "has changed meanwhile" in text
    assert run("agency", "delete", "agencies/ems", "--etag", changed["etag"])[0] == 0
    status, text = run("agency", "get", "agencies/ems")
    assert status == 2
    assert "there is no record of this name" in text


def test_contacts_are_listed_below_any_parent_and_found_by_area(run: Run, file: Path) -> None:
    run("load", str(file))
    assert [one["name"] for one in run("contact", "list", "--json")[1]] == ["agencies/ems/contacts/desk"]
    assert run("contact", "list", "--parent", "providers/-", "--json")[1] == []
    status, found = run("responsible", "zip:1", "county:42091", "--json")
    assert (status, [(one["area"], one["contact"]["name"]) for one in found]) == (0, [("zip:1", "agencies/ems/contacts/desk")])


def test_refused_records_are_counted_and_the_others_loaded(run: Run, tmp_path: Path) -> None:
    path, errors = tmp_path / "mixed.json", tmp_path / "errors.jsonl"
    bad = [{"kind": "agency", "name": "agencies/x", "display_name": "X", "source_type": "secret"}, {"kind": "spaceship"}, 7]
    path.write_text(json.dumps([*bad, RECORDS[1]]), encoding="utf-8")
    assert run("load", str(path), "--json", "--errors", str(errors)) == (1, {"loaded": 1, "refused": 3})
    lines = [json.loads(line) for line in errors.read_text(encoding="utf-8").splitlines()]
    assert sorted((line["record"], line["path"]) for line in lines) == [(0, "agency.source_type"), (1, "kind"), (2, "kind")]
    assert "secret" not in errors.read_text(encoding="utf-8")


@pytest.mark.parametrize("text", ["{}", "not json"])
def test_a_file_that_is_no_list_ends_with_status_2(run: Run, tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text, encoding="utf-8")
    assert run("load", str(path))[0] == 2


def test_a_wrong_token_and_an_address_where_nobody_answers_say_what_to_do(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPIKEWATCH_DIRECTORY_TOKEN", "wrong")
    status, text = run("agency", "list")
    assert status == 2
    assert "SPIKEWATCH_DIRECTORY_TOKEN" in text
    status, text = run("agency", "list", "--address", "127.0.0.1:1")
    assert status == 2
    assert "spikewatch up" in text


@pytest.mark.parametrize("part", ["agency", "provider", "service", "contact"])
@pytest.mark.parametrize("step", ["create", "get", "list", "update", "delete"])
def test_every_help_has_an_example(part: str, step: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["directory", part, step, "--help"])
    assert caught.value.code == 0
    assert f"Example: spikewatch directory {part} {step}" in " ".join(capsys.readouterr().out.split())
