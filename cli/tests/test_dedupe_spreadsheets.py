"""Tables as spreadsheets write them: times with slashes, read in one order a column, and quotation marks that nobody closed."""

import csv
import io
import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from spikewatch.cli.files.opened import opened
from spikewatch.cli.main import main
from spikewatch.cli.matching.report_rows import report_rows

HEADER = ["report_id", "agency", "agency_record_no", "event_time", "received_at", "cad_no", "lat", "lon", "geo_precision", "age", "sex"]
FORMATS = ("%m/%d/%Y %H:%M", "%-m/%-d/%Y %-I:%M %p", "%m/%d/%y %H:%M", "%d/%m/%Y %H:%M", "%-d/%-m/%y %-I:%M %p")


def calls(count: int = 40, seed: int = 1) -> list[tuple[datetime, list[str]]]:
    """A dispatcher's and an ambulance's report of each call, from the third of March on, a call a day."""
    draw, rows = random.Random(seed), []
    for call in range(count):
        at = datetime(2026, 3, 3, draw.randrange(1, 23), draw.randrange(60), tzinfo=UTC) + timedelta(days=call)
        for agency, minutes in (("CAD", 0), ("EMS", 8)):
            own = [f"{agency}{call}", agency, f"{agency}{call}", "", "", f"K-{call + 100}", f"{40 + call / 100:.4f}", "-79.5", "address"]
            rows.append((at + timedelta(minutes=minutes), [*own, str(20 + call), draw.choice("MF")]))
    return rows


def table(rows: list[tuple[datetime, list[str]]], how: str) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADER)
    for at, cells in rows:
        came = at + timedelta(hours=30)
        writer.writerow([*cells[:3], f"{at:{how}}", f"{came:{how}}", *cells[5:]])
    return out.getvalue()


def read(tmp_path: Path, text: str) -> list[tuple[int, str, float, float]]:
    path = tmp_path / "in.csv"
    path.write_text(text, encoding="utf-8")
    with opened(str(path)) as file:
        return [
            (row.line, row.report_id, row.record.seconds if row.record else 0.0, row.record.revision[0] if row.record else 0.0)
            for row in report_rows(file)
        ]


