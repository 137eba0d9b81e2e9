"""What matching needs from outside."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from spikewatch.enrichment.domain.matching.decisions import Decisions
from spikewatch.enrichment.domain.transition import StoredIncident

__all__ = ["DecisionSource", "KnownReport", "MatchStore", "ReportState", "Stored", "StoredReport"]

ReportState = tuple[int, int]
"""Revision, and version of the geodata that placed it: the greater one stands."""


@dataclass(slots=True)  # not frozen: one is made for every record, and that costs four times as much
class KnownReport:
    """The newest known state of a report, as it is read.

    ``compared`` is what the matcher looks at, ``content`` what fills an overdose; both are None when the agency has withdrawn it.
    """

    key: UUID
    state: ReportState
    compared: bytes | None
    content: bytes | None


@dataclass(slots=True)
class StoredReport(KnownReport):
    """The same as it is written: with the blocks it is found by and the arrival its retention counts from."""

    received_at: datetime
    blocks: tuple[int, ...]


class MatchStore(Protocol):
    """Keeps the reports by block and the incidents by member. All reads see all acknowledged writes.

    A report that was kept in another format than today's counts as known at (0, 0), below everything: whatever comes replaces it.
    """

    async def reports(self, keys: Collection[UUID]) -> list[KnownReport]:
        """Return the known ones of these reports."""
        ...

    async def lying_in(self, blocks: Sequence[int]) -> dict[UUID, ReportState]:
        """Return every report that lies in any of these blocks, and in which state it is kept."""
        ...

    async def has_other_states(self, states: Mapping[UUID, ReportState]) -> bool:
        """Return whether any of these reports is kept in another state now; what is not kept is in none."""
        ...

    async def add_reports(self, reports: Sequence[StoredReport]) -> frozenset[UUID]:
        """Store the reports that are new and return the keys of the others, which stay as they are."""
        ...

    async def write_reports(self, reports: Sequence[StoredReport], replaced: Mapping[UUID, ReportState]) -> None:
        """Store reports: new ones, and over the states named in ``replaced``.

        Raises:
            Transient: another writer was there in between; read again.
        """
        ...

    async def incidents(self, keys: Collection[UUID]) -> list[StoredIncident]:
        """Return every incident, retracted ones included, that is found by any of these reports."""
        ...

    async def write_incidents(self, incidents: Sequence[StoredIncident]) -> None:
        """Store incidents, each only over the version just below its own.

        Raises:
            Transient: another writer was there in between; read again. Some may have been written.
        """
        ...

    async def other_owners(self, members: Collection[UUID], own: Collection[UUID]) -> dict[UUID, list[UUID]]:
        """Return the active incidents, with their members, that hold any of these reports; ``own`` ones aside."""
        ...

    async def floods(self) -> frozenset[str]:
        """Return the spots whose floods are known."""
        ...

    async def mark_floods(self, spots: Collection[str], reports: Collection[UUID]) -> None:
        """Keep that these spots are flooded, then take their reports out of all blocks: they need not be read any more."""
        ...


class DecisionSource(Protocol):
    """What people decided about matches."""

    async def about(self, reports: Collection[UUID]) -> Decisions:
        """Return what bears on any of these reports: the decisions about them, about what those name, and so on."""
        ...


class Stored(Protocol):
    """A record as a topic holds it."""

    @property
    def partition(self) -> int:
        """Which partition it lies in."""
        ...

    @property
    def offset(self) -> int:
        """Where it lies there."""
        ...

    @property
    def value(self) -> bytes | None:
        """Its body; None for a tombstone."""
        ...
