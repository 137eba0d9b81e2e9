"""``spikewatch normalize``: a feed's file in, JSON lines of reports out, by the very code that ingest runs."""

import argparse
import contextlib
import json
import re
import sys
import zlib
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final
from uuid import UUID

from spikewatch.chassis.collector import spare_collector
from spikewatch.cli.dry_run import DryRun
from spikewatch.cli.exit_status import DONE, REFUSED_ROWS, CannotRun
from spikewatch.cli.files.media_types import media_type
from spikewatch.cli.files.opened import STANDARD_INPUT, OpenedFile, opened
from spikewatch.cli.files.profiles import feed_of_profile
from spikewatch.cli.files.recognition import recognise
from spikewatch.cli.files.written import written
from spikewatch.cli.ingest_secrets import HASH_KEY, SEAL_KEY, hash_secret
from spikewatch.cli.progress import Progress, say
from spikewatch.contracts.identifiers import event_id
from spikewatch.contracts.topics import EventType
from spikewatch.contracts.vocabulary import SourceType
from spikewatch.ingest.adapters.nemsis_schemas import UnusableSchemas, nemsis_check
from spikewatch.ingest.domain.classification import interpret
from spikewatch.ingest.domain.feeds import FEEDS, nemsis
from spikewatch.ingest.domain.feeds.feed import FILE_KEY, Feed, NotAnOverdose, Source
from spikewatch.ingest.domain.numbered_yaml import WrongData
from spikewatch.ingest.domain.record import RawRecord
from spikewatch.ingest.domain.rejection import Rejected
from spikewatch.ingest.domain.revision import History, Settled, settle, settle_withdrawal
from spikewatch.ingest.domain.seal import RecordKeys, names_key
from spikewatch.ingest.domain.wall_clock import zone_named
from spikewatch.ingest.terminology import classifier

__all__ = ["add"]

