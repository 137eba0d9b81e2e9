"""``spikewatch doctor``: looks for what keeps the stack from running, and says what to do."""

import argparse
from dataclasses import asdict
from typing import Final

from spikewatch.cli.exit_status import DONE
from spikewatch.cli.stack.folder_option import add_folder_option
from spikewatch.cli.tables import add_json_option, print_json, print_table

__all__ = ["add"]

_PROBLEM_FOUND: Final = 1


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "doctor",
        help="check this machine, the servers and the topics, and say what to do",
        description="Check Python, platform, disk, Java, Kafka's jars, mongod, ports, reachable servers, topics and clocks.",
        epilog="Example: spikewatch doctor --json",
    )
    add_folder_option(parser)
    add_json_option(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from spikewatch.cli.stack.checks import Verdict, run_checks  # noqa: PLC0415  # pulls in the drivers, which --help should not wait for

    checks = list(run_checks(arguments.folder))
    rows = [asdict(check) for check in checks]
    if arguments.as_json:
        print_json(rows)
    else:
        print_table(rows, ("check", "verdict", "found", "advice"))
    return _PROBLEM_FOUND if any(check.verdict is Verdict.PROBLEM for check in checks) else DONE
