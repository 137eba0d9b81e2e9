"""The example files of every feed format are fresh, small, and come out as their folder says."""

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import pytest

from spikewatch.cli.main import main as spikewatch
from spikewatch.ingest.domain.feeds import FEEDS

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples/feeds"
FOLDERS = sorted(path.parent for path in EXAMPLES.glob("*/generate.py"))
CASES = [
    pytest.param(folder, name, id=f"{folder.name}/{name}")
    for folder in FOLDERS
    for name in json.loads((folder / "expected.json").read_text())
    if name != "arguments"
]
OUTCOMES = ("report", "duplicate", "not_an_overdose", "rejected")
LARGEST = 60_000  # bytes: an example is read by people


def generator(folder: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"generate_{folder.name}", folder / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_format_has_examples_and_a_page() -> None:
    assert {folder.name for folder in FOLDERS} == set(FEEDS)
    assert set(FEEDS) <= {path.stem for path in (ROOT / "docs/formats").glob("*.md")}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_files_are_what_the_generator_writes(folder: Path) -> None:
    made = generator(folder).files()
    expected = set(json.loads((folder / "expected.json").read_text())) - {"arguments"}
    assert expected == set(made)
    for name, content in made.items():
        assert (folder / name).read_bytes() == content, f"stale: python {(folder / 'generate.py').relative_to(ROOT)}"
        assert len(content) <= LARGEST, name


@pytest.mark.parametrize(("folder", "name"), CASES)
def test_a_file_comes_out_as_its_folder_says(folder: Path, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    expected = json.loads((folder / "expected.json").read_text())
    reports, errors = tmp_path / "reports.jsonl", tmp_path / "errors.jsonl"
    arguments = ["normalize", "--format", folder.name, "--received-at", "2026-11-01T00:00:00Z", *expected.get("arguments", [])]
    status = spikewatch([*arguments, "-o", str(reports), "--errors", str(errors), str(folder / name)])
    said = capsys.readouterr().err
    counts = {
        kind: int(count.replace(",", "")) for count, kind in re.findall(r"([\d,]+) (report|duplicate|not an overdose|rejected)", said)
    }
    assert {kind: counts.get(kind.replace("_", " "), 0) for kind in OUTCOMES} == expected[name] | dict.fromkeys(
        set(OUTCOMES) - set(expected[name]), 0
    )
    assert status == (1 if expected[name].get("rejected") else 0)
    assert len(reports.read_text().splitlines()) == expected[name].get("report", 0)
    for line in errors.read_text().splitlines():
        error = json.loads(line)
        assert error["problem"], error
        assert error["expected"], error
        assert error["line"] >= 1
