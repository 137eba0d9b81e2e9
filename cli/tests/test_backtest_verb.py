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
        ("start,end,county_fips\n2025-01-02,2025-01-02,9009\n", "line 2: county_fips has not 5 digits; a spreadsheet loses leading zeros"),
    ],
)
def test_labels_that_cannot_be_read_say_where(files, capsys, labels, says):
    (files / "spikes.csv").write_text(labels)
    assert main(["backtest", f"{files}/rules.yaml", f"{files}/counts.csv", "--labels", f"{files}/spikes.csv"]) == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    ("start", "days"), [("2025-04-11", 0.5), ("2025-04-11T00", 0.5), ("2025-04-11T06Z", 0.25), ("2025-04-11T06:00", 0.25)]
)
def test_an_hour_without_minutes_is_no_whole_day(files, capsys, start, days):
    (files / "spikes.csv").write_text(f"start,end,area,county_fips\n{start},2025-04-11T13Z,county:42001,NA\n")
    asked = (f"{files}/rules.yaml", f"{files}/counts.csv", "--labels", f"{files}/spikes.csv")
    assert told(capsys, *asked)["sets"][0]["verdicts"][0]["days_to_detection"] == days


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
    both = ["--rule", "three-a-day", "--rule", "unheard-of", "-o", f"{files}/rows.csv"]
    assert main(["backtest", f"{files}/rules.yaml", f"{files}/counts.csv", *both]) == 2
    assert f"no rule is called unheard-of; spikewatch rules ls {files}/rules.yaml lists them" in capsys.readouterr().err
    assert not (files / "rows.csv").exists()


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


OF_A_YEAR = """\
  - id: by-the-past
    version: 1
    description: Above the past.
    kind: mean_plus_sd
    area_kinds: [county]
    window_hours: 24
    parameters: {sds: 2, history_days: 400, minimum_history_days: 300, lag_hours: 24, minimum_count: 3}
"""


def test_a_rule_without_the_history_it_asks_for_has_no_alarms_a_year(files, capsys):
    """Zero would say that it costs nothing."""
    (files / "rules.yaml").write_text(RULES + OF_A_YEAR)
    late = "".join(f"{FIRST + timedelta(days=day)},{count},county:42003\n" for day, count in ((200, 1), (364, 3)))
    (files / "counts.csv").write_text((files / "counts.csv").read_text() + late)
    assert main(["backtest", f"{files}/rules.yaml", f"{files}/counts.csv", "-o", f"{files}/rows.jsonl"]) == 0
    rows = {(row["rule"], row["area"]): row for row in map(json.loads, (files / "rows.jsonl").read_text().splitlines())}
    judged = (364 - 1 - 300 - 2) / 365.25  # the first overdose is on the second day; a day's window, and a day between
    assert rows["by-the-past", "county:42001"]["years_judged"] == pytest.approx(judged, abs=1e-6)
    assert rows["by-the-past", "county:42001"]["alarms_per_year"] == 0
    unknown = rows["by-the-past", "county:42003"]
    assert (unknown["alarms"], unknown["alarms_per_year"], unknown["years_judged"]) == (0, None, 0)
    assert rows["three-a-day", "county:42003"]["years_judged"] == rows["three-a-day", "county:42003"]["years"]
    said = capsys.readouterr().err
    assert "rule by-the-past never judged in 1 of 2 areas: it asks for 300 days of history" in said
    assert "rule three-a-day never" not in said

    assert main(["backtest", f"{files}/rules.yaml", f"{files}/counts.csv", "--rule", "by-the-past", "--plot", f"{files}/p.svg"]) == 0
    (row,) = (line for line in capsys.readouterr().out.splitlines() if "county:42003" in line)
    assert [cell.strip() for cell in row.split("│")][5:9] == ["1.0", "0.0", "0", ""]


def test_the_sum_over_areas_takes_each_area_by_what_is_judged_there(files, capsys):
    (files / "rules.yaml").write_text(RULES + OF_A_YEAR.replace("300", "100"))
    areas = [f"county:42{number:03}" for number in range(1, 60, 2)]
    days = range(0, 365, 4)
    rows = [f"{FIRST + timedelta(days=day)},{4 if day == 360 else 1},{area}" for area in areas for day in days]
    (files / "counts.csv").write_text("date,count,area\n" + "\n".join(rows) + "\n")
    assert main(["backtest", f"{files}/rules.yaml", f"{files}/counts.csv"]) == 0
    (row,) = (line for line in capsys.readouterr().out.splitlines() if "by-the-past" in line)
    cells = [cell.strip() for cell in row.split("│")][1:-1]
    judged = (364 - 102) / 365.25  # a day's window, and a day between
    assert cells[2:6] == ["30", f"{judged:.2f}", "30", f"{30 / judged:.1f}"]
