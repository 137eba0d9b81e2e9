"""``spikewatch detect``: counts in, alarms out, by the very detectors that the alerts service runs."""

import argparse
import contextlib
import csv
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from pydantic import ValidationError

from spikewatch.alerts.domain.detection.detection import Detected
from spikewatch.alerts.domain.detection.registry import ALGORITHMS, Algorithm, Parameters
from spikewatch.chassis.clock import system_clock
from spikewatch.cli.detection.calendar import says_future
from spikewatch.cli.detection.cells import says_refused
from spikewatch.cli.detection.count_rows import CountRow, count_rows
from spikewatch.cli.detection.counted import Counted, counted
from spikewatch.cli.exit_status import DONE, REFUSED_ROWS, CannotRun
from spikewatch.cli.files.opened import STANDARD_INPUT, opened
from spikewatch.cli.files.spared import spare
from spikewatch.cli.files.written import written
from spikewatch.cli.progress import Progress, say
from spikewatch.cli.tables import print_json, print_table

__all__ = ["COLUMNS", "add", "parameters_of"]

COLUMNS: Final = ("date", "area", "observed", "expected", "threshold", "p_value", "alarm")
_EVERY: Final = 5_000  # rows between two movements of the bar
_MANY_GAPS: Final = 0.5


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "detect",
        help="tell on which days a file of counts or incidents has a spike",
        description="Run a detector over counts (columns date, count, and perhaps area, population, denominator) or incidents (one row "
        "each: a date or time, and perhaps an area). Steps are days, weeks or months, as the dates have them. Among counts a missing one "
        "and a date left out are gaps and no zeros. alarm is 1, 0, or empty where the detector could not judge: too little history, "
        "or a gap.",
        epilog="Example: spikewatch detect --algorithm ears_c2 --set baseline=28 -o alarms.csv counts.csv",
    )
    parser.add_argument("--algorithm", metavar="NAME", help="which detector; --list names them")
    parser.add_argument(
        "--set", dest="settings", action="append", default=[], metavar="KEY=VALUE", help="a parameter of it; may be repeated"
    )
    parser.add_argument("--list", dest="lists", action="store_true", help="list the detectors, or with --algorithm its parameters, and end")
    parser.add_argument("--json", dest="as_json", action="store_true", help="write JSON lines instead of CSV")
    parser.add_argument("-o", "--output", metavar="FILE", default=STANDARD_INPUT, help="write rows to FILE (- for standard output)")
    parser.add_argument("--errors", metavar="FILE", help="write each refused row to FILE as a JSON line")
    parser.add_argument("file", metavar="FILE", nargs="?", help=".csv or .jsonl, each also .gz; - reads standard input")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Detect in one file and return the exit status.

    Raises:
        CannotRun: the file, the detector or its parameters cannot be used.
    """
    if arguments.lists:
        return _list(arguments)
    if not arguments.algorithm or not arguments.file:
        raise CannotRun("a detector and a file are needed: spikewatch detect --algorithm NAME FILE; --list names the detectors")
    algorithm = _named(arguments.algorithm)
    parameters = parameters_of(algorithm, arguments.settings)
    spare([arguments.file], [arguments.output, arguments.errors])
    refused = 0
    first: CountRow | None = None
    with contextlib.ExitStack() as stack:
        errors = written(stack, arguments.errors) if arguments.errors else None

        def refuse(row: CountRow) -> None:
            nonlocal refused, first
            refused += 1
            first = first or row
            if errors is not None and row.refused is not None:
                why = row.refused
                told = {"file": arguments.file, "line": row.line, "field": why.field, "problem": why.problem}
                errors.write(json.dumps(told | {"expected": why.expected, "example": why.example}) + "\n")

        found = _read(arguments.file, refuse)
        for row in found.refused:
            refuse(row)
        with Progress(algorithm.name, len(found.series.areas), unit="areas") as progress:
            try:
                detected = algorithm.run(found.series, parameters)
            except ValueError as error:
                raise CannotRun(f"{algorithm.name}: {error}") from None
            progress.reach(len(found.series.areas))
        with Progress("write", len(found.steps), unit="rows") as progress:
            _write(written(stack, arguments.output), found, detected, progress, as_json=_wants_json(arguments))
    _tell(found, detected)
    if first is not None and first.refused is not None:
        say(says_refused(refused, first.line, first.refused, arguments.errors))
    return REFUSED_ROWS if refused else DONE


def _read(name: str, refuse: Any) -> Counted:
    with opened(name) as file, Progress(f"read {Path(file.name).name}", file.size, unit="bytes") as progress:
        told, rows = count_rows(file)
        if (unread := told.says_unread()) is not None:
            say(unread)
        newest = CountRow(0)

        def good(every: Iterable[CountRow]) -> Iterator[CountRow]:
            nonlocal newest
            for count, row in enumerate(every):
                if count % _EVERY == 0:
                    progress.reach(file.done())
                if row.refused is None:
                    newest = row if row.day > newest.day else newest
                    yield row
                else:
                    refuse(row)

        found = counted(good(rows), told.when, of_counts=told.count is not None)
        progress.reach(file.size or file.done())
        if (future := says_future(newest.day, newest.line, system_clock())) is not None:
            say(future)
    return found


def _named(name: str) -> Algorithm:
    if name not in ALGORITHMS:
        raise CannotRun(f"no detector is called so; spikewatch detect --list names them ({', '.join(ALGORITHMS)})")
    return ALGORITHMS[name]


def parameters_of(algorithm: Algorithm, settings: Iterable[str]) -> Parameters:
    """Return an algorithm's parameters with those that are set as ``key=value``; a value is JSON or a word.

    Raises:
        CannotRun: there is no such parameter, or its value cannot be.
    """
    given: dict[str, Any] = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals:
            raise CannotRun(f"--set {setting}: expected key=value; spikewatch detect --algorithm {algorithm.name} --list names the keys")
        if (name := key.strip()) in given:
            raise CannotRun(f"--set {name} is given twice; leave one of them out")
        try:
            given[name] = json.loads(text)
        except ValueError:
            given[name] = text.strip()
    try:
        return algorithm.parameters.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0]) if first["loc"] else "the parameters"
        if first["type"] == "extra_forbidden":
            raise CannotRun(f"{algorithm.name} has no parameter {key}; it has {', '.join(algorithm.parameters.model_fields)}") from None
        raise CannotRun(f"{algorithm.name}: {key}: {first['msg'].lower()} ({algorithm.parameters.model_fields[key].description})") from None


def _wants_json(arguments: argparse.Namespace) -> bool:
    name: str = arguments.output.removesuffix(".gz")
    return bool(arguments.as_json) or name.endswith((".jsonl", ".ndjson", ".json"))


def _write(output: IO[str], found: Counted, detected: Detected, progress: Progress, *, as_json: bool) -> None:
    at = found.areas, found.steps
    days = np.datetime_as_string(found.dates)
    columns = [each[at].tolist() for each in (found.series.counts, detected.expected, detected.threshold, detected.p_value)]
    alarm = detected.alarm[at].tolist()
    rows = zip(found.areas.tolist(), found.steps.tolist(), *columns, alarm, strict=True)
    table = csv.writer(output, lineterminator="\n")
    if not as_json:
        table.writerow(COLUMNS)
    for count, (area, step, observed, *numbers, raised) in enumerate(rows):
        values = (observed, *numbers)
        name = found.series.areas[area]
        if as_json:
            told = [None if not math.isfinite(value) else _plain(value) for value in values]
            output.write(json.dumps(dict(zip(COLUMNS, (days[step], name, *told, None if raised < 0 else raised), strict=True))) + "\n")
        else:
            table.writerow(
                (days[step], name, *("" if math.isnan(value) else _text(value) for value in values), "" if raised < 0 else raised)
            )
        if count % _EVERY == 0:
            progress.reach(count)
    progress.reach(len(found.steps))


def _plain(value: float) -> float | int:
    return int(value) if value == math.floor(value) and abs(value) < 1e15 else value


def _text(value: float) -> str:
    return str(int(value)) if math.isfinite(value) and value == math.floor(value) and abs(value) < 1e15 else f"{value:.10g}"


def _tell(found: Counted, detected: Detected) -> None:
    alarm = detected.alarm[found.areas, found.steps]
    judged, raised = int((alarm >= 0).sum()), int((alarm == 1).sum())
    length = {1: "days", 7: "weeks", 30: "months"}[found.series.step_days()]
    size = f"{len(found.series.areas):,} areas by {len(found.series.starts):,} {length}"
    parts = [f"{size}: {raised:,} alarms in {judged:,} judged of {len(alarm):,}"]
    gaps = 1 - len(alarm) / max(found.series.counts.size, 1)
    if not judged and gaps > _MANY_GAPS:
        parts.append(f"{gaps:.0%} of these {length} have no row and are gaps; give each that had no overdose a row with 0")
    elif not judged:
        parts.append("the history is shorter than the detector needs; --list says what its parameters ask for")
    say("; ".join(parts))


def _list(arguments: argparse.Namespace) -> int:
    if arguments.algorithm:
        rows = _parameters(_named(arguments.algorithm))
    else:
        rows = [
            {
                "name": each.name,
                "summary": each.summary,
                "elsewhere": ", ".join(f"{peer}: {name}" for peer, name in each.also_known_as.items()),
            }
            for each in ALGORITHMS.values()
        ]
    if arguments.as_json:
        print_json(rows)
    else:
        print_table(rows)
    return DONE


def _parameters(algorithm: Algorithm) -> list[Mapping[str, Any]]:
    properties = algorithm.parameters.model_json_schema()["properties"]
    return [
        {"parameter": name, "default": json.dumps(each.get("default")), "description": each.get("description", "")}
        for name, each in properties.items()
    ]