_NO_LIMIT: Final = sys.maxsize  # a file of the analyst's own: only the reports it makes take memory
_AUTO: Final = "auto"
_EVERY: Final = 256  # records between two movements of the bar
_OUTCOMES: Final = ("report", "duplicate", "not_an_overdose", "rejected")


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "normalize",
        help="turn a feed's file into reports",
        description="Turn a feed's files into JSON lines of the report contract. Duplicates are left out and counted.",
        epilog="Example: spikewatch normalize --format cad_911 --time-zone America/New_York -o reports.jsonl calls.csv.gz",
    )
    formats = "; ".join(f"{feed.name}: {feed.summary}" for feed in FEEDS.values())
    parser.add_argument("--format", choices=[_AUTO, *FEEDS], help=f"auto (default): told by the content; {formats}")
    parser.add_argument("--profile", metavar="P.yaml", help="a profile that describes the file's columns, in place of a format")
    parser.add_argument("--agency", default="local", help="id of the agency that the records come from (default: local)")
    parser.add_argument(
        "--deployment-keys",
        action="store_true",
        help=f"hash ids under the keys of {SEAL_KEY} or {HASH_KEY}, so that they are the gateway's of this agency; "
        "without it under a key that everybody knows, for looking at files only",
    )
    parser.add_argument(
        "--source-type", choices=[kind.value for kind in SourceType], help="kind of that agency (default: the format's usual)"
    )
    parser.add_argument("--time-zone", metavar="ZONE", help="IANA zone of times without an offset; without it they are refused")
    parser.add_argument("--county", metavar="FIPS", help="home county, five digits, for records that name none")
    parser.add_argument("--received-at", type=_moment, metavar="WHEN", help="when the records came (default: now); later times are refused")
    parser.add_argument("--nemsis-schemas", type=Path, metavar="DIR", help="check NEMSIS records against the schema files in DIR")
    parser.add_argument("--dry-run", action="store_true", help="write no reports: show row by row what would come out")
    parser.add_argument("--json", dest="as_json", action="store_true", help="with --dry-run: JSON lines in place of a table")
    parser.add_argument("--vocabulary", metavar="FILE", help="drug vocabulary (YAML) in place of the shipped one")
    parser.add_argument("--definitions", metavar="FILE", help="case definitions (YAML) in place of the shipped ones")
    parser.add_argument("-o", "--output", metavar="FILE", default=STANDARD_INPUT, help="write reports to FILE (- for standard output)")
    parser.add_argument("--errors", metavar="FILE", help="write each refused record to FILE as a JSON line")
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help=".csv, .json, .jsonl, .xml, .hl7, .xlsx, each also .gz; - reads standard input"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Normalise the files and return the exit status.

    Raises:
        CannotRun: an option is wrong, or a file cannot be read or written.
    """
    _check(arguments)
    feed = _feed(arguments)
    with contextlib.ExitStack() as stack:
        output = written(stack, arguments.output)
        errors = written(stack, arguments.errors) if arguments.errors else None
        work = _Work(arguments, feed, output, errors)
        spare_collector()
        for name in arguments.files:
            work.read(name)
    counts = work.counts
    parts = [f"{counts[kind]:,} {kind.replace('_', ' ')}" for kind in _OUTCOMES if counts[kind]]
    say(f"{counts.total():,} records: {', '.join(parts) or 'none'}")
    return REFUSED_ROWS if counts["rejected"] else DONE


def _check(arguments: argparse.Namespace) -> None:
    if arguments.time_zone and zone_named(arguments.time_zone) is None:
        raise CannotRun(f"--time-zone {arguments.time_zone} is no IANA zone; write one like America/New_York")
    if arguments.county and not re.fullmatch(r"[0-9]{5}", arguments.county):
        raise CannotRun("--county is no FIPS code; write five digits, for example 42091")
    if not re.fullmatch(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", arguments.agency):
        raise CannotRun("--agency is no agency id; write lower-case letters, digits and hyphens")
    if arguments.profile and arguments.format not in {None, _AUTO}:
        raise CannotRun("--profile and --format are both given; the profile names what it is based on, so leave --format out")


def _feed(arguments: argparse.Namespace) -> Feed | None:
    """Return the format that the options name; None: each file's is told by its content."""
    if arguments.profile:
        return feed_of_profile(Path(arguments.profile))
    if arguments.format in {None, _AUTO}:
        return None
    if arguments.format == nemsis.FEED.name and arguments.nemsis_schemas is not None:
        try:
            return nemsis.validating(nemsis_check(arguments.nemsis_schemas))
        except UnusableSchemas as error:
            raise CannotRun(str(error)) from None
    return FEEDS[arguments.format]


