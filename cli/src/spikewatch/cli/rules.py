"""``spikewatch rules``: what rules say, whether they can be used, what changed between two sets, and which the directory keeps."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Final

from spikewatch.alerts.adapters.rules_file import (
    PUBLISHED,
    SHIPPED,
    UnusableRules,
    lines_of_rules,
    read_rules,
    rules_of,
    rules_of_package,
    text_of_package,
)
from spikewatch.alerts.domain.rule import Rule
from spikewatch.alerts.domain.rule_schema import rules_schema
from spikewatch.alerts.domain.rule_text import in_words
from spikewatch.alerts.domain.rulebook import Difference, Rulebook, differences
from spikewatch.cli.exit_status import DONE, REFUSED_ROWS, CannotRun
from spikewatch.cli.files.opened import STANDARD_INPUT
from spikewatch.cli.rule_definitions import add_definitions_option, definitions_of
from spikewatch.cli.running_rules import RUNNING, add_alerts_options, add_directory_options, alerts_client
from spikewatch.cli.stored_rules import STORED, put, remove, stored_rules
from spikewatch.cli.tables import add_json_option, print_json, print_table

__all__ = ["RULES_OF_PACKAGE", "add", "rules_named", "rules_text"]

RULES_OF_PACKAGE: Final = {"shipped": SHIPPED, "published": PUBLISHED}
"""Names that may stand where a file of rules is asked for, and what they mean."""


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb with its own verbs."""
    parser = verbs.add_parser(
        "rules",
        help="check, compare and explain the rules that say what a spike is",
        description="Work on files of rules; - is standard input. In place of a FILE stand also: shipped (the rules in force where nothing "
        "is set) and published (every published definition, none in force); for ls, explain and diff also running "
        "(the rules of the running service) and stored (those that the directory keeps).",
        epilog="Example: spikewatch rules explain published baltimore-tiers",
    )
    inner = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    check = inner.add_parser(
        "check",
        help="tell whether rules can be used; every error with its line",
        epilog="Example: spikewatch rules check rules.yaml",
    )
    check.add_argument("file", metavar="FILE")
    add_definitions_option(check)
    add_json_option(check)
    check.set_defaults(run=_check)
    listing = inner.add_parser("ls", help="list rules", epilog="Example: spikewatch rules ls running")
    listing.add_argument("file", metavar="FILE", nargs="?", default="shipped")
    listing.add_argument("--stored", action="store_true", help="the rules that the directory keeps, as FILE stored")
    add_definitions_option(listing)
    add_alerts_options(listing)
    add_json_option(listing)
    listing.set_defaults(run=_list)
    explain = inner.add_parser("explain", help="say rules in words", epilog="Example: spikewatch rules explain rules.yaml odmap-24h")
    explain.add_argument("file", metavar="FILE")
    explain.add_argument("ids", metavar="ID", nargs="*", help="rules to explain; all without")
    add_definitions_option(explain)
    add_alerts_options(explain)
    add_json_option(explain)
    explain.set_defaults(run=_explain)
    diff = inner.add_parser(
        "diff",
        help="what changed between two files; status 1 if a rule decides otherwise under its old version",
        epilog="Example: spikewatch rules diff shipped rules.yaml",
    )
    diff.add_argument("before", metavar="BEFORE")
    diff.add_argument("after", metavar="AFTER", nargs="?")
    diff.add_argument("--stored", action="store_true", help="what FILE changes in the rules that the directory keeps: diff FILE --stored")
    add_definitions_option(diff)
    add_alerts_options(diff)
    add_json_option(diff)
    diff.set_defaults(run=_diff)
    keep = inner.add_parser(
        "put",
        help="keep rules in the directory, in force without a restart; status 1 if one is refused",
        description="Rules are checked in full before they are sent. "
        "A change of anything but description, source and enabled needs a higher version.",
        epilog="Example: spikewatch rules put rules.yaml --dry-run",
    )
    keep.add_argument("file", metavar="FILE")
    keep.add_argument("ids", metavar="ID", nargs="*", help="rules to keep; all of the file without")
    keep.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")
    add_definitions_option(keep)
    add_directory_options(keep)
    add_json_option(keep)
    keep.set_defaults(run=_put)
    away = inner.add_parser("rm", help="remove a rule from the directory", epilog="Example: spikewatch rules rm cedar-24h")
    away.add_argument("id", metavar="ID")
    add_directory_options(away)
    add_json_option(away)
    away.set_defaults(run=remove)
    schema = inner.add_parser("schema", help="print the JSON schema of a file of rules", epilog="Example: spikewatch rules schema")
    schema.set_defaults(run=_schema)


def rules_named(name: str, arguments: argparse.Namespace | None = None) -> Rulebook:
    """Return the rules of a file, or those that ``shipped``, ``published`` and, with a service's options, ``running`` and ``stored`` name.

    Raises:
        CannotRun: they cannot be used; the text has a line for each thing that is wrong.
    """
    if name == RUNNING and arguments is not None:
        return alerts_client(arguments).rules()
    if name == STORED and arguments is not None:
        return stored_rules(arguments)
    return _rules_of_file(name, arguments)


def _rules_of_file(name: str, arguments: argparse.Namespace | None) -> Rulebook:
    try:
        if name in RULES_OF_PACKAGE:
            return rules_of_package(RULES_OF_PACKAGE[name])
        return _read(name, arguments)
    except UnusableRules as error:
        raise CannotRun(f"the rules cannot be used:\n{error}") from None
    except OSError as error:
        raise CannotRun(f"{name} cannot be read ({error.strerror}); name a file of rules, or shipped or published") from None


