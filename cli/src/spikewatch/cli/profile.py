"""``spikewatch profile``: describe an agency's own table in a short YAML, and keep it with the agency."""

import argparse
import json
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from spikewatch.cli.directory_client import DirectoryClient, in_directory
from spikewatch.cli.exit_status import DONE, REFUSED_ROWS, CannotRun
from spikewatch.cli.files.profiles import text_of_profile
from spikewatch.cli.files.table import table_of
from spikewatch.cli.progress import say
from spikewatch.cli.stack import stack_file
from spikewatch.cli.stack.folder_option import add_folder_option
from spikewatch.cli.tables import add_json_option, print_json, print_table
from spikewatch.contracts.directory import ProfileRecord
from spikewatch.directory.domain.names import Kind
from spikewatch.directory.domain.records import profile_id
from spikewatch.ingest.domain.profiles.bases import compiled
from spikewatch.ingest.domain.profiles.checking import ProfileInvalid
from spikewatch.ingest.domain.profiles.column_guess import Seen
from spikewatch.ingest.domain.profiles.model import Profile
from spikewatch.ingest.domain.profiles.proposal import propose
from spikewatch.ingest.domain.profiles.shipped_profiles import SHIPPED, shipped_text
from spikewatch.ingest.terminology import vocabulary

__all__ = ["add"]

_ADDRESS: Final = "SPIKEWATCH_DIRECTORY_ADDRESS"
_TOKEN: Final = "SPIKEWATCH_DIRECTORY_TOKEN"  # noqa: S105  # the name of a variable
_ROWS: Final = 500  # looked at for a proposal


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "profile",
        help="describe an agency's own table, and keep that with the agency",
        description="A profile says in a short YAML what the columns of an agency's own CSV, XLSX or JSON mean.",
        epilog="Example: spikewatch profile propose export.csv -o export.yaml",
    )
    steps = parser.add_subparsers(title="steps", metavar="STEP", required=True)
    step = _step(steps, "propose", "write a first profile from a file's header and values", "propose export.csv -o export.yaml", _propose)
    step.add_argument("file", metavar="FILE", help=".csv, .xlsx, .json, .jsonl, each also .gz; - is standard input")
    step.add_argument("--name", help="name of the profile (default: the file's)")
    step.add_argument("-o", "--output", type=Path, metavar="FILE", help="write the profile to FILE (default: standard output)")
    step = _step(steps, "check", "check a profile and tell every problem with its line", "check export.yaml", _check)
    step.add_argument("file", type=Path, metavar="FILE", help="the profile")
    step = _step(steps, "schema", "print the JSON schema of profiles, for editors", "schema > profile.schema.json", _schema)
    step = _step(steps, "put", "keep a profile with its agency in the directory", "put cedar-county-ems export.yaml", _put)
    step.add_argument("agency", help="the agency's id")
    step.add_argument("file", type=Path, metavar="FILE", help="the profile")
    _directory_options(step)
    step = _step(steps, "ls", "list the profiles of an agency, or those that come with Spikewatch", "ls cedar-county-ems", _ls)
    step.add_argument("agency", nargs="?", help="the agency's id")
    _directory_options(step)
    step = _step(steps, "show", "print a profile", "show cedar-county-ems tablet-export", _show)
    step.add_argument("agency", help="the agency's id, or the name of a profile that comes with Spikewatch")
    step.add_argument("profile", nargs="?", help="name or name@version (default: the newest version)")
    _directory_options(step)
    step = _step(steps, "rm", "remove a version of a profile, or all of them", "rm cedar-county-ems tablet-export@2 --yes", _rm)
    step.add_argument("agency", help="the agency's id")
    step.add_argument("profile", help="name@version; a name alone where there is one version, or with --all-versions")
    step.add_argument("--all-versions", action="store_true", help="remove every version")
    step.add_argument("--yes", action="store_true", help="remove it; without this only what would happen is told")
    _directory_options(step)


