"""``spikewatch directory``: read and change agencies, providers, services and contacts."""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from spikewatch.cli.directory_client import DirectoryClient, RecordRefused, in_directory
from spikewatch.cli.exit_status import DONE, REFUSED_ROWS, CannotRun
from spikewatch.cli.progress import Progress, say
from spikewatch.cli.stack import stack_file
from spikewatch.cli.stack.folder_option import add_folder_option
from spikewatch.cli.tables import add_json_option, print_json, print_table
from spikewatch.directory.domain.names import Kind
from spikewatch.directory.domain.records import Record, draft_of, writable

__all__ = ["add"]

_ADDRESS: Final = "SPIKEWATCH_DIRECTORY_ADDRESS"
_TOKEN: Final = "SPIKEWATCH_DIRECTORY_TOKEN"  # noqa: S105  # the name of a variable
_AT_ONCE: Final = 16  # a write waits for the disk of a majority: some in flight hide that, many only queue
_LISTS: Final = frozenset({"areas", "categories"})
_NUMBERS: Final = frozenset({"lat", "lon", "sends_every_s"})
_COLUMNS: Final = {
    Kind.AGENCY: ("name", "display_name", "source_type", "state", "areas"),
    Kind.PROVIDER: ("name", "display_name", "website"),
    Kind.SERVICE: ("name", "display_name", "status", "categories", "assured_date"),
    Kind.CONTACT: ("name", "display_name", "role", "organization", "email", "phone", "areas"),
}
_NAMES: Final = {
    Kind.AGENCY: "agencies/cedar-county-ems",
    Kind.PROVIDER: "providers/cedar-recovery",
    Kind.SERVICE: "providers/cedar-recovery/services/same-day-start",
    Kind.CONTACT: "agencies/cedar-county-ems/contacts/duty-desk",
}
_CREATE: Final = {
    Kind.AGENCY: '--display-name "Cedar County EMS" --source-type ems --areas county:42091',
    Kind.PROVIDER: '--display-name "Cedar Recovery"',
    Kind.SERVICE: '--display-name "Same-day start" --categories buprenorphine naloxone',
    Kind.CONTACT: '--display-name "Duty desk" --organization "Cedar County EMS" --role duty_desk --areas county:42091',
}


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "directory",
        help="read and change agencies, providers, services and contacts",
        description="Agencies that report, providers and services that help, contacts that answer for an area.",
        epilog="Example: spikewatch directory agency list",
    )
    parts = parser.add_subparsers(title="parts", metavar="PART", required=True)
    for kind in _NAMES:  # profiles have a verb of their own
        summary = f"create, get, list, update or delete: {kind}"
        part = parts.add_parser(kind.value, help=summary, description=summary, epilog=f"Example: spikewatch directory {kind} list")
        _add_steps(part.add_subparsers(title="steps", metavar="STEP", required=True), kind)
    load = _step(parts, "load", "create or update every record of a JSON list", "load directory.json", _load)
    load.add_argument("file", metavar="FILE", help="a JSON list as `export` writes it; - is standard input")
    load.add_argument("--errors", metavar="FILE", type=Path, help="write each refused record as a JSON line")
    export = _step(parts, "export", "write every record as a JSON list", "export -o directory.json", _export)
    export.add_argument("-o", dest="output", metavar="FILE", type=Path, help="where to write (default: standard output)")
    who = _step(parts, "responsible", "say who answers for a place", "responsible zip:19401 county:42091 state:42", _responsible)
    who.add_argument("areas", nargs="+", metavar="AREA", help="the areas of the place, most specific first, each kind:code")


