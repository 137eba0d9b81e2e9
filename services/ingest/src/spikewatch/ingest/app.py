"""Wires ingest: the gateway on one side of the submissions topic, the normaliser on the other."""

import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Final
from uuid import uuid4

from spikewatch.chassis.kafka.subscription import Subscription
from spikewatch.chassis.outcome import CannotStart, Reason
from spikewatch.chassis.runtime import Runtime
from spikewatch.contracts import topics
from spikewatch.ingest.adapters.agency_table import AgencyTable
from spikewatch.ingest.adapters.counted_receipts import CountedReceipts
from spikewatch.ingest.adapters.feed_metrics import FeedMetrics
from spikewatch.ingest.adapters.gateway import GatewayLimits, gateway
from spikewatch.ingest.adapters.hl7_desk import Hl7Desk, Senders
from spikewatch.ingest.adapters.mllp import MllpLimits, MllpListener, server_tls
from spikewatch.ingest.adapters.mongo_api_keys import MongoApiKeys
from spikewatch.ingest.adapters.mongo_feed_books import MongoFeedBooks
from spikewatch.ingest.adapters.mongo_receipts import MongoReceipts
from spikewatch.ingest.adapters.mongo_revisions import MongoRevisions
from spikewatch.ingest.adapters.mongo_seal_mark import HASHES, MongoSealMark
from spikewatch.ingest.adapters.nemsis_schemas import UnusableSchemas, feeds_checked_by
from spikewatch.ingest.credentials import Credentials
from spikewatch.ingest.domain.feeds import hl7_adt
from spikewatch.ingest.domain.feeds.feed import Feed
from spikewatch.ingest.domain.numbered_yaml import WrongData
from spikewatch.ingest.domain.seal import RecordKeys, Seals, fingerprint, master_secret, names_key
from spikewatch.ingest.domain.submission_id import SubmissionIds
from spikewatch.ingest.feed_watch import FeedWatch
from spikewatch.ingest.handlers import normalise_submissions, trusts_trace
from spikewatch.ingest.intake import Intake
from spikewatch.ingest.quarantine import Quarantine
from spikewatch.ingest.reception import Reception
from spikewatch.ingest.service import GROUP, Normaliser
from spikewatch.ingest.settings import IngestSettings
from spikewatch.ingest.terminology import classifier

__all__ = ["build"]

# What agencies write says nothing about us: a flood of one agency's bad records must not stop the records of all others.
_OUR_FAULTS: Final = frozenset({Reason.UNEXPECTED_ERROR})

_BATCH_BYTES: Final = 2 * 1024 * 1024  # a submission of 2 MiB may hold ten thousand reports, each ten times as large in memory
_ENTER_SECONDS: Final = 5.0
_JUDGE_SECONDS: Final = 20.0

# With another key every waiting submission would be dead-lettered as unproven.
_OTHER_SEAL_KEY: Final = (
    "SPIKEWATCH_INGEST_SEAL_KEY is not the key that waiting submissions were sealed with: give that key. To change it on purpose, stop the "
    "gateways, let the topic drain, set SPIKEWATCH_INGEST_HASH_KEY to the former key so that ids stay, then remove the document 'master' "
    "of seal_marks in ingest's database"
)
# With another key every record with a hashed id would come again as a new report.
_OTHER_HASH_KEY: Final = (
    "the ids of stored reports were hashed under another key: set SPIKEWATCH_INGEST_HASH_KEY to it (unset, it is the seal key). "
    "To change it on purpose, remove the document 'hashes' of seal_marks in ingest's database; what agencies send again then counts as new"
)


