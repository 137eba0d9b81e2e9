"""Areas in memory, bounded by the number of overdoses; the least recently used go first.

What is held of an area is its history and the state that was last written for it. Whoever else writes an area raises the
state's sequence, so the next write made from a held state fails, and the area is read from the store again.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from spikewatch.alerts.domain.series import History
from spikewatch.alerts.ports import AreaState

__all__ = ["AreaCache"]

# An area costs memory even when nearly empty (arrays, entry, name): counted as so many overdoses.
_AREA_WEIGHT: Final = 64


@dataclass(slots=True)
class _Entry:
    history: History
    partition: int
    state: AreaState | None = None


class AreaCache:
    """Holds histories; whatever is not held is read from the store again."""

    def __init__(self, most_overdoses: int) -> None:
        self._most = most_overdoses
        self._held: OrderedDict[str, _Entry] = OrderedDict()
        self._overdoses = 0

    @property
    def overdoses(self) -> int:
        """How many overdoses are held."""
        return self._overdoses

    def __len__(self) -> int:
        return len(self._held)

    def get(self, area: str) -> History | None:
        """Return an area's history if it is held."""
        entry = self._held.get(area)
        if entry is None:
            return None
        self._held.move_to_end(area)
        return entry.history

    def histories(self) -> list[tuple[str, History]]:
        """Return every area that is held with its history, and leave their order of use as it is."""
        return [(area, entry.history) for area, entry in self._held.items()]

    def state(self, area: str) -> AreaState | None:
        """Return an area's state if it is held."""
        entry = self._held.get(area)
        return entry.state if entry is not None else None

    def put(self, area: str, history: History, partition: int) -> None:
        """Hold a history in place of the one held, with the same state; others give way."""
        state = self.state(area)
        self.drop(area)
        self._held[area] = _Entry(history, partition, state)
        self._overdoses += len(history)
        # the newest stays even if it is larger than the bound alone, else each batch would read it again
        while self._overdoses + _AREA_WEIGHT * len(self._held) > self._most and len(self._held) > 1:
            self.drop(next(iter(self._held)))

    def note(self, state: AreaState) -> bool:
        """Hold an area's state if its history is held, and tell whether it is."""
        entry = self._held.get(state.area)
        if entry is not None:
            entry.state = state
        return entry is not None

    def drop(self, area: str) -> None:
        """Forget an area."""
        entry = self._held.pop(area, None)
        if entry is not None:
            self._overdoses -= len(entry.history)

    def clear(self) -> None:
        """Forget all areas: what rules need of them is another part now."""
        self._held.clear()
        self._overdoses = 0

    async def revoke(self, partitions: frozenset[int]) -> None:
        """Forget the areas of partitions that another instance now owns: it may change them behind our back."""
        for area in [area for area, entry in self._held.items() if entry.partition in partitions]:
            self.drop(area)
