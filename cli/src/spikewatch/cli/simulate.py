"""``spikewatch simulate``: write the feeds of a fictional county with a known spike in them, or a load stream."""

import argparse
import json
import math
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, TextIO

from spikewatch.chassis.clock import system_clock
from spikewatch.cli.backtesting.drawn_history import drawn_days, write_history
from spikewatch.cli.county.agencies import AGENCIES
from spikewatch.cli.county.directory import directory_records
from spikewatch.cli.county.forms import CAD_COLUMNS
from spikewatch.cli.county.geography import feature_collection
from spikewatch.cli.county.load import LoadProfile, load_directory, load_lines
from spikewatch.cli.county.overdoses import Spike, Story, overdoses
from spikewatch.cli.county.records import sent_records
from spikewatch.cli.county.truth import truth
from spikewatch.cli.exit_status import DONE, CannotRun
from spikewatch.cli.progress import Progress, say

__all__ = ["add", "write_county", "write_load"]

_DEFAULTS: Final[Mapping[str, float | None]] = {
    "seed": 7,
    "until": None,
    "days": 60.0,
    "rate": 3.0,
    "spike": 14,
    "spike_hours": 5.0,
    "duplicates": 0.04,
    "corrections": 0.05,
    "late": 0.02,
    "malformed": 0.02,
    "other_calls": 40.0,
    "areas": 1,
    "reports": 100_000,
}
_TAKES: Final[Mapping[str, tuple[str, ...]]] = {
    "county": tuple(name for name in _DEFAULTS if name not in {"areas", "reports"}),
    "load": ("seed", "until", "days", "reports"),
    "history": ("seed", "days", "areas"),
}
_LEAST_HISTORY: Final = 30
_SCENARIOS: Final = 28
_TEST_DAYS: Final = 120
_MOST_COUNTS: Final = 50_000_000  # of a history; 84 bytes each while they are drawn


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("expected a time with its zone, for example 2026-05-01T12:00:00Z") from None
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError("expected a zone with the time, for example 2026-05-01T12:00:00Z")
    return moment


