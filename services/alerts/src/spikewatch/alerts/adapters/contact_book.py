"""Who answers for an area, asked from somebody who may be slow or away: the last known answer stands in."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from spikewatch.alerts.ports import ContactMemory
from spikewatch.chassis.outcome import Transient
from spikewatch.contracts.alert import AlertContact

__all__ = ["AskedContactBook", "NoContactBook", "Unavailable"]

# After a failure nobody asks for so long, so that a directory that is away delays one batch and not each.
_PAUSE_SECONDS: Final = 5.0
_MOST_ANSWERS: Final = 10_000


class Unavailable(Exception):  # noqa: N818  # named by its consequence
    """The directory gave no answer in time; the last known one is used."""


class Asked(Protocol):
    """The directory as this service needs it."""

    async def list_responsible(self, areas: Sequence[str]) -> tuple[AlertContact, ...]:
        """Return the contacts, or raise ``Unavailable``."""
        ...


class NoContactBook:
    """Stands where no directory is configured: alerts name no contacts."""

    async def responsible(self, areas: Sequence[str]) -> tuple[AlertContact, ...]:  # noqa: ARG002  # the port's
        """Return no contacts."""
        return ()


class AskedContactBook:
    """Asks the directory, uses an answer again for a while, and falls back to the last known one. Never raises."""

    def __init__(self, directory: Asked, memory: ContactMemory, *, ttl_seconds: float, elapsed: Callable[[], float]) -> None:
        self._directory = directory
        self._memory = memory
        self._ttl = ttl_seconds
        self._elapsed = elapsed
        self._answers: OrderedDict[str, tuple[float, tuple[AlertContact, ...]]] = OrderedDict()
        self._silent_until = 0.0

    async def responsible(self, areas: Sequence[str]) -> tuple[AlertContact, ...]:
        """Return the contacts for the areas, the most specific first."""
        key, now = " ".join(areas), self._elapsed()
        answer = self._answers.get(key)
        if answer is not None and now < answer[0]:
            return answer[1]
        if now < self._silent_until:
            return await self._recalled(key, answer)
        try:
            contacts = await self._directory.list_responsible(areas)
        except Unavailable:
            self._silent_until = self._elapsed() + _PAUSE_SECONDS
            return await self._recalled(key, answer)
        self._answers[key] = (now + self._ttl, contacts)
        self._answers.move_to_end(key)
        while len(self._answers) > _MOST_ANSWERS:
            self._answers.popitem(last=False)
        try:
            await self._memory.remember(key, contacts)
        except Transient:
            return contacts  # only the fallback stays older; the alert's own write will tell if the store is away
        return contacts

    async def _recalled(self, key: str, answer: tuple[float, tuple[AlertContact, ...]] | None) -> tuple[AlertContact, ...]:
        if answer is not None:
            return answer[1]
        try:
            return await self._memory.recall(key) or ()
        except Transient:
            return ()
