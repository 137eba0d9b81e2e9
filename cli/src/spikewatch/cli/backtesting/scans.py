"""Back-tests of rules that scan: one look a day over what a history tells of map cells."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from spikewatch.alerts.domain.backtest.histories import Histories, Labelled
from spikewatch.alerts.domain.backtest.scanned import looks_of, overdoses_by_area, scan_verdicts, with_draws
from spikewatch.alerts.domain.backtest.verdict import Verdict
from spikewatch.alerts.domain.clusters.look import Placed, areas_of, scan_of
from spikewatch.alerts.domain.rule import Rule
from spikewatch.alerts.domain.series import History
from spikewatch.alerts.service.replay_scans import ScanReplay
from spikewatch.cli.exit_status import CannotRun
from spikewatch.cli.progress import Progress, say

__all__ = ["areas_scanned", "fewer_draws", "lacking", "scanned", "with_scanned"]

Books = Sequence[tuple[str, Sequence[Rule]]]


def fewer_draws(books: Books, draws: int | None) -> list[tuple[str, list[Rule]]]:
    """Return the rules, those that scan with at most so many draws, and say which draw less often than they state.

    Raises:
        CannotRun: so few draws say nothing.
    """
    ready: list[tuple[str, list[Rule]]] = []
    told: list[str] = []
    for name, rules in books:
        mine: list[Rule] = []
        for rule in rules:
            try:
                after = with_draws(rule, draws) if draws is not None and rule.is_scheduled else rule
            except ValueError as error:
                raise CannotRun(f"--draws: {error}") from None
            if after is not rule:
                told.append(f"{rule.id} ({draws:,} for {scan_of(rule).replications:,})")
            mine.append(after)
        ready.append((name, mine))
    if told:
        say(f"fewer draws than the rule states, so chances are known less well: {', '.join(dict.fromkeys(told))}")
    return ready


def lacking(rule: Rule, placed: Sequence[Placed], histories: Histories) -> str | None:
    """Return what a history lacks for a rule that scans to be held against it, or None."""
    if not placed:
        return (
            "the history tells no map cells; a scan needs incidents or located reports with an exact place, reports with coordinates, "
            "or rows with lat and lon or an area h3:…, each with its county (county_fips, or --area county:42091 for all)"
        )
    if not any(areas_of(each.place_key) for each in placed):
        return "the history tells map cells but no county; add a column county_fips, or --area county:42091 if all lie in one county"
    if not overdoses_by_area(rule, placed, (histories.start, histories.end)):
        return "no overdose with a map cell lies in a county or state that the rule watches"
    return None


def areas_scanned(books: Books, placed: Sequence[Placed]) -> list[str]:
    """Return the counties and states in which a spike may be labelled that rules which scan may find."""
    scans = [rule for _, rules in books for rule in rules if rule.is_scheduled]
    found = {each.place_key: areas_of(each.place_key) for each in placed}
    return sorted({area for areas in found.values() if any(rule.applies_to(one) for rule in scans for one in areas) for area in areas})


def scanned(books: Books, placed: Sequence[Placed], histories: Histories, labelled: Sequence[Labelled]) -> list[list[Verdict]]:
    """Look day by day with each rule that scans, and return the verdicts of each set of rules; say what a look took."""
    span = (histories.start, histories.end)
    asked = [(place, rule) for place, (_, rules) in enumerate(books) for rule in rules if rule.is_scheduled]
    found: list[list[Verdict]] = [[] for _ in books]
    told: dict[str, None] = {}
    looks = sum(len(looks_of(rule, span)) for _, rule in asked)
    with Progress("scan", looks, unit="looks") as progress:
        for place, rule in asked:
            replay = ScanReplay(rule, placed)
            began = time.perf_counter()
            days = looks_of(rule, span)
            for at in days:
                replay.look(at)
                progress.advance()
            each = (time.perf_counter() - began) / len(days)
            found[place] += scan_verdicts(rule, overdoses_by_area(rule, placed, span), replay.alarms, span, labelled)
            told[f"{rule.id}: {len(days):,} looks, one a day, {each:.2g} s each with {scan_of(rule).replications:,} draws"] = None
    for line in told:
        say(line)
    return found


def with_scanned(histories: Histories, areas: Sequence[str], placed: Sequence[Placed]) -> Histories:
    """Return the histories with those of areas that only rules which scan watch, made of what lies in cells; for a picture."""
    missing = [area for area in areas if area not in histories.areas]
    rows: Mapping[str, list[tuple[int, int]]] = {area: [] for area in missing}
    for each in placed if missing else ():
        for area in areas_of(each.place_key):
            if area in rows:
                rows[area] += zip(each.times, each.marks, strict=True)
    more = {
        area: History.of_pairs(np.array(pairs, dtype=np.int64).reshape(-1, 2), min(pairs)[0], -(2**62))
        for area, pairs in rows.items()
        if pairs
    }
    return replace(histories, areas=histories.areas | more)
