"""``spikewatch detect``: what it reads, what it writes, what it refuses."""

import csv
import json
from pathlib import Path

import pytest

from spikewatch.alerts.domain.detection.registry import ALGORITHMS
from spikewatch.cli.detect import COLUMNS
from spikewatch.cli.main import main


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _detect(folder: Path, text: str, *options: str, name: str = "counts.csv") -> tuple[int, list[dict[str, str]]]:
    (folder / name).write_text(text, encoding="utf-8")
    status = main(["detect", *options, "-o", str(folder / "out.csv"), str(folder / name)])
    return status, _rows(folder / "out.csv")


def test_counts_are_judged_in_the_order_of_the_input(tmp_path: Path) -> None:
    status, rows = _detect(
        tmp_path, "date,count,area\n2026-01-02,9,b\n2026-01-01,1,a\n2026-01-02,2,a\n2026-01-01,3,b\n", "--algorithm", "fixed"
    )
    assert status == 0
    assert tuple(rows[0]) == COLUMNS
    assert [(row["date"], row["area"], row["observed"], row["alarm"]) for row in rows] == [
        ("2026-01-02", "b", "9", "1"),
        ("2026-01-01", "a", "1", "0"),
        ("2026-01-02", "a", "2", "0"),
        ("2026-01-01", "b", "3", "0"),
    ]


def test_incidents_are_counted_by_day_and_a_day_without_one_is_zero(tmp_path: Path) -> None:
    text = "occurred_at,county\n2026-01-01T10:00:00Z,x\n2026-01-01T23:59:59Z,x\n2026-01-03,x\n"
    status, rows = _detect(tmp_path, text, "--algorithm", "fixed", "--set", "threshold=2")
    assert status == 0
    assert [(row["observed"], row["alarm"]) for row in rows] == [("2", "1"), ("0", "0"), ("1", "0")]


def test_a_missing_count_is_a_gap_and_no_zero(tmp_path: Path) -> None:
    text = "date,count\n" + "".join(f"2026-01-{day:02},{'' if day == 5 else 4}\n" for day in range(1, 16))
    status, rows = _detect(tmp_path, text, "--algorithm", "ears_c1", "--set", "baseline=3")
    assert status == 0
    assert [row["alarm"] for row in rows] == ["", "", "", "0", "", "", "", "", *["0"] * 7]


def test_rows_that_say_nothing_are_refused_and_counted(tmp_path: Path) -> None:
    text = "date,count\n2026-01-01,3\n2026-01-02,-1\n2026-01-03,2.5\n2026-01-01,4\nsoon,1\n2026-01-04,many\n2026-01-05,1000000\n"
    status, rows = _detect(tmp_path, text, "--algorithm", "fixed", "--errors", str(tmp_path / "errors.jsonl"))
    assert status == 1
    assert [row["observed"] for row in rows] == ["3", "1000000"]
    errors = [json.loads(line) for line in (tmp_path / "errors.jsonl").read_text(encoding="utf-8").splitlines()]
    assert sorted((error["line"], error["problem"]) for error in errors) == [
        (3, "is negative"),
        (4, "is no whole number"),
        (5, "stands twice for its area"),
        (6, "is no date"),
        (7, "is no number"),
    ]


@pytest.mark.parametrize(
    ("dates", "steps"),
    [
        (["2026-01-05", "2026-01-12", "2026-01-26"], 4),
        (["2026-01-01", "2026-02-01", "2026-04-01"], 4),
        (["2026-01-01", "2026-01-02", "2026-01-04"], 4),
    ],
)
def test_weeks_months_and_days_are_found_in_the_dates(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], dates: list[str], steps: int
) -> None:
    status, rows = _detect(tmp_path, "date,count\n" + "".join(f"{day},1\n" for day in dates), "--algorithm", "fixed")
    assert status == 0
    assert [row["date"] for row in rows] == dates
    assert f"1 areas by {steps} " in capsys.readouterr().err


