"""Nothing acknowledged is lost and nothing stands twice, whatever is killed in the middle of the work."""

from collections.abc import Callable

import pytest
from spikewatch_testing.history import under_load
from spikewatch_testing.pipeline import Pipeline, wait_until

pytestmark = [pytest.mark.integration, pytest.mark.slow(250)]


Fault = Callable[[], None]


def survive(pipeline: Pipeline, *faults: Fault, between: int = 150) -> dict[str, int]:
    """Inject the faults one after the other while records flow; the notes are compared at the end."""
    with under_load(pipeline) as load:
        load.wait_for(between)
        for fault in faults:
            fault()
            load.wait_for(between)
    return load.figures


def test_every_service_killed_in_mid_batch_loses_nothing(pipeline: Pipeline) -> None:
    def kill(name: str) -> Fault:
        def fault() -> None:
            (service,) = pipeline.stack.instances_of(name)
            service.kill()
            service.start()

        return fault

    figures = survive(pipeline, *(kill(name) for name in ("ingest", "enrichment", "alerts", "directory", "enrichment", "alerts")))
    assert figures["acknowledged"] >= 1_000


def test_the_broker_killed_under_load_loses_nothing(pipeline: Pipeline) -> None:
    def fault() -> None:
        assert pipeline.stack.kafka is not None
        pipeline.stack.kafka.kill()
        pipeline.stack.kafka.start()

    survive(pipeline, fault, fault)
    assert all(service.is_live() for service in pipeline.stack.services)


def test_the_database_killed_under_load_loses_nothing(pipeline: Pipeline) -> None:
    def fault() -> None:
        assert pipeline.stack.mongo is not None
        pipeline.stack.mongo.kill()
        pipeline.stack.mongo.start()

    survive(pipeline, fault, fault)
    wait_until(lambda: all(service.is_ready() for service in pipeline.stack.services), "every service is ready again")


def test_everything_killed_at_once_loses_nothing(pipeline: Pipeline) -> None:
    def fault() -> None:
        stack = pipeline.stack
        assert stack.kafka is not None
        assert stack.mongo is not None
        for service in stack.services:
            service.kill()
        stack.kafka.kill()
        stack.mongo.kill()
        stack.mongo.start()
        stack.kafka.start()
        for service in stack.services:
            service.launch()
        for service in stack.services:
            service.wait_ready()

    survive(pipeline, fault)
