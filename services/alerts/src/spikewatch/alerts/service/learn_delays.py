"""Learns how late each feed reports, from what is stored, and tells how much of an area's newest days is reported.

What is learnt is counted from the contributions, a day of occurrence at a time, and not with each record: so nothing is counted twice,
whatever is repeated, revised, merged or taken back, and any order of arrival teaches the same. A day is counted anew while
reports may come within the longest delay, and when more or fewer contributions of it are stored than were counted, as after a replay.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Final

import numpy as np

from spikewatch.alerts.domain.detection.reporting_delay import Delays
from spikewatch.alerts.domain.detection.series import Floats
from spikewatch.alerts.domain.first_told import DayTold, Feed, table_of, told_on, weights_of
from spikewatch.alerts.domain.instants import DAY, micros, moment
from spikewatch.alerts.domain.reported import Reported, reported_of, silent_feeds
from spikewatch.alerts.domain.rulebook import Rulebook
from spikewatch.alerts.ports import ContributionStore, DelayStore, FeedBook

__all__ = ["LONGEST", "LearnDelays", "corrected_kinds"]

LONGEST: Final = 14
"""The delay, in days, after which a day counts as reported, unless a feed is silent."""

_LEARNT_FROM: Final = 120  # days: two half-lives of what is learnt


def corrected_kinds(rulebook: Rulebook) -> frozenset[str]:
    """Return the kinds of area that rules in force judge by the part that is reported."""
    return frozenset(kind for rule in rulebook.rules if rule.is_corrected for kind in rule.kinds_watched)


class LearnDelays:
    """In memory: a share by age for each feed, and what each feed usually tells first in each area."""

    def __init__(self, contributions: ContributionStore, store: DelayStore, feeds: FeedBook, kinds: Collection[str]) -> None:
        """Begin with nothing known, so that each day is complete when it ends. ``kinds`` are those of the areas that are asked about."""
        self._contributions = contributions
        self._store = store
        self._feeds = feeds
        self._kinds = frozenset(kinds)
        self._shares: Mapping[Feed, Floats] = {}
        self._weights: Mapping[str, Mapping[Feed, float]] = {}
        self._last: Mapping[Feed, int] = {}
        self.places: Mapping[str, str] = {}
        self._newest: Collection[str] = ()

    def exchange(self, rulebook: Rulebook) -> None:
        """Learn what is needed for the areas of other rules, from the next day that is counted on."""
        self._kinds = corrected_kinds(rulebook)

    async def learn(self, today: int) -> None:
        """Take in everything that had come by the end of the day before ``today`` (days since 1970).

        Raises:
            Transient: a store does not answer; what was learnt before stands.
        """
        first = today - _LEARNT_FROM
        known = {day.day: day for day in await self._store.load(first, today - 1)}
        for day in range(first, today):
            span = (day * DAY, (day + 1) * DAY - 1)
            held, number = known.get(day), await self._contributions.number(span)
            is_final = held is not None and (held.counted_on > day + LONGEST or held.counted_on == today)
            if held is not None and is_final and held.contributions == number:
                continue
            told = await self._contributions.told(self._kinds, span)
            known[day] = await asyncio.to_thread(told_on, day, today, told, LONGEST)
            known[day].contributions = number
            await self._store.save(known[day])
        shares, weights, last = await asyncio.to_thread(_learnt, known, first, today)
        self._shares, self._weights, self._last = shares, weights, last
        self.places = {area: place for day in sorted(known) for area, place in known[day].places.items()}
        self._newest = {area for day in known.values() if day.day >= today - LONGEST - 1 for area in day.areas}

    @property
    def unsettled(self) -> list[str]:
        """The areas with an overdose on a day, before the one that runs, of which reports may still come."""
        return sorted(self._newest)

    def reported(self, areas: Sequence[str], as_of: int) -> Reported | None:
        """Return how much of the first area's newest days is reported by the end of the day of a time, None where all is."""
        weights = self._weights.get(areas[0])
        if not weights:
            return None
        today = as_of // DAY
        agencies: dict[str, int] = {}
        for feed in self._feeds.silent(areas, moment(as_of)):
            since = micros(feed.since) // DAY
            agencies[feed.agency_id] = min(agencies.get(feed.agency_id, since), since)
        return reported_of(today, self._shares, weights, silent_feeds(agencies, self._last, list(weights)))


def _learnt(
    days: Mapping[int, DayTold], first: int, today: int
) -> tuple[dict[Feed, Floats], dict[str, dict[Feed, float]], dict[Feed, int]]:
    shares: dict[Feed, Floats] = {}
    last: dict[Feed, int] = {}
    for feed in {feed for day in days.values() for feed in day.delays}:
        shares[feed] = Delays.of_table(np.array(table_of(days, feed, first, today - 1, LONGEST))).share()
        last[feed] = max(day.day + delay for day in days.values() for delay in day.delays.get(feed, {}))
    # the newest days lack what comes late, so that a slow feed would seem to tell little
    settled = [day for day in days.values() if day.day < today - LONGEST] or list(days.values())
    return shares, weights_of(settled), last
