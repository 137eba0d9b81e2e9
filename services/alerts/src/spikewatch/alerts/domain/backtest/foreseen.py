"""Gets rules ready for the whole past of many areas at once; what follows from it is the same as without it."""

from spikewatch.alerts.domain.backtest.histories import Histories
from spikewatch.alerts.domain.rule import Rule

__all__ = ["foreseen"]


def foreseen(rule: Rule, histories: Histories) -> Rule:
    """Return a copy of a rule that was asked about all areas together, for one back-test: it holds what it was told."""
    ready = rule.model_copy(deep=True)
    many = [
        history.select(histories.start - rule.quiet - rule.reach, histories.end, rule.asks)
        for area, history in histories.areas.items()
        if ":" not in area or rule.applies_to(area)
    ]
    ready.criterion.foresee(many, ready.window)
    return ready