def _between(low: float, high: float) -> Callable[[str], float]:
    def number(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"expected a number from {low:g} to {high:g}")
        return value

    return number


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError("expected a whole number, for example 7")
    return int(text)


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the parser of the verb."""
    parser = verbs.add_parser(
        "simulate",
        help="write the feeds of a fictional county with a known spike, a load stream, or a history with labelled spikes",
        description="Write what the agencies of a county that does not exist would send: one feed for each agency, the directory "
        "records, the map, and apart from them the truth. The same seed and end give the same bytes.",
        epilog="Example: spikewatch simulate --seed 7 --days 60 -o county",
    )
    share = _between(0, 1)
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="folder to write to; made when absent")
    parser.add_argument("--seed", type=_count, help="decides everything (default 7)")
    parser.add_argument("--until", type=_moment, metavar="TIME", help="end of the span, with its zone (default: now); not of a history")
    parser.add_argument("--days", type=_between(0.25, 3660), help="length of the span (default 60); of a history whole days from 30")
    parser.add_argument("--rate", type=_between(0, 10_000), help="usual overdoses a day in the county (default 3)")
    parser.add_argument("--spike", type=_count, metavar="N", help="overdoses of the county's spike; 0 for none (default 14)")
    parser.add_argument("--spike-hours", type=_between(0.1, 240), help="length of the county's spike (default 5)")
    parser.add_argument("--duplicates", type=share, help="share of the county's records sent twice (default 0.04)")
    parser.add_argument("--corrections", type=share, help="share of the county's records corrected later (default 0.05)")
    parser.add_argument("--late", type=share, help="share of the county's records sent days late (default 0.02)")
    parser.add_argument("--malformed", type=share, help="broken records for each good one of the county (default 0.02)")
    parser.add_argument("--other-calls", type=_between(0, 100_000), help="911 calls a day about something else in the county (default 40)")
    parser.add_argument(
        "--profile",
        choices=tuple(_TAKES),
        default="county",
        help="load: plain valid records, fast, no truth; history: daily counts of many areas with labelled spikes, for spikewatch backtest",
    )
    parser.add_argument("--areas", type=_from_one, metavar="N", help="areas of each of the history's 28 kinds (default 1)")
    parser.add_argument("--reports", type=_count, metavar="N", help="records of the load profile (default 100000)")
    parser.set_defaults(run=run)


def _from_one(text: str) -> int:
    if _count(text) == 0:
        raise argparse.ArgumentTypeError("expected a whole number from 1, for example 2")
    return int(text)


def _fill(arguments: argparse.Namespace) -> None:
    """Refuse options that the profile would ignore, and set those that are not given to their defaults.

    Raises:
        CannotRun: an option says nothing in this profile, or a history is asked for that cannot be drawn.
    """
    profile: str = arguments.profile
    ignored = [f"--{name.replace('_', '-')}" for name in _DEFAULTS if getattr(arguments, name) is not None and name not in _TAKES[profile]]
    if ignored:
        takes = ", ".join(f"--{name.replace('_', '-')}" for name in _TAKES[profile])
        raise CannotRun(f"--profile {profile} does not take {', '.join(ignored)}; leave it out (it takes {takes})")
    for name, default in _DEFAULTS.items():
        if getattr(arguments, name) is None:
            setattr(arguments, name, default)
    if profile == "history" and (arguments.days < _LEAST_HISTORY or not arguments.days.is_integer()):
        raise CannotRun(
            f"--days of a history is a whole number from {_LEAST_HISTORY}, for example --days 365 ({_TEST_DAYS} days with spikes follow)"
        )
    if profile == "history" and arguments.areas * _SCENARIOS * (arguments.days + _TEST_DAYS) > _MOST_COUNTS:
        most = int(_MOST_COUNTS / _SCENARIOS / (arguments.days + _TEST_DAYS))
        raise CannotRun(f"--areas {arguments.areas:,} with so many days is more than is drawn at once; give at most --areas {most:,}")


def run(arguments: argparse.Namespace) -> int:
    """Write the files; return the exit status."""
    _fill(arguments)
    until: datetime = arguments.until or system_clock().replace(microsecond=0)
    length = timedelta(days=arguments.days)
    try:
        arguments.output.mkdir(parents=True, exist_ok=True)  # what is drawn may take minutes, to be thrown away
        if arguments.profile == "load":
            profile = LoadProfile(arguments.seed, arguments.reports, until, length)
            with Progress("simulate", profile.reports) as progress:
                write_load(profile, arguments.output, progress.advance)
        elif arguments.profile == "history":
            rows, spikes = write_history(drawn_days(arguments.seed, arguments.areas, int(arguments.days)), arguments.output)
            say(f"{rows:,} daily counts with {spikes:,} labelled spikes written to {arguments.output}: counts.csv, spikes.csv.")
        else:
            spike = Spike(arguments.spike, timedelta(hours=arguments.spike_hours)) if arguments.spike else None
            if spike is not None and spike.length + spike.ends_before > length:
                raise CannotRun("the spike is longer than the span; raise --days or lower --spike-hours.")
            story = Story(
                seed=arguments.seed,
                until=until,
                length=length,
                rate=arguments.rate,
                spike=spike,
                resend=arguments.duplicates,
                correct=arguments.corrections,
                late=arguments.late,
                malformed=arguments.malformed,
                other_calls=arguments.other_calls,
            )
            written = write_county(story, arguments.output)
            say(f"{written:,} records of {len(AGENCIES)} agencies written to {arguments.output}; the truth is in truth.json.")
    except OSError as error:
        raise CannotRun(f"{arguments.output} cannot be written ({error.strerror}); choose another folder with -o.") from None
    return DONE


def write_county(story: Story, folder: Path) -> int:
    """Write feeds, directory, map and truth of a story; return how many records the feeds hold.

    Raises:
        OSError: a file cannot be written.
    """
    happened = overdoses(story)
    sent = sent_records(story, happened)
    (folder / "feeds").mkdir(parents=True, exist_ok=True)
    for agency in AGENCIES:
        lines = [record.line for record in sent if record.agency is agency]
        is_cad = agency.form == "cad_911"
        if is_cad:
            lines.insert(0, ",".join(CAD_COLUMNS))
        path = folder / "feeds" / f"{agency.agency_id}.{'csv' if is_cad else 'jsonl'}"
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    _write_json(folder / "directory.json", directory_records())
    _write_json(folder / "geography.geojson", feature_collection())
    _write_json(folder / "truth.json", truth(story, happened, sent))
    return len(sent)


def write_load(profile: LoadProfile, folder: Path, advance: Callable[[int], None]) -> None:
    """Write one feed for each load agency, and their directory records; tell ``advance`` how many lines are done.

    Raises:
        OSError: a file cannot be written.
    """
    (folder / "feeds").mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        files: dict[str, TextIO] = {}
        for agency, lines in load_lines(profile):
            if agency not in files:
                files[agency] = stack.enter_context((folder / "feeds" / f"{agency}.jsonl").open("w", encoding="utf-8"))
            files[agency].write("\n".join(lines) + "\n")
            advance(len(lines))
    _write_json(folder / "directory.json", load_directory(profile.until))


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
