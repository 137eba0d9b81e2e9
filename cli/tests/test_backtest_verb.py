"""``spikewatch backtest``: figures of a history whose alarms can be counted by hand, its files, and its exit status."""

import csv
import gzip
import json
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from spikewatch.cli.backtesting.tables import COLUMNS
from spikewatch.cli.main import main

RULES = """\
rules:
  - id: three-a-day
    version: 1
    enabled: false
    description: Three in a day.
    kind: fixed_count
    area_kinds: [county]
    window_hours: 24
    parameters: {threshold: 3, comparison: at_least}
"""
FIRST = date(2025, 1, 1)
ROOT = Path(__file__).parents[2]
SPIKES = {40: 3, 100: 4, 200: 3}
"""Day of the history and its count; every fourth day has one, and 365 days are told."""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    counts = [(FIRST + timedelta(days=day), SPIKES.get(day, int(day % 4 == 1))) for day in range(365)]
    (tmp_path / "rules.yaml").write_text(RULES)
    (tmp_path / "counts.csv").write_text("date,count,area\n" + "".join(f"{day},{count},county:42001\n" for day, count in counts))
    rows = [str(day) for day, count in counts for _ in range(count)]
    (tmp_path / "overdoses.csv").write_text("occurred_at\n" + "\n".join(rows) + "\n")
    spike = FIRST + timedelta(days=100)
    (tmp_path / "spikes.csv").write_text(
        f"event_id,start,end,county_fips\nhit,{spike - timedelta(days=1)},{spike},42001\n"
        f"missed,{spike + timedelta(days=30)},{spike + timedelta(days=31)},42001\nelsewhere,{spike},{spike},42003\n"
    )
    return tmp_path


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    assert main(["backtest", "--json", *arguments]) == 0
    answer: dict[str, object] = json.loads(capsys.readouterr().out)
    return answer


def test_counts_and_rows_of_overdoses_give_the_same_alarms(files, capsys):
    of_counts = told(capsys, f"{files}/rules.yaml", f"{files}/counts.csv")["sets"][0]["verdicts"][0]
    of_rows = told(capsys, f"{files}/rules.yaml", f"{files}/overdoses.csv", "--area", "county:42001")["sets"][0]["verdicts"][0]
    assert [alarm["observed"] for alarm in of_counts["alarms"]] == [3, 4, 3]
    assert [alarm["opened_at"][:10] for alarm in of_counts["alarms"]] == [str(FIRST + timedelta(days=day)) for day in SPIKES]
    assert of_rows["alarms"] == of_counts["alarms"]
    assert of_counts["alarms_per_year"] == pytest.approx(3 / (364 / 365.25))


def test_rules_by_case_definition_count_what_the_history_names(files, capsys):
    (files / "rules.yaml").write_text(RULES.replace("    window", "    case_definitions: [opioid, heroin@1]\n    window"))
    met = ("any-drug@2; opioid@1", "opioid", "heroin@1", "heroin@2", "heroin", "")
    rows = [f"{FIRST + timedelta(days=day)},county:42001,{name}" for day in (10, 20) for name in met[: 6 if day == 10 else 2]]
    (files / "told.csv").write_text("date,area,case_definition\n" + "\n".join(rows) + "\n")
    verdict = told(capsys, f"{files}/rules.yaml", f"{files}/told.csv")["sets"][0]["verdicts"][0]
    assert [alarm["observed"] for alarm in verdict["alarms"]] == [3]

    example = ROOT / "packages/contracts/examples/overdose.incidents.v1/v1/with-case-definitions.json"
    line = json.loads(example.read_text())
    texts = [json.dumps(line | {"incident_id": str(UUID(int=number))}) for number in range(4)]
    met = [text.replace("example-opioid@1", "opioid@1") for text in texts[:3]]
    (files / "told.jsonl").write_text("\n".join([*met, texts[3]]))
    verdict = told(capsys, f"{files}/rules.yaml", f"{files}/told.jsonl", "--rule", "three-a-day")["sets"][0]["verdicts"][0]
    assert [alarm["observed"] for alarm in verdict["alarms"]] == [3]


