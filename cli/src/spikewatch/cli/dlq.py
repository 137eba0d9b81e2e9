"""``spikewatch dlq``: look at dead letters and replay them."""

import argparse
import asyncio
import getpass
import os
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from spikewatch.chassis.kafka.message import Record
from spikewatch.chassis.kafka.replay import Letter, Selection, dead_letter_topics, letters, replay
from spikewatch.chassis.outcome import Reason, Transient
from spikewatch.cli.exit_status import CannotRun
from spikewatch.cli.kafka_options import add_kafka_options, kafka_connection
from spikewatch.cli.progress import Progress, say
from spikewatch.cli.tables import add_json_option, print_json, print_table

__all__ = ["add"]

_SEAL_KEY = "SPIKEWATCH_INGEST_SEAL_KEY"


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "dlq",
        help="list, show and replay dead letters",
        description="Dead letters: records a service could not process, with the reason; replay restores them byte for byte.",
        epilog="Example: spikewatch dlq replay --reason unexpected-error --dry-run",
    )
    steps = parser.add_subparsers(title="steps", metavar="STEP", required=True)
    for name, summary, run in (
        ("ls", "list dead letters, or count them by reason", _ls),
        ("show", "show one dead letter with its headers", _show),
        ("replay", "publish dead letters back to the topic they came from", _replay),
    ):
        step = steps.add_parser(name, help=summary, description=summary, epilog=f"Example: spikewatch dlq {_EXAMPLES[name]}")
        step.set_defaults(run=run)
        add_kafka_options(step)
        add_json_option(step)
        _add_selection(step, name)
        if name == "ls":
            step.add_argument("--counts", action="store_true", help="only how many, by topic and reason")
        if name == "show":
            step.add_argument("--body", metavar="FILE", help="write the value to FILE, byte for byte (- for standard output)")
            step.add_argument(
                "--open", action="store_true", help=f"show the record, and write the body, as its sender wrote them; needs ${_SEAL_KEY}"
            )
        if name == "replay":
            step.add_argument("--dry-run", action="store_true", help="say what would be replayed, and do nothing")
            step.add_argument("--rate", type=float, metavar="N", help="at most N records a second")
            step.add_argument("--by", default=getpass.getuser(), help="who replays, for the entry left in the topic")


_EXAMPLES = {
    "ls": "ls --reason invalid-field --since 24h",
    "show": "show 0b7f7a1e",
    "replay": "replay --group ingest-normalise --rate 100",
}


def _add_selection(step: argparse.ArgumentParser, name: str) -> None:
    if name == "show":
        step.add_argument("id", help="the letter's id, or its first characters")
    else:
        step.add_argument("--id", default=None, help="only the letter with this id, or these first characters")
    step.add_argument("--topic", help="only letters of this source topic")
    step.add_argument("--group", help="only letters of this consumer group")
    step.add_argument("--reason", choices=[reason.value for reason in Reason], metavar="REASON", help=f"one of {', '.join(Reason)}")
    step.add_argument("--key", help="only records with this key")
    step.add_argument("--since", type=_moment, metavar="WHEN", help="failed at or after: 24h, 7d, or 2026-05-01T00:00:00Z")
    step.add_argument("--until", type=_moment, metavar="WHEN", help="failed before")
    step.add_argument("--all", action="store_true", help="also letters that were replayed already")


def _moment(text: str) -> datetime:
    units = {"m": "minutes", "h": "hours", "d": "days"}
    if text[-1:] in units and text[:-1].isdigit():
        return datetime.now(UTC) - timedelta(**{units[text[-1]]: int(text[:-1])})
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("is no time; write 24h, 7d or 2026-05-01T00:00:00Z") from None
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError("has no time zone; write 2026-05-01T00:00:00Z")
    return moment


async def _selected(arguments: argparse.Namespace) -> list[Letter]:
    selection = Selection(
        reason=arguments.reason,
        group=arguments.group,
        key=arguments.key,
        since=arguments.since,
        until=arguments.until,
        id_prefix=arguments.id,
        includes_replayed=arguments.all or arguments.run is _show,
    )
    try:
        return await letters(kafka_connection(arguments), dead_letter_topics(arguments.topic), selection)
    except LookupError as error:
        raise CannotRun(str(error)) from None
    except Transient as error:
        raise CannotRun(f"Kafka at {arguments.bootstrap} does not answer ({error}); is it running?") from None


