"""Wires the service: settings and adapters into use cases, use cases into the runtime."""

import time
from datetime import timedelta

from spikewatch.alerts.adapters.contact_book import AskedContactBook, NoContactBook
from spikewatch.alerts.adapters.feed_table import FeedTable
from spikewatch.alerts.adapters.grpc_directory import GrpcDirectory
from spikewatch.alerts.adapters.mongo_alerts import MongoAlertStore
from spikewatch.alerts.adapters.mongo_contacts import MongoContactMemory
from spikewatch.alerts.adapters.mongo_contributions import MongoAreaStore, MongoContributionStore
from spikewatch.alerts.adapters.mongo_fanned import MongoFannedStore
from spikewatch.alerts.adapters.rules_file import read_rules
from spikewatch.alerts.handlers import evaluate_subscription, fan_out_subscription
from spikewatch.alerts.ports import ContactBook
from spikewatch.alerts.service.area_cache import AreaCache
from spikewatch.alerts.service.close_quiet import CloseQuiet
from spikewatch.alerts.service.evaluate import Evaluate
from spikewatch.alerts.service.fan_out import FanOut
from spikewatch.alerts.settings import AlertsSettings
from spikewatch.chassis.grpc.client import connect
from spikewatch.chassis.runtime import Runtime
from spikewatch.contracts import topics

__all__ = ["build"]

_FORGOTTEN_SECONDS = 60.0  # how often unpublished alerts are looked for; only a crash leaves any


async def build(runtime: Runtime, settings: AlertsSettings) -> None:
    """Wire both subscriptions and the periodic work.

    Raises:
        ValueError: a rule in the rules file is wrong.
        OSError: the rules file cannot be read.
    """
    rulebook = read_rules(settings.alerts_rules)
    contributions = MongoContributionStore(runtime.mongo, runtime.clock)
    alerts = MongoAlertStore(runtime.mongo, runtime.clock)
    await contributions.prepare()
    await alerts.prepare()
    areas = MongoAreaStore(runtime.mongo)
    await areas.forget_unwatched(rulebook.area_kinds)

    feeds = FeedTable()
    await runtime.read_table(topics.FEEDS, feeds.on_record)

    is_live = settings.alerts_clock == "wall"
    evaluate = Evaluate(
        rulebook,
        contributions,
        areas,
        alerts,
        _contact_book(runtime, settings),
        feeds,
        AreaCache(settings.alerts_cached_overdoses),
        clock=runtime.clock,
        is_live=is_live,
    )
    quiet = CloseQuiet(alerts, contributions, runtime.publisher, clock=runtime.clock, is_live=is_live)
    # what a crash left; what another instance is publishing at this moment may go out twice, with the same id
    await quiet.publish_forgotten(older_than=timedelta(0))

    runtime.subscribe(fan_out_subscription(FanOut(MongoFannedStore(runtime.mongo))))
    runtime.subscribe(evaluate_subscription(evaluate))
    runtime.every(settings.alerts_close_seconds, quiet.close, name="close-quiet-alerts")
    runtime.every(_FORGOTTEN_SECONDS, quiet.publish_forgotten, name="publish-forgotten-alerts")


def _contact_book(runtime: Runtime, settings: AlertsSettings) -> ContactBook:
    if settings.alerts_directory_address is None:
        return NoContactBook()
    deadline = timedelta(seconds=settings.alerts_directory_timeout_seconds)
    channel = connect(settings.alerts_directory_address, token=settings.alerts_directory_token, deadline=deadline)
    runtime.on_stop(channel.close)
    directory = GrpcDirectory(channel, timeout_seconds=settings.alerts_directory_timeout_seconds)
    memory = MongoContactMemory(runtime.mongo)
    return AskedContactBook(directory, memory, ttl_seconds=settings.alerts_contacts_ttl_seconds, elapsed=time.monotonic)
