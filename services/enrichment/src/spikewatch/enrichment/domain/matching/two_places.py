"""Finds numbers of records that one agency's name gives in two places: of such reports one would replace the other."""

from collections import Counter
from collections.abc import Iterable
from math import cos, hypot, radians
from typing import Final
from uuid import UUID

from spikewatch.enrichment.domain.matching.records import Compared

__all__ = ["numbers_of_two_places"]

_DEGREE_KM: Final = 111.2
_APART_KM: Final = 100.0  # no correction of a place goes as far


def numbers_of_two_places(records: Iterable[Compared]) -> dict[str, int]:
    """Return by agency how many of its record numbers are stated by rows more than 100 km apart, with agencies in their order of names."""
    placed: dict[UUID, Compared] = {}
    found: dict[UUID, str] = {}
    for record in records:
        if record.place_class and (other := placed.setdefault(record.key, record)) is not record:
            east = (record.lon - other.lon + 180.0) % 360.0 - 180.0
            if _DEGREE_KM * hypot(record.lat - other.lat, east * cos(radians(record.lat))) > _APART_KM:
                found[record.key] = record.agency
    return dict(sorted(Counter(found.values()).items()))
