"""``spikewatch up``: the local stack in the foreground with a live status, or detached."""

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Event
from types import FrameType
from typing import Final

from rich.console import Console
from rich.live import Live
from rich.table import Table

from spikewatch.cli.exit_status import DONE, CannotRun
from spikewatch.cli.progress import say
from spikewatch.cli.stack import stack_file
from spikewatch.cli.stack.condition import State, condition
from spikewatch.cli.stack.folder_option import add_folder_option
from spikewatch.cli.stack.stack import SERVICES, Stack, StackOptions

__all__ = ["add"]

_REFRESH_S: Final = 2.0
_LINE_EVERY: Final = 30  # refreshes between two plain lines when there is no terminal
_RESTARTS_ALLOWED: Final = 10  # a part that keeps dying is a defect to look at, not to hide
_DETACHED_START_S: Final = 300.0  # the first start downloads Java archives over whatever line there is
_LEAST_CACHE_GB, _MOST_CACHE_GB = 0.25, 10_000.0  # what mongod takes
_STYLES: Final = {State.READY: "green", State.NOT_READY: "yellow", State.GONE: "red"}


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "up",
        help="start the local stack: mongod, Apache Kafka and every service",
        description="Start a real mongod, a real Apache Kafka and every service on loopback; Ctrl-C stops all of it.",
        epilog="Example: spikewatch up --detach --folder .spikewatch --instances enrichment=2",
    )
    add_folder_option(parser)
    parser.add_argument("--detach", action="store_true", help="return once everything is ready; stop with `spikewatch down`")
    for name in ("kafka", "mongodb", "ingest", "directory", "alerts", "traces"):
        parser.add_argument(f"--{name}-port", type=_port, default=0, metavar="PORT", help=f"port of {name} (default: a free one)")
    cache = "memory for mongod's cache, for example 1.5 (default: an eighth of the machine's, from 0.5 to 3)"
    parser.add_argument("--mongodb-cache", type=_gigabytes, metavar="GB", help=cache)
    instances = "processes of a service, for example enrichment=2; may be repeated"
    parser.add_argument("--instances", type=_instances, action="append", default=[], metavar="SERVICE=N", help=instances)
    parser.set_defaults(run=_run)


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 <= int(text) <= 65_535:
        raise argparse.ArgumentTypeError("expected a port from 1 to 65535, or 0 for a free one")
    return int(text)


def _gigabytes(text: str) -> float:
    try:
        size = float(text)
    except ValueError:
        size = 0.0
    if not _LEAST_CACHE_GB <= size <= _MOST_CACHE_GB:
        raise argparse.ArgumentTypeError(f"expected gigabytes from {_LEAST_CACHE_GB} to {_MOST_CACHE_GB:,.0f}, for example 1.5")
    return size


def _instances(text: str) -> tuple[str, int]:
    name, _, count = text.partition("=")
    if name not in SERVICES or not count.isdecimal() or not 1 <= int(count) <= 16:
        raise argparse.ArgumentTypeError(f"expected SERVICE=N with a service of {', '.join(SERVICES)} and N from 1 to 16")
    return name, int(count)


def _run(arguments: argparse.Namespace) -> int:
    if os.name != "posix":
        raise CannotRun("the local stack runs on Linux and macOS; on this system use `docker compose up`")
    return _detach(arguments) if arguments.detach else _foreground(arguments)


def _foreground(arguments: argparse.Namespace) -> int:
    stopping = Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        if stopping.is_set():
            return  # one Ctrl-C is enough; a second must not cut the draining short
        stopping.set()
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    options = StackOptions(
        kafka_port=arguments.kafka_port,
        mongodb_port=arguments.mongodb_port,
        ingest_port=arguments.ingest_port,
        directory_port=arguments.directory_port,
        alerts_port=arguments.alerts_port,
        traces_port=arguments.traces_port,
        mongodb_cache_gb=arguments.mongodb_cache,
        instances=dict(arguments.instances),
    )
    stack = Stack(arguments.folder, options, tell=say)
    began = time.monotonic()
    try:
        stack.start()
    except KeyboardInterrupt:
        say("stopped while starting")
        # Threads may still be downloading or waiting: the guard ends whatever they would yet start.
        os._exit(128 + signal.SIGINT)
    try:
        _say_where(stack, time.monotonic() - began)
        _watch(stack, arguments.folder)
    except KeyboardInterrupt:
        say("stopping: the services finish what they have in hand")
    finally:
        stopping.set()
        stack.stop()
    say("everything is stopped; records, documents and traces are kept in the folder")
    return DONE


