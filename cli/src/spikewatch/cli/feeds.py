"""``spikewatch feeds``: which feeds flow, which are silent, and how late, refused and complete each is."""

import argparse
import asyncio
from datetime import UTC, datetime
from typing import Any

from spikewatch.cli.exit_status import DONE, CannotRun
from spikewatch.cli.kafka_options import add_kafka_options, kafka_connection
from spikewatch.cli.tables import add_json_option, print_json, print_table

__all__ = ["add"]


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "feeds",
        help="tell which feeds flow, which are silent, and how late and complete they are",
        description="Every agency's feed as ingest judges it: counts are of the last seven days.",
        epilog="Example: spikewatch feeds --bootstrap 127.0.0.1:9092",
    )
    parser.add_argument("--agency", metavar="A", help="only the feeds of this agency, and how complete each of its fields is")
    add_kafka_options(parser)
    add_json_option(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from spikewatch.chassis.outcome import Transient  # noqa: PLC0415  # --help should not wait for the clients

    try:
        feeds = asyncio.run(_newest(arguments))
    except (Transient, LookupError) as error:
        raise CannotRun(str(error)) from None
    chosen = [feed for feed in feeds if arguments.agency in {None, feed["agency_id"]}]
    if arguments.as_json:
        print_json(chosen)
        return DONE
    if not chosen:
        print("No feed has sent yet." if arguments.agency is None else f"No feed of {arguments.agency} has sent yet.")
        return DONE
    now = datetime.now(UTC)
    print_table([_row(feed, now) for feed in chosen])
    if arguments.agency is not None:
        for feed in chosen:
            fields = [{"field": one["field"], "stated": _percent(one["share"])} for one in feed.get("completeness", [])]
            if fields:
                print_table(fields, title=f"\n{feed['feed']}: share of {feed['new_reports']} new reports that state a field")
    return DONE


async def _newest(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    from spikewatch.chassis.kafka.reader import read_all  # noqa: PLC0415
    from spikewatch.contracts import topics  # noqa: PLC0415
    from spikewatch.contracts.feed_health import FeedHealth  # noqa: PLC0415

    found: dict[str, dict[str, Any]] = {}
    async for record in read_all(kafka_connection(arguments), topics.FEEDS.name):
        key = (record.key or b"").decode()
        if record.value is None:
            found.pop(key, None)
        else:
            found[key] = FeedHealth.model_validate_json(record.value).model_dump(mode="json", exclude_none=True)
    return [found[key] for key in sorted(found)]


def _row(feed: dict[str, Any], now: datetime) -> dict[str, Any]:
    last = datetime.fromisoformat(feed["last_received_at"])
    gap = feed.get("declared_gap_s", feed.get("usual_gap_s"))
    new = feed["new_reports"]
    return {
        "feed": feed["feed"],
        "state": feed["state"],
        "last": f"{_span((now - last).total_seconds())} ago",
        "usual_pause": None if gap is None else _span(gap) + (" (declared)" if "declared_gap_s" in feed else ""),
        "records": feed["records"],
        "reports": feed["reports"],
        "refused": _percent(feed.get("error_rate")),
        "later_than_24_h": _percent(feed["later_than_24_h"] / new if new else None),
        "later_than_72_h": _percent(feed["later_than_72_h"] / new if new else None),
    }


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{share:.1%}"


def _span(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"
