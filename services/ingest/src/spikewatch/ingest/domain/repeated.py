"""Remembers what equal cells were read as, for the few words that come again and again: yes, no, a sex, an age.

Never used for what tells one person from another: points, addresses, times, numbers of records, free texts. It stays in the memory of
the process, and nothing long is kept.
"""

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from spikewatch.ingest.domain.record import Fields

__all__ = ["repeated"]

T = TypeVar("T")
_MOST: Final = 4_096  # combinations; then it starts afresh
_LONGEST: Final = 128  # characters of all cells together: longer ones are no words of a list


def repeated(names: Sequence[str], read: Callable[[Fields], T]) -> Callable[[Fields], T]:
    """Return a reader of some fields that answers equal cells from memory. What it makes must be immutable.

    Args:
        names: the fields that it looks at, all of them.
        read: makes the answer; what it refuses is not remembered.
    """
    looked_at = tuple(names)
    remembered: dict[tuple[object, ...], T] = {}

    def answer(fields: Fields) -> T:
        key = tuple(map(fields.get, looked_at))
        try:
            known = remembered.get(key)
        except TypeError:
            return read(fields)  # a list or an object of JSON
        if known is not None:
            return known
        made = read(fields)
        # Texts alone are remembered. In JSON 1 and True are equal and say different things; none of them equals a text.
        if all(type(cell) is str for cell in key if cell is not None) and sum(map(len, filter(None, key))) <= _LONGEST:  # type: ignore[arg-type]
            if len(remembered) >= _MOST:
                remembered.clear()
            remembered[key] = made
        return made

    return answer
