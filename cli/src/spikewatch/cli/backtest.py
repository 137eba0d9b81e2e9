"""``spikewatch backtest``: what rules would have raised on a history, before they are switched on."""

import argparse
import contextlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from spikewatch.alerts.domain.backtest.foreseen import foreseen
from spikewatch.alerts.domain.backtest.histories import Histories, Labelled
from spikewatch.alerts.domain.backtest.verdict import Verdict, at_budget, verdicts
from spikewatch.alerts.domain.backtest.vicinities import with_vicinities
from spikewatch.alerts.domain.clusters.look import Placed
from spikewatch.alerts.domain.instants import DAY, moment
from spikewatch.alerts.domain.rule import Rule
from spikewatch.alerts.domain.rule_failed import RuleFailed
from spikewatch.cli.backtesting.labels import labels_of
from spikewatch.cli.backtesting.picture import SUFFIXES, drawn
from spikewatch.cli.backtesting.read_history import ReadHistory, read_history
from spikewatch.cli.backtesting.scans import Books, areas_scanned, fewer_draws, lacking, scanned, with_scanned
from spikewatch.cli.backtesting.stored import Sets, on_stored
from spikewatch.cli.backtesting.tables import BUDGETS, as_json, budget_row, full_rows, in_sum, rows_of, write_rows
from spikewatch.cli.backtesting.unwatched import say_unwatched
from spikewatch.cli.exit_status import DONE, REFUSED_ROWS, CannotRun
from spikewatch.cli.files.opened import STANDARD_INPUT, opened
from spikewatch.cli.files.spared import spare
from spikewatch.cli.files.written import written
from spikewatch.cli.progress import Progress, say
from spikewatch.cli.rule_definitions import add_definitions_option
from spikewatch.cli.rules import rules_named
from spikewatch.cli.running_rules import add_alerts_options
from spikewatch.cli.tables import add_json_option, print_table

__all__ = ["add"]

