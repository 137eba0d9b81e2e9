"""Stores, a clock that is set by hand, and the directory over them."""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import pytest_asyncio

from spikewatch.chassis.mongo import Mongo
from spikewatch.directory.adapters.mongo_record_store import MongoRecordStore
from spikewatch.directory.service import Directory
from spikewatch.directory.testing import InMemoryRecordStore

START = datetime(2026, 5, 1, 12, tzinfo=UTC)


@dataclass
class HandClock:
    """Goes on by one second with each look."""

    now: datetime = field(default=START)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def memory() -> InMemoryRecordStore:
    return InMemoryRecordStore()


@pytest.fixture
def directory(memory: InMemoryRecordStore, clock: HandClock) -> Directory:
    return Directory(memory, clock=clock, wake=lambda: None)


async def _mongo_store() -> AsyncIterator[MongoRecordStore]:
    uri = os.environ.get("SPIKEWATCH_MONGODB_URI")
    if not uri:
        pytest.skip("SPIKEWATCH_MONGODB_URI is not set: no real MongoDB to test against")
    mongo = Mongo(uri, f"test_directory_{uuid4().hex[:12]}")
    store = MongoRecordStore(mongo)
    try:
        await store.prepare()
        yield store
    finally:
        await mongo.drop()
        mongo.close()


@pytest_asyncio.fixture(params=["memory", pytest.param("mongo", marks=pytest.mark.integration)])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[InMemoryRecordStore | MongoRecordStore]:
    if request.param == "memory":
        yield InMemoryRecordStore()
        return
    async for real in _mongo_store():
        yield real
