"""``spikewatch incident``: why an incident is one; merge, split, and take such a decision back."""

import argparse
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import reduce
from typing import Any, Final
from uuid import UUID

from pydantic import ValidationError

from spikewatch.cli.exit_status import DONE, CannotRun
from spikewatch.cli.matching.drawing import draw_explanation
from spikewatch.cli.matching.parts import Part, named_part
from spikewatch.cli.matching.review_client import ReviewClient, add_review_options, review_client
from spikewatch.cli.progress import say
from spikewatch.cli.tables import add_json_option, print_json, print_table
from spikewatch.contracts.decision import Decision, DecisionKind, DecisionLevel
from spikewatch.enrichment.domain.incident_explanation import DecisionLine, IncidentExplanation, OriginLine

__all__ = ["add"]

# What is wrong with a field, what is expected and an example; never what was given, which may be a name.
_EXPECTED: Final = {
    "author": ("is no account id; ", "expected up to 63 small letters, digits and dashes that name nobody, for example reviewer-7"),
    "reason": ("is too short or too long; ", "expected 3 to 512 letters that name nobody, for example 'another patient of the same car'"),
    "reports": ("are too many; ", "expected at most 200 reports a side: decide about overdoses of theirs, for example INCIDENT/2"),
    "others": ("are too many; ", "expected at most 200 reports a side: decide about overdoses of theirs, for example INCIDENT/2"),
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
    splitting.add_argument("parts", nargs="+", metavar="PART", help="of one incident")
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
    told = review_client(arguments).explain(_identity(arguments.incident))
    if arguments.as_json:
        print_json(_document(told))
        return DONE
    aliases = f", also known as {', '.join(map(str, told.aliases))}" if told.aliases else ""
    print(f"incident {told.incident_id}, version {told.version} ({told.change}), {told.occurred_at:%Y-%m-%d %H:%M} UTC{aliases}")
    print_table(_report_rows(told), title="Reports, in order of time; an equal letter is an equal number of the call")
    print(f"weighed by the weights {told.weights}")
    _print_origins("the place is", told.origins)
    if told.missing:
        print(f"{told.missing} older reports are kept no longer")
    for bond in told.bonds:
        print(f"overdoses {bond.first} and {bond.second} are one incident: {bond.because}")
    names = {one.report_key: f"{one.number} {one.kind}" for one in told.reports}
    for overdose in told.overdoses:
        differing = f", sources differ on {', '.join(overdose.conflicts)}" if overdose.conflicts else ""
        print(f"\noverdose {overdose.number} {overdose.overdose_id}: {overdose.outcome}, confidence {overdose.confidence}{differing}")
        _print_origins("its fields are", overdose.origins)
        if overdose.is_flooded:
            print("one of a flood of its agency's reports at one place or of one call: not matched, whatever it fits; a decision joins it")
        draw_explanation(overdose.explanation, names, told.join)
    if told.decisions:
        print_table([_decision_row(one) for one in told.decisions], title="\nDecisions, the latest first")
    return DONE


def _print_origins(what: str, origins: Sequence[OriginLine]) -> None:
    parts = [
        f"{one.field} {one.report}" + (f" (contradicted by {', '.join(map(str, one.differing))})" if one.differing else "")
        for one in origins
    ]
    if parts:
        print(f"{what} from the reports: {', '.join(parts)}")


def _document(told: IncidentExplanation) -> Any:
    from pydantic import TypeAdapter  # noqa: PLC0415  # only this output needs it

    return TypeAdapter(IncidentExplanation).dump_python(told, mode="json")


def _report_rows(told: IncidentExplanation) -> list[dict[str, Any]]:
    return [
        {
            "no": one.number,
            "overdose": one.overdose,
            "time_utc": f"{one.occurred_at:%Y-%m-%d}" if one.is_date_only else f"{one.occurred_at:%Y-%m-%d %H:%M:%S}",
            "agency": one.agency,
            "kind": one.kind,
            "place": one.place,
            "age": one.age,
            "sex": one.sex,
            "outcome": one.outcome,
            "call": one.call,
        }
        for one in told.reports
    ]


def _decision_row(one: DecisionLine) -> dict[str, Any]:
    sides = [" ".join(map(str, side)) for side in (one.reports, one.others) if side]
    elsewhere = f" and {one.elsewhere} elsewhere" if one.elsewhere else ""
    return {
        "decision": one.decision_id,
        "decided": one.kind.value if one.undoes is None else f"undo {one.undoes}",
        "level": one.level.value,
        "reports": " | ".join(sides) + elsewhere,
        "author": one.author,
        "reason": one.reason,
        "at_utc": f"{one.decided_at:%Y-%m-%d %H:%M:%S}",
        "state": "in force" if one.is_in_force else "undone",
    }


def _merge(arguments: argparse.Namespace) -> int:
    client = review_client(arguments, account=arguments.author)
    parts = [named_part(text, client) for text in arguments.parts]
    first, others = parts[0], _union(part.reports for part in parts[1:])
    whole = all(part.level is DecisionLevel.INCIDENT for part in parts)
    level = _level(arguments, DecisionLevel.INCIDENT if whole else DecisionLevel.OVERDOSE)
    if not others - first.reports:
        raise CannotRun("these parts are the same reports; name two parts that differ")
    return _decide(arguments, client, _decision(arguments, DecisionKind.TOGETHER, level, first.reports, others - first.reports))


def _split(arguments: argparse.Namespace) -> int:
    client = review_client(arguments, account=arguments.author)
    parts = [named_part(text, client) for text in arguments.parts]
    if len({part.incident.incident_id for part in parts}) != 1:
        raise CannotRun("these parts are of several incidents, so they are apart already; name parts of one")
    reports = _union(part.reports for part in parts)
    are_overdoses = all(part.level is DecisionLevel.OVERDOSE for part in parts)
    level = _level(arguments, DecisionLevel.INCIDENT if are_overdoses else DecisionLevel.OVERDOSE)
    rest = Part(parts[0].incident, reports, None).rest(level)
    if not rest:
        raise CannotRun(f"nothing of the {level.value} would be left; name some of its reports, not all")
    return _decide(arguments, client, _decision(arguments, DecisionKind.APART, level, reports, rest))


def _undo(arguments: argparse.Namespace) -> int:
    client = review_client(arguments, account=arguments.author)
    undone = client.decision(_identity(arguments.decision))
    if undone.kind is DecisionKind.UNDO:
        raise CannotRun("an undo is not taken back; decide anew with merge or split")
    named = {*undone.reports, *undone.others}
    return _decide(arguments, client, _decision(arguments, DecisionKind.UNDO, undone.level, named, undoes=undone.decision_id))


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
            kind, level, reports, others, author=arguments.author, reason=arguments.reason, decided_at=datetime.now(UTC), undoes=undoes
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = str(first["loc"][0]) if first["loc"] else "the decision"
        problem, expected = _EXPECTED.get(field, (first["msg"], ""))
        raise CannotRun(f"{field}: {problem}{expected}") from None


def _decide(arguments: argparse.Namespace, client: ReviewClient, decision: Decision) -> int:
    client.decide(decision)
    if arguments.as_json:
        print_json(decision.model_dump(mode="json"))
    else:
        print(decision.decision_id)
    say(f"decided; `spikewatch incident show` tells it in a moment, `spikewatch incident undo {decision.decision_id}` takes it back")
    return DONE


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
