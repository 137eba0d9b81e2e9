"""The composition root: wires geodata, store, use cases and subscriptions."""

import asyncio
import logging
from typing import Final

from spikewatch.chassis.kafka.subscription import Subscription
from spikewatch.chassis.runtime import Runtime
from spikewatch.contracts import topics
from spikewatch.enrichment.adapters.geodata.unusable import IndexUnusable
from spikewatch.enrichment.adapters.geodata_files import GeodataFiles
from spikewatch.enrichment.adapters.geojson_geography import GeographyError
from spikewatch.enrichment.adapters.mongo_match_store import MongoMatchStore
from spikewatch.enrichment.handlers import locate_handler, match_handler
from spikewatch.enrichment.service import LocateReports, MatchReports
from spikewatch.enrichment.settings import EnrichmentSettings

__all__ = ["build"]

_log: Final = logging.getLogger(__name__)
_BATCH: Final = 2_000  # matching asks the database as often for a large batch as for a small one
_LOOK_SECONDS: Final = 5.0


async def build(runtime: Runtime, settings: EnrichmentSettings) -> None:
    """Wire the service; called once, before anything is consumed."""
    files = GeodataFiles(settings.enrichment_geography, settings.enrichment_geodata)
    # Reading all counties takes about two seconds of CPU: off the loop, so that health checks are answered meanwhile.
    place = LocateReports(await asyncio.to_thread(files.load))
    store = MongoMatchStore(runtime.mongo, settings.enrichment_retention)
    await store.prepare()
    runtime.subscribe(Subscription(topics.REPORTS, "enrichment-locate", locate_handler(place), max_records=_BATCH))
    runtime.subscribe(Subscription(topics.LOCATED, "enrichment-match", match_handler(MatchReports(store)), max_records=_BATCH))
    runtime.every(_LOOK_SECONDS, lambda: _renew(files, place), name="geodata")


async def _renew(files: GeodataFiles, place: LocateReports) -> None:
    """Place by exchanged files from now on; unusable ones are told once, and those in use stay."""
    if not await asyncio.to_thread(files.is_exchanged):
        return
    try:
        geodata = await asyncio.to_thread(files.load)
    except (GeographyError, IndexUnusable) as error:
        _log.error("exchanged geodata cannot be used, the former stay in use", extra={"cause": str(error)})
        return
    place.use(geodata)
    _log.info("geodata exchanged; `spikewatch geodata reapply` takes what was placed before", extra={"version": geodata.version})
