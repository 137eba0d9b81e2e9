"""``spikewatch geodata``: builds the index of the geocoder from files of streets, addresses and places, and checks it."""

import argparse
import contextlib
import json
import re
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Any, Final

from spikewatch.cli.exit_status import DONE, REFUSED_ROWS, CannotRun
from spikewatch.cli.files.opened import opened
from spikewatch.cli.files.written import written
from spikewatch.cli.geocode import geocoder_of
from spikewatch.cli.geocoding.address_columns import add_column_options, address_columns, point_columns, text_of_cell
from spikewatch.cli.geocoding.address_rows import address_table
from spikewatch.cli.geocoding.index_building import Built, build_indexes, require_writable
from spikewatch.cli.geocoding.known_points import KnownPoints
from spikewatch.cli.geocoding.reapplying import add_reapply
from spikewatch.cli.geocoding.refused_rows import RefusedRows
from spikewatch.cli.geocoding.written_beside import written_beside
from spikewatch.cli.progress import Progress, say
from spikewatch.cli.tables import add_json_option, print_json, print_table
from spikewatch.enrichment.adapters.geodata.column_look import number
from spikewatch.enrichment.adapters.geodata.column_map import Kind, MapFile, map_text, read_map_file
from spikewatch.enrichment.adapters.geodata.sources import SourceOptions, proposals, read_sources
from spikewatch.enrichment.adapters.geodata.unusable import GeodataUnusable, IndexUnusable

__all__ = ["add"]

_AT_ONCE: Final = 1_000
_TAKES: Final = (
    "shapefiles (.shp, or a zip of them), .gpkg, .csv, .geojson and lines of GeoJSON, also .gz, or a folder of such: TIGER ADDRFEAT, EDGES "
    "with FEATNAMES, centrelines and address points of a county, NAD, OpenAddresses, boundaries, landmarks, aliases"
)


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "geodata",
        help="build the geocoder's index from files of streets and addresses, and check it",
        description="Build the geocoder's index from files of streets, address points and places, and score it on known points.",
        epilog="Example: spikewatch geodata build streets.csv points.csv -o town.geoindex",
    )
    steps = parser.add_subparsers(title="steps", metavar="STEP", required=True)
    step = _step(steps, "build", "build an index", "build streets.csv points.csv places.geojson -o town.geoindex", _build)
    step.add_argument("files", nargs="+", type=Path, metavar="FILE", help=_TAKES)
    step.add_argument(
        "-o", "--output", required=True, type=Path, metavar="INDEX", help="the index; an older one is replaced when the new one is whole"
    )
    step.add_argument("--each-county", action="store_true", help="INDEX is a folder: one index for each county")
    step.add_argument("--errors", metavar="FILE", help="write each refused row to FILE as a JSON line")
    _source_options(step)
    step = _step(
        steps, "propose", "print what a file would be taken for, as a column map to edit", "propose streets.csv -o streets.yaml", _propose
    )
    step.add_argument("files", nargs="+", type=Path, metavar="FILE", help=_TAKES)
    step.add_argument("-o", "--output", default="-", metavar="FILE", help="write the map to FILE (default: standard output)")
    _source_options(step)
    step = _step(steps, "check", "score an index on addresses whose place is known", "check --index town.geoindex known.csv", _check)
    step.add_argument(
        "file",
        metavar="KNOWN",
        help=".csv, .tsv or .jsonl with addresses and their latitude and longitude, also .gz; - reads standard input",
    )
    step.add_argument("--index", required=True, type=Path, metavar="INDEX", help="an index, or a folder of them")
    add_column_options(step)
    step.add_argument("--lat", metavar="COL", help="column with the latitude (default: proposed)")
    step.add_argument("--lon", metavar="COL", help="column with the longitude (default: proposed)")
    step.add_argument(
        "--misses", metavar="FILE", help="write each row that is not placed within 100 m to FILE as a JSON line; it holds the addresses"
    )
    step.add_argument("--errors", metavar="FILE", help="write each refused row to FILE as a JSON line")
    add_reapply(steps)


