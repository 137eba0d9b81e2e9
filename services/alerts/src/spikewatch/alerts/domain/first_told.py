"""Which feed told of an overdose first, and how late: what the delays of feeds are learnt from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from spikewatch.alerts.domain.contributed import Held
from spikewatch.alerts.domain.instants import DAY

__all__ = ["DayTold", "Feed", "table_of", "told_on", "weights_of"]

Feed = tuple[str, str]
"""Agency and kind of source: what a contribution tells of where a report comes from."""


@dataclass(slots=True)
class DayTold:
    """The overdoses of one day (days since 1970, UTC) as they were known on a later one.

    ``contributions`` is how many were stored then: another number later tells that it has to be counted anew. ``delays`` counts by
    feed and by the days until the first report of an overdose came; ``areas`` by area and feed. ``places`` is the place key of the
    areas, which names their county.
    """

    day: int
    counted_on: int
    contributions: int = 0
    delays: dict[Feed, dict[int, int]] = field(default_factory=dict)
    areas: dict[str, dict[Feed, int]] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)


def told_on(day: int, counted_on: int, held: Iterable[Held], longest: int) -> DayTold:
    """Count a day's overdoses by their first report; ``held`` may hold one incident in several areas, and other days too.

    An overdose of several feeds is known from the first report on, so that is the delay that matters; it is that feed's. A report
    of which is not known when it was first received teaches nothing. Delays above ``longest`` days count as ``longest + 1``: a
    back-dated upload says nothing of how a feed usually reports.
    """
    told = DayTold(day, counted_on)
    seen: set[tuple[object, int]] = set()
    for each in held:
        for place, (time, rows) in enumerate(zip(each.times, each.reports, strict=True)):
            if time // DAY != day:
                continue
            first = min(((row[6], row[2], row[3]) for row in rows if row[6] is not None), default=None)
            if first is None:
                continue
            received, agency, source = first
            feed = (agency, source)
            area = told.areas.setdefault(each.area, {})
            area[feed] = area.get(feed, 0) + 1
            told.places[each.area] = each.place_key
            if (each.incident, place) not in seen:
                seen.add((each.incident, place))
                delay = min(max(received // DAY - day, 0), longest + 1)
                counts = told.delays.setdefault(feed, {})
                counts[delay] = counts.get(delay, 0) + 1
    return told


def weights_of(days: Iterable[DayTold]) -> dict[str, dict[Feed, float]]:
    """Return for each area how many overdoses each feed told first, over some days."""
    weights: dict[str, dict[Feed, float]] = {}
    for day in days:
        for area, feeds in day.areas.items():
            mine = weights.setdefault(area, {})
            for feed, number in feeds.items():
                mine[feed] = mine.get(feed, 0.0) + number
    return weights


def table_of(days: Mapping[int, DayTold], feed: Feed, first: int, last: int, longest: int) -> list[list[float]]:
    """Return a feed's overdoses by day, from the first to the last, and by delay up to the longest."""
    return [
        [float(days[day].delays.get(feed, {}).get(delay, 0)) if day in days else 0.0 for delay in range(longest + 1)]
        for day in range(first, last + 1)
    ]
