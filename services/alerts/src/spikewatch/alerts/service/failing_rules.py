"""Rules that fail while they judge are told and left out; the others judge. A failure must not cost an area its other alerts.

What a rule missed in an area is judged when it judges that area again, or a later version of it does: with the area's next overdose. It is
held in memory, so a restart forgets it, as a move of the area to another instance does.
"""

import logging
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from opentelemetry import metrics

from spikewatch.alerts.domain.identity import Kept
from spikewatch.alerts.domain.rule import Rule
from spikewatch.alerts.domain.rule_failed import RuleFailed
from spikewatch.alerts.domain.spans import Span
from spikewatch.alerts.service.revision import AreaRevision

__all__ = ["AGAIN", "FailingRules"]

AGAIN: Final = timedelta(seconds=60)
"""How long what was missed rests after it failed again: it may lie far back, and is read from the store."""

_MOST_MISSED: Final = 10_000  # areas and rules; some hundred bytes each

_log: Final = logging.getLogger(__name__)


@dataclass(slots=True)
class _Missed:
    """From the first to the last time that a rule did not judge in an area, what lies between included: judged twice is judged once.

    ``found`` are the alerts that judging it changed, with their versions, until they are known to be written.
    """

    low: int
    high: int
    failed_at: datetime | None = None
    found: dict[UUID, int] | None = None

    def rests(self, now: datetime) -> bool:
        """Tell whether it failed a short while ago."""
        return self.failed_at is not None and now - self.failed_at < AGAIN


class FailingRules:
    """Counts every failure, and tells the first of each rule and version in the log: with each overdose comes another.

    ``remembers`` what was missed; who judges anew all that matters with each look need not.
    """

    def __init__(self, *, remembers: bool = True) -> None:
        self._remembers = remembers
        self._told: set[tuple[str, int]] = set()
        self._missed: OrderedDict[tuple[str, str], _Missed] = OrderedDict()
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

        A rule that failed here before judges what it missed, too.

        Raises:
            Transient: a store does not answer.
        """
        changed: list[tuple[Rule, Kept]] = []
        for rule in rules:
            try:
                found = await revision.revise(rule, spans, _of(rule, kept), as_of=as_of, now=now)
            except RuleFailed as failed:
                self.tell(rule, failed)
                self._miss(rule, revision.area, spans)
                continue
            if self._missed and (rule.id, revision.area) in self._missed:
                found = await self._with_missed(revision, rule, spans, kept, found, as_of=as_of, now=now)
            changed += [(rule, each) for each in found]
        return changed

    def _miss(self, rule: Rule, area: str, spans: Sequence[Span]) -> None:
        if not self._remembers:
            return
        low, high = min(low for low, _ in spans), max(high for _, high in spans)
        missed = self._missed.setdefault((rule.id, area), _Missed(low, high))
        missed.low, missed.high, missed.found = min(missed.low, low), max(missed.high, high), None
        if len(self._missed) > _MOST_MISSED:
            self._missed.popitem(last=False)

    async def _with_missed(
        self,
        revision: AreaRevision,
        rule: Rule,
        spans: Sequence[Span],
        kept: Sequence[Kept],
        found: list[Kept],
        *,
        as_of: int,
        now: datetime,
    ) -> list[Kept]:
        """Return what changed when a rule judges what it missed, too; ``found`` is what it found without, if that fails again.

        What was missed is forgotten when all that it changed is written: a batch that another writer overtook is judged once more.
        """
        missed = self._missed[rule.id, revision.area]
        if missed.rests(now):
            return found
        if missed.found is not None:
            written = await revision.stored(missed.found)
            if all(id_ in written and written[id_].alert.version >= version for id_, version in missed.found.items()):
                self._forget(rule, revision.area)
                return found
        known = {each.alert_id: each for each in [*await revision.touching(missed.low - rule.quiet), *kept]}
        try:
            more = await revision.revise(rule, [*spans, (missed.low, missed.high)], _of(rule, known.values()), as_of=as_of, now=now)
        except RuleFailed as failed:
            self.tell(rule, failed)
            missed.failed_at = now
            return found
        missed.found = {each.alert_id: each.alert.version for each in more}
        if not more:
            self._forget(rule, revision.area)
        return more

    def _forget(self, rule: Rule, area: str) -> None:
        self._missed.pop((rule.id, area), None)  # areas are judged side by side: another may have crowded it out meanwhile


def _of(rule: Rule, kept: Iterable[Kept]) -> list[Kept]:
    return [
        each for each in kept if not each.is_retracted and (each.alert.rule.rule_id, each.alert.rule.version) == (rule.id, rule.version)
    ]
