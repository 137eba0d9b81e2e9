import csv
import gzip
import io
import json
import random
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from spikewatch.cli.main import main
from spikewatch.contracts.decision import Decision, DecisionKind, DecisionLevel
from spikewatch.contracts.identifiers import report_key

DECIDED_AT = datetime(2026, 5, 3, tzinfo=UTC)

HEADER = "report_id,received_at,agency,agency_record_no,cad_no,event_time,time_precision,lat,lon,geo_precision,age,sex,hospital,truth_event"
ROWS = (
    "R1,2026-05-01T02:10:00Z,CAD,C1,26-1001,2026-05-01T02:00:00Z,second,40.5,-79.5,address,45,M,,7",
    "R2,2026-05-01T03:10:00Z,EMS,E1,26-1001,2026-05-01T02:08:00Z,second,40.5001,-79.5,address,45,M,MERCY,7",
    "R3,2026-05-01T05:10:00Z,ED,D1,,2026-05-01T02:44:00Z,minute,,,none,45,M,MERCY,7",
    "R4,2026-05-01T05:10:00Z,EMS,E2,,2026-05-01T09:08:00Z,second,40.6,-79.5,address,23,F,,8",
    "R5,2026-05-02T05:10:00Z,EMS,E1,26-1001,2026-05-01T02:08:00Z,second,40.5001,-79.5,address,46,M,MERCY,7",
)


def table(path: Path, rows: tuple[str, ...] = ROWS, header: str = HEADER) -> str:
    text = "\n".join((header, *rows)) + "\n"
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return str(path)


def out(path: Path) -> list[dict[str, str]]:
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(text)))


def test_rows_come_out_in_the_order_of_input_with_the_fixed_columns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "out.csv"
    assert main(["dedupe", "-o", str(output), table(tmp_path / "in.csv.gz")]) == 0
    rows = out(output)
    assert list(rows[0])[:4] == ["report_id", "overdose_id", "incident_id", "confidence"]
    assert [row["report_id"] for row in rows] == ["R1", "R2", "R3", "R4", "R5"]
    person = rows[0]["overdose_id"]
    assert [row["overdose_id"] == person for row in rows] == [True, True, True, False, True]
    assert all(0 < float(row["confidence"]) <= 1 for row in rows)
    assert "5 rows: 4 reports of 2 overdoses in 2 incidents" in capsys.readouterr().err


def test_the_order_of_rows_and_the_labels_change_nothing(tmp_path: Path) -> None:
    outputs = []
    for seed in range(4):
        rows = list(ROWS)
        random.Random(seed).shuffle(rows)
        if seed % 2:
            rows = [row.rsplit(",", 1)[0] + f",{seed}{index}" for index, row in enumerate(rows)]
        name = tmp_path / f"{seed}.csv"
        assert main(["dedupe", "-o", f"{name}.out.csv", table(name, tuple(rows))]) == 0
        outputs.append(sorted(tuple(row.values()) for row in out(Path(f"{name}.out.csv"))))
    assert all(output == outputs[0] for output in outputs)


def test_where_reports_stand_close_a_busy_corner_is_named_beside_a_feed_that_repeats_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    close = tuple(f"R{n},,EMS,E{n},,2026-05-01T02:{n // 4:02d}:00Z,second,40.5,-79.5,address,40,M,," for n in range(200))
    assert main(["dedupe", "-o", str(tmp_path / "out.csv"), table(tmp_path / "in.csv", close)]) == 0
    assert "200 reports stand so close that not all were compared: a busy corner, or a feed" in capsys.readouterr().err


def test_standard_input_and_output_and_json_lines(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    text = "\n".join((HEADER, *ROWS)) + "\n"
    for options, is_json in (([], False), (["--json"], True)):
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(text.encode())))
        assert main(["dedupe", *options, "-"]) == 0
        lines = capsys.readouterr().out.splitlines()
        if is_json:
            assert list(json.loads(lines[0])) == ["report_id", "overdose_id", "incident_id", "confidence"]
        else:
            assert lines[0] == "report_id,overdose_id,incident_id,confidence"
        assert len(lines) == 5 + (not is_json)


