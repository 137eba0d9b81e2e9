"""A small OTLP/HTTP receiver for the local stack: keeps traces, accepts metrics and logs and lets them go.

Exporters must never wait for a disk or be told to retry: a request is acknowledged once it is in memory.
"""

import gzip
import logging
import sqlite3
import zlib
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any, Final

from typing_extensions import override

from spikewatch.cli.stack.ports import LOOPBACK, free_port
from spikewatch.cli.stack.trace_store import TraceStore

__all__ = ["TraceReceiver"]

_log: Final = logging.getLogger(__name__)
_WRITE_EVERY_S: Final = 0.25  # one transaction for many requests, and still "at once" for a person
_MAX_BODY: Final = 16 * 1_048_576
_MAX_WAITING: Final = 64 * 1_048_576  # bytes in memory; beyond it the oldest unwritten go
_PATHS: Final = frozenset({"/v1/traces", "/v1/metrics", "/v1/logs"})


class _Waiting:
    """Requests between their acknowledgement and the disk, bounded by bytes."""

    def __init__(self, max_bytes: int = _MAX_WAITING) -> None:
        self._max_bytes = max_bytes
        self._bodies: deque[bytes] = deque()
        self._bytes = 0
        self._lock = Lock()

    def add(self, body: bytes) -> None:
        with self._lock:
            self._bodies.append(body)
            self._bytes += len(body)
            while self._bytes > self._max_bytes:
                self._bytes -= len(self._bodies.popleft())

    def take(self) -> list[bytes]:
        with self._lock:
            taken = list(self._bodies)
            self._bodies.clear()
            self._bytes = 0
        return taken


class TraceReceiver:
    """Listens on ``127.0.0.1`` and writes to one file; port 0 chooses a free one."""

    def __init__(self, file: Path, port: int = 0) -> None:
        self.file = file
        self.port = port or free_port()
        self._waiting = _Waiting()
        self._stopping = Event()
        self._writing = Lock()
        self._store: TraceStore | None = None
        self._server: ThreadingHTTPServer | None = None
        self._threads: list[Thread] = []

    @property
    def endpoint(self) -> str:
        """The value of OTEL_EXPORTER_OTLP_ENDPOINT."""
        return f"http://{LOOPBACK}:{self.port}"

    def start(self) -> None:
        """Listen and write in two threads."""
        self._store = TraceStore(self.file)
        self._server = _Server((LOOPBACK, self.port), _handler(self._waiting))
        self._threads = [
            Thread(target=self._server.serve_forever, name="traces-listen", daemon=True),
            Thread(target=self._write_now_and_then, name="traces-write", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop listening and write what waits."""
        self._stopping.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
        for thread in self._threads:
            thread.join(timeout=5)
        self.flush()
        if self._store is not None:
            self._store.close()
            self._store = None

    def flush(self) -> None:
        """Write what was received so far."""
        with self._writing:
            bodies = self._waiting.take()
            if bodies and self._store is not None:
                self._store.add(bodies)

    def _write_now_and_then(self) -> None:
        while not self._stopping.wait(_WRITE_EVERY_S):
            try:
                self.flush()
            except sqlite3.Error:  # a full disk must not end the stack: these traces are lost, later ones are kept when there is room
                _log.exception("traces were not written")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # exporters keep their connections open for ever


def _handler(waiting: _Waiting) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # keeps the exporters' connections
        disable_nagle_algorithm = True

        def do_POST(self) -> None:  # the name that http.server calls
            length = int(self.headers.get("content-length") or 0)
            if self.path not in _PATHS or not 0 <= length <= _MAX_BODY:
                self.close_connection = True  # the body stays unread
                self._answer(404 if self.path not in _PATHS else 413)
                return
            body = self.rfile.read(length)
            if self.path == "/v1/traces":
                if self.headers.get("content-encoding") == "gzip":
                    try:
                        body = gzip.decompress(body)
                    except (OSError, EOFError, zlib.error):
                        self._answer(400)
                        return
                waiting.add(body)
            self._answer(200)

        def _answer(self, status: int) -> None:
            self.send_response(status)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", "0")  # an empty message: everything was accepted
            self.end_headers()

        @override
        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing: twenty lines a second help nobody."""

    return Handler
