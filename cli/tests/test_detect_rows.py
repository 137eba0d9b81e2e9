"""What ``spikewatch detect`` takes a row for: dates, counts and columns as programs and people write them."""

import csv
import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikewatch.cli.detection.count_rows import count_rows
from spikewatch.cli.detection.counted import counted
from spikewatch.cli.files.opened import opened
from spikewatch.cli.main import main

MONDAYS = [date(2024, 1, 1) + timedelta(weeks=week) for week in range(40)]


class Tried:
    """The status, the rows that were written, the refused ones, and what was said."""

    def __init__(self, status: int, rows: list[dict[str, str]], errors: list[dict[str, Any]], said: str) -> None:
        self.status, self.rows, self.errors, self.said = status, rows, errors, said

    @property
    def refused(self) -> list[tuple[int, str, str]]:
        return [(one["line"], one["field"], one["problem"]) for one in self.errors]


@pytest.fixture
def tried(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    def run(text: str | bytes, name: str = "counts.csv", *more: str) -> Tried:
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        out, errors = tmp_path / "out.csv", tmp_path / "errors.jsonl"
        out.write_text("")
        errors.write_text("")
        options = more or ("--algorithm", "fixed")
        status = main(["detect", *options, "-o", str(out), "--errors", str(errors), str(tmp_path / name)])
        with out.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        return Tried(status, rows, [json.loads(line) for line in errors.read_text().splitlines()], capsys.readouterr().err)

    return run


@pytest.mark.parametrize(("first", "second"), [({}, {"count": 0}), ({"count": 7}, {})])
def test_json_lines_are_counts_whichever_line_tells_them(tried: Any, first: dict[str, int], second: dict[str, int]) -> None:
    """One row without ``count`` made the whole file one row an incident: 7 and 0 came out as 1 and 1."""
    lines = [{"date": "2026-01-01", **first}, {"date": "2026-01-02", "count": 7}, {"date": "2026-01-03", **second}]
    found = tried("\n".join(map(json.dumps, lines)), "counts.jsonl")
    told = [line for line in lines if "count" in line]
    assert [(row["date"], row["observed"]) for row in found.rows] == [(line["date"], str(line["count"])) for line in told]
    assert found.refused == [(number, "count", "is missing") for number, line in enumerate(lines, start=1) if "count" not in line]


def test_a_key_that_comes_late_is_refused_where_it_comes(tried: Any) -> None:
    lines = [json.dumps({"date": str(MONDAYS[0] + timedelta(days=day))}) for day in range(1_001)]
    lines.append(json.dumps({"date": "2026-01-01", "count": 7}))
    found = tried("\n".join(lines), "counts.jsonl")
    assert (found.status, found.refused) == (1, [(1_002, "count", "is told by none of the first 1,000 lines")])


def test_json_lines_that_are_no_row_say_why(tried: Any) -> None:
    lines = ['{"date": "2026-01-01", "count": 3, "Count": 4}', "[1]", "", '{"date": "2026-01-02", "count": null}', '{"count": 4}', "{"]
    found = tried("\n".join([*lines, '{"date": "2026-01-03", "count": 5}']), "counts.jsonl")
    assert [row["observed"] for row in found.rows] == ["", "5"]
    assert found.refused == [
        (1, "the line", "names a key twice"),
        (2, "the line", "is no JSON object"),
        (5, "date", "is missing"),
        (6, "the line", "is no JSON object"),
    ]
    assert all(error["expected"] and error["example"] for error in found.errors)


@pytest.mark.parametrize("off", [1, -1, 3])
@pytest.mark.parametrize("place", [1, 20, 39])
def test_a_weekly_date_off_the_others_is_named_and_the_weeks_are_judged(tried: Any, off: int, place: int) -> None:
    days = [day + timedelta(days=off * (at == place)) for at, day in enumerate(MONDAYS)]
    found = tried("date,count\n" + "".join(f"{day},{at % 4}\n" for at, day in enumerate(days)))
    assert (found.status, found.refused) == (1, [(place + 2, "date", "is on another day of the week than the other dates")])
    assert (len(found.rows), {row["alarm"] for row in found.rows}) == (39, {"0"})


def test_areas_whose_weeks_begin_on_other_days_are_not_taken_for_days(tried: Any) -> None:
    rows = [f"{day + timedelta(days=area == 'c')},2,{area}\n" for day in MONDAYS for area in "abc"]
    found = tried("date,count,area\n" + "".join(rows))
    assert len(found.refused) == 40
    assert {row["area"] for row in found.rows} == {"a", "b"}


def _month(number: int, *, day: int = 0) -> date:
    """The last day of a month since January 2020, or so many days after its first."""
    first = date(2020 + number // 12, 1 + number % 12, 1)
    after = date(2020 + (number + 1) // 12, 1 + (number + 1) % 12, 1)
    return first + timedelta(days=day - 1) if day else after - timedelta(days=1)


@pytest.mark.parametrize("day", [0, 1, 15])
def test_months_are_found_by_the_same_day_or_the_last(tried: Any, day: int) -> None:
    days = [_month(number, day=day) for number in range(30)]
    found = tried("date,count\n" + "".join(f"{one},2\n" for one in days), "counts.csv", "--algorithm", "ears_c1")
    assert "1 areas by 30 months" in found.said
    assert [row["date"] for row in found.rows] == [str(one) for one in days]
    days[11] -= timedelta(days=1)
    found = tried("date,count\n" + "".join(f"{one},2\n" for one in days))
    assert found.refused == [(13, "date", "is on another day of the month than the other dates")]
    assert "1 areas by 30 months" in found.said


@settings(deadline=None, max_examples=60)
@given(st.sets(st.integers(0, 60), min_size=3, max_size=60), st.randoms())
def test_days_with_gaps_are_days_in_any_order_unless_all_are_weeks_apart(tmp_path_factory: Any, told: set[int], random: Any) -> None:
    days = [date(2026, 1, 1) + timedelta(days=day) for day in told]
    random.shuffle(days)
    path = tmp_path_factory.mktemp("days") / "counts.csv"
    path.write_text("date,count\n" + "".join(f"{day},{day.day}\n" for day in days))
    with opened(str(path)) as file:
        columns, rows = count_rows(file)
        found = counted(rows, columns.when, of_counts=True)
    told_back = {str(found.dates[step]): int(found.series.counts[0, step]) for step in found.steps}
    refused = {row.line - 2 for row in found.refused}
    assert told_back == {str(day): day.day for place, day in enumerate(days) if place not in refused}
    gaps = [after - before for before, after in zip(sorted(told), sorted(told)[1:], strict=False)]
    if sum(gap in {7, 28, 29, 30, 31} for gap in gaps) < len(gaps) / 2:
        assert not refused


@pytest.mark.parametrize(
    ("row", "field", "problem"),
    [
        ("2026-01-02,1.5,a", "count", "is no whole number"),
        ("2026-01-02,-1,a", "count", "is negative"),
        ('2026-01-02,"1,234",a', "count", "is no number"),
        ("2026-01-02,1_234,a", "count", "is no number"),
        ("2026-01-02,1,234,a", "the row", "has 4 cells where the header has 3"),
        ("2026-01-02,1", "the row", "has 2 cells where the header has 3"),
        ('2026-01-02,1,"a', "area", "holds a line break"),
        ("2026-01-02 or so,1,a", "date", "is no date"),
        ("0026-01-02,1,a", "date", "is no date"),
        (",1,a", "date", "is missing"),
        ("2026-01-02,1,Ca\udcf1on", "area", "is no UTF-8"),
    ],
)
def test_a_row_that_cannot_be_read_is_refused_with_its_line(tried: Any, row: str, field: str, problem: str) -> None:
    found = tried(f"date,count,area\n2026-01-01,3,a\n{row}\n".encode("utf-8", "surrogateescape"))
    assert (found.status, found.refused, [row["observed"] for row in found.rows]) == (1, [(3, field, problem)], ["3"])
    assert f"1 rows refused, the first on line 3: {field} {problem}; expected" in found.said


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffdate,count,area\n2026-01-01,4,a\n",
        "date,count,area\r\n2026-01-01,4,a\r\n",
        "date;count;area\n2026-01-01;4;a\n",
        "Date\tCount\tArea\n2026-01-01\t4\ta\n",
        "date,count,area,\n2026-01-01,4.0,a,,\n\n",
        'date,count,area\n"2026-01-01","4","a"\n',
        "date,count,area\n2026-01-01T23:30:00-05:00,4,a\n",
        "date,count,area\n01/01/2026 11:30 PM,4,a\n",
    ],
)
def test_tables_as_programs_save_them_are_read_alike(tried: Any, text: str) -> None:
    found = tried(text)
    assert (found.status, [(row["date"], row["area"], row["observed"]) for row in found.rows]) == (0, [("2026-01-01", "a", "4")])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("date,count\n", "has a header and no row"),
        ("when,count\n2026-01-01,1\n", "no column that says when"),
        ("date,deaths\n2026-01-01,5\n", "column deaths holds whole numbers"),
        ("date,count,cases\n2026-01-01,5,6\n", "two columns of counts, count and cases"),
        ("date,count,COUNT\n2026-01-01,5,6\n", "names the column count twice"),
    ],
)
def test_a_file_that_is_no_such_table_is_one_sentence(tried: Any, text: str, says: str) -> None:
    found = tried(text)
    assert (found.status, found.rows) == (2, [])
    assert says in found.said


def test_what_is_not_read_or_to_come_or_left_out_is_said(tried: Any) -> None:
    found = tried("date,count,sex\n2026-01-01,4,f\n2162-01-05,4,m\n2026-01-03,1,f\n", "counts.csv", "--algorithm", "ears_c1")
    assert found.status == 0
    assert "columns that are not read: sex" in found.said
    assert "line 3: the newest date, 2162-01-05, is still to come" in found.said
    assert "100% of these days have no row and are gaps; give each that had no overdose a row with 0" in found.said
