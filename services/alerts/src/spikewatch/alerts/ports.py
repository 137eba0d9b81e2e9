"""What the use cases need from outside. Every write is a compare-and-set; a lost race raises ``Overtaken``."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from spikewatch.alerts.domain.clusters.look import Placed
from spikewatch.alerts.domain.contributed import Held
from spikewatch.alerts.domain.fanned import Fanned
from spikewatch.alerts.domain.first_told import DayTold
from spikewatch.alerts.domain.identity import Kept
from spikewatch.alerts.domain.reported import Reported
from spikewatch.alerts.domain.spans import Span
from spikewatch.chassis.kafka.message import Message
from spikewatch.chassis.outcome import Transient
from spikewatch.contracts.alert import AlertContact, SilentFeed

__all__ = [
    "AlertStore",
    "AreaState",
    "AreaStore",
    "ContactBook",
    "ContactMemory",
    "ContributionStore",
    "DelayBook",
    "DelayStore",
    "FannedStore",
    "FeedBook",
    "Overtaken",
    "Publishing",
    "Row",
]

Row = tuple[int, int]
"""Time (microseconds) and mark of one overdose."""


class Overtaken(Transient):
    """A write was made from what is no longer held: another writer was first. Others of the same call may be written."""


@dataclass(frozen=True, slots=True)
class AreaState:
    """What is kept of an area beside its contributions.

    ``spans`` changed and may not be evaluated yet: written before the contributions, and left out by the area's next write
    when they were evaluated, so that a crash in between forgets nothing. ``first`` is the area's first overdose, None where
    it must be asked for.
    """

    area: str
    first: int | None = None
    spans: tuple[Span, ...] = ()
    sequence: int = 0


class FannedStore(Protocol):
    """Where each incident counts."""

    async def load(self, incidents: Collection[UUID]) -> dict[UUID, Fanned]:
        """Return what is known of some incidents."""
        ...

    async def save(self, changes: Sequence[tuple[Fanned | None, Fanned]]) -> None:
        """Replace what was loaded by what it became.

        Raises:
            Overtaken: another writer was first.
        """
        ...


class ContributionStore(Protocol):
    """All contributions, by area and incident."""

    async def load(self, keys: Collection[str]) -> dict[str, Held]:
        """Return some contributions by record key."""
        ...

    async def save(self, changes: Sequence[tuple[Held | None, Held]]) -> None:
        """Replace what was loaded by what it became.

        Raises:
            Overtaken: another writer was first.
        """
        ...

    async def rows(self, spans: Mapping[str, Span]) -> dict[str, list[Row]]:
        """Return the overdoses of some areas, each within its span, both ends included."""
        ...

    def pages(self, area: str, span: Span) -> AsyncIterator[list[Row]]:
        """Yield the overdoses of one area within a span, both ends included, some at a time: an area may hold millions."""
        ...

    async def within(self, area: str, start: int, end: int) -> list[Held]:
        """Return the contributions with an overdose in ``(start, end]``."""
        ...

    async def told(self, kinds: Collection[str], span: Span) -> list[Held]:
        """Return the contributions to areas of some kinds whose newest overdose lies within a span, or hardly after it."""
        ...

    async def number(self, span: Span) -> int:
        """Return how many contributions to areas of any kind ``told`` looks through."""
        ...

    async def placed(self, kind: str, span: Span) -> list[Placed]:
        """Return what lies in areas of a kind (map cells) with an overdose within a span, both ends included."""
        ...

    async def first(self, area: str) -> int | None:
        """Return the time of the area's first overdose."""
        ...

    async def newest(self) -> int | None:
        """Return the time of the newest overdose of all areas."""
        ...

    async def areas(self, kind: str, limit: int, after: str = "") -> list[str]:
        """Return areas of a kind that hold an overdose, in their order, at most so many, those after one where it is named."""
        ...


class AreaStore(Protocol):
    """The states of areas."""

    async def load(self, areas: Collection[str]) -> dict[str, AreaState]:
        """Return the states of some areas; an unknown area has none."""
        ...

    async def save(self, states: Sequence[AreaState]) -> list[AreaState]:
        """Write states over those they were made from and return them with their new sequence.

        Raises:
            Overtaken: another writer was first.
        """
        ...

    async def forget_unwatched(self, watched: Collection[str]) -> None:
        """Remove the states of areas of any other kind: they are not kept up and would be wrong when a rule watches them again."""
        ...


