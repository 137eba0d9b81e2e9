"""Columns by what they mean, whatever a vendor calls them. Names are compared by their letters and digits alone."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Final

from spikewatch.ingest.domain.feeds.fields import stated
from spikewatch.ingest.domain.record import Fields

__all__ = ["Synonyms"]

_BETWEEN: Final = re.compile(r"[\W_]+")


class Synonyms:
    """A table of names.

    Args:
        table: for each name of ours the names of others, the best first. Each name of ours stands for itself too.
    """

    def __init__(self, table: Mapping[str, Sequence[str]]) -> None:
        self._meanings: Final[dict[str, tuple[str, int]]] = {}
        for ours, others in table.items():
            for rank, name in enumerate((ours, *others)):
                self._meanings.setdefault(_squeezed(name), (ours, rank))
        self._plan = lru_cache(maxsize=256)(self._planned)

    def __contains__(self, name: object) -> bool:
        """Tell whether a column of that name is read."""
        return isinstance(name, str) and _squeezed(name) in self._meanings

    def renamed(self, fields: Fields) -> dict[str, object]:
        """Return the fields that are read under our names; of several for one meaning the best that states something."""
        ours, pick, doubled = self._plan(tuple(fields))
        found = dict(zip(ours, pick(fields), strict=True))
        for name, columns in doubled:
            found[name] = next((value for column in columns if (value := stated(fields, column)) is not None), None)
        return found

    def meanings(self, names: Sequence[str]) -> frozenset[str]:
        """Return what a header's columns mean."""
        return frozenset(self._plan(tuple(names))[0])

    def _planned(self, names: tuple[str, ...]) -> "_Plan":
        ranked: dict[str, list[tuple[int, str]]] = {}
        for name in names:
            meaning = self._meanings.get(_squeezed(name))
            if meaning is not None:
                ranked.setdefault(meaning[0], []).append((meaning[1], name))
        columns = {ours: tuple(name for _, name in sorted(found)) for ours, found in ranked.items()}
        best = [found[0] for found in columns.values()]
        pick = itemgetter(*best) if len(best) > 1 else lambda fields: [fields[name] for name in best]
        return tuple(columns), pick, tuple((ours, found) for ours, found in columns.items() if len(found) > 1)


_Plan = tuple[tuple[str, ...], Callable[[Fields], Sequence[object]], tuple[tuple[str, tuple[str, ...]], ...]]
"""Our names, what picks their columns, and those that several columns stand for."""


def _squeezed(name: str) -> str:
    return _BETWEEN.sub("", name).lower()
