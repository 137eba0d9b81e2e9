"""What delays are counted from, and where the counts are kept: the fakes promise what MongoDB keeps."""

import os
from uuid import uuid4

import pytest

from spikewatch.alerts.adapters.mongo_contributions import MongoContributionStore
from spikewatch.alerts.adapters.mongo_delays import MongoDelayStore
from spikewatch.alerts.domain.contributed import contributed_of, held_of
from spikewatch.alerts.domain.first_told import DayTold
from spikewatch.alerts.domain.instants import DAY, micros
from spikewatch.alerts.testing import InMemoryContributionStore, InMemoryDelayStore
from spikewatch.chassis.mongo import Mongo


@pytest.fixture(params=["memory", pytest.param("mongodb", marks=pytest.mark.integration)])
async def stores(request, make):
    if request.param == "memory":
        yield InMemoryContributionStore(), InMemoryDelayStore()
        return
    uri = os.environ.get("SPIKEWATCH_MONGODB_URI")
    if not uri:
        pytest.skip("SPIKEWATCH_MONGODB_URI names no MongoDB")
    mongo = Mongo(uri, f"alerts_test_{uuid4().hex}")
    contributions, delays = MongoContributionStore(mongo, lambda: make.at(0)), MongoDelayStore(mongo, lambda: make.at(0))
    await contributions.prepare()
    await delays.prepare()
    yield contributions, delays
    await mongo.drop()
    mongo.close()


async def test_a_day_comes_back_whole_and_is_replaced(stores):
    _, delays = stores
    day = DayTold(
        20_000, 20_003, 7, {("cedar-ems", "ems"): {0: 4, 15: 1}}, {"county:42091": {("cedar-ems", "ems"): 5}}, {"county:42091": "42091"}
    )
    await delays.save(DayTold(20_000, 20_001))
    await delays.save(day)
    await delays.save(DayTold(20_002, 20_003))
    assert await delays.load(19_999, 20_001) == [day]
    assert [one.day for one in await delays.load(20_000, 20_002)] == [20_000, 20_002]


async def test_a_days_contributions_come_back_with_when_their_reports_came(stores, make):
    contributions, _ = stores
    body = make.contribution("a", [10])
    reports = tuple(one.model_copy(update={"first_received_at": make.at(30)}) for one in body.overdoses[0].reports)
    body = body.model_copy(update={"overdoses": (body.overdoses[0].model_copy(update={"reports": reports}),)})
    cell = held_of(contributed_of(make.contribution("a", [10], area="h3:872a84075ffffff")))
    late = held_of(contributed_of(make.contribution("b", [1440 + 200])))
    await contributions.save([(None, held_of(contributed_of(body))), (None, cell), (None, late)])
    span = (micros(make.at(0)), micros(make.at(0)) + DAY - 1)
    (found,) = await contributions.told({"county"}, span)
    assert found.reports[0][0][6] == micros(make.at(30))
    assert await contributions.number(span) == 2
    # a revision that does not tell it leaves what is known
    assert held_of(contributed_of(make.contribution("a", [10], 2)), found).reports[0][0][6] == micros(make.at(30))
