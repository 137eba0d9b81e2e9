"""Liveness, readiness and start-up over HTTP, for probes and for people.

Live means that work moves, not that a broker answers: a probe that fails in an outage restarts everything and helps nobody.
"""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Checks", "health_app"]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(slots=True)
class Checks:
    """What the probes ask. Each check returns what is wrong, or nothing."""

    live: Callable[[], list[str]]
    ready: Callable[[], Awaitable[list[str]]]
    facts: dict[str, object] = field(default_factory=dict)


def health_app(checks: Checks) -> App:
    """Return an ASGI app with ``/live``, ``/ready`` and ``/``."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        path = scope["path"]
        if path == "/live":
            problems = checks.live()
        elif path in {"/ready", "/startup"}:
            problems = await checks.ready()
        elif path == "/":
            problems = []
        else:
            await _answer(send, 404, {"problem": "no such path", "expected": "/live, /ready or /startup"})
            return
        await _answer(send, 503 if problems else 200, {"status": "failing" if problems else "ok", "problems": problems, **checks.facts})

    return app


async def _lifespan(receive: Receive, send: Send) -> None:
    while (await receive())["type"] != "lifespan.shutdown":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})


async def _answer(send: Send, status: int, body: dict[str, object]) -> None:
    payload = json.dumps(body, default=str).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(payload)).encode()), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": payload})
