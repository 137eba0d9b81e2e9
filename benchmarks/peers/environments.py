"""Virtual environments of the peers, in a cache folder outside the repository: nothing of theirs becomes part of the project."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.peers.cluster import last_line
from benchmarks.peers.results import PeerAbsentError

_LONGEST_S = 1200  # of one installation; sources are compiled meanwhile


def environment(name: str, packages: Sequence[str]) -> Path:
    """Return the folder of programs of an environment with packages, made when it is not there or holds others.

    Raises:
        PeerAbsentError: pip failed; the text has its first error.
    """
    room = cache() / f"{name}-{sys.version_info.major}.{sys.version_info.minor}"
    programs, stamp = room / "bin", room / "holds.txt"
    wanted = "\n".join(packages)
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return programs
    made = subprocess.run([sys.executable, "-m", "venv", "--clear", str(room)], capture_output=True, text=True, check=False)
    if made.returncode:
        raise PeerAbsentError(f"python -m venv failed: {last_line(made.stderr or made.stdout)}")
    pip = [str(programs / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages]
    try:
        done = subprocess.run(pip, capture_output=True, text=True, check=False, timeout=_LONGEST_S)
    except subprocess.TimeoutExpired:
        raise PeerAbsentError(f"pip install {' '.join(packages)} took longer than {_LONGEST_S} s") from None
    if done.returncode:
        raise PeerAbsentError(f"pip install {' '.join(packages)} failed: {_reason(done.stderr)}")
    stamp.write_text(wanted, encoding="utf-8")
    return programs


def cache() -> Path:
    """Return the folder of all that is kept from one run to the next."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "spikewatch" / "bench-peers"


def _reason(text: str) -> str:
    """The compiler's own word rather than pip's last line, which names no cause."""
    causes = [line.strip() for line in text.splitlines() if "fatal error" in line or "No matching distribution" in line]
    return causes[0][:200] if causes else last_line(text)
