"""A back-test on what the running alerts service stores, in the form in which one on a file is printed and drawn."""

import argparse
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import numpy as np

from spikewatch.alerts.domain.backtest.histories import Histories, Labelled
from spikewatch.alerts.domain.backtest.question import Answer, Question
from spikewatch.alerts.domain.backtest.scanned import looked_since, looks_of, with_draws
from spikewatch.alerts.domain.backtest.verdict import Verdict
from spikewatch.alerts.domain.clusters.look import scan_of
from spikewatch.alerts.domain.instants import DAY, micros
from spikewatch.alerts.domain.rule import Rule
from spikewatch.alerts.domain.series import History
from spikewatch.cli.backtesting.labels import labels_of
from spikewatch.cli.backtesting.moments import is_date, moment_of
from spikewatch.cli.exit_status import CannotRun
from spikewatch.cli.files.opened import opened
from spikewatch.cli.progress import Progress, say
from spikewatch.cli.rules import rules_text
from spikewatch.cli.running_rules import alerts_client

__all__ = ["Sets", "on_stored"]

_HALF_A_DAY: Final = timedelta(hours=12)
Sets = list[tuple[str, list[Verdict]]]
"""Of each set of rules its name and what it would have raised."""


def on_stored(arguments: argparse.Namespace, books: Sequence[tuple[str, Sequence[Rule]]]) -> tuple[Histories, Sets, list[Labelled], int]:
    """Ask the service about each set of rules; return counts, verdicts, labelled spikes within, and how many spikes lie elsewhere.

    Raises:
        CannotRun: the service cannot be asked, or refuses.
    """
    if not arguments.area and not arguments.area_kind:
        raise CannotRun("no area is named: give --area county:42091 (may be repeated), or --area-kind county for all that are stored")
    client = alerts_client(arguments)
    question = Question(
        areas=tuple(arguments.area),
        area_kind=arguments.area_kind or "",
        start=_time(arguments.since, "--since", -_HALF_A_DAY),
        end=_time(arguments.until, "--until", _HALF_A_DAY),
    )
    sets: Sets = []
    labelled: list[Labelled] = []
    others = 0
    histories: Histories | None = None
    with Progress("test", len(books), unit="sets of rules") as progress:
        for name, rules in books:
            if not rules:
                sets.append((name, []))
                continue
            if histories is None and arguments.labels:
                labelled, others = _labels(arguments, question)
            asked = Question(
                rules_text(name, arguments),
                tuple(rule.id for rule in rules),
                question.areas,
                question.area_kind,
                question.start,
                question.end,
                tuple(labelled),
                arguments.draws,
            )
            began = time.perf_counter()
            answer = client.tested(asked, rules)
            _say_looks(answer, rules, arguments.draws, time.perf_counter() - began)
            sets.append((name, list(answer.verdicts)))
            _say_without_cells(answer.verdicts)
            if histories is None:
                histories = _histories(answer)
                # The next set of rules is held against the very same areas and time, whatever arrives meanwhile.
                question = Question(areas=tuple(histories.areas), start=answer.start, end=answer.end)
            progress.advance()
    assert histories is not None  # noqa: S101  # the verb refuses books without any rule
    within = [one for one in labelled if one.end >= histories.start and one.start <= histories.end]
    return histories, sets, within, others + len(labelled) - len(within)


def _say_looks(answer: Answer, rules: Sequence[Rule], draws: int | None, seconds: float) -> None:
    """Say how many looks of each scan were taken, and how long the answer took: the looks take nearly all of it."""
    watched = {one.rule.id for one in answer.verdicts}
    scans = [with_draws(rule, draws) if draws is not None else rule for rule in rules if rule.is_scheduled and rule.id in watched]
    looks = {rule.id: len(looks_of(rule, (looked_since(rule, answer.start), answer.end))) for rule in scans}
    for rule in scans:
        say(f"{rule.id}: {looks[rule.id]:,} looks, one a day, with {scan_of(rule).replications:,} draws")
    if scans:
        say(f"the service answered after {seconds:.1f} s, {seconds / sum(looks.values()):.2g} s for each look")


def _say_without_cells(verdicts: Sequence[Verdict]) -> None:
    cells: dict[str, int] = {}
    for one in verdicts:
        if one.rule.is_scheduled:
            cells[one.rule.id] = cells.get(one.rule.id, 0) + one.overdoses
    for rule in (rule for rule, count in cells.items() if not count):
        say(f"{rule}: no overdose with a map cell is stored in these areas, and a scan sees no other")


def _labels(arguments: argparse.Namespace, question: Question) -> tuple[list[Labelled], int]:
    if not question.areas:
        raise CannotRun("labelled spikes are held against areas that are named: give --area beside --labels")
    with opened(arguments.labels) as file:
        return labels_of(file, question.areas)


def _histories(answer: Answer) -> Histories:
    areas: dict[str, History] = {}
    for one in answer.areas:
        noons = one.first_day + np.arange(len(one.daily), dtype=np.int64) * DAY + DAY // 2
        times = np.clip(np.repeat(noons, one.daily), answer.start, answer.end)
        areas[one.area] = History.of_pairs(np.column_stack([times, np.zeros(len(times), dtype=np.int64)]), answer.start, answer.start)
    return Histories(areas, answer.start, answer.end)


def _time(text: str | None, option: str, to_edge: timedelta) -> int | None:
    if text is None:
        return None
    moment = moment_of(text)
    if moment is None:
        raise CannotRun(f"{option} is no time; expected a date or an ISO 8601 time, for example 2025-05-01")
    return micros(moment + to_edge if is_date(text) else moment)  # a date is the whole day, UTC
