"""The files that people and programs really hand over: other delimiters and encodings, rows as JSON, and what is no table at all."""

import codecs
import csv
import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from spikewatch.cli.main import main
from spikewatch.cli.matching.contract_refusal import EXAMPLE
from spikewatch.contracts.report import Report

HEADER = "report_id,agency,agency_record_no,cad_no,event_time,time_precision,lat,lon,geo_precision,age,sex,truth_event"
ROWS = (
    "R1,CAD,C1,26-1001,2026-05-01T02:00:00Z,second,40.5,-79.5,address,45,M,7",
    "R2,EMS,E1,26-1001,2026-05-01T02:08:00Z,second,40.5001,-79.5,address,45,M,7",
    "R4,EMS,E2,,2026-05-01T09:08:00Z,second,40.6,-79.5,address,23,F,8",
)
TABLE = "\n".join((HEADER, *ROWS)) + "\n"


def dedupe(tmp_path: Path, name: str, content: bytes) -> tuple[int, list[dict[str, str]], list[dict[str, str]]]:
    """Return exit status, rows that came out, and rows that were refused."""
    source, output, errors = tmp_path / name, tmp_path / "out.csv", tmp_path / "errors.jsonl"
    source.write_bytes(content)
    status = main(["dedupe", "--errors", str(errors), "-o", str(output), str(source)])
    refused = [json.loads(line) for line in errors.read_text(encoding="utf-8").splitlines()] if errors.exists() else []
    return status, list(csv.DictReader(io.StringIO(output.read_text(encoding="utf-8")))) if output.exists() else [], refused


def as_json_lines(text: str) -> str:
    return "".join(json.dumps(row) + "\n" for row in csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("semicolons.csv", TABLE.replace(",", ";").encode()),
        ("tabs.tsv", TABLE.replace(",", "\t").encode()),
        ("bars.txt", TABLE.replace(",", "|").encode()),
        ("marked.csv", codecs.BOM_UTF8 + TABLE.encode()),
        ("excel.csv", TABLE.replace(",", "\t").encode("utf-16")),
        ("big.csv", codecs.BOM_UTF16_BE + TABLE.encode("utf-16-be")),
        ("rows.jsonl", as_json_lines(TABLE).encode()),
        ("marked.jsonl", codecs.BOM_UTF8 + as_json_lines(TABLE).encode()),
    ],
)
def test_a_table_is_read_in_whatever_delimiter_and_encoding_it_came(tmp_path: Path, name: str, content: bytes) -> None:
    _, expected, _ = dedupe(tmp_path, "plain.csv", TABLE.encode())
    assert len(expected) == 3
    assert expected[0]["overdose_id"] == expected[1]["overdose_id"] != expected[2]["overdose_id"]
    assert dedupe(tmp_path, name, content) == (0, expected, [])


def test_json_lines_that_begin_with_a_mark_are_told_from_a_table_on_standard_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    content = codecs.BOM_UTF8 + as_json_lines(TABLE).encode()
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))
    assert main(["dedupe", "-"]) == 0
    assert [json.loads(line)["report_id"] for line in capsys.readouterr().out.splitlines()] == ["R1", "R2", "R4"]


def test_a_row_as_json_says_what_its_types_mean(tmp_path: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(TABLE)))
    typed = [row | {"age": float(row["age"]), "lat": float(row["lat"]), "age_approx": False, "hospital": None} for row in rows]
    status, found, _ = dedupe(tmp_path, "typed.json", "".join(json.dumps(row) + "\n" for row in typed).encode())
    assert (status, found[0]["overdose_id"] == found[1]["overdose_id"]) == (0, True)
    status, _, refused = dedupe(tmp_path, "bad.json", json.dumps(rows[0] | {"event_time": 1777600800.5}).encode())
    assert (status, refused[0]["field"]) == (1, "event_time")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("book.csv", b"PK\x03\x04" + b"\0" * 40, "is a spreadsheet; save it as CSV in UTF-8"),
        ("unmarked.csv", TABLE.encode("utf-16-le"), "is no text in UTF-8; save it as CSV in UTF-8"),
        ("rows.jsonl", as_json_lines(TABLE).encode("utf-16"), "is no text in UTF-8; save it as JSON lines in UTF-8"),
        ("other.csv", b"agency:event_time\n", "with commas, semicolons, tabs or | between"),
    ],
)
def test_what_is_no_table_is_told_by_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes, told: str
) -> None:
    assert dedupe(tmp_path, name, content)[0] == 2
    assert told in capsys.readouterr().err


