"""The service is wired to its topics, with geography and indexes in place before anything is consumed."""

import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from spikewatch.chassis.clock import Clock, system_clock
from spikewatch.chassis.kafka.subscription import Subscription
from spikewatch.chassis.mongo import Mongo
from spikewatch.cli.county.geography import feature_collection
from spikewatch.contracts import topics
from spikewatch.enrichment.adapters.geojson_geography import GeographyError
from spikewatch.enrichment.adapters.matching_weights import load_weights
from spikewatch.enrichment.app import build
from spikewatch.enrichment.settings import EnrichmentSettings


@dataclass
class RecordingRuntime:
    mongo: Mongo
    subscriptions: list[Subscription] = field(default_factory=list)  # type: ignore[type-arg]  # of two topics
    served: list[tuple[str, int]] = field(default_factory=list)
    clock: Clock = system_clock
    repeated: dict[str, Callable[[], Awaitable[None]]] = field(default_factory=dict)

    def subscribe(self, subscription: Subscription) -> None:  # type: ignore[type-arg]
        self.subscriptions.append(subscription)

    def serve_http(self, app: object, *, host: str, port: int) -> None:
        assert app is not None
        self.served.append((host, port))

    def every(self, seconds: float, work: Callable[[], Awaitable[None]], *, name: str) -> None:
        del seconds
        self.repeated[name] = work


def settings(folder: Path) -> EnrichmentSettings:
    return EnrichmentSettings(kafka_bootstrap="127.0.0.1:1", mongodb_uri="mongodb://127.0.0.1:1", enrichment_geography=folder)


@pytest.mark.integration
async def test_build_subscribes_to_its_topics_and_creates_the_indexes(mongo: Mongo, tmp_path: Path) -> None:
    square = {"type": "Polygon", "coordinates": [[[-80, 40], [-79, 40], [-79, 41], [-80, 41], [-80, 40]]]}
    feature = {"type": "Feature", "properties": {"area": "county:99001", "name": "Cedar"}, "geometry": square}
    (tmp_path / "cedar.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}), encoding="utf-8")
    runtime = RecordingRuntime(mongo)
    await build(runtime, settings(tmp_path))  # type: ignore[arg-type]  # the members that build uses
    assert {(one.topic, one.group) for one in runtime.subscriptions} == {
        (topics.REPORTS, "enrichment-locate"),
        (topics.LOCATED, "enrichment-match"),
        (topics.DECISIONS, "enrichment-decide"),
    }
    assert all(one.group in one.topic.consumers for one in runtime.subscriptions)
    assert runtime.served == [("127.0.0.1", 0)], "reviewers come from this machine only, unless the operator says otherwise"
    assert runtime.repeated.keys() == {"geodata"}
    indexed = {name: await mongo.collection(name).aggregate([{"$indexStats": {}}]) for name in ("reports", "incidents", "decisions")}
    assert {index["name"] for index in indexed["reports"]} == {"_id_", "blocks_1", "expires_at_1"}
    assert {index["name"] for index in indexed["incidents"]} == {"_id_", "keys_1", "aliases_1", "expires_at_1"}
    assert {index["name"] for index in indexed["decisions"]} == {"_id_", "keys_1", "undoes_1"}


async def test_wrong_geography_stops_the_start(tmp_path: Path) -> None:
    runtime = RecordingRuntime(Mongo("mongodb://127.0.0.1:1", "never_reached"))
    with pytest.raises(GeographyError):
        await build(runtime, settings(tmp_path))  # type: ignore[arg-type]
    assert runtime.subscriptions == []
    runtime.mongo.close()


def test_weights_of_a_file_are_used_and_wrong_ones_refused_by_their_name_before_anything_starts(tmp_path: Path) -> None:
    given = settings(tmp_path).model_dump()
    file = tmp_path / "weights.json"
    file.write_text(load_weights("neutral").to_json(), encoding="utf-8")
    assert load_weights(EnrichmentSettings(**given | {"enrichment_weights": str(file)}).enrichment_weights).name == "neutral"
    assert EnrichmentSettings(**given).enrichment_weights == "learnt"
    file.write_text('{"format": 1, "colour": "red"}', encoding="utf-8")
    with pytest.raises(ValueError, match=r"weights\.json: .*colour"):
        EnrichmentSettings(**given | {"enrichment_weights": str(file)})
    with pytest.raises(ValueError, match=r"nowhere\.json cannot be read.*learnt or neutral"):
        EnrichmentSettings(**given | {"enrichment_weights": str(tmp_path / "nowhere.json")})


@pytest.mark.integration
async def test_reports_are_matched_by_the_weights_that_are_named(mongo: Mongo, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "cedar.geojson").write_text(json.dumps(feature_collection()), encoding="utf-8")
    file = tmp_path / "weights.json"
    named = replace(load_weights("neutral"), name="cedar")
    file.write_text(named.to_json(), encoding="utf-8")
    with caplog.at_level(logging.INFO, logger="spikewatch.enrichment.app"):
        runtime = RecordingRuntime(mongo)
        await build(runtime, settings(tmp_path).model_copy(update={"enrichment_weights": str(file)}))  # type: ignore[arg-type]
    assert [one.weights for one in caplog.records if hasattr(one, "weights")] == [named.label]


def test_a_review_beyond_this_machine_needs_a_token(tmp_path: Path) -> None:
    given = settings(tmp_path).model_dump() | {"enrichment_host": "0.0.0.0"}  # noqa: S104  # what is refused
    with pytest.raises(ValueError, match="SPIKEWATCH_ENRICHMENT_TOKEN must be set"):
        EnrichmentSettings(**given)
    assert EnrichmentSettings(**given | {"enrichment_token": "a-long-token"}).enrichment_token is not None
