"""``spikewatch submit``: send a feed's files to the gateway, paced as you like, and tell what became of every record."""

import argparse
import asyncio
import gzip
import itertools
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import httpx

from spikewatch.chassis.clock import system_clock
from spikewatch.cli.exit_status import DONE, REFUSED_ROWS, CannotRun
from spikewatch.cli.progress import Progress, say
from spikewatch.cli.replay.bodies import Body, read_bodies
from spikewatch.cli.replay.gateway import Answer, Gateway
from spikewatch.cli.replay.outcomes import Tally, follow_receipts
from spikewatch.cli.replay.pace import Pace
from spikewatch.cli.replay.sending import send
from spikewatch.cli.stack import stack_file
from spikewatch.cli.stack.folder_option import add_folder_option
from spikewatch.cli.tables import add_json_option, print_json, print_table
from spikewatch.ingest.domain.csv_rows import csv_rows
from spikewatch.ingest.domain.feeds import FEEDS
from spikewatch.ingest.domain.feeds.feed import Feed
from spikewatch.ingest.domain.xlsx_rows import XLSX, xlsx_rows

__all__ = ["add"]

_KEY: Final = "SPIKEWATCH_AGENCY_KEY"
_URL: Final = "SPIKEWATCH_GATEWAY_URL"
_DEFAULT_FORMAT: Final = "statutory"
_RECORDS: Final = 500  # a body of about 150 kB: few requests, and a refused body costs little
_RECORDS_PACED: Final = 20  # small bodies, so that the replay flows instead of jumping
_REQUEST_S: Final = 30.0


@dataclass(slots=True)
class _Sent:
    """What the gateway said so far."""

    accepted: int = 0
    status_urls: list[str] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    errors: list[dict[str, Any]] = field(default_factory=list)
    _lines: dict[str, tuple[str, tuple[int, ...]]] = field(default_factory=dict)

    def take(self, file: str, body: Body, answer: Answer) -> None:
        if answer.status_url is not None and answer.submission_id is not None:
            self.accepted += answer.records
            self.status_urls.append(answer.status_url)
            self._lines[answer.submission_id] = (file, body.lines)
            return
        problem = answer.problem
        self.refused[str(problem.get("title", "refused"))] += answer.records
        where = {"file": file, "line": body.lines[0] if body.lines else None, "records": answer.records}
        faults = problem.get("errors") or [{"problem": problem.get("detail") or problem.get("title")}]
        self.errors += [where | fault for fault in faults]

    def place(self, refusal: dict[str, Any]) -> dict[str, Any]:
        """Return a receipt's refusal with the file and the line that it is about."""
        file, lines = self._lines[refusal["submission_id"]]
        index = refusal["index"]
        return {"file": file, "line": lines[index] if index is not None and index < len(lines) else None, **refusal}


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError("expected a number above 0, for example 60")
    return value


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 100_000:
        raise argparse.ArgumentTypeError("expected a whole number from 1 to 100000")
    return int(text)


def _zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise argparse.ArgumentTypeError("expected an IANA time zone, for example America/New_York") from None


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the parser of the verb."""
    parser = verbs.add_parser(
        "submit",
        help="send a feed's files to the gateway and tell what became of every record",
        description="Send files to the gateway as an agency would. Sending the same file again counts nothing twice.",
        epilog="Example: spikewatch submit --agency cedar-county-ems --key-file ems.key --wait county/feeds/cedar-county-ems.jsonl",
    )
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help=".csv, .json, .jsonl, .xml, .hl7, .xlsx, each also .gz; - is standard input"
    )
    parser.add_argument("--agency", required=True, metavar="A", help="id of the agency that sends")
    parser.add_argument("--key-file", type=Path, metavar="FILE", help=f"file that holds the agency's key (else ${_KEY})")
    parser.add_argument("--format", metavar="F", choices=list(FEEDS), help=f"feed format (default: statutory): {', '.join(FEEDS)}")
    parser.add_argument("--profile", metavar="NAME", help="a profile that the directory keeps for the agency, in place of a format")
    parser.add_argument("--url", metavar="URL", help=f"the gateway (else ${_URL}, else the stack in --folder)")
    add_folder_option(parser)
    pace = parser.add_mutually_exclusive_group()
    pace.add_argument("--speed", type=_positive, metavar="X", help="X seconds of event time a second (default: as fast as it goes)")
    pace.add_argument("--rate", type=_positive, metavar="N", help="N records a second")
    parser.add_argument(
        "--time-zone", type=_zone, default=ZoneInfo("UTC"), metavar="ZONE", help="zone of times without one, for --speed only"
    )
    parser.add_argument("--records", type=_count, metavar="N", help=f"records in one request (default {_RECORDS}, paced {_RECORDS_PACED})")
    parser.add_argument("--concurrency", type=_count, default=1, metavar="N", help="requests at a time; more than 1 may change the order")
    parser.add_argument("--patience", type=_positive, default=30.0, metavar="S", help="seconds to wait for a busy gateway (default 30)")
    parser.add_argument("--wait", action="store_true", help="wait until every record is processed, and tell what each became")
    parser.add_argument("--wait-seconds", type=_positive, default=120.0, metavar="S", help="how long --wait waits (default 120)")
    parser.add_argument("--errors", type=Path, metavar="FILE", help="write every refusal to FILE as JSON lines")
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Send the files; return the exit status."""
    return asyncio.run(_run(arguments))


