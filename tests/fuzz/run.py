"""Fuzzes the feed formats: python tests/fuzz/run.py [--format F …] [--inputs 100000] [--seed N] [--first N] [--jobs 2]."""

import argparse
import base64
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from spikewatch_testing.fuzzing.campaign import campaign, one_input
from spikewatch_testing.fuzzing.checks import Tally

from spikewatch.ingest.domain.feeds import FEEDS

_STEP = 10_000  # inputs of one task: what a crash is found again by


def _task(name: str, inputs: int, seed: int, first: int) -> tuple[str, Tally, float]:
    started = time.perf_counter()
    tally = campaign(name, inputs, seed, first=first)
    tally.slowest_input += first
    return name, tally, time.perf_counter() - started


def main() -> int:
    """Run, print a table, and return 1 when an input failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--format", action="append", choices=list(FEEDS), help="only this one; may be repeated")
    parser.add_argument("--inputs", type=int, default=100_000, help="of each format")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first input, to go on where an earlier run ended")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--show", type=int, metavar="NUMBER", help="print one input of the format in base64 and end")
    arguments = parser.parse_args()
    names = arguments.format or list(FEEDS)
    if arguments.show is not None:
        media_type, body, done = one_input(names[0], arguments.seed, arguments.show)
        _say(f"{media_type}\n{done}\n{base64.b64encode(body).decode()}")
        return 0
    tallies = {name: Tally() for name in names}
    seconds = dict.fromkeys(names, 0.0)
    tasks = [
        (name, min(_STEP, arguments.inputs - at), arguments.seed, arguments.first + at)
        for name in names
        for at in range(0, arguments.inputs, _STEP)
    ]
    with ProcessPoolExecutor(arguments.jobs) as pool:
        for name, part, took in pool.map(_task, *zip(*tasks, strict=True)):
            _merge(tallies[name], part)
            seconds[name] += took
            sys.stderr.write(f"{name}: {tallies[name].inputs:,} of {arguments.inputs:,} inputs, {len(tallies[name].crashes)} failed\n")
    _say(
        f"{'format':<18}{'inputs':>9}{'records':>10}{'reports':>9}{'not od':>9}{'refused':>9}"
        f"{'whole':>9}{'failed':>7}{'slowest s':>10}{'its no.':>9}{'s':>7}"
    )
    for name, tally in tallies.items():
        found = tally.results
        _say(
            f"{name:<18}{tally.inputs:>9,}{tally.records:>10,}{found['report']:>9,}{found['not_an_overdose']:>9,}{found['rejected']:>9,}"
            f"{tally.refused_whole:>9,}{len(tally.crashes):>7}{tally.slowest:>10.2f}{tally.slowest_input:>9}{seconds[name]:>7.0f}"
        )
    for tally in tallies.values():
        for crash in tally.crashes:
            _say(crash)
    return 1 if any(tally.crashes for tally in tallies.values()) else 0


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


def _merge(into: Tally, part: Tally) -> None:
    into.inputs += part.inputs
    into.records += part.records
    into.refused_whole += part.refused_whole
    if part.slowest > into.slowest:
        into.slowest, into.slowest_input = part.slowest, part.slowest_input
    into.results.update(part.results)
    into.crashes += part.crashes


if __name__ == "__main__":
    sys.exit(main())
