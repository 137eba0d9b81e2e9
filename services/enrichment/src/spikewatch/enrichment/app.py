"""The composition root: wires geography, store, use cases and subscriptions."""

import asyncio
from typing import Final

from spikewatch.chassis.kafka.subscription import Subscription
from spikewatch.chassis.runtime import Runtime
from spikewatch.contracts import topics
from spikewatch.enrichment.adapters.geography import load_atlas
from spikewatch.enrichment.adapters.mongo_match_store import MongoMatchStore
from spikewatch.enrichment.domain.locate import Geodata
from spikewatch.enrichment.handlers import locate_handler, match_handler
from spikewatch.enrichment.service import LocateReports, MatchReports
from spikewatch.enrichment.settings import EnrichmentSettings

__all__ = ["build"]

_BATCH: Final = 2_000  # matching asks the database as often for a large batch as for a small one


async def build(runtime: Runtime, settings: EnrichmentSettings) -> None:
    """Wire the service; called once, before anything is consumed."""
    # Reading all counties takes about two seconds of CPU: off the loop, so that health checks are answered meanwhile.
    atlas = await asyncio.to_thread(load_atlas, settings.enrichment_geography)
    store = MongoMatchStore(runtime.mongo, settings.enrichment_retention)
    await store.prepare()
    runtime.subscribe(Subscription(topics.REPORTS, "enrichment-locate", locate_handler(LocateReports(Geodata(atlas))), max_records=_BATCH))
    runtime.subscribe(Subscription(topics.LOCATED, "enrichment-match", match_handler(MatchReports(store)), max_records=_BATCH))
