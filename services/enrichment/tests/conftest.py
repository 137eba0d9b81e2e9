import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from shapely.geometry import Point, box

from spikewatch.chassis.mongo import Mongo
from spikewatch.contracts import identifiers
from spikewatch.contracts.report import LocatedReport, Location, Report, Victims
from spikewatch.contracts.vocabulary import PlacePrecision, Sex, SourceType, TimeBasis, TimePrecision
from spikewatch.enrichment.adapters.mongo_decisions import MongoDecisions
from spikewatch.enrichment.adapters.mongo_match_store import MongoMatchStore
from spikewatch.enrichment.decide import DecisionStore
from spikewatch.enrichment.domain.geography import Atlas, Place
from spikewatch.enrichment.domain.locate import Geodata, locate
from spikewatch.enrichment.ports import MatchStore
from spikewatch.enrichment.testing import InMemoryDecisions, InMemoryMatchStore

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)

# A county that does not exist, one degree wide, with a neighbour, a ZIP code, a neighbourhood and a ZIP code known by a point only.
PLACES = (
    Place("county:99001", "Cedar", box(-80, 40, -79, 41)),
    Place("county:99003", "Alder", box(-79, 40, -78, 41)),
    Place("zip:99901", "Cedar Falls", box(-79.6, 40.4, -79.4, 40.6)),
    Place("zip:99902", "Upper Cedar", Point(-79.2, 40.2)),
    Place("neighborhood:old-mill", "Old Mill", box(-79.51, 40.49, -79.49, 40.51)),
)


@pytest.fixture(scope="session")
def atlas() -> Atlas:
    return Atlas(PLACES)


@pytest.fixture(scope="session")
def report() -> Callable[..., Report]:
    def build(record: str = "1", agency: str = "cedar-ems", *, revision: int = 1, minutes: float = 0.0, **changed: Any) -> Report:
        age, sex = changed.pop("age", None), changed.pop("sex", Sex.UNKNOWN)
        place = changed.pop("location", {"lat": 40.5, "lon": -79.5, "precision": PlacePrecision.POINT})
        values: dict[str, Any] = {
            "report_id": identifiers.report_id(agency, record, revision),
            "report_key": identifiers.report_key(agency, record),
            "source_agency_id": agency,
            "source_record_id": record,
            "revision": revision,
            "source_type": SourceType.EMS,
            "occurred_at": NOON + timedelta(minutes=minutes),
            "occurred_at_basis": TimeBasis.DISPATCH,
            "occurred_at_precision": TimePrecision.SECOND,
            "received_at": NOON + timedelta(days=1),
            "location": Location(**place),
            "victims": Victims(age=age, sex=sex, count=changed.pop("count", None)),
            "submission_id": UUID(int=revision),
            "submission_format": "json",
        }
        return Report(**(values | changed))

    return build


@pytest.fixture(scope="session")
def located(atlas: Atlas, report: Callable[..., Report]) -> Callable[..., LocatedReport]:
    def build(*arguments: Any, **changed: Any) -> LocatedReport:
        return locate([report(*arguments, **changed)], Geodata(atlas))[0]

    return build


@asynccontextmanager
async def _own_database() -> AsyncIterator[Mongo]:
    uri = os.environ.get("SPIKEWATCH_MONGODB_URI")
    if not uri:
        pytest.skip("SPIKEWATCH_MONGODB_URI is not set: no MongoDB to test against")
    database = Mongo(uri, f"enrichment_test_{uuid4().hex}")
    try:
        yield database
    finally:
        await database.drop()
        database.close()


@pytest.fixture
async def mongo() -> AsyncIterator[Mongo]:
    async with _own_database() as database:
        yield database


@pytest.fixture(params=["memory", pytest.param("mongo", marks=pytest.mark.integration)])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[MatchStore]:
    if request.param == "memory":
        yield InMemoryMatchStore()
        return
    async with _own_database() as database:
        kept = MongoMatchStore(database, timedelta(days=400))
        await kept.prepare()
        yield kept


@pytest.fixture(params=["memory", pytest.param("mongo", marks=pytest.mark.integration)])
async def decisions(request: pytest.FixtureRequest) -> AsyncIterator[DecisionStore]:
    if request.param == "memory":
        yield InMemoryDecisions()
        return
    async with _own_database() as database:
        kept = MongoDecisions(database)
        await kept.prepare()
        yield kept
