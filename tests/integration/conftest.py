"""Stacks for the tests across services."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from spikewatch_testing.pipeline import Pipeline


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """One running pipeline for all tests that break nothing; it uses the run's real servers."""
    pipeline = Pipeline.start(tmp_path_factory.mktemp("shared"))
    yield pipeline
    pipeline.stop()


@pytest.fixture
def pipeline(tmp_path: Path) -> Iterator[Pipeline]:
    """A pipeline of the test's own, whose servers it may kill, with batches small enough that a fault falls into the middle of one."""
    running = Pipeline.start(tmp_path, env={"SPIKEWATCH_BATCH_RECORDS": "50"}, own_servers=True)
    yield running
    running.stop()
