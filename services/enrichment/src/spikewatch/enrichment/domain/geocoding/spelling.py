"""Finds names that are one or two slips away: each name is filed under its first letters with up to two of them left out.

A look-up asks for a few dozen keys, whatever the number of names, and compares what it finds in full.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import combinations
from operator import itemgetter
from typing import Final
from zlib import crc32

import numpy as np

from spikewatch.enrichment.domain.geocoding.packed import narrowed, view

__all__ = ["Spelling", "slips", "spelling_arrays"]

# A slip after the seventh letter leaves the first seven as they are, so filing those alone finds it; it keeps the index small.
_PREFIX: Final = 7
_SHORTEST: Final = 4  # with three letters one slip makes another real name: ELM and ELK
_SHORTEST_FOR_TWO: Final = 7  # likewise two slips in six letters
_MOST_COMPARED: Final = 300  # bounds a look-up in an index of a whole state to well below a millisecond


def _allowed(key: str) -> int:
    return 0 if len(key) < _SHORTEST or any(letter.isdigit() for letter in key) else 2 if len(key) >= _SHORTEST_FOR_TWO else 1


def _without(key: str, slips_allowed: int) -> Iterable[str]:
    head = key[:_PREFIX]
    places = range(len(head))
    for count in range(slips_allowed + 1):
        for gone in combinations(places, count):
            made, start = "", 0
            for place in gone:
                made += head[start:place]
                start = place + 1
            yield made + head[start:]


@cache
def _kept_letters(length: int, gone: int) -> tuple[Callable[[bytes], tuple[int, ...]], ...]:
    """Return what takes from a head of letters those that are left when so many are left out."""
    return tuple(itemgetter(*kept) for kept in combinations(range(length), length - gone))


def spelling_arrays(keys: Sequence[str]) -> dict[str, np.ndarray]:
    """Return the arrays that file every name; the position of a name in ``keys`` stands for it."""
    pairs = sorted(
        {(crc32(short.encode()), place) for place, key in enumerate(keys) for short in _without(key, _allowed(key)) if _allowed(key)}
    )
    return {
        "spelling_hash": np.array([pair[0] for pair in pairs], dtype=np.uint32),
        "spelling_name": narrowed([pair[1] for pair in pairs]),
    }


class Spelling:
    """Look-up of names with slips over the packed arrays."""

    def __init__(self, hashes: np.ndarray, names: np.ndarray, keys: Sequence[str]) -> None:
        self._array = hashes
        self._hashes = view(hashes)
        self._names = view(names)
        self._keys = keys

    def near(self, key: str) -> tuple[int, list[str]]:
        """Return the fewest slips at which there are other names, and those names; no names when none is near enough."""
        seen: dict[int, None] = {}
        # Most slips are single: a quarter of the keys finds those, and the others are then not asked for.
        for limit in range(1, _allowed(key) + 1):
            self._collect(key, limit, seen)
            if found := self._at(key, limit, seen):
                return limit, found
        return 0, []

    def _collect(self, key: str, gone: int, seen: dict[int, None]) -> None:
        """Add the positions of names that share what is left of the key when so many letters are left out; also none, with the first."""
        hashes, names, size = self._hashes, self._names, len(self._hashes)
        head = key[:_PREFIX].encode()
        every = [crc32(bytes(kept(head))) for kept in _kept_letters(len(head), gone)]
        if gone == 1:
            every.append(crc32(head))
        starts = np.searchsorted(self._array, np.array(every, dtype=np.uint32)).tolist()
        for wanted, start in zip(every, starts, strict=True):
            at = start
            while at < size and hashes[at] == wanted:
                seen[names[at]] = None
                at += 1
            if len(seen) > _MOST_COMPARED:
                break

    def _at(self, key: str, limit: int, places: Iterable[int]) -> list[str]:
        """Return of the names at these positions those at just so many slips; whatever has fewer has been found before."""
        keys, length = self._keys, len(key)
        letters, most_other = set(key), 2 * limit  # a slip changes at most two of the letters that occur; counting them is quick
        found: list[str] = []
        for place in places:
            other = keys[place]
            its = len(other)
            if (
                abs(its - length) <= limit
                and (limit == 1 or its >= _SHORTEST_FOR_TWO)
                and len(letters.symmetric_difference(other)) <= most_other
                and slips(key, other, limit) == limit
            ):
                found.append(other)
        return found


def slips(one: str, other: str, limit: int) -> int:
    """Return how many letters are missing, added, changed or swapped between two names; ``limit + 1`` when more than ``limit``."""
    start, end_one, end_other = 0, len(one), len(other)
    while start < end_one and start < end_other and one[start] == other[start]:
        start += 1
    while end_one > start and end_other > start and one[end_one - 1] == other[end_other - 1]:
        end_one -= 1
        end_other -= 1
    one, other = one[start:end_one], other[start:end_other]
    if not one or not other:
        return min(len(one) + len(other), limit + 1)
    if abs(len(one) - len(other)) > limit:
        return limit + 1
    if limit == 1:  # one slip leaves one letter, or two that changed places
        return 1 if len(one) == len(other) == 1 or (len(one) == 2 and one == other[::-1]) else 2
    return _banded(one, other, limit)


def _banded(one: str, other: str, limit: int) -> int:  # the innermost loop of a look-up: no calls, not even of min
    """Fill in that band of the table in which no more slips than the limit are possible."""
    wide = limit + 1
    before: list[int] = []
    row = [min(j, wide) for j in range(len(other) + 1)]
    for i, letter in enumerate(one):
        earlier, before, row = before, row, [wide] * (len(other) + 1)
        row[0] = min(i + 1, wide)
        least = row[0]
        for j in range(max(0, i - limit), min(len(other), i + limit + 1)):
            its = other[j]
            cost = before[j]
            if letter != its:
                if before[j + 1] < cost:  # noqa: PLR1730
                    cost = before[j + 1]
                if row[j] < cost:  # noqa: PLR1730
                    cost = row[j]
                cost += 1
                if i and j and letter == other[j - 1] and its == one[i - 1] and earlier[j - 1] < cost:
                    cost = earlier[j - 1] + 1
            row[j + 1] = cost
            if cost < least:  # noqa: PLR1730
                least = cost
        if least > limit:
            return limit + 1
    return min(row[-1], limit + 1)