def test_labelled_spikes_are_hit_missed_or_elsewhere(files, capsys):
    one = told(capsys, f"{files}/rules.yaml", f"{files}/counts.csv", "--labels", f"{files}/spikes.csv")["sets"][0]
    assert {each["name"]: each["days_to_detection"] for each in one["verdicts"][0]["labelled"]} == {"hit": 1.5, "missed": None}
    assert [(budget["raised"], budget["precision"], budget["hits"]) for budget in one["budgets"]][:2] == [(1, 1.0, 1), (3, 1 / 3, 1)]


def test_sets_of_rules_stand_side_by_side_for_people(files, capsys):
    assert main(["backtest", f"{files}/rules.yaml", f"{files}/counts.csv", "--against", "shipped", "--labels", f"{files}/spikes.csv"]) == 0
    captured = capsys.readouterr()
    assert "three-a-day" in captured.out
    assert "poisson-72h" in captured.out
    assert "The most surprising alarms only" in captured.out
    assert "2 labelled spikes in these areas and years, 1 elsewhere" in captured.err


def test_every_row_of_a_rule_and_an_area_goes_to_a_file(files, capsys):
    days = [FIRST + timedelta(days=day) for day in range(60)]
    rows = [f"{day},{5 if place == 30 else 0},county:{42001 + 2 * area}" for area in range(50) for place, day in enumerate(days)]
    (files / "many.csv").write_text("date,count,area\n" + "\n".join(rows))
    (files / "known.csv").write_text(f"Event_ID;Start;End;Area\nhit;{days[29]};{days[30]};county:42003\n")
    asked = ["backtest", f"{files}/rules.yaml", f"{files}/many.csv", "--labels", f"{files}/known.csv"]
    assert main(asked) == 0
    summed = capsys.readouterr()
    assert "50 rows of a rule and an area are told in sum; -o FILE.csv has each" in summed.err
    assert "days to detection" in summed.out

    assert main([*asked, "-o", f"{files}/rows.csv"]) == 0
    assert capsys.readouterr().out == ""
    with (files / "rows.csv").open(newline="") as file:
        told = list(csv.DictReader(file))
    assert tuple(told[0]) == COLUMNS
    assert [row["area"] for row in told] == [f"county:{42001 + 2 * area}" for area in range(50)]
    assert [(row["hits"], row["days_to_detection"]) for row in told[:2]] == [("0", ""), ("1", "1.5")]
    assert {row["alarms"] for row in told} == {"1"}

    assert main([*asked, "-o", f"{files}/rows.jsonl.gz"]) == 0
    lines = [json.loads(line) for line in gzip.decompress((files / "rows.jsonl.gz").read_bytes()).splitlines()]
    assert [str(line["days_to_detection"] or "") for line in lines] == [row["days_to_detection"] for row in told]
    capsys.readouterr()
    assert main([*asked, "-o", "-"]) == 0
    assert capsys.readouterr().out == (files / "rows.csv").read_text()
    assert main([*asked, "-o", f"{files}/whole.json"]) == main([*asked, "--json"]) == 0
    assert (files / "whole.json").read_text() == capsys.readouterr().out
    assert main([*asked, "-o", f"{files}/absent/rows.csv"]) == 2


def test_rules_that_watch_none_of_the_areas_are_named(files, capsys):
    (files / "elsewhere.csv").write_text("date,count,area\n2025-01-01,3,state:42\n")
    assert main(["backtest", f"{files}/rules.yaml", f"{files}/elsewhere.csv"]) == 0
    assert "rule three-a-day watches none of the areas of the history (it watches each county)" in capsys.readouterr().err


