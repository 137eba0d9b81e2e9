import json
from pathlib import Path

import pytest

from spikewatch.cli.main import main

UNTIL = "2026-05-01T15:00:00Z"


def written(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def simulate(folder: Path, *arguments: str) -> dict[str, bytes]:
    assert main(["simulate", "-o", str(folder), "--until", UNTIL, *arguments]) == 0
    return written(folder)


def test_a_seed_and_an_end_decide_every_byte(tmp_path: Path) -> None:
    one = simulate(tmp_path / "one", "--seed", "7", "--days", "10")
    assert one == simulate(tmp_path / "two", "--seed", "7", "--days", "10")
    assert one != simulate(tmp_path / "three", "--seed", "8", "--days", "10")
    assert {"directory.json", "geography.geojson", "truth.json", "feeds/cedar-county-911.csv", "feeds/cedar-county-ems.jsonl"} <= one.keys()


def test_the_feeds_hold_as_many_records_as_the_truth_says(tmp_path: Path) -> None:
    files = simulate(tmp_path, "--days", "10", "--rate", "8", "--spike", "20", "--malformed", "0.2")
    truth = json.loads(files["truth.json"])
    lines = sum(content.count(b"\n") - name.endswith(".csv") for name, content in files.items() if name.startswith("feeds/"))
    assert lines == sum(truth["records"].values())
    assert truth["spike"]["overdoses"] == 20
    assert truth["records"]["malformed"] > 0


def test_the_load_profile_writes_the_asked_number_of_records(tmp_path: Path) -> None:
    files = simulate(tmp_path, "--profile", "load", "--reports", "20000")
    assert sum(content.count(b"\n") for name, content in files.items() if name.startswith("feeds/")) == 20_000
    agencies = {record["agency_id"] for record in json.loads(files["directory.json"])}
    assert {Path(name).stem for name in files if name.startswith("feeds/")} <= agencies


@pytest.mark.parametrize("wrong", [["--until", "2026-05-01T15:00:00"], ["--late", "2"], ["--seed", "x"], ["--days", "nan"]])
def test_a_wrong_option_ends_with_status_2_and_says_what_was_expected(
    tmp_path: Path, wrong: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["simulate", "-o", str(tmp_path), *wrong])
    assert end.value.code == 2
    assert "expected" in capsys.readouterr().err


def test_a_spike_longer_than_the_span_cannot_be_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "-o", str(tmp_path), "--days", "1", "--spike-hours", "30"]) == 2
    assert "raise --days" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    assert main(["simulate", "-o", str(blocked), "--days", "2"]) == 2
    assert "another folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("profile", "ignored"),
    [
        ("history", ["--until", UNTIL]),
        ("history", ["--rate", "3"]),
        ("history", ["--spike-hours", "5", "--late", "0.1"]),
        ("load", ["--rate", "9"]),
        ("load", ["--areas", "2"]),
        ("county", ["--reports", "5"]),
    ],
)
def test_an_option_that_a_profile_would_ignore_is_refused(
    tmp_path: Path, profile: str, ignored: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["simulate", "--profile", profile, "-o", str(tmp_path), *ignored]) == 2
    assert f"--profile {profile} does not take {', '.join(ignored[::2])}; leave it out (it takes --seed," in capsys.readouterr().err
    assert written(tmp_path) == {}


@pytest.mark.parametrize("days", ["10", "29.9", "30.5"])
def test_a_history_is_not_drawn_longer_than_was_asked(tmp_path: Path, days: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--profile", "history", "-o", str(tmp_path), "--days", days]) == 2
    assert "--days of a history is a whole number from 30" in capsys.readouterr().err


def test_a_history_has_the_areas_and_days_that_were_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--profile", "history", "-o", str(tmp_path), "--days", "30", "--areas", "2"]) == 0
    rows = written(tmp_path)["counts.csv"].splitlines()[1:]
    assert len(rows) == 2 * 28 * (30 + 120)
    with pytest.raises(SystemExit):
        main(["simulate", "--profile", "history", "-o", str(tmp_path), "--areas", "0"])
    assert "expected a whole number from 1" in capsys.readouterr().err


def test_a_history_that_no_memory_would_hold_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--profile", "history", "-o", str(tmp_path), "--days", "880", "--areas", "1786"]) == 2
    assert "give at most --areas 1,785" in capsys.readouterr().err


def test_a_folder_that_cannot_be_made_is_said_before_anything_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("spikewatch.cli.simulate.overdoses", lambda _: pytest.fail("drawn"))
    (tmp_path / "file").touch()
    assert main(["simulate", "-o", str(tmp_path / "file" / "county"), "--days", "2"]) == 2
    assert "choose another folder" in capsys.readouterr().err
