"""``stack.json``: what runs in a stack's folder and where it answers. Written by the stack, read by every other verb."""

import os
from datetime import datetime
from pathlib import Path
from typing import Final

import psutil  # type: ignore[import-untyped]  # no types are shipped
from pydantic import BaseModel, ConfigDict, ValidationError

from spikewatch.cli.exit_status import CannotRun

__all__ = ["DEFAULT_FOLDER", "RunningProcess", "RunningService", "StackFile", "process_of", "read", "remove", "write"]

DEFAULT_FOLDER: Final = Path(".spikewatch")
_NAME: Final = "stack.json"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class RunningProcess(_Part):
    """A process by pid and start time (seconds since 1970), so that a later process with its pid is not taken for it."""

    pid: int
    started: float

    @property
    def is_running(self) -> bool:
        """Whether that very process still runs."""
        return self._find() is not None

    def signal(self, number: int) -> bool:
        """Send a signal to it and its group; false when it is gone."""
        if self._find() is None:
            return False
        try:
            os.killpg(self.pid, number)  # every part leads a group of its own
        except ProcessLookupError:
            try:
                os.kill(self.pid, number)  # the supervisor in the foreground belongs to the shell's group
            except ProcessLookupError:
                return False
        return True

    def memory_bytes(self) -> int | None:
        """Resident memory; None when it is gone."""
        process = self._find()
        try:
            return None if process is None else int(process.memory_info().rss)
        except psutil.Error:
            return None

    def _find(self) -> psutil.Process | None:
        try:
            process = psutil.Process(self.pid)
            is_same = abs(process.create_time() - self.started) < 1 and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return None
        return process if is_same else None


class RunningService(_Part):
    """One instance of a service."""

    name: str
    instance: str
    process: RunningProcess | None
    health_port: int | None
    http_port: int | None = None
    grpc_port: int | None = None
    log: str


class StackFile(_Part):
    """Everything that another command needs to talk to a running stack."""

    started_at: datetime
    supervisor: RunningProcess
    kafka_bootstrap: str
    kafka: RunningProcess | None = None
    mongodb_uri: str
    mongod: RunningProcess | None = None
    services: tuple[RunningService, ...] = ()
    traces_endpoint: str | None = None
    traces_file: str | None = None

    @property
    def ingest_url(self) -> str | None:
        """Where agencies send, for example http://127.0.0.1:20123."""
        port = next((service.http_port for service in self.services if service.name == "ingest"), None)
        return None if port is None else f"http://127.0.0.1:{port}"

    @property
    def enrichment_url(self) -> str | None:
        """Where matches are reviewed, for example http://127.0.0.1:20124."""
        port = next((service.http_port for service in self.services if service.name == "enrichment"), None)
        return None if port is None else f"http://127.0.0.1:{port}"

    @property
    def directory_address(self) -> str | None:
        """Where the directory's gRPC interface answers, host:port."""
        return self._grpc_address("directory")

    @property
    def alerts_address(self) -> str | None:
        """Where the alerts service tells and tests rules over gRPC, host:port."""
        return self._grpc_address("alerts")

    def _grpc_address(self, name: str) -> str | None:
        port = next((service.grpc_port for service in self.services if service.name == name), None)
        return None if port is None else f"127.0.0.1:{port}"


def process_of(pid: int | None) -> RunningProcess | None:
    """Describe a running process; None when there is none."""
    try:
        return None if pid is None else RunningProcess(pid=pid, started=psutil.Process(pid).create_time())
    except psutil.Error:
        return None


def write(folder: Path, stack: StackFile) -> None:
    """Replace the file in one step, readable by its owner alone: a given connection string may hold a password."""
    partial = folder / f"{_NAME}.partial"
    partial.touch(mode=0o600)
    partial.write_text(stack.model_dump_json(indent=2) + "\n", encoding="utf-8")
    partial.replace(folder / _NAME)


def read(folder: Path) -> StackFile:
    """Return what runs in a folder.

    Raises:
        CannotRun: no stack runs there, or the file is not one of ours.
    """
    try:
        found = StackFile.model_validate_json((folder / _NAME).read_bytes())
    except FileNotFoundError:
        raise CannotRun(f"no stack runs in {folder}; start one with `spikewatch up --folder {folder}`, or name its folder") from None
    except ValidationError:
        raise CannotRun(f"{folder / _NAME} cannot be read; stop its processes, delete it, and start again with `spikewatch up`") from None
    return found


def remove(folder: Path) -> None:
    """Remove the file once nothing runs any more."""
    (folder / _NAME).unlink(missing_ok=True)
