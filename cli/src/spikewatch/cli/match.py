"""``spikewatch match``: learn the weights of the matcher, measure how well they do, and show why reports are together."""

import argparse
import contextlib
from collections.abc import Hashable
from dataclasses import asdict
from typing import Any, Final

from spikewatch.cli.dedupe import add_weights_option, weights_named
from spikewatch.cli.exit_status import DONE, CannotRun
from spikewatch.cli.files.opened import STANDARD_INPUT
from spikewatch.cli.files.written import written
from spikewatch.cli.matching.beside_shipped import say_beside_shipped
from spikewatch.cli.matching.decisions_file import add_decisions_option, decisions_named
from spikewatch.cli.matching.drawing import draw_explanation
from spikewatch.cli.matching.file_reports import FileReports
from spikewatch.cli.matching.queue import queue
from spikewatch.cli.matching.review_client import add_review_options
from spikewatch.cli.matching.reviewed import Reviewed, reviewed_pairs, say_if_little, say_what_was_reviewed
from spikewatch.cli.progress import Progress, say
from spikewatch.cli.tables import add_json_option, print_json, print_table
from spikewatch.enrichment.adapters.matching_weights import LEARNT, NEUTRAL
from spikewatch.enrichment.domain.matching.clustering import scored
from spikewatch.enrichment.domain.matching.decisions import DecisionLevel
from spikewatch.enrichment.domain.matching.evaluation import Agreement, Figure, agreement, pair_agreement, pair_figures, reliability
from spikewatch.enrichment.domain.matching.explanation import explain
from spikewatch.enrichment.domain.matching.fields import FIELDS
from spikewatch.enrichment.domain.matching.learning import Counts, count_labelled, count_reviewed, learn, learn_unlabelled
from spikewatch.enrichment.domain.matching.matcher import Matched, compared_pairs, match
from spikewatch.enrichment.domain.matching.weights import SCALE

__all__ = ["add"]

_TRUTH: Final = "truth_event"


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "match",
        help="learn and measure the weights of the matcher; explain a match",
        description="Learn the weights by which reports are matched, measure them on labelled reports, or show why reports are together.",
        epilog="Example: spikewatch match evaluate labelled.csv.gz",
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    learning = actions.add_parser(
        "learn",
        help="learn weights from labelled or reviewed reports, or without labels",
        description="Learn weights and write them as JSON. Reports whose truth column is empty are left out. Without --weights it "
        "begins with the neutral ones, without labels with the learnt ones. Figures of the outcome are "
        "those of spikewatch match evaluate on a file that was not learnt from.",
        epilog="Example: spikewatch match learn --unlabelled -o weights.json reports.csv.gz",
    )
    add_weights_option(learning)
    learning.set_defaults(weights=None)
    how = learning.add_mutually_exclusive_group()
    how.add_argument("--truth", default=_TRUTH, metavar="COLUMN", help=f"column that says who the person is (default: {_TRUTH})")
    how.add_argument(
        "--unlabelled",
        action="store_true",
        help="learn without labels, by expectation and maximisation; the shipped weights "
        "are the safer choice where no labelled file can be evaluated",
    )
    how.add_argument(
        "--reviewed",
        metavar="FILE",
        help="reviewed pairs: the values of overdose.decisions.v1 as JSON lines, or a table with the columns report_id_1, report_id_2 and "
        "same (yes or no)",
    )
    learning.add_argument("--name", default="local", help="name of the weights (default: local)")
    learning.add_argument("-o", "--output", default=STANDARD_INPUT, metavar="FILE", help="write the weights to FILE")
    learning.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="reports: .csv with the columns of dedupe, or JSON lines; also .gz; - reads standard input",
    )
    learning.set_defaults(run=_learn)
    measuring = actions.add_parser(
        "evaluate",
        help="precision, recall and F1 on labelled reports",
        description="Match labelled reports and compare with the labels: by pairs, by clusters, each with its 95 %% interval, and whether "
        "the confidence keeps what it promises.",
        epilog="Example: spikewatch match evaluate --weights neutral labelled.csv.gz",
    )
    add_weights_option(measuring)
    add_json_option(measuring)
    measuring.add_argument("--adapt", choices=("lags", "no"), default="lags", help="as spikewatch dedupe does (default: lags)")
    measuring.add_argument("--truth", default=_TRUTH, metavar="COLUMN", help=f"column that says who the person is (default: {_TRUTH})")
    measuring.add_argument("file", metavar="FILE", help=".csv with the columns of dedupe, also .gz; - reads standard input")
    measuring.set_defaults(run=_evaluate)
    telling = actions.add_parser(
        "explain",
        help="why the reports of one overdose are together",
        description="Show for the overdose of one report the weight of each field for each pair, the strongest and the weakest edge, and "
        "what would have split it.",
        epilog="Example: spikewatch match explain --report R0000002 reports.csv.gz",
    )
    add_weights_option(telling)
    add_decisions_option(telling)
    add_json_option(telling)
    telling.add_argument("--adapt", choices=("lags", "no"), default="lags", help="as spikewatch dedupe does (default: lags)")
    telling.add_argument("--report", required=True, metavar="ID", help="report_id of one of its reports")
    telling.add_argument("file", metavar="FILE", help=".csv or .jsonl with the reports, also .gz; - reads standard input")
    telling.set_defaults(run=_explain)
    asking = actions.add_parser(
        "queue",
        help="the most doubtful pairs, the most informative first",
        description="List what a person should look at first: overdoses that are nearest to being divided otherwise, weighed by how many "
        "reports hang on it. With a FILE of its reports, without one of the running service's latest, with the two commands that answer "
        "each question.",
        epilog="Example: spikewatch match queue --limit 10",
    )
    add_weights_option(asking)
    add_decisions_option(asking)
    asking.set_defaults(weights=None)  # the service has its own: whoever names some without a file is told so
    add_review_options(asking)
    add_json_option(asking)
    asking.add_argument(
        "--days", type=_positive, default=7, metavar="N", help="of the service: reports that came in so many days (default 7)"
    )
    asking.add_argument("--limit", type=_positive, default=20, metavar="N", help="how many questions at most (default 20)")
    asking.add_argument("file", nargs="?", metavar="FILE", help=".csv or .jsonl with the reports, also .gz; - reads standard input")
    asking.set_defaults(run=queue)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("is no number from 1")
    return int(text)