def test_refused_rows_are_counted_and_written_without_their_values(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    errors, output = tmp_path / "errors.jsonl", tmp_path / "out.csv"
    bad = ROWS[1].replace("2026-05-01T02:08:00Z", "sometime")
    source = table(tmp_path / "in.csv", (ROWS[0], bad, ROWS[3]))
    assert main(["dedupe", "--errors", str(errors), "-o", str(output), source]) == 1
    assert [row["report_id"] for row in out(output)] == ["R1", "R4"]
    [refused] = [json.loads(line) for line in errors.read_text(encoding="utf-8").splitlines()]
    assert (refused["file"], refused["line"], refused["field"]) == (source, 3, "event_time")
    assert {"problem", "expected", "example"} <= set(refused)
    assert "sometime" not in json.dumps(refused)
    assert "1 refused" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("header", "named"), [("report_id,agency", "event_time"), ("agency,event_time", "agency_record_no"), ("report_id,event_time", "agency")]
)
def test_a_table_without_what_is_needed_is_not_run(tmp_path: Path, capsys: pytest.CaptureFixture[str], header: str, named: str) -> None:
    assert main(["dedupe", table(tmp_path / "in.csv", ("1,2",), header)]) == 2
    told = capsys.readouterr().err
    assert named in told
    assert told.count("\n") == 1 or "has no column" in told


@pytest.mark.parametrize("option", ["-o", "--errors"])
def test_nothing_that_is_read_is_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str) -> None:
    source = table(tmp_path / "in.csv")
    before = Path(source).read_bytes()
    assert main(["dedupe", option, source, source]) == 2
    assert f"{source} is a file that is read; write to another one" in capsys.readouterr().err
    assert Path(source).read_bytes() == before


def test_weights_that_are_none_are_refused_with_their_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = tmp_path / "w.json"
    wrong.write_text('{"format": 1, "fields": {"height": {}}}', encoding="utf-8")
    assert main(["dedupe", "--weights", str(wrong), table(tmp_path / "in.csv")]) == 2
    assert "height" in capsys.readouterr().err
    assert main(["dedupe", "--weights", "nowhere.json", table(tmp_path / "in.csv")]) == 2


def test_reports_of_the_contract_are_matched_too(tmp_path: Path) -> None:
    feed, reports, output = tmp_path / "feed.csv", tmp_path / "reports.jsonl", tmp_path / "out.jsonl"
    feed.write_text("record_id,occurred_at,zip,outcome,reversal_given\nA1,2026-05-01T14:03:00Z,19401,fatal,no\n", encoding="utf-8")
    assert main(["normalize", "--format", "statutory", "-o", str(reports), str(feed)]) == 0
    with reports.open("a", encoding="utf-8") as file:
        file.write("{}\n")
    assert main(["dedupe", "-o", str(output), str(reports)]) == 1
    [row] = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
    assert row["report_id"] == json.loads(reports.read_text(encoding="utf-8").splitlines()[0])["report_id"]
    assert row["overdose_id"] != row["incident_id"]


@pytest.mark.parametrize("adapt", ["lags", "all", "no"])
def test_an_empty_table_is_all_well(tmp_path: Path, adapt: str) -> None:
    output = tmp_path / "out.csv"
    assert main(["dedupe", "--adapt", adapt, "-o", str(output), table(tmp_path / "in.csv", ())]) == 0
    assert output.read_text(encoding="utf-8") == "report_id,overdose_id,incident_id,confidence\n"


