"""usaddress (a statistical parser) before an exact dictionary of names and house number ranges: what a first afternoon of Python gives."""

import json
import subprocess
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from benchmarks.peers.centreline import Segment
from benchmarks.peers.cluster import last_line
from benchmarks.peers.environments import environment
from benchmarks.peers.results import Answers, Compared, PeerAbsentError, Placed
from benchmarks.peers.strings import Known

NAME = "usaddress + exact dictionary"
_VERSION = "0.5.16"


def compared(sets: dict[str, list[Known]], pieces: Sequence[Segment]) -> Compared:
    """Parse with usaddress in its own environment and look up what it found.

    Raises:
        PeerAbsentError: it cannot be installed.
    """
    return asked_through(NAME, environment("usaddress", (f"usaddress=={_VERSION}",)), "usaddress", f"usaddress {_VERSION}", sets, pieces)


def asked_through(
    name: str, programs: Path, parser: str, version: str, sets: dict[str, list[Known]], pieces: Sequence[Segment]
) -> Compared:
    """Ask the dictionary through a parser that lives in another environment; parsing and looking up are timed together.

    Raises:
        PeerAbsentError: the parser does not start.
    """
    task = {"parser": parser, "sets": {title: [row.text for row in rows] for title, rows in sets.items()}, "streets": _streets(pieces)}
    script = Path(__file__).with_name("tagged_asks.py")
    done = subprocess.run(
        [str(programs / "python"), "-P", str(script)], input=json.dumps(task), capture_output=True, text=True, check=False, timeout=600
    )
    if done.returncode:
        raise PeerAbsentError(f"{parser} failed: {last_line(done.stderr)}")
    answers = []
    for title, answer in json.loads(done.stdout).items():
        places: list[Placed] = [None if place is None else (place[0], place[1]) for place in answer["places"]]
        answers.append(Answers(name, title, places, answer["seconds"]))
    return Compared(version, answers)


def _streets(pieces: Sequence[Segment]) -> dict[str, list[object]]:
    streets: dict[str, list[object]] = defaultdict(list)
    for piece in pieces:
        for name in piece.names:
            streets[f"{name} {piece.kind}".strip()].append([piece.left, piece.right, piece.nodes, piece.line])
    return streets
