"""What ``spikewatch backtest`` takes a row of a history for, what it refuses, and what it says of rows that are not there."""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikewatch.cli.backtesting.read_history import read_history
from spikewatch.cli.main import main

RULES = """\
rules:
  - id: three-a-day
    version: 1
    description: Three in a day.
    kind: fixed_count
    area_kinds: [county]
    window_hours: 24
    {more}
    parameters: {{threshold: 3, comparison: at_least}}
"""
MONDAYS = [date(2024, 1, 1) + timedelta(weeks=week) for week in range(40)]
EXAMPLES = Path(__file__).parents[2] / "packages/contracts/examples"


class Tried:
    """What one back-test gave: the status, all overdoses, alarms by area, what was said, and the refused rows."""

    def __init__(self, status: int, out: str, said: str, errors: Path) -> None:
        self.status = status
        self.said = said
        whole = json.loads(out) if out else {"overdoses": None, "sets": [{"verdicts": []}]}
        self.overdoses = whole["overdoses"]
        self.alarms = {each["area"]: [one["observed"] for one in each["alarms"]] for each in whole["sets"][0]["verdicts"]}
        self.errors: list[dict[str, Any]] = [json.loads(line) for line in errors.read_text().splitlines()]

    @property
    def refused(self) -> list[tuple[int, str, str]]:
        return [(one["line"], one["field"], one["problem"]) for one in self.errors]


@pytest.fixture
def tried(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    def run(text: str | bytes, name: str = "history.csv", rule: str = "", *more: str) -> Tried:
        (tmp_path / "rules.yaml").write_text(RULES.format(more=rule))
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        errors = tmp_path / "errors.jsonl"
        errors.write_text("")
        status = main(["backtest", f"{tmp_path}/rules.yaml", f"{tmp_path}/{name}", "--json", "--errors", str(errors), *more])
        shown = capsys.readouterr()
        return Tried(status, shown.out, shown.err, errors)

    return run


@pytest.mark.parametrize("name", ["count", "counts", "observed", "cases", "Count", " CASES "])
def test_counts_have_the_names_that_detect_reads(tried, name):
    found = tried(f"date,{name},area\n2025-01-01,0,a\n2025-01-02,0,a\n2025-01-03,50,a\n2025-01-04,0,a\n")
    assert (found.status, found.overdoses, found.alarms) == (0, 50, {"a": [50]})


@pytest.mark.parametrize("name", ["deaths", "n", "od_count", "coutn", "Total"])
def test_a_column_that_looks_like_counts_is_not_taken_for_rows_of_overdoses(tried, name):
    found = tried(f"date,{name},area\n2025-01-01,0,a\n2025-01-02,50,a\n")
    assert found.status == 2
    assert f"column {name.lower()} holds whole numbers" in found.said
    assert "call it count" in found.said


def test_a_number_that_is_no_count_leaves_rows_of_overdoses_alone(tried):
    found = tried("date,case_number,country,latitude,age\n2025-01-01,17,840,40.1,33\n2025-01-01,18,840,40.2,51\n2025-01-01,19,840,,20\n")
    assert (found.status, found.alarms) == (0, {"history": [3]})
    assert "columns that are not read: case_number, country, age" in found.said


def test_counts_that_stand_twice_are_refused_and_strata_are_not(tried):
    twice = tried("date,count,area\n2025-01-01,2,a\n2025-01-01,2,b\n01/01/2025,2,a\n")
    assert (twice.status, twice.overdoses) == (1, 4)
    assert twice.refused == [(4, "date", "stands twice for its area")]
    strata = tried("date,count,area,outcome\n2025-01-01,2,a,fatal\n2025-01-01,1,a,nonfatal\n2025-01-01,1,a,Fatal\n")
    assert (strata.overdoses, strata.alarms, [line for line, *_ in strata.refused]) == (3, {"a": [3]}, [4])


@pytest.mark.parametrize(
    ("rule", "column", "good", "bad"),
    [
        ("drug_classes: [fentanyl]", "drug_class", ["Fentanyl", "FENTANYL ", "cocaine; fentanyl"], "fentanly"),
        ("sources: [ems]", "source_type", ["EMS", "ems", "Ems;ED"], "ambulance"),
        ("outcome: fatal", "outcome", ["Fatal", "fatal", "FATAL"], "died"),
        ("outcome: nonfatal", "outcome", ["Non-Fatal", "nonfatal", "NonFatal"], "fatal; nonfatal"),
        ("case_definitions: [opioid]", "case_definition", ["Opioid@1", "opioid", "any-drug@2; OPIOID"], "opioid overdose!"),
    ],
)
def test_words_count_in_any_case_and_unknown_ones_are_refused(tried, rule, column, good, bad):
    rows = "".join(f"2025-01-01,county:42001,{word}\n" for word in [*good, bad, "", "NA"])
    found = tried(f"date,area,{column}\n{rows}", "history.csv", rule)
    assert (found.status, found.alarms) == (1, {"county:42001": [3]})
    (error,) = found.errors
    assert (error["line"], error["field"]) == (5, column)
    assert error["expected"]
    assert error["example"]


@pytest.mark.parametrize(
    ("row", "field", "problem"),
    [
        ("2025-01-01,1.5,a", "count", "is no whole number"),
        ("2025-01-01,-1,a", "count", "is negative"),
        ("2025-01-01,NA,a", "count", "is missing"),
        ("2025-01-01,,a", "count", "is missing"),
        ('2025-01-01,"1,234",a', "count", "is no number"),
        ("2025-01-01,1_000,a", "count", "is no number"),
        ("2025-01-01,1e999,a", "count", "is no number"),
        ("2025-01-01,1,234,a", "the row", "has 4 cells where the header has 3"),
        ("2025-01-01,5", "the row", "has 2 cells where the header has 3"),
        ('2025-01-01,5,"a\n', "area", "holds a line break"),
        ("0202-01-01,5,a", "date", "is no time"),
        ("31.12.2025,5,a", "date", "is no time"),
        (",5,a", "date", "is missing"),
    ],
)
def test_a_row_that_cannot_be_read_is_refused_with_its_line(tried, row, field, problem):
    found = tried(f"date,count,area\n2025-02-01,3,a\n{row}")
    assert (found.status, found.overdoses, found.refused) == (1, 3, [(3, field, problem)])
    assert f"1 rows refused, the first on line 3: {field} {problem}; expected" in found.said


def test_a_code_that_lost_its_leading_zero_is_refused(tried):
    found = tried("date,count,county_fips\n2025-01-01,4,9009\n2025-01-01,4,09009\n")
    assert (found.alarms, found.refused) == ({"county:09009": [4]}, [(2, "county_fips", "has not 5 digits")])


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffdate,count,area\n2025-01-01,4,a\n",
        "date,count,area\r\n2025-01-01,4,a\r\n",
        "date;count;area\n2025-01-01;4;a\n",
        "Date\tCount\tArea\n2025-01-01\t4\ta\n",
        "date,count,area,\n2025-01-01,4.0,a,,\n\n",
        'date,count,area\n"2025-01-01","4","a"\n',
        "date,count,area\n2025-01-01T23:30:00-05:00,4,a\n",
    ],
)
def test_tables_as_programs_save_them_are_read_alike(tried, text):
    assert (tried(text).status, tried(text).alarms) == (0, {"a": [4]})