def test_json_lines_in_and_out(tmp_path: Path) -> None:
    (tmp_path / "counts.jsonl").write_text('{"date": "2026-01-01", "count": 7, "area": "a"}\n', encoding="utf-8")
    assert main(["detect", "--algorithm", "fixed", "-o", str(tmp_path / "out.jsonl"), str(tmp_path / "counts.jsonl")]) == 0
    assert json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8")) == {
        "date": "2026-01-01",
        "area": "a",
        "observed": 7,
        "expected": None,
        "threshold": 5,
        "p_value": None,
        "alarm": 1,
    }


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--algorithm", "nothing"], "--list names them"),
        (["--algorithm", "fixed", "--set", "treshold=3"], "has no parameter treshold"),
        (["--algorithm", "ears_c1", "--set", "baseline=2"], "greater than or equal to 3"),
        (["--algorithm", "fixed", "--set", "threshold"], "expected key=value"),
        (["--algorithm", "farrington", "--set", "population_offset=true"], "expected a column `population`"),
        ([], "a detector and a file are needed"),
    ],
)
def test_what_cannot_run_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], words: str) -> None:
    (tmp_path / "counts.csv").write_text("date,count\n2026-01-01,1\n", encoding="utf-8")
    assert main(["detect", *options, str(tmp_path / "counts.csv")]) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("name", list(ALGORITHMS))
@pytest.mark.parametrize("count", ["0", "1000000"])
def test_one_day_and_a_short_history_are_judged_or_told_by_every_detector(tmp_path: Path, name: str, count: str) -> None:
    for days in (1, 40):
        text = "date,count,population,denominator\n" + "".join(
            f"2026-{1 + day // 28:02}-{1 + day % 28:02},{count if day == days - 1 else 0},1000,2000000\n" for day in range(days)
        )
        (tmp_path / "counts.csv").write_text(text, encoding="utf-8")
        status = main(["detect", "--algorithm", name, "-o", str(tmp_path / "out.csv"), str(tmp_path / "counts.csv")])
        assert status in {0, 2}
        if status == 0:
            assert {row["alarm"] for row in _rows(tmp_path / "out.csv")} <= {"", "0", "1"}


def test_the_list_names_every_detector_and_its_parameters(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["detect", "--list", "--json"]) == 0
    assert [row["name"] for row in json.loads(capsys.readouterr().out)] == list(ALGORITHMS)
    assert main(["detect", "--algorithm", "cusum", "--list", "--json"]) == 0
    assert {"k", "h", "transform"} <= {row["parameter"] for row in json.loads(capsys.readouterr().out)}


def test_a_parameter_that_is_given_twice_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "counts.csv").write_text("date,count\n2026-01-01,3\n")
    asked = ["detect", "--algorithm", "fixed", "--set", "threshold=3", "--set", "threshold=4", str(tmp_path / "counts.csv")]
    assert main(asked) == 2
    assert "--set threshold is given twice" in capsys.readouterr().err


def test_a_count_that_baselines_could_not_forget_is_refused(tmp_path: Path) -> None:
    """Beside its square those of ordinary counts would be lost, and every later deviation with them."""
    days = [f"2026-{month:02}-{day:02}" for month in (1, 2, 3) for day in range(1, 29)]
    ordinary = [3, 1, 4, 1, 5, 9, 2] * 12

    def told(spike: int) -> tuple[int, list[dict[str, str]]]:
        counts = [spike if place == 10 else count for place, count in enumerate(ordinary)]
        text = "date,count\n" + "".join(f"{day},{count}\n" for day, count in zip(days, counts, strict=True))
        return _detect(tmp_path, text, "--algorithm", "ears_c1", "--set", "baseline=7", "--set", "min_sigma=0")

    assert told(50_000_001)[0] == 1
    status, spiked = told(50_000_000)
    assert status == 0
    assert [row["threshold"] for row in spiked[20:28]] == [row["threshold"] for row in told(9)[1][20:28]]
