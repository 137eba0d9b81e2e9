"""``spikewatch agency-keys``: issue, list and revoke the API keys of agencies, and show an agency's sealing key."""

import argparse
import asyncio
import base64
import os
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from spikewatch.cli.exit_status import CannotRun
from spikewatch.cli.progress import say
from spikewatch.cli.tables import add_json_option, print_json, print_table
from spikewatch.ingest.domain.api_key import ApiKey, new_key
from spikewatch.ingest.domain.seal import Kind, Seals, master_secret
from spikewatch.ingest.ports import ApiKeys

__all__ = ["add"]

_URI: Final = "SPIKEWATCH_MONGODB_URI"
_SEAL_KEY: Final = "SPIKEWATCH_INGEST_SEAL_KEY"
_DATABASE: Final = "spikewatch_ingest"
_AGENCY: Final = re.compile(r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$")


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "agency-keys",
        help="issue, list and revoke the API keys of agencies",
        description="API keys of agencies. Only a hash is stored: a key is shown once, when it is issued.",
        epilog="Example: spikewatch agency-keys issue cedar-county-ems",
    )
    steps = parser.add_subparsers(title="steps", metavar="STEP", required=True)
    for name, summary, run, example in (
        ("issue", "issue a key and print it once", _issue, "issue cedar-county-ems"),
        ("ls", "list keys, of one agency or all", _ls, "ls --json"),
        ("revoke", "revoke a key; the gateway refuses it within its look-up time (30 s)", _revoke, "revoke 3f9a1c2b4d5e"),
    ):
        step = steps.add_parser(name, help=summary, description=summary, epilog=f"Example: spikewatch agency-keys {example}")
        step.set_defaults(run=run)
        step.add_argument("--mongodb", metavar="URI", default=os.environ.get(_URI), help=f"MongoDB of ingest (default: ${_URI})")
        step.add_argument("--database", default=_DATABASE, help=f"its database (default: {_DATABASE})")
        add_json_option(step)
        if name == "issue":
            step.add_argument("agency", type=_agency, help="the agency's id in the directory")
        elif name == "ls":
            step.add_argument("agency", type=_agency, nargs="?", help="only this agency's keys")
        else:
            step.add_argument("key_id", help="the key's id, as ls shows it")
    summary = "print the key with which an agency seals what it writes to Kafka itself"
    step = steps.add_parser(
        "seal-key", help=summary, description=summary, epilog="Example: spikewatch agency-keys seal-key cedar-county-ems"
    )
    step.set_defaults(run=_seal_key)
    step.add_argument("agency", type=_agency, help="the agency's id in the directory")
    add_json_option(step)


def _agency(text: str) -> str:
    if not _AGENCY.match(text):
        raise argparse.ArgumentTypeError("is no agency id; write lower-case letters, digits and hyphens, for example cedar-county-ems")
    return text


async def _with_keys(arguments: argparse.Namespace, work: Callable[[ApiKeys], Awaitable[None]]) -> None:
    # Imported here: only these steps need a database driver, and --help stays fast.
    from spikewatch.chassis.mongo import Mongo  # noqa: PLC0415
    from spikewatch.chassis.outcome import Transient  # noqa: PLC0415
    from spikewatch.ingest.adapters.mongo_api_keys import MongoApiKeys  # noqa: PLC0415

    if not arguments.mongodb:
        raise CannotRun(f"no MongoDB is named: give --mongodb URI or set {_URI} (`spikewatch status` shows the local stack's)")
    mongo = Mongo(arguments.mongodb, arguments.database)
    try:
        keys = MongoApiKeys(mongo)
        await keys.prepare()
        await work(keys)
    except Transient as error:
        raise CannotRun(f"MongoDB does not answer ({error}); is it running, and is {_URI} right?") from None
    finally:
        mongo.close()


def _issue(arguments: argparse.Namespace) -> int:
    text, key = new_key(arguments.agency, now=datetime.now(UTC), entropy=os.urandom)
    asyncio.run(_with_keys(arguments, lambda keys: keys.add(key)))
    if arguments.as_json:
        print_json({"agency_id": key.agency_id, "key_id": key.key_id, "key": text})
    else:
        print(text)
        say(f"key {key.key_id} of {key.agency_id}: keep it now, it is not shown again")
    return 0


def _ls(arguments: argparse.Namespace) -> int:
    found: list[ApiKey] = []

    async def work(keys: ApiKeys) -> None:
        found.extend(await keys.of(arguments.agency))

    asyncio.run(_with_keys(arguments, work))
    rows = [
        {"key_id": key.key_id, "agency_id": key.agency_id, "created_at": _moment(key.created_at), "revoked_at": _moment(key.revoked_at)}
        for key in found
    ]
    if arguments.as_json:
        print_json(rows)
    elif rows:
        print_table(rows)
    else:
        say("no keys")
    return 0


def _revoke(arguments: argparse.Namespace) -> int:
    async def work(keys: ApiKeys) -> None:
        key = next((key for key in await keys.of(None) if key.key_id == arguments.key_id), None)
        if key is None:
            raise CannotRun(f"there is no key {arguments.key_id}; `spikewatch agency-keys ls` lists them")
        await keys.revoke(replace(key, revoked_at=datetime.now(UTC)))

    asyncio.run(_with_keys(arguments, work))
    if arguments.as_json:
        print_json({"key_id": arguments.key_id, "revoked": True})
    else:
        say(f"key {arguments.key_id} is revoked")
    return 0


def _seal_key(arguments: argparse.Namespace) -> int:
    text = os.environ.get(_SEAL_KEY)
    if not text:
        raise CannotRun(f"set {_SEAL_KEY} to the master secret that ingest runs with")
    try:
        seals = Seals(master_secret(text), os.urandom)
    except ValueError as error:
        raise CannotRun(f"{_SEAL_KEY} {error}") from None
    key = base64.b64encode(seals.key(Kind.AGENCY, arguments.agency)).decode()
    if arguments.as_json:
        print_json({"agency_id": arguments.agency, "seal": Kind.AGENCY.value, "key": key})
    else:
        print(key)
        say(f"sealing key of {arguments.agency} (header spikewatch-seal: {Kind.AGENCY.value}); whoever has it can write in its name")
    return 0


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="seconds")
