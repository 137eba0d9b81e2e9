"""Closes alerts when event time has passed their quiet time, and publishes what a crash left unpublished."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from spikewatch.alerts.domain.identity import Kept
from spikewatch.alerts.domain.instants import micros
from spikewatch.alerts.domain.lifecycle import with_status
from spikewatch.alerts.ports import AlertStore, ContributionStore, Publishing
from spikewatch.alerts.service.messages import alert_message
from spikewatch.chassis.clock import Clock
from spikewatch.chassis.outcome import Transient

__all__ = ["CloseQuiet"]

_AT_ONCE: Final = 200
# Longer than a batch takes with all its retries, so that what is on its way is not published twice.
_FORGOTTEN: Final = timedelta(seconds=300)


class CloseQuiet:
    """Runs periodically on every instance; compare-and-set lets one of them win."""

    def __init__(
        self, alerts: AlertStore, contributions: ContributionStore, publishing: Publishing, *, clock: Clock, is_live: bool
    ) -> None:
        self._alerts = alerts
        self._contributions = contributions
        self._publishing = publishing
        self._clock = clock
        self._is_live = is_live

    async def close(self) -> None:
        """Bring the status of every alert up to the present event time."""
        now = self._clock()
        as_of = micros(now) if self._is_live else await self._contributions.newest()
        if as_of is None:
            return
        while due := await self._alerts.due(as_of, _AT_ONCE):
            changed = [after for each in due if (after := with_status(each, as_of, now)) is not None]
            try:
                await self._alerts.save(changed)
            except Transient:
                return  # an evaluation was first; what is still due is found at the next turn
            await self._publish(changed)
            if len(due) < _AT_ONCE:
                return

    async def publish_forgotten(self, *, older_than: timedelta = _FORGOTTEN) -> None:
        """Publish alerts whose newest version was written some time ago and never settled."""
        before: datetime = self._clock() - older_than
        await self._publish(await self._alerts.pending(before, _AT_ONCE))

    async def _publish(self, alerts: Sequence[Kept]) -> None:
        if alerts:
            await self._publishing.send([alert_message(each.alert) for each in alerts])
            await self._alerts.settle({each.alert_id: each.alert.version for each in alerts})
