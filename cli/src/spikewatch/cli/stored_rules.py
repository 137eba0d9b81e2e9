"""``spikewatch rules put|rm``, and the rules that the directory keeps."""

import argparse
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from spikewatch.alerts.domain.composition import Unusable, composed, read_rule
from spikewatch.alerts.domain.rule import Rule
from spikewatch.alerts.domain.rulebook import Difference, Rulebook, differences
from spikewatch.cli.exit_status import DONE, REFUSED_ROWS, CannotRun
from spikewatch.cli.progress import say
from spikewatch.cli.rule_definitions import definitions_of
from spikewatch.cli.stack import stack_file
from spikewatch.cli.tables import print_json, print_table

if TYPE_CHECKING:
    from spikewatch.cli.directory_client import DirectoryClient

__all__ = ["STORED", "Kept", "kept_rules", "put", "remove", "stored_rules"]

STORED: Final = "stored"
"""Stands where a file of rules is asked for: the rules that the directory keeps."""

_ADDRESS: Final = "SPIKEWATCH_DIRECTORY_ADDRESS"
_TOKEN: Final = "SPIKEWATCH_DIRECTORY_TOKEN"  # noqa: S105  # the name of a variable
_LONGEST_NAME: Final = 128
_SWITCHED_ON: Final = frozenset({"added", "changed"})


@dataclass(frozen=True)
class Kept:
    """A rule of the directory, or why it cannot be used, with the etag under which it is removed."""

    rule: Rule | Unusable
    etag: str


def _ask(arguments: argparse.Namespace, work: Any) -> Any:
    from spikewatch.cli.directory_client import in_directory  # noqa: PLC0415  # half a second that verbs on files should not wait for

    address = arguments.address or os.environ.get(_ADDRESS) or stack_file.read(arguments.folder).directory_address
    if not address:
        raise CannotRun(f"no directory is named: give --address HOST:PORT, set {_ADDRESS}, or start a stack with `spikewatch up`")
    return in_directory(address, os.environ.get(_TOKEN), work)


def kept_rules(arguments: argparse.Namespace) -> dict[str, Kept]:
    """Return what the directory keeps, by id.

    Raises:
        CannotRun: it cannot be asked.
    """
    from spikewatch.directory.domain.names import Kind  # noqa: PLC0415  # as above

    async def read(client: "DirectoryClient") -> list[Any]:
        return [record async for record in client.records(Kind.RULE)]

    found = {}
    definitions = definitions_of(arguments)
    for record in _ask(arguments, read):
        name = record.name.partition("/")[2]
        found[name] = Kept(read_rule(name, record.rule_version, record.document, definitions), record.etag)
    return found


def stored_rules(arguments: argparse.Namespace) -> Rulebook:
    """Return the rules that the directory keeps; those that cannot be used are said on standard error.

    Raises:
        CannotRun: it cannot be asked.
    """
    kept = kept_rules(arguments)
    for one in kept.values():
        if isinstance(one.rule, Unusable):
            say(f"{one.rule.rule} (version {one.rule.version}) is kept and cannot be used: {one.rule.problem}")
    return Rulebook(tuple(one.rule for one in kept.values() if isinstance(one.rule, Rule)))


def put(arguments: argparse.Namespace, offered: Rulebook, lines: Mapping[str, int]) -> int:
    """Keep rules in the directory, or with ``--dry-run`` say what that would do."""
    unknown = set(arguments.ids) - {rule.id for rule in offered.known}
    if unknown:
        raise CannotRun(f"no rule is called {', '.join(sorted(unknown))}; spikewatch rules ls {arguments.file} lists them")
    rules = [rule for rule in offered.known if not arguments.ids or rule.id in arguments.ids]
    kept = {name: one.rule for name, one in kept_rules(arguments).items()}
    together = composed(Rulebook(()), kept | {rule.id: rule for rule in rules})
    wrong = {one.rule: one.problem for one in together.unusable}
    rows = []
    for rule in rules:
        change, problem = _change(rule, kept.get(rule.id), wrong.get(rule.id))
        if problem:
            problem = f"{arguments.file}:{lines.get(rule.id, 1)}: {problem}"
        elif change != "unchanged" and not arguments.dry_run:
            problem = _send(arguments, rule)
        outcome = "refused" if problem else change
        rows.append({"id": rule.id, "version": rule.version, "outcome": outcome, "problem": problem or ""})
    if arguments.as_json:
        print_json({"dry_run": arguments.dry_run, "rules": rows})
    else:
        print_table(rows, ("id", "version", "outcome", "problem"))
        if arguments.dry_run:
            say("nothing was kept; leave --dry-run out to do it")
        elif any(row["outcome"] in _SWITCHED_ON for row in rows):
            say("a service that runs has them in force within seconds, and then alerts the spikes that are going on by them")
    return REFUSED_ROWS if any(row["outcome"] == "refused" for row in rows) else DONE


def _change(rule: Rule, kept: Rule | Unusable | None, wrong: str | None) -> tuple[str, str | None]:
    """Return what becomes of a rule, and why it is refused if it is."""
    if wrong is not None:
        return "refused", wrong
    if kept is None:
        return "added", None
    if kept == rule:
        return "unchanged", None
    if rule.version < kept.version:
        return "refused", f"version: {kept.version} is kept; a version never goes down, raise it"
    if isinstance(kept, Unusable):
        return "changed", None
    one: Difference
    (one,) = differences(Rulebook((kept,)), Rulebook((rule,)))
    return one.change, "version: other content is kept under it; raise it, so that alerts say which rule raised them" if (
        one.needs_version
    ) else None


def _send(arguments: argparse.Namespace, rule: Rule) -> str | None:
    """Keep a rule; return why the directory refused it if it did."""
    from spikewatch.cli.directory_client import RecordRefused  # noqa: PLC0415  # as above
    from spikewatch.directory.domain.names import Kind  # noqa: PLC0415  # as above

    fields = {
        "name": f"rules/{rule.id}",
        "display_name": rule.description[:_LONGEST_NAME].strip() or rule.id,
        "rule_version": rule.version,
        "document": json.dumps(
            {"id": rule.id, "version": rule.version} | rule.model_dump(mode="json", exclude_defaults=True), ensure_ascii=False
        ),
    }

    async def keep(client: "DirectoryClient") -> str | None:
        try:
            await client.upsert(Kind.RULE, fields)
        except RecordRefused as refused:
            return f"the directory refused it: {refused}"
        return None

    problem: str | None = _ask(arguments, keep)
    return problem


def remove(arguments: argparse.Namespace) -> int:
    """Remove a rule from the directory."""
    from spikewatch.directory.domain.names import Kind  # noqa: PLC0415  # as above

    kept = kept_rules(arguments).get(arguments.id)
    if kept is None:
        raise CannotRun(f"the directory keeps no rule called {arguments.id}; spikewatch rules ls --stored lists them")
    _ask(arguments, lambda client: client.delete(Kind.RULE, f"rules/{arguments.id}", etag=kept.etag))
    if arguments.as_json:
        print_json({"removed": arguments.id, "version": kept.rule.version})
    else:
        say(f"{arguments.id} is removed; its open alerts close, and a rule of this id in the service's file is in force again")
    return DONE
