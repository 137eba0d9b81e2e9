"""One look at a county or state: the clusters that a scan of its map cells finds at a moment."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple
from uuid import UUID

import numpy as np

from spikewatch.alerts.domain.clusters.cells import is_cell, outline_of, places_of
from spikewatch.alerts.domain.detection.scan.clusters import Cluster, Scan, scan
from spikewatch.alerts.domain.detection.scan.outline import Ring
from spikewatch.alerts.domain.detection.series import Series
from spikewatch.alerts.domain.instants import DAY, HOUR
from spikewatch.alerts.domain.marks import matches
from spikewatch.alerts.domain.rule import Rule
from spikewatch.alerts.domain.rules.space_time_scan import JOINED, SpaceTimeScan
from spikewatch.contracts.contract import area_kind
from spikewatch.contracts.contribution import contribution_key

__all__ = ["Found", "Placed", "areas_of", "counted_times", "joined", "look", "looked_from", "scan_of", "watched_in"]

_LEAST: int = 2  # cases of a cluster: one alone is nowhere near another
_COUNTY_DIGITS: int = 5
_STATE_DIGITS: int = 2


class Placed(NamedTuple):
    """One incident in one map cell; times (microseconds) and marks of its overdoses are parallel."""

    cell: str
    place_key: str
    incident: UUID
    times: tuple[int, ...]
    marks: tuple[int, ...]

    @property
    def key(self) -> str:
        """The key of its contribution."""
        return contribution_key(self.cell, self.incident)


@dataclass(frozen=True, slots=True)
class Found:
    """A cluster that a look found: overdoses in ``(start, at]`` in some cells, the cluster's centre first.

    Its counties and its states stand in the order of how many of the overdoses each has.
    ``before`` holds ``(start, end, count)`` of the same cells in spans of the same length, newest last.
    """

    cells: tuple[str, ...]
    counties: tuple[str, ...]
    start: int
    at: int
    times: tuple[int, ...]
    contributions: tuple[str, ...]
    expected: float
    probability: float
    recurrence_days: float
    before: tuple[tuple[int, int, int], ...]
    outline: Ring
    states: tuple[str, ...] = ()

    @property
    def observed(self) -> int:
        """How many overdoses it holds."""
        return len(self.times)

    @property
    def newest(self) -> int:
        """The event time of its newest overdose."""
        return self.times[-1]


def scan_of(rule: Rule) -> SpaceTimeScan:
    """Return the parameters of a rule of this kind.

    Raises:
        TypeError: it is a rule of another kind.
    """
    if not isinstance(rule.criterion, SpaceTimeScan):
        raise TypeError("expected a rule of the kind space_time_scan")
    return rule.criterion


def areas_of(place_key: str) -> tuple[str, ...]:
    """Return the county and the state that a place key names; none where it names no county."""
    if len(place_key) != _COUNTY_DIGITS or not place_key.isdigit():
        return ()
    return f"county:{place_key}", f"state:{place_key[:_STATE_DIGITS]}"


def watched_in(rule: Rule, place_key: str) -> tuple[str, ...]:
    """Return where a rule looks at what happened in a county: the county if it watches it, and its state, or all states it watches.

    Several states are looked at as one place, called by their kind, or a cluster across their border would be halved.
    """
    return tuple(dict.fromkeys(joined(rule, area) for area in areas_of(place_key) if rule.applies_to(area)))


def joined(rule: Rule, area: str) -> str:
    """Return the place that an area is looked at as: itself, or all states that the rule watches where these are several."""
    several = JOINED in rule.area_kinds or sum(area_kind(each) == JOINED for each in rule.areas) > 1
    return JOINED if several and area_kind(area) == JOINED else area


def looked_from(rule: Rule, at: int) -> int:
    """Return where the days begin that a look at a moment counts; the start itself is not counted."""
    return _day(rule, at - DAY * (scan_of(rule).days - 1))


def look(rule: Rule, area: str, placed: Iterable[Placed], at: int, looks_a_day: float = 1.0) -> tuple[Found, ...]:
    """Return the clusters below the rule's probability, the likeliest first.

    A function of the rule, the area, what is placed there up to the moment, how often a day is looked at, and the day: the draws
    are seeded by the day.
    """
    asked = scan_of(rule)
    start = looked_from(rule, at)
    counted = [(each, time) for each in placed if is_cell(each.cell) for time in counted_times(rule, each) if start < time <= at]
    if len(counted) < max(rule.minimum_count, _LEAST):
        return ()
    cells = sorted({each.cell for each, _ in counted})
    row = {cell: place for place, cell in enumerate(cells)}
    counts = np.zeros((len(cells), asked.days))
    for each, time in counted:
        counts[row[each.cell], (time - 1 - start) // DAY] += 1
    first = np.datetime64(start // DAY, "D")
    found = scan(
        Series(np.arange(first, first + asked.days), counts, tuple(cells)),
        places_of(cells),
        Scan(
            radius=asked.radius_km,
            longest=rule.window // DAY,
            least_cases=max(rule.minimum_count, _LEAST),
            weekly=asked.weekly,
            replications=asked.replications,
            seed=_seed(rule, area, start),
            threads=1,
        ),
    )
    chances = [(asked.chance(each.p_value, looks_a_day), each) for each in found.clusters]
    return tuple(_found(each, chance, cells, counts, counted, start, at) for chance, each in chances if chance < asked.probability)


def _found(
    cluster: Cluster,
    chance: float,
    cells: Sequence[str],
    counts: np.ndarray[tuple[int, int], np.dtype[np.float64]],
    counted: Sequence[tuple[Placed, int]],
    low: int,
    at: int,
) -> Found:
    mine = [cells[member] for member in cluster.members.tolist()]
    start = low + cluster.first * DAY
    inside = sorted(
        ((time, each) for each, time in counted if each.cell in set(mine) and time > start), key=lambda one: (one[0], one[1].key)
    )
    length = counts.shape[1] - cluster.first
    daily = counts[cluster.members].sum(axis=0)
    edges = range(cluster.first % length, cluster.first, length)
    by_county: dict[str, int] = defaultdict(int)
    by_state: dict[str, int] = defaultdict(int)
    for _, each in inside:
        for county, state in [areas_of(each.place_key)]:
            by_county[county] += 1
            by_state[state] += 1
    return Found(
        cells=tuple(mine),
        counties=_most_first(by_county),
        states=_most_first(by_state),
        start=start,
        at=at,
        times=tuple(time for time, _ in inside),
        contributions=tuple(dict.fromkeys(each.key for _, each in inside)),
        expected=cluster.expected,
        probability=chance,
        recurrence_days=1 / chance,
        before=tuple((low + edge * DAY, low + (edge + length) * DAY, int(daily[edge : edge + length].sum())) for edge in edges),
        outline=outline_of(mine),
    )


def _most_first(counted: Mapping[str, int]) -> tuple[str, ...]:
    return tuple(sorted(counted, key=lambda area: (-counted[area], area)))


def counted_times(rule: Rule, each: Placed) -> list[int]:
    """Return the times of the overdoses that a rule counts."""
    if not any(rule.asks):
        return list(each.times)
    kept = matches(np.array(each.marks, dtype=np.int64), rule.asks).tolist()
    return [time for time, is_kept in zip(each.times, kept, strict=True) if is_kept]


def _day(rule: Rule, at: int) -> int:
    # spans are open at their start: what happens exactly when a day begins belongs to the one that ended
    origin = scan_of(rule).day_starts_hour * HOUR
    return (at - 1 - origin) // DAY * DAY + origin


def _seed(rule: Rule, area: str, start: int) -> int:
    """Return the day's seed: hourly looks at one day then differ by what happened, not by the draws."""
    return int.from_bytes(blake2b(f"{rule.id} {rule.version} {area} {start}".encode(), digest_size=6).digest(), "big")