def test_a_time_beside_the_date_is_read(tried):
    found = tried(
        "incident date,incident time,area\n" + "".join(f"01/{day:02}/2025,{hour}:05:00,a\n" for day, hour in ((1, 23), (2, "01"), (2, 4)))
    )
    assert found.alarms == {"a": [3]}, "noon of two days would be two windows"


def test_two_columns_of_one_thing_are_not_chosen_from(tried):
    assert "two columns of counts, count and cases" in tried("date,cases,count\n2025-01-01,0,4\n").said
    assert "names the column count twice" in tried("date,count,Count\n2025-01-01,0,4\n").said
    assert "is UTF-16" in tried("date,count\n2025-01-01,4\n".encode("utf-16")).said
    assert tried("date,count,area\n2025-01-01,4,Ca\xf1on\n2025-01-01,4,a\n".encode("latin-1")).refused == [(2, "area", "is no UTF-8")]


def test_dates_that_are_left_out_are_told_and_count_as_none(tried):
    found = tried("date,count,area\n2025-01-01,4,a\n2025-01-05,4,a\n2025-01-03,0,b\n")
    assert found.status == 0
    assert "7 of 10 days of the areas have no row; they count as days without an overdose" in found.said
    assert "1 areas without any overdose raise no alarm and stand in no table: b" in found.said


def test_weeks_are_told_and_a_date_off_by_one_is_refused(tried):
    rows = [f"{day + timedelta(days=place == 20)},{place % 5}" for place, day in enumerate(MONDAYS)]
    found = tried("date,count\n" + "\n".join(rows))
    assert found.refused == [(22, "date", "is on another day of the week than the other dates")]
    assert "the dates are a week apart" in found.said


