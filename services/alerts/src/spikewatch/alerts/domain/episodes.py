"""Episodes: stretches of event time in which a rule is met again and again.

An episode opens at the first overdose time at which the rule is met and lasts while the rule is met again within the
quiet time. ``all_episodes`` is the definition; ``revised`` gives the same from the episodes known before and
the spans that changed, and the property tests hold the two against each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from spikewatch.alerts.domain.instants import Instants
from spikewatch.alerts.domain.rule import Rule
from spikewatch.alerts.domain.rule_failed import names_its_rule
from spikewatch.alerts.domain.series import History, Series
from spikewatch.alerts.domain.spans import Span, joined

__all__ = ["Episode", "Zone", "all_episodes", "recomputed", "revised", "zones_of"]

_SCAN = 64  # evaluation times per step of the search backwards; an open episode is met within a few


@dataclass(frozen=True, slots=True)
class Episode:
    """One stretch, in microseconds of event time.

    ``peak_at`` ends the window of the highest count, the earliest of equals.
    """

    opened_at: int
    last_met_at: int
    peak_at: int
    observed: int


@dataclass(slots=True)  # not frozen: one is made for every look, and that costs four times as much
class Zone:
    """A stretch in which decisions may have changed, with every known episode that it can touch.

    Zones lie further apart than the quiet time, so each is revised alone.
    """

    low: int
    high: int
    known: tuple[Episode, ...]

    @property
    def start(self) -> int:
        """The earliest time whose decision matters here."""
        return min(self.low, self.known[0].opened_at) if self.known else self.low

    @property
    def stop(self) -> int:
        """The latest time whose decision matters here."""
        return max(self.high, self.known[-1].last_met_at) if self.known else self.high


def all_episodes(history: History, rule: Rule) -> list[Episode]:
    """Return the episodes of a whole history."""
    if not len(history):
        return []
    low, high = int(history.times[0]), int(history.times[-1])
    return _between(history.select(low, high, rule.asks), rule, low, high)


def zones_of(spans: Sequence[Span], known: Sequence[Episode], rule: Rule) -> list[Zone]:
    """Return the zones that changed spans make, given the episodes known before in any order."""
    if not known and len(spans) == 1:
        return [Zone(spans[0][0], spans[0][1] + rule.reach, ())]
    episodes = sorted(known, key=lambda episode: episode.opened_at)
    zones: list[Zone] = []
    for span_low, span_high in joined((low, high + rule.reach) for low, high in spans):
        low, high = span_low, span_high
        zone = _zone(low, high, episodes, rule)
        while zones and zone.start - rule.quiet <= zones[-1].stop:
            earlier = zones.pop()
            zone = _zone(earlier.low, max(earlier.high, high), episodes, rule)
        zones.append(zone)
    return zones


def _zone(low: int, high: int, episodes: Sequence[Episode], rule: Rule) -> Zone:
    touched = (each for each in episodes if each.last_met_at >= low - rule.quiet and each.opened_at <= high + rule.quiet)
    return Zone(low, high, tuple(touched))


@names_its_rule
def revised(history: History, rule: Rule, zone: Zone) -> list[Episode] | None:
    """Return the zone's episodes from what is known and the newest overdoses; None if that needs the whole zone.

    Needs the history from ``zone.low - rule.quiet - rule.reach`` on. Cheap where overdoses are added at the end of an
    episode that may have lasted for years: only the changed times are evaluated.
    """
    head = zone.known[0] if zone.known else None
    if head is None or head.opened_at >= zone.low or zone.stop > zone.high:
        return None
    high = min(zone.high, history.newest if history.newest is not None else zone.high)
    series = history.select(zone.low - rule.quiet - rule.reach, high, rule.asks)
    last = head.last_met_at if head.last_met_at < zone.low else _last_met_before(series, rule, zone.low)
    if last is None:
        return None
    fresh = _between(series, rule, zone.low, high)
    peak_stands = head.peak_at < zone.low
    if not fresh or fresh[0].opened_at - last > rule.quiet:
        return [Episode(head.opened_at, last, head.peak_at, head.observed), *fresh] if peak_stands else None
    joining = fresh[0]
    if peak_stands and head.observed >= joining.observed:
        first = Episode(head.opened_at, joining.last_met_at, head.peak_at, head.observed)
    elif peak_stands or joining.observed >= head.observed:
        # before the zone all counts are below the old peak, which was the earliest of its height
        first = Episode(head.opened_at, joining.last_met_at, joining.peak_at, joining.observed)
    else:
        return None
    return [first, *fresh[1:]]


@names_its_rule
def recomputed(history: History, rule: Rule, zone: Zone) -> list[Episode]:
    """Return the zone's episodes by evaluating all of it; needs the history from ``zone.start - rule.reach`` on."""
    if history.newest is None:
        return []
    stop = min(zone.stop, history.newest)
    series = history.select(zone.start - rule.reach, stop, rule.asks)
    return _between(series, rule, zone.start, stop)


def _met(series: Series, rule: Rule, at: Instants) -> tuple[Instants, Instants]:
    counts = series.count(rule.criterion.starts(at, rule.window), at)
    if rule.minimum_count > 1:
        enough = counts >= rule.minimum_count
        at, counts = at[enough], counts[enough]
    if not len(at):
        return at, counts
    met = rule.criterion.met(series, at, counts, rule.window)
    return (at, counts) if met.all() else (at[met], counts[met])


def _between(series: Series, rule: Rule, low: int, high: int) -> list[Episode]:
    times = series.distinct(low, high)
    if len(times) == 1:  # the usual case: one overdose came, and with one alone arrays would take most of the time
        return _at_once(series, rule, int(times[0]))
    at, counts = _met(series, rule, times)
    if not len(at):
        return []
    edges = np.flatnonzero(np.diff(at) > rule.quiet) + 1
    bounds = [0, *edges.tolist(), len(at)]
    episodes = []
    for start, stop in pairwise(bounds):
        peak = start + int(np.argmax(counts[start:stop]))
        episodes.append(Episode(int(at[start]), int(at[stop - 1]), int(at[peak]), int(counts[peak])))
    return episodes


def _at_once(series: Series, rule: Rule, at: int) -> list[Episode]:
    count = series.count_one(rule.criterion.start(at, rule.window), at)
    if count < rule.minimum_count or not rule.criterion.met_once(series, at, count, rule.window):
        return []
    return [Episode(at, at, at, count)]


def _last_met_before(series: Series, rule: Rule, before: int) -> int | None:
    times = series.distinct(before - rule.quiet, before - 1)
    while len(times):
        met, _ = _met(series, rule, times[-_SCAN:])
        if len(met):
            return int(met[-1])
        times = times[:-_SCAN]
    return None