_MOST_ROWS: Final = 40  # a table longer than that is not read; then the sums are printed
_ALL: Final = "history"
_LEAST_DRAWS: Final = 19  # one in twenty
_MOST_DRAWS: Final = 9_999


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "backtest",
        help="what rules would have raised on a history: alarms a year, hits, days to detection",
        description="Hold rules against a history, with the code that raises alerts. HISTORY is a table with one row an overdose (a column "
        "such as occurred_at or date, and area or county_fips where there are several), a table of counts (date, count, area; a date "
        "left out is a day without an overdose), JSON lines of either, or those of reports or incidents. RULES is a file, or shipped or "
        "published; rules that are not enabled are tested, too. An area written kind:code (county:42091) is held against the rules that "
        "watch it, one without a kind against all. With --stored the history is what the running service stores, and running names its "
        "rules.",
        epilog="Examples: spikewatch backtest shipped overdoses.csv --against rules.yaml --labels spikes.csv --plot spikes.png; "
        "spikewatch backtest rules.yaml --stored --area county:42091 --against running",
    )
    parser.add_argument("rules", metavar="RULES")
    parser.add_argument("history", metavar="HISTORY", nargs="?", help=".csv or .jsonl, each also .gz; - reads standard input")
    parser.add_argument("--stored", action="store_true", help="test on what the running service stores, in place of a HISTORY")
    parser.add_argument("--against", metavar="RULES", action="append", default=[], help="other rules to test side by side; may be repeated")
    parser.add_argument("--rule", metavar="ID", action="append", default=[], help="test this rule only; may be repeated")
    parser.add_argument("--labels", metavar="FILE.csv", help="spikes that are known: event_id, start, end, and area or county_fips")
    parser.add_argument(
        "--area",
        action="append",
        default=[],
        help=f"where rows of a HISTORY without an area lie (default {_ALL}); of what is stored: an area to test, may be repeated",
    )
    parser.add_argument("--area-kind", metavar="KIND", help="with --stored: all areas of a kind, for example county")
    parser.add_argument("--since", metavar="TIME", help="with --stored: test from there on (default: a year); before lies the rules' past")
    parser.add_argument("--until", metavar="TIME", help="with --stored: test up to there (default: the newest overdose)")
    parser.add_argument(
        "--draws", type=_draws, metavar="N", help="of rules that scan: at most so many draws from chance, to be done sooner"
    )
    parser.add_argument("--plot", metavar="FILE.png", help="draw counts, labelled spikes and alarms (.png, .svg or .pdf)")
    parser.add_argument("--errors", metavar="FILE", help="write each refused row to FILE as a JSON line")
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        default="",
        help="write a row for each rule and area to FILE (.csv or .jsonl; .json: what --json prints; - for standard output), no tables",
    )
    add_definitions_option(parser)
    add_alerts_options(parser)
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Test the rules and return the exit status.

    Raises:
        CannotRun: rules, history or labels cannot be used.
    """
    if bool(arguments.history) == arguments.stored:
        raise CannotRun("give a HISTORY, or --stored for what the running service stores, and not both")
    if [arguments.history, arguments.rules, *arguments.against].count(STANDARD_INPUT) > 1:
        raise CannotRun("only one of RULES and HISTORY can be -, standard input; name a file for the other")
    if not arguments.stored and (arguments.area_kind or arguments.since or arguments.until or len(arguments.area) > 1):
        raise CannotRun("--area-kind, --since, --until and more than one --area say what is tested of what is stored; give --stored")
    if arguments.plot and Path(arguments.plot).suffix.lower() not in SUFFIXES:
        raise CannotRun(f"{arguments.plot} cannot be drawn: a picture's name must end in one of {', '.join(SUFFIXES)}")
    names = [arguments.rules, *arguments.against]
    spare([arguments.history, arguments.labels, *names], [arguments.output, arguments.errors, arguments.plot])
    books = _books(names, arguments)
    read: ReadHistory | None = None
    if arguments.stored:
        histories, sets, labelled, others = on_stored(arguments, books)
    else:
        scans = any(rule.is_scheduled for _, rules in books for rule in rules)
        read = read_history(arguments.history, arguments.area[0] if arguments.area else _ALL, arguments.errors, keep_placed=scans)
        histories = read.histories
        books = fewer_draws(_testable(books, read.placed, histories), arguments.draws)
        areas = areas_scanned(books, read.placed)
        labelled, others = _labels(arguments, histories, areas)
        sets = _sets(books, histories, labelled, read.placed)
    say_unwatched(books, sets, histories, is_stored=arguments.stored)
    _print(arguments, histories, sets, labelled)
    if arguments.plot:
        try:
            areas_told = [one.area for _, found in sets for one in found]
            seen = with_scanned(histories, areas_told, read.placed if read else ())
            shown = drawn(Path(arguments.plot), seen, sets, labelled)
        except OSError as error:
            raise CannotRun(f"{arguments.plot} cannot be drawn: {error}") from None
        say(f"{arguments.plot}: {shown} areas drawn")
    years = (histories.end - histories.start) / (365.25 * DAY)
    parts = [f"{histories.overdoses:,} overdoses in {len(histories.areas):,} areas over {years:.2f} years"]
    if arguments.labels:
        parts.append(f"{len(labelled):,} labelled spikes in these areas and years, {others:,} elsewhere")
    say("; ".join(parts))
    if read is None or not read.refused:
        return DONE
    say(read.says_refused)
    return REFUSED_ROWS


def _books(names: Sequence[str], arguments: argparse.Namespace) -> list[tuple[str, list[Rule]]]:
    known = [(name, rules_named(name, arguments).known) for name in names]
    unknown = [one for one in arguments.rule if not any(rule.id == one for _, rules in known for rule in rules)]
    if unknown:
        raise CannotRun(f"no rule is called {', '.join(unknown)}; spikewatch rules ls {names[0]} lists them")
    if not any(rules for _, rules in known):
        raise CannotRun(f"{' and '.join(names)} hold no rule; name a file of rules, or shipped or published")
    return [(name, [rule for rule in rules if not arguments.rule or rule.id in arguments.rule]) for name, rules in known]


def _draws(text: str) -> int:
    if not text.isdecimal() or not _LEAST_DRAWS <= int(text) <= _MOST_DRAWS:
        raise argparse.ArgumentTypeError(f"expected a whole number from {_LEAST_DRAWS} to {_MOST_DRAWS:,}, for example 199")
    return int(text)


def _testable(books: Books, placed: Sequence[Placed], histories: Histories) -> list[tuple[str, list[Rule]]]:
    """Return the rules without those that scan and cannot be held against this history, and say of each why not."""
    whys = {rule.id: lacking(rule, placed, histories) for _, rules in books for rule in rules if rule.is_scheduled}
    for rule, why in whys.items():
        if why is not None:
            say(f"not back-tested: {rule}; {why}")
    return _left([(name, [rule for rule in rules if whys.get(rule.id) is None]) for name, rules in books])


def _left(books: list[tuple[str, list[Rule]]]) -> list[tuple[str, list[Rule]]]:
    if not any(rules for _, rules in books):
        raise CannotRun("none of these rules can be back-tested here, all are scans; name rules of another kind")
    return books


def _sets(books: Books, histories: Histories, labelled: Sequence[Labelled], placed: Sequence[Placed]) -> Sets:
    sets: Sets = []
    with Progress("test", len(books) * len(histories.areas), unit="areas") as progress:
        for place, (name, asked) in enumerate(books):
            histories = with_vicinities(histories, asked)
            found: list[Verdict] = []
            try:
                rules = [foreseen(rule, histories) for rule in asked]
                for count, area in enumerate(histories.areas):
                    alone = Histories({area: histories.areas[area]}, histories.start, histories.end)
                    found += verdicts(rules, alone, labelled)
                    progress.reach(place * len(histories.areas) + count + 1)
            except RuleFailed as error:
                raise CannotRun(f"{error}; change its parameters, or name other rules with --rule") from None
            sets.append((name, found))
    if any(rule.is_scheduled for _, rules in books for rule in rules):
        for (_, before), more in zip(sets, scanned(books, placed, histories, labelled), strict=True):
            before.extend(more)
    return sets


def _labels(arguments: argparse.Namespace, histories: Histories, scanned_areas: Sequence[str]) -> tuple[list[Labelled], int]:
    if not arguments.labels:
        return [], 0
    if arguments.labels == STANDARD_INPUT:
        raise CannotRun("labelled spikes are read from a file, not from standard input")
    with opened(arguments.labels) as file:
        found, others = labels_of(file, list(dict.fromkeys((*histories.areas, *scanned_areas))))
    within = [one for one in found if one.end >= histories.start and one.start <= histories.end]
    return within, others + len(found) - len(within)


def _print(arguments: argparse.Namespace, histories: Histories, sets: Sets, labelled: list[Labelled]) -> None:
    with contextlib.ExitStack() as stack:
        if arguments.as_json or arguments.output.removesuffix(".gz").endswith(".json"):
            start, end = (moment(at).isoformat() for at in (histories.start, histories.end))
            told = [as_json(name, found, at_budget(found, BUDGETS) if labelled else []) for name, found in sets]
            whole = {"history": arguments.history or "stored", "start": start, "end": end, "overdoses": histories.overdoses, "sets": told}
            written(stack, arguments.output or STANDARD_INPUT).write(json.dumps(whole, indent=2, ensure_ascii=False, default=str) + "\n")
            return
        if arguments.output:
            rows = [row for name, found in sets for row in full_rows(name, found)]
            write_rows(
                written(stack, arguments.output), rows, as_lines=arguments.output.removesuffix(".gz").endswith((".jsonl", ".ndjson"))
            )
            say(f"{arguments.output}: {len(rows):,} rows of a rule and an area")
            return
    rows = [row for name, found in sets for row in rows_of(name, found)]
    if len(rows) > _MOST_ROWS:
        say(f"{len(rows):,} rows of a rule and an area are told in sum; -o FILE.csv has each")
    print_table(rows if len(rows) <= _MOST_ROWS else [row for name, found in sets for row in in_sum(name, found)])
    if labelled:
        budgets = [(name, one) for name, found in sets for one in at_budget(found, BUDGETS)]
        print_table([budget_row(name, one) for name, one in budgets], title="The most surprising alarms only")
