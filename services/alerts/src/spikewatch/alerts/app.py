"""Wires the service: settings and adapters into use cases, use cases into the runtime."""

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from spikewatch.alerts.adapters.contact_book import AskedContactBook, NoContactBook
from spikewatch.alerts.adapters.feed_table import FeedTable
from spikewatch.alerts.adapters.grpc_directory import GrpcDirectory
from spikewatch.alerts.adapters.mongo_alerts import MongoAlertStore
from spikewatch.alerts.adapters.mongo_contacts import MongoContactMemory
from spikewatch.alerts.adapters.mongo_contributions import MongoAreaStore, MongoContributionStore
from spikewatch.alerts.adapters.mongo_delays import MongoDelayStore
from spikewatch.alerts.adapters.mongo_fanned import MongoFannedStore
from spikewatch.alerts.adapters.rules_file import read_rules, rules_of
from spikewatch.alerts.domain.rule import Rule
from spikewatch.alerts.domain.rulebook import Rulebook
from spikewatch.alerts.handlers.rule_calls import SERVICE_NAME, RuleServicer
from spikewatch.alerts.handlers.subscriptions import evaluate_subscription, fan_out_subscription
from spikewatch.alerts.ports import ContactBook
from spikewatch.alerts.service.area_cache import AreaCache
from spikewatch.alerts.service.back_test import BackTest
from spikewatch.alerts.service.begin_steps import BeginSteps
from spikewatch.alerts.service.close_quiet import CloseQuiet
from spikewatch.alerts.service.evaluate import Evaluate
from spikewatch.alerts.service.fan_out import FanOut
from spikewatch.alerts.service.judge_unsettled import JudgeUnsettled
from spikewatch.alerts.service.learn_delays import LearnDelays
from spikewatch.alerts.service.scan_clusters import ScanClusters
from spikewatch.alerts.service.tell_stories import TellStories
from spikewatch.alerts.settings import AlertsSettings
from spikewatch.api.alerts.v1.rule_service_pb2_grpc import add_RuleServiceServicer_to_server
from spikewatch.chassis.grpc.client import connect
from spikewatch.chassis.runtime import Runtime
from spikewatch.contracts import topics

__all__ = ["build"]

_STEP_SECONDS = 30.0  # how often is looked whether a day, a week or a step of the scans has begun
_FORGOTTEN_SECONDS = 60.0  # how often unpublished alerts are looked for; only a crash leaves any


async def build(runtime: Runtime, settings: AlertsSettings) -> None:
    """Wire both subscriptions, the periodic work and the gRPC port.

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
    corrected = [rule for rule in rulebook.rules if rule.is_corrected] if is_live else []
    delays = await _delays(runtime, contributions, feeds, corrected) if corrected else None
    cache = AreaCache(settings.alerts_cached_overdoses)
    contacts = _contact_book(runtime, settings)
    evaluate = Evaluate(
        rulebook,
        contributions,
        areas,
        alerts,
        contacts,
        feeds,
        cache,
        clock=runtime.clock,
        is_live=is_live,
        delays=delays,
    )
    quiet = CloseQuiet(alerts, contributions, runtime.publisher, clock=runtime.clock, is_live=is_live)
    # what a crash left; what another instance is publishing at this moment may go out twice, with the same id
    await quiet.publish_forgotten(older_than=timedelta(0))

    runtime.subscribe(fan_out_subscription(FanOut(MongoFannedStore(runtime.mongo), rulebook.vicinities)))
    runtime.subscribe(evaluate_subscription(evaluate))
    if is_live:
        runtime.every(_STEP_SECONDS, BeginSteps(rulebook, cache, clock=runtime.clock), name="begin-steps")
    if delays is not None:
        unsettled = JudgeUnsettled(corrected, delays, contributions, areas, alerts, contacts, feeds, runtime.publisher, clock=runtime.clock)
        runtime.every(_STEP_SECONDS, unsettled, name="judge-unsettled")
    runtime.every(settings.alerts_close_seconds, quiet.close, name="close-quiet-alerts")
    stories = TellStories(alerts, runtime.publisher, clock=runtime.clock)
    runtime.every(settings.alerts_close_seconds, stories, name="tell-stories")
    runtime.every(_FORGOTTEN_SECONDS, quiet.publish_forgotten, name="publish-forgotten-alerts")
    if rulebook.scheduled:
        scan = ScanClusters(
            rulebook,
            contributions,
            alerts,
            contacts,
            feeds,
            runtime.publisher,
            clock=runtime.clock,
            every_seconds=settings.alerts_scan_seconds,
            is_live=is_live,
        )
        runtime.every(_STEP_SECONDS, scan, name="scan-clusters")
    _serve_rules(runtime, settings, rulebook, contributions)


async def _delays(runtime: Runtime, contributions: MongoContributionStore, feeds: FeedTable, corrected: Sequence[Rule]) -> LearnDelays:
    store = MongoDelayStore(runtime.mongo, runtime.clock)
    await store.prepare()
    return LearnDelays(contributions, store, feeds, {kind for rule in corrected for kind in rule.kinds_watched})


def _serve_rules(runtime: Runtime, settings: AlertsSettings, rulebook: Rulebook, contributions: MongoContributionStore) -> None:
    back_test = BackTest(rulebook, contributions, rules_of, clock=runtime.clock)
    servicer = RuleServicer(rulebook, back_test)

    def register(server: Any) -> None:
        add_RuleServiceServicer_to_server(servicer, server)

    runtime.serve_grpc(
        register,
        host=settings.alerts_host,
        port=settings.alerts_port,
        names=(SERVICE_NAME,),
        token=settings.alerts_token,
        reflection=settings.alerts_reflection,
    )
    runtime.on_stop(back_test.close)


def _contact_book(runtime: Runtime, settings: AlertsSettings) -> ContactBook:
    if settings.alerts_directory_address is None:
        return NoContactBook()
    deadline = timedelta(seconds=settings.alerts_directory_timeout_seconds)
    channel = connect(settings.alerts_directory_address, token=settings.alerts_directory_token, deadline=deadline)
    runtime.on_stop(channel.close)
    directory = GrpcDirectory(channel, timeout_seconds=settings.alerts_directory_timeout_seconds)
    memory = MongoContactMemory(runtime.mongo)
    return AskedContactBook(directory, memory, ttl_seconds=settings.alerts_contacts_ttl_seconds, elapsed=time.monotonic)
