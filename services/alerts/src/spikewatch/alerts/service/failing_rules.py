"""Rules that fail while they judge are told and left out; the others judge. A failure must not cost an area its other alerts."""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from opentelemetry import metrics

from spikewatch.alerts.domain.identity import Kept
from spikewatch.alerts.domain.rule import Rule
from spikewatch.alerts.domain.rule_failed import RuleFailed
from spikewatch.alerts.domain.spans import Span
from spikewatch.alerts.service.revision import AreaRevision

__all__ = ["FailingRules"]

_log: Final = logging.getLogger(__name__)


class FailingRules:
    """Counts every failure, and tells the first of each rule and version in the log: with each overdose comes another."""

    def __init__(self) -> None:
        self._told: set[tuple[str, int]] = set()
        self._failures = metrics.get_meter("spikewatch.alerts").create_counter("spikewatch.alerts.rules.failed", unit="{failure}")

    def tell(self, rule: Rule, error: Exception) -> None:
        """Count a failure of a rule."""
        self._failures.add(1, {"spikewatch.rule": rule.id})
        if (rule.id, rule.version) not in self._told:
            self._told.add((rule.id, rule.version))
            _log.error("a rule failed and was left out; the others judge", extra={"rule": rule.id, "version": rule.version}, exc_info=error)

    async def revised(
        self, revision: AreaRevision, rules: Iterable[Rule], spans: Sequence[Span], kept: Sequence[Kept], *, as_of: int, now: datetime
    ) -> list[tuple[Rule, Kept]]:
        """Return the alerts of an area that changed, each with its rule; those of a rule that fails stay as they are.

        Raises:
            Transient: a store does not answer.
        """
        changed: list[tuple[Rule, Kept]] = []
        for rule in rules:
            mine = [
                each
                for each in kept
                if not each.is_retracted and (each.alert.rule.rule_id, each.alert.rule.version) == (rule.id, rule.version)
            ]
            try:
                changed += [(rule, each) for each in await revision.revise(rule, spans, mine, as_of=as_of, now=now)]
            except RuleFailed as failed:
                self.tell(rule, failed)
        return changed
