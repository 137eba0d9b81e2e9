"""What only a whole file shows to mean nothing is taken out, and told."""

import csv
import io
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from spikewatch.cli.main import main

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
COLUMNS = ("report_id", "agency", "agency_record_no", "cad_no", "event_time", "lat", "lon", "geo_precision", "age", "truth_event")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Two people of one corner and half hour each day: dispatch knows the number of the call, others write a filler; nobody's age is 0."""
    draw, rows = random.Random(1), []
    for person in range(120):
        at = FIRST + timedelta(days=person // 2, hours=9, minutes=25 * (person % 2))
        for agency, lag in (("CAD", 0), ("EMS", 7), ("POLICE", 12)):
            when = (at + timedelta(minutes=lag)).isoformat()
            number = f"26-{person:05d}" if agency == "CAD" else "NOT1ASSIGNED"
            age = draw.randrange(20, 60) if agency == "CAD" else 0
            rows.append((f"R{len(rows)}", agency, f"{agency}{person}", number, when, "40.5", "-79.5", "address", age, person))
    text = io.StringIO()
    csv.writer(text).writerows([COLUMNS, *rows])
    path = tmp_path / "in.csv"
    path.write_text(text.getvalue(), encoding="utf-8")
    return path


def test_fillers_of_a_file_are_left_out_and_told(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dedupe", "-o", str(table.with_name("out.csv")), str(table)]) == 0
    told = capsys.readouterr().err
    assert "no call has the number NOT1ASSIGNED (240 reports): it comes back day after day; it counted as not stated" in told
    for agency in ("EMS", "POLICE"):
        assert f"age 0 of {agency} (120 reports) stands for unknown: so many cannot be as old; it counted as not stated" in told
    assert "of CAD" not in told


def test_the_incidents_of_a_file_are_those_of_one_that_states_no_fillers(table: Path) -> None:
    blank = table.with_name("blank.csv")
    blank.write_text(table.read_text(encoding="utf-8").replace("NOT1ASSIGNED", "").replace("address,0,", "address,,"), encoding="utf-8")
    out = [path.with_suffix(".out.csv") for path in (table, blank)]
    for source, output in zip((table, blank), out, strict=True):
        assert main(["dedupe", "-o", str(output), str(source)]) == 0
    assert out[0].read_bytes() == out[1].read_bytes()


@pytest.mark.parametrize("verb", [["dedupe", "-o", "-"], ["match", "evaluate"], ["match", "explain", "--report", "R1"]])
def test_with_nothing_adapted_every_value_counts_as_it_is_written(table: Path, capsys: pytest.CaptureFixture[str], verb: list[str]) -> None:
    assert main([*verb, str(table)]) == 0
    adapted = capsys.readouterr()
    assert "NOT1ASSIGNED" in adapted.err
    assert main([*verb, "--adapt", "no", str(table)]) == 0
    plain = capsys.readouterr()
    assert "counted as not stated" not in plain.err
    assert plain.out != adapted.out


def test_weights_are_learnt_without_fillers(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["match", "learn", str(table)]) == 0
    assert "NOT1ASSIGNED" in capsys.readouterr().err


def test_an_agency_that_others_take_people_to_is_a_hospital(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """MERCY is no word for a hospital; GENERAL is named by nobody, and stays of no known kind."""
    draw = random.Random(3)
    rows = [("report_id", "agency", "agency_record_no", "event_time", "age", "sex", "hospital", "lat", "lon")]
    for person in range(40):
        at, age, sex = FIRST + timedelta(hours=5 * person), draw.randrange(18, 70), draw.choice("MF")
        place = (f"{40.5 + person / 1_000:.4f}", "-79.5")
        rows.append((f"R{len(rows)}", "EMS", str(person), f"{at.isoformat()}", str(age), sex, "Mercy", *place))
        rows.append((f"R{len(rows)}", "MERCY", str(person), f"{(at + timedelta(minutes=40)).isoformat()}", str(age), sex, "", "", ""))
    rows.append(("RX", "GENERAL", "1", FIRST.isoformat(), "50", "M", "", "", ""))
    source = tmp_path / "in.csv"
    source.write_text("\n".join(map(",".join, rows)) + "\n", encoding="utf-8")
    assert main(["dedupe", "-o", str(tmp_path / "out.csv"), str(source)]) == 0
    told = capsys.readouterr().err
    assert "others take people to MERCY: matched as emergency departments" in told
    assert "no kind of agency is told by GENERAL:" in told
    found = [row["overdose_id"] for row in csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text(encoding="utf-8")))]
    assert sum(found[at] == found[at + 1] for at in range(0, 80, 2)) >= 38
