"""Which alerts service is meant, for the verbs that ask one; the client itself is imported only when it is asked."""

import argparse
import os
from typing import TYPE_CHECKING, Final

from spikewatch.cli.exit_status import CannotRun
from spikewatch.cli.stack import stack_file
from spikewatch.cli.stack.folder_option import add_folder_option

if TYPE_CHECKING:
    from spikewatch.cli.alerts_client import AlertsClient

__all__ = ["RUNNING", "add_alerts_options", "add_directory_options", "alerts_client"]

RUNNING: Final = "running"
"""Stands where a file of rules is asked for: the rules of the running service."""

_ADDRESS: Final = "SPIKEWATCH_ALERTS_ADDRESS"
_TOKEN: Final = "SPIKEWATCH_ALERTS_TOKEN"  # noqa: S105  # the name of a variable


def add_alerts_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--address`` and ``--folder``."""
    parser.add_argument(
        "--address",
        metavar="HOST:PORT",
        help=f"the alerts service (else ${_ADDRESS}, else the stack in --folder); of stored rules the directory",
    )
    add_folder_option(parser)


def add_directory_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--address`` and ``--folder``."""
    parser.add_argument(
        "--address", metavar="HOST:PORT", help="the directory (else $SPIKEWATCH_DIRECTORY_ADDRESS, else the stack in --folder)"
    )
    add_folder_option(parser)


def alerts_client(arguments: argparse.Namespace) -> "AlertsClient":
    """Return a client of the service that the options, the environment or a running stack name.

    Raises:
        CannotRun: none of them names one.
    """
    from spikewatch.cli.alerts_client import AlertsClient  # noqa: PLC0415  # half a second that verbs on files should not wait for

    address = arguments.address or os.environ.get(_ADDRESS) or stack_file.read(arguments.folder).alerts_address
    if not address:
        raise CannotRun(f"no alerts service is named: give --address HOST:PORT, set {_ADDRESS}, or start a stack with `spikewatch up`")
    return AlertsClient(address, os.environ.get(_TOKEN))
