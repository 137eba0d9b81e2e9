"""What a batch of contributions changes: records coalesced by incident and area, then gathered by area."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from spikewatch.alerts.domain.contributed import Contributed, Held, Position, accepted, held_of, withdrawn
from spikewatch.alerts.ports import Row
from spikewatch.chassis.kafka.message import Event
from spikewatch.chassis.outcome import DeadLetter, Reason
from spikewatch.contracts.contribution import contribution_key, split_contribution_key

__all__ = ["AreaChange", "Entry", "Gathered", "entries_of", "gathered", "new_keys"]


@dataclass(slots=True)  # not frozen: one is made for every record, and that costs four times as much
class Entry:
    """One record of the batch; ``key`` is its record key, area and incident."""

    index: int
    area: str
    incident: UUID
    key: str
    body: Contributed | None
    position: Position


@dataclass(slots=True)
class AreaChange:
    """What the batch changes in one area. ``indexes`` are its records in the batch, oldest first."""

    area: str
    partition: int
    indexes: list[int] = field(default_factory=list)
    removed: Counter[Row] = field(default_factory=Counter)
    added: Counter[Row] = field(default_factory=Counter)
    times: set[int] = field(default_factory=set)

    def note(self, before: Held | None, after: Held) -> None:
        """Take one contribution's change in."""
        if before is not None and before.rows == after.rows and before.reports == after.reports:
            return  # a new revision that changes nothing here, for example of the incident's position alone
        if before is None:
            added = self.added
            for time, bits in zip(after.times, after.marks, strict=True):  # a counter's own way costs ten times as much for one
                added[time, bits] += 1
                self.times.add(time)
            return
        old, new = Counter(before.rows), Counter(after.rows)
        self.removed.update(old - new)
        self.added.update(new - old)
        self.times.update(time for time, _ in (*old, *new))


def entries_of(batch: Sequence[Event[Contributed]]) -> tuple[list[Entry], dict[int, DeadLetter]]:
    """Return the records that name an area and an incident, and by index those that do not."""
    entries: list[Entry] = []
    rejected: dict[int, DeadLetter] = {}
    for index, event in enumerate(batch):
        position = (event.record.partition, event.record.offset)
        body = event.body
        if body is not None:
            entries.append(Entry(index, body.area, body.told.incident, body.key, body, position))
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
            entries.append(Entry(index, area, incident, contribution_key(area, incident), None, position))
    return entries, rejected


def new_keys(entries: Sequence[Entry]) -> set[str]:
    """Return the keys whose first record is a first revision: nothing is held of them, unless the record came before."""
    first: dict[str, Entry] = {}
    for entry in entries:
        first.setdefault(entry.key, entry)
    return {key for key, entry in first.items() if entry.body is not None and entry.body.told.revision == 1}


@dataclass(frozen=True, slots=True)
class Gathered:
    """What a batch changes: by watched area, as writes of all areas, and the indexes of records older than what is held."""

    changes: dict[str, AreaChange]
    writes: list[tuple[Held | None, Held]]
    stale: set[int]


def gathered(entries: Sequence[Entry], held: Mapping[str, Held], watched: Collection[str]) -> Gathered:
    """Return what a batch changes. ``watched`` are the areas whose changes matter at once."""
    after: dict[str, Held] = {}
    changes: dict[str, AreaChange] = {}
    stale: set[int] = set()
    for entry in entries:
        known = after.get(entry.key, held.get(entry.key))
        if entry.area in watched:
            if entry.area not in changes:
                changes[entry.area] = AreaChange(entry.area, entry.position[0])
            changes[entry.area].indexes.append(entry.index)
        if entry.body is None:
            if known is None or known.gone_at is None or _is_later(entry.position, known.gone_at):
                after[entry.key] = withdrawn(entry.area, entry.incident, known, entry.position)
        elif accepted(known, entry.body.told.revision, entry.position):
            after[entry.key] = held_of(entry.body, known, key=entry.key)
        else:
            stale.add(entry.index)
    writes = [(before, new) for key, new in after.items() if (before := held.get(key)) is None or before != new]
    for old, new in writes:
        if new.area in changes:
            changes[new.area].note(old, new)
    return Gathered(changes, writes, stale)


def _is_later(position: Position, other: Position) -> bool:
    return position[0] == other[0] and position[1] > other[1]
