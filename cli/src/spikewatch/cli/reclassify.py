"""``spikewatch reclassify``: what today's vocabulary and case definitions make of stored reports, shown first, then published."""

import argparse
import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from spikewatch.chassis.kafka.message import Record
from spikewatch.chassis.outcome import Transient
from spikewatch.cli.exit_status import DONE, REFUSED_ROWS, CannotRun
from spikewatch.cli.ingest_secrets import HASH_KEY, SEAL_KEY, hash_secret
from spikewatch.cli.kafka_options import add_kafka_options, kafka_connection
from spikewatch.cli.progress import say
from spikewatch.cli.tables import add_json_option, print_json, print_table
from spikewatch.contracts import topics
from spikewatch.contracts.report import Report
from spikewatch.ingest.domain.classification import Classifier
from spikewatch.ingest.domain.numbered_yaml import WrongData
from spikewatch.ingest.domain.reclassification import Changes, Reclassification
from spikewatch.ingest.domain.seal import fingerprint, names_key
from spikewatch.ingest.reclassify import Applied, apply, latest, renumbered
from spikewatch.ingest.terminology import FILE_KEY, classifier

__all__ = ["add"]

_URI: Final = "SPIKEWATCH_MONGODB_URI"
_VOCABULARY: Final = "SPIKEWATCH_INGEST_VOCABULARY_FILE"
_DEFINITIONS: Final = "SPIKEWATCH_INGEST_DEFINITIONS_FILE"
_DATABASE: Final = "spikewatch_ingest"
_SHOWN: Final = ("gained", "lost")


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "reclassify",
        help="apply the vocabulary and case definitions of today to stored reports",
        description="Apply the drug vocabulary and the case definitions to the evidence of stored reports and show what would change. "
        "With --apply, publish new revisions of the reports that change; ingest counts them, and running it again changes nothing. "
        "Restart ingest with the same files first, so that new reports are read alike.",
        epilog="Example: spikewatch reclassify --definitions definitions.yaml; then the same with --apply",
    )
    parser.add_argument("--apply", action="store_true", help="publish new revisions (with --reports: write them to --output)")
    parser.add_argument(
        "--vocabulary", metavar="FILE", default=os.environ.get(_VOCABULARY), help=f"default: ${_VOCABULARY}, else the shipped one"
    )
    parser.add_argument(
        "--definitions", metavar="FILE", default=os.environ.get(_DEFINITIONS), help=f"default: ${_DEFINITIONS}, else the shipped ones"
    )
    parser.add_argument("--reports", metavar="FILE", type=Path, help="read JSON lines of reports from FILE instead of the topic")
    parser.add_argument("-o", "--output", metavar="FILE", help="with --reports and --apply: where the reports are written, all of them")
    parser.add_argument("--mongodb", metavar="URI", default=os.environ.get(_URI), help=f"MongoDB of ingest (default: ${_URI})")
    parser.add_argument("--database", default=_DATABASE, help=f"its database (default: {_DATABASE})")
    add_kafka_options(parser)
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Show what would change, and with ``--apply`` change it.

    Raises:
        CannotRun: an option is wrong, or a server does not answer.
    """
    if arguments.reports is not None:
        return _file(arguments)
    secret = _secret()
    try:
        return asyncio.run(_topic(arguments, secret))
    except LookupError as error:
        raise CannotRun(str(error)) from None
    except Transient as error:
        raise CannotRun(f"Kafka or MongoDB does not answer ({error}); nothing is lost, run it again") from None


def _classifier(arguments: argparse.Namespace, key: bytes) -> Classifier:
    try:
        return classifier(key, vocabulary_file=arguments.vocabulary, definitions_file=arguments.definitions)
    except WrongData as error:
        raise CannotRun(str(error)) from None


def _secret() -> bytes:
    secret = hash_secret()
    if secret is None:
        raise CannotRun(f"set {SEAL_KEY} (and {HASH_KEY} where ingest has one) to ingest's: unlisted names are hashed under it")
    return secret


def _compared(found: list[Report], using: Classifier) -> tuple[Changes, list[tuple[Report, Report]]]:
    changes, changed = Changes(), []
    reclassification = Reclassification(using)
    for report in found:
        after = reclassification.of(report)
        changes.note(report, after)
        if after is not report:
            changed.append((report, after))
    return changes, changed


async def _topic(arguments: argparse.Namespace, secret: bytes) -> int:
    # Imported here: only this step needs the drivers, and --help stays fast.
    from spikewatch.chassis.kafka.reader import read_all  # noqa: PLC0415

    connection = kafka_connection(arguments)
    using = _classifier(arguments, names_key(secret))
    newest: dict[bytes | None, tuple[int, Record]] = {}
    unread = 0
    # Only bytes are held: a report as an object takes many times its size.
    async for record in read_all(connection, topics.REPORTS.name):
        report = _report(record.value or b"")
        if report is None:
            unread += 1
        elif report.revision >= newest.get(record.key, (0, record))[0]:
            newest[record.key] = (report.revision, record)
    found = [report for _, record in newest.values() if (report := _report(record.value or b"")) is not None]
    changes, changed = _compared(found, using)
    applied = await _publish(arguments, secret, changed) if arguments.apply and changed else None
    _show(arguments, changes, unread, applied)
    return REFUSED_ROWS if unread or (applied is not None and applied.overtaken) else DONE


async def _publish(arguments: argparse.Namespace, secret: bytes, changed: list[tuple[Report, Report]]) -> Applied:
    from datetime import UTC, datetime, timedelta  # noqa: PLC0415

    from spikewatch.chassis.kafka.publisher import Publisher  # noqa: PLC0415
    from spikewatch.chassis.mongo import Mongo  # noqa: PLC0415
    from spikewatch.ingest.adapters.mongo_revisions import MongoRevisions  # noqa: PLC0415
    from spikewatch.ingest.adapters.mongo_seal_mark import HASHES, MongoSealMark  # noqa: PLC0415

    if not arguments.mongodb:
        raise CannotRun(f"no MongoDB is named: give --mongodb URI or set {_URI} (`spikewatch status` shows the local stack's)")
    mongo = Mongo(arguments.mongodb, arguments.database)
    publisher = Publisher(kafka_connection(arguments))
    try:
        if not await MongoSealMark(mongo).fits(fingerprint(secret), HASHES):
            raise CannotRun(f"{HASH_KEY} or {SEAL_KEY} is not the key that this ingest hashes under")
        retention = timedelta(days=int(os.environ.get("SPIKEWATCH_INGEST_REVISION_DAYS", "400")))
        revisions = MongoRevisions(mongo, retention=retention, now=lambda: datetime.now(UTC))
        await revisions.prepare()
        await publisher.start()
        return await apply(changed, revisions, publisher)
    finally:
        await publisher.stop()
        mongo.close()


def _file(arguments: argparse.Namespace) -> int:
    if arguments.apply and not arguments.output:
        raise CannotRun("--apply with --reports writes a file: name it with --output FILE")
    secret = hash_secret()
    key = FILE_KEY if secret is None else names_key(secret)
    using = _classifier(arguments, key)
    counted: list[int] = []
    found = latest(_lines(arguments.reports, counted))
    changes, changed = _compared(found, using)
    if arguments.apply:
        afters = {before.report_key: renumbered(after, before.revision + 1) for before, after in changed}
        try:
            with Path(arguments.output).open("wb") as output:
                output.writelines(afters.get(report.report_key, report).to_json() + b"\n" for report in found)
        except OSError as error:
            raise CannotRun(f"{arguments.output} cannot be written ({type(error).__name__}); check its folder") from None
    _show(arguments, changes, len(counted), Applied(len(changed), 0) if arguments.apply else None)
    return REFUSED_ROWS if counted else DONE


def _lines(path: Path, unread: list[int]) -> Iterator[Report]:
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                report = _report(line)
                if report is None:
                    unread.append(number)
                else:
                    yield report
    except OSError as error:
        raise CannotRun(f"{path} cannot be read ({type(error).__name__}); check its path") from None


def _report(value: bytes) -> Report | None:
    try:
        return Report.model_validate_json(value)
    except ValidationError:
        return None


def _show(arguments: argparse.Namespace, changes: Changes, unread: int, applied: Applied | None) -> None:
    document = {**changes.document(), "unreadable": unread}
    if applied is not None:
        document |= {"published": applied.published, "overtaken": applied.overtaken}
    if arguments.as_json:
        print_json(document)
    else:
        for title, name in (("case definitions", "definitions"), ("drugs", "drugs")):
            if document[name]:
                print_table(document[name], title=title)
    would = "would change" if applied is None else "changed"
    say(
        f"{changes.changed:,} of {changes.reports:,} reports {would} ({changes.withdrawn:,} taken back, {changes.restored:,} brought back)"
        + (f"; {unread:,} could not be read" if unread else "")
        + (f"; {applied.overtaken:,} were changed by their agency meanwhile: run it again" if applied and applied.overtaken else "")
        + ("; --apply does it" if applied is None and changes.changed else "")
    )
    sys.stdout.flush()