def dedupe(tmp_path: Path, text: str) -> tuple[int, list[str], list[dict[str, object]]]:
    source, output, errors = tmp_path / "in.csv", tmp_path / "out.csv", tmp_path / "errors.jsonl"
    source.write_text(text, encoding="utf-8")
    status = main(["dedupe", "--errors", str(errors), "-o", str(output), str(source)])
    found = [row["report_id"] for row in csv.DictReader(output.read_text(encoding="utf-8").splitlines())]
    return status, found, [json.loads(line) for line in errors.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("how", FORMATS)
@pytest.mark.parametrize("seed", [1, 2])
def test_times_with_slashes_are_read_as_the_same_times_in_iso(tmp_path: Path, how: str, seed: int) -> None:
    rows = calls(seed=seed)
    random.Random(seed).shuffle(rows)
    assert read(tmp_path, table(rows, how)) == read(tmp_path, table(rows, "%Y-%m-%dT%H:%M:00Z")), "wherever the row is that tells the order"


def test_where_no_row_tells_the_month_stands_first(tmp_path: Path) -> None:
    rows = calls(8)  # the third to the tenth of March
    assert read(tmp_path, table(rows, "%m/%d/%Y %H:%M")) == read(tmp_path, table(rows, "%Y-%m-%dT%H:%M:00Z"))
    turned = read(tmp_path, table(rows, "%d/%m/%Y %H:%M"))
    assert {datetime.fromtimestamp(seconds, UTC).month for _, _, seconds, _ in turned} >= {4, 5, 9, 10}, "nothing says otherwise"


def test_each_column_has_an_order_of_its_own(tmp_path: Path) -> None:
    rows = calls()
    mixed = io.StringIO()
    csv.writer(mixed, lineterminator="\n").writerows(
        [HEADER, *([*cells[:3], f"{at:%d/%m/%Y %H:%M}", f"{at:%m/%d/%Y %H:%M}", *cells[5:]] for at, cells in rows)]
    )
    assert [(seconds, came) for _, _, seconds, came in read(tmp_path, mixed.getvalue())] == [
        (seconds, seconds) for _, _, seconds, _ in read(tmp_path, table(rows, "%Y-%m-%dT%H:%M:00Z"))
    ]


def test_a_column_in_both_orders_is_refused_with_its_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = calls()
    text = table(rows, "%m/%d/%Y %H:%M").splitlines()
    text[36] = table(rows, "%d/%m/%Y %H:%M").splitlines()[36]  # the twentieth
    source = tmp_path / "in.csv"
    source.write_text("\n".join(text), encoding="utf-8")
    assert main(["dedupe", str(source)]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "line 37: event_time is written day first, in line 22 month first" in told.err
    assert "for example 2026-05-01T13:45:00Z" in told.err


def test_a_row_of_json_is_read_as_one_of_a_table(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    objects = [dict(zip(HEADER, row, strict=True)) for row in csv.reader(table(calls(), "%d/%m/%Y %H:%M").splitlines()[1:])]
    path.write_text("".join(json.dumps(one) + "\n" for one in objects), encoding="utf-8")
    with opened(str(path)) as file:
        found = [row.record.seconds for row in report_rows(file) if row.record]
    assert found == [seconds for _, _, seconds, _ in read(tmp_path, table(calls(), "%Y-%m-%dT%H:%M:00Z"))]


TIMES = "%Y-%m-%dT%H:%M:00Z"


@pytest.mark.parametrize("at", [1, 7, 80])
@pytest.mark.parametrize("later", ["none", "open", "quoted", "closing", "empty"])
def test_an_open_quotation_mark_costs_its_row_and_no_other(tmp_path: Path, at: int, later: str) -> None:
    lines = table(calls(), TIMES).splitlines()
    lines[at] = lines[at].replace("K-", '"K-', 1)
    hit = at
    if later != "none" and at < 70:
        hit = at + 5
        lines[hit] = {
            "open": lines[hit].replace("K-", '"K-', 1),
            "quoted": lines[hit].replace("address", '"address"', 1),
            "closing": lines[hit].replace(",40.", '",40.', 1),
            "empty": lines[hit].replace("address", '""', 1),
        }[later]
    status, found, refused = dedupe(tmp_path, "\n".join(lines) + "\n")
    wrong = {at} | ({hit} if later == "open" else set())
    assert status == 1
    assert [one["line"] for one in refused] == sorted(number + 1 for number in wrong)
    assert {one["problem"] for one in refused} == {"opens a quotation mark that is not closed"}
    assert found == [line.partition(",")[0] for number, line in enumerate(lines) if number and number not in wrong]


def test_a_cell_of_several_lines_is_one_cell(tmp_path: Path) -> None:
    lines = table(calls(6), TIMES).splitlines()
    lines = [
        f"{line},narrative"
        if not number
        else f'{line},"found on floor, not breathing\nshe said: ""twice"",\n\n naloxone, air, a, b, c, d, e, f, g, h"'
        for number, line in enumerate(lines)
    ]
    status, found, refused = dedupe(tmp_path, "\n".join(lines))
    assert (status, len(found), refused) == (0, 12, [])


def test_inches_within_a_cell_are_no_quotation_mark(tmp_path: Path) -> None:
    lines = [f"{line},{'5 feet' if number else 'narrative'}" for number, line in enumerate(table(calls(3), TIMES).splitlines())]
    lines[2] = lines[2].replace("5 feet", "5'10\"")
    assert dedupe(tmp_path, "\n".join(lines))[1:] == ([line.partition(",")[0] for line in lines[1:]], [])
