"""Opens a feed's file, or standard input, as a stream: unpacked, with its first bytes at hand, and how much of it was read."""

import gzip
import io
import os
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from typing_extensions import override

from spikewatch.cli.exit_status import CannotRun

__all__ = ["STANDARD_INPUT", "OpenedFile", "opened"]

STANDARD_INPUT: Final = "-"
_START: Final = 1 << 18  # enough to tell a format from the first rows; the first row of a wide table is far shorter
_GZIP: Final = b"\x1f\x8b"
_SPREADSHEET: Final = b"PK\x03\x04"


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """A file that is being read.

    Attributes:
        name: as it was given.
        stream: its content, unpacked.
        start: the first bytes of the content, which ``stream`` gives, too.
        size: bytes on disk; None where nobody knows.
        done: returns how many of them were read so far.
    """

    name: str
    stream: io.BufferedReader
    start: bytes
    size: int | None
    done: Callable[[], int]


class _Counted(io.RawIOBase):
    """Counts what is read; a failure to read names the file."""

    def __init__(self, raw: io.BufferedIOBase, name: str) -> None:
        self._raw = raw
        self._name = name
        self.count = 0

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]  # typeshed's Buffer has no slices
        try:
            found = self._raw.read1(len(buffer)) if hasattr(self._raw, "read1") else self._raw.read(len(buffer))
        except (OSError, EOFError, zlib.error) as error:
            raise _unreadable(self._name, error) from None
        buffer[: len(found)] = found
        self.count += len(found)
        return len(found)


class _Joined(io.RawIOBase):
    """The start that was looked at, then the rest."""

    def __init__(self, start: bytes, rest: io.BufferedReader) -> None:
        self._start = memoryview(start)
        self._rest = rest

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]  # typeshed's Buffer has no slices
        if self._start:
            count = min(len(buffer), len(self._start))
            buffer[:count] = self._start[:count]
            self._start = self._start[count:]
            return count
        found = self._rest.read(len(buffer))
        buffer[: len(found)] = found
        return len(found)


@contextmanager
def opened(name: str) -> Iterator[OpenedFile]:
    """Open a file.

    Raises:
        CannotRun: it cannot be read.
    """
    size: int | None = None
    try:
        if name == STANDARD_INPUT:
            raw = cast("io.BufferedIOBase", sys.stdin.buffer)
        else:
            raw = Path(name).open("rb")  # noqa: SIM115  # closed below
            size = os.fstat(raw.fileno()).st_size
    except OSError as error:
        raise _unreadable(name, error) from None
    try:
        counted = _Counted(raw, name)
        content: io.BufferedReader = cast("io.BufferedReader", io.BufferedReader(counted, 1 << 20))
        if content.peek(2)[:2] == _GZIP:
            unpacked = _Counted(cast("io.BufferedIOBase", gzip.GzipFile(fileobj=content)), name)
            content = cast("io.BufferedReader", io.BufferedReader(unpacked, 1 << 20))
        start = _first(content)
        if start.startswith(_SPREADSHEET):
            # A spreadsheet is a zip, whose table of contents stands at the end: it is read in no other order.
            yield OpenedFile(name, cast("io.BufferedReader", io.BytesIO(start + content.read())), start, size, lambda: counted.count)
        else:
            stream = cast("io.BufferedReader", io.BufferedReader(_Joined(start, content), 1 << 18))
            yield OpenedFile(name, stream, start, size, lambda: counted.count)
    finally:
        if name != STANDARD_INPUT:
            raw.close()


def _first(content: io.BufferedReader) -> bytes:
    parts: list[bytes] = []
    missing = _START
    while missing > 0 and (part := content.read1(missing)):
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def _unreadable(name: str, error: Exception) -> CannotRun:
    return CannotRun(f"{name} cannot be read ({type(error).__name__}); check its path and that it is whole")