def _learn(arguments: argparse.Namespace) -> int:
    base = weights_named(arguments.weights or (LEARNT if arguments.unlabelled else NEUTRAL))
    told, reviewed = reviewed_pairs(arguments.reviewed) if arguments.reviewed else (0, None)
    counts, found = Counts.none(), Reviewed()
    status, pairs, total = DONE, 0, 0
    weights = base
    for name in arguments.files:
        reports = FileReports(name, None if arguments.unlabelled or arguments.reviewed else arguments.truth)
        status = max(status, reports.status)
        total += len(reports.records)
        if arguments.unlabelled:
            weights = learn_unlabelled(reports.records, weights, name=arguments.name)
        elif reviewed is not None:
            found |= (own := reviewed(reports.keys))
            pairs += count_reviewed(reports.records, own, counts)
        else:
            count_labelled(reports.records, reports.people, counts)
    if not arguments.unlabelled:
        if arguments.reviewed and not pairs:
            raise CannotRun(f"{arguments.reviewed} names no pair of reports of these files that is compared; give the files they came from")
        if arguments.reviewed:
            say_what_was_reviewed(found, pairs, told, base.name)
        else:
            _say_what_was_labelled(counts, base.name)
        source = f"{pairs} reviewed pairs" if arguments.reviewed else f"labels of {total} reports"
        weights = learn(counts, base, name=arguments.name, origin=f"{source}, beginning with {base.name}")
    with contextlib.ExitStack() as stack:
        written(stack, arguments.output).write(weights.to_json())
    say(f"learnt {weights.label} from {weights.origin}")
    if arguments.unlabelled:
        say_beside_shipped(reports.records, weights)
    return status


def _say_what_was_labelled(counts: Counts, base: str) -> None:
    # Every pair has its prior, and that once.
    same, different = (round(float(one[1 : 1 + FIELDS[0].size].sum())) for one in (counts.same, counts.different))
    say(f"{same:,} pairs of one person and {different:,} of two that were near are counted")
    say_if_little(same, different, base)


