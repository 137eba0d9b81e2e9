"""Lets alerts about the same incidents name each other, so that a person is told once and not five times.

Areas are evaluated one by one, each on the instance that owns it; what a spike looks like in all areas that hold it is known only
when all were. So alerts are compared after they were written, like quiet ones are closed: in the end each names those that
stand, whatever came first.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from spikewatch.alerts.domain.identity import Kept
from spikewatch.alerts.domain.lifecycle import related
from spikewatch.alerts.domain.stories import story_of
from spikewatch.alerts.ports import AlertStore, Publishing
from spikewatch.alerts.service.messages import alert_message
from spikewatch.chassis.clock import Clock
from spikewatch.chassis.outcome import Transient

__all__ = ["TellStories"]

_AT_ONCE: Final = 50  # with those that share their incidents some hundred
_MOST_TOUCHED: Final = 500  # with more, fewer are compared at once
_MOST_SHARING: Final = 2_000  # that one is compared with: a rule on every map cell; of more those that opened last


class TellStories:
    """Runs periodically on every instance; compare-and-set lets one of them win."""

    def __init__(self, alerts: AlertStore, publishing: Publishing, *, clock: Clock) -> None:
        self._alerts = alerts
        self._publishing = publishing
        self._clock = clock

    async def __call__(self) -> None:
        """Compare every alert that was saved since the last call with those that share its incidents.

        Raises:
            Transient: the store does not answer; the alerts still wait.
        """
        while waiting := await self._alerts.unrelated(_AT_ONCE):
            taken = await self._few(waiting)
            if not await self._compare(*taken) or (len(waiting) < _AT_ONCE and len(taken[0]) == len(waiting)):
                return

    async def _few(self, waiting: list[Kept]) -> tuple[list[Kept], list[Kept]]:
        """Return so many of the waiting that not too many share incidents with them, and those."""
        while True:
            # a change of one matters to all that share incidents with it now, and to all that named it before
            touched = await self._alerts.sharing(_incidents(waiting), {each.alert_id for each in waiting}, _MOST_TOUCHED)
            if len(touched) < _MOST_TOUCHED or len(waiting) == 1:
                return waiting, touched
            waiting = waiting[: len(waiting) // 2]

    async def _compare(self, waiting: list[Kept], touched: list[Kept]) -> bool:
        now = self._clock()
        touched = [*{each.alert_id: each for each in [*waiting, *touched] if not each.is_retracted}.values()]
        others = await self._alerts.sharing(_incidents(touched), (), _MOST_SHARING)
        told = await asyncio.to_thread(_told, touched, others, now)
        try:
            await self._alerts.save(told)
        except Transient:
            return False  # an evaluation was first; all of them still wait
        # what a story changes in an alert changes no other's story
        versions = {each.alert_id: each.alert.version for each in waiting} | {each.alert_id: each.alert.version for each in told}
        await self._alerts.compared(versions)
        if told:
            await self._publishing.send([alert_message(each.alert) for each in told])
            await self._alerts.settle({each.alert_id: each.alert.version for each in told})
        return True


def _told(touched: Sequence[Kept], others: Sequence[Kept], now: datetime) -> list[Kept]:
    """Return the alerts whose story has changed; each is compared with those alone that share an incident with it."""
    by_incident: dict[UUID, list[Kept]] = defaultdict(list)
    for other in others:
        for contributor in other.alert.contributors:
            by_incident[contributor.incident_id].append(other)
    told: list[Kept] = []
    for each in touched:
        sharing = {other.alert_id: other.alert for one in each.alert.contributors for other in by_incident.get(one.incident_id, ())}
        after = related(each, story_of(each.alert, sharing.values()), now)
        if after is not None:
            told.append(after)
    return told


def _incidents(several: list[Kept]) -> set[UUID]:
    return {each.incident_id for kept in several for each in kept.alert.contributors}
