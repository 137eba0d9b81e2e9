"""Gets the rules that judge calendar steps ready when a step begins, so that no overdose waits for it."""

import asyncio
from collections.abc import Sequence

from spikewatch.alerts.domain.instants import micros
from spikewatch.alerts.domain.rule import Rule
from spikewatch.alerts.domain.rulebook import Rulebook
from spikewatch.alerts.domain.series import History
from spikewatch.alerts.service.area_cache import AreaCache
from spikewatch.alerts.service.failing_rules import FailingRules
from spikewatch.chassis.clock import Clock

__all__ = ["BeginSteps"]


class BeginSteps:
    """Runs periodically. What it does can be left out: the first overdose of a step then waits some milliseconds for each rule."""

    def __init__(self, rulebook: Rulebook, cache: AreaCache, *, clock: Clock) -> None:
        self._rules = rulebook.at_overdoses
        self._cache = cache
        self._clock = clock
        self._failing = FailingRules(remembers=False)
        self._begun: dict[tuple[str, int], int | None] = {}

    def exchange(self, rulebook: Rulebook) -> None:
        """Prepare other rules from the next call on."""
        self._rules = rulebook.at_overdoses

    async def __call__(self) -> None:
        """Prepare each rule whose step has turned for all areas in memory, in a thread."""
        now = micros(self._clock())
        running = {(rule.id, rule.version): rule.criterion.step(now, rule.window) for rule in self._rules}
        turned = [rule for rule in self._rules if running[rule.id, rule.version] != self._begun.get((rule.id, rule.version))]
        if turned:
            # Histories are replaced as a whole and never changed, so another thread may read them.
            for rule, error in await asyncio.to_thread(_prepare, turned, self._cache.histories(), now):
                self._failing.tell(rule, error)
            self._begun = running


def _prepare(rules: Sequence[Rule], histories: Sequence[tuple[str, History]], now: int) -> list[tuple[Rule, Exception]]:
    """Prepare rules, and return those that fail."""
    failed: list[tuple[Rule, Exception]] = []
    for rule in rules:
        watched = [history for area, history in histories if rule.applies_to(area) and (history.first or now) < now]
        try:
            rule.criterion.prepare([history.select(now - rule.reach, now, rule.asks) for history in watched], now, rule.window)
        except Exception as error:  # noqa: BLE001  # one rule must not stop the others
            failed.append((rule, error))
    return failed
