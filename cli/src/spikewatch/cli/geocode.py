"""``spikewatch geocode``: addresses in, the same rows with where they lie out, by the very code that enrichment runs."""

import argparse
import contextlib
import time
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from spikewatch.cli.exit_status import DONE, REFUSED_ROWS, CannotRun
from spikewatch.cli.files.opened import STANDARD_INPUT, OpenedFile, opened
from spikewatch.cli.geocoding.address_columns import AddressColumns, add_column_options, address_columns, point_columns, text_of_cell
from spikewatch.cli.geocoding.address_rows import AddressRow, AddressTable, Form, address_table
from spikewatch.cli.geocoding.placed_rows import PLACED, REVERSED, PlacedRows, placed, reversed_place
from spikewatch.cli.geocoding.refused_rows import RefusedRows
from spikewatch.cli.geocoding.written_beside import written_beside
from spikewatch.cli.progress import Progress, say
from spikewatch.enrichment.adapters.geodata.column_look import number
from spikewatch.enrichment.adapters.geodata.open_geocoder import AnyGeocoder, open_geocoder
from spikewatch.enrichment.adapters.geodata.unusable import IndexUnusable
from spikewatch.enrichment.domain.geocoding.answer import LADDER

__all__ = ["add", "geocoder_of"]

_AT_ONCE: Final = 1_000
_JSON_NAMES: Final = (".jsonl", ".ndjson", ".json")


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "geocode",
        help="place the addresses of a file on the map, offline",
        description="Place addresses, hundred-blocks, crossings, mile markers and landmarks on the map. Nothing leaves the machine. The "
        "rows come out in their order with geo_lat, geo_lon, geo_precision and more beside; what names no place has the precision none.",
        epilog="Example: spikewatch geocode --index town.geoindex -o placed.csv calls.csv",
    )
    parser.add_argument("--index", required=True, type=Path, metavar="INDEX", help="an index, or a folder of them")
    add_column_options(parser)
    parser.add_argument("--reverse", action="store_true", help="the other way round: the nearest street, block and cross street of points")
    parser.add_argument("--lat", metavar="COL", help="with --reverse: column with the latitude (default: proposed)")
    parser.add_argument("--lon", metavar="COL", help="with --reverse: column with the longitude (default: proposed)")
    parser.add_argument("--json", dest="as_json", action="store_true", help="write JSON lines whatever the input is")
    parser.add_argument("-o", "--output", metavar="FILE", default=STANDARD_INPUT, help="write rows to FILE (- for standard output)")
    parser.add_argument("--errors", metavar="FILE", help="write each refused row to FILE as a JSON line")
    parser.add_argument(
        "file", metavar="FILE", help=".csv, .tsv, .jsonl, or .txt with an address on each line, each also .gz; - reads standard input"
    )
    parser.set_defaults(run=run)


def geocoder_of(index: Path) -> AnyGeocoder:
    """Open an index.

    Raises:
        CannotRun: it cannot be used.
    """
    try:
        return open_geocoder(index)
    except IndexUnusable as error:
        raise CannotRun(str(error)) from None


def run(arguments: argparse.Namespace) -> int:
    """Geocode one file and return the exit status.

    Raises:
        CannotRun: the index, the file or a column cannot be used.
    """
    if not arguments.reverse and (arguments.lat or arguments.lon):
        raise CannotRun("--lat and --lon belong to --reverse, which looks up the street of a point; add it, or leave them out")
    geocoder = geocoder_of(arguments.index)
    named = bool(arguments.address or arguments.city or arguments.zip or arguments.reverse)
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(opened(arguments.file))
        table = address_table(file, has_named_columns=named)
        work: _Placing | _Reversing
        if arguments.reverse:
            lat, lon = point_columns(file.name, table, arguments.lat, arguments.lon)
            say(f"{file.name}: latitude in {lat}; longitude in {lon}")
            work = _Reversing(geocoder, lat, lon)
        else:
            columns = address_columns(file.name, table, arguments)
            say(f"{file.name}: {columns.told()}")
            work = _Placing(geocoder, columns)
        refused = RefusedRows(written_beside(stack, arguments.errors, file.name) if arguments.errors else None)
        output = written_beside(stack, arguments.output, file.name)
        as_json = arguments.as_json or _is_json(arguments.output, table.form)
        added = REVERSED if arguments.reverse else PLACED
        rows = PlacedRows(output, table.columns, added, as_json=as_json, delimiter="," if table.form is Form.LINES else table.delimiter)
        _work_through(file, table, work, rows, refused)
    say(work.summary() + (f"; {refused.count:,} refused" if refused.count else ""))
    return REFUSED_ROWS if refused.count else DONE


class _Placing:
    """Places rows and counts on which rung each is."""

    def __init__(self, geocoder: AnyGeocoder, columns: AddressColumns) -> None:
        self._geocoder = geocoder
        self._columns = columns
        self._counts: Counter[str] = Counter()
        self._seconds = 0.0

    def take(self, name: str, batch: Sequence[AddressRow], rows: PlacedRows, refused: RefusedRows) -> None:
        """Place a batch of rows."""
        _ = name, refused
        queries = [self._columns.query(row) for row in batch]
        began = time.perf_counter()
        answers = self._geocoder.geocode_many(queries)
        self._seconds += time.perf_counter() - began
        for row, answer in zip(batch, answers, strict=True):
            self._counts[answer.precision.value] += 1
            rows.write(row.values, placed(answer))

    def summary(self) -> str:
        """Return the counts as a line for people."""
        total = self._counts.total()
        rungs = ", ".join(f"{self._counts[rung.value]:,} {rung.value}" for rung in LADDER if self._counts[rung.value])
        rate = f"; {total / self._seconds:,.0f} a second in the geocoder" if self._seconds > 0.01 else ""
        return f"{total:,} rows: {rungs or 'none'}{rate}"


class _Reversing:
    """Looks up the streets of points."""

    def __init__(self, geocoder: AnyGeocoder, lat: str, lon: str) -> None:
        self._geocoder = geocoder
        self._lat = lat
        self._lon = lon
        self._found = 0
        self._rows = 0

    def take(self, name: str, batch: Sequence[AddressRow], rows: PlacedRows, refused: RefusedRows) -> None:
        """Look up a batch of rows."""
        for row in batch:
            lat, lon = (number(text_of_cell(row.values.get(column))) for column in (self._lat, self._lon))
            if lat is None or lon is None or not (-90 <= lat <= 90 and -180 <= lon <= 180):
                refused.refuse(name, row._replace(problem="no position"), self._lat)
                continue
            found = self._geocoder.reverse(lat, lon)
            self._rows += 1
            self._found += found is not None
            rows.write(row.values, reversed_place(found))

    def summary(self) -> str:
        """Return the counts as a line for people."""
        return f"{self._rows:,} rows: {self._found:,} near a street"


def _work_through(file: OpenedFile, table: AddressTable, work: _Placing | _Reversing, rows: PlacedRows, refused: RefusedRows) -> None:
    with Progress(f"geocode {Path(file.name).name}", file.size, unit="bytes") as progress:
        while batch := list(islice(table.rows, _AT_ONCE)):
            for row in batch:
                if row.problem:
                    refused.refuse(file.name, row)
            work.take(file.name, [row for row in batch if not row.problem], rows, refused)
            progress.reach(file.done())
        progress.reach(file.size or file.done())


def _is_json(output: str, form: Form) -> bool:
    plain = output.lower().removesuffix(".gz")
    if plain.endswith(_JSON_NAMES):
        return True
    return form is Form.JSON_LINES and not plain.endswith((".csv", ".tsv"))
