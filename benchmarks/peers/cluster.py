"""A PostgreSQL of our own for as long as a run takes: in a temporary folder, on a Unix socket only, without any right over the machine."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.peers.results import PeerAbsentError

_EXTENSIONS = Path("/usr/share/postgresql")
_PROGRAMS = Path("/usr/lib/postgresql")
_PACKAGES = "postgresql postgresql-{v}-postgis-3 postgresql-{v}-postgis-3-scripts"
# A throw-away database need not survive a power cut; a compiler that starts for every query would be timed instead of the geocoder.
_OPTIONS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "jit=off", "shared_buffers=512MB", "work_mem=32MB",
            "maintenance_work_mem=128MB", "listen_addresses=", "max_connections=40", "autovacuum_naptime=2s")  # fmt: skip


class _Account(NamedTuple):
    """Whom PostgreSQL runs as; None: as who started us."""

    name: str
    user: int | None = None
    group: int | None = None
    groups: tuple[int, ...] | None = None


class Cluster(NamedTuple):
    """A running PostgreSQL: the folder of its socket, which has a folder `project` for what belongs to it, and the superuser's name."""

    programs: Path
    socket: Path
    owner: str

    @property
    def project(self) -> Path:
        """A folder that is kept and restored together with the databases."""
        return self.socket / "project"

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
def cluster(extension: str, *, restored: Path | None = None, kept: Path | None = None) -> Iterator[Cluster]:
    """Make and start a cluster, and stop it and take it away at the end, whatever happened.

    Args:
        extension: what PostgreSQL must have.
        restored: a file that an earlier run kept, to start from.
        kept: where to keep what was made, when all went well.

    Raises:
        PeerAbsentError: no PostgreSQL with that extension, or it does not start.
    """
    folder = programs(extension)
    room = Path(tempfile.mkdtemp(prefix="spikewatch-peers-"))
    account = _unprivileged(room)
    server: subprocess.Popen[bytes] | None = None
    try:
        if restored is None:
            _initdb(folder, room, account)
        else:
            _tar("-C", str(room), "-xpf", str(restored))
        options = [word for option in _OPTIONS for word in ("-c", option)]
        with (room / "log").open("wb") as log:
            server = subprocess.Popen(
                [str(folder / "postgres"), "-D", str(room / "store"), "-k", str(room), *options],
                stdout=log, stderr=log, cwd=room, start_new_session=True,
                user=account.user, group=account.group, extra_groups=account.groups,
            )  # fmt: skip
        running = Cluster(folder, room, account.name)
        _wait(running, server)
        yield running
        if kept is not None:
            _stop(server)
            draft = kept.with_suffix(".draft")
            _tar("-C", str(room), "-cf", str(draft), "store", "project")
            draft.replace(kept)
    finally:
        if server is not None:
            _stop(server)
        shutil.rmtree(room, ignore_errors=True)


def _initdb(folder: Path, room: Path, account: _Account) -> None:
    (room / "project").mkdir()
    words = ["-D", str(room / "store"), "-A", "trust", "-U", account.name, "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
    made = subprocess.run(
        [str(folder / "initdb"), *words], capture_output=True, text=True, check=False, cwd=room,
        user=account.user, group=account.group, extra_groups=account.groups,
    )  # fmt: skip
    if made.returncode:
        raise PeerAbsentError(f"initdb failed: {last_line(made.stderr)}")


def _stop(server: subprocess.Popen[bytes]) -> None:
    if server.poll() is not None:
        return
    server.send_signal(signal.SIGINT)  # PostgreSQL's "fast": sessions are ended, the store is closed
    try:
        server.wait(60)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _tar(*words: str) -> None:
    program = shutil.which("tar")
    if program is None:
        raise PeerAbsentError("there is no tar, which keeps the imported database from one run to the next")
    done = subprocess.run([program, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise PeerAbsentError(f"tar failed: {last_line(done.stderr)}")


def _unprivileged(room: Path) -> _Account:
    """PostgreSQL refuses to run as root: there it runs as its own account, or as nobody."""
    if os.geteuid() != 0:
        return _Account(pwd.getpwuid(os.geteuid()).pw_name)
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        os.chown(room, entry.pw_uid, entry.pw_gid)
        return _Account(name, entry.pw_uid, entry.pw_gid, ())
    raise PeerAbsentError("PostgreSQL does not run as root, and there is no other account: postgres, nobody")


def _wait(running: Cluster, server: subprocess.Popen[bytes]) -> None:
    ready = [str(running.programs / "pg_isready"), "-q", "-d", "postgres"]
    deadline = time.monotonic() + 60
    while subprocess.run(ready, env=running.environment(), check=False).returncode:
        if server.poll() is not None or time.monotonic() > deadline:
            raise PeerAbsentError(f"PostgreSQL did not start: {last_line((running.socket / 'log').read_text(errors='replace'))}")
        time.sleep(0.1)


def last_line(text: str) -> str:
    """Return the last line that names an error, else that says something, shortened: what a tool gives as its reason."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    named = [line for line in lines if "ERROR:" in line or "FATAL:" in line]
    return (named or lines or ["it printed nothing"])[-1][:300]