def _step(steps: Any, name: str, summary: str, example: str, run: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = steps.add_parser(
        name, help=summary, description=summary, epilog=f"Example: spikewatch profile {example}"
    )
    parser.set_defaults(run=run)
    add_json_option(parser)
    return parser


def _directory_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--address", metavar="HOST:PORT", help=f"the directory (else ${_ADDRESS}, else the stack in --folder)")
    add_folder_option(parser)


def _propose(arguments: argparse.Namespace) -> int:
    header, rows = table_of(arguments.file, _ROWS)
    listed = vocabulary()
    columns = [Seen(name, [row.get(key, "") for row in rows]) for key, name in header.items()]
    name = arguments.name or _name_of(arguments.file)
    proposal = propose(name, columns, lambda text: bool(listed.named(text)))
    try:
        mark = compiled(proposal.text)[0].mark
        state = f"{mark} is a profile that can be used as it is; look at it with normalize --profile … --dry-run"
    except ProfileInvalid as error:
        state = "to be completed before use: " + "; ".join(str(problem) for problem in error.problems)
    guesses = [
        {"column": one.column, "becomes": _becomes(one.field), "sure": f"{one.sure:.0%}" if one.sure else "", "why": one.why}
        for one in proposal.guesses
    ]
    if arguments.output is not None:
        try:
            arguments.output.write_text(proposal.text, encoding="utf-8")
        except OSError as error:
            raise CannotRun(f"{arguments.output} cannot be written ({type(error).__name__}); check its folder") from None
    if arguments.as_json:
        columns_told = [{**row, "sure": round(one.sure, 2)} for row, one in zip(guesses, proposal.guesses, strict=True)]
        print_json({"profile": proposal.text, "columns": columns_told, "warnings": proposal.warnings, "rows": len(rows), "state": state})
        return DONE
    if arguments.output is None:
        print(proposal.text, end="")
        for row in guesses:
            say(f"{row['column']}: {row['becomes']} {row['sure']} ({row['why']})")
    else:
        print_table(guesses, ("column", "becomes", "sure", "why"))
    for warning in proposal.warnings:
        say(f"note: {warning}")
    say(state)
    return DONE


def _becomes(field: str) -> str:
    return {"personal": "left out", "home": "left out", "unused": "not used"}.get(field, field)


def _name_of(file: str) -> str:
    name = re.sub(r"[^a-z0-9]+", "-", Path(file.removesuffix(".gz")).stem.lower()).strip("-")[:32].strip("-")
    return name if re.fullmatch(r"[a-z][a-z0-9-]*[a-z0-9]", name) else "my-table"


def _check(arguments: argparse.Namespace) -> int:
    text = text_of_profile(arguments.file)
    try:
        profile, feed = compiled(text)
    except ProfileInvalid as error:
        problems = [
            {"line": one.line, "field": one.field, "problem": one.problem, "expected": one.expected, "example": one.example}
            for one in error.problems
        ]
        if arguments.as_json:
            print_json({"problems": problems})
        else:
            for problem in error.problems:
                print(f"{arguments.file}:{problem.line}: {str(problem).partition(': ')[2]}")
        say(f"{len(problems)} problem(s)")
        return REFUSED_ROWS
    if arguments.as_json:
        print_json({"profile": profile.mark, "base": profile.base, "media_types": list(feed.splits), "problems": []})
    else:
        say(f"{profile.mark} can be used")
    return DONE


def _schema(_: argparse.Namespace) -> int:
    json.dump({"$schema": "https://json-schema.org/draft/2020-12/schema", **Profile.model_json_schema()}, sys.stdout, indent=2)
    print()
    return DONE


def _ask(arguments: argparse.Namespace, work: Any) -> Any:
    address = arguments.address or os.environ.get(_ADDRESS) or stack_file.read(arguments.folder).directory_address
    if not address:
        raise CannotRun(f"no directory is named: give --address HOST:PORT, set {_ADDRESS}, or start a stack with `spikewatch up`")
    return in_directory(address, os.environ.get(_TOKEN), work)


def _put(arguments: argparse.Namespace) -> int:
    text = text_of_profile(arguments.file)
    try:
        profile, _ = compiled(text)
    except ProfileInvalid as error:
        told = "".join(f"\n  {problem}" for problem in error.problems)
        raise CannotRun(f"{arguments.file} is no profile that can be used:{told}") from None
    fields = {
        "name": f"agencies/{arguments.agency}/profiles/{profile_id(profile.name, profile.version)}",
        "display_name": profile.summary[:128] or profile.name,
        "profile": profile.name,
        "profile_version": profile.version,
        "content": text,
    }
    record = _ask(arguments, lambda client: client.upsert(Kind.PROFILE, fields))
    if arguments.as_json:
        print_json({"name": record.name, "profile": profile.mark})
    else:
        say(f"{profile.mark} is kept with {arguments.agency}; send with --profile {profile.name}")
    return DONE


async def _records(client: DirectoryClient, agency: str) -> list[ProfileRecord]:
    found = client.records(Kind.PROFILE, parents=(f"agencies/{agency}",))
    records = [record async for record in found if isinstance(record, ProfileRecord)]
    return sorted(records, key=lambda record: (record.profile, record.profile_version))


def _ls(arguments: argparse.Namespace) -> int:
    if arguments.agency is None:
        rows: list[dict[str, Any]] = [
            {"profile": compiled(shipped_text(name))[0].mark, "summary": compiled(shipped_text(name))[0].summary} for name in SHIPPED
        ]
    else:
        records = _ask(arguments, lambda client: _records(client, arguments.agency))
        rows = [
            {
                "profile": f"{one.profile}@{one.profile_version}",
                "summary": one.display_name,
                "since": one.update_time.isoformat(timespec="seconds"),
            }
            for one in records
        ]
    if arguments.as_json:
        print_json(rows)
    else:
        print_table(rows, ("profile", "summary") if arguments.agency is None else ("profile", "summary", "since"))
    return DONE


def _show(arguments: argparse.Namespace) -> int:
    if arguments.profile is None:
        if arguments.agency not in SHIPPED:
            raise CannotRun(f"no profile is named; give an agency and a profile, or one of {', '.join(SHIPPED)}")
        text = shipped_text(arguments.agency)
    else:
        name, _, version = arguments.profile.partition("@")
        records = [one for one in _ask(arguments, lambda client: _records(client, arguments.agency)) if one.profile == name]
        records = [one for one in records if not version or str(one.profile_version) == version]
        if not records:
            raise CannotRun(f"{arguments.agency} has no such profile; see `spikewatch profile ls {arguments.agency}`")
        text = records[-1].content
    if arguments.as_json:
        print_json({"content": text})
    else:
        print(text, end="" if text.endswith("\n") else "\n")
    return DONE


def _rm(arguments: argparse.Namespace) -> int:
    name, _, version = arguments.profile.partition("@")
    records = [one for one in _ask(arguments, lambda client: _records(client, arguments.agency)) if one.profile == name]
    chosen = [one for one in records if not version or str(one.profile_version) == version]
    if not chosen or (version and arguments.all_versions):
        told = f"{arguments.profile} and --all-versions are both given; leave one out" if chosen else "there is no such profile"
        raise CannotRun(f"{told}; see `spikewatch profile ls {arguments.agency}`")
    if len(chosen) > 1 and not arguments.all_versions:
        marks = ", ".join(f"{name}@{one.profile_version}" for one in chosen)
        raise CannotRun(f"{name} has several versions: {marks}; name one of them, or give --all-versions")
    removed = [f"{name}@{one.profile_version}" for one in chosen]
    left = [one for one in records if one not in chosen]
    consequences = _consequences(name, removed, left[-1].profile_version if left else None, is_newest=chosen[-1] is records[-1])
    if arguments.yes:
        for one in chosen:
            _ask(arguments, lambda client, one=one: client.delete(Kind.PROFILE, one.name, etag=one.etag))
    if arguments.as_json:
        print_json({"removed" if arguments.yes else "would_remove": removed, "consequences": consequences})
        return DONE
    say(f"{', '.join(removed)} of {arguments.agency} {'is removed' if arguments.yes else 'would be removed; add --yes to do it'}")
    for consequence in consequences:
        say(f"note: {consequence}")
    return DONE


def _consequences(name: str, removed: Sequence[str], newest_left: int | None, *, is_newest: bool) -> list[str]:
    """Return what becomes of the feeds that still name it, one sentence each."""
    named = " or ".join(removed)
    if newest_left is None:
        told = [f"submissions that name {name} are refused: 400 at the gateway, a dead letter from Kafka, both naming the profile"]
    else:
        told = [f"submissions that name {named} are refused: 400 at the gateway, a dead letter from Kafka, both naming the profile"]
        other = f"are read by {name}@{newest_left} from now on" if is_newest else f"are read by {name}@{newest_left} as before"
        told.append(f"submissions that name {name} without a version {other}")
    told.append(f"dead letters that name {named} can be replayed only after it is put back as it was")
    told.append("reports keep the name and version that made them; other content is refused under a version that was removed, count it up")
    return told
