"""``spikewatch geodata reapply``: what the geodata of today make of stored reports, shown first, then published."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from spikewatch.chassis.outcome import Transient
from spikewatch.cli.exit_status import DONE, REFUSED_ROWS, CannotRun
from spikewatch.cli.kafka_options import add_kafka_options, kafka_connection
from spikewatch.cli.progress import Progress, say
from spikewatch.cli.tables import add_json_option, print_json, print_table
from spikewatch.contracts import topics
from spikewatch.contracts.report import LocatedReport
from spikewatch.enrichment.adapters.geodata.unusable import IndexUnusable
from spikewatch.enrichment.adapters.geodata_files import GeodataFiles
from spikewatch.enrichment.adapters.geojson_geography import GeographyError
from spikewatch.enrichment.adapters.us_geography import UsGeographyMissing
from spikewatch.enrichment.domain.locate import Geodata
from spikewatch.enrichment.domain.reapplication import Reapplication

__all__ = ["add_reapply"]

_INDEX: Final = "SPIKEWATCH_ENRICHMENT_GEODATA"
_GEOGRAPHY: Final = "SPIKEWATCH_ENRICHMENT_GEOGRAPHY"


def add_reapply(steps: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the step."""
    parser = steps.add_parser(
        "reapply",
        help="place stored reports anew by an index and areas, and show what would change",
        description="Place the newest revision of every stored report by the index and areas of today, and show what would change. With "
        "--apply, publish the located reports that differ; incidents, contributions and alerts follow. Running it again changes nothing. "
        "Let the service take up the same files first (it does within seconds), so that new reports are placed alike.",
        epilog="Example: spikewatch geodata reapply --index town.geoindex; then the same with --apply",
    )
    parser.add_argument("--apply", action="store_true", help="publish the located reports that differ")
    parser.add_argument(
        "--index", type=Path, metavar="INDEX", default=_path(_INDEX), help=f"index, or folder of indexes (default: ${_INDEX})"
    )
    parser.add_argument(
        "--geography",
        type=Path,
        metavar="FOLDER",
        default=_path(_GEOGRAPHY),
        help=f"folder of areas (default: ${_GEOGRAPHY}, else the packaged counties and ZIP codes)",
    )
    add_kafka_options(parser)
    add_json_option(parser)
    parser.set_defaults(run=run)


def _path(name: str) -> Path | None:
    text = os.environ.get(name)
    return Path(text) if text else None


def run(arguments: argparse.Namespace) -> int:
    """Show what would change, and with ``--apply`` change it.

    Raises:
        CannotRun: the geodata cannot be used, or Kafka does not answer.
    """
    try:
        geodata = GeodataFiles(arguments.geography, arguments.index).load()
    except (GeographyError, IndexUnusable, UsGeographyMissing) as error:
        raise CannotRun(str(error)) from None
    try:
        counts = asyncio.run(_reapplied(arguments, geodata))
    except LookupError as error:
        raise CannotRun(str(error)) from None
    except Transient as error:
        raise CannotRun(f"Kafka does not answer ({error}); nothing is lost, run it again") from None
    _show(arguments, counts)
    return REFUSED_ROWS if counts.overtaken else DONE


async def _reapplied(arguments: argparse.Namespace, geodata: Geodata) -> Reapplication:
    # Imported here: only this step needs the drivers, and --help stays fast.
    from spikewatch.chassis.kafka.publisher import Publisher  # noqa: PLC0415
    from spikewatch.chassis.kafka.reader import read_all  # noqa: PLC0415
    from spikewatch.enrichment.handlers import located_message  # noqa: PLC0415
    from spikewatch.enrichment.reapply import reapply  # noqa: PLC0415

    connection = kafka_connection(arguments)
    publisher = Publisher(connection)

    async def publish(located: Sequence[LocatedReport]) -> None:
        await publisher.send(map(located_message, located))

    def read(topic: topics.Topic) -> Any:
        return lambda: read_all(connection, topic.name)

    if arguments.apply:
        await publisher.start()
    try:
        with Progress("reapply", None) as progress:
            return await reapply(geodata, read(topics.REPORTS), read(topics.LOCATED), publish if arguments.apply else None, progress.reach)
    finally:
        if arguments.apply:
            await publisher.stop()


def _show(arguments: argparse.Namespace, counts: Reapplication) -> None:
    document = counts.document()
    if arguments.as_json:
        print_json(document)
    else:
        for title, name in (("precision", "precision"), ("areas", "areas")):
            if document[name]:
                print_table(document[name], title=title)
    done = "are placed otherwise" if arguments.apply else "would be placed otherwise"
    say(
        f"{counts.changed:,} of {counts.reports:,} reports {done}, {counts.moved_county:,} of them in another county"
        + (f"; {counts.overtaken:,} were placed by newer geodata and stay" if counts.overtaken else "")
        + ("" if arguments.apply or not counts.changed else "; --apply does it")
    )
    sys.stdout.flush()
