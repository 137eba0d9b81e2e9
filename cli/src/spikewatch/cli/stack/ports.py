"""Free ports on loopback that stay free for a restart.

They are taken from below the range that the kernel gives to outgoing connections: a server killed in a fault test
would else find its port in use by some client's connection when it comes back.
"""

import random
import socket
from threading import Lock
from typing import Final

__all__ = ["LOOPBACK", "NoFreePort", "answers", "free_port"]

LOOPBACK: Final = "127.0.0.1"
_FIRST: Final = 20_000
_LAST: Final = 32_767  # Linux gives outgoing connections 32768 and above
_ATTEMPTS: Final = 1_000
_random: Final = random.SystemRandom()  # two stacks started in the same instant must not draw the same ports
_given: Final[set[int]] = set()
_lock: Final = Lock()


class NoFreePort(Exception):  # noqa: N818  # named by its consequence
    """No free port was found between the first and the last that are tried."""


def free_port() -> int:
    """Return a port on loopback that nothing listens on and that this process has not given before.

    Raises:
        NoFreePort: a thousand draws found none.
    """
    for _ in range(_ATTEMPTS):
        port = _random.randint(_FIRST, _LAST)
        with _lock:
            if port not in _given and _is_free(port):
                _given.add(port)
                return port
    raise NoFreePort(f"no free port between {_FIRST} and {_LAST} on {LOOPBACK}; stop what listens there or name ports yourself")


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