def _row(letter: Letter) -> dict[str, Any]:
    cause = letter.cause
    return {
        "id": str(cause.id),
        "failed_at": cause.failed_at.isoformat(timespec="seconds"),
        "reason": cause.reason,
        "field": cause.field,
        "problem": cause.problem,
        "topic": cause.topic,
        "partition": cause.partition,
        "offset": cause.offset,
        "group": cause.group,
        "replayed_at": letter.replayed_at.isoformat(timespec="seconds") if letter.replayed_at else None,
    }


def _ls(arguments: argparse.Namespace) -> int:
    found = asyncio.run(_selected(arguments))
    if arguments.counts:
        counted = Counter((letter.cause.topic, letter.cause.group, letter.cause.reason) for letter in found)
        rows = [
            {"topic": topic, "group": group, "reason": reason, "letters": count}
            for (topic, group, reason), count in sorted(counted.items())
        ]
    else:
        rows = [_row(letter) for letter in found]
    if arguments.as_json:
        print_json(rows)
    elif rows:
        shown = [{**row, "id": str(row["id"])[:8]} if "id" in row else row for row in rows]
        print_table(shown, None if arguments.counts else ("id", "failed_at", "reason", "field", "problem", "group", "replayed_at"))
    if not rows:
        say("no dead letters")
    return 0


def _show(arguments: argparse.Namespace) -> int:
    found = asyncio.run(_selected(arguments))
    if len(found) != 1:
        raise CannotRun(f"{len(found)} letters match {arguments.id}; `spikewatch dlq ls --all` lists their ids")
    letter = found[0]
    record, value = _opened(letter.record) if arguments.open else (letter.record, letter.record.value)
    if arguments.body == "-":
        sys.stdout.buffer.write(value or b"")
        return 0
    if arguments.body:
        Path(arguments.body).write_bytes(value or b"")
    headers = [
        {"header": name, "value": None if content is None else content.decode(errors="backslashreplace")}
        for name, content in record.headers
    ]
    shown = {**_row(letter), "expected": letter.cause.expected, "example": letter.cause.example, "exception": letter.cause.exception}
    shown |= {"service": letter.cause.service, "value_bytes": None if value is None else len(value)}
    if arguments.as_json:
        print_json({**shown, "headers": headers})
    else:
        print_table([{"field": name, "value": content} for name, content in shown.items()])
        print_table(headers, title="headers")
    return 0


def _opened(record: Record) -> tuple[Record, bytes]:
    # Imported here: only this needs cryptography, and --help stays fast.
    from spikewatch.ingest.domain.seal import Seals, master_secret  # noqa: PLC0415
    from spikewatch.ingest.quarantine import body, with_original  # noqa: PLC0415

    text = os.environ.get(_SEAL_KEY)
    if not text:
        raise CannotRun(f"--open needs the master secret that ingest runs with: set {_SEAL_KEY} to it")
    try:
        seals = Seals(master_secret(text), os.urandom)
    except ValueError as error:
        raise CannotRun(f"{_SEAL_KEY} {error}") from None
    shown = with_original(seals, record)
    return shown, body(seals, shown)


def _replay(arguments: argparse.Namespace) -> int:
    async def work() -> int:
        chosen = await _selected(arguments)
        if arguments.dry_run:
            counted = Counter((letter.cause.topic, letter.cause.reason) for letter in chosen)
            for (topic, reason), count in sorted(counted.items()):
                say(f"would replay {count} {reason} to {topic}")
            return len(chosen)
        with Progress("replay", len(chosen)) as progress:
            return await replay(kafka_connection(arguments), chosen, by=arguments.by, per_second=arguments.rate, on_progress=progress.reach)

    count = asyncio.run(work())
    if arguments.as_json:
        print_json({"replayed": 0 if arguments.dry_run else count, "selected": count})
    else:
        say(f"{'selected' if arguments.dry_run else 'replayed'} {count} dead letter(s)")
    return 0