def _step(steps: Any, name: str, summary: str, example: str, run: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = steps.add_parser(
        name, help=summary, description=summary, epilog=f"Example: spikewatch geodata {example}"
    )
    parser.set_defaults(run=run)
    add_json_option(parser)
    return parser


def _source_options(step: argparse.ArgumentParser) -> None:
    step.add_argument("--map", type=Path, metavar="MAP.yaml", help="column maps by file; files that it does not name are proposed")
    step.add_argument(
        "--kind", action="append", default=[], metavar="FILE=KIND", help=f"what a file is, its columns still proposed: {', '.join(Kind)}"
    )
    step.add_argument("--county", metavar="FIPS", default="", help="county of rows that tell none, five digits")
    step.add_argument("--city", metavar="NAME", default="", help="city of rows that tell none")
    step.add_argument("--vintage", metavar="DATE", default="", help="year or day that the files describe (default: by their names)")


def _options(arguments: argparse.Namespace) -> SourceOptions:
    if arguments.county and not re.fullmatch(r"[0-9]{5}", arguments.county):
        raise CannotRun("--county is no FIPS code; write five digits, for example 06075")
    kinds: dict[str, Kind] = {}
    for given in arguments.kind:
        name, _, kind = given.rpartition("=")
        if not name or kind not in set(Kind):
            raise CannotRun(f"--kind is no FILE=KIND; write for example --kind {name or 'streets.csv'}=street, one of {', '.join(Kind)}")
        kinds[name] = Kind(kind)
    maps = read_map_file(arguments.map) if arguments.map else MapFile()
    return SourceOptions(maps, kinds, arguments.county, arguments.city, arguments.vintage)


def _files(arguments: argparse.Namespace) -> Sequence[Path]:
    if Path("-") in arguments.files:
        raise CannotRun("standard input cannot be read several times over, as this needs; save it in a file")
    files: Sequence[Path] = arguments.files
    return files


def _build(arguments: argparse.Namespace) -> int:
    began = time.perf_counter()
    require_writable(arguments.output, arguments.files, each_county=arguments.each_county)
    try:
        reading = read_sources(_files(arguments), _options(arguments))
        for passed_over in reading.passed_over:
            say(f"passed over: {passed_over}")
        for source in reading.report.sources:
            columns = ", ".join(f"{field}={column}" for field, column in source.column_map.columns.items())
            say(
                f"{source.file}: taken for {source.column_map.kind}, {source.column_map.sure:.0%} sure, {source.column_map.why} ({columns})"
            )
        with contextlib.ExitStack() as stack:
            errors = written(stack, arguments.errors) if arguments.errors else None
            built = build_indexes(reading, arguments.output, each_county=arguments.each_county)
            if errors:
                for source in reading.report.sources:
                    errors.writelines(json.dumps(refusal.as_json(), ensure_ascii=False) + "\n" for refusal in source.refusals)
    except (GeodataUnusable, IndexUnusable) as error:
        raise CannotRun(str(error)) from None
    report = reading.report
    seconds = round(time.perf_counter() - began, 2)
    if arguments.as_json:
        print_json({"indexes": [one.as_json() for one in built], "sources": report.as_json(), "seconds": seconds})
    else:
        print("\n".join([*report.lines(), *(_told(one) for one in built), f"built in {seconds:.1f} s"]))
    if report.refused:
        say(f"{report.refused:,} rows refused" + ("" if arguments.errors else "; --errors FILE lists them"))
    return REFUSED_ROWS if report.refused else DONE


def _told(built: Built) -> str:
    each = f", {built.bytes / built.segments:.0f} bytes a segment" if built.segments and not built.points + built.others else ""
    lost = f"; of {built.unusable:,} further segments the name or the line is of no use" if built.unusable else ""
    return f"{built.path}: {built.bytes:,} bytes, {built.segments:,} segments, {built.points:,} points{each}{lost}"


def _propose(arguments: argparse.Namespace) -> int:
    try:
        options = _options(arguments)
        found = [one for path in _files(arguments) for one in proposals(path, options)]
    except GeodataUnusable as error:
        raise CannotRun(str(error)) from None
    if arguments.as_json:
        print_json(
            [{"file": layer.name, "kind": one.kind, "sure": one.sure, "why": one.why, "columns": dict(one.columns)} for layer, one in found]
        )
        return DONE
    with contextlib.ExitStack() as stack:
        output = written(stack, arguments.output)
        output.write("# A draft. Read every line, then: spikewatch geodata build --map THIS.yaml FILE... -o INDEX\nfiles:\n")
        output.writelines(map_text(layer.name, one) for layer, one in found)
    return DONE


def _check(arguments: argparse.Namespace) -> int:
    geocoder = geocoder_of(arguments.index)
    known, seconds = KnownPoints(), 0.0
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(opened(arguments.file))
        table = address_table(file, has_named_columns=True)
        columns = address_columns(file.name, table, arguments)
        lat_column, lon_column = point_columns(file.name, table, arguments.lat, arguments.lon)
        say(f"{file.name}: {columns.told()}; known point in {lat_column}, {lon_column}")
        refused = RefusedRows(written_beside(stack, arguments.errors, file.name) if arguments.errors else None)
        misses = written_beside(stack, arguments.misses, file.name) if arguments.misses else None
        with Progress(f"check {Path(file.name).name}", file.size, unit="bytes") as progress:
            while batch := list(islice(table.rows, _AT_ONCE)):
                asked: list[tuple[Any, float, float]] = []
                for row in batch:
                    lat, lon = (number(text_of_cell(row.values.get(column))) for column in (lat_column, lon_column))
                    if row.problem or lat is None or lon is None or not (-90 <= lat <= 90 and -180 <= lon <= 180):
                        refused.refuse(file.name, row if row.problem else row._replace(problem="no position"))
                    else:
                        asked.append((row, lat, lon))
                queries = [columns.query(row) for row, _, _ in asked]
                began = time.perf_counter()
                answers = geocoder.geocode_many(queries)
                seconds += time.perf_counter() - began
                for (row, lat, lon), query, answer in zip(asked, queries, answers, strict=True):
                    off = known.take(answer, lat, lon)
                    if misses is not None and (off is None or off > 100):
                        _miss(misses, row.line, query.address, answer, off)
                progress.reach(file.done())
    overall = known.overall() | {"rows_per_second": round(known.rows / seconds) if seconds > 0 else None, "refused": refused.count}
    _show(overall, known, as_json=arguments.as_json)
    return REFUSED_ROWS if refused.count else DONE


def _miss(misses: IO[str], line: int, address: str | None, answer: Any, off: float | None) -> None:
    told: dict[str, Any] = {"line": line, "address": address, "metres": None if off is None else round(off, 1)}
    told |= {"precision": answer.precision.value, "confidence": round(answer.confidence, 3), "radius_m": round(answer.radius_m, 1)}
    told |= {"matched": answer.matched, "reasons": answer.reasons, "alternatives": [one.matched for one in answer.alternatives]}
    misses.write(json.dumps(told, ensure_ascii=False) + "\n")


def _show(overall: dict[str, Any], known: KnownPoints, *, as_json: bool) -> None:
    tables: Sequence[tuple[str, list[dict[str, Any]]]] = (
        ("by precision", known.by_precision()),
        ("by confidence: the share within the radius should be the confidence", known.reliability()),
    )
    if as_json:
        print_json(overall | {"by_precision": tables[0][1], "reliability": tables[1][1]})
        return
    print_table([overall])
    for title, rows in tables:
        print_table(rows, title=title)
