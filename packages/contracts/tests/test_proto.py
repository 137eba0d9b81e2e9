"""The gRPC contract: linted, formatted, unbroken, and its generated code current."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from spikewatch_testing.patience import PATIENCE_S

ROOT = Path(__file__).resolve().parents[3]
PROTO = ROOT / "proto"
BUF = shutil.which("buf", path=str(Path(sys.executable).parent)) or shutil.which("buf")


def buf(*arguments: str) -> subprocess.CompletedProcess[str]:
    if BUF is None:
        pytest.fail("buf is not installed; it is a development dependency (package buf-bin)")
    return subprocess.run([BUF, *arguments], cwd=PROTO, capture_output=True, text=True, check=False, timeout=PATIENCE_S)


def test_the_generated_code_is_current() -> None:
    script = ROOT / "packages" / "contracts" / "generate_stubs.py"
    result = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("arguments", [("lint",), ("format", "--diff", "--exit-code"), ("breaking", "--against", "baseline.binpb")])
def test_buf_finds_nothing(arguments: tuple[str, ...]) -> None:
    result = buf(*arguments)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("agency.proto", "string display_name = 2;", "string title = 2;"),
        ("contact.proto", "ContactRole role = 8;", "ContactRole role = 12;"),
        ("directory_service.proto", "rpc GetAgency(GetAgencyRequest) returns (Agency);", ""),
    ],
)
def test_a_breaking_change_is_caught(tmp_path: Path, file: str, old: str, new: str) -> None:
    copy = tmp_path / "proto"
    shutil.copytree(PROTO, copy)
    target = copy / "spikewatch" / "api" / "directory" / "v1" / file
    text = target.read_text(encoding="utf-8")
    assert old in text
    target.write_text(text.replace(old, new), encoding="utf-8")
    result = buf("breaking", str(copy), "--against", str(PROTO / "baseline.binpb"))
    assert result.returncode == 100, result.stdout + result.stderr  # buf's status for findings; other failures give 1
    assert file in result.stdout
