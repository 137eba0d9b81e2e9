"""The header of a table, whatever kind of file it is in: which columns are read, by which name, and what it lacks."""

from collections.abc import Callable, Collection, Container, Sequence
from operator import itemgetter
from typing import Final

from spikewatch.ingest.domain.rejection import Fault, Rejected

__all__ = ["MOST_COLUMNS", "Columns", "Missing", "missing_of", "plain"]

Missing = Callable[[Sequence[str]], Sequence[str]]
"""Tells what a header lacks; nothing: it fits."""

MOST_COLUMNS: Final = 500
"""Columns that a table may have."""


def plain(name: str) -> str:
    """Return a column's name as it is compared: lower case, blanks at its ends and doubled ones taken out."""
    return " ".join(name.lower().split())


class Columns:
    """A header that was found: which cells are read, by which name.

    Args:
        cells: the header's cells.
        reads: the columns that the format looks at; None: all.
        required: columns without which no row could become a report.
        example: a header that would be accepted.

    Attributes:
        names: all names as they are compared.
        places: the numbers of the columns that are read, from 0.

    Raises:
        Rejected: there are too many columns, or one that is read stands twice.
    """

    def __init__(self, cells: Sequence[str], reads: Container[str] | None, required: Collection[str], example: str) -> None:
        if len(cells) > MOST_COLUMNS:
            raise Rejected(Fault.MALFORMED, "header", "has too many columns", f"at most {MOST_COLUMNS}", example)
        self.names: Final = [plain(cell) for cell in cells]
        doubled = {name for name in self.names if name and self.names.count(name) > 1}
        needed = next((name for name in self.names if name in doubled and name in (required if reads is None else reads)), None)
        if needed is not None:
            # By number: a file without a header has a person's row there, and a name may be as long as a cell.
            first, second = [place for place, name in enumerate(self.names, start=1) if name == needed][:2]
            problem = f"names a column twice, as number {first} and as number {second}"
            raise Rejected(Fault.MALFORMED, "header", problem, "each column once", example)
        at = [place for place, name in enumerate(self.names) if name and name not in doubled and (reads is None or name in reads)]
        self.places: Final = frozenset(at)
        self._read: Final = [self.names[place] for place in at]
        self._all: Final = self._read == self.names
        self._pick: Final = itemgetter(*at) if len(at) > 1 else None
        self._only: Final = at[0] if len(at) == 1 else None

    def fields(self, cells: Sequence[str]) -> dict[str, object]:
        """Return the cells that are read, by name."""
        if self._all:
            return dict(zip(self._read, cells, strict=True))
        if self._pick is not None:
            return dict(zip(self._read, self._pick(cells), strict=True))
        return {} if self._only is None else {self._read[0]: cells[self._only]}

    def repeated_by(self, cells: Sequence[str]) -> bool:
        """Tell whether a row is the header once more."""
        return plain(cells[0]) == self.names[0] and [plain(cell) for cell in cells] == self.names


def missing_of(required: Collection[str]) -> Missing:
    """Return what tells which of the required columns a header lacks."""
    return lambda names: [name for name in required if name not in names]
