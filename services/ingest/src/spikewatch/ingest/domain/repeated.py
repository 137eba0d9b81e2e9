"""Remembers what equal cells were read as, for the few words that come again and again: yes, no, a sex, an age.

Never used for what tells one person from another: points, addresses, times, numbers of records, free texts. It stays in the memory of
the process, and nothing long is kept.
"""

from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

from spikewatch.ingest.domain.record import Fields

__all__ = ["Repeated"]

T = TypeVar("T")
_MOST: Final = 4_096  # combinations; then it starts afresh
_LONGEST: Final = 128  # characters of all cells together: longer ones are no words of a list


class Repeated(Generic[T]):
    """A reader of some fields that answers equal cells from memory. What it makes must be immutable.

    Args:
        names: the fields that it looks at, all of them.
        read: makes the answer; what it refuses is not remembered.
    """

    def __init__(self, names: Sequence[str], read: Callable[[Fields], T]) -> None:
        self._names: Final = tuple(names)
        self._read: Final = read
        self._known: Final[dict[tuple[object, ...], T]] = {}

    def __call__(self, fields: Fields) -> T:
        """Return what the fields say.

        Raises:
            Rejected: a field is wrong.
        """
        key = tuple(map(fields.get, self._names))
        try:
            known = self._known.get(key)
        except TypeError:
            return self._read(fields)  # a list or an object of JSON
        if known is not None:
            return known
        made = self._read(fields)
        # Texts alone are remembered. In JSON 1 and True are equal and say different things; none of them equals a text.
        if all(type(cell) is str for cell in key if cell is not None) and sum(map(len, filter(None, key))) <= _LONGEST:  # type: ignore[arg-type]
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[key] = made
        return made
