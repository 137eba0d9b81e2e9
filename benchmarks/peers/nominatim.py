"""Nominatim over the same centreline, written as OpenStreetMap data with address interpolations; imported offline, without Wikipedia.

Every string is asked raw, as free text, through its Python library (one session, no HTTP in between); a second line asks it with
", San Francisco" behind, because it takes bare four-digit house numbers for the postcodes of other countries. The import takes
minutes, so the database is kept in the cache folder for the next run, under a name that tells the data and the versions.
"""

import hashlib
import json
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.peers.centreline import Segment
from benchmarks.peers.cluster import Cluster, cluster, last_line
from benchmarks.peers.cluster import programs as programs_with
from benchmarks.peers.environments import cache, environment
from benchmarks.peers.osm import write_osm
from benchmarks.peers.results import Answers, Compared, PeerAbsentError, Placed
from benchmarks.peers.strings import Known

NAME = "Nominatim"
WITH_CITY = "Nominatim, with the city"
_VERSION = "5.3.3"
_PACKAGES = (f"nominatim-db=={_VERSION}", f"nominatim-api=={_VERSION}", "psycopg[binary]==3.3.9")


def compared(sets: dict[str, list[Known]], pieces: Sequence[Segment]) -> Compared:
    """Import the centreline and ask every set.

    Raises:
        PeerAbsentError: it is not installed, or does not work.
    """
    osm2pgsql = shutil.which("osm2pgsql")
    if osm2pgsql is None:
        hint = "apt-get install --no-install-recommends osm2pgsql (or run with --install as root)"
        raise PeerAbsentError(f"osm2pgsql is not installed: {hint}")
    programs = environment("nominatim", _PACKAGES)
    version = f"{_VERSION}, {_version_of(osm2pgsql)}"
    with tempfile.TemporaryDirectory(prefix="spikewatch-peers-") as made:
        source = Path(made) / "city.osm"
        write_osm(source, pieces)
        named = hashlib.sha256(source.read_bytes() + f"{version} {programs_with('postgis')}".encode()).hexdigest()[:12]
        imported = cache() / f"nominatim-{named}.tar"
        if not imported.exists():
            with cluster("postgis", kept=imported) as running:
                _import(running, programs / "nominatim", source, osm2pgsql)
    with cluster("postgis", restored=imported) as running:
        folder, surroundings = running.project, _surroundings(running, osm2pgsql)
        texts = {f"{NAME}|{name}": [row.text for row in rows] for name, rows in sets.items()}
        texts |= {f"{WITH_CITY}|{name}": [f"{row.text}, San Francisco" for row in rows] for name, rows in sets.items()}
        task = json.dumps({"folder": str(folder), "sets": texts})
        script = Path(__file__).with_name("nominatim_asks.py")
        # -P: this folder stays off the path, or nominatim.py would stand before the library's own modules.
        told = json.loads(_run([str(programs / "python"), "-P", str(script)], surroundings, folder, task))
    answers = []
    for title, answer in told.items():
        geocoder, _, name = title.partition("|")
        places: list[Placed] = [None if place is None else (place[0], place[1]) for place in answer["places"]]
        answers.append(Answers(geocoder, name, places, answer["seconds"]))
    return Compared(version, answers)


def _import(running: Cluster, program: Path, source: Path, osm2pgsql: str) -> None:
    running.sql("postgres", 'CREATE USER "www-data";')  # the reading account that Nominatim asks for
    folder = running.project
    words = ["import", "--project-dir", str(folder), "--osm-file", str(source), "--offline", "--no-updates", "-j", "2"]
    _run([str(program), *words], _surroundings(running, osm2pgsql), folder)
    running.sql("nominatim", "VACUUM ANALYZE;")


def _surroundings(running: Cluster, osm2pgsql: str) -> dict[str, str]:
    return running.environment() | {
        "NOMINATIM_DATABASE_DSN": f"pgsql:dbname=nominatim;host={running.socket};user={running.owner}",
        "NOMINATIM_IMPORT_STYLE": "address",
        "NOMINATIM_OSM2PGSQL_BINARY": osm2pgsql,
    }


def _run(command: Sequence[str], surroundings: Mapping[str, str], folder: Path, text: str = "") -> str:
    done = subprocess.run(
        command, input=text, capture_output=True, text=True, env=dict(surroundings), cwd=folder, check=False, timeout=3600
    )
    if done.returncode:
        raise PeerAbsentError(f"{Path(command[0]).name} {' '.join(command[1:2])} failed: {last_line(done.stderr)}")
    return done.stdout


def _version_of(osm2pgsql: str) -> str:
    done = subprocess.run([osm2pgsql, "--version"], capture_output=True, text=True, check=False)
    return f"osm2pgsql {(done.stdout + done.stderr).partition('version ')[2].split()[0]}"
