"""``--decisions``: what people decided, from a file, for verbs that match a file."""

import argparse
import json
from typing import Any, Final
from uuid import UUID

from pydantic import ValidationError

from spikewatch.cli.exit_status import CannotRun
from spikewatch.cli.files.opened import opened
from spikewatch.cli.progress import say
from spikewatch.contracts.decision import Decision
from spikewatch.enrichment.domain.decision_faults import fault_of
from spikewatch.enrichment.domain.matching.decisions import Decisions

__all__ = ["add_decisions_option", "decisions_named", "say_what_bears"]

_BLANK: Final = " \t\r\n,"


def add_decisions_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--decisions``."""
    parser.add_argument(
        "--decisions",
        metavar="FILE",
        help="what people decided, which outranks every score: the values of overdose.decisions.v1 as JSON lines, or what spikewatch "
        "incident merge, split and undo print with --json",
    )


def decisions_named(name: str | None) -> Decisions:
    """Read the decisions of a file: JSON documents one after the other, or in one list; None: nothing was decided.

    Raises:
        CannotRun: the file cannot be read, or holds something else. The text never holds what was written there.
    """
    if name is None:
        return Decisions()
    with opened(name) as file:
        text = file.stream.read().decode("utf-8-sig", errors="replace")
    decoder, place, found = json.JSONDecoder(), 0, list[Decision]()
    while place < len(text):
        if text[place] in _BLANK:
            place += 1
            continue
        try:
            document, place = decoder.raw_decode(text, place)
        except ValueError:
            raise CannotRun(f"{name}: line {text.count(chr(10), 0, place) + 1} is no JSON; expected decisions as JSON lines") from None
        found += [_decision(name, number, one) for number, one in enumerate(_listed(document), len(found) + 1)]
    return Decisions(found)


def say_what_bears(decisions: Decisions, reports: set[UUID]) -> None:
    """Tell how many of the decisions in force name a report that is there; the others wait for theirs."""
    if decisions:
        bearing = sum(not reports.isdisjoint((*one.reports, *one.others)) for one in decisions.standing)
        say(f"{bearing:,} of {len(decisions.standing):,} decisions in force name reports of this file")


def _listed(document: Any) -> list[Any]:
    if document is None:  # a tombstone
        return []
    return document if isinstance(document, list) else [document]


def _decision(name: str, number: int, document: Any) -> Decision:
    try:
        return Decision.model_validate_json(json.dumps(document))
    except ValidationError as error:
        raise CannotRun(f"{name}: decision {number}: {fault_of(error)}") from None
