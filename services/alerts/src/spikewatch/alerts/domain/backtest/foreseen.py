"""Gets rules ready for the whole past of many areas at once; what follows from it is the same as without it."""

from spikewatch.alerts.domain.backtest.histories import Histories
from spikewatch.alerts.domain.rule import Rule
from spikewatch.alerts.domain.rule_failed import RuleFailed

__all__ = ["foreseen"]


def foreseen(rule: Rule, histories: Histories) -> Rule:
    """Return a copy of a rule that was asked about all areas together, for one back-test: it holds what it was told.

    Raises:
        RuleFailed: the rule cannot be judged.
    """
    ready = rule.model_copy(deep=True)
    # an area without a kind is of no level: the rule as a whole judges it
    watched = [(area, history) for area, history in histories.areas.items() if ":" not in area or rule.applies_to(area)]
    asked = {id(one): one for one in (ready.at(area) for area, _ in watched)}
    for one in asked.values():
        mine = [history for area, history in watched if ready.at(area) is one]
        many = [history.select(histories.start - rule.quiet - rule.reach, histories.end, rule.asks) for history in mine]
        try:
            one.criterion.foresee(many, rule.window)
        except Exception as error:  # as in names_its_rule
            raise RuleFailed(rule, error) from error
    return ready
