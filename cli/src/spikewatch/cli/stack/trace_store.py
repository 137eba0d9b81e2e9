"""The traces of one stack, in one bounded SQLite file.

Requests are kept as the exporters sent them and decoded only when somebody looks: at ten thousand spans a second decoding
would cost more than the pipeline. A trace is found by the sixteen bytes of its id, which stand in the request as they are;
so spans that only *link* to the trace are found the same way.
"""

import sqlite3
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

__all__ = ["TraceStore"]

_MAX_BYTES: Final = 256 * 1_048_576  # about a million spans
_SHARE_DROPPED: Final = 0.1  # of the oldest, when it is full: seldom enough to cost nothing
_SCHEMA: Final = "CREATE TABLE IF NOT EXISTS request (number INTEGER PRIMARY KEY, received_ns INTEGER NOT NULL, body BLOB NOT NULL)"


class TraceStore:
    """OTLP trace requests by arrival. One writer; readers may come at any time, also from other processes."""

    def __init__(self, path: Path, *, max_bytes: int = _MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        path.parent.mkdir(parents=True, exist_ok=True)
        # One connection without a thread check: the caller uses it from one thread at a time.
        self._database = sqlite3.connect(path, check_same_thread=False, timeout=10, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=OFF")  # traces may be lost in a power cut, the pipeline must not wait for them
        self._database.execute(_SCHEMA)
        self._bytes: int = self._database.execute("SELECT coalesce(sum(length(body)), 0) FROM request").fetchone()[0]

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def add(self, bodies: Iterable[bytes]) -> None:
        """Keep some requests; the oldest go when the file is full.

        Raises:
            sqlite3.Error: the disk is full or the file is locked; nothing of these was kept.
        """
        now = time.time_ns()
        rows = [(now, body) for body in bodies]
        self._database.execute("BEGIN IMMEDIATE")
        try:
            self._database.executemany("INSERT INTO request (received_ns, body) VALUES (?, ?)", rows)
            self._bytes += sum(len(body) for _, body in rows)
            if self._bytes > self._max_bytes:
                self._drop_oldest()
        except sqlite3.Error:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def holding(self, trace_id: bytes) -> Iterator[bytes]:
        """Return the requests that mention a trace, in order of arrival."""
        for (body,) in self._database.execute("SELECT body FROM request WHERE instr(body, ?) > 0 ORDER BY number", (trace_id,)):
            yield body

    def newest(self) -> Iterator[bytes]:
        """Return all requests, the newest first."""
        for (body,) in self._database.execute("SELECT body FROM request ORDER BY number DESC"):
            yield body

    def _drop_oldest(self) -> None:
        dropped = 0
        number = 0
        for number, size in self._database.execute("SELECT number, length(body) FROM request ORDER BY number"):  # noqa: B007  # used below
            dropped += size
            if self._bytes - dropped <= self._max_bytes * (1 - _SHARE_DROPPED):
                break
        self._database.execute("DELETE FROM request WHERE number <= ?", (number,))
        self._bytes -= dropped
