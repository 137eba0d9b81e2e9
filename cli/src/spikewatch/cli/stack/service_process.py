"""One instance of one service as a process: ``python -m spikewatch.<name>``, ready when it says so in its ready file."""

import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from spikewatch.cli.stack.child_process import ChildProcess
from spikewatch.cli.stack.ports import LOOPBACK

__all__ = ["ServiceProcess"]

_START_S: Final = 180.0  # four services import at once on two cores in about 5 s; a machine ten times slower a minute
_STOP_S: Final = 30.0  # the chassis drains for 20 s at most
_PROBE_S: Final = 5.0


class ServiceProcess:
    """A service, started with ``env`` on top of this process's environment.

    Args:
        name: the service's package below ``spikewatch``, for example ``ingest``.
        env: its settings.
        folder: where its log and ready file go.
        instance: 1 for the first; several instances of one service share its consumer groups.
    """

    def __init__(self, name: str, env: Mapping[str, str], folder: Path, *, instance: int = 1) -> None:
        self.name = name
        self.instance = f"{name}-{instance}"
        self._ready_file = folder / f"{self.instance}.ready.json"
        self._env = {**env, "SPIKEWATCH_INSTANCE": self.instance, "SPIKEWATCH_READY_FILE": str(self._ready_file)}
        self._process = ChildProcess(self.instance, folder)
        self._ports: dict[str, int | None] = {}

    @property
    def process(self) -> ChildProcess:
        """The operating system's process."""
        return self._process

    @property
    def health_port(self) -> int | None:
        """Where /live and /ready answer, once ready."""
        return self._ports.get("health")

    @property
    def http_port(self) -> int | None:
        """Where its HTTP interface answers, once ready; None when it has none."""
        return self._ports.get("http")

    @property
    def grpc_port(self) -> int | None:
        """Where its gRPC interface answers, once ready; None when it has none."""
        return self._ports.get("grpc")

    def launch(self) -> None:
        """Start the process without waiting."""
        self._ready_file.unlink(missing_ok=True)
        self._ports = {}
        self._process.launch([sys.executable, "-m", f"spikewatch.{self.name}"], {**os.environ, **self._env})

    def wait_ready(self, *, timeout_s: float = _START_S) -> None:
        """Wait until the service is ready.

        Raises:
            StartFailed: it ended, or was not ready in time; with the last lines of its log.
        """
        self._process.wait_until(self.is_ready, timeout_s=timeout_s)

    def start(self) -> None:
        """Start and wait until ready."""
        self.launch()
        self.wait_ready()

    def stop(self, *, timeout_s: float = _STOP_S) -> bool:
        """Drain and stop; true when SIGTERM sufficed."""
        return self._process.stop(timeout_s=timeout_s)

    def kill(self) -> None:
        """End it with SIGKILL."""
        self._process.kill()

    def restart(self) -> None:
        """Stop when it runs, then start with the same settings."""
        self.stop()
        self.start()

    def is_ready(self) -> bool:
        """Ask /ready."""
        return self._read_ports() and self._answers("ready")

    def is_live(self) -> bool:
        """Ask /live."""
        return self._read_ports() and self._answers("live")

    def _read_ports(self) -> bool:
        if not self._ports:
            try:
                written = json.loads(self._ready_file.read_text(encoding="utf-8"))
            except (FileNotFoundError, json.JSONDecodeError):  # not yet, or half written
                return False
            self._ports = {name: written.get(name) for name in ("health", "http", "grpc")}
        return self._process.is_running

    def _answers(self, probe: str) -> bool:
        try:
            with urllib.request.urlopen(f"http://{LOOPBACK}:{self.health_port}/{probe}", timeout=_PROBE_S) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False