def _read(name: str, arguments: argparse.Namespace | None) -> Rulebook:
    if name != STANDARD_INPUT:
        return read_rules(Path(name), definitions_of(arguments))
    return rules_of(_of_input(arguments), "standard input", definitions_of(arguments))


def _of_input(arguments: argparse.Namespace | None) -> str:
    """Return what standard input holds; it can be read once, so the arguments of the run keep it."""
    text: str | None = getattr(arguments, "rules_of_input", None)
    if text is None:
        try:
            text = sys.stdin.buffer.read().decode("utf-8-sig")
        except UnicodeDecodeError:
            raise CannotRun("standard input is no UTF-8; expected rules as YAML, saved as UTF-8") from None
        if arguments is not None:
            arguments.rules_of_input = text
    return text


def rules_text(name: str, arguments: argparse.Namespace | None = None) -> str:
    """Return what a service is sent of rules that ``rules_named`` has read: their YAML, nothing for those it runs itself."""
    if name == RUNNING:
        return ""
    if name in RULES_OF_PACKAGE:
        return text_of_package(RULES_OF_PACKAGE[name])
    return _of_input(arguments) if name == STANDARD_INPUT else Path(name).read_text("utf-8-sig")


def _check(arguments: argparse.Namespace) -> int:
    try:
        book = rules_named(arguments.file) if arguments.file in RULES_OF_PACKAGE else _read(arguments.file, arguments)
    except UnusableRules as error:
        problems = [{"line": line, "rule": one.rule, "field": one.field, "problem": one.text} for line, one in error.problems]
        if arguments.as_json:
            print_json({"file": arguments.file, "rules": 0, "problems": problems})
        else:
            print(error)
        return REFUSED_ROWS
    except OSError as error:
        raise CannotRun(f"{arguments.file} cannot be read ({error.strerror}); name a file of rules") from None
    if arguments.as_json:
        print_json({"file": arguments.file, "rules": len(book.known), "enabled": len(book.rules), "problems": []})
    else:
        print(f"{arguments.file}: {len(book.known)} rules can be used, {len(book.rules)} of them enabled")
    return DONE


def _list(arguments: argparse.Namespace) -> int:
    rows = [_row(rule) for rule in rules_named(STORED if arguments.stored else arguments.file, arguments).known]
    if arguments.as_json:
        print_json(rows)
    else:
        print_table([{name: ", ".join(value) if isinstance(value, list) else value for name, value in row.items()} for row in rows])
    return DONE


def _row(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "version": rule.version,
        "enabled": "yes" if rule.enabled else "no",
        "kind": rule.kind,
        "window_hours": rule.window_hours,
        "areas": _watched(rule),
        "parameters": [f"{name}={value}" for name, value in rule.parameters.items()],
    }


def _watched(rule: Rule) -> list[str]:
    within = f" of {' and '.join(rule.within)}" if rule.within else ""
    together = (f"{area} with {' and '.join(others)}" for area, others in rule.neighbours.items())
    return [*(f"{kind}{within}" for kind in rule.area_kinds), *rule.areas, *together]


def _explain(arguments: argparse.Namespace) -> int:
    book = rules_named(arguments.file, arguments)
    unknown = set(arguments.ids) - {rule.id for rule in book.known}
    if unknown:
        raise CannotRun(f"no rule is called {', '.join(sorted(unknown))}; spikewatch rules ls {arguments.file} lists them")
    chosen = [rule for rule in book.known if not arguments.ids or rule.id in arguments.ids]
    if arguments.as_json:
        print_json([{"id": rule.id, "version": rule.version, "sentences": in_words(rule)} for rule in chosen])
        return DONE
    print("\n\n".join("\n  ".join([f"{rule.id} (version {rule.version})", *in_words(rule)]) for rule in chosen))
    return DONE


def _diff(arguments: argparse.Namespace) -> int:
    before, after = (STORED, arguments.before) if arguments.stored else (arguments.before, arguments.after)
    if after is None or (arguments.stored and arguments.after is not None):
        raise CannotRun("two sets of rules are compared: give BEFORE and AFTER, or FILE and --stored")
    found = differences(rules_named(before, arguments), rules_named(after, arguments))
    if arguments.as_json:
        print_json(
            [
                {
                    "rule": one.rule,
                    "change": one.change,
                    "needs_version": one.needs_version,
                    "fields": [{"field": field, "before": before, "after": after} for field, before, after in one.fields],
                }
                for one in found
            ]
        )
    else:
        print("\n".join(line for one in found for line in _lines(one)) or "nothing changed")
    return REFUSED_ROWS if any(one.needs_version for one in found) else DONE


def _lines(one: Difference) -> list[str]:
    lines = [f"{one.rule}: {one.change}"]
    lines += [
        f"  {field}: {json.dumps(before, ensure_ascii=False)} -> {json.dumps(after, ensure_ascii=False)}"
        for field, before, after in one.fields
    ]
    if one.needs_version:
        lines.append("  it decides otherwise under its old version; raise version, so that alerts say which rule raised them")
    return lines


def _put(arguments: argparse.Namespace) -> int:
    offered = _rules_of_file(arguments.file, arguments)
    return put(arguments, offered, lines_of_rules(rules_text(arguments.file, arguments)))


def _schema(_arguments: argparse.Namespace) -> int:
    print_json(rules_schema())
    return DONE
