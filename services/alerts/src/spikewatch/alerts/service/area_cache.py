"""Histories of areas in memory, bounded by the number of overdoses; the least recently used go first."""

from collections import OrderedDict
from typing import Final

from spikewatch.alerts.domain.series import History

__all__ = ["AreaCache"]

# An area costs memory even when nearly empty (arrays, entry, name): counted as so many overdoses.
_AREA_WEIGHT: Final = 64


class AreaCache:
    """Holds histories; whatever is not held is read from the store again."""

    def __init__(self, most_overdoses: int) -> None:
        self._most = most_overdoses
        self._held: OrderedDict[str, tuple[History, int]] = OrderedDict()
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
        return entry[0]

    def put(self, area: str, history: History, partition: int) -> None:
        """Hold a history in place of the one held; others give way."""
        self.drop(area)
        self._held[area] = (history, partition)
        self._overdoses += len(history)
        # the newest stays even if it is larger than the bound alone, else each batch would read it again
        while self._overdoses + _AREA_WEIGHT * len(self._held) > self._most and len(self._held) > 1:
            self.drop(next(iter(self._held)))

    def drop(self, area: str) -> None:
        """Forget an area."""
        entry = self._held.pop(area, None)
        if entry is not None:
            self._overdoses -= len(entry[0])

    async def revoke(self, partitions: frozenset[int]) -> None:
        """Forget the areas of partitions that another instance now owns: it may change them behind our back."""
        for area in [area for area, (_, partition) in self._held.items() if partition in partitions]:
            self.drop(area)
