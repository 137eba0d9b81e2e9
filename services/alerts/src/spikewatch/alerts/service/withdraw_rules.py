"""Closes the alerts of rules that are in force no longer."""

from collections.abc import Sequence
from typing import Final

from spikewatch.alerts.domain.identity import Kept
from spikewatch.alerts.domain.instants import micros
from spikewatch.alerts.domain.rulebook import Rulebook
from spikewatch.alerts.domain.withdrawal import withdrawn
from spikewatch.alerts.ports import AlertStore, ContributionStore, Publishing
from spikewatch.alerts.service.messages import alert_message
from spikewatch.chassis.clock import Clock
from spikewatch.chassis.outcome import Transient

__all__ = ["WithdrawRules"]

_AT_ONCE: Final = 200


class WithdrawRules:
    """Runs periodically on every instance; compare-and-set lets one of them win.

    What left is looked for at every turn from then on: a batch that was under way, here or on an instance that heard of it later, may
    have brought an alert of it to life once more.
    """

    def __init__(
        self,
        rulebook: Rulebook,
        alerts: AlertStore,
        contributions: ContributionStore,
        publishing: Publishing,
        *,
        clock: Clock,
        is_live: bool,
    ) -> None:
        self._in_force = _versions(rulebook)
        self._left: set[tuple[str, int]] = set()
        self._looked_back = False
        self._alerts = alerts
        self._contributions = contributions
        self._publishing = publishing
        self._clock = clock
        self._is_live = is_live

    def exchange(self, rulebook: Rulebook) -> None:
        """Look for what is in force no longer from the next turn on."""
        after = _versions(rulebook)
        self._left = (self._left | set(self._in_force.items())) - set(after.items())
        self._in_force = after

    async def __call__(self) -> None:
        """Close the alerts of rules that have left, at the first turn also of those that left while no instance ran.

        Raises:
            Transient: a store does not answer; the next call looks again.
        """
        now = self._clock()
        as_of = micros(now) if self._is_live else await self._contributions.newest()
        if as_of is None:
            return
        while True:
            found = await self._found()
            if not found:
                return
            closed = [withdrawn(each, self._in_force.get(each.alert.rule.rule_id), as_of, now) for each in found]
            try:
                await self._alerts.save(closed)
            except Transient:
                return  # an evaluation was first; what is still open is found at the next turn
            await self._publishing.send([alert_message(each.alert) for each in closed])
            await self._alerts.settle({each.alert_id: each.alert.version for each in closed})

    async def _found(self) -> Sequence[Kept]:
        if not self._looked_back:
            if found := await self._alerts.open_beside(self._in_force, _AT_ONCE):
                return found
            self._looked_back = True
        return await self._alerts.open_of(self._left, _AT_ONCE) if self._left else ()


def _versions(rulebook: Rulebook) -> dict[str, int]:
    return {rule.id: rule.version for rule in rulebook.rules}
