"""Wires the service: settings and adapters into use cases, use cases into the runtime."""

import time
from datetime import timedelta
from functools import partial
from typing import Any

from spikewatch.alerts.adapters.contact_book import AskedContactBook, NoContactBook
from spikewatch.alerts.adapters.definitions_file import known_definitions
from spikewatch.alerts.adapters.feed_table import FeedTable
from spikewatch.alerts.adapters.grpc_directory import GrpcDirectory
from spikewatch.alerts.adapters.mongo_alerts import MongoAlertStore
from spikewatch.alerts.adapters.mongo_contacts import MongoContactMemory
from spikewatch.alerts.adapters.mongo_contributions import MongoAreaStore, MongoContributionStore
from spikewatch.alerts.adapters.mongo_delays import MongoDelayStore
from spikewatch.alerts.adapters.mongo_fanned import MongoFannedStore
from spikewatch.alerts.adapters.rule_table import RuleTable
from spikewatch.alerts.adapters.rules_file import read_rules, rules_of
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
from spikewatch.alerts.service.judge_switched_on import JudgeSwitchedOn
from spikewatch.alerts.service.judge_unsettled import JudgeUnsettled
from spikewatch.alerts.service.learn_delays import LearnDelays, corrected_kinds
from spikewatch.alerts.service.scan_clusters import ScanClusters
from spikewatch.alerts.service.tell_stories import TellStories
from spikewatch.alerts.service.withdraw_rules import WithdrawRules
from spikewatch.alerts.settings import AlertsSettings
from spikewatch.api.alerts.v1.rule_service_pb2_grpc import add_RuleServiceServicer_to_server
from spikewatch.chassis.grpc.client import connect
from spikewatch.chassis.runtime import Runtime
from spikewatch.contracts import topics

__all__ = ["build"]

_STEP_SECONDS = 30.0  # how often is looked whether a day, a week or a step of the scans has begun
_SWITCHED_SECONDS = 1.0  # how often is looked whether rules were exchanged: who switches one on waits for what it finds
_FORGOTTEN_SECONDS = 60.0  # how often unpublished alerts are looked for; only a crash leaves any


async def build(runtime: Runtime, settings: AlertsSettings) -> None:
    """Wire both subscriptions, the periodic work and the gRPC port.

    Raises:
        ValueError: a rule in the rules file is wrong, or the file of case definitions.
        OSError: the rules file cannot be read.
    """
    definitions = known_definitions(settings.alerts_definitions_file)
    table = RuleTable(read_rules(settings.alerts_rules, definitions), definitions)
    await runtime.read_table(topics.DIRECTORY, table.on_record)
    rulebook = table.settle()
    contributions = MongoContributionStore(runtime.mongo, runtime.clock)
    alerts = MongoAlertStore(runtime.mongo, runtime.clock)
    await contributions.prepare()
    await alerts.prepare()
    areas = MongoAreaStore(runtime.mongo)
    await areas.forget_unwatched(rulebook.area_kinds)

    feeds = FeedTable()
    await runtime.read_table(topics.FEEDS, feeds.on_record)

    is_live = settings.alerts_clock == "wall"
    delays = await _delays(runtime, contributions, feeds, rulebook) if is_live else None
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

    fan_out = FanOut(MongoFannedStore(runtime.mongo), rulebook.vicinities)
    withdraw = WithdrawRules(rulebook, alerts, contributions, runtime.publisher, clock=runtime.clock, is_live=is_live)
    switched = JudgeSwitchedOn(
        rulebook, contributions, areas, alerts, contacts, feeds, runtime.publisher, clock=runtime.clock, is_live=is_live
    )
    table.listen(evaluate.exchange, fan_out.exchange, withdraw.exchange, switched.exchange)

    runtime.subscribe(fan_out_subscription(fan_out))
    runtime.subscribe(evaluate_subscription(evaluate))
    if is_live:
        steps = BeginSteps(rulebook, cache, clock=runtime.clock)
        table.listen(steps.exchange)
        runtime.every(_STEP_SECONDS, steps, name="begin-steps")
    if delays is not None:
        corrected = [rule for rule in rulebook.rules if rule.is_corrected]
        unsettled = JudgeUnsettled(corrected, delays, contributions, areas, alerts, contacts, feeds, runtime.publisher, clock=runtime.clock)
        table.listen(delays.exchange, unsettled.exchange)
        runtime.every(_STEP_SECONDS, unsettled, name="judge-unsettled")
    runtime.every(_SWITCHED_SECONDS, switched, name="judge-switched-on")
    runtime.every(settings.alerts_close_seconds, quiet.close, name="close-quiet-alerts")
    runtime.every(settings.alerts_close_seconds, withdraw, name="withdraw-rules")
    stories = TellStories(alerts, runtime.publisher, clock=runtime.clock)
    runtime.every(settings.alerts_close_seconds, stories, name="tell-stories")
    runtime.every(_FORGOTTEN_SECONDS, quiet.publish_forgotten, name="publish-forgotten-alerts")
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
    table.listen(scan.exchange)
    runtime.every(_STEP_SECONDS, scan, name="scan-clusters")
    back_test = BackTest(table.rulebook, contributions, partial(rules_of, definitions=definitions), clock=runtime.clock)
    _serve_rules(runtime, settings, table, back_test)


async def _delays(runtime: Runtime, contributions: MongoContributionStore, feeds: FeedTable, rulebook: Rulebook) -> LearnDelays:
    store = MongoDelayStore(runtime.mongo, runtime.clock)
    await store.prepare()
    return LearnDelays(contributions, store, feeds, corrected_kinds(rulebook))


def _serve_rules(runtime: Runtime, settings: AlertsSettings, table: RuleTable, back_test: BackTest) -> None:
    servicer = RuleServicer(table.rulebook, back_test)
    table.listen(back_test.exchange, servicer.exchange)

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
