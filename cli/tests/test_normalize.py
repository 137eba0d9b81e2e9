import base64
import gzip
import io
import json
import shlex
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from spikewatch.cli.main import main
from spikewatch.contracts.report import Report

HEADER = "record_id,occurred_at,zip,outcome,reversal_given\n"
ROW = "{},{},19401,fatal,{}\n"
TIME = "2026-05-01T14:03:00Z"
ROWS = HEADER + ROW.format("A1", TIME, "no") + ROW.format("B1", "soon", "no") + ROW.format("A1", TIME, "no") + ROW.format("A1", TIME, "yes")


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_reports_come_out_in_order_and_refused_rows_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out, errors = tmp_path / "in.csv", tmp_path / "out.jsonl", tmp_path / "errors.jsonl"
    source.write_text(ROWS, encoding="utf-8")
    assert main(["normalize", "--format", "statutory", "--agency", "cedar-ems", "-o", str(out), "--errors", str(errors), str(source)]) == 1
    reports = [Report.model_validate(line) for line in lines(out)]
    assert [(report.source_record_id, report.revision, report.reversal.given.value) for report in reports] == [
        ("A1", 1, "no"),
        ("A1", 2, "yes"),
    ]
    [refused] = lines(errors)
    assert (refused["file"], refused["line"], refused["field"], refused["reason"]) == (str(source), 3, "occurred_at", "invalid-field")
    assert {"problem", "expected", "example"} <= set(refused)
    assert "4 records: 2 report, 1 duplicate, 1 rejected" in capsys.readouterr().err


def test_a_file_given_twice_is_all_duplicates_the_second_time(tmp_path: Path) -> None:
    source, out = tmp_path / "in.jsonl.gz", tmp_path / "out.jsonl.gz"
    record = {"record_id": "A", "occurred_at": "2026-05-01T14:03:00Z", "zip": "19401", "outcome": "fatal", "reversal_given": "no"}
    source.write_bytes(gzip.compress(json.dumps(record).encode()))
    assert main(["normalize", "--format", "statutory", "-o", str(out), str(source), str(source)]) == 0
    assert len(gzip.decompress(out.read_bytes()).splitlines()) == 1


def test_standard_input_is_read_and_its_form_recognised(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    body = b' {"occurred_at": "2026-05-01 14:03", "zip": "19401", "outcome": "fatal", "reversal_given": "no"}\n'
    for zone, status in (([], 1), (["--time-zone", "America/New_York", "--county", "99001"], 0)):
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(body)))
        assert main(["normalize", "--format", "statutory", *zone, "-"]) == status
    report = Report.model_validate_json(capsys.readouterr().out)
    assert (report.occurred_at.hour, report.location.county_fips) == (18, "99001")


def test_hashed_ids_are_the_deployments_where_its_key_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seal, former = (base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2))
    source, out = tmp_path / "in.csv", tmp_path / "out.jsonl"
    source.write_text(HEADER + ROW.format("", TIME, "no"), encoding="utf-8")
    for name in ("SPIKEWATCH_INGEST_SEAL_KEY", "SPIKEWATCH_INGEST_HASH_KEY"):
        monkeypatch.delenv(name, raising=False)

    def made(*options: str, agency: str = "cedar-ems") -> str:
        assert main(["normalize", "--format", "statutory", "--agency", agency, *options, "-o", str(out), str(source)]) == 0
        [line] = lines(out)
        return str(line["source_record_id"])

    looked_at = made()
    assert looked_at != made(agency="birch-ems")
    assert main(["normalize", "--format", "statutory", "--deployment-keys", str(source)]) == 2
    assert "SPIKEWATCH_INGEST_SEAL_KEY" in capsys.readouterr().err
    monkeypatch.setenv("SPIKEWATCH_INGEST_SEAL_KEY", former)
    assert made() == looked_at  # the environment alone changes nothing
    before = made("--deployment-keys")
    monkeypatch.setenv("SPIKEWATCH_INGEST_SEAL_KEY", seal)
    assert made("--deployment-keys") not in {before, looked_at}
    monkeypatch.setenv("SPIKEWATCH_INGEST_HASH_KEY", former)  # how ids outlive a change of the seal key
    assert made("--deployment-keys") == before
    monkeypatch.setenv("SPIKEWATCH_INGEST_HASH_KEY", "c2hvcnQ=")
    assert main(["normalize", "--format", "statutory", "--deployment-keys", str(source)]) == 2
    error = capsys.readouterr().err
    assert "SPIKEWATCH_INGEST_HASH_KEY" in error
    assert "c2hvcnQ=" not in error


@pytest.mark.parametrize(
    "arguments",
    [
        ["missing.csv"],
        ["--time-zone", "Mars/Olympus", "x.csv"],
        ["--county", "42", "x.csv"],
        ["--agency", "Not An Id", "x.csv"],
        ["-o", "no/such/folder/x", "x.csv"],
    ],
)
def test_what_cannot_run_is_one_sentence_and_status_2(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("x.csv").write_text(ROWS, encoding="utf-8")
    assert main(["normalize", "--format", "statutory", *arguments]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_a_file_that_cannot_be_cut_is_one_refused_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "in.csv"
    source.write_bytes(b"\xff\xfe")
    assert main(["normalize", "--format", "cad_911", str(source)]) == 1
    assert "1 records: 1 rejected" in capsys.readouterr().err


def test_the_example_of_the_help_runs(tmp_path: Path) -> None:
    desc = "MAIN ST & OAK ST;  CEDAR; Station 1; 2016-03-13 @ 21:18:47;"
    call = f"40.1,-75.3,{desc},19401,EMS: OVERDOSE,2016-03-13 21:22:00,CEDAR,MAIN ST & OAK ST,1\n"
    (tmp_path / "calls.csv.gz").write_bytes(gzip.compress(b"lat,lng,desc,zip,title,timeStamp,twp,addr,e\n" + call.encode()))
    shown = subprocess.run(
        [sys.executable, "-m", "spikewatch.cli", "normalize", "--help"], capture_output=True, text=True, check=True
    ).stdout
    example = " ".join(shown[shown.index("Example: ") :].split()).removeprefix("Example: spikewatch ")
    done = subprocess.run(
        [sys.executable, "-m", "spikewatch.cli", *shlex.split(example)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert len((tmp_path / "reports.jsonl").read_text(encoding="utf-8").splitlines()) == 1
