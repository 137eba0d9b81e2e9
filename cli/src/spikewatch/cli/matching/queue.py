"""``spikewatch match queue``: what a person should look at first, of a file or of the running service."""

import argparse
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from pydantic import TypeAdapter

from spikewatch.cli.dedupe import weights_named
from spikewatch.cli.exit_status import DONE, CannotRun
from spikewatch.cli.matching.decisions_file import decisions_named
from spikewatch.cli.matching.drawing import evidence_rows
from spikewatch.cli.matching.file_reports import FileReports
from spikewatch.cli.matching.incident_drawing import report_words
from spikewatch.cli.matching.review_client import add_where, review_client
from spikewatch.cli.tables import print_json
from spikewatch.enrichment.adapters.matching_weights import LEARNT
from spikewatch.enrichment.domain.matching.doubts import Doubt, doubts
from spikewatch.enrichment.domain.matching.matcher import match
from spikewatch.enrichment.review import AskedReport, Question

__all__ = ["queue"]

_QUESTIONS: Final = TypeAdapter(list[Question])
_TELLING: Final = 4  # fields shown of a pair: those that weigh most


def queue(arguments: argparse.Namespace) -> int:
    """Show the questions, the most informative first, and return the exit status.

    Raises:
        CannotRun: the file cannot be used, or the service does not answer.
    """
    if arguments.file is None:
        if given := [f"--{name}" for name in ("weights", "decisions") if getattr(arguments, name) is not None]:
            raise CannotRun(f"{' and '.join(given)} are for a FILE; the running service has its own, so leave them out or name a file")
        asked = review_client(arguments).queue(arguments.days, arguments.limit)
        _show(arguments, asked, {})
        return DONE
    weights = weights_named(arguments.weights or LEARNT)
    decisions = decisions_named(arguments.decisions)
    reports = FileReports(arguments.file, None)
    matched = match(reports.records, weights, learns_lags=True, decisions=decisions)
    home = matched.assignments()
    _show(arguments, [_question(one, home) for one in doubts(matched, decisions, arguments.limit)], reports.names)
    return reports.status


def _question(doubt: Doubt, home: Mapping[UUID, Any]) -> Question:
    return Question(doubt, tuple(sorted({home[key].incident_id for key in (*doubt.reports, *doubt.others)})))


def _show(arguments: argparse.Namespace, asked: Sequence[Question], names: Mapping[UUID, str]) -> None:
    if arguments.as_json:
        document = _QUESTIONS.dump_python(list(asked), mode="json")
        for one, question in zip(document, asked, strict=True):
            one["names"] = {str(key): names[key] for key in (*question.doubt.reports, *question.doubt.others) if key in names}
        print_json(document)
        return
    if not asked:
        print("nothing is in doubt")
        return
    print("What to look at first. Bits: how far the fit lies above (+) or below (-) the boundary between one person and two.")
    for number, question in enumerate(asked, 1):
        _draw(number, question, names, add_where(arguments))
    if names:
        print(
            f"\nAnswer in a table report_id_1,report_id_2,same: `spikewatch match learn --reviewed TABLE {arguments.file}` learns from it."
        )
    else:
        print("\nAdd --author ACCOUNT and --reason TEXT to an answer; `spikewatch incident show INCIDENT` tells more.")


def _draw(number: int, question: Question, names: Mapping[UUID, str], where: str) -> None:
    doubt = question.doubt
    at_stake = len(doubt.reports) + len(doubt.others)
    now = "one person's now" if doubt.together else "two people's now"
    print(f"\n{number}. One person or two? {now}, {doubt.bits:+.2f} bits, {at_stake} reports, weight {doubt.weight:.2f}")
    told = {one.line.report_key: one for one in question.reports}
    for side in (doubt.reports, doubt.others):
        _draw_side([(key, told.get(key)) for key in side], names)
    telling = sorted(evidence_rows(doubt.edge), key=lambda row: -abs(float(row["bits"])))[:_TELLING]
    print("   best pair: " + ", ".join(f"{row['field']} {row['says']} ({row['bits']})" for row in telling))
    if (answers := _answers(doubt, told)) is not None:
        print(f"   one person: spikewatch incident merge{where} {answers[0]}\n   two people: spikewatch incident split{where} {answers[1]}")


def _draw_side(side: Sequence[tuple[UUID, AskedReport | None]], names: Mapping[UUID, str]) -> None:
    for place, (key, one) in enumerate(side):
        mark = "-" if place == 0 else " "
        if one is None:
            print(f"   {mark} {names.get(key, str(key))}")
        else:
            at = f"{one.line.occurred_at:%Y-%m-%d}" if one.line.is_date_only else f"{one.line.occurred_at:%Y-%m-%d %H:%M} UTC"
            print(f"   {mark} {_name(one)}  {at}, {one.line.kind} {one.line.agency}\n       {report_words(one.line)}")


def _answers(doubt: Doubt, told: Mapping[UUID, AskedReport]) -> tuple[str, str] | None:
    """Return what follows ``incident merge`` and ``incident split`` to answer yes and no; None where a report is in no incident yet."""
    if any(key not in told for key in (*doubt.reports, *doubt.others)):
        return None
    one, other = ([told[key] for key in side] for side in (doubt.reports, doubt.others))
    best = told[doubt.edge.first], told[doubt.edge.second]
    if doubt.together:
        is_whole = {(part.incident_id, part.line.overdose) for part in (*one, *other)} == {(one[0].incident_id, one[0].line.overdose)}
        split = _side(one) if is_whole else f"{_side(one)} {_from(other)}"
        return f"{_name(best[0])} {_name(best[1])}", split
    return f"{_overdose(one)} {_overdose(other)}", f"{_overdose(one)} --from {_overdose(other)}"


def _overdose(side: Sequence[AskedReport]) -> str:
    return f"{side[0].incident_id}/{side[0].line.overdose}"


def _side(side: Sequence[AskedReport]) -> str:
    return " ".join(_name(one) for one in side)


def _from(side: Sequence[AskedReport]) -> str:
    return " ".join(f"--from {_name(one)}" for one in side)


def _name(one: AskedReport) -> str:
    return f"{one.incident_id}:{one.line.number}"
