"""Our geocoder beside others, on the same strings over the same centreline: `make bench-peers`, or

    python -m benchmarks.peers [--data FOLDER] [--sample N | --all] [--only PEER ...] [--install]

300 strings of each set by a fixed seed, or all. A peer that is not to be had is named with what was tried and why it failed; the others
run all the same. Nothing is sent anywhere: servers listen on a Unix socket in a temporary folder. See README.md beside this file.
"""

import argparse
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.peers import degauss, libpostal, nominatim, ours, postgis, tagged
from benchmarks.peers.centreline import segments
from benchmarks.peers.cluster import last_line, packages
from benchmarks.peers.results import Answers, PeerAbsentError, tables
from benchmarks.peers.strings import asked

PEERS = {
    ours.NAME: ours.compared,
    postgis.NAME: postgis.compared,
    nominatim.NAME: nominatim.compared,
    tagged.NAME: tagged.compared,
    degauss.NAME: degauss.compared,
    libpostal.NAME: libpostal.compared,
}


def main() -> None:
    """Print the tables."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # servers are stopped on the way out
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    folder = Path(__file__).resolve().parents[3] / "shared" / "data" / "geo" / "sf"
    parser.add_argument("--data", type=Path, default=folder, metavar="FOLDER", help="San Francisco's centreline and strings")
    parser.add_argument("--sample", type=int, default=300, metavar="N", help="strings of each set (300)")
    parser.add_argument("--all", action="store_true", help="every string")
    parser.add_argument("--only", nargs="+", choices=sorted(PEERS), metavar="PEER", help=f"of {', '.join(sorted(PEERS))}")
    parser.add_argument("--install", action="store_true", help="as root: install Debian's packages that a peer needs")
    chosen = parser.parse_args()
    source = chosen.data / "sf_streets.csv.gz"
    if not source.exists():
        print("skipped: San Francisco's centreline (sf_streets.csv.gz) and test strings are not here. They are not part of the project;")
        print("give their folder with --data.")
        return
    if chosen.install:
        _install()
    sets = asked(chosen.data, many=None if chosen.all else chosen.sample)
    pieces = list(segments(source))
    answers: list[Answers] = []
    told: list[str] = []
    for name in chosen.only or PEERS:
        started = time.monotonic()
        print(f"{name} ...", file=sys.stderr, flush=True)
        try:
            version, found = PEERS[name](sets, pieces)
        except PeerAbsentError as absent:
            told.append(f"{name}: not run. {absent}")
            continue
        answers += found
        told.append(f"{name}: {version}; {time.monotonic() - started:.0f} s with building")
    print(tables(sets, answers))
    print(f"\n{len(pieces):,} segments. One process and one thread or session each; shares are of all strings asked.\n")
    print("\n".join(told))


def _install() -> None:
    """Install Debian's packages; what fails shows again, with its reason, where the peer is started."""
    apt = shutil.which("apt-get")
    if apt is None:
        print("--install: there is no apt-get here", file=sys.stderr)
        return
    wanted = [*packages(), "osm2pgsql", "libicu-dev", "pkg-config", "g++"]
    for command in ([apt, "update", "-q"], [apt, "install", "-y", "-q", "--no-install-recommends", *wanted]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"--install: {command[1]} failed: {last_line(done.stderr)}", file=sys.stderr)


if __name__ == "__main__":
    main()
