"""Says what a table of a back-test leaves out: rules that watch, count or judge nothing of the history, and areas that none watches."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from spikewatch.alerts.domain.backtest.histories import Histories
from spikewatch.alerts.domain.backtest.judged import least_history_days
from spikewatch.alerts.domain.backtest.verdict import Verdict
from spikewatch.alerts.domain.marks import matches
from spikewatch.alerts.domain.rule import Rule
from spikewatch.cli.backtesting.scans import Books
from spikewatch.cli.progress import say

__all__ = ["say_unwatched"]

_MOST_NAMED: Final = 5


def say_unwatched(books: Books, sets: Sequence[tuple[str, Sequence[Verdict]]], histories: Histories, *, is_stored: bool) -> None:
    """Say it: without, a rule that saw nothing looks as if it were quiet. What is stored comes without strata, and none is missed there."""
    for (_, rules), (_, found) in zip(books, sets, strict=True):
        judged = {one.rule.id for one in found}
        for rule in rules:
            if rule.id not in judged:
                watched = ", ".join([*(f"each {kind}" for kind in rule.area_kinds), *rule.areas][:_MOST_NAMED])
                say(
                    f"rule {rule.id} watches none of the areas of the history (it watches {watched}); name its areas so, or change the rule"
                )
            elif not is_stored and not rule.is_scheduled and not _counts(rule, histories):
                say(f"rule {rule.id} counts none of the overdoses of the history: it asks for {_asked(rule)}, which no row tells")
        for rule in rules:
            _say_never_judged(rule, [one for one in found if one.rule.id == rule.id])
    if not is_stored and not any(rule.is_scheduled for _, rules in books for rule in rules):
        _say_unwatched_areas({one.area for _, found in sets for one in found}, histories)


def _say_never_judged(rule: Rule, mine: Sequence[Verdict]) -> None:
    silent = [one for one in mine if not one.judged_years]
    if silent:
        where = "" if len(silent) == len(mine) else f" in {len(silent):,} of {len(mine):,} areas"
        least = least_history_days(rule)
        say(
            f"rule {rule.id} never judged{where}: it asks for {least:g} days of history before it does, and there are fewer, so "
            "nothing is known of what it costs or finds; give a longer history"
        )


def _counts(rule: Rule, histories: Histories) -> bool:
    return not any(rule.asks) or any(matches(one.marks, rule.asks).any() for one in histories.areas.values())


def _asked(rule: Rule) -> str:
    outcome = [] if rule.outcome == "any" else [f"outcome {rule.outcome}"]
    lists = {"drug_class": rule.drug_classes, "source_type": rule.sources, "case_definition": rule.case_definitions}
    return ", ".join([*outcome, *(f"{column} {' or '.join(words)}" for column, words in lists.items() if words)])


def _say_unwatched_areas(watched: set[str], histories: Histories) -> None:
    areas, overdoses = Counter[str](), Counter[str]()
    for area in histories.areas:
        if area not in watched:
            kind = area.partition(":")[0]
            areas[kind] += 1
            overdoses[kind] += histories.counted(area)
    if areas:
        told = ", ".join(f"{count:,} of kind {kind} ({overdoses[kind]:,} overdoses)" for kind, count in areas.most_common(_MOST_NAMED))
        say(f"areas that none of the rules watches: {told}")
