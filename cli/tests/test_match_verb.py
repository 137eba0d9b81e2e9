import csv
import json
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from spikewatch.cli.main import main
from spikewatch.cli.matching.beside_shipped import contradicting
from spikewatch.cli.matching.file_reports import FileReports
from spikewatch.contracts.decision import Decision, DecisionKind, DecisionLevel
from spikewatch.contracts.identifiers import report_key
from spikewatch.enrichment.adapters.matching_weights import load_weights
from spikewatch.enrichment.domain.matching.fields import FIELDS, OFFSETS
from spikewatch.enrichment.domain.matching.matcher import match

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def labelled(tmp_path: Path) -> str:
    """Three hundred overdoses, told by dispatch, an ambulance and a hospital."""
    draw = random.Random(4)
    rows = []
    for person in range(300):
        at = START + timedelta(minutes=draw.uniform(0, 60_000))
        lat, lon, age, sex = 40.5 + draw.uniform(0, 0.05), -79.5 + draw.uniform(0, 0.05), draw.randrange(18, 80), draw.choice("MF")
        for agency, lag in (("CAD", 0), ("EMS", 8), ("ED", 43)):
            when = at + timedelta(minutes=lag + draw.gauss(0, 3))
            rows.append(
                {
                    "report_id": f"R{len(rows)}",
                    "agency": agency,
                    "agency_record_no": f"{agency}{person}",
                    "event_time": f"{when:%Y-%m-%dT%H:%M:%SZ}",
                    "time_precision": "second",
                    "lat": lat if agency != "ED" else "",
                    "lon": lon if agency != "ED" else "",
                    "geo_precision": "address" if agency != "ED" else "none",
                    "age": age if agency != "CAD" else "",
                    "sex": sex,
                    "hospital": "MERCY" if agency != "CAD" else "",
                    "truth_event": person,
                }
            )
    path = tmp_path / "labelled.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


def figures(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, dict[str, dict[str, float]]]:
    capsys.readouterr()
    assert main(["match", "evaluate", "--json", *options]) == 0
    return json.loads(capsys.readouterr().out)


