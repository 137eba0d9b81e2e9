"""The reports that were compared last, ready to be compared again: the hot tier above the store, which keeps them all."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from threading import Lock
from typing import Final
from uuid import UUID

from spikewatch.enrichment.domain.candidate import Candidate
from spikewatch.enrichment.domain.matching.records import revision_of

__all__ = ["HOT", "HotReports"]

HOT: Final = 50_000
"""Reports that are kept ready, about 2 kB each: what ten full batches bring."""


class HotReports:
    """Remembers the reports looked at last; those that nobody has asked for longest give way.

    It never decides what there is: the store says which report stands in which revision, and only what it would read is taken from
    here. So it may be of any size, or empty after a restart, and what another instance has written is never missed.
    """

    def __init__(self, most: int = HOT) -> None:
        self._most = most
        self._kept: OrderedDict[UUID, Candidate] = OrderedDict()
        self._turn = Lock()  # long steps of two batches may run in two threads

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, key: UUID, state: tuple[int, int]) -> Candidate | None:
        """Return a report if it is remembered in just this revision, placed by this version of the geodata."""
        return self.find_all({key: state}).get(key)

    def find_all(self, states: Mapping[UUID, tuple[int, int]]) -> dict[UUID, Candidate]:
        """Return those of some reports that are remembered in just these states."""
        revisions = {state: revision_of(*state) for state in set(states.values())}
        found: dict[UUID, Candidate] = {}
        with self._turn:
            for key, state in states.items():
                one = self._kept.get(key)
                if one is not None and one.record.revision == revisions[state]:
                    self._kept.move_to_end(key)
                    found[key] = one
        return found

    def keep(self, candidates: Iterable[Candidate]) -> None:
        """Remember reports once a batch is through with them; what fills an overdose is read anew when it is asked for."""
        with self._turn:
            for one in candidates:
                one.put_away()
                self._kept[one.key] = one
                self._kept.move_to_end(one.key)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
