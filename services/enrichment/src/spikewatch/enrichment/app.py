"""The composition root: wires geodata, store, use cases and subscriptions."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from opentelemetry import metrics

from spikewatch.chassis.kafka.subscription import Subscription
from spikewatch.chassis.runtime import Runtime
from spikewatch.contracts import topics
from spikewatch.contracts.decision import Decision
from spikewatch.enrichment.adapters.census_file import census_of
from spikewatch.enrichment.adapters.geodata.unusable import IndexUnusable
from spikewatch.enrichment.adapters.geodata_files import GeodataFiles
from spikewatch.enrichment.adapters.geojson_geography import GeographyError
from spikewatch.enrichment.adapters.matching_weights import load_weights
from spikewatch.enrichment.adapters.mongo_decisions import MongoDecisions
from spikewatch.enrichment.adapters.mongo_match_store import MongoMatchStore
from spikewatch.enrichment.adapters.review_desk import review_desk
from spikewatch.enrichment.decide import DecideMatches
from spikewatch.enrichment.decision_handlers import decide_handler, decision_message
from spikewatch.enrichment.domain.locate import Geodata
from spikewatch.enrichment.domain.public_point.publication import PublicPositions
from spikewatch.enrichment.handlers import locate_handler, match_handler
from spikewatch.enrichment.review import ReviewMatches
from spikewatch.enrichment.service import LocateReports, MatchReports
from spikewatch.enrichment.settings import EnrichmentSettings

__all__ = ["build"]

_log: Final = logging.getLogger(__name__)
_floods: Final = metrics.get_meter("spikewatch.enrichment").create_counter("spikewatch.match.floods", unit="{flood}")
_LOCATE_BATCH: Final = 2_000
# Matching asks the database as often for a large batch as for a small one, and tells an incident once whose reports came in one batch.
_MATCH_BATCH: Final = 5_000
_MATCH_BYTES: Final = 12 * 1024 * 1024
_LOOK_SECONDS: Final = 5.0


async def build(runtime: Runtime, settings: EnrichmentSettings) -> None:
    """Wire the service; called once, before anything is consumed."""
    files = GeodataFiles(settings.enrichment_geography, settings.enrichment_geodata)
    # Reading all counties takes about two seconds of CPU: off the loop, so that health checks are answered meanwhile.
    geodata = await asyncio.to_thread(files.load)
    masks = _masks(settings)
    place = LocateReports(geodata)
    store = MongoMatchStore(runtime.mongo, settings.enrichment_retention)
    decisions = MongoDecisions(runtime.mongo)
    await store.prepare()
    await decisions.prepare()
    weights = load_weights(settings.enrichment_weights)
    match = MatchReports(store, weights, masks(geodata), people=decisions, on_flood=_tell_flood)
    runtime.subscribe(Subscription(topics.REPORTS, "enrichment-locate", locate_handler(place), max_records=_LOCATE_BATCH))
    runtime.subscribe(
        Subscription(topics.LOCATED, "enrichment-match", match_handler(match), max_records=_MATCH_BATCH, max_bytes=_MATCH_BYTES)
    )
    runtime.subscribe(Subscription(topics.DECISIONS, "enrichment-decide", decide_handler(DecideMatches(decisions, match))))
    review = ReviewMatches(store, decisions, weights, publish=lambda decision: _publish(runtime, decision), now=runtime.clock)
    desk = review_desk(review, settings.enrichment_token)
    runtime.serve_http(desk, host=settings.enrichment_host, port=settings.enrichment_port)
    _log.info("reports are matched by these weights", extra={"weights": weights.label})
    runtime.every(_LOOK_SECONDS, lambda: _renew(files, place, match, masks), name="geodata")


def _tell_flood(agency: str, reports: int) -> None:
    _floods.add(1, {"spikewatch.agency": agency})
    _log.warning(
        "an agency sends too many reports of one place or call to be matched; each counts as an overdose of its own",
        extra={"agency": agency, "reports": reports},
    )


async def _publish(runtime: Runtime, decision: Decision) -> None:
    await runtime.publisher.send([decision_message(decision)])


def _masks(settings: EnrichmentSettings) -> Callable[[Geodata], PublicPositions | None]:
    """Return what makes the public positions on a map; none without their key."""
    if settings.enrichment_public_key is None or settings.enrichment_census is None:
        return lambda _geodata: None
    key, census = settings.enrichment_public_key.get_secret_value().encode(), census_of(settings.enrichment_census)
    return lambda geodata: PublicPositions(geodata.geography, census, key=key)


async def _renew(
    files: GeodataFiles, place: LocateReports, match: MatchReports, masks: Callable[[Geodata], PublicPositions | None]
) -> None:
    """Place by exchanged files from now on; unusable ones are told once, and those in use stay."""
    if not await asyncio.to_thread(files.is_exchanged):
        return
    try:
        geodata = await asyncio.to_thread(files.load)
    except (GeographyError, IndexUnusable) as error:
        _log.error("exchanged geodata cannot be used, the former stay in use", extra={"cause": str(error)})
        return
    place.use(geodata)
    match.use(masks(geodata))
    _log.info("geodata exchanged; `spikewatch geodata reapply` takes what was placed before", extra={"version": geodata.version})
