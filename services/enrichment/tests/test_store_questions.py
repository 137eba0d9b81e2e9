"""Every question to the store is served by one index: where the server may choose, it tries others on documents anywhere in its history."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from spikewatch.chassis.mongo import Mongo
from spikewatch.enrichment.adapters.mongo_match_store import MongoMatchStore
from spikewatch.enrichment.domain.transition import StoredIncident
from spikewatch.enrichment.ports import StoredReport

pytestmark = pytest.mark.integration

KEYS = [UUID(int=number) for number in range(1, 301)]


@pytest.fixture
def profiled() -> Iterator[tuple[Database[dict[str, Any]], Mongo]]:
    uri = os.environ.get("SPIKEWATCH_MONGODB_URI")
    if not uri:
        pytest.skip("SPIKEWATCH_MONGODB_URI is not set: no MongoDB to test against")
    name = f"enrichment_test_{uuid4().hex}"
    with MongoClient[dict[str, Any]](uri) as client:
        mongo = Mongo(uri, name)
        try:
            yield client[name], mongo
        finally:
            mongo.close()
            client.drop_database(name)


async def test_no_question_is_tried_by_several_indexes(profiled: tuple[Database[dict[str, Any]], Mongo]) -> None:
    database, mongo = profiled
    now = datetime.now(UTC).replace(microsecond=0)
    store = MongoMatchStore(mongo, timedelta(days=400))
    await store.prepare()
    await store.add_reports([StoredReport(key, (1, 0), b"[]", b"{}", now, (key.int, key.int + 1)) for key in KEYS])
    await store.write_incidents([StoredIncident(key, key, 1, True, "", b"{}", now, now, (key,), frozenset({key}), ()) for key in KEYS])
    database.command("profile", 2)

    near = KEYS[100:130]
    assert len(await store.reports(near)) == len(near)
    assert len(await store.lying_in([key.int for key in near])) == len(near) + 1
    assert len(await store.incidents(near)) == len(near)
    assert await store.other_owners(near, KEYS[102:]) == {KEYS[100]: [KEYS[100]], KEYS[101]: [KEYS[101]]}
    assert not await store.has_other_states(dict.fromkeys(near, (1, 0)))
    assert len(await store.reports_since(now - timedelta(days=1), 50)) == 50
    assert await store.incident_once_called(KEYS[0]) is None
    database.command("profile", 0)

    asked = list(
        database["system.profile"].find({"op": "query", "ns": {"$in": [f"{database.name}.reports", f"{database.name}.incidents"]}})
    )
    assert len(asked) == 7
    assert [one["command"]["filter"] for one in asked if one.get("fromMultiPlanner")] == []
    # by 31 keys at most each is found; what came lately is read from the newest on until there are enough
    assert max(one["docsExamined"] for one in asked) <= 50