def test_a_rule_that_cannot_be_judged_ends_the_test_with_its_name(files, capsys, monkeypatch):
    def broken(*_arguments):
        raise ZeroDivisionError("of settings that nobody tried")

    monkeypatch.setattr("spikewatch.alerts.domain.rules.fixed_count.FixedCount.met", broken)
    assert main(["backtest", f"{files}/rules.yaml", f"{files}/counts.csv"]) == 2
    assert "rule three-a-day (version 1) cannot be judged" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        ("start,end,area\n2025-01-01,2025-13-01,county:42001\n", "line 2: end is no time"),
        ("start,end,area\n2025-01-02,2025-01-01,county:42001\n", "line 2: end lies before start"),
        ("start,end,area\n2025-01-02,county:42001\n", "line 2: it has 2 cells where the header has 3"),
        ("start,end,START\n2025-01-02,2025-01-02,2025-01-01\n", "names the column start twice"),
        ("start,finish\n2025-01-02,2025-01-02\n", "no column end"),
    ],
)
def test_labels_that_cannot_be_read_say_where(files, capsys, labels, says):
    (files / "spikes.csv").write_text(labels)
    assert main(["backtest", f"{files}/rules.yaml", f"{files}/counts.csv", "--labels", f"{files}/spikes.csv"]) == 2
    assert says in capsys.readouterr().err


def test_a_picture_is_drawn(files, capsys):
    assert main(["backtest", f"{files}/rules.yaml", f"{files}/counts.csv", "--plot", f"{files}/p.png"]) == 0
    assert (files / "p.png").read_bytes().startswith(b"\x89PNG")
    assert main(["backtest", f"{files}/rules.yaml", f"{files}/counts.csv", "--plot", f"{files}/p.txt"]) == 2
    assert "must end in one of .png" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("row", "field"),
    [("2025-13-01,1,a", "date"), ("2025-01-01,-1,a", "count"), ("2025-01-01,1.5,a", "count"), ("2025-01-01,,a", "count"), (",1,a", "date")],
)
def test_rows_that_cannot_be_counted_are_refused_with_a_reason(files, capsys, row, field):
    (files / "counts.csv").write_text(f"date,count,area\n{row}\n2025-02-01,3,a\n")
    assert main(["backtest", f"{files}/rules.yaml", f"{files}/counts.csv", "--json", "--errors", f"{files}/errors.jsonl"]) == 1
    (error,) = [json.loads(line) for line in (files / "errors.jsonl").read_text().splitlines()]
    assert (error["line"], error["field"]) == (2, field)
    assert json.loads(capsys.readouterr().out)["overdoses"] == 3


@pytest.mark.parametrize(
    ("history", "says"),
    [
        ("", "is empty"),
        ("date,count\n", "a header and no row"),
        ("a,b\n1,2\n", "no column that says when"),
        ("date,count\n2025-01-01,0\n", "tells of no overdose"),
    ],
)
def test_a_history_of_nothing_is_one_sentence(files, capsys, history, says):
    (files / "empty.csv").write_text(history)
    assert main(["backtest", f"{files}/rules.yaml", f"{files}/empty.csv"]) == 2
    assert says in capsys.readouterr().err


def test_a_rule_that_is_not_there_is_named(files, capsys):
    assert main(["backtest", f"{files}/rules.yaml", f"{files}/counts.csv", "--rule", "unheard-of"]) == 2
    assert "no rule is called unheard-of" in capsys.readouterr().err


def test_a_drawn_history_can_be_back_tested(tmp_path, capsys):
    assert main(["simulate", "--profile", "history", "--seed", "3", "--days", "60", "-o", str(tmp_path)]) == 0
    (tmp_path / "rules.yaml").write_text(RULES)
    one = told(capsys, f"{tmp_path}/rules.yaml", f"{tmp_path}/counts.csv", "--labels", f"{tmp_path}/spikes.csv")["sets"][0]
    spikes = (tmp_path / "spikes.csv").read_text().splitlines()[1:]
    assert len(one["verdicts"]) == 28
    assert sum(len(verdict["labelled"]) for verdict in one["verdicts"]) == len(spikes) > 20
    again = tmp_path / "again"
    assert main(["simulate", "--profile", "history", "--seed", "3", "--days", "60", "-o", str(again)]) == 0
    assert (again / "counts.csv").read_bytes() == (tmp_path / "counts.csv").read_bytes()
