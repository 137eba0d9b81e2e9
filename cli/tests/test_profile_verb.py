"""``spikewatch profile`` and what ``normalize`` does with one."""

import json
import subprocess
import sys
from collections.abc import Iterator
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
from pydantic import SecretStr

async def serve():
    directory = Directory(InMemoryRecordStore(), clock=system_clock, wake=lambda: None)
    await directory.create(Kind.AGENCY, resource_id="cedar-ems", draft={"display_name": "Cedar EMS", "source_type": "ems"})
    server = make_server(token=SecretStr("right"), reflection=False, names=())
    register = lambda s: add_DirectoryServiceServicer_to_server(DirectoryServicer(directory), s)
    print(await server.start(register, "127.0.0.1", 0), flush=True)
    await asyncio.Event().wait()

asyncio.run(serve())
"""
PROFILE = """name: tablet_export
version: 1
time_zone: America/New_York
record_id: Run Number
occurred_at: {columns: [Call Date, Call Time], formats: MM/DD/YYYY, basis: psap_call}
place: {address: Scene Address, zip: Scene ZIP}
sex: {column: Sex, values: {1: male, 2: female}}
"""
ROWS = (
    "Run Number,Call Date,Call Time,Patient Name,DOB,Scene Address,Scene ZIP,Home ZIP,Sex,Age,Narcan Given,Suspected Drug\n"
    "26-0001,05/01/2026,14:03,Quill Feather,01/02/1980,100 MAIN ST,19401,19000,1,34,Y,fentanyl\n"
    "26-0002,05/02/2026,15:03,Quill Feather,01/02/1980,200 MAIN ST,19401,19000,2,44,N,heroin\n"
    "26-0003,soon,15:03,Quill Feather,01/02/1980,300 MAIN ST,19401,19000,2,54,N,cocaine\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tablet.yaml").write_text(PROFILE, encoding="utf-8")
    (tmp_path / "export.csv").write_text(ROWS, encoding="utf-8")
    return tmp_path


def test_a_profile_reads_a_file_row_by_row(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["normalize", "--profile", str(folder / "tablet.yaml"), "--dry-run", str(folder / "export.csv")]
    assert main(arguments) == 1
    shown = capsys.readouterr()
    assert "26-0001" in shown.out
    assert "Call Date is not a time of the profile's form" in shown.out
    assert "Feather" not in shown.out + shown.err
    assert main([*arguments, "--json"]) == 1
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["line"], row["outcome"]) for row in rows] == [(2, "report"), (3, "report"), (4, "rejected")]
    assert rows[0]["report"]["profile"] == "tablet_export@1"


def test_the_format_of_a_file_is_told_by_its_content(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    header = "record_id,occurred_at,zip,outcome,reversal_given\n"
    (folder / "statutory.csv").write_text(header + "PCR-1,2026-05-01T14:03:00Z,19401,fatal,no\n", encoding="utf-8")
    assert main(["normalize", "-o", str(folder / "out.jsonl"), str(folder / "statutory.csv")]) == 0
    assert "read as statutory, because" in capsys.readouterr().err
    (folder / "strange.csv").write_text("colour,shape\nred,round\n", encoding="utf-8")
    assert main(["normalize", str(folder / "strange.csv")]) == 2
    assert "spikewatch profile propose" in capsys.readouterr().err


def test_a_proposal_leaves_persons_and_homes_out_and_can_be_used(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", "propose", str(folder / "export.csv"), "--json"]) == 0
    shown = capsys.readouterr().out
    assert "Feather" not in shown
    told = json.loads(shown)
    becomes = {row["column"]: row["becomes"] for row in told["columns"]}
    assert becomes["Patient Name"] == becomes["DOB"] == becomes["Home ZIP"] == "left out"
    assert (becomes["Call Date"], becomes["Call Time"], becomes["Run Number"]) == ("occurred_at", "time_of_day", "incident_number")
    assert len(told["warnings"]) >= 3
    (folder / "proposed.yaml").write_text(told["profile"], encoding="utf-8")
    out = folder / "reports.jsonl"
    arguments = ["normalize", "--profile", str(folder / "proposed.yaml"), "--time-zone", "America/New_York", "-o", str(out)]
    assert main([*arguments, str(folder / "export.csv")]) == 1  # the row whose date is no date
    reports = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [report["source_record_id"] for report in reports] == ["26-0001", "26-0002"]
    assert reports[0]["reversal"]["given"] == "yes"
    assert [drug["term"] for drug in reports[0]["drugs"]] == ["fentanyl"]


def test_check_tells_every_problem_with_its_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", "check", str(folder / "tablet.yaml")]) == 0
    bad = folder / "bad.yaml"
    bad.write_text(PROFILE.replace("male,", "man,").replace("record_id: Run Number", "record_id: SSN"), encoding="utf-8")
    capsys.readouterr()
    assert main(["profile", "check", "--json", str(bad)]) == 1
    assert [problem["line"] for problem in json.loads(capsys.readouterr().out)["problems"]] == [4, 7]
    assert main(["normalize", "--profile", str(bad), str(folder / "export.csv")]) == 2


def test_the_schema_and_the_shipped_profiles_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", "schema"]) == 0
    assert "occurred_at" in json.loads(capsys.readouterr().out)["properties"]
    assert main(["profile", "ls", "--json"]) == 0
    assert [row["profile"] for row in json.loads(capsys.readouterr().out)] == ["me_connecticut@1", "me_cook@1", "me_allegheny@1"]
    assert main(["profile", "show", "me_cook"]) == 0
    assert capsys.readouterr().out.startswith("name: me_cook")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield f"127.0.0.1:{server.stdout.readline().strip()}"
        server.kill()


def test_profiles_are_kept_with_an_agency(
    address: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SPIKEWATCH_DIRECTORY_ADDRESS", address)
    monkeypatch.setenv("SPIKEWATCH_DIRECTORY_TOKEN", "right")
    file = folder / "tablet.yaml"

    def run(*arguments: str) -> tuple[int, Any]:
        capsys.readouterr()
        status = main(["profile", *arguments])
        return status, capsys.readouterr().out

    assert run("put", "cedar-ems", str(file))[0] == 0
    assert run("put", "cedar-ems", str(file))[0] == 0  # the same once more changes nothing
    file.write_text(PROFILE + "age: Age\n", encoding="utf-8")
    assert run("put", "cedar-ems", str(file))[0] == 2  # other content under the same version
    file.write_text(PROFILE.replace("version: 1", "version: 2"), encoding="utf-8")
    assert run("put", "cedar-ems", str(file))[0] == 0
    kept = [row["profile"] for row in json.loads(run("ls", "cedar-ems", "--json")[1])]
    assert [name for name in kept if name.startswith("tablet")] == ["tablet_export@1", "tablet_export@2"]  # others keep profiles there too
    assert run("show", "cedar-ems", "tablet_export@1") == (0, PROFILE)
    assert "version: 2" in run("show", "cedar-ems", "tablet_export")[1]
    assert run("show", "cedar-ems", "other")[0] == 2
    assert run("put", "unknown-ems", str(file))[0] == 2


def test_a_profile_is_removed_by_version_and_what_follows_is_told(
    address: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SPIKEWATCH_DIRECTORY_ADDRESS", address)
    monkeypatch.setenv("SPIKEWATCH_DIRECTORY_TOKEN", "right")

    def run(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = main(["profile", *arguments])
        told = capsys.readouterr()
        return status, told.out, told.err

    for version in (1, 2, 3):
        file = folder / f"removed{version}.yaml"
        text = PROFILE.replace("version: 1", f"version: {version}").replace("tablet_export", "removed_export")
        file.write_text(text, encoding="utf-8")
        assert run("put", "cedar-ems", str(file))[0] == 0

    def kept() -> list[str]:
        return [row["profile"] for row in json.loads(run("ls", "cedar-ems", "--json")[1]) if row["profile"].startswith("removed")]

    status, _, told = run("rm", "cedar-ems", "removed_export")
    assert (status, "several versions" in told) == (2, True)
    assert "would be removed" in run("rm", "cedar-ems", "removed_export@3")[2]
    assert kept() == ["removed_export@1", "removed_export@2", "removed_export@3"]
    told = run("rm", "cedar-ems", "removed_export@3", "--yes")[2]
    assert "without a version are read by removed_export@2 from now on" in told
    assert "removed_export@2 as before" in run("rm", "cedar-ems", "removed_export@1", "--yes")[2]
    assert kept() == ["removed_export@2"]
    answer = json.loads(run("rm", "cedar-ems", "removed_export", "--all-versions", "--yes", "--json")[1])
    assert answer["removed"] == ["removed_export@2"]
    assert "submissions that name removed_export are refused" in answer["consequences"][0]
    assert kept() == []
    assert run("rm", "cedar-ems", "removed_export", "--yes")[0] == 2
    file = folder / "removed2.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text + "age: Age\n", encoding="utf-8")
    status, _, told = run("put", "cedar-ems", str(file))
    assert (status, "count `version` in the profile up" in told) == (2, True)
    file.write_text(text, encoding="utf-8")
    assert run("put", "cedar-ems", str(file))[0] == 0
    assert kept() == ["removed_export@2"]


@pytest.mark.parametrize("above", ["sep=,\n", "Cedar County\nMade 5/1/2026, by the records desk\n\n"])
def test_a_proposal_finds_the_header_below_what_stands_above(above: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "titled.csv").write_text(above + ROWS, encoding="utf-8")
    assert main(["profile", "propose", str(folder / "titled.csv"), "-o", str(folder / "titled.yaml")]) == 0
    assert "can be used as it is" in capsys.readouterr().err
