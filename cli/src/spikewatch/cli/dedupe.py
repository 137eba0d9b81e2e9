"""``spikewatch dedupe``: reports of many agencies in, who is the same person out, by the very code that enrichment runs."""

import argparse
import contextlib
import csv
import json
from pathlib import Path
from typing import IO, Any, Final
from uuid import UUID

from spikewatch.chassis.collector import spare_collector
from spikewatch.cli.exit_status import DONE, REFUSED_ROWS, CannotRun
from spikewatch.cli.files.opened import STANDARD_INPUT, opened
from spikewatch.cli.files.spared import spare
from spikewatch.cli.files.written import written
from spikewatch.cli.matching.agencies import say_unknown_kinds
from spikewatch.cli.matching.decisions_file import add_decisions_option, decisions_named, say_what_bears
from spikewatch.cli.matching.fillers_told import without_fillers
from spikewatch.cli.matching.report_rows import ReportRow, is_json_lines, report_rows
from spikewatch.cli.progress import Progress, say
from spikewatch.enrichment.adapters.matching_weights import LEARNT, NEUTRAL, load_weights
from spikewatch.enrichment.domain.matching.clocks import Hours, set_clocks
from spikewatch.enrichment.domain.matching.homes import at_home
from spikewatch.enrichment.domain.matching.learning import learn_unlabelled
from spikewatch.enrichment.domain.matching.matcher import Assignment, Matched, match
from spikewatch.enrichment.domain.matching.own_words import without_own_words
from spikewatch.enrichment.domain.matching.records import Compared, newest
from spikewatch.enrichment.domain.matching.two_places import numbers_of_two_places
from spikewatch.enrichment.domain.matching.weights import Weights, WrongWeights

__all__ = ["COLUMNS", "add", "add_weights_option", "refusal", "weights_named"]

COLUMNS: Final = ("report_id", "overdose_id", "incident_id", "confidence")
_ADAPTATIONS: Final = ("lags", "all", "no")
_EVERY: Final = 1_000  # rows between two movements of the bar


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "dedupe",
        help="tell which reports of a file are about the same overdose",
        description="Tell of every report which overdose (one person's) and which incident (one call or scene) it is about, and with what "
        "probability that overdose is exactly right. Resends and corrections of one report share its overdose; a report that was withdrawn "
        "has none. Columns named truth_* are not read. The order of the rows has no influence.",
        epilog="Example: spikewatch dedupe -o overdoses.csv reports.csv.gz",
    )
    add_weights_option(parser)
    add_decisions_option(parser)
    parser.add_argument(
        "--adapt",
        choices=_ADAPTATIONS,
        default="lags",
        help="what is first learnt from this very file, without labels: which numbers of calls and which ages stand for unknown, whose "
        "times lie whole hours off, how long after the call each kind of agency dates an overdose, and how far apart displaced places "
        "are (lags, default); all of that, but "
        "all weights instead of the lags (all); or nothing (no: as the service does)",
    )
    parser.add_argument("--json", dest="as_json", action="store_true", help="write JSON lines whatever the input is")
    parser.add_argument("-o", "--output", metavar="FILE", default=STANDARD_INPUT, help="write rows to FILE (- for standard output)")
    parser.add_argument("--errors", metavar="FILE", help="write each refused row to FILE as a JSON line")
    parser.add_argument("file", metavar="FILE", help=".csv, or .jsonl of reports or rows, each also .gz; - reads standard input")
    parser.set_defaults(run=run)


