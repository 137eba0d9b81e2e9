"""Lets alerts about the same incidents name each other, so that a person is told once and not five times.

Areas are evaluated one by one, each on the instance that owns it; what a spike looks like in all areas that hold it is known only
when all were. So alerts are compared after they were written, like quiet ones are closed: in the end each names those that
stand, whatever came first.
"""

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
            if not await self._compare(waiting) or len(waiting) < _AT_ONCE:
                return

    async def _compare(self, waiting: list[Kept]) -> bool:
        now = self._clock()
        # a change of one matters to all that share incidents with it now, and to all that named it before
        touched = await self._alerts.sharing(_incidents(waiting), {each.alert_id for each in waiting})
        touched = [*{each.alert_id: each for each in [*waiting, *touched] if not each.is_retracted}.values()]
        others = [each.alert for each in await self._alerts.sharing(_incidents(touched), ())]
        told = [after for each in touched if (after := related(each, story_of(each.alert, others), now)) is not None]
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


def _incidents(several: list[Kept]) -> set[UUID]:
    return {each.incident_id for kept in several for each in kept.alert.contributors}
