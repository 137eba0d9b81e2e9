import re
import tomllib
from itertools import chain
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def declared() -> set[str]:
    found: set[str] = set()
    for path in [*ROOT.glob("packages/*/pyproject.toml"), *ROOT.glob("services/*/pyproject.toml"), ROOT / "cli/pyproject.toml"]:
        project = tomllib.loads(path.read_text())["project"]
        for requirement in chain(project.get("dependencies", []), *project.get("optional-dependencies", {}).values()):
            found.add(re.split(r"[\[<>=~! ]", requirement)[0].lower())
    for line in (ROOT / "requirements/development.in").read_text().splitlines():
        if line and not line.startswith("#"):
            found.add(line.split("==")[0].lower())
    return {name for name in found if not name.startswith("spikewatch-")}


def described() -> set[str]:
    rows = [line.split("|")[1] for line in (ROOT / "docs/dependencies.md").read_text().splitlines() if line.startswith("| ")]
    return {name.strip().lower() for row in rows for name in row.split(",")} - {"package"}


def test_every_direct_dependency_has_its_line_and_no_line_is_left_over():
    assert declared() == described()


def test_no_lock_names_an_index():
    for path in (ROOT / "requirements").glob("*.txt"):
        text = path.read_text()
        assert "://" not in text, path.name
        assert "--hash=sha256:" in text, path.name