def decided(path: Path, kind: DecisionKind, one: str, other: str, *, as_lines: bool) -> str:
    """A file of one decision about two reports of the table, as the topic holds it or as ``incident merge --json`` prints it."""
    keys = [report_key(*name.split()) for name in (one, other)]
    decision = Decision.of(kind, DecisionLevel.OVERDOSE, keys[:1], keys[1:], author="reviewer-7", reason="seen", decided_at=DECIDED_AT)
    path.write_text(json.dumps(decision.model_dump(mode="json"), indent=None if as_lines else 2) + "\n", encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("as_lines", [True, False])
def test_what_people_decided_outranks_the_scores_of_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str], *, as_lines: bool) -> None:
    source, output = table(tmp_path / "in.csv"), tmp_path / "out.csv"
    apart = decided(tmp_path / "apart", DecisionKind.APART, "cad C1", "ems E1", as_lines=as_lines)
    assert main(["dedupe", "--decisions", apart, "-o", str(output), source]) == 0
    assert "1 of 1 decisions in force name reports of this file" in capsys.readouterr().err
    rows = out(output)
    assert rows[0]["overdose_id"] != rows[1]["overdose_id"]
    assert main(["match", "explain", "--decisions", apart, "--report", "R1", "--json", source]) == 0
    assert list(json.loads(capsys.readouterr().out)["names"].values()) == ["R1"]
    joined = decided(tmp_path / "joined", DecisionKind.TOGETHER, "cad C1", "ems E2", as_lines=as_lines)
    assert main(["dedupe", "--decisions", joined, "-o", str(output), source]) == 0
    rows = out(output)
    assert rows[0]["overdose_id"] == rows[3]["overdose_id"]
    capsys.readouterr()
    assert main(["match", "queue", "--decisions", joined, "--json", source]) == 0
    assert all(set(one["names"].values()) != {"R1", "R4"} for one in json.loads(capsys.readouterr().out))


@pytest.mark.parametrize("text", ["{", '{"kind": "together", "reason": "Jane Doe"}', "[3]"])
def test_a_file_that_holds_no_decisions_is_refused_without_its_words(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    wrong = tmp_path / "decisions.jsonl"
    wrong.write_text(text, encoding="utf-8")
    assert main(["dedupe", "--decisions", str(wrong), table(tmp_path / "in.csv")]) == 2
    told = capsys.readouterr().err
    assert "decisions.jsonl" in told
    assert "Jane" not in told


@pytest.mark.parametrize("adapt", ["lags", "all"])
def test_an_agency_whose_clock_is_hours_off_is_put_right_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str], adapt: str) -> None:
    draw, rows = random.Random(3), []
    for call in range(120):
        at = datetime(2026, 1 + call // 11, 2 + call % 11, draw.randrange(24), draw.randrange(60), 7, tzinfo=UTC)
        behind = timedelta(hours=4 if datetime(2026, 3, 8, tzinfo=UTC) < at < datetime(2026, 11, 1, tzinfo=UTC) else 5)
        for agency, lag, off in (("CAD", 0, timedelta()), ("EMS", 8, timedelta()), ("POLICE", 20, behind)):
            when = at + timedelta(minutes=lag) - off
            cad = f"26-{call:05d}" if agency != "POLICE" else ""
            rows.append(f"{agency}{call},,{agency},{call},{cad},{when:%Y-%m-%dT%H:%M:%SZ},second,{40 + call / 50},-79.5,address,,,,{call}")
    output = tmp_path / "out.csv"
    assert main(["dedupe", "--adapt", adapt, "-o", str(output), table(tmp_path / "in.csv", tuple(rows))]) == 0
    assert "times of POLICE lie -5 (in summer -4) hours off" in capsys.readouterr().err
    found = {row["report_id"]: row["overdose_id"] for row in out(output)}
    assert sum(found[f"POLICE{call}"] == found[f"CAD{call}"] for call in range(120)) > 115
    assert main(["dedupe", "--adapt", "no", "-o", str(output), table(tmp_path / "in.csv", tuple(rows))]) == 0
    found = {row["report_id"]: row["overdose_id"] for row in out(output)}
    assert sum(found[f"POLICE{call}"] == found[f"CAD{call}"] for call in range(120)) < 5


def test_one_record_number_in_two_cities_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    far = ROWS[1].replace("40.5001", "44.5")
    assert main(["dedupe", "-o", str(tmp_path / "out.csv"), table(tmp_path / "in.csv", (*ROWS, far))]) == 0
    assert "1 record numbers of EMS are stated by rows more than 100 km apart" in capsys.readouterr().err
    near = ROWS[1].replace("40.5001", "40.9")
    assert main(["dedupe", "-o", str(tmp_path / "out.csv"), table(tmp_path / "in.csv", (*ROWS, near))]) == 0
    assert "100 km" not in capsys.readouterr().err
