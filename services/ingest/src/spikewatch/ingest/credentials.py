"""Tells which agency an API key belongs to, and goes on telling while the database is away."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from spikewatch.chassis.outcome import Transient
from spikewatch.ingest.domain.api_key import digest_of
from spikewatch.ingest.ports import ApiKeys

__all__ = ["Credentials"]

_HELD: Final = 10_000  # keys in memory; invented ones push each other out, not the process over its memory


@dataclass(frozen=True, slots=True)
class _Known:
    agency_id: str | None
    looked_up: float


class Credentials:
    """Looks keys up, with a short memory.

    Args:
        keys: the stored keys.
        fresh_for: how long an answer is not asked again; a revoked key works at most so long.
        stale_for: how old an answer may be while the database does not answer.
        monotonic: seconds that only grow.
    """

    def __init__(
        self, keys: ApiKeys, *, fresh_for: timedelta, stale_for: timedelta, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._keys = keys
        self._fresh_seconds = fresh_for.total_seconds()
        self._stale_seconds = stale_for.total_seconds()
        self._monotonic = monotonic
        self._known: OrderedDict[bytes, _Known] = OrderedDict()

    async def agency_of(self, text: str) -> str | None:
        """Return the agency's id, or None when the key is unknown or revoked.

        Raises:
            Transient: the database does not answer and nothing recent enough is known about this key.
        """
        digest = digest_of(text)
        if digest is None:
            return None
        now = self._monotonic()
        known = self._known.get(digest)
        if known is not None and now - known.looked_up < self._fresh_seconds:
            return known.agency_id
        try:
            key = await self._keys.find(digest)
        except Transient:
            if known is not None and known.agency_id is not None and now - known.looked_up < self._stale_seconds:
                return known.agency_id
            raise
        agency_id = None if key is None or key.revoked_at is not None else key.agency_id
        self._known[digest] = _Known(agency_id, now)
        self._known.move_to_end(digest)
        while len(self._known) > _HELD:
            self._known.popitem(last=False)
        return agency_id
