"""One process of the stack: started under the guard, waited for, stopped, killed, restarted; its output goes to one log file."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Final

from spikewatch.cli.exit_status import CannotRun
from spikewatch.cli.stack import guard

__all__ = ["ChildProcess", "StartFailed"]

_POLL_S: Final = 0.05
_SLOWEST_POLL_S: Final = 0.5
_LOG_LINES: Final = 15  # enough for a traceback's end, few enough to read


class StartFailed(CannotRun):
    """A part of the stack did not become ready; the text ends with the last lines of its log."""


class ChildProcess:
    """A child with a log file ``<folder>/<name>.log``."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder
        self.log = folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._letting_go = Lock()

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        process = self._process
        return process.pid if process is not None and self.is_running else None

    @property
    def is_running(self) -> bool:
        """Whether the process was started and has not ended."""
        process = self._process
        if process is None:
            return False
        if process.poll() is None:
            return True
        self._forget(process)
        return False

    def launch(self, command: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        """Start the process; its output is appended to the log."""
        if self.is_running:
            raise RuntimeError(f"{self.name} runs already")
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = guard.start(command, env=os.environ if env is None else env, folder=self.folder, log=log)

    def wait_until(self, is_ready: Callable[[], bool], *, timeout_s: float) -> None:
        """Wait until the part answers.

        Raises:
            StartFailed: it ended first, or did not answer in time.
        """
        deadline = time.monotonic() + timeout_s
        pause = _POLL_S
        while not is_ready():
            if not self.is_running:
                raise StartFailed(self._explain("ended at once"))
            if time.monotonic() > deadline:
                raise StartFailed(self._explain(f"was not ready within {timeout_s:.0f} s"))
            time.sleep(pause)
            pause = min(pause * 1.1, _SLOWEST_POLL_S)  # what takes long is not asked twenty times a second

    def wait(self, *, timeout_s: float) -> int | None:
        """Wait for the end of a process that ends by itself; return its exit status, or None when it still runs."""
        process = self._process
        if process is None:
            return None
        try:
            status = process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None
        self._forget(process)
        return status

    def ask_to_stop(self) -> None:
        """Send SIGTERM and return at once."""
        process = self._process
        if process is not None and process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)

    def stop(self, *, timeout_s: float = 20.0) -> bool:
        """Stop with SIGTERM, after the deadline with SIGKILL; true when SIGTERM sufficed."""
        process = self._process
        if process is None:
            return True
        self.ask_to_stop()
        try:
            process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            return False
        self._forget(process)
        return True

    def kill(self) -> None:
        """End the process with SIGKILL, as a power cut would, and wait until it is gone."""
        process = self._process
        if process is not None:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            self._forget(process)

    def log_tail(self, lines: int = _LOG_LINES) -> str:
        """Return the last lines of the log."""
        try:
            with self.log.open("rb") as log:
                log.seek(max(0, self.log.stat().st_size - 65_536))
                text = log.read().decode("utf-8", "replace")
        except FileNotFoundError:
            return ""
        return "\n".join(text.splitlines()[-lines:])

    def _forget(self, ended: subprocess.Popen[bytes]) -> None:
        """Let go of an ended process; one thread may wait for its readiness while another stops it, so once only."""
        with self._letting_go:
            if self._process is ended:
                guard.forget(ended.pid)
                self._process = None

    def _explain(self, what: str) -> str:
        tail = self.log_tail()
        return f"{self.name} {what}; see {self.log}, which ends with:\n{tail}" if tail else f"{self.name} {what} and logged nothing"
