"""``spikewatch reclassify`` on files, and the vocabulary and definitions that ``normalize`` is given."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from spikewatch.cli.main import main as spikewatch

ROW = "record_id,occurred_at,zip,outcome,reversal_given,suspected_drugs\n"


@pytest.fixture
def vocabulary(tmp_path: Path) -> Path:
    path = tmp_path / "vocabulary.yaml"
    shipped = files("spikewatch.ingest.terminology").joinpath("vocabulary.yaml").read_text(encoding="utf-8")
    path.write_text(shipped.replace("\ndrugs:\n", "\ndrugs:\n  zylofene: {class: opioid}\n", 1), encoding="utf-8")
    return path


def normalised(folder: Path, *arguments: str) -> Path:
    source, target = folder / "in.csv", folder / f"out{len(arguments)}.jsonl"
    source.write_text(
        ROW + "".join(f"R-2026-{n},2026-05-0{n}T10:00:00Z,19401,nonfatal,yes,{drug}\n" for n, drug in enumerate(("Zylofene", "heroin"), 1)),
        encoding="utf-8",
    )
    received = ("--received-at", "2026-06-01T00:00:00Z")
    assert spikewatch(["normalize", "--format", "statutory", *received, "-o", str(target), *arguments, str(source)]) == 0
    return target


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_reports_of_a_file_are_shown_then_written_as_normalize_would_write_them_today(
    tmp_path: Path, vocabulary: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reports, target = normalised(tmp_path), tmp_path / "again.jsonl"
    capsys.readouterr()
    assert spikewatch(["reclassify", "--reports", str(reports), "--vocabulary", str(vocabulary), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["reports"], shown["changed"], shown["drugs"][1]) == (2, 1, {"drug": "zylofene", "gained": 1, "lost": 0, "reclassed": 0})
    assert "published" not in shown

    assert spikewatch(["reclassify", "--reports", str(reports), "--vocabulary", str(vocabulary), "--apply", "-o", str(target)]) == 0
    assert "opioid" in capsys.readouterr().out
    fresh = lines(normalised(tmp_path, "--vocabulary", str(vocabulary)))
    own = {"report_id", "revision"}
    assert [{key: value for key, value in line.items() if key not in own} for line in lines(target)] == [
        {key: value for key, value in line.items() if key not in own} for line in fresh
    ]
    assert [line["revision"] for line in lines(target)] == [2, 1]

    capsys.readouterr()
    assert spikewatch(["reclassify", "--reports", str(target), "--vocabulary", str(vocabulary), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["changed"] == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("reclassify", "--reports", "REPORTS", "--apply"), "--output"),
        (("reclassify", "--reports", "nowhere.jsonl"), "cannot be read"),
        (("reclassify", "--reports", "REPORTS", "--definitions", "nowhere.yaml"), "nowhere.yaml:1: cannot be read"),
        (("reclassify",), "SPIKEWATCH_INGEST_SEAL_KEY"),
        (("normalize", "--format", "statutory", "--vocabulary", "REPORTS", "REPORTS"), "expected"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], told: str
) -> None:
    monkeypatch.delenv("SPIKEWATCH_INGEST_SEAL_KEY", raising=False)
    reports = str(normalised(tmp_path))
    capsys.readouterr()
    assert spikewatch([reports if part == "REPORTS" else part for part in arguments]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert "Traceback" not in error


def test_lines_that_are_no_reports_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reports = normalised(tmp_path)
    reports.write_text(reports.read_text(encoding="utf-8") + '{"a": 1}\nnothing\n', encoding="utf-8")
    capsys.readouterr()
    assert spikewatch(["reclassify", "--reports", str(reports), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["unreadable"] == 2
