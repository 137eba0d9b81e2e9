"""Takes the looks of a rule that scans over a history, one by one, by the code that looks in service; nothing is stored or published."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import numpy as np

from spikewatch.alerts.domain.backtest.scanned import LOOKS_A_DAY
from spikewatch.alerts.domain.backtest.verdict import Alarm
from spikewatch.alerts.domain.clusters.look import Placed, areas_of
from spikewatch.alerts.domain.contributed import Held
from spikewatch.alerts.domain.identity import Kept
from spikewatch.alerts.domain.instants import micros, moment
from spikewatch.alerts.domain.rule import Rule
from spikewatch.alerts.domain.rulebook import Rulebook
from spikewatch.alerts.domain.spans import Span
from spikewatch.alerts.service.scan_clusters import ScanClusters

__all__ = ["ScanReplay"]

_DAY_SECONDS = 86_400.0


class ScanReplay:
    """One rule over one history, whether it is enabled or not. Looks must be taken in their order."""

    def __init__(self, rule: Rule, placed: Sequence[Placed]) -> None:
        self._contributions = _History(placed)
        self._alerts = _Alerts(self._contributions)
        self._at = 0
        nobody: Any = _Nobody()
        contributions: Any = self._contributions
        alerts: Any = self._alerts
        self._scan = ScanClusters(
            Rulebook((rule.model_copy(update={"enabled": True}),)),
            contributions,
            alerts,
            nobody,
            nobody,
            nobody,
            clock=lambda: moment(self._at),
            every_seconds=_DAY_SECONDS / LOOKS_A_DAY,
            is_live=False,
        )

    def look(self, at: int) -> None:
        """Look as of a moment. Not to be called where an event loop runs: it runs one of its own."""
        self._at = at
        asyncio.run(self._scan.look(at))

    @property
    def alerts(self) -> list[Kept]:
        """The alerts as they are after the looks so far, those that were taken back since they became a part of another, too."""
        return list(self._alerts.held.values())

    @property
    def alarms(self) -> list[tuple[str, Alarm]]:
        """What was raised, with the area of each alert, the earliest first.

        An alarm counts as it was when it was least probable; one that became a part of another later was told all the same.
        """
        told = [(self._alerts.held[alert].alert.area, alarm) for alert, alarm in self._alerts.told.items()]
        return sorted(told, key=lambda one: (one[1].episode.opened_at, one[1].known_at, one[0]))


class _History:
    """What lies in map cells, as the scan reads it from a store of contributions."""

    def __init__(self, placed: Sequence[Placed]) -> None:
        self._placed = [each for each in placed if each.times]
        self._first = np.array([min(each.times) for each in self._placed], dtype=np.int64)
        self._last = np.array([max(each.times) for each in self._placed], dtype=np.int64)
        self._by_key = {each.key: each for each in self._placed}
        self.county = {each.incident: each.place_key for each in self._placed}

    async def placed(self, kind: str, span: Span) -> list[Placed]:  # noqa: ARG002  # the port's: all that is here is cells
        low, high = span
        return [self._placed[place] for place in np.flatnonzero((self._last >= low) & (self._first <= high)).tolist()]

    async def load(self, keys: Collection[str]) -> dict[str, Held]:
        return {
            key: Held(each.cell, each.incident, 1, each.place_key, each.times, each.marks, ((),) * len(each.times))
            for key, each in ((key, self._by_key[key]) for key in keys)
        }


class _Alerts:
    """The alerts of one rule in memory, and of each what it was when it was told first and when it was least probable."""

    def __init__(self, history: _History) -> None:
        self.held: dict[UUID, Kept] = {}
        self.told: dict[UUID, Alarm] = {}
        self._history = history

    async def standing(self, rule: str, since: int) -> list[Kept]:  # noqa: ARG002  # the port's: there is one rule
        return [each for each in self.held.values() if not each.is_retracted and each.episode.last_met_at >= since]

    async def load(self, alerts: Collection[UUID]) -> dict[UUID, Kept]:
        return {alert: self.held[alert] for alert in alerts if alert in self.held}

    async def save(self, alerts: Sequence[Kept]) -> None:
        for each in alerts:
            self.held[each.alert_id] = each
            if not each.is_retracted:
                self._tell(each)

    async def settle(self, published: object) -> None:
        """Nothing waits to be published."""

    def _tell(self, kept: Kept) -> None:
        alert = kept.alert
        named = (areas_of(self._history.county[each.incident_id]) for each in alert.contributors)
        now = Alarm(
            kept.episode,
            alert.expected,
            alert.threshold,
            alert.probability,
            told_at=micros(alert.history[0].recorded_at),
            places=tuple(sorted({place for places in named for place in places})),
        )
        first = self.told.get(kept.alert_id)
        if first is not None:
            peak = min(first, now, key=lambda one: one.surprise)
            now = replace(peak, episode=replace(peak.episode, last_met_at=kept.episode.last_met_at), places=first.places)
        self.told[kept.alert_id] = now


class _Nobody:
    """Nobody is told and no feed is known: a back-test publishes nothing."""

    async def responsible(self, areas: object) -> tuple[()]:  # noqa: ARG002
        return ()

    def silent(self, areas: object, before: object) -> tuple[()]:  # noqa: ARG002
        return ()

    async def send(self, messages: object) -> None:
        """Send nothing."""