def add_weights_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--weights``."""
    parser.add_argument(
        "--weights",
        metavar="W.json",
        default=LEARNT,
        help=f"weights of the evidence: {LEARNT} (default), {NEUTRAL}, or a file that spikewatch match learn wrote",
    )


def weights_named(name: str) -> Weights:
    """Load weights.

    Raises:
        CannotRun: they cannot be used.
    """
    try:
        return load_weights(name)
    except WrongWeights as error:
        raise CannotRun(str(error)) from None


def refusal(name: str, row: ReportRow) -> dict[str, Any]:
    """Return what is written of a refused row."""
    assert row.refused is not None  # noqa: S101  # the caller looked
    refused = row.refused
    return {
        "file": name,
        "line": row.line,
        "field": refused.field,
        "problem": refused.problem,
        "expected": refused.expected,
        "example": refused.example,
    }


def run(arguments: argparse.Namespace) -> int:
    """Match the reports of one file and return the exit status.

    Raises:
        CannotRun: the file or the weights cannot be used, or one of what is read would be written over.
    """
    spare([arguments.file, arguments.weights, arguments.decisions], [arguments.output, arguments.errors])
    weights = weights_named(arguments.weights)
    decisions = decisions_named(arguments.decisions)
    rows: list[tuple[str, UUID]] = []
    records: list[Compared] = []
    refused = 0
    with contextlib.ExitStack() as stack:
        errors = written(stack, arguments.errors) if arguments.errors else None
        with opened(arguments.file) as file, Progress(f"read {Path(file.name).name}", file.size, unit="bytes") as progress:
            as_json = _writes_json(arguments, is_json=is_json_lines(file))
            spare_collector()
            for count, row in enumerate(report_rows(file)):
                if row.record is None:
                    refused += 1
                    if errors is not None:
                        errors.write(json.dumps(refusal(arguments.file, row), ensure_ascii=False) + "\n")
                else:
                    rows.append((row.report_id, row.record.key))
                    records.append(row.record)
                if count % _EVERY == 0:
                    progress.reach(file.done())
            progress.reach(file.size or file.done())
        twice = numbers_of_two_places(records)
        clocks: dict[str, Hours] = {}
        if arguments.adapt != "no":
            records = without_fillers(newest(records))
        if arguments.adapt == "all":
            records, clocks = set_clocks(without_own_words(at_home(records)))
            weights = learn_unlabelled(records, weights)
        with Progress("match", len(rows), unit="reports") as progress:
            matched = match(records, weights, learns_lags=arguments.adapt == "lags", decisions=decisions)
            assignments = matched.assignments()
            progress.reach(len(rows))
        _write(written(stack, arguments.output), rows, assignments, as_json=as_json)
    say_unknown_kinds(matched.records)
    say_what_bears(decisions, {record.key for record in matched.records})
    _tell(len(rows), refused, matched, matched.clocks | clocks)
    for agency, count in twice.items():
        say(
            f"{count:,} record numbers of {agency} are stated by rows more than 100 km apart: of each the newest row counted. "
            "Were these two agencies? Then name them differently, for example EMS North and EMS South"
        )
    return REFUSED_ROWS if refused else DONE


def _writes_json(arguments: argparse.Namespace, *, is_json: bool) -> bool:
    if arguments.as_json:
        return True
    name: str = arguments.output.removesuffix(".gz")
    return name.endswith((".jsonl", ".ndjson", ".json")) or (is_json and not name.endswith(".csv"))


def _write(output: IO[str], rows: list[tuple[str, UUID]], assignments: dict[UUID, Assignment], *, as_json: bool) -> None:
    texts: dict[UUID, str] = {}

    def text(identity: UUID) -> str:
        return texts.get(identity) or texts.setdefault(identity, str(identity))

    if not as_json:
        table = csv.writer(output, lineterminator="\n")
        table.writerow(COLUMNS)
        for report, key in rows:
            one = assignments.get(key)
            table.writerow((report, "", "", "") if one is None else (report, text(one.overdose_id), text(one.incident_id), one.confidence))
        return
    for report, key in rows:
        one = assignments.get(key)
        values = (None, None, None) if one is None else (text(one.overdose_id), text(one.incident_id), one.confidence)
        output.write(json.dumps(dict(zip(COLUMNS, (report, *values), strict=True))) + "\n")


def _tell(rows: int, refused: int, matched: Matched, clocks: dict[str, Hours]) -> None:
    found = matched.assignments().values()
    overdoses, incidents = len({one.overdose_id for one in found}), len({one.incident_id for one in found})
    parts = [f"{rows + refused:,} rows: {len(matched.records):,} reports of {overdoses:,} overdoses in {incidents:,} incidents"]
    if refused:
        parts.append(f"{refused:,} refused")
    if crowded := len(matched.crowded):
        parts.append(f"{crowded:,} reports stand so close that not all were compared: a busy corner, or a feed that repeats itself")
    for agency, (winter, summer) in sorted(clocks.items()):
        hours = f"{winter:+d}" if winter == summer else f"{winter:+d} (in summer {summer:+d})"
        cause = "a time of the wall sent as UTC, or always written so much later?"
        say(f"times of {agency} lie {hours} hours off all others' ({cause}); they were matched as if put right")
    say("; ".join(parts))
