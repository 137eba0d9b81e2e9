"""A rule that fails while it judges: the error says which, so that the others can go on."""

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from spikewatch.alerts.domain.rule import Rule
from spikewatch.alerts.domain.series import History

__all__ = ["RuleFailed", "names_its_rule"]

What = TypeVar("What")
Answer = TypeVar("Answer")


class RuleFailed(Exception):  # noqa: N818  # named by its consequence
    """A rule could not be held against an area's overdoses: the rest of its kind's code is wrong, or its parameters together are."""

    def __init__(self, rule: Rule, error: Exception) -> None:
        super().__init__(f"rule {rule.id} (version {rule.version}) cannot be judged: {type(error).__name__}: {error}")
        self.rule = rule
        self.__cause__ = error


def names_its_rule(judge: Callable[[History, Rule, What], Answer]) -> Callable[[History, Rule, What], Answer]:
    """Return a function of a history and a rule that fails as ``RuleFailed``, whatever went wrong in it."""

    @wraps(judge)
    def judged(history: History, rule: Rule, what: What) -> Answer:
        try:
            return judge(history, rule, what)
        except Exception as error:  # what a detector of many parameters may raise is not known beforehand
            raise RuleFailed(rule, error) from error

    return judged