def _evaluate(arguments: argparse.Namespace) -> int:
    weights = weights_named(arguments.weights)
    reports = FileReports(arguments.file, arguments.truth, adapts=arguments.adapt != "no")
    records = [record for record in reports.records if record.key in reports.people]
    truth = [reports.people[record.key] for record in records]
    with Progress("match", len(records), unit="reports") as progress:
        matched = match(records, weights, learns_lags=arguments.adapt == "lags")
        begun, weights = weights.label, matched.weights
        progress.reach(len(records))
    assignments = matched.assignments()
    clusters = agreement([assignments[record.key].overdose_id for record in records], truth)
    first, second = compared_pairs(matched)
    same = [truth[one] == truth[two] for one, two in zip(first.tolist(), second.tolist(), strict=True)]
    scores = scored(matched.columns, first, second, weights) / SCALE
    sizes: dict[str, int] = {}
    for label in truth:
        sizes[label] = sizes.get(label, 0) + 1
    f1, precision, recall, threshold = pair_agreement(scores.tolist(), same, sum(size * (size - 1) // 2 for size in sizes.values()))
    taken = scores >= threshold
    pairs = dict(zip(("precision", "recall", "f1"), pair_figures(first[taken].tolist(), second[taken].tolist(), truth), strict=True))
    promised = _promises(matched, truth, sizes)
    if arguments.as_json:
        print_json(
            {
                "reports": len(records),
                "weights": weights.name,
                "weights_label": begun,
                "clusters": asdict(clusters),
                "pairs": {
                    "f1": f1,
                    "precision": precision,
                    "recall": recall,
                    "threshold": threshold,
                    "intervals": {name: [one.low, one.high] for name, one in pairs.items()},
                },
                "confidence": [{"claimed": claimed, "right": right, "overdoses": count} for claimed, right, count in promised],
            }
        )
    else:
        print_table(_rows(clusters), title=f"Clusters: {len(records):,} reports, {len(sizes):,} people, weights {begun}")
        title = f"Scored pairs at their best threshold, {threshold:.2f} bits (pairs that were never compared count as missed)"
        print_table(_figure_rows({"F1": pairs["f1"], "precision": pairs["precision"], "recall": pairs["recall"]}), title=title)
        rows = [{"confidence": f"{claimed:.3f}", "exactly_right": f"{right:.3f}", "overdoses": count} for claimed, right, count in promised]
        print_table(rows, title="Confidence: what was promised, and what was right")
    return reports.status


def _promises(matched: Matched, truth: list[str], sizes: dict[str, int]) -> list[tuple[float, float, int]]:
    members: dict[Hashable, list[str]] = {}
    confidence: dict[Hashable, float] = {}
    for one, label in zip(matched.assignments().values(), truth, strict=True):
        members.setdefault(one.overdose_id, []).append(label)
        confidence[one.overdose_id] = one.confidence
    right = {overdose: len(set(labels)) == 1 and len(labels) == sizes[labels[0]] for overdose, labels in members.items()}
    return reliability(confidence, right)


def _rows(clusters: Agreement) -> list[dict[str, Any]]:
    figures: dict[str, Figure] = {
        "F1": clusters.f1,
        "precision": clusters.precision,
        "recall": clusters.recall,
        "exactly right": clusters.exact,
    }
    return _figure_rows(figures)


def _figure_rows(figures: dict[str, Figure]) -> list[dict[str, Any]]:
    return [
        {"figure": name, "value": f"{one.value:.4f}", "interval_95": f"{one.low:.4f} to {one.high:.4f}"} for name, one in figures.items()
    ]


def _explain(arguments: argparse.Namespace) -> int:
    weights = weights_named(arguments.weights)
    reports = FileReports(arguments.file, None, adapts=arguments.adapt != "no")
    key, decisions = reports.key(arguments.report), decisions_named(arguments.decisions)
    # By the weights that dedupe matches this file by, else it would explain another match.
    matched = match(reports.records, weights, learns_lags=arguments.adapt == "lags", decisions=decisions)
    assignment = matched.assignments().get(key)
    if assignment is None:
        raise CannotRun(f"report {arguments.report} was withdrawn, so it belongs to no overdose")
    told = explain(matched, key, decisions)
    names = reports.names
    if arguments.as_json:
        more = {"overdose_id": assignment.overdose_id, "names": {str(one): names[one] for one in told.reports}}
        print_json(asdict(told) | more | {"weights": matched.weights.label, "join": matched.weights.join / SCALE})
        return reports.status
    print(f"overdose {assignment.overdose_id}, incident {assignment.incident_id}, confidence {assignment.confidence}")
    print(f"reports {', '.join(names[one] for one in told.reports)}")
    adapted = f" (those of {weights.label}, its times adapted to this file)" if matched.weights.label != weights.label else ""
    print(f"weighed by the weights {matched.weights.label}{adapted}")
    draw_explanation(told, names, weights.join / SCALE)
    members = set(told.reports)
    parted = {other for pair in decisions.apart(DecisionLevel.OVERDOSE) if not members.isdisjoint(pair) for other in pair} - members
    if known := [names[one] for one in parted if one in names]:
        print(f"people decided that of another person are: {', '.join(sorted(known))}")
    return reports.status