def test_a_cell_that_is_too_long_costs_its_row_and_no_other(tmp_path: Path) -> None:
    long = ROWS[1].replace("26-1001", "9" * ((1 << 20) + 1))
    status, found, [refused] = dedupe(tmp_path, "long.csv", "\n".join((HEADER, ROWS[0], long, ROWS[2])).encode())
    assert (status, [row["report_id"] for row in found], refused["line"]) == (1, ["R1", "R4"], 3)
    assert "999" not in json.dumps(refused)


@pytest.mark.parametrize(
    ("line", "field", "problem"),
    [
        ("[" * 200_000, "line", "is no JSON"),
        ('{"report": ' * 100_000, "line", "is no JSON"),
        ("{", "line", "is no JSON"),
        ("[{}]", "line", "is no object"),
        ("7", "line", "is no object"),
        ("{}", "report_id", "is missing"),
        (json.dumps(dict(EXAMPLE) | {"occurred_at": "Jane"}), "occurred_at", "does not fit the report contract"),
        (json.dumps({"report": dict(EXAMPLE) | {"victims": {"age": "Jane"}}, "geodata_version": 1}), "report.victims.age", "does not fit"),
    ],
)
def test_a_line_that_is_no_report_is_refused_with_an_example(tmp_path: Path, line: str, field: str, problem: str) -> None:
    status, found, [refused] = dedupe(tmp_path, "in.jsonl", f"{line}\n{json.dumps(dict(EXAMPLE))}\n".encode())
    assert (status, len(found)) == (1, 1)
    assert (refused["line"], refused["field"]) == (1, field)
    assert problem in refused["problem"]
    assert not {"Jane", "Input should", "Invalid JSON"} & set(json.dumps(refused).split('"'))
    assert "Input should" not in refused["expected"]
    if field == "line":
        Report.model_validate_json(refused["example"])
    assert refused["example"] != "what spikewatch normalize writes"


def test_agencies_of_no_known_kind_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "in.csv"
    source.write_text(TABLE.replace("R4,EMS", "R4,Blue Team"), encoding="utf-8")
    assert main(["dedupe", "-o", str(tmp_path / "out.csv"), str(source)]) == 0
    told = capsys.readouterr().err
    assert "no kind of agency is told by Blue Team:" in told
    assert "EMS, " not in told.partition("kinds are told by")[0]
    source.write_text(TABLE, encoding="utf-8")
    assert main(["dedupe", "-o", str(tmp_path / "out.csv"), str(source)]) == 0
    assert "no kind of agency" not in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--weights", "--decisions"])
def test_a_queue_of_the_service_takes_no_weights_and_no_decisions(capsys: pytest.CaptureFixture[str], option: str) -> None:
    assert main(["match", "queue", "--url", "http://127.0.0.1:9", option, "neutral"]) == 2
    assert f"{option} are for a FILE" in capsys.readouterr().err


def test_a_queue_of_a_file_takes_the_learnt_weights_unless_others_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "in.csv"
    source.write_text(TABLE.replace("26-1001", "").replace("45,M", ",").replace("40.5001", "40.503"), encoding="utf-8")
    told = []
    for options in ([], ["--weights", "learnt"], ["--weights", "neutral"]):
        assert main(["match", "queue", "--json", *options, str(source)]) == 0
        told.append(capsys.readouterr().out)
    assert told[0] == told[1] != told[2]
