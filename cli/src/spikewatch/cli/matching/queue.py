"""``spikewatch match queue``: what a person should look at first, of a file or of the running service."""

import argparse
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from spikewatch.cli.dedupe import weights_named
from spikewatch.cli.exit_status import DONE, CannotRun
from spikewatch.cli.matching.decisions_file import decisions_named
from spikewatch.cli.matching.drawing import evidence_rows
from spikewatch.cli.matching.file_reports import FileReports
from spikewatch.cli.matching.review_client import review_client
from spikewatch.cli.tables import print_json, print_table
from spikewatch.enrichment.adapters.matching_weights import LEARNT
from spikewatch.enrichment.domain.matching.doubts import Doubt, doubts
from spikewatch.enrichment.domain.matching.matcher import match
from spikewatch.enrichment.review import Question

__all__ = ["queue"]

_QUESTIONS = TypeAdapter(list[Question])
_TELLING = 3  # fields shown of a pair: those that weigh most


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
    print_table([_row(number, one, names) for number, one in enumerate(asked, 1)], title="What to look at first")


def _row(number: int, question: Question, names: Mapping[UUID, str]) -> dict[str, Any]:
    doubt = question.doubt
    sides = [", ".join(names.get(key, str(key)) for key in side) for side in (doubt.reports, doubt.others)]
    telling = sorted(evidence_rows(doubt.edge), key=lambda row: -abs(float(row["bits"])))[:_TELLING]
    return {
        "no": number,
        "now": "together" if doubt.together else "apart",
        "bits": f"{doubt.bits:+.2f}",
        "weight": f"{doubt.weight:.2f}",
        "one_side": sides[0],
        "other_side": sides[1],
        "because": ", ".join(f"{row['field']} {row['bits']}" for row in telling),
        "incidents": ", ".join(map(str, question.incidents)),
    }
