"""``spikewatch demo``: the whole pipeline on a local stack, from replayed records to an alert that explains itself.

What ``make demo`` runs. It ends with status 0 only if the figures of all stages add up and the spike was found.
"""

import argparse
import asyncio
import os
import shutil
import signal
import time
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from spikewatch.chassis.clock import system_clock
from spikewatch.cli.exit_status import DONE, REFUSED_ROWS, CannotRun
from spikewatch.cli.progress import say

__all__ = ["add"]

_FOLDER: Final = Path(".spikewatch/demo")
# Servers that others use too hold others' records: the demo's figures add up only on servers of its own.
_GIVEN_SERVERS: Final = ("SPIKEWATCH_KAFKA_BOOTSTRAP", "SPIKEWATCH_MONGODB_URI")
_MARK: Final = "this-is-a-demo"  # only a folder that holds this file is ever emptied
_LIVE_SPEED: Final = 1_800.0  # six hours in twelve seconds
_NOT_FOUND: Final = REFUSED_ROWS


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the parser of the verb."""
    parser = verbs.add_parser(
        "demo",
        help="replay a feed through a whole local stack and show the spike it holds",
        description="Start a stack, replay a fictional county with a known spike (or a real 911/CAD file), check that the figures of all "
        "stages add up, show incidents, alerts, contacts and one trace, and stop. Exit status 1 when something is missing.",
        epilog="Example: spikewatch demo --feed calls.csv.gz",
    )
    parser.add_argument("--feed", type=Path, metavar="FILE", help="911/CAD file of the layout lat,lng,desc,zip,title,timeStamp,twp,addr,e")
    parser.add_argument("--agency", default="county-911", metavar="A", help="with --feed: id of the agency (default county-911)")
    parser.add_argument("--county", default="42091", metavar="FIPS", help="with --feed: its county (default 42091)")
    parser.add_argument("--time-zone", default="America/New_York", metavar="ZONE", help="with --feed: its zone (default America/New_York)")
    parser.add_argument(
        "--speed",
        type=_speed,
        metavar="X",
        help="feed seconds a second (default: 1800 for the county's last hours; all at once for --feed)",
    )
    parser.add_argument("--seed", type=int, default=7, help="of the fictional county (default 7)")
    parser.add_argument("--keep", action="store_true", help="leave it running until Ctrl-C, and say what to try")
    parser.add_argument("--folder", type=Path, default=_FOLDER, metavar="DIR", help=f"folder to work in; emptied first (default {_FOLDER})")
    parser.set_defaults(run=run)


def _speed(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError("expected a number above 0, for example 1800")
    return value


def run(arguments: argparse.Namespace) -> int:
    """Run the demo; return the exit status."""
    # Imported here: --help needs none of it, and Kafka's client alone takes half a second.
    from spikewatch.cli.demonstration.course import Course  # noqa: PLC0415
    from spikewatch.cli.demonstration.scenario import cad_scenario, county_scenario, write_geography  # noqa: PLC0415
    from spikewatch.cli.stack.stack import Stack, StackOptions  # noqa: PLC0415

    began = time.monotonic()
    # A plain kill ends it like Ctrl-C does: the stack is stopped in order.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if arguments.feed is None:
        scenario = county_scenario(arguments.seed, system_clock().replace(microsecond=0))
        speed = arguments.speed or _LIVE_SPEED
    else:
        zone = _zone(arguments.time_zone)
        is_paced = arguments.speed is not None
        scenario = cad_scenario(arguments.feed, agency=arguments.agency, county_fips=arguments.county, time_zone=zone, is_paced=is_paced)
        speed = arguments.speed
    folder = arguments.folder.absolute()
    _empty(folder)
    for name in _GIVEN_SERVERS:
        if os.environ.pop(name, None):
            say(f"{name} is not used: the demo starts servers of its own.")
    say(scenario.title)
    env = {**scenario.env, **write_geography(scenario, folder / "geography")}
    with Stack(folder, StackOptions(env=env), tell=say):
        say(f"the stack is ready after {time.monotonic() - began:.1f} s")
        course = Course(scenario, folder, speed=speed)
        is_good = asyncio.run(course.run())
        course.console.print(f"{time.monotonic() - began:.1f} s in all.\n", highlight=False)
        course.show_next_steps(str(arguments.folder), is_kept=arguments.keep)
        if arguments.keep:
            _wait_for_interrupt()
    if is_good and not arguments.keep:
        shutil.rmtree(folder)
    elif not is_good:
        say(f"something is missing, see above; logs and traces are in {arguments.folder}.")
    return DONE if is_good else _NOT_FOUND


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise CannotRun("--time-zone is no IANA zone; write one like America/New_York") from None


def _empty(folder: Path) -> None:
    """Make the folder empty, but never delete what another program put there."""
    if folder.exists() and any(folder.iterdir()) and not (folder / _MARK).exists():
        raise CannotRun(f"{folder.name} holds files that are not the demo's; choose another --folder")
    if (folder / "stack.json").exists():
        from spikewatch.cli.stack import stack_file  # noqa: PLC0415

        if stack_file.read(folder).supervisor.is_running:
            raise CannotRun(f"a demo runs in {folder.name} already; stop it with Ctrl-C or `spikewatch down --folder {folder.name}`")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / _MARK).touch()


def _wait_for_interrupt() -> None:
    say("it keeps running; Ctrl-C stops everything.")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        say("stopping: the services finish what they have in hand")
