"""Areas that are asked about from nearly the same time on, together: the server plans thousands of clauses longer than it reads."""

from collections import defaultdict
from collections.abc import Mapping

from spikewatch.alerts.domain.instants import DAY

__all__ = ["by_day"]


def by_day(since: Mapping[str, int]) -> dict[int, list[str]]:
    """Return the areas by the earliest time of any that is asked about from the same day on."""
    days: defaultdict[int, list[str]] = defaultdict(list)
    for area, time in since.items():
        days[time // DAY].append(area)
    return {min(since[area] for area in areas): areas for areas in days.values()}
