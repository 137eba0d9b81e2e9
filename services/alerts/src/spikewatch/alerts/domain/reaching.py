"""Which windows of an area reach to a moment and meet a rule: what a rule that is switched on then finds going on."""

import numpy as np

from spikewatch.alerts.domain.rule import Rule
from spikewatch.alerts.domain.rule_failed import names_its_rule
from spikewatch.alerts.domain.rulebook import Rulebook, differences
from spikewatch.alerts.domain.series import History

__all__ = ["looked_back", "reaching_from", "switched_on"]


def switched_on(before: Rulebook, after: Rulebook) -> list[Rule]:
    """Return what is held against each overdose by one set of rules and was not so by another; words make no other rule."""
    others = {each.rule for each in differences(before, after) if each.change != "described"}
    return [rule for rule in after.at_overdoses if rule.id in others]


def looked_back(rule: Rule, at: int) -> int:
    """Return the earliest overdose at which a window is looked at that reaches to a moment.

    It lies in the window that ends then, and not so far back that an alert of it would be over.
    """
    return max(rule.start_of(at) + 1, at - rule.quiet)


@names_its_rule
def reaching_from(history: History, rule: Rule, at: int) -> int | None:
    """Return the first overdose at which a window that reaches to a moment meets a rule; None where none does.

    Needs the history from ``looked_back - rule.reach`` on. A window counts only what the window that ends at the moment holds, too, so
    that what lies before that makes no spike of now. An overdose changes the answer only from its own time on and within the rule's
    reach, where it is judged itself when it comes: whether it came before or after this look makes no difference to the alerts.

    Raises:
        RuleFailed: the rule cannot be judged.
    """
    low = looked_back(rule, at)
    series = history.select(low - rule.reach, at, rule.asks)
    series.settled = None  # what is remembered of an area is about whole windows
    times = series.distinct(low, at)
    counts = series.count(np.maximum(rule.criterion.starts(times, rule.window), rule.start_of(at)), times)
    enough = counts >= rule.minimum_count
    times, counts = times[enough], counts[enough]
    if not len(times):
        return None
    met = times[rule.criterion.met(series, times, counts, rule.window)]
    return int(met[0]) if len(met) else None
