"""MLLP over TCP: frames of 0x0B … 0x1C 0x0D, one after the other on a connection, each answered before the next is read.

What never ends costs nothing but its connection: a message must be complete within a time and a size, an idle connection
is closed, and there are only so many of them.
"""

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

__all__ = ["Frame", "MllpLimits", "MllpListener", "TakeFrame", "server_tls"]

_log: Final = logging.getLogger(__name__)
_START: Final = 0x0B
_END: Final = 0x1C
_CLOSING: Final = b"\x1c\r"
_READ_BYTES: Final = 65_536
_HEAD_BYTES: Final = 4_096
# Bytes of an oversize message that are read and thrown away, so that its sender sees the answer instead of a reset.
_DISCARDED_MESSAGES: Final = 8
_HANDSHAKE_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Frame:
    """What stood between the marks; of an oversize message only its beginning."""

    body: bytes
    is_oversize: bool = False
    is_ended: bool = True


@dataclass(frozen=True, slots=True)
class MllpLimits:
    """How much, how many at once, and for how long."""

    message_bytes: int
    connections: int
    idle_seconds: float
    message_seconds: float


TakeFrame = Callable[[Frame], Awaitable[bytes | None]]
"""Takes a frame and returns its answer without framing, or None for none."""


class MllpListener:
    """A server for MLLP connections.

    Args:
        take: what is done with a frame.
        limits: of a connection.
        host: address to listen on.
        port: 0 chooses a free one.
        tls: its certificate, and whose client certificates it asks for.
    """

    def __init__(self, take: TakeFrame, limits: MllpLimits, *, host: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        self._take = take
        self._limits = limits
        self._tls = tls
        self._socket = socket.create_server((host, port), backlog=128, family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        self.port: int = self._socket.getsockname()[1]
        self._server: asyncio.Server | None = None
        self._busy: dict[asyncio.Task[None], bool] = {}
        self._is_stopping = False

    async def start(self) -> None:
        """Listen from now on."""
        handshake = _HANDSHAKE_SECONDS if self._tls is not None else None
        self._server = await asyncio.start_server(self._serve, sock=self._socket, ssl=self._tls, ssl_handshake_timeout=handshake)

    async def stop(self, drain_seconds: float) -> None:
        """Refuse new connections, answer the messages in hand, close."""
        self._is_stopping = True
        if self._server is not None:
            self._server.close()
        for task, is_busy in list(self._busy.items()):
            if not is_busy:
                task.cancel()
        if self._busy:
            _, late = await asyncio.wait(list(self._busy), timeout=drain_seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        self._socket.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  # asyncio runs it in one
        if len(self._busy) >= self._limits.connections or self._is_stopping:
            _log.warning("mllp connection refused: too many at once", extra={"limit": self._limits.connections})
            writer.close()
            return
        self._busy[task] = False
        try:
            await self._converse(task, _Frames(reader, self._limits), writer)
        except TimeoutError:
            _log.warning("mllp connection closed: a message did not end in time, or its answer was not read")
        except (ConnectionError, ssl.SSLError, OSError) as error:
            _log.info("mllp connection broke", extra={"error_type": type(error).__name__})
        except asyncio.CancelledError:
            if not self._is_stopping:
                raise
        finally:
            del self._busy[task]
            writer.close()
            with contextlib.suppress(OSError, ssl.SSLError, TimeoutError, asyncio.CancelledError):
                async with asyncio.timeout(1):
                    await writer.wait_closed()

    async def _converse(self, task: asyncio.Task[None], frames: "_Frames", writer: asyncio.StreamWriter) -> None:
        while not self._is_stopping:
            frame = await frames.next()
            if frame is None:
                return
            self._busy[task] = True
            answer = await self._take(frame)
            if answer is not None:
                writer.write(bytes((_START,)) + answer + _CLOSING)
                async with asyncio.timeout(self._limits.message_seconds):
                    await writer.drain()
            self._busy[task] = False
            if not frame.is_ended:
                return  # where the next message begins cannot be told


def server_tls(certificate: str | None, key: str | None, client_authorities: str | None) -> ssl.SSLContext | None:
    """Return the TLS side of a server, or None without a certificate; with client authorities every client needs a certificate of theirs.

    Raises:
        OSError: a file cannot be read, or is no certificate or key.
    """
    if certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    if client_authorities is not None:
        context.load_verify_locations(client_authorities)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


class _Frames:
    """Cuts a connection's bytes into frames."""

    def __init__(self, reader: asyncio.StreamReader, limits: MllpLimits) -> None:
        self._reader = reader
        self._limits = limits
        self._buffer = bytearray()

    async def next(self) -> Frame | None:
        """Return the next frame; None when the connection ended or stayed idle.

        Raises:
            TimeoutError: a message began and did not end in time.
        """
        try:
            async with asyncio.timeout(self._limits.idle_seconds):
                if not await self._began():
                    return None
        except TimeoutError:
            return None
        async with asyncio.timeout(self._limits.message_seconds):
            return await self._body()

    async def _began(self) -> bool:
        """Skip to the start mark: between messages nothing counts, not even the line end behind the last."""
        while True:
            at = self._buffer.find(_START)
            if at >= 0:
                del self._buffer[: at + 1]
                return True
            self._buffer.clear()
            if not await self._more():
                return False

    async def _body(self) -> Frame | None:
        scanned = 0
        while (at := self._buffer.find(_END, scanned)) < 0:
            scanned = len(self._buffer)
            if scanned > self._limits.message_bytes:
                return await self._oversize()
            if not await self._more():
                return None  # it broke off: nothing of it was taken, and nobody is left to tell
        body = bytes(self._buffer[:at])
        del self._buffer[: at + 1]
        # A start mark inside: the message before it was given up by its sender.
        body = body[body.rfind(_START) + 1 :]
        return Frame(body[:_HEAD_BYTES], is_oversize=True) if len(body) > self._limits.message_bytes else Frame(body)

    async def _oversize(self) -> Frame:
        head, discarded = bytes(self._buffer[:_HEAD_BYTES]), 0
        while discarded <= self._limits.message_bytes * _DISCARDED_MESSAGES:
            at = self._buffer.find(_END)
            if at >= 0:
                del self._buffer[: at + 1]
                return Frame(head, is_oversize=True)
            discarded += len(self._buffer)
            self._buffer.clear()
            if not await self._more():
                break
        return Frame(head, is_oversize=True, is_ended=False)

    async def _more(self) -> bool:
        received = await self._reader.read(_READ_BYTES)
        self._buffer += received
        return bool(received)