def _say_where(stack: Stack, seconds: float) -> None:
    running = stack_file.read(stack.folder)
    say(f"everything is ready after {seconds:.1f} s")
    say(f"  agencies send to   {running.ingest_url}/v1/submissions")
    say(f"  directory (gRPC)   {running.directory_address}")
    say(f"  rules (gRPC)       {running.alerts_address}")
    say(f"  Kafka              {running.kafka_bootstrap}")
    say(f"  logs               {stack.folder / 'services'}")


def _watch(stack: Stack, folder: Path) -> None:
    """Show the status until interrupted; a part that ends by itself is started again, and that is said."""
    console = Console(stderr=True)
    restarts = 0
    rounds = 0
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while True:
            revived = stack.revive()
            restarts += len(revived)
            if revived:
                console.print(f"ended by itself and started again: {', '.join(revived)}; see its log", markup=False)
            if restarts > _RESTARTS_ALLOWED:
                raise CannotRun(f"parts of the stack keep ending (last: {', '.join(revived)}); look into the logs below {stack.folder}")
            parts = condition(stack_file.read(folder))
            if console.is_terminal:
                table = Table("part", "state", "address", "pid", "MiB", title="Ctrl-C stops everything", title_justify="left")
                for part in parts:
                    state = f"[{_STYLES[part.state]}]{part.state}[/]"
                    table.add_row(part.part, state, part.address, str(part.pid or ""), str(part.memory_mb or ""))
                live.update(table, refresh=True)
            elif rounds % _LINE_EVERY == 0:
                ready = sum(part.state is State.READY for part in parts)
                say(f"status: {ready} of {len(parts)} parts ready, {restarts} restarts")
            rounds += 1
            time.sleep(_REFRESH_S)


def _detach(arguments: argparse.Namespace) -> int:
    """Run this verb again in a session of its own and follow its log until it is ready."""
    folder: Path = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    log_path = folder / "up.log"
    command = [sys.executable, "-m", "spikewatch.cli", "up", "--folder", str(folder.absolute())]
    for name in ("kafka", "mongodb", "ingest", "directory", "alerts", "traces"):
        command += [f"--{name}-port", str(getattr(arguments, f"{name}_port"))]
    if arguments.mongodb_cache is not None:
        command += ["--mongodb-cache", str(arguments.mongodb_cache)]
    for name, count in arguments.instances:
        command += ["--instances", f"{name}={count}"]
    with log_path.open("wb") as log:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)  # noqa: S603  # this very command
    deadline = time.monotonic() + _DETACHED_START_S
    with log_path.open(encoding="utf-8", errors="replace") as follow:
        try:
            while not _is_up(folder, child.pid):
                sys.stderr.write(follow.read())
                if child.poll() is not None:
                    sys.stderr.write(follow.read())
                    return child.returncode
                if time.monotonic() > deadline:
                    child.terminate()
                    raise CannotRun(f"the stack was not ready within {_DETACHED_START_S:.0f} s; see {log_path}")
                time.sleep(0.1)
        except KeyboardInterrupt:
            child.terminate()
            raise
        sys.stderr.write(follow.read())
    say(f"the stack runs on its own; stop it with: spikewatch down --folder {folder}")
    child.returncode = 0  # it outlives this command by design: nobody waits for it
    return DONE


def _is_up(folder: Path, supervisor: int) -> bool:
    try:
        return stack_file.read(folder).supervisor.pid == supervisor
    except CannotRun:
        return False
