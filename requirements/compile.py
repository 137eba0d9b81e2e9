"""Resolve the lock from the members' own pyproject files: one for everything, and of it a part for each service's image.

``python requirements/compile.py`` writes, ``--check`` tells whether what is written still fits. No file names an index.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "requirements"
SERVICES = ("ingest", "enrichment", "alerts", "directory")
MEMBERS = ("packages/contracts", "packages/chassis", *(f"services/{name}" for name in SERVICES), "cli")
_NAME = re.compile(r"^spikewatch-(?P<name>[a-z]+)(?:\[(?P<extras>[^\]]+)\])?")


def requirements_of(member: str, extras: frozenset[str]) -> set[str]:
    """Return what a member needs, and what the members it needs need."""
    project = tomllib.loads((ROOT / member / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = list(project.get("dependencies", ()))
    for extra in extras:
        wanted += project.get("optional-dependencies", {}).get(extra, ())
    found: set[str] = set()
    for requirement in wanted:
        if (own := _NAME.match(requirement)) is None:
            found.add(requirement)
            continue
        target = next(path for path in MEMBERS if path.endswith(own["name"]))
        found |= requirements_of(target, frozenset((own["extras"] or "").replace(" ", "").split(",")))
    return found


def _compile(wanted: set[str], constraint: Path | None, earlier: Path) -> str:
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in.txt", Path(folder) / "out.txt"
        source.write_text("\n".join(sorted(wanted)) + "\n", encoding="utf-8")
        if earlier.exists():
            target.write_text(earlier.read_text(encoding="utf-8"), encoding="utf-8")
        command = ["uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes", "--no-header"]
        command += ["--no-annotate", "--no-emit-index-url", "--no-emit-find-links", str(source), "-o", str(target)]
        if constraint is not None:
            command += ["-c", str(constraint)]
        subprocess.run([sys.executable, "-m", *command], check=True)
        return target.read_text(encoding="utf-8")


def main() -> int:
    """Write or check the lock files; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit with 1 when a lock is out of date")
    check = parser.parse_args().check
    everything = {line for line in (LOCKS / "development.in").read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")}
    for member in MEMBERS:
        everything |= requirements_of(member, frozenset({"local", "geography"}))
    stale = []
    whole = LOCKS / "lock.txt"
    wanted = {whole: (everything, None)} | {
        LOCKS / f"{name}.txt": (requirements_of(f"services/{name}", frozenset({"geography"})), whole) for name in SERVICES
    }
    for path, (needs, constraint) in wanted.items():
        text = _compile(needs, constraint, path)
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(path.name)
        if not check:
            path.write_text(text, encoding="utf-8")
    print(f"{'stale' if check else 'written'}: {', '.join(stale) or 'none'}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
