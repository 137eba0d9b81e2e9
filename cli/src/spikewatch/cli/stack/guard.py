"""Ends what this process started when this process is itself killed, even by SIGKILL.

A small process holds the reading end of a pipe whose writing end only the parent has. Each child writes its pid there
before it becomes the server (so no child is ever unknown), the parent takes it off when the child has ended, and when the
pipe closes, the guard stops whatever is left. PR_SET_PDEATHSIG is not used: it fires when the *thread* that started the child ends.

Run by path and with the standard library alone: it must start in milliseconds and import nothing of the project.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import IO, Final

__all__ = ["forget", "start"]

_GRACE_S: Final = 3.0  # for mongod to close its files; the services lose nothing when killed
_lock: Final = Lock()
_pipe: dict[int, int] = {}  # pid of this process (a fork must not share its parent's guard) -> writing end


def start(command: Sequence[str], *, env: Mapping[str, str], folder: Path, log: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start a command in a process group of its own, output to ``log``, that ends when this process ends."""
    pipe = _writing_end()
    wrapped = [sys.executable, "-I", "-S", __file__, "become", str(pipe), *command]
    return subprocess.Popen(  # noqa: S603  # the commands are the stack's own
        wrapped, env=dict(env), cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, pass_fds=(pipe,)
    )


def forget(pid: int) -> None:
    """Take a child that has ended off the guard's list, so that a later process with its pid is safe."""
    with suppress(BrokenPipeError):  # somebody killed the guard: nothing is left that could mistake the pid
        os.write(_writing_end(), f"-{pid}\n".encode())


def _writing_end() -> int:
    with _lock:
        own = os.getpid()
        if own not in _pipe:
            reading, writing = os.pipe()
            subprocess.Popen(  # noqa: S603  # this very file
                [sys.executable, "-I", "-S", __file__, "watch"],
                stdin=reading,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                cwd="/",
            ).returncode = 0  # it outlives us by design: nobody waits for it
            os.close(reading)
            _pipe[own] = writing
        return _pipe[own]


def _become(arguments: Sequence[str]) -> None:
    pipe = int(arguments[0])
    os.write(pipe, f"+{os.getpid()}\n".encode())
    os.set_inheritable(pipe, False)  # the server must not hold the pipe open
    os.execvp(arguments[1], list(arguments[1:]))  # noqa: S606  # replaces this process on purpose


def _watch() -> None:
    alive: set[int] = set()
    for line in sys.stdin:
        pid = int(line[1:])
        if line[0] == "+":
            alive.add(pid)
        else:
            alive.discard(pid)
    _signal(alive, signal.SIGTERM)
    deadline = time.monotonic() + _GRACE_S
    while _signal(alive, 0) and time.monotonic() < deadline:
        time.sleep(0.05)
    _signal(alive, signal.SIGKILL)


def _signal(groups: set[int], number: int) -> bool:
    """Signal every group; true when at least one is there."""
    reached = False
    for pid in groups:
        try:
            os.killpg(pid, number)
            reached = True
        except (ProcessLookupError, PermissionError):
            continue
    return reached


if __name__ == "__main__":
    if sys.argv[1] == "become":
        _become(sys.argv[2:])
    else:
        _watch()