async def _run(arguments: argparse.Namespace) -> int:
    if arguments.profile is not None and arguments.format is not None:
        raise CannotRun("--profile and --format are both given; the profile names what it is based on, so leave --format out.")
    sent = _Sent()
    tally: Tally | None = None
    limits = httpx.Limits(max_connections=arguments.concurrency + 1)
    async with httpx.AsyncClient(base_url=_url(arguments), timeout=_REQUEST_S, limits=limits) as client:
        gateway = Gateway(
            client, _key(arguments), arguments.format or _DEFAULT_FORMAT, profile=arguments.profile, patience=arguments.patience
        )
        pace = Pace(arguments.speed, arguments.rate, latest=system_clock())
        for file in arguments.files:
            await _send_file(arguments, gateway, pace, file, sent)
        if arguments.wait:
            with Progress("processed", sent.accepted) as progress:
                tally = await follow_receipts(gateway, sent.status_urls, timeout=arguments.wait_seconds, on_processed=progress.advance)
    return _summary(arguments, sent, tally)


async def _send_file(arguments: argparse.Namespace, gateway: Gateway, pace: Pace, file: str, sent: _Sent) -> None:
    records = arguments.records or (_RECORDS_PACED if arguments.speed or arguments.rate else _RECORDS)
    with Progress(f"submit {file}", _lines(file)) as progress:

        def take(body: Body, answer: Answer) -> None:
            sent.take(file, body, answer)
            progress.advance(body.records)

        bodies = read_bodies(file, records=records, zone=arguments.time_zone, feed=_feed(arguments))
        await send(gateway, arguments.agency, bodies, pace=pace, concurrency=arguments.concurrency, on_answer=take)


def _feed(arguments: argparse.Namespace) -> Feed:
    if arguments.profile is None:
        return FEEDS[arguments.format or _DEFAULT_FORMAT]
    # Any table: its columns are known to the gateway alone.
    columns = {"text/csv": csv_rows(required=(), header=""), XLSX: xlsx_rows(required=(), header="")}
    return replace(FEEDS[_DEFAULT_FORMAT], splits={**FEEDS[_DEFAULT_FORMAT].splits, **columns})


def _lines(file: str) -> int | None:
    """Count the lines for the bar's total; None where lines say nothing."""
    name = file.removesuffix(".gz")
    if file == "-" or not name.endswith((".csv", ".jsonl", ".ndjson")):
        return None
    try:
        with gzip.open(file) if file.endswith(".gz") else Path(file).open("rb") as opened:
            lines = sum(chunk.count(b"\n") for chunk in _chunks(opened))
    except OSError:
        return None  # the sender says what is wrong with the file
    return max(0, lines - 1) if name.endswith(".csv") else lines


def _chunks(file: Any) -> Iterator[bytes]:
    return itertools.takewhile(bool, iter(lambda: file.read(1 << 20), None))


def _url(arguments: argparse.Namespace) -> str:
    url: str | None = arguments.url or os.environ.get(_URL)
    if url is None:
        url = stack_file.read(arguments.folder).ingest_url
    if url is None:
        raise CannotRun(f"the stack in {arguments.folder} has no gateway; start one with `spikewatch up`, or give --url.")
    if not url.startswith(("http://", "https://")):
        raise CannotRun("--url is no address of a gateway; give one such as http://127.0.0.1:8080.")
    return url


def _key(arguments: argparse.Namespace) -> str:
    if arguments.key_file is not None:
        try:
            key = str(arguments.key_file.read_text(encoding="utf-8")).strip()
        except (OSError, UnicodeDecodeError) as error:
            raise CannotRun(
                f"{arguments.key_file} cannot be read ({getattr(error, 'strerror', None) or 'no text'}); check the path."
            ) from None
    else:
        key = os.environ.get(_KEY, "").strip()
    if not key or not key.isascii() or not key.isprintable():
        raise CannotRun(f"no key is given; put it into a file and give --key-file, or set {_KEY}.")
    return key


def _summary(arguments: argparse.Namespace, sent: _Sent, tally: Tally | None) -> int:
    rows = [{"outcome": "accepted", "records": sent.accepted}]
    rows += [{"outcome": f"refused: {title}", "records": count} for title, count in sorted(sent.refused.items())]
    errors = list(sent.errors)
    refused = sent.refused.total()
    if tally is not None:
        rows += [{"outcome": f"  became {name}", "records": count} for name, count in sorted(tally.counts.items())]
        errors += [sent.place(refusal) for refusal in tally.refused]
        refused += len(tally.refused)
    if arguments.as_json:
        print_json({"accepted": sent.accepted, "refused": dict(sent.refused), "outcomes": dict(tally.counts) if tally else None})
    else:
        print_table(rows)
    if arguments.errors is not None:
        arguments.errors.write_text("".join(json.dumps(error) + "\n" for error in errors), encoding="utf-8")
    if refused:
        where = f"; each is in {arguments.errors}" if arguments.errors is not None else "; give --errors FILE to have each with its reason"
        say(f"{refused:,} records were refused{where}.")
        return REFUSED_ROWS
    if sys.stderr.isatty() and tally is None:
        say("accepted means stored; --wait tells what each record became.")
    return DONE