async def build(runtime: Runtime, settings: IngestSettings) -> None:
    """Wire the service into its runtime."""
    keys = MongoApiKeys(runtime.mongo)
    receipts = MongoReceipts(runtime.mongo, retention=timedelta(days=settings.ingest_receipt_days))
    revisions = MongoRevisions(runtime.mongo, retention=timedelta(days=settings.ingest_revision_days), now=runtime.clock)
    for store in (keys, receipts, revisions):
        await store.prepare()

    agencies = AgencyTable(settings.ingest_agency_patience_seconds)
    await runtime.read_table(topics.DIRECTORY, agencies.on_record)

    secret = master_secret(settings.ingest_seal_key.get_secret_value())
    if not await MongoSealMark(runtime.mongo).fits(fingerprint(secret)):
        raise CannotStart(_OTHER_SEAL_KEY)
    hashes = secret if settings.ingest_hash_key is None else master_secret(settings.ingest_hash_key.get_secret_value())
    if not await MongoSealMark(runtime.mongo).fits(fingerprint(hashes), HASHES):
        raise CannotStart(_OTHER_HASH_KEY)
    seals = Seals(secret, os.urandom)
    intake = Intake(seals=seals, agencies=agencies, accept_unsealed=settings.ingest_accept_unsealed, now=runtime.clock)
    counted = CountedReceipts(receipts)
    watch = FeedWatch(books=MongoFeedBooks(runtime.mongo), agencies=agencies, publisher=runtime.publisher, now=runtime.clock)
    FeedMetrics(lambda: watch.judged)
    runtime.every(_ENTER_SECONDS, watch.enter, name="enter-feeds")
    runtime.every(_JUDGE_SECONDS, watch.publish, name="judge-feeds")
    runtime.on_stop(watch.enter)
    try:
        terminology = classifier(
            names_key(hashes), vocabulary_file=settings.ingest_vocabulary_file, definitions_file=settings.ingest_definitions_file
        )
    except WrongData as error:
        raise CannotStart(str(error)) from None
    normaliser = Normaliser(
        intake=intake,
        seals=seals,
        revisions=revisions,
        receipts=counted,
        classifier=terminology,
        record_key=RecordKeys(hashes).of,
        max_records=settings.ingest_max_records,
        feeds=_feeds(settings),
        profiles=agencies,
        watch=watch.note,
    )
    runtime.subscribe(
        Subscription(
            topics.SUBMISSIONS,
            GROUP,
            normalise_submissions(normaliser),
            max_bytes=_BATCH_BYTES,
            trusts_trace=trusts_trace,
            circuit_reasons=_OUR_FAULTS,
            wrapping=Quarantine(seals, lambda agency: agencies.get(agency) is not None),
        )
    )

    credentials = Credentials(
        keys,
        fresh_for=timedelta(seconds=settings.ingest_key_fresh_seconds),
        stale_for=timedelta(seconds=settings.ingest_key_stale_seconds),
    )
    reception = Reception(
        credentials=credentials,
        agencies=agencies,
        profiles=agencies,
        seals=seals,
        ids=SubmissionIds(secret, os.urandom),
        publisher=runtime.publisher,
        receipts=receipts,
        max_records=settings.ingest_max_records,
        publish_seconds=settings.ingest_publish_seconds,
        now=runtime.clock,
    )
    runtime.serve_http(
        gateway(reception, GatewayLimits(settings.ingest_max_body_bytes, settings.ingest_body_seconds)),
        host=settings.ingest_host,
        port=settings.ingest_port,
        certificate=settings.ingest_tls_cert_file,
        key=settings.ingest_tls_key_file,
    )
    if settings.ingest_mllp_port is not None:
        await _listen_for_hl7(runtime, settings, reception, agencies)


def _feeds(settings: IngestSettings) -> Mapping[str, Feed]:
    try:
        return feeds_checked_by(settings.ingest_nemsis_schemas)
    except UnusableSchemas as error:
        raise CannotStart(f"SPIKEWATCH_INGEST_NEMSIS_SCHEMAS: {error}") from None


async def _listen_for_hl7(runtime: Runtime, settings: IngestSettings, reception: Reception, agencies: AgencyTable) -> None:
    assert settings.ingest_mllp_port is not None  # noqa: S101  # the caller asked
    desk = Hl7Desk(
        reception,
        agencies,
        Senders(settings.ingest_mllp_senders, settings.ingest_mllp_agency),
        feed=hl7_adt.FEED,
        max_bytes=settings.ingest_max_body_bytes,
        now=runtime.clock,
        control_id=lambda: uuid4().hex[:20],
    )
    limits = MllpLimits(
        message_bytes=settings.ingest_max_body_bytes,
        connections=settings.ingest_mllp_max_connections,
        idle_seconds=settings.ingest_mllp_idle_seconds,
        message_seconds=settings.ingest_mllp_message_seconds,
    )
    try:
        tls = server_tls(settings.ingest_mllp_tls_cert_file, settings.ingest_mllp_tls_key_file, settings.ingest_mllp_tls_client_ca_file)
        listener = MllpListener(desk.take, limits, host=settings.ingest_mllp_host, port=settings.ingest_mllp_port, tls=tls)
    except OSError as error:  # ssl's errors are of that kind too
        raise CannotStart(f"the MLLP listener cannot be opened ({type(error).__name__}); check its host, port and TLS files") from None
    await listener.start()
    runtime.on_stop(lambda: listener.stop(settings.drain_seconds))
    runtime.announce("mllp", listener.port)
