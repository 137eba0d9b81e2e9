"""``spikewatch backtest`` with rules that scan: histories that tell map cells in any form, and those that do not."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from uuid import UUID

import h3
import pytest

from spikewatch.cli.main import main

RULES = """\
rules:
  - id: near-one-another
    version: 1
    description: A cluster.
    kind: space_time_scan
    area_kinds: [county, state]
    window_hours: 72
    quiet_hours: 48
    minimum_count: 3
    parameters: {radius_km: 3, probability: 0.04}
"""
COUNTED = """\
  - id: six-a-day
    version: 1
    description: Six in a day.
    kind: fixed_count
    area_kinds: [county]
    window_hours: 24
    parameters: {threshold: 6, comparison: at_least}
"""
FIRST = datetime(2025, 1, 1, tzinfo=UTC)
ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "packages/contracts/examples"
PLANTED = 40
"""Day on which seven overdoses lie in one place; two a day are anywhere."""


def overdoses() -> list[tuple[datetime, float, float]]:
    random = Random(4)
    anywhere = [
        (FIRST + timedelta(days=random.uniform(0, 60)), 40.2 + random.uniform(-0.15, 0.15), -75.3 + random.uniform(-0.2, 0.2))
        for _ in range(120)
    ]
    return [*anywhere, *((FIRST + timedelta(days=PLANTED, hours=2 * hour + 1), 40.2, -75.3) for hour in range(7))]


def cell(lat: float, lon: float, resolution: int = 7) -> str:
    return str(h3.latlng_to_cell(lat, lon, resolution))


def table(header: str, row: str) -> str:
    lines = [
        row.format(at=at.isoformat(), lat=lat, lon=lon, cell=cell(lat, lon), fine=cell(lat, lon, 9), coarse=cell(lat, lon, 5))
        for at, lat, lon in overdoses()
    ]
    return "\n".join([header, *lines]) + "\n"


def json_lines(kind: str) -> str:
    lines = []
    for number, (at, lat, lon) in enumerate(overdoses()):
        if kind == "incidents":
            example = json.loads((EXAMPLES / "overdose.incidents.v1/v1/with-case-definitions.json").read_text())
            example |= {"incident_id": str(UUID(int=number)), "place_key": "42091", "occurred_at": at.isoformat()}
            example["areas"] = ["state:42", "county:42091", f"h3:{cell(lat, lon)}"]
            example["overdoses"] = [{**example["overdoses"][0], "occurred_at": at.isoformat()}]
        else:
            example = json.loads((EXAMPLES / "overdose.reports.located.v1/v1/point.json").read_text())
            example["report"] |= {"report_key": str(UUID(int=number)), "occurred_at": at.isoformat()}
            example["report"]["location"] |= {"lat": lat, "lon": lon, "county_fips": "42091"}
            example |= {"place_key": "42091", "areas": ["state:42", "county:42091", f"h3:{cell(lat, lon)}"]}
            example = example["report"] if kind == "reports" else example
        lines.append(json.dumps(example))
    return "\n".join(lines) + "\n"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    day = (FIRST + timedelta(days=PLANTED)).date()
    (tmp_path / "rules.yaml").write_text(RULES)
    (tmp_path / "both.yaml").write_text(RULES + COUNTED)
    (tmp_path / "spikes.csv").write_text(f"event_id,start,end,county_fips\nplanted,{day},{day},42091\nelsewhere,{day},{day},42003\n")
    (tmp_path / "plain.csv").write_text(table("occurred_at,lat,lon,county_fips", "{at},{lat},{lon},42091"))
    return tmp_path


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[list[dict[str, object]], str]:
    assert main(["backtest", "--json", "--draws", "99", *arguments]) == 0
    shown = capsys.readouterr()
    return json.loads(shown.out)["sets"][0]["verdicts"], shown.err


@pytest.fixture
def plain(files, capsys):
    verdicts, _ = told(capsys, f"{files}/rules.yaml", f"{files}/plain.csv")
    return verdicts


def test_a_planted_cluster_is_hit_in_county_and_state(files, capsys):
    (county, state), said = told(capsys, f"{files}/rules.yaml", f"{files}/plain.csv", "--labels", f"{files}/spikes.csv")
    assert (county["area"], state["area"], county["overdoses"]) == ("county:42091", "state:42", 127)
    for verdict in (county, state):
        assert {one["name"]: one["days_to_detection"] for one in verdict["labelled"]} == {"planted": 1.0}
        alarm = next(one for one in verdict["alarms"] if one["opened_at"].startswith("2025-02-10"))
        assert (alarm["told_at"], alarm["places"]) == ("2025-02-11T00:00:00+00:00", ["county:42091", "state:42"])
    assert "near-one-another: 60 looks, one a day" in said
    assert "fewer draws than the rule states, so chances are known less well: near-one-another (99 for 999)" in said
    assert "1 labelled spikes in these areas and years, 1 elsewhere" in said


@pytest.mark.parametrize(
    ("header", "row", "more"),
    [
        ("occurred_at,latitude,longitude", "{at},{lat},{lon}", ["--area", "county:42091"]),
        ("occurred_at,h3,county_fips", "{at},{cell},42091", []),
        ("date,area,count,county_fips", "{at},h3:{fine},1,42091", []),
        ("occurred_at,area,h3", "{at},county:42091,h3:{fine}", []),
    ],
)
def test_a_table_tells_cells_by_coordinates_or_by_name(files, capsys, plain, header, row, more):
    (files / "other.csv").write_text(table(header, row))
    verdicts, _ = told(capsys, f"{files}/rules.yaml", f"{files}/other.csv", *more)
    assert verdicts == plain


@pytest.mark.parametrize("kind", ["incidents", "located reports", "reports"])
def test_json_lines_tell_cells_by_their_places(files, capsys, plain, kind):
    (files / "other.jsonl").write_text(json_lines(kind))
    verdicts, _ = told(capsys, f"{files}/rules.yaml", f"{files}/other.jsonl")
    assert [(one["area"], one["alarms"]) for one in verdicts] == [(one["area"], one["alarms"]) for one in plain]


@pytest.mark.parametrize(
    ("header", "row", "why"),
    [
        ("occurred_at,county_fips", "{at},42091", "the history tells no map cells"),
        ("occurred_at,lat,lon,geo_precision,county_fips", "{at},{lat},{lon},city,42091", "the history tells no map cells"),
        ("occurred_at,lat,lon,county_fips", "{at},1{lat},{lon},42091", "the history tells no map cells"),
        ("occurred_at,area,county_fips", "{at},h3:{coarse},42091", "the history tells no map cells"),
        ("occurred_at,lat,lon", "{at},{lat},{lon}", "tells map cells but no county"),
    ],
)
def test_what_a_history_lacks_is_said_and_the_other_rules_are_tested(files, capsys, header, row, why):
    (files / "less.csv").write_text(table(header, row))
    verdicts, said = told(capsys, f"{files}/both.yaml", f"{files}/less.csv", "--area", "history")
    assert {one["rule"] for one in verdicts} <= {"six-a-day"}
    assert "not back-tested: near-one-another; the history tells " in said
    assert why in said
    assert main(["backtest", f"{files}/rules.yaml", f"{files}/less.csv"]) == 2
    assert "all are scans" in capsys.readouterr().err


def test_areas_that_the_rule_does_not_watch_are_named_as_the_reason(files, capsys):
    (files / "rules.yaml").write_text(RULES.replace("area_kinds: [county, state]", "areas: ['county:42001']"))
    assert main(["backtest", f"{files}/rules.yaml", f"{files}/plain.csv"]) == 2
    assert "no overdose with a map cell lies in a county or state that the rule watches" in capsys.readouterr().err


def test_other_rules_stand_beside_a_scan_in_table_and_picture(files, capsys):
    labels = ["--labels", f"{files}/spikes.csv", "--plot", f"{files}/p.svg", "--draws", "99"]
    assert main(["backtest", f"{files}/both.yaml", f"{files}/plain.csv", *labels]) == 0
    shown = capsys.readouterr()
    assert "six-a-day v1" in shown.out
    assert "near-one-another v1" in shown.out
    assert "The most surprising alarms only" in shown.out
    assert "2 areas drawn" in shown.err, "the state, too, which only the scan watches"
    assert "127 overdoses in 1 areas" in shown.err


def test_too_few_draws_say_how_many_it_takes(files, capsys):
    assert main(["backtest", f"{files}/rules.yaml", f"{files}/plain.csv", "--draws", "19"]) == 2
    assert "--draws: near-one-another asks for a chance below 0.04; expected more than 24 draws" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["backtest", f"{files}/rules.yaml", f"{files}/plain.csv", "--draws", "5"])