class _Work:
    """What is known while the files are read: the revisions of every report, and the counts."""

    def __init__(self, arguments: argparse.Namespace, feed: Feed | None, output: IO[str], errors: IO[str] | None) -> None:
        self.counts: Counter[str] = Counter()
        self._feed = feed
        self._arguments = arguments
        self._received_at: datetime = arguments.received_at or datetime.now(UTC)
        self._output = output
        self._errors = errors
        self._dry_run = DryRun(output, as_json=arguments.as_json) if arguments.dry_run else None
        records, names = _keys(arguments)
        self._record_key = records.of(arguments.agency)
        try:
            self._classifier = classifier(names, vocabulary_file=arguments.vocabulary, definitions_file=arguments.definitions)
        except WrongData as error:
            raise CannotRun(str(error)) from None
        self._histories: dict[UUID, History] = {}
        self._files = 0

    def read(self, name: str) -> None:
        """Normalise one file."""
        self._files += 1
        with opened(name) as file, Progress(f"normalize {Path(name).name}", file.size, unit="bytes") as progress:
            feed = self._feed or self._recognised(file)
            source = self._source(file, feed)
            line = 1
            try:
                records = feed.records(file.stream, media_type(name, file.start, feed.splits), limit=_NO_LIMIT)
                for count, record in enumerate(records):
                    line = record.line
                    self._take(name, feed, record, source)
                    if count % _EVERY == 0:
                        progress.reach(file.done())
            except Rejected as rejected:
                self._refuse(name, line, rejected)
            progress.reach(file.size or file.done())

    def _recognised(self, file: OpenedFile) -> Feed:
        whole = file.stream.getvalue() if hasattr(file.stream, "getvalue") else file.start
        found = recognise(file.name, whole, FEEDS)
        if found is None:
            raise CannotRun(
                f"the format of {file.name} is none that is known; name it with --format, or describe its columns in a profile: "
                f"spikewatch profile propose {file.name}"
            )
        say(f"{file.name}: read as {found.feed.name}, because {found.why}")
        return found.feed

    def _take(self, name: str, feed: Feed, record: RawRecord, source: Source) -> None:
        if record.is_skipped:
            self._count(name, record.line, "not_an_overdose")
            return
        try:
            if record.rejected is not None:
                raise record.rejected
            reading = interpret(feed, record.fields, source, self._classifier)
        except Rejected as rejected:
            self._refuse(name, record.line, rejected)
            return
        settled: Settled | None = None
        if reading.report is not None:
            key = reading.report.report_key
            history = self._histories.setdefault(key, History(key))
            if isinstance(reading, NotAnOverdose):
                settled = settle_withdrawal(history, reading, record.index)
            else:
                settled = settle(history, reading, record.index)
        if settled is None:
            self._count(name, record.line, "not_an_overdose")
            return
        if settled.report is None:
            self._count(name, record.line, "duplicate")
            return
        self.counts["report"] += 1
        if self._dry_run is not None:
            self._dry_run.report(name, record.line, settled.report)
        else:
            self._output.write(settled.wire.decode() + "\n")

    def _count(self, name: str, line: int, outcome: str) -> None:
        self.counts[outcome] += 1
        if self._dry_run is not None:
            self._dry_run.other(name, line, outcome)

    def _refuse(self, name: str, line: int, rejected: Rejected) -> None:
        self.counts["rejected"] += 1
        row = _refusal(name, line, rejected)
        if self._dry_run is not None:
            self._dry_run.refused(row)
        if self._errors is not None:
            self._errors.write(json.dumps(row, ensure_ascii=False) + "\n")

    def _source(self, file: OpenedFile, feed: Feed) -> Source:
        arguments = self._arguments
        # The same files in the same order give the same ids; a file given twice is two submissions, the second all duplicates.
        mark = f"{self._files}-{zlib.crc32(file.start):08x}-{file.size or len(file.start)}"
        return Source(
            agency_id=arguments.agency,
            source_type=SourceType(arguments.source_type) if arguments.source_type else feed.default_source,
            received_at=self._received_at,
            submission_id=event_id(EventType.SUBMISSION_RECEIVED, arguments.agency, mark),
            format=feed.name,
            time_zone=arguments.time_zone,
            county_fips=arguments.county,
            record_key=self._record_key,
        )


def _keys(arguments: argparse.Namespace) -> tuple[RecordKeys, bytes]:
    """Return the keys of record ids and of unlisted names."""
    if not arguments.deployment_keys:
        return RecordKeys(FILE_KEY), FILE_KEY
    secret = hash_secret()
    if secret is None:
        raise CannotRun(f"--deployment-keys needs {SEAL_KEY} (and {HASH_KEY} where ingest has one): set it to ingest's")
    return RecordKeys(secret), names_key(secret)


def _refusal(name: str, line: int, rejected: Rejected) -> dict[str, Any]:
    return {
        "file": name,
        "line": line,
        "reason": rejected.fault.value,
        "field": rejected.field,
        "problem": rejected.problem,
        "expected": rejected.expected,
        "example": rejected.example,
    }


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("is no time; write 2026-05-01T00:00:00Z") from None
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError("has no time zone; write 2026-05-01T00:00:00Z")
    return moment
