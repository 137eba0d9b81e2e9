"""From when on a rule judges an area: before, it is silent whatever happens, and its silence says nothing of what it costs."""

from spikewatch.alerts.domain.instants import DAY, HOUR
from spikewatch.alerts.domain.rule import Rule

__all__ = ["judged_since"]


def judged_since(rule: Rule, first: int | None) -> int | None:
    """Return the earliest moment in microseconds at which a rule may be met in an area; None where it asks for no history.

    ``first`` is the area's first overdose of any kind: the history that a rule asks for (``minimum_history_days``) begins there, and ends
    where the window with its guard begins. What an algorithm asks for beyond that is not in it.
    """
    asked = rule.criterion.model_dump()
    least: int = round(asked.get("minimum_history_days", 0) * DAY)
    if first is None or not least:
        return None
    if rule.criterion.step(first, rule.window) is not None:  # calendar steps: the one with the first overdose is the history's first
        return rule.criterion.start(first, rule.window) + -(-least // rule.window) * rule.window
    between: int = round(asked.get("lag_hours", asked.get("guard_hours", 0)) * HOUR)
    return first + least + rule.window + between
