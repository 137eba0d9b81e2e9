"""``spikewatch rules``: what people and programs get, and the exit status."""

import json
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest

from spikewatch.cli.main import main

RULE = """\
rules:
  - id: three-a-day
    version: 1
    description: Three in a day.
    kind: fixed_count
    area_kinds: [county]
    window_hours: 24
    parameters: {threshold: 3, comparison: at_least}
"""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "rules.yaml"
    path.write_text(RULE)
    return path


def test_check_tells_what_can_be_used(rules, capsys):
    assert main(["rules", "check", str(rules)]) == 0
    assert "1 rules can be used, 1 of them enabled" in capsys.readouterr().out
    assert main(["rules", "check", "published", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["enabled"] == 0


def test_check_tells_every_error_with_its_line(rules, capsys):
    rules.write_text(RULE.replace("threshold: 3", "threshold: -1").replace("hours: 24", "hours: 24000"))
    assert main(["rules", "check", str(rules)]) == 1
    assert [line.split(": ")[:3] for line in capsys.readouterr().out.splitlines()] == [
        ["rules.yaml:7", "three-a-day", "window_hours"],
        ["rules.yaml:8", "three-a-day", "parameters.threshold"],
    ]
    assert main(["rules", "check", "--json", str(rules)]) == 1
    assert [one["line"] for one in json.loads(capsys.readouterr().out)["problems"]] == [7, 8]


def test_a_file_that_is_not_there_is_one_sentence(capsys):
    for verb in (["check", "nowhere.yaml"], ["explain", "nowhere.yaml"]):
        assert main(["rules", *verb]) == 2
        assert "nowhere.yaml cannot be read" in capsys.readouterr().err


def test_explain_says_a_rule_in_words(rules, capsys):
    assert main(["rules", "explain", "published", "baltimore-tiers"]) == 0
    told = capsys.readouterr().out
    assert "at least 5" in told
    assert "full-activation from 11 overdoses on" in told
    assert main(["rules", "explain", str(rules), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["id"] == "three-a-day"
    assert main(["rules", "explain", str(rules), "unheard-of"]) == 2
    assert "no rule is called unheard-of" in capsys.readouterr().err


def test_diff_asks_for_a_new_version_where_a_rule_decides_otherwise(rules, tmp_path, capsys):
    other = tmp_path / "other.yaml"
    other.write_text(RULE.replace("threshold: 3", "threshold: 4"))
    assert main(["rules", "diff", str(rules), str(other)]) == 1
    assert "raise version" in capsys.readouterr().out
    other.write_text(RULE.replace("threshold: 3", "threshold: 4").replace("version: 1", "version: 2"))
    assert main(["rules", "diff", str(rules), str(other), "--json"]) == 0
    assert {field["field"] for field in json.loads(capsys.readouterr().out)[0]["fields"]} == {"version", "parameters"}
    assert main(["rules", "diff", str(rules), str(rules)]) == 0
    assert capsys.readouterr().out == "nothing changed\n"


def test_ls_and_schema_are_for_programs_too(capsys):
    assert main(["rules", "ls", "published", "--json"]) == 0
    assert "odmap-24h" in {row["id"] for row in json.loads(capsys.readouterr().out)}
    assert main(["rules", "ls"]) == 0
    assert "odmap-24h" in capsys.readouterr().out
    assert main(["rules", "schema"]) == 0
    assert json.loads(capsys.readouterr().out)["properties"]["rules"]["minItems"] == 1


def test_the_list_tells_every_area_that_a_rule_watches(tmp_path, capsys):
    text = (Path(__file__).parents[2] / "examples/rules/by-case-definition.yaml").read_text()
    assert main(["rules", "ls", "published", "--json"]) == 0
    areas = {row["id"]: row["areas"] for row in json.loads(capsys.readouterr().out)}
    assert (areas["odmap-state-24h"], areas["litchfield-24h"], areas["odmap-24h"]) == (["county of state:42"], ["county:09005"], ["county"])
    assert "area_kinds: [county]" in text
    (tmp_path / "rules.yaml").write_text(
        text.replace("area_kinds: [county]", 'neighbours: {"county:42091": ["county:42017", "county:42029"]}')
    )
    assert main(["rules", "ls", str(tmp_path / "rules.yaml"), "--json"]) == 0
    assert "county:42091 with county:42017 and county:42029" in json.loads(capsys.readouterr().out)[0]["areas"]


def test_the_examples_of_rules_can_be_used(capsys):
    example = Path(__file__).parents[2] / "examples/rules/by-case-definition.yaml"
    assert main(["rules", "check", str(example)]) == 0
    assert main(["rules", "explain", str(example), "ems-opioid-24h"]) == 0
    assert "It counts suspected overdoses that meet cste-like-ems-opioid in every county" in capsys.readouterr().out
    levels = example.with_name("levels.yaml")
    assert main(["rules", "check", str(levels)]) == 0
    assert main(["rules", "explain", str(levels)]) == 0
    assert "false_alarms_a_year 1 in each county, false_alarms_a_year 0.6 in each city" in capsys.readouterr().out


def test_rules_may_name_the_case_definitions_of_a_file(rules, tmp_path, capsys, monkeypatch):
    rules.write_text(RULE.replace("    window", "    case_definitions: [cedar-opioid]\n    window"))
    assert main(["rules", "check", str(rules)]) == 1
    assert "rules.yaml:7: three-a-day: case_definitions.0: is no case definition that is known" in capsys.readouterr().out
    own = tmp_path / "definitions.yaml"
    own.write_text(
        "version: 1\ndefinitions:\n  - {id: cedar-opioid, version: 2, title: t, source: s, reports: true, when: {fact: [dead]}}\n"
    )
    assert main(["rules", "check", str(rules), "--definitions", str(own)]) == 0
    assert main(["rules", "explain", str(rules), "--definitions", str(own)]) == 0
    assert "suspected overdoses that meet cedar-opioid in every county" in capsys.readouterr().out
    assert main(["rules", "check", str(rules), "--definitions", str(tmp_path / "absent.yaml")]) == 2
    assert "absent.yaml cannot be used" in capsys.readouterr().err
    monkeypatch.setenv("SPIKEWATCH_INGEST_DEFINITIONS_FILE", str(own))
    assert main(["rules", "diff", str(rules), str(rules)]) == 0


def test_rules_come_from_standard_input(rules, capsys, monkeypatch):
    def given(text: str | bytes) -> None:
        content = text if isinstance(text, bytes) else text.encode()
        monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(content)))

    given("\ufeff" + RULE)
    assert main(["rules", "check", "-"]) == 0
    assert "1 rules can be used" in capsys.readouterr().out
    given(RULE.replace("threshold: 3", "threshold: -1"))
    assert main(["rules", "check", "-"]) == 1
    assert capsys.readouterr().out.startswith("standard input:8: three-a-day: ")
    given(RULE)
    assert main(["rules", "explain", "-"]) == 0
    given(RULE)
    assert main(["rules", "diff", str(rules), "-"]) == 0
    assert capsys.readouterr().out.endswith("nothing changed\n")
    given(b"\xff")
    assert main(["rules", "check", "-"]) == 2
    assert "standard input is no UTF-8" in capsys.readouterr().err
    given(RULE)
    (rules.parent / "counts.csv").write_text("date,count,area\n2025-01-01,3,county:42001\n")
    assert main(["backtest", "-", f"{rules.parent}/counts.csv", "-o", "-"]) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith("-,three-a-day,1,county:42001,3,")
    given("date,count,area\n2025-01-01,3,county:42001\n")
    assert main(["backtest", str(rules), "-", "-o", "-"]) == 0
    assert main(["backtest", "-", "-"]) == 2
    assert "only one of RULES and HISTORY can be -" in capsys.readouterr().err