def test_a_date_to_come_is_told_with_its_line(tried):
    found = tried("date,count\n2025-01-01,4\n2162-01-01,4\n2025-01-02,4\n")
    assert "line 3: the newest date, 2162-01-01, is still to come" in found.said


def test_json_lines_of_counts_are_a_table_and_each_line_has_its_keys(tried):
    lines = [{"date": "2025-01-01", "area": "a"}, {"date": "2025-01-02", "area": "a", "count": 4}, [1], {"count": 4, "date": "2025-01-03"}]
    found = tried("\n".join(map(json.dumps, lines)), "history.jsonl")
    assert (found.overdoses, found.alarms) == (4, {"a": [4]})
    assert found.refused == [(1, "count", "is missing"), (3, "the line", "is no JSON object"), (4, "area", "is missing")]


def test_an_incident_that_stands_twice_counts_once_in_its_newest_version(tried):
    one = json.loads((EXAMPLES / "overdose.incidents.v1/v1/with-case-definitions.json").read_text())
    one["areas"] = ["county:42001"]
    others = [one | {"incident_id": str(UUID(int=number))} for number in range(2)]
    moved = one | {"version": one["version"] + 1, "areas": ["county:42003"]}
    found = tried("\n".join(map(json.dumps, [moved, one, *others])), "history.jsonl")
    assert found.alarms == {"county:42001": [], "county:42003": []}
    assert found.overdoses == 3 * len(one["overdoses"])
    assert "1 lines state what another line states" in found.said


def test_a_line_of_a_contract_says_which_field_is_wrong(tried):
    one = json.loads((EXAMPLES / "overdose.incidents.v1/v1/with-case-definitions.json").read_text())
    less = {key: value for key, value in one.items() if key != "version"}
    found = tried("\n".join(map(json.dumps, [one, less, one | {"change": "moved"}, 7])), "history.jsonl")
    assert found.refused == [(2, "version", "is missing"), (3, "change", "cannot be read"), (4, "the line", "is no JSON object")]


def test_kinds_of_area_are_read_in_any_case(tried):
    found = tried("date,count,area\n2025-01-01,3,County:42001\n2025-01-01,3,Cedar: North\n")
    assert found.alarms == {"county:42001": [3]}
    assert "areas that none of the rules watches: 1 of kind Cedar (3 overdoses)" in found.said


def test_what_no_rule_watches_or_counts_is_said(tried):
    found = tried("date,count,zip\n2025-01-01,3,19401\n2025-01-02,4,19402\n2025-01-02,1,\n")
    assert found.alarms == {"history": []}
    assert "areas that none of the rules watches: 2 of kind zip (7 overdoses)" in found.said
    found = tried("date,count,area\n2025-01-01,9,county:42001\n", "history.csv", "drug_classes: [fentanyl, cocaine]")
    assert "rule three-a-day counts none of the overdoses of the history: it asks for drug_class fentanyl or cocaine" in found.said


def test_an_incident_without_an_area_lies_where_the_option_says(tried):
    one = json.loads((EXAMPLES / "overdose.incidents.v1/v1/with-case-definitions.json").read_text()) | {"areas": []}
    assert tried(json.dumps(one), "history.jsonl", "", "--area", "county:42001").alarms == {"county:42001": []}


@settings(deadline=None, max_examples=40)
@given(
    st.dictionaries(st.tuples(st.integers(0, 40), st.sampled_from("ab"), st.sampled_from(["", "fatal"])), st.integers(0, 5), min_size=3),
    st.randoms(),
)
def test_counts_are_the_same_in_any_order_of_rows(tmp_path_factory, counts, random):
    """Whatever dates are left out, and whatever was told of them."""
    rows = [f"{MONDAYS[0] + timedelta(days=day)},{area},{outcome},{count}" for (day, area, outcome), count in counts.items()]
    path = tmp_path_factory.mktemp("any") / "history.csv"
    found = []
    for _ in range(2):
        path.write_text("date,area,outcome,count\n2023-12-01,a,,1\n" + "\n".join(rows))
        read = read_history(str(path), "x", None, keep_placed=False)
        found.append(({area: read.histories.daily(area).tolist() for area in read.histories.areas}, read.refused))
        random.shuffle(rows)
    assert found[0] == found[1]
    assert read.refused or sum(map(sum, found[0][0].values())) == 1 + sum(counts.values())
