"""``spikewatch normalize``: a feed's file in, JSON lines of reports out, by the very code that ingest runs."""

import argparse
import contextlib
import gzip
import json
import re
import sys
import zlib
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final
from uuid import UUID

from spikewatch.cli.exit_status import DONE, REFUSED_ROWS, CannotRun
from spikewatch.cli.progress import Progress, say
from spikewatch.contracts.identifiers import event_id
from spikewatch.contracts.topics import EventType
from spikewatch.contracts.vocabulary import SourceType
from spikewatch.ingest.domain.feeds import FEEDS
from spikewatch.ingest.domain.feeds.feed import Feed, NotAnOverdose, Source
from spikewatch.ingest.domain.record import RawRecord
from spikewatch.ingest.domain.rejection import Rejected
from spikewatch.ingest.domain.revision import History, settle
from spikewatch.ingest.domain.wall_clock import zone_named

__all__ = ["add"]

_NO_LIMIT: Final = sys.maxsize  # a file of the analyst's own: only memory limits it
_MEDIA_TYPES: Final = {".csv": "text/csv", ".json": "application/json", ".jsonl": "application/x-ndjson", ".ndjson": "application/x-ndjson"}
_STANDARD_INPUT: Final = "-"


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "normalize",
        help="turn a feed's file into reports",
        description="Turn a feed's files into JSON lines of the report contract. Duplicates are left out and counted.",
        epilog="Example: spikewatch normalize --format cad_911 --time-zone America/New_York -o reports.jsonl calls.csv.gz",
    )
    formats = "; ".join(f"{feed.name}: {feed.summary}" for feed in FEEDS.values())
    parser.add_argument("--format", required=True, choices=list(FEEDS), help=formats)
    parser.add_argument("--agency", default="local", help="id of the agency that the records come from (default: local)")
    parser.add_argument(
        "--source-type", choices=[kind.value for kind in SourceType], help="kind of that agency (default: the format's usual)"
    )
    parser.add_argument("--time-zone", metavar="ZONE", help="IANA zone of times without an offset; without it they are refused")
    parser.add_argument("--county", metavar="FIPS", help="home county, five digits, for records that name none")
    parser.add_argument("--received-at", type=_moment, metavar="WHEN", help="when the records came (default: now); later times are refused")
    parser.add_argument("-o", "--output", metavar="FILE", default=_STANDARD_INPUT, help="write reports to FILE (- for standard output)")
    parser.add_argument("--errors", metavar="FILE", help="write each refused record to FILE as a JSON line")
    parser.add_argument("files", nargs="+", metavar="FILE", help=".csv, .json, .jsonl, each also .gz; - reads standard input")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Normalise the files and return the exit status.

    Raises:
        CannotRun: an option is wrong, or a file cannot be read or written.
    """
    if arguments.time_zone and zone_named(arguments.time_zone) is None:
        raise CannotRun(f"--time-zone {arguments.time_zone} is no IANA zone; write one like America/New_York")
    if arguments.county and not re.fullmatch(r"[0-9]{5}", arguments.county):
        raise CannotRun("--county is no FIPS code; write five digits, for example 42091")
    if not re.fullmatch(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", arguments.agency):
        raise CannotRun("--agency is no agency id; write lower-case letters, digits and hyphens")
    with contextlib.ExitStack() as stack:
        work = _Work(arguments, _opened(stack, arguments.output), _opened(stack, arguments.errors) if arguments.errors else None)
        for name in arguments.files:
            work.read(name)
    counts = work.counts
    parts = [
        f"{counts[kind]:,} {kind.replace('_', ' ')}" for kind in ("report", "duplicate", "not_an_overdose", "rejected") if counts[kind]
    ]
    say(f"{counts.total():,} records: {', '.join(parts) or 'none'}")
    return REFUSED_ROWS if counts["rejected"] else DONE


class _Work:
    """What is known while the files are read: the revisions of every report, and the counts."""

    def __init__(self, arguments: argparse.Namespace, output: IO[str], errors: IO[str] | None) -> None:
        self.counts: Counter[str] = Counter()
        self._feed: Feed = FEEDS[arguments.format]
        self._arguments = arguments
        self._received_at: datetime = arguments.received_at or datetime.now(UTC)
        self._output = output
        self._errors = errors
        self._histories: dict[UUID, History] = {}
        self._files = 0

    def read(self, name: str) -> None:
        """Normalise one file."""
        body = _bytes_of(name)
        self._files += 1
        source = self._source(body)
        try:
            records = list(self._feed.records(body, _media_type(name, body), limit=_NO_LIMIT))
        except Rejected as rejected:
            self._refuse(name, 1, rejected)
            return
        with Progress(f"normalize {Path(name).name}", len(records)) as progress:
            for record in records:
                self._take(name, record, source)
                progress.advance()

    def _take(self, name: str, record: RawRecord, source: Source) -> None:
        if record.is_skipped:
            self.counts["not_an_overdose"] += 1
            return
        try:
            if record.rejected is not None:
                raise record.rejected
            reading = self._feed.read(record.fields, source)
        except Rejected as rejected:
            self._refuse(name, record.line, rejected)
            return
        if isinstance(reading, NotAnOverdose):
            self.counts["not_an_overdose"] += 1
            return
        key = reading.report.report_key
        settled = settle(self._histories.setdefault(key, History(key)), reading, record.index)
        if settled.report is None:
            self.counts["duplicate"] += 1
            return
        self.counts["report"] += 1
        self._output.write(settled.report.to_json().decode() + "\n")

    def _refuse(self, name: str, line: int, rejected: Rejected) -> None:
        self.counts["rejected"] += 1
        if self._errors is not None:
            row = {"file": name, "line": line, "reason": rejected.fault.value, "field": rejected.field, "problem": rejected.problem}
            self._errors.write(json.dumps({**row, "expected": rejected.expected, "example": rejected.example}, ensure_ascii=False) + "\n")

    def _source(self, body: bytes) -> Source:
        arguments = self._arguments
        # The same files in the same order give the same ids; a file given twice is two submissions, the second all duplicates.
        mark = f"{self._files}-{zlib.crc32(body):08x}-{len(body)}"
        return Source(
            agency_id=arguments.agency,
            source_type=SourceType(arguments.source_type) if arguments.source_type else self._feed.default_source,
            received_at=self._received_at,
            submission_id=event_id(EventType.SUBMISSION_RECEIVED, arguments.agency, mark),
            format=self._feed.name,
            time_zone=arguments.time_zone,
            county_fips=arguments.county,
        )


def _bytes_of(name: str) -> bytes:
    try:
        body = sys.stdin.buffer.read() if name == _STANDARD_INPUT else Path(name).read_bytes()
        return gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
    except (OSError, EOFError, zlib.error) as error:
        raise CannotRun(f"{name} cannot be read ({type(error).__name__}); check its path and that it is whole") from None


def _media_type(name: str, body: bytes) -> str:
    suffix = Path(name.removesuffix(".gz")).suffix.lower()
    if suffix in _MEDIA_TYPES:
        return _MEDIA_TYPES[suffix]
    start = body[:256].lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if start == b"[":
        return "application/json"
    return "application/x-ndjson" if start == b"{" else "text/csv"


def _opened(stack: contextlib.ExitStack, name: str) -> IO[str]:
    if name == _STANDARD_INPUT:
        return sys.stdout
    try:
        if name.endswith(".gz"):
            return stack.enter_context(gzip.open(name, "wt", encoding="utf-8"))
        return stack.enter_context(Path(name).open("w", encoding="utf-8"))
    except OSError as error:
        raise CannotRun(f"{name} cannot be written ({type(error).__name__}); check its folder") from None


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("is no time; write 2026-05-01T00:00:00Z") from None
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError("has no time zone; write 2026-05-01T00:00:00Z")
    return moment
