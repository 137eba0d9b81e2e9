"""Talks to the ingest gateway: sends a body until it is answered, and asks what became of it."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import httpx

from spikewatch.cli.exit_status import CannotRun
from spikewatch.cli.replay.bodies import Body

__all__ = ["Answer", "Gateway"]

_RETRIED: Final = frozenset({429, 502, 503, 504})
_UNPROVEN: Final = frozenset({401, 403})
_FIRST_PAUSE: Final = 0.2
_LONGEST_PAUSE: Final = 5.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the gateway said to one body: a receipt, or a problem (RFC 9457) when it refused the body whole."""

    records: int
    submission_id: str | None = None
    status_url: str | None = None
    problem: Mapping[str, Any] = field(default_factory=dict)


class Gateway:
    """One agency's way to the gateway.

    Args:
        client: sends the requests; its base URL is the gateway's.
        key: the agency's key.
        feed_format: ``statutory``, ``cad_911``; told to the gateway as it is.
        profile: a profile of the agency, in place of a format.
        patience: seconds for which one request is tried again when the gateway is busy or away.
        pause: waits so many seconds.
        seconds: a monotonic clock.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        key: str,
        feed_format: str,
        *,
        profile: str | None = None,
        patience: float = 30.0,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._headers = {"Authorization": f"Bearer {key}"}
        self._params = {"format": feed_format} if profile is None else {"profile": profile}
        self._patience = patience
        self._pause = pause
        self._seconds = seconds

    async def submit(self, body: Body, idempotency_key: str) -> Answer:
        """Send a body; the same key with the same body never counts twice, so a lost answer is asked for again.

        Raises:
            CannotRun: the gateway does not answer, or does not take the agency's key.
        """
        headers = self._headers | {"Content-Type": body.content_type, "Idempotency-Key": idempotency_key}
        response = await self._answered("POST", "/v1/submissions", content=body.content, headers=headers, params=self._params)
        if response.is_success:
            receipt = response.json()
            return Answer(body.records, receipt["submission_id"], receipt["status_url"])
        return Answer(body.records, problem=_problem(response))

    async def knows_key(self) -> bool:
        """Tell whether the gateway takes the key; a new agency's record may still be on its way to it."""
        try:
            response = await self._client.get(f"/v1/submissions/{UUID(int=0)}", headers=self._headers)
        except httpx.TransportError:
            return False
        # It has no such submission: that it says so means that it knows who asks.
        return response.status_code == httpx.codes.NOT_FOUND

    async def outcome(self, status_url: str) -> dict[str, Any]:
        """Return what became of a submission so far.

        Raises:
            CannotRun: the gateway does not answer, or no longer knows the submission.
        """
        response = await self._answered("GET", status_url, headers=self._headers)
        if not response.is_success:
            raise CannotRun(f"the gateway does not tell what became of a submission (HTTP {response.status_code}); look at its log.")
        found: dict[str, Any] = response.json()
        return found

    async def _answered(self, method: str, url: str, **request: Any) -> httpx.Response:
        give_up = self._seconds() + self._patience
        pause = _FIRST_PAUSE
        while True:
            try:
                response = await self._client.request(method, url, **request)
            except httpx.TransportError as error:
                wait, trouble = None, f"does not answer ({type(error).__name__})"
            else:
                if response.status_code in _UNPROVEN:
                    raise CannotRun("the gateway does not take this key; issue one with `spikewatch agency-keys issue AGENCY`.")
                if response.status_code not in _RETRIED:
                    return response
                wait, trouble = _retry_after(response), f"is busy (HTTP {response.status_code})"
            if wait is None:
                wait = pause * (0.5 + random.random())  # noqa: S311  # spreads retries, no secret
            if self._seconds() + wait > give_up:
                raise CannotRun(f"the gateway at {self._client.base_url} {trouble}; start it with `spikewatch up`, or give --url.")
            await self._pause(wait)
            pause = min(pause * 2, _LONGEST_PAUSE)


def _retry_after(response: httpx.Response) -> float | None:
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isdecimal() else None


def _problem(response: httpx.Response) -> dict[str, Any]:
    try:
        found = response.json()
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"title": f"HTTP {response.status_code}"}
