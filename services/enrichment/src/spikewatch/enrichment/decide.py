"""The use case of a person's decision: it is kept, and the reports it is about are matched anew under it."""

from collections.abc import Collection, Sequence
from typing import Protocol
from uuid import UUID

from spikewatch.contracts.decision import Decision
from spikewatch.enrichment.domain.matching.decisions import Decisions
from spikewatch.enrichment.service import Publication

__all__ = ["DecideMatches", "DecisionStore", "Rematch"]


class DecisionStore(Protocol):
    """Keeps decisions for ever. All reads see all acknowledged writes."""

    async def add(self, decisions: Sequence[Decision]) -> None:
        """Store decisions; one that is known already stays as it is."""
        ...

    async def known(self, identities: Collection[UUID]) -> list[Decision]:
        """Return those of these decisions that are known."""
        ...

    async def about(self, reports: Collection[UUID]) -> Decisions:
        """Return what bears on some reports: the decisions about them, about what those name, and so on, with their undos."""
        ...


class Rematch(Protocol):
    """Matches reports that are known already."""

    async def rematch(self, reports: Collection[UUID]) -> list[Publication]:
        """Match some reports anew and return what must be published, also when nothing changed since an earlier attempt."""
        ...


class DecideMatches:
    """Takes decisions in.

    They are written before anything is matched: a report that comes at the same time is matched under them by whoever of the two
    writers is later. A decision about reports that nobody has sent yet waits in the store.
    """

    def __init__(self, store: DecisionStore, matching: Rematch) -> None:
        self._store = store
        self._matching = matching

    async def apply(self, decisions: Sequence[Decision]) -> list[Publication]:
        """Take a batch of decisions in and return what must be published.

        Raises:
            Transient: another writer changed the same incidents; the batch must be repeated.
        """
        await self._store.add(decisions)
        undone = await self._store.known({one.undoes for one in decisions if one.undoes is not None})
        touched = {key for one in (*decisions, *undone) for key in (*one.reports, *one.others)}
        return await self._matching.rematch(touched)
