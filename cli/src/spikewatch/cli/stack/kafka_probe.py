"""Asks a Kafka broker for its cluster's brokers with one hand-made request: ready is who lists itself.

A TCP connection alone proves little: KRaft opens the port first and is fenced until the controller has registered it.
"""

import socket
import struct
from typing import Final

__all__ = ["brokers"]

_METADATA: Final = 3
_VERSION: Final = 4  # the oldest with allow_auto_topic_creation; plain encoding without tagged fields
_MAX_RESPONSE: Final = 1_048_576  # brokers and no topics: a few hundred bytes; more is not Kafka


def brokers(host: str, port: int, *, timeout_s: float = 2.0) -> list[tuple[str, int]]:
    """Return host and port of every live broker; empty when nobody answers or none is ready yet."""
    client = b"spikewatch-probe"
    # api key, api version, correlation id, client id; then an empty list of topics, and "create none".
    request = struct.pack(f">hhih{len(client)}sib", _METADATA, _VERSION, 1, len(client), client, 0, 0)
    try:
        with socket.create_connection((host, port), timeout=timeout_s) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            (size,) = struct.unpack(">i", _exactly(connection, 4))
            if not 0 < size <= _MAX_RESPONSE:
                return []
            return _parse(_exactly(connection, size))
    except (OSError, struct.error, UnicodeDecodeError):
        return []


def _exactly(connection: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        part = connection.recv(count - len(received))
        if not part:
            raise ConnectionResetError
        received += part
    return received


def _parse(response: bytes) -> list[tuple[str, int]]:
    position = 8  # correlation id, throttle time
    (count,) = struct.unpack_from(">i", response, position)
    position += 4
    found = []
    for _ in range(count):
        _node, length = struct.unpack_from(">ih", response, position)
        position += 6
        host = response[position : position + length].decode("ascii")
        (port, rack) = struct.unpack_from(">ih", response, position + length)
        position += length + 6 + max(rack, 0)  # a null rack has length -1
        found.append((host, port))
    return found
