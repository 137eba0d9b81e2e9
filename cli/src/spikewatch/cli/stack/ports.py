"""Free ports on loopback that stay free for a restart.

They are taken from below the range that the kernel gives to outgoing connections: a server killed in a fault test
would else find its port in use by some client's connection when it comes back.
"""

import errno
import random
import socket
import sys
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Final

__all__ = ["LOOPBACK", "NoFreePort", "answers", "free_port", "kept_port"]

LOOPBACK: Final = "127.0.0.1"
_FIRST: Final = 20_000
_LAST: Final = 32_767  # Linux gives outgoing connections 32768 and above
_ATTEMPTS: Final = 1_000
_random: Final = random.SystemRandom()  # two stacks started in the same instant must not draw the same ports
_given: Final[dict[int, int]] = {}  # port -> descriptor of its claim, held until this process ends
_kept: Final[dict[int, Path]] = {}  # port -> the file that keeps it; one folder runs one stack at a time, so its port may be given again
_NO_CLAIM: Final = -1
_lock: Final = Lock()


class NoFreePort(Exception):  # noqa: N818  # named by its consequence
    """No free port was found between the first and the last that are tried."""


def free_port() -> int:
    """Return a port on loopback that nothing listens on and that no process of this kind has given and still holds.

    Raises:
        NoFreePort: a thousand draws found none.
    """
    for _ in range(_ATTEMPTS):
        port = _random.randint(_FIRST, _LAST)
        if _take(port):
            return port
    raise NoFreePort(f"no free port between {_FIRST} and {_LAST} on {LOOPBACK}; stop what listens there or name ports yourself")


def kept_port(folder: Path, name: str) -> int:
    """Return the port that a server of this folder had before while it is free, else a free one, and keep it in the folder.

    What a folder holds names its server's port, and so do the addresses that people noted: a restart should not change it.
    """
    path = (folder / f"{name}.port").absolute()
    with suppress(OSError, ValueError):  # none yet, or not ours
        kept = int(path.read_text(encoding="ascii"))
        if 0 < kept <= 65_535 and ((_kept.get(kept) == path and _is_free(kept)) or _take(kept)):
            _kept[kept] = path
            return kept
    port = free_port()
    _kept[port] = path
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{port}\n", encoding="ascii")
    return port


def _take(port: int) -> bool:
    with _lock:
        if port in _given or not _is_free(port) or (claim := _claim(port)) is None:
            return False
        _given[port] = claim
        return True


def _claim(port: int) -> int | None:
    """Hold a name that only one process of the machine can hold, as a server takes seconds from its start to its listening.

    An abstract socket leaves no file and ends with its process; where there are none, the draw alone must do.
    """
    if sys.platform != "linux":
        return _NO_CLAIM
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        claim.bind(f"\0spikewatch-port-{port}")
    except OSError as error:
        claim.close()
        return None if error.errno == errno.EADDRINUSE else _NO_CLAIM
    return claim.detach()


def answers(host: str, port: int, *, timeout_s: float = 1.0) -> bool:
    """Say whether something accepts TCP connections there."""
    try:
        with socket.create_connection((host, port), timeout=timeout_s):
            return True
    except OSError:
        return False


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port in TIME_WAIT is free for a server
        try:
            listener.bind((LOOPBACK, port))
        except OSError:
            return False
        return True
