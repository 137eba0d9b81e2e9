"""Stacks for the tests across services."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from spikewatch_testing.pipeline import Pipeline

_OWN_SERVERS = ("SPIKEWATCH_KAFKA_BOOTSTRAP", "SPIKEWATCH_MONGODB_URI")


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """One running pipeline for all tests that break nothing; it uses the run's real servers."""
    pipeline = Pipeline.start(tmp_path_factory.mktemp("shared"))
    yield pipeline
    pipeline.stop()


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for a stack with servers of its own, which the test may kill."""
    for name in _OWN_SERVERS:
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def pipeline(own_folder: Path) -> Iterator[Pipeline]:
    """A pipeline of the test's own, with batches small enough that a fault falls into the middle of one."""
    running = Pipeline.start(own_folder, env={"SPIKEWATCH_BATCH_RECORDS": "50"})
    yield running
    running.stop()
