"""``spikewatch incident``: why an incident is one; merge, split, and take such a decision back."""

import argparse
from collections.abc import Iterable, Sequence
from functools import reduce
from typing import Any, Final
from uuid import UUID

from pydantic import ValidationError

from spikewatch.chassis.clock import system_clock
from spikewatch.cli.exit_status import DONE, CannotRun
from spikewatch.cli.matching.incident_drawing import draw_incident, printable
from spikewatch.cli.matching.parts import Part, named_part
from spikewatch.cli.matching.review_client import ReviewClient, add_review_options, add_where, review_client
from spikewatch.cli.progress import say
from spikewatch.cli.tables import add_json_option, print_json
from spikewatch.contracts.decision import Decision, DecisionKind, DecisionLevel
from spikewatch.enrichment.domain.decision_faults import fault_of
from spikewatch.enrichment.domain.incident_explanation import IncidentExplanation

__all__ = ["add"]

_MEANS: Final = {
    (DecisionKind.TOGETHER, DecisionLevel.OVERDOSE): "are one person's",
    (DecisionKind.APART, DecisionLevel.OVERDOSE): "are two people's",
    (DecisionKind.TOGETHER, DecisionLevel.INCIDENT): "are one incident",
    (DecisionKind.APART, DecisionLevel.INCIDENT): "are two incidents",
}
_NAMING: Final = "PART is an INCIDENT, its second overdose INCIDENT/2, its third report INCIDENT:3, or a report key."


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "incident",
        help="show why an incident is one; merge, split, undo",
        description="Show why the reports of an incident are together, and decide otherwise: a decision outranks every score, stays "
        "through replays, and can be undone.",
        epilog="Example: spikewatch incident show 0b7f7a1e-58f5-5a4f-8c1c-8b6f5a0f9d11",
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    showing = _action(
        actions,
        "show",
        "why its reports are together",
        "Show the reports of an incident, what every field weighs for every pair, the strongest and the weakest pair, what would have "
        "split each overdose, and what was decided.",
        "show 0b7f7a1e-58f5-5a4f-8c1c-8b6f5a0f9d11",
        _show,
    )
    showing.add_argument("incident", metavar="ID", help="an incident, one that was merged into it, or a report key of it")
    merging = _action(
        actions,
        "merge",
        "decide that parts are one incident, or one overdose",
        f"Decide that parts belong together. {_NAMING} Whole incidents become one incident; overdoses and reports become one overdose "
        "(--level says otherwise).",
        "merge INCIDENT/1 INCIDENT/2 --author reviewer-7 --reason 'one person, called twice'",
        _merge,
    )
    merging.add_argument("parts", nargs="+", metavar="PART", help="two at least")
    splitting = _action(
        actions,
        "split",
        "decide that parts do not belong to the rest",
        f"Decide that parts of one incident are apart from the rest. {_NAMING} An overdose leaves its incident; reports leave their "
        "overdose and stay in the incident (--level says otherwise).",
        "split INCIDENT:3 --author reviewer-7 --reason 'another patient of the same car'",
        _split,
    )
    splitting.add_argument("parts", nargs="+", metavar="PART", help="of one incident; with --from of any")
    splitting.add_argument(
        "--from",
        dest="apart_from",
        action="append",
        metavar="PART",
        help="keep them apart from this, wherever it is, in place of from the rest: whole incidents as two incidents, all else as two "
        "people (may be repeated)",
    )
    undoing = _action(
        actions,
        "undo",
        "take a decision back",
        "Take a decision back: what it said is matched by score again. An undo is final; decide anew to return to what was decided.",
        "undo 15c14ead-31dc-52f9-8474-d78ec8d87050 --author reviewer-7 --reason 'wrong incident'",
        _undo,
    )
    undoing.add_argument("decision", metavar="DECISION", help="its id, as show tells it")
    for deciding in (merging, splitting, undoing):
        deciding.add_argument("--author", required=True, metavar="ACCOUNT", help="your account id; never a name")
        deciding.add_argument("--reason", required=True, metavar="TEXT", help="why, in words that name nobody")
    for deciding in (merging, splitting):
        deciding.add_argument("--level", choices=[level.value for level in DecisionLevel], help="decide about one person, or one scene")


