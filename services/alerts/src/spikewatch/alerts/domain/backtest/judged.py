"""From when on a rule judges an area: before, it is silent whatever happens, and its silence says nothing of what it costs."""

from functools import lru_cache

from spikewatch.alerts.domain.instants import DAY, HOUR
from spikewatch.alerts.domain.rule import Rule
from spikewatch.alerts.domain.rules.detector import DetectorRule

__all__ = ["judged_since", "least_history_days"]


def judged_since(rule: Rule, first: int | None) -> int | None:
    """Return the earliest moment in microseconds at which a rule may be met in an area; None where it asks for no history.

    ``first`` is the area's first overdose of any kind: the history that a rule asks for begins there, and ends where the window with its
    guard begins.
    """
    least = round(least_history_days(rule) * DAY)
    if first is None or not least:
        return None
    if isinstance(rule.criterion, DetectorRule):  # the calendar step with the first overdose is the history's first
        return rule.criterion.start(first, rule.window) + -(-least // rule.window) * rule.window
    asked = rule.criterion.model_dump()
    between: float = asked.get("lag_hours", asked.get("guard_hours", 0)) * HOUR
    return first + least + rule.window + round(between)


def least_history_days(rule: Rule) -> float:
    """Return by how many days of history a rule judges at least: what it states (``minimum_history_days``), or its algorithm needs."""
    stated: float = rule.criterion.model_dump().get("minimum_history_days", 0)
    if not isinstance(rule.criterion, DetectorRule):
        return stated
    return max(stated, _needed(rule.criterion.model_dump_json(), rule.window) * rule.window / DAY)


@lru_cache(maxsize=1_024)  # of every area of a back-test the same is asked
def _needed(told: str, window: int) -> int:
    """Return the fewest steps before one by which the algorithm judges it."""
    rule = DetectorRule.model_validate_json(told)
    low, high = 0, max(2, -(-round(rule.history_days * DAY) // window))
    while high - low > 1:  # who judges by fewer judges by more
        middle = (low + high) // 2
        if rule.model_copy(update={"history_days": middle * window / DAY}).refuses(window) is None:
            high = middle
        else:
            low = middle
    return high
