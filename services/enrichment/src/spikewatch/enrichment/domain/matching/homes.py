"""Where reports that state no place must be from: an agency whose placed reports all lie in one part of the country serves that part.

For whole files only. Two cities that count their calls from one every day would else share numbers wherever a report states no place.
"""

from collections.abc import Sequence
from functools import lru_cache
from math import cos, radians
from typing import Final

import numpy as np
import numpy.typing as npt

from spikewatch.enrichment.domain.matching.records import Compared

__all__ = ["REACH_M", "at_home", "home_of"]

REACH_M: Final = 50_000.0
"""How far from its agency's middle a report that states no place may be."""

_LEAST: Final = 20  # placed reports of an agency: fewer tell no place that it serves
_LOCAL: Final = 0.95  # of an agency's placed reports: some places are read wrongly
_DEGREE_M: Final = 111_194.9
_MARK: Final = "@"


def at_home(records: Sequence[Compared]) -> list[Compared]:
    """Return the records with the middle of what their agency serves as the region of those that state neither place nor region.

    Agencies that serve all over the country, or placed hardly any report, tell nothing.
    """
    unplaced = {one.agency for one in records if not one.place_class and not one.region}
    if not unplaced or not _is_wide(records):
        return list(records)
    places: dict[str, list[tuple[float, float]]] = {}
    for one in records:
        if one.agency in unplaced and one.place_class:
            places.setdefault(one.agency, []).append((one.lat, one.lon))
    regions = {agency: region for agency, own in places.items() if len(own) >= _LEAST and (region := _region(np.array(own)))}
    if not regions:
        return list(records)
    return [one if one.place_class or one.region else one._replace(region=regions.get(one.agency, "")) for one in records]


def _is_wide(records: Sequence[Compared]) -> bool:
    """Return whether any two places may be out of reach of each other: a single city's table is left as it is."""
    lats = [one.lat for one in records if one.place_class]
    lons = [one.lon for one in records if one.place_class]
    return bool(lats) and max(max(lats) - min(lats), max(lons) - min(lons)) * _DEGREE_M > REACH_M


@lru_cache(4_096)
def home_of(region: str) -> tuple[float, float] | None:
    """Return latitude and longitude of the middle that a region stands for, None where it is another region."""
    if not region.startswith(_MARK):
        return None
    lat, _, lon = region[1:].partition(",")
    return float(lat), float(lon)


def _region(places: npt.NDArray[np.float64]) -> str:
    lat, lon = np.median(places, axis=0).tolist()
    north = (places[:, 0] - lat) * _DEGREE_M
    east = (places[:, 1] - lon) * _DEGREE_M * cos(radians(lat))
    return f"{_MARK}{lat:.2f},{lon:.2f}" if np.mean(np.hypot(north, east) <= REACH_M) >= _LOCAL else ""