def _action(actions: Any, name: str, summary: str, description: str, example: str, run: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(
        name, help=summary, description=description, epilog=f"Example: spikewatch incident {example}"
    )
    add_review_options(parser)
    add_json_option(parser)
    parser.set_defaults(run=run)
    return parser


def _show(arguments: argparse.Namespace) -> int:
    asked = _identity(arguments.incident)
    told = review_client(arguments).explain(asked)
    if arguments.as_json:
        print_json(_document(told))
    else:
        draw_incident(told, asked)
    return DONE


def _document(told: IncidentExplanation) -> Any:
    from pydantic import TypeAdapter  # noqa: PLC0415  # only this output needs it

    return TypeAdapter(IncidentExplanation).dump_python(told, mode="json")


def _merge(arguments: argparse.Namespace) -> int:
    client = review_client(arguments, account=arguments.author)
    parts = [named_part(text, client) for text in arguments.parts]
    first, others = parts[0], _union(part.reports for part in parts[1:])
    level = _level(arguments, DecisionLevel.INCIDENT if _are_whole(parts) else DecisionLevel.OVERDOSE)
    if not others - first.reports:
        already = (
            f"these are one incident already, {first.incident.incident_id}" if _are_whole(parts) else "these parts are the same reports"
        )
        raise CannotRun(f"{already}; name two parts that differ")
    decision = _decision(arguments, DecisionKind.TOGETHER, level, first.reports, others - first.reports)
    return _decide(arguments, client, decision, _in_words(decision, parts))


def _split(arguments: argparse.Namespace) -> int:
    client = review_client(arguments, account=arguments.author)
    parts = [named_part(text, client) for text in arguments.parts]
    reports = _union(part.reports for part in parts)
    others = [named_part(text, client) for text in arguments.apart_from or ()]
    if others:
        level = _level(arguments, DecisionLevel.INCIDENT if _are_whole([*parts, *others]) else DecisionLevel.OVERDOSE)
        rest = _union(part.reports for part in others)
        if not rest.isdisjoint(reports):
            raise CannotRun("a report is named before and after --from; name parts that differ")
    else:
        if len({part.incident.incident_id for part in parts}) != 1:
            raise CannotRun("these parts are of several incidents, so they are apart already; to keep them so, name one side after --from")
        are_overdoses = all(part.level is DecisionLevel.OVERDOSE for part in parts)
        level = _level(arguments, DecisionLevel.INCIDENT if are_overdoses else DecisionLevel.OVERDOSE)
        rest = Part(parts[0].incident, reports, None).rest(level)
        if not rest:
            raise CannotRun(f"nothing of the {level.value} would be left; name some of its reports, not all")
    decision = _decision(arguments, DecisionKind.APART, level, reports, rest)
    return _decide(arguments, client, decision, _in_words(decision, [*parts, *others]))


def _undo(arguments: argparse.Namespace) -> int:
    client = review_client(arguments, account=arguments.author)
    undone = client.decision(_identity(arguments.decision))
    if undone.kind is DecisionKind.UNDO:
        raise CannotRun("an undo is not taken back; decide anew with merge or split")
    # On the same sides: of two full ones all would be too many for one.
    decision = _decision(arguments, DecisionKind.UNDO, undone.level, undone.reports, undone.others, undoes=undone.decision_id)
    words = f"what {undone.author} decided at {undone.decided_at:%Y-%m-%d %H:%M} UTC is taken back ({printable(undone.reason)})"
    return _decide(arguments, client, decision, words)


def _decision(
    arguments: argparse.Namespace,
    kind: DecisionKind,
    level: DecisionLevel,
    reports: Iterable[UUID],
    others: Iterable[UUID] = (),
    undoes: UUID | None = None,
) -> Decision:
    try:
        return Decision.of(
            kind, level, reports, others, author=arguments.author, reason=arguments.reason, decided_at=system_clock(), undoes=undoes
        )
    except ValidationError as error:
        raise CannotRun(fault_of(error)) from None


def _decide(arguments: argparse.Namespace, client: ReviewClient, decision: Decision, words: str) -> int:
    client.decide(decision)
    if arguments.as_json:
        print_json(decision.model_dump(mode="json"))
    else:
        print(decision.decision_id)
    is_undo = decision.kind is DecisionKind.UNDO
    where = add_where(arguments)
    after = "" if is_undo else f", `spikewatch incident undo{where} {decision.decision_id}` takes it back"
    say(f"decided: {words}; `spikewatch incident show{where}` tells it in a moment{after}")
    return DONE


def _in_words(decision: Decision, parts: Sequence[Part]) -> str:
    """Return what was decided about which reports: numbers may have changed since they were looked at, so that a slip shows."""
    several = len({part.incident.incident_id for part in parts}) > 1
    names = {
        line.report_key: (f"{str(part.incident.incident_id)[:8]}:" if several else "") + f"{line.number} {line.kind}"
        for part in parts
        for line in part.incident.reports
    }
    one, other = (", ".join(sorted(names[key] for key in side)) for side in (decision.reports, decision.others))
    return f"{one} | {other} {_MEANS[decision.kind, decision.level]}"


def _are_whole(parts: Iterable[Part]) -> bool:
    return all(part.level is DecisionLevel.INCIDENT for part in parts)


def _level(arguments: argparse.Namespace, usual: DecisionLevel) -> DecisionLevel:
    return usual if arguments.level is None else DecisionLevel(arguments.level)


def _union(parts: Iterable[frozenset[UUID]]) -> frozenset[UUID]:
    nothing: frozenset[UUID] = frozenset()
    return reduce(frozenset.union, parts, nothing)


def _identity(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise CannotRun(
            "that is no id; take one from an alert, from `spikewatch match queue`, or from `spikewatch incident show`"
        ) from None