class AlertStore(Protocol):
    """All alerts, each with its outbox mark: pending until it was published."""

    async def touching(self, since: Mapping[str, int]) -> list[Kept]:
        """Return, for each area, the alerts last met since a time and not retracted, and those that are pending."""
        ...

    async def standing(self, rule: str, since: int) -> list[Kept]:
        """Return a rule's alerts, of all its versions, last met since a time and not retracted."""
        ...

    async def load(self, alerts: Collection[UUID]) -> dict[UUID, Kept]:
        """Return some alerts by id, retracted ones too."""
        ...

    async def save(self, alerts: Sequence[Kept]) -> None:
        """Write alerts over their previous versions, pending.

        Raises:
            Overtaken: another writer was first.
        """
        ...

    async def settle(self, published: Mapping[UUID, int]) -> None:
        """Take the outbox mark from the versions that were published; newer versions keep theirs."""
        ...

    async def due(self, as_of: int, limit: int) -> list[Kept]:
        """Return open alerts that are over as of an event time, and closed ones that are not, but for those that were withdrawn."""
        ...

    async def open_of(self, rules: Collection[tuple[str, int]], limit: int) -> list[Kept]:
        """Return open alerts of some versions (id and version) of rules."""
        ...

    async def open_beside(self, in_force: Mapping[str, int], limit: int) -> list[Kept]:
        """Return open alerts of rules that are not among these, or that had a lower version of one than it has here."""
        ...

    async def unrelated(self, limit: int) -> list[Kept]:
        """Return alerts that were saved and not compared with others since, retracted ones too, the longest waiting first."""
        ...

    async def sharing(self, incidents: Collection[UUID], named: Collection[UUID], limit: int) -> list[Kept]:
        """Return the alerts, not retracted, that name one of some incidents among their contributors, or some alerts as related.

        Of more than ``limit`` those that opened last, in event time.
        """
        ...

    async def compared(self, versions: Mapping[UUID, int]) -> None:
        """Note that these versions were compared with others; newer versions still wait."""
        ...

    async def pending(self, before: datetime, limit: int) -> list[Kept]:
        """Return alerts whose newest version was written before a moment (wall clock) and not published yet."""
        ...


class ContactBook(Protocol):
    """Who answers for an area."""

    async def responsible(self, areas: Sequence[str]) -> tuple[AlertContact, ...]:
        """Return the contacts for the areas, the most specific first. Never fails and never waits long."""
        ...


class ContactMemory(Protocol):
    """The last answers of the directory, for when it does not answer."""

    async def recall(self, key: str) -> tuple[AlertContact, ...] | None:
        """Return the last answer to a question, or None."""
        ...

    async def remember(self, key: str, contacts: tuple[AlertContact, ...]) -> None:
        """Keep an answer."""
        ...


class FeedBook(Protocol):
    """Which feeds are silent."""

    def silent(self, areas: Sequence[str], before: datetime) -> tuple[SilentFeed, ...]:
        """Return the silent feeds that cover one of the areas and last sent before a moment, the longest silent first."""
        ...


class DelayBook(Protocol):
    """How much of the newest days is reported."""

    def reported(self, areas: Sequence[str], as_of: int) -> Reported | None:
        """Return it for the first of the areas, as of a time; the others contain it and tell which feeds cover it. None: all is."""
        ...


class DelayStore(Protocol):
    """By which feed, and how late, each day's overdoses were told first."""

    async def load(self, first: int, last: int) -> list[DayTold]:
        """Return the days that were counted, of those between two (days since 1970, both included)."""
        ...

    async def save(self, day: DayTold) -> None:
        """Keep a day in place of what was counted of it before."""
        ...


class Publishing(Protocol):
    """Publishing outside a batch."""

    async def send(self, messages: Sequence[Message]) -> None:
        """Publish and return when the broker has acknowledged all."""
        ...
