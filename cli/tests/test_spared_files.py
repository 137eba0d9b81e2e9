"""What ``detect`` and ``backtest`` read is never written over, and nothing is worked out that could not be written."""

from pathlib import Path

import pytest

from spikewatch.cli.main import main

COUNTS = "date,count\n2026-01-01,3\n2026-01-02,-1\n"
RULES = """\
rules:
  - id: three-a-day
    version: 1
    description: Three in a day.
    kind: fixed_count
    area_kinds: [county]
    window_hours: 24
    parameters: {threshold: 3, comparison: at_least}
"""
DETECT = ["detect", "--algorithm", "fixed", "counts.csv"]
BACKTEST = ["backtest", "rules.yaml", "counts.csv", "--labels", "spikes.csv", "--against", "others.yaml"]


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "counts.csv").write_text(COUNTS)
    (tmp_path / "link.csv").symlink_to("counts.csv")
    (tmp_path / "spikes.csv").write_text("event_id,start,end\none,2026-01-01,2026-01-01\n")
    (tmp_path / "rules.yaml").write_text(RULES)
    (tmp_path / "others.yaml").write_text(RULES)
    return tmp_path


@pytest.mark.parametrize(
    "asked",
    [
        [*DETECT, "-o", "counts.csv"],
        [*DETECT, "-o", "link.csv"],
        [*DETECT, "--errors", "./counts.csv"],
        [*BACKTEST, "-o", "counts.csv"],
        [*BACKTEST, "--errors", "counts.csv"],
        [*BACKTEST, "-o", "rules.yaml"],
        [*BACKTEST, "-o", "spikes.csv"],
        [*BACKTEST, "--errors", "others.yaml"],
    ],
)
def test_a_file_that_is_read_is_not_written_over(files: Path, asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    before = {path.name: path.read_bytes() for path in files.iterdir()}
    assert main(asked) == 2
    assert "is a file that is read; write to another one" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in files.iterdir()} == before


@pytest.mark.parametrize("asked", [DETECT, BACKTEST])
@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["-o", "both.jsonl", "--errors", "./both.jsonl"], "named twice to be written to"),
        (["-o", "nowhere/rows.csv"], "there is no folder nowhere"),
        (["--errors", "nowhere/errors.jsonl"], "there is no folder nowhere"),
    ],
)
def test_what_cannot_be_written_is_said_before_anything_is_read(
    asked: list[str], options: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*asked, *options]) == 2
    said = capsys.readouterr().err
    assert says in said
    assert "read counts.csv" not in said


def test_a_picture_that_cannot_be_drawn_is_said_before_anything_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*BACKTEST, "--plot", "p.gif"]) == 2
    said = capsys.readouterr().err
    assert "must end in one of .png, .svg, .pdf" in said
    assert "read counts.csv" not in said


def test_a_file_of_before_and_standard_output_may_be_written(files: Path) -> None:
    (files / "out.csv").write_text("old")
    assert main([*DETECT, "-o", "out.csv", "--errors", "errors.jsonl"]) == 1
    assert (files / "out.csv").read_text().startswith("date,area,")
    assert main([*DETECT, "-o", "-"]) == 1
