"""An ASGI app on a port: bound before it is announced, drained before it is gone."""

import asyncio
import socket
from typing import Any

import uvicorn

__all__ = ["HttpServer"]


class HttpServer:
    """One uvicorn server inside the service's own event loop; signals stay the runtime's."""

    def __init__(
        self, app: Any, *, host: str, port: int, drain_seconds: float, certificate: str | None = None, key: str | None = None
    ) -> None:
        self._socket = socket.create_server((host, port), backlog=1024, reuse_port=False)
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            http="httptools",
            timeout_graceful_shutdown=max(1, int(drain_seconds)),
            ssl_certfile=certificate,
            ssl_keyfile=key,
        )
        self._server = uvicorn.Server(config)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Serve from now on."""
        # serve() would take over the process's signal handlers; _serve() is the same without that.
        self._task = asyncio.create_task(self._server._serve(sockets=[self._socket]), name=f"http:{self.port}")  # noqa: SLF001
        while not self._server.started and not self._task.done():  # noqa: ASYNC110  # uvicorn tells by a flag only
            await asyncio.sleep(0.005)
        if self._task.done():
            await self._task

    async def stop(self) -> None:
        """Refuse new connections, finish running requests, then close."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task
        self._socket.close()
