import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread

import pytest

from spikewatch.cli.stack import kafka_probe
from spikewatch.cli.stack.ports import LOOPBACK


@contextmanager
def server(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """Listens for one client, reads its request and answers as the test says."""
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        listener.listen()

        def serve() -> None:
            client, _ = listener.accept()
            with client:
                client.recv(1024)
                answer(client)

        thread = Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(10)


def _response(body: bytes) -> bytes:
    message = struct.pack(">ii", 1, 0) + body
    return struct.pack(">i", len(message)) + message


def test_a_broker_that_lists_itself_is_found() -> None:
    # Two brokers, the second in a rack; then the cluster id and more, which are not read.
    body = (
        struct.pack(">i", 2)
        + struct.pack(">ih2sih", 1, 2, b"k1", 9092, -1)
        + struct.pack(">ih2sih3s", 2, 2, b"k2", 9093, 3, b"r-1")
        + b"\0\0"
    )
    with server(lambda client: client.sendall(_response(body))) as port:
        assert kafka_probe.brokers(LOOPBACK, port) == [("k1", 9092), ("k2", 9093)]


def test_a_broker_that_is_still_fenced_lists_nobody() -> None:
    with server(lambda client: client.sendall(_response(struct.pack(">i", 0)))) as port:
        assert kafka_probe.brokers(LOOPBACK, port) == []


@pytest.mark.parametrize(
    "answer",
    [b"", b"\0\0", b"HTTP/1.1 400 Bad Request\r\n\r\n", _response(struct.pack(">i", 3) + b"\0"), struct.pack(">i", -5)],
    ids=["closes", "cut", "http", "too-short", "negative-size"],
)
def test_what_is_not_kafka_is_nobody(answer: bytes) -> None:
    with server(lambda client: client.sendall(answer)) as port:
        assert kafka_probe.brokers(LOOPBACK, port) == []


def test_nobody_listening_is_nobody() -> None:
    with socket.socket() as unheard:
        unheard.bind((LOOPBACK, 0))
        assert kafka_probe.brokers(LOOPBACK, unheard.getsockname()[1]) == []