def _step(steps: Any, name: str, summary: str, example: str, run: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = steps.add_parser(
        name, help=summary, description=summary, epilog=f"Example: spikewatch directory {example}"
    )
    parser.set_defaults(run=run)
    parser.add_argument("--address", metavar="HOST:PORT", help=f"the directory (else ${_ADDRESS}, else the stack in --folder)")
    add_folder_option(parser)
    add_json_option(parser)
    return parser


def _add_steps(steps: Any, kind: Kind) -> None:
    name = _NAMES[kind]
    for step, summary, example, run in (
        ("create", "add a record", f"{kind} create {name} {_CREATE[kind]}", _create),
        ("update", "change the fields that are given", f'{kind} update {name} --display-name "Another name"', _update),
    ):
        parser = _step(steps, step, summary, example, run)
        parser.add_argument("name", metavar="NAME", help=f"resource name, for example {name}")
        for field in writable(kind):
            option = f"--{field.replace('_', '-')}"
            if field in _LISTS:
                parser.add_argument(option, dest=field, nargs="*", metavar="ITEM", help="all items, in place of those that were")
            else:
                parser.add_argument(option, dest=field, type=float if field in _NUMBERS else str, metavar="VALUE")
        parser.set_defaults(kind=kind)
        if step == "update":
            parser.add_argument("--clear", nargs="+", default=[], choices=writable(kind), metavar="FIELD", help="fields to empty")
            parser.add_argument("--etag", default="", help="change only if the record still has this etag")
    listed = _step(steps, "list", "list records", f"{kind} list", _list)
    if kind.parents:
        listed.add_argument("--parent", metavar="NAME", help="only those of one parent, for example " + name.rsplit("/", 2)[0])
    listed.add_argument("--filter", default="", metavar="TERMS", help='field = "value" or areas:"county:42091", joined by AND')
    listed.set_defaults(kind=kind)
    for step, summary, run in (("get", "show a record", _get), ("delete", "remove a record", _delete)):
        parser = _step(steps, step, summary, f"{kind} {step} {name}", run)
        parser.add_argument("name", metavar="NAME", help=f"resource name, for example {name}")
        parser.set_defaults(kind=kind)
        if step == "delete":
            parser.add_argument("--etag", default="", help="remove only if the record still has this etag")


def _ask(arguments: argparse.Namespace, work: Callable[[DirectoryClient], Any]) -> Any:
    address = arguments.address or os.environ.get(_ADDRESS) or stack_file.read(arguments.folder).directory_address
    if not address:
        raise CannotRun(f"no directory is named: give --address HOST:PORT, set {_ADDRESS}, or start a stack with `spikewatch up`")
    return in_directory(address, os.environ.get(_TOKEN), work)


def _document(record: Record) -> dict[str, Any]:
    return record.model_dump(mode="json", exclude_none=True)


def _show(arguments: argparse.Namespace, record: Record) -> int:
    document = _document(record)
    if arguments.as_json:
        print_json(document)
    else:
        print_table([{"field": name, "value": _cell(value)} for name, value in document.items()])
    return DONE


def _cell(value: Any) -> Any:
    return ", ".join(value) if isinstance(value, list) else value


def _row(record: Record, columns: tuple[str, ...]) -> dict[str, Any]:
    document = _document(record)
    return {name: _cell(document.get(name)) for name in columns}


def _given(arguments: argparse.Namespace) -> dict[str, Any]:
    return {field: value for field in writable(arguments.kind) if (value := getattr(arguments, field)) is not None}


def _create(arguments: argparse.Namespace) -> int:
    fields = _given(arguments) | {"name": arguments.name}
    return _show(arguments, _ask(arguments, lambda client: client.create(arguments.kind, fields)))


def _update(arguments: argparse.Namespace) -> int:
    given = _given(arguments)
    mask = tuple(dict.fromkeys((*given, *arguments.clear)))
    if not mask:
        raise CannotRun("nothing to change: give a field, for example --display-name, or --clear FIELD")
    fields = {field: value for field, value in given.items() if field not in arguments.clear} | {"name": arguments.name}
    return _show(arguments, _ask(arguments, lambda client: client.update(arguments.kind, fields, mask=mask, etag=arguments.etag)))


def _get(arguments: argparse.Namespace) -> int:
    return _show(arguments, _ask(arguments, lambda client: client.get(arguments.kind, arguments.name)))


def _delete(arguments: argparse.Namespace) -> int:
    _ask(arguments, lambda client: client.delete(arguments.kind, arguments.name, etag=arguments.etag))
    if arguments.as_json:
        print_json({"deleted": arguments.name})
    else:
        say(f"deleted {arguments.name}")
    return DONE


def _list(arguments: argparse.Namespace) -> int:
    parent = getattr(arguments, "parent", None)

    async def work(client: DirectoryClient) -> list[Record]:
        found = client.records(arguments.kind, parents=(parent,) if parent else (), query=arguments.filter)
        return [record async for record in found]

    records = _ask(arguments, work)
    if arguments.as_json:
        print_json([_document(record) for record in records])
    else:
        columns = _COLUMNS[arguments.kind]
        print_table([_row(record, columns) for record in records], columns)
    return DONE


def _responsible(arguments: argparse.Namespace) -> int:
    found = _ask(arguments, lambda client: client.responsible(arguments.areas))
    if arguments.as_json:
        print_json([{"area": area, "contact": _document(record)} for record, area in found])
    else:
        columns = ("role", "display_name", "organization", "email", "phone", "name")
        print_table([{"area": area} | _row(record, columns) for record, area in found], ("area", *columns))
    return DONE


def _export(arguments: argparse.Namespace) -> int:
    async def work(client: DirectoryClient) -> list[dict[str, Any]]:
        found = [(kind, record) for kind in Kind async for record in client.records(kind)]
        return [{"kind": kind.value, "name": record.name} | draft_of(record) for kind, record in found]

    records = _ask(arguments, work)
    if arguments.output is None:
        print_json(records)
    else:
        try:
            arguments.output.write_text(json.dumps(records, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        except OSError as error:
            raise CannotRun(f"{arguments.output} cannot be written: {error.strerror}") from None
        say(f"{len(records)} records written to {arguments.output}")
    return DONE


def _read(file: str) -> list[Any]:
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        records = json.loads(text)
    except OSError as error:
        raise CannotRun(f"{file} cannot be read: {error.strerror}") from None
    except ValueError:
        raise CannotRun(f"{file} is not UTF-8 JSON; write one with `spikewatch directory export`") from None
    if not isinstance(records, list):
        raise CannotRun(f"{file} is not a JSON list of records; write one with `spikewatch directory export`")
    return records


def _rank(row: tuple[int, Any]) -> int:
    """Order parents first, whatever the order of the file; what is no record comes last and is refused."""
    kind = row[1].get("kind") if isinstance(row[1], dict) else None
    return next((position for position, known in enumerate(Kind) if known.value == kind), len(Kind))


def _chunks(rows: list[tuple[int, Any]]) -> Iterator[list[tuple[int, Any]]]:
    return (rows[start : start + _AT_ONCE] for start in range(0, len(rows), _AT_ONCE))


def _load(arguments: argparse.Namespace) -> int:
    rows = sorted(enumerate(_read(arguments.file)), key=_rank)
    refused: list[dict[str, Any]] = []

    async def work(client: DirectoryClient) -> None:
        with Progress("load", len(rows)) as progress:

            async def one(index: int, row: Any) -> None:
                try:
                    await client.upsert(_kind(row), row)
                except RecordRefused as error:
                    violations = error.violations or (("name", str(error)),)
                    refused.extend({"file": arguments.file, "record": index, "path": path, "problem": text} for path, text in violations)
                progress.advance()

            for _, same_kind in groupby(rows, key=_rank):
                for some in _chunks(list(same_kind)):
                    await asyncio.gather(*(one(index, row) for index, row in some))

    _ask(arguments, work)
    refused.sort(key=lambda problem: problem["record"])
    bad = {problem["record"] for problem in refused}
    if arguments.errors is not None:
        arguments.errors.write_text("".join(json.dumps(problem, ensure_ascii=False) + "\n" for problem in refused), encoding="utf-8")
    else:
        for problem in refused:
            say(f"{problem['file']}: record {problem['record']}: {problem['path']} {problem['problem']}")
    if arguments.as_json:
        print_json({"loaded": len(rows) - len(bad), "refused": len(bad)})
    say(f"{len(rows) - len(bad)} records loaded, {len(bad)} refused")
    return REFUSED_ROWS if bad else DONE


def _kind(row: object) -> Kind:
    try:
        return Kind(row["kind"]) if isinstance(row, Mapping) else Kind("")
    except (KeyError, ValueError):
        text = f"is not known; expected one of {', '.join(Kind)}"
        raise RecordRefused(f"kind {text}", [("kind", text)]) from None
