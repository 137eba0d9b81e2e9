"""``spikewatch status``: what runs, where it answers, and whether it is ready."""

import argparse
from dataclasses import asdict
from typing import Final

from spikewatch.cli.exit_status import DONE
from spikewatch.cli.stack import stack_file
from spikewatch.cli.stack.condition import State, condition
from spikewatch.cli.stack.folder_option import add_folder_option
from spikewatch.cli.tables import add_json_option, print_json, print_table

__all__ = ["add"]

_NOT_ALL_READY: Final = 1


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "status",
        help="show what runs and whether it is ready",
        description="Show every part of a running stack. Exit status 0 when all are ready, 1 when one is not, 2 when none runs.",
        epilog="Example: spikewatch status --json",
    )
    add_folder_option(parser)
    add_json_option(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    stack = stack_file.read(arguments.folder)
    parts = condition(stack)
    rows = [asdict(part) for part in parts]
    addresses = {
        "ingest_url": stack.ingest_url,
        "directory_address": stack.directory_address,
        "alerts_address": stack.alerts_address,
        "kafka_bootstrap": stack.kafka_bootstrap,
    }
    if arguments.as_json:
        print_json({"started_at": stack.started_at.isoformat(), **addresses, "parts": rows})
    else:
        print_table(rows, ("part", "state", "address", "pid", "memory_mb"), title=f"up since {stack.started_at:%Y-%m-%d %H:%M:%S} UTC")
    return DONE if all(part.state is State.READY for part in parts) else _NOT_ALL_READY
