"""Back-tests of rules that scan, on cells that a real MongoDB stores: the answer is that of the store in memory."""

import os
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import uuid4

import h3
import pytest

from spikewatch.alerts.adapters.mongo_contributions import MongoContributionStore
from spikewatch.alerts.adapters.rules_file import rules_of
from spikewatch.alerts.domain.backtest.histories import Labelled
from spikewatch.alerts.domain.backtest.question import Question
from spikewatch.alerts.domain.contributed import contributed_of, held_of, withdrawn
from spikewatch.alerts.domain.instants import micros
from spikewatch.alerts.domain.rulebook import Rulebook
from spikewatch.alerts.service.back_test import BackTest
from spikewatch.alerts.testing import InMemoryContributionStore
from spikewatch.chassis.mongo import Mongo

CENTRE = h3.latlng_to_cell(40.2, -75.3, 7)
CELLS = [f"h3:{cell}" for cell in sorted(h3.grid_disk(CENTRE, 3), key=lambda cell: (h3.grid_distance(CENTRE, cell), cell))]
DAY = 1_440
DAYS = 100  # more than are read in one question
COUNTY, STATE, ELSEWHERE = "county:42091", "state:42", "county:34005"
NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def stored(make):
    """Return what is stored of a county and its state: chance, two clusters, one of them of calls that last, and what was taken back."""
    random = Random(5)
    told = [(f"chance {n}", [random.random() * DAYS * DAY], random.choice(CELLS)) for n in range(3 * DAYS)]
    told += [(f"first {cell} {n}", [40 * DAY + 360 + n], CELLS[cell]) for cell in (0, 1) for n in range(5)]
    # two overdoses of one incident hours apart, across the edge of what is read at once
    told += [(f"long {cell} {n}", [91 * DAY - 200 + n, 91 * DAY + 120 + n], CELLS[cell]) for cell in (2, 3) for n in range(5)]
    gone = [(f"gone {n}", [70 * DAY + n], CELLS[0]) for n in range(12)]
    held = []
    for name, minutes, cell in told + gone:
        body = make.contribution(name, minutes, definitions=("opioid@1",))
        here = [held_of(contributed_of(body.model_copy(update={"area": area}))) for area in (cell, COUNTY, STATE)]
        held += [withdrawn(each.area, each.incident, each, (0, 1)) for each in here] if name.startswith("gone") else here
    away = [replace(each, area=each.area.replace(COUNTY, ELSEWHERE), incident=uuid4(), place_key="34005", known_key=None) for each in held]
    return held + [each for each in away if each.area != STATE]


def scan_rule(make, **changes):
    parameters = {"days": 30, "radius_km": 3, "probability": 0.03, "replications": 149}
    fields = {"area_kinds": ("county",), "window_hours": 72, "quiet_hours": 48, "minimum_count": 3, "parameters": parameters}
    return make.rule("space_time_scan", **{**fields, **changes})


@pytest.fixture
async def on_mongodb() -> AsyncIterator[MongoContributionStore]:
    mongo = Mongo(os.environ["SPIKEWATCH_MONGODB_URI"], f"alerts_test_{uuid4().hex}")
    store = MongoContributionStore(mongo, lambda: NOW, page=50)
    await store.prepare()
    yield store
    await mongo.drop()
    mongo.close()


@pytest.mark.integration
@pytest.mark.parametrize(
    ("changes", "areas"),
    [
        ({}, (COUNTY,)),
        ({"area_kinds": ("state",), "case_definitions": ("opioid",)}, (STATE,)),
        ({"area_kinds": ("county", "state")}, (COUNTY, STATE)),
    ],
)
async def test_scans_of_what_mongodb_stores_raise_what_they_raise_in_memory(make, on_mongodb, changes, areas):
    rule, held = scan_rule(make, **changes), stored(make)
    in_memory = InMemoryContributionStore()
    question = Question(
        areas=areas,
        start=micros(make.at(0)),
        end=micros(make.at(DAYS * DAY)) - 1,
        labelled=tuple(
            Labelled(name, areas[0], micros(make.at(day * DAY)), micros(make.at((day + 2) * DAY)))
            for name, day in (("first", 40), ("long", 90), ("gone", 70))
        ),
    )
    answers = []
    for store in (in_memory, on_mongodb):
        await store.save([(None, each) for each in held])
        test = BackTest(Rulebook((rule,)), store, rules_of, clock=lambda: make.at(DAYS * DAY) + timedelta(days=1))
        answers.append(await test(question))
        await test.close()
    expected, found = answers
    assert [(one.area, one.overdoses, one.alarms, one.caught) for one in found.verdicts] == [
        (one.area, one.overdoses, one.alarms, one.caught) for one in expected.verdicts
    ]
    assert [one.area for one in found.verdicts] == list(areas)
    for verdict in found.verdicts:
        hits = {one.labelled.name for one in verdict.caught if one.days is not None}
        assert {"first", "long"} <= hits, "both clusters are found"
        assert not [one for one in verdict.alarms if one.episode.observed >= 12], "what was taken back counts nowhere"
