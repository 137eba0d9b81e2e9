"""Whether the numbers that a file gives its crossings are true: the same number, the same place."""

from collections.abc import Iterable
from typing import Final

from spikewatch.enrichment.adapters.geodata.layer import Position

__all__ = ["nodes_fit"]

_SHARE: Final = 0.9
_DIGITS: Final = 5  # of a degree, about a metre; feet are finer still


def nodes_fit(ends: Iterable[tuple[str, Position]]) -> bool:
    """Tell whether ends with the same number lie at the same place, and some number is told more than once.

    Numbers that were never kept up lead to crossings that are none; equal end points serve better then.
    """
    places: dict[str, list[Position]] = {}
    for number, (east, north) in ends:
        if number and number.strip("0."):
            places.setdefault(number, []).append((round(east, _DIGITS), round(north, _DIGITS)))
    shared = [at for at in places.values() if len(at) > 1]
    return bool(shared) and sum(len(set(at)) == 1 for at in shared) >= _SHARE * len(shared)
