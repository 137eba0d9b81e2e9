import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(path for path in ROOT.rglob("*.md") if not {".venv", "node_modules"} & set(path.relative_to(ROOT).parts))


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path):
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
        if "://" not in target and not target.startswith("mailto:"):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_readme_names_commands_that_exist(capsys):
    from spikewatch.cli.main import main

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    verbs = set(re.findall(r"(?:^|`)spikewatch ([a-z-]+)", text, re.MULTILINE))
    assert {"up", "status", "dlq", "directory", "agency-keys"} <= verbs
    for verb in verbs:
        with pytest.raises(SystemExit) as ended:
            main([verb, "--help"])
        assert ended.value.code == 0, verb
    capsys.readouterr()


def test_the_readme_names_make_targets_that_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"^make ([a-z-]+)", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE))
    assert named
    assert named <= targets


def test_no_text_names_a_path_of_a_machine_or_a_package_index():
    names = ("/" + "work/", "/" + "root/", "pypi" + ".org", "registry." + "npmjs")
    for path in ROOT.rglob("*"):
        parts = set(path.relative_to(ROOT).parts)
        if (
            path.is_file()
            and path.suffix in {".py", ".md", ".toml", ".yaml", ".yml", ".txt", ".json", ".sh", ".mjs"}
            and not parts & {".venv", ".git", ".spikewatch"}
        ):
            text = path.read_text(encoding="utf-8", errors="ignore")
            assert not [name for name in names if name in text], path
