"""A PostgreSQL of our own for as long as a run takes: in a temporary folder, on a Unix socket only, without any right over the machine."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.peers.results import PeerAbsentError

_EXTENSIONS = Path("/usr/share/postgresql")
_PROGRAMS = Path("/usr/lib/postgresql")
_PACKAGES = "postgresql postgresql-{v}-postgis-3 postgresql-{v}-postgis-3-scripts"
# A throw-away database need not survive a power cut; a compiler that starts for every query would be timed instead of the geocoder.
_OPTIONS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "jit=off", "shared_buffers=512MB", "work_mem=32MB",
            "maintenance_work_mem=128MB", "listen_addresses=", "max_connections=40", "autovacuum=off")  # fmt: skip


class Cluster(NamedTuple):
    """A running PostgreSQL: the folder of its socket and the superuser's name."""

    programs: Path
    socket: Path
    owner: str

    def environment(self) -> dict[str, str]:
        """Return the variables by which libpq finds it, and nothing else of the operator's databases."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        return kept | {"PGHOST": str(self.socket), "PGUSER": self.owner}

    def sql(self, database: str, script: str, *, timeout: float = 600) -> str:
        """Run a script and return what it prints, unaligned.

        Raises:
            PeerAbsentError: a statement failed.
        """
        done = subprocess.run(
            [str(self.programs / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", database, "-f", "-"],
            input=script, capture_output=True, text=True, env=self.environment(), timeout=timeout, check=False,
        )  # fmt: skip
        if done.returncode:
            raise PeerAbsentError(f"PostgreSQL refused a statement: {last_line(done.stderr)}")
        return done.stdout


def programs(extension: str) -> Path:
    """Return the folder of the newest PostgreSQL that has an extension.

    Raises:
        PeerAbsentError: there is none; the text names Debian's packages.
    """
    for control in sorted(_EXTENSIONS.glob(f"*/extension/{extension}.control"), reverse=True):
        folder = _PROGRAMS / control.parent.parent.name / "bin"
        if (folder / "initdb").exists():
            return folder
    raise PeerAbsentError(f"no PostgreSQL with the extension {extension} is installed: {packages_hint()}")


def packages() -> list[str]:
    """Return Debian's packages of a PostgreSQL with PostGIS, of the version that is installed or that this Debian has."""
    versions = sorted(int(folder.name) for folder in _PROGRAMS.glob("[0-9]*") if (folder / "bin" / "initdb").exists())
    return _PACKAGES.format(v=versions[-1] if versions else 15).split()


def packages_hint() -> str:
    """Return the command that installs them."""
    return f"apt-get install --no-install-recommends {' '.join(packages())} (or run with --install as root)"


@contextmanager
def cluster(extension: str) -> Iterator[Cluster]:
    """Make and start a cluster, and stop it and take it away at the end, whatever happened.

    Raises:
        PeerAbsentError: no PostgreSQL with that extension, or it does not start.
    """
    folder = programs(extension)
    room = Path(tempfile.mkdtemp(prefix="spikewatch-peers-"))
    as_owner, owner = _unprivileged(room)
    server: subprocess.Popen[bytes] | None = None
    try:
        made = subprocess.run(
            [str(folder / "initdb"), "-D", str(room / "store"), "-A", "trust", "-U", owner, "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"],
            capture_output=True, text=True, check=False, cwd=room, **as_owner,
        )  # fmt: skip
        if made.returncode:
            raise PeerAbsentError(f"initdb failed: {last_line(made.stderr)}")
        options = [word for option in _OPTIONS for word in ("-c", option)]
        with (room / "log").open("wb") as log:
            server = subprocess.Popen(
                [str(folder / "postgres"), "-D", str(room / "store"), "-k", str(room), *options],
                stdout=log, stderr=log, cwd=room, start_new_session=True, **as_owner,
            )  # fmt: skip
        running = Cluster(folder, room, owner)
        _wait(running, server)
        yield running
    finally:
        if server is not None:
            server.send_signal(2)  # "fast": sessions are ended, the store is closed
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
        shutil.rmtree(room, ignore_errors=True)


def _unprivileged(room: Path) -> tuple[Mapping[str, object], str]:
    """PostgreSQL refuses to run as root: there it runs as its own account, or as nobody."""
    if os.geteuid() != 0:
        return {}, pwd.getpwuid(os.geteuid()).pw_name
    for name in ("postgres", "nobody"):
        try:
            account = pwd.getpwnam(name)
        except KeyError:
            continue
        os.chown(room, account.pw_uid, account.pw_gid)
        return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}, name
    raise PeerAbsentError("PostgreSQL does not run as root, and there is no other account: postgres, nobody")


def _wait(running: Cluster, server: subprocess.Popen[bytes]) -> None:
    ready = [str(running.programs / "pg_isready"), "-q", "-d", "postgres"]
    deadline = time.monotonic() + 60
    while subprocess.run(ready, env=running.environment(), check=False).returncode:
        if server.poll() is not None or time.monotonic() > deadline:
            raise PeerAbsentError(f"PostgreSQL did not start: {last_line((running.socket / 'log').read_text(errors='replace'))}")
        time.sleep(0.1)


def last_line(text: str) -> str:
    """Return the last line that says something, shortened: what a tool gives as its reason."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "it printed nothing"
