"""Areas that are watched together with their neighbours, as one count: ``vicinity:county-42091``."""

from collections.abc import Mapping, Sequence
from typing import Final

from spikewatch.contracts.contract import area_kind

__all__ = ["VICINITY", "centre_of", "place_named", "vicinity_of", "wrong_neighbours"]

VICINITY: Final = "vicinity"
"""Kind of the areas that are made of an area and its neighbours."""

_MOST: Final = 100  # neighbours of one area; a county has some six
_LONGEST: Final = 100  # characters of an area whose vicinity still has a name
_NAMED: Final = 8


def vicinity_of(area: str) -> str:
    """Return the id of an area together with its neighbours."""
    return f"{VICINITY}:{area.replace(':', '-', 1)}"


def centre_of(vicinity: str) -> str:
    """Return the area of which a vicinity is named: kinds of area have no hyphen."""
    return vicinity.partition(":")[2].replace("-", ":", 1)


def wrong_neighbours(neighbours: Mapping[str, Sequence[str]]) -> str | None:
    """Say what is wrong with the lists of neighbours; None if nothing is."""
    for area, others in neighbours.items():
        if not 0 < len(others) <= _MOST:
            return f"{area} has none, or too many; expected 1 to {_MOST} areas"
        if area in others or len(set(others)) < len(others):
            return f"{area} names itself, or one area twice"
        if len(area) > _LONGEST or VICINITY in {area_kind(one) for one in (area, *others)}:
            return f"{area} is no place on the map by itself, or has a name of more than {_LONGEST} characters"
    return None


def place_named(area: str, vicinities: Mapping[str, Sequence[str]]) -> str:
    """Return an area in words; ``vicinities`` tells which areas one is made of."""
    if area_kind(area) != VICINITY:
        kind, _, code = area.partition(":")
        return f"{kind} {code}"
    named = place_named(centre_of(area), {})
    others = [place_named(one, {}) for one in vicinities.get(area, ())[1:]]
    if not others:
        return f"{named} with its neighbours"
    more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
    return f"{named} with its neighbours ({', '.join(others[:_NAMED])}{more})"
