"""``spikewatch down``: stop the stack of a folder, whatever state it is in."""

import argparse
import signal
import time
from typing import Final

from spikewatch.cli.exit_status import DONE, CannotRun
from spikewatch.cli.progress import say
from spikewatch.cli.stack import stack_file
from spikewatch.cli.stack.folder_option import add_folder_option
from spikewatch.cli.stack.stack_file import RunningProcess, StackFile

__all__ = ["add"]

_DRAIN_S: Final = 60.0  # services 30 s, then servers 20 s
_LAST_S: Final = 10.0


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "down",
        help="stop the local stack",
        description="Stop everything that `spikewatch up` started in a folder; records and documents stay.",
        epilog="Example: spikewatch down --folder .spikewatch",
    )
    add_folder_option(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    stack = stack_file.read(arguments.folder)
    if stack.supervisor.signal(signal.SIGTERM):
        say("stopping: the services finish what they have in hand")
        _wait_gone([stack.supervisor], _DRAIN_S)
    # The supervisor ends its parts; these are what a supervisor and a guard both killed from outside may leave.
    left = [process for process in _parts(stack) if process.is_running]
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in left:
            process.signal(number)
        left = _wait_gone(left, _LAST_S)
    if left or stack.supervisor.is_running:
        pids = ", ".join(str(process.pid) for process in [*left, stack.supervisor] if process.is_running)
        raise CannotRun(f"some processes do not end; look at them and end them yourself: {pids}")
    stack_file.remove(arguments.folder)
    say("everything is stopped")
    return DONE


def _parts(stack: StackFile) -> list[RunningProcess]:
    candidates = [*(service.process for service in stack.services), stack.kafka, stack.mongod]
    return [process for process in candidates if process is not None]


def _wait_gone(processes: list[RunningProcess], seconds: float) -> list[RunningProcess]:
    deadline = time.monotonic() + seconds
    left = processes
    while (left := [process for process in left if process.is_running]) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left