def test_what_is_learnt_from_labels_does_better_than_nothing_learnt(
    labelled: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = str(tmp_path / "w.json")
    before = figures(capsys, "--weights", "neutral", labelled)
    assert main(["match", "learn", "-o", weights, "--name", "cedar", labelled]) == 0
    after = figures(capsys, "--weights", weights, labelled)
    assert after["weights"] == "cedar"
    assert after["clusters"]["f1"]["value"] >= max(before["clusters"]["f1"]["value"], 0.95)
    f1 = after["clusters"]["f1"]
    assert f1["low"] <= f1["value"] <= f1["high"]
    assert after["pairs"]["f1"] > 0.9
    for name, (low, high) in after["pairs"]["intervals"].items():  # type: ignore[attr-defined]
        assert low <= after["pairs"][name] <= high
    assert sum(row["overdoses"] for row in after["confidence"]) >= 300  # type: ignore[call-overload, misc]


def test_learning_without_labels_reads_none(labelled: str, tmp_path: Path) -> None:
    weights, again = tmp_path / "w.json", tmp_path / "again.json"
    assert main(["match", "learn", "--unlabelled", "-o", str(weights), labelled]) == 0
    blind = Path(labelled).with_name("blind.csv")
    rows = list(csv.DictReader(Path(labelled).read_text(encoding="utf-8").splitlines()))
    with blind.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [name for name in rows[0] if not name.startswith("truth_")], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    assert main(["match", "learn", "--unlabelled", "-o", str(again), str(blind)]) == 0
    assert weights.read_bytes() == again.read_bytes()


def test_what_is_learnt_without_labels_is_told_beside_the_shipped_weights(
    labelled: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = str(tmp_path / "w.json")
    assert main(["match", "learn", "--unlabelled", "-o", weights, labelled]) == 0
    told = capsys.readouterr().err
    assert "overdoses that the shipped weights find in these reports are divided otherwise" in told
    assert "the shipped weights (learnt) are the safer choice" in told
    assert main(["match", "learn", "-o", weights, labelled]) == 0
    assert "safer choice" not in capsys.readouterr().err


def test_fields_that_weigh_much_otherwise_than_shipped_are_named(labelled: str) -> None:
    shipped, reports = load_weights(), FileReports(labelled, None)
    matched = match(reports.records, shipped)
    turned = shipped.table.copy()
    sex = next(index for index, field in enumerate(FIELDS) if field.name == "sex")
    turned[OFFSETS[sex] : OFFSETS[sex] + FIELDS[sex].size] *= -4
    assert contradicting(matched, shipped, shipped) == {}
    assert list(contradicting(matched, replace(shipped, table=turned), shipped)) == ["sex"]


def test_reviewed_pairs_are_learnt_from(labelled: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pairs, weights = tmp_path / "pairs.csv", tmp_path / "w.json"
    lines = [f"R{3 * person},R{3 * person + 1},yes\nR{3 * person},R{(3 * person + 4) % 900},no\n" for person in range(100)]
    pairs.write_text("report_id_1,report_id_2,same\n" + "".join(lines), encoding="utf-8")
    assert main(["match", "learn", "--reviewed", str(pairs), "-o", str(weights), labelled]) == 0
    counted = int(json.loads(weights.read_text(encoding="utf-8"))["origin"].split()[0])
    assert 100 <= counted <= 200, "of two people those count that are near enough to be compared"
    before, after = (figures(capsys, "--weights", one, labelled)["clusters"]["f1"]["value"] for one in ("neutral", str(weights)))
    assert after >= before
    pairs.write_text("report_id_1,report_id_2,same\nX,Y,yes\n", encoding="utf-8")
    assert main(["match", "learn", "--reviewed", str(pairs), labelled]) == 2
    pairs.write_text("a,b\n", encoding="utf-8")
    assert main(["match", "learn", "--reviewed", str(pairs), labelled]) == 2
    pairs.write_text("report_id_1,report_id_2,same\nR1,R2,perhaps\n", encoding="utf-8")
    assert main(["match", "learn", "--reviewed", str(pairs), labelled]) == 2
    assert "perhaps" not in capsys.readouterr().err


def test_what_reviewed_pairs_lack_or_contradict_is_told(labelled: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pairs = tmp_path / "pairs.csv"

    def learnt(*lines: str) -> tuple[int, str]:
        pairs.write_text("\n".join(["report_id_1,report_id_2,same", *lines, ""]), encoding="utf-8")
        capsys.readouterr()
        status = main(["match", "learn", "--reviewed", str(pairs), "-o", str(tmp_path / "w.json"), labelled])
        return status, capsys.readouterr().err

    status, said = learnt("R0,R1,yes", "R1,R0,no", "R3,R4,yes", "R0,R4,no", "NOPE,R4,yes", "R4,R3,same")
    assert status == 0
    assert "1 pairs are said to be of one person and of two, for example R0 and R1: they are left out" in said
    assert "2 of 3 reviewed pairs are of these files: 1 of one person, 1 of two" in said
    assert "hardly move a weight" in said
    _, said = learnt("R3,R4,yes")
    assert "there is no pair of two people to weigh the others against, so the weights of neutral stay as they are" in said
    assert learnt("R1,R1,yes")[0] == 2
    status, said = learnt("R1,R2,Jane")
    assert (status, "2: same: is neither; expected yes or no, for example yes" in said, "Jane" in said) == (2, True, False)


def test_labels_of_few_reports_are_told_to_be_few(labelled: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few = tmp_path / "few.csv"
    few.write_text("".join(Path(labelled).read_text(encoding="utf-8").splitlines(keepends=True)[:4]), encoding="utf-8")
    assert main(["match", "learn", "-o", str(tmp_path / "w.json"), str(few)]) == 0
    said = capsys.readouterr().err
    assert "3 pairs of one person and 0 of two that were near are counted" in said
    assert "so the weights of neutral stay as they are" in said


def test_explanation_and_figures_name_the_version_of_the_weights(labelled: str, capsys: pytest.CaptureFixture[str]) -> None:
    label = load_weights("neutral").label
    assert main(["match", "explain", "--weights", "neutral", "--adapt", "no", "--report", "R1", labelled]) == 0
    assert f"weighed by the weights {label}\n" in capsys.readouterr().out
    assert main(["match", "explain", "--weights", "neutral", "--report", "R1", labelled]) == 0
    assert f"those of {label}, its times adapted to this file" in capsys.readouterr().out
    assert main(["match", "explain", "--json", "--weights", "neutral", "--adapt", "no", "--report", "R1", labelled]) == 0
    assert json.loads(capsys.readouterr().out)["weights"] == label
    assert figures(capsys, "--weights", "neutral", labelled)["weights_label"] == label


def test_an_explanation_names_the_reports_and_what_each_field_weighs(labelled: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["match", "explain", "--report", "R1", labelled]) == 0
    told = capsys.readouterr().out
    assert "R0, R1, R2" in told
    assert "strongest: " in told
    assert "the overdose would have been split had this report stated another" in told
    assert main(["match", "explain", "--json", "--report", "R1", labelled]) == 0
    document = json.loads(capsys.readouterr().out)
    for edge in document["edges"]:
        assert sum(one["bits"] for one in edge["evidence"]) == pytest.approx(edge["bits"])
    assert main(["match", "explain", "--report", "R99999", labelled]) == 2


def test_decisions_of_the_topic_teach_by_report_key(labelled: str, tmp_path: Path) -> None:
    made = [decided(DecisionKind.TOGETHER, ("cad", f"CAD{one}"), ("ems", f"EMS{one}")) for one in range(40)]
    undone = decided(DecisionKind.TOGETHER, ("cad", "CAD50"), ("ems", "EMS51"))
    undo = Decision.of(
        DecisionKind.UNDO, undone.level, undone.reports, author="reviewer-7", reason="too soon", decided_at=START, undoes=undone.decision_id
    )
    scene = Decision.of(  # says where, not who
        DecisionKind.TOGETHER, DecisionLevel.INCIDENT, [report_key("cad", "CAD60")], [report_key("ems", "EMS61")],
        author="reviewer-7", reason="one house", decided_at=START,
    )  # fmt: skip
    decisions, weights, pairs = tmp_path / "decisions.jsonl", tmp_path / "w.json", tmp_path / "pairs.csv"
    decisions.write_text("\n".join(one.model_dump_json() for one in (*made, undone, undo, scene)), encoding="utf-8")
    assert main(["match", "learn", "--reviewed", str(decisions), "-o", str(weights), labelled]) == 0
    by_key = json.loads(weights.read_text(encoding="utf-8"))
    assert by_key["origin"].startswith("40 reviewed pairs")
    pairs.write_text("report_id_1,report_id_2,same\n" + "".join(f"R{3 * one},R{3 * one + 1},yes\n" for one in range(40)), encoding="utf-8")
    assert main(["match", "learn", "--reviewed", str(pairs), "-o", str(weights), labelled]) == 0
    assert json.loads(weights.read_text(encoding="utf-8")) == by_key, "a table of the same pairs teaches the same"


def decided(kind: DecisionKind, one: tuple[str, str], other: tuple[str, str]) -> Decision:
    keys = [[report_key(*name)] for name in (one, other)]
    return Decision.of(kind, DecisionLevel.OVERDOSE, *keys, author="reviewer-7", reason="seen", decided_at=START)


def test_a_pair_that_people_merged_is_said_to_be_decided(labelled: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    together = decided(DecisionKind.TOGETHER, ("cad", "CAD0"), ("ems", "EMS1"))
    apart = decided(DecisionKind.APART, ("cad", "CAD0"), ("ed", "ED0"))
    file = tmp_path / "decisions.jsonl"
    file.write_text("\n".join(one.model_dump_json() for one in (together, apart)), encoding="utf-8")
    assert main(["match", "explain", "--decisions", str(file), "--report", "R0", labelled]) == 0
    told = capsys.readouterr().out
    assert "people decided that they are one overdose, whatever the bits say: " in told
    assert "R0 and R4" in told or "R4 and R0" in told
    assert "people decided that of another person are: R2" in told
    assert "least tied: R0" not in told
    assert "least tied: R4" not in told
    assert main(["match", "explain", "--json", "--decisions", str(file), "--report", "R0", labelled]) == 0
    assert sum(one["is_decided"] for one in json.loads(capsys.readouterr().out)["edges"]) == 1
    assert main(["match", "explain", "--report", "R0", labelled]) == 0
    assert "decided" not in capsys.readouterr().out


def test_two_agencies_records_of_one_number_are_named_with_their_agency(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "reports.csv"
    header = "agency,agency_record_no,cad_no,event_time,lat,lon,age,sex"
    rows = [f"{agency},100,26-1001,2026-05-01T02:0{minute}:00Z,40.5,-79.5,45,M" for agency, minute in (("CAD", 0), ("EMS", 8))]
    file.write_text("\n".join([header, *rows, "EMS,101,,2026-05-03T02:00:00Z,40.5,-79.5,45,M"]), encoding="utf-8")
    assert main(["match", "explain", "--report", "100", str(file)]) == 2
    assert "several reports 100; give one of: CAD 100, EMS 100" in capsys.readouterr().err
    assert main(["match", "explain", "--report", "EMS 100", str(file)]) == 0
    assert "reports CAD 100, EMS 100" in capsys.readouterr().out
    assert main(["match", "explain", "--report", "101", str(file)]) == 0


def test_what_is_explained_is_what_dedupe_found(labelled: str, capsys: pytest.CaptureFixture[str]) -> None:
    # Whoever reports everything an hour late: only lags that are learnt from the file bring the hospital's reports in.
    rows = list(csv.DictReader(Path(labelled).read_text(encoding="utf-8").splitlines()))
    for row in rows:
        if row["agency"] == "ED":
            row["event_time"] = f"{datetime.fromisoformat(row['event_time']) + timedelta(minutes=60):%Y-%m-%dT%H:%M:%SZ}"
    with Path(labelled).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    capsys.readouterr()
    assert main(["dedupe", "--json", labelled]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    mine = found[1]["overdose_id"]
    assert main(["match", "explain", "--json", "--report", found[1]["report_id"], labelled]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["overdose_id"] == mine
    assert set(told["names"].values()) == {one["report_id"] for one in found if one["overdose_id"] == mine}
    assert main(["match", "explain", "--adapt", "no", "--json", "--report", found[1]["report_id"], labelled]) == 0
    assert json.loads(capsys.readouterr().out)["edges"] != told["edges"]


def test_a_file_without_labels_is_not_evaluated(labelled: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["match", "evaluate", "--truth", "truth_person", labelled]) == 2
    assert "truth_person" in capsys.readouterr().err


def test_people_get_tables(labelled: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["match", "evaluate", labelled]) == 0
    told = capsys.readouterr().out
    assert "exactly right" in told
    assert "Confidence" in told


def test_the_queue_of_a_file_names_its_rows_and_begins_with_the_nearest_to_the_boundary(
    labelled: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["match", "queue", "--json", "--limit", "7", labelled]) == 0
    asked = json.loads(capsys.readouterr().out)
    assert 0 < len(asked) <= 7
    weights = [one["doubt"]["weight"] for one in asked]
    assert weights == sorted(weights, reverse=True)
    for one in asked:
        assert set(one["names"]) == {*one["doubt"]["reports"], *one["doubt"]["others"]}
        assert all(name.startswith("R") for name in one["names"].values())
        assert one["incidents"]
    assert main(["match", "queue", "--limit", "2", labelled]) == 0
    assert "What to look at first" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["match", "queue", "--limit", "0", labelled])


def test_without_a_file_the_queue_is_that_of_a_running_stack(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["match", "queue", "--folder", str(tmp_path)]) == 2
    assert "no stack runs" in capsys.readouterr().err
