"""What a batch of contributions changes: records coalesced by incident and area, then gathered by area."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from spikewatch.alerts.domain.contributed import Held, Position, accepted, held_of, withdrawn
from spikewatch.alerts.ports import Row
from spikewatch.chassis.kafka.message import Event
from spikewatch.chassis.outcome import DeadLetter, Reason
from spikewatch.contracts.contribution import Contribution, split_contribution_key

__all__ = ["AreaChange", "Entry", "entries_of", "gathered"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One record of the batch."""

    index: int
    area: str
    incident: UUID
    body: Contribution | None
    position: Position

    @property
    def key(self) -> str:
        """The record key."""
        return f"{self.area}|{self.incident}"


@dataclass(slots=True)
class AreaChange:
    """What the batch changes in one area. ``indexes`` are its records in the batch, oldest first."""

    area: str
    partition: int
    indexes: list[int] = field(default_factory=list)
    writes: list[tuple[Held | None, Held]] = field(default_factory=list)
    removed: Counter[Row] = field(default_factory=Counter)
    added: Counter[Row] = field(default_factory=Counter)
    times: set[int] = field(default_factory=set)

    def note(self, before: Held | None, after: Held) -> None:
        """Take one contribution's change in."""
        self.writes.append((before, after))
        if before is not None and before.rows == after.rows and before.reports == after.reports:
            return  # a new revision that changes nothing here, for example of the incident's position alone
        old, new = Counter(before.rows if before else ()), Counter(after.rows)
        self.removed.update(old - new)
        self.added.update(new - old)
        self.times.update(time for time, _ in (*old, *new))


def entries_of(batch: Sequence[Event[Contribution]]) -> tuple[list[Entry], dict[int, DeadLetter]]:
    """Return the records that name an area and an incident, and by index those that do not."""
    entries: list[Entry] = []
    rejected: dict[int, DeadLetter] = {}
    for index, event in enumerate(batch):
        position = (event.record.partition, event.record.offset)
        if event.body is not None:
            entries.append(Entry(index, event.body.area, event.body.incident_id, event.body, position))
            continue
        try:
            area, incident = split_contribution_key(event.key)
        except ValueError:
            rejected[index] = DeadLetter(
                Reason.MALFORMED,
                field="key",
                problem="names no area and incident",
                expected="area|incident id",
                example="county:42091|0b7f7a1e-58f5-5a4f-8c1c-8b6f5a0f9d11",
            )
        else:
            entries.append(Entry(index, area, incident, None, position))
    return entries, rejected


def gathered(entries: Sequence[Entry], held: Mapping[str, Held]) -> tuple[dict[str, AreaChange], set[int]]:
    """Return the changes by area, and the indexes of records that are older than what is held."""
    after: dict[str, Held] = {}
    changes: dict[str, AreaChange] = {}
    stale: set[int] = set()
    for entry in entries:
        known = after.get(entry.key, held.get(entry.key))
        changes.setdefault(entry.area, AreaChange(entry.area, entry.position[0])).indexes.append(entry.index)
        if entry.body is None:
            if known is None or known.gone_at is None or _is_later(entry.position, known.gone_at):
                after[entry.key] = withdrawn(entry.area, entry.incident, known, entry.position)
        elif accepted(known, entry.body.revision, entry.position):
            after[entry.key] = held_of(entry.body)
        else:
            stale.add(entry.index)
    for key, new in after.items():
        old = held.get(key)
        if old != new:
            changes[new.area].note(old, new)
    return changes, stale


def _is_later(position: Position, other: Position) -> bool:
    return position[0] == other[0] and position[1] > other[1]
