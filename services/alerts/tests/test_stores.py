"""One suite for every store: what the fakes promise, MongoDB keeps."""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from spikewatch.alerts.adapters.mongo_alerts import MongoAlertStore
from spikewatch.alerts.adapters.mongo_contacts import MongoContactMemory
from spikewatch.alerts.adapters.mongo_contributions import MongoAreaStore, MongoContributionStore
from spikewatch.alerts.adapters.mongo_fanned import MongoFannedStore
from spikewatch.alerts.domain.clusters.look import Placed
from spikewatch.alerts.domain.contributed import contributed_of, held_of, withdrawn
from spikewatch.alerts.domain.episodes import Episode
from spikewatch.alerts.domain.evidence import Evidence
from spikewatch.alerts.domain.fanned import Fanned
from spikewatch.alerts.domain.instants import HOUR, micros
from spikewatch.alerts.domain.lifecycle import Draft, opened, retracted, with_status
from spikewatch.alerts.domain.marks import Asked, has, mark
from spikewatch.alerts.domain.withdrawal import withdrawn as close_withdrawn
from spikewatch.alerts.ports import AreaState
from spikewatch.alerts.testing import InMemoryAlertStore, InMemoryAreaStore, InMemoryContributionStore, InMemoryFannedStore
from spikewatch.chassis.mongo import Mongo
from spikewatch.chassis.outcome import Transient
from spikewatch.contracts.alert import AlertContact, Contributor, RelatedAlert
from spikewatch.contracts.vocabulary import Outcome, SourceType

BY_EMS = mark((Outcome.UNKNOWN,), (), (SourceType.EMS,))
NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


@dataclass
class Stores:
    fanned: Any
    contributions: Any
    areas: Any
    alerts: Any
    mongo: Mongo | None = None


@pytest.fixture(params=["memory", pytest.param("mongodb", marks=pytest.mark.integration)])
async def stores(request: pytest.FixtureRequest) -> AsyncIterator[Stores]:
    if request.param == "memory":
        yield Stores(InMemoryFannedStore(), InMemoryContributionStore(), InMemoryAreaStore(), InMemoryAlertStore(lambda: NOW))
        return
    uri = os.environ.get("SPIKEWATCH_MONGODB_URI")
    if not uri:
        pytest.skip("SPIKEWATCH_MONGODB_URI names no MongoDB")
    mongo = Mongo(uri, f"alerts_test_{uuid4().hex}")
    contributions, alerts = MongoContributionStore(mongo, lambda: NOW, page=3), MongoAlertStore(mongo, lambda: NOW)
    await contributions.prepare()
    await alerts.prepare()
    yield Stores(MongoFannedStore(mongo), contributions, MongoAreaStore(mongo), alerts, mongo)
    await mongo.drop()
    mongo.close()


async def test_where_an_incident_counts_comes_back_and_a_lost_race_is_transient(stores):
    first = Fanned(uuid4(), 1, "42091", ("county:42091", "zip:19401"))
    moved = replace(first, version=2, areas=("county:42045",), left=("county:42091", "zip:19401"), gone_at=(3, 17))
    await stores.fanned.save([(None, first)])
    loaded = (await stores.fanned.load([first.incident, uuid4()]))[first.incident]
    await stores.fanned.save([(loaded, moved)])
    assert await stores.fanned.load([first.incident]) == {first.incident: moved}
    with pytest.raises(Transient):
        await stores.fanned.save([(loaded, first)])
    with pytest.raises(Transient):
        await stores.fanned.save([(None, first)])


async def test_contributions_come_back_whole_by_key_span_and_window(stores, make):
    one, two = (
        held_of(contributed_of(make.contribution("a", [10, 70]))),
        held_of(contributed_of(make.contribution("b", [30], area="county:42045"))),
    )
    await stores.contributions.save([(None, one), (None, two)])
    assert await stores.contributions.load([one.key, two.key, "county:1|x"]) == {one.key: one, two.key: two}
    t10, t30, t70 = (micros(make.at(minute)) for minute in (10, 30, 70))
    rows = await stores.contributions.rows({one.area: (t10, t70 - 1), two.area: (t10, t30), "county:1": (0, t70)})
    assert {area: sorted(found) for area, found in rows.items()} == {one.area: [(t10, BY_EMS)], two.area: [(t30, BY_EMS)], "county:1": []}
    assert await stores.contributions.within(one.area, t10, t70) == [one]
    assert await stores.contributions.areas("county", 9) == [two.area, one.area]
    assert await stores.contributions.areas("county", 1) == [two.area]
    assert await stores.contributions.areas("county", 9, after=two.area) == [one.area]
    assert await stores.contributions.areas("county", 9, after=one.area) == []
    assert await stores.contributions.areas("count", 9) == []
    assert await stores.contributions.within(one.area, t10, t70 - 1) == []
    assert (await stores.contributions.first(one.area), await stores.contributions.newest()) == (t10, t70)


async def test_case_definitions_come_back_whole_whichever_way_they_are_read(stores, make):
    one = held_of(contributed_of(make.contribution("a", [10, 70], area="h3:872a1072bffffff", definitions=("any-drug@2", "opioid@1"))))
    mixed = replace(one, incident=uuid4(), marks=(one.marks[0], BY_EMS))
    await stores.contributions.save([(None, one), (None, mixed)])
    assert await stores.contributions.load([one.key, mixed.key]) == {one.key: one, mixed.key: mixed}
    t10, t70 = one.times
    rows = await stores.contributions.rows({one.area: (t10, t70)})
    assert sorted(rows[one.area]) == sorted((*one.rows, *mixed.rows))
    assert sorted([row async for page in stores.contributions.pages(one.area, (t10, t70)) for row in page]) == sorted(
        (*one.rows, *mixed.rows)
    )
    assert {each.marks for each in await stores.contributions.placed("h3", (t10, t70))} == {one.marks, mixed.marks}
    assert [has(bits, Asked(definitions=("opioid",))) for bits in mixed.marks] == [True, False]
    if stores.mongo is not None:
        documents = await stores.mongo.collection("contributions").find({})
        assert {tuple(one["marks"]) for one in documents} == {(BY_EMS, BY_EMS)}, "the number of a set holds in one process only"


async def test_what_an_older_version_stored_is_read_and_written_anew(stores, make):
    if stores.mongo is None:
        pytest.skip("memory holds no documents")
    one = held_of(contributed_of(make.contribution("a", [10, 70])))
    older = {"_id": one.key, "area": one.area, "incident": one.incident, "revision": 1, "place_key": one.place_key, "times": one.times}
    reports = [[row[:6] for row in rows] for rows in one.reports]  # without when the report came, as the oldest are
    older |= {"marks": one.marks, "reports": reports, "gone_at": None, "first": one.times[0], "last": one.times[1], "sequence": 1}
    await stores.mongo.collection("contributions").insert(older)
    assert await stores.contributions.within(one.area, *one.times) == [one]
    assert [each.incident for each in await stores.contributions.placed("county", one.times)] == [one.incident]
    await stores.contributions.save([(one, replace(one, revision=2))])
    (document,) = await stores.mongo.collection("contributions").find({})
    assert document.keys().isdisjoint({"reports", "incident", "gone_at"})
    assert await stores.contributions.load([one.key]) == {one.key: replace(one, revision=2)}


async def test_what_lies_in_areas_of_a_kind_comes_with_its_place(stores, make):
    cell, other = (
        held_of(contributed_of(make.contribution(name, [10, 70], area=area)))
        for name, area in (("a", "h3:872a1072bffffff"), ("b", "h30:1"))
    )
    gone = held_of(contributed_of(make.contribution("c", [10], area=cell.area)))
    await stores.contributions.save([(None, cell), (None, other), (None, gone)])
    await stores.contributions.save([(gone, withdrawn(gone.area, gone.incident, gone, (0, 5)))])
    t10, t70 = (micros(make.at(minute)) for minute in (10, 70))
    expected = [Placed(cell.area, "42091", cell.incident, cell.times, cell.marks)]
    for span, found in (((t10, t10), expected), ((t70, t70), expected), ((0, t10 - 1), []), ((t70 + 1, 2 * t70), [])):
        assert await stores.contributions.placed("h3", span) == found


async def test_an_incident_spread_over_hours_is_found_at_both_ends(stores, make):
    spread = held_of(contributed_of(make.contribution("a", [10, 500])))
    await stores.contributions.save([(None, spread)])
    for minute, found in ((10, [spread]), (300, []), (500, [spread])):
        end = micros(make.at(minute))
        assert await stores.contributions.within(spread.area, end - HOUR // 60, end) == found


async def test_a_large_area_comes_whole_whatever_ends_at_the_same_time(stores, make):
    minutes = [5, 1, 1, 1, 1, 1, 2, 3, 3, 3, 4, 1]
    held = [held_of(contributed_of(make.contribution(number, [minute]))) for number, minute in enumerate(minutes)]
    await stores.contributions.save([(None, each) for each in held])
    spans = {held[0].area: (micros(make.at(1)), micros(make.at(4))), "county:42045": (0, micros(make.at(4)))}
    rows = await stores.contributions.rows(spans)
    assert sorted(rows[held[0].area]) == sorted(row for each in held[1:] for row in each.rows)
    assert rows["county:42045"] == []


async def test_a_withdrawn_contribution_counts_no_more_but_is_remembered(stores, make):
    held = held_of(contributed_of(make.contribution("a", [10])))
    await stores.contributions.save([(None, held)])
    gone = withdrawn(held.area, held.incident, held, (0, 5))
    await stores.contributions.save([(held, gone)])
    assert (await stores.contributions.load([held.key]))[held.key].gone_at == (0, 5)
    assert await stores.contributions.first(held.area) is None
    assert await stores.contributions.newest() is None
    with pytest.raises(Transient):
        await stores.contributions.save([(held, held)])


async def test_states_of_areas_are_compared_and_set(stores):
    saved = await stores.areas.save([AreaState("county:42091", 5, ((1, 2), (2**50, 2**50 + 1)))])
    assert await stores.areas.load(["county:42091", "county:1"]) == {"county:42091": saved[0]}
    await stores.areas.save([replace(saved[0], spans=())])
    with pytest.raises(Transient):
        await stores.areas.save(saved)


def _alert(make: Any, name: UUID, minutes: float = 60) -> Any:
    episode = Episode(micros(make.at(minutes)), micros(make.at(minutes + 5)), micros(make.at(minutes + 5)), 4)
    evidence = Evidence(1.5, 3.0, 0.01, (), (), 0, "Four.", None)
    return opened(Draft("county:42091", make.rule(), episode, evidence, episode.last_met_at), name, NOW)


async def test_alerts_are_pending_until_their_version_is_settled(stores, make):
    kept = _alert(make, uuid4())
    await stores.alerts.save([kept])
    assert await stores.alerts.load([kept.alert_id]) == {kept.alert_id: kept}
    assert await stores.alerts.pending(NOW, 10) == []
    assert await stores.alerts.pending(NOW + timedelta(seconds=1), 10) == [kept]
    newer = with_status(kept, kept.closes_at + 1, NOW)
    await stores.alerts.save([newer])
    await stores.alerts.settle({kept.alert_id: 1})
    assert await stores.alerts.pending(NOW + timedelta(seconds=1), 10) == [newer]
    await stores.alerts.settle({kept.alert_id: 2})
    assert await stores.alerts.pending(NOW + timedelta(seconds=1), 10) == []
    with pytest.raises(Transient):
        await stores.alerts.save([newer])


async def test_alerts_wait_to_be_compared_and_are_found_by_what_they_share(stores, make):
    one, other, alone = (_alert(make, uuid4()) for _ in range(3))
    incidents = [uuid4() for _ in range(3)]
    contributors = tuple(Contributor(incident_id=incident, occurred_at=NOW, overdoses=1) for incident in incidents)
    related = (RelatedAlert(alert_id=one.alert_id, area="zip:19401", rule_id="r", shared=1),)
    one = replace(one, alert=one.alert.model_copy(update={"contributors": contributors}))
    other = replace(other, alert=other.alert.model_copy(update={"contributors": contributors[2:], "related": related}))
    await stores.alerts.save([one, other, alone])
    found = {each.alert_id for each in await stores.alerts.unrelated(10)}
    assert found == {one.alert_id, other.alert_id, alone.alert_id}
    assert len(await stores.alerts.unrelated(2)) == 2
    assert await stores.alerts.sharing(incidents[:2], (), 9) == [one]
    assert {each.alert_id for each in await stores.alerts.sharing(incidents[2:], (), 9)} == {one.alert_id, other.alert_id}
    newest = max((one, other), key=lambda kept: (kept.episode.opened_at, -kept.alert_id.int))
    assert await stores.alerts.sharing(incidents[2:], (), 1) == [newest], "of more than the limit what opened last"
    assert await stores.alerts.sharing((), [one.alert_id], 9) == [other]
    await stores.alerts.save([retracted(one, None, NOW)])
    assert await stores.alerts.sharing(incidents, (), 9) == [other]
    await stores.alerts.compared({one.alert_id: 1, other.alert_id: 1, alone.alert_id: 1})
    assert [each.alert_id for each in await stores.alerts.unrelated(10)] == [one.alert_id], "its newer version was not compared"


async def test_alerts_are_found_by_area_and_time_unless_retracted_and_settled(stores, make):
    kept = _alert(make, uuid4())
    await stores.alerts.save([kept])
    since = kept.episode.last_met_at
    assert await stores.alerts.touching({"county:42091": since}) == [kept]
    assert await stores.alerts.touching({"county:42045": since}) == []
    await stores.alerts.settle({kept.alert_id: 1})
    assert await stores.alerts.touching({"county:42091": since + 1}) == []
    gone = retracted(kept, None, NOW)
    await stores.alerts.save([gone])
    assert await stores.alerts.touching({"county:42091": since + 1}) == [gone]
    await stores.alerts.settle({kept.alert_id: 2})
    assert await stores.alerts.touching({"county:42091": since}) == []


async def test_the_standing_alerts_of_a_rule_are_found_in_any_area(stores, make):
    kept = _alert(make, uuid4())
    await stores.alerts.save([kept])
    since = kept.episode.last_met_at
    assert await stores.alerts.standing(kept.alert.rule.rule_id, since) == [kept]
    assert await stores.alerts.standing(kept.alert.rule.rule_id, since + 1) == []
    assert await stores.alerts.standing("another", since) == []
    await stores.alerts.save([retracted(kept, None, NOW)])
    assert await stores.alerts.standing(kept.alert.rule.rule_id, since) == []


async def test_open_alerts_are_found_by_their_rules_version_and_withdrawn_ones_are_never_due(stores, make):
    kept = _alert(make, uuid4())
    await stores.alerts.save([kept])
    rule, version = kept.alert.rule.rule_id, kept.alert.rule.version
    for found, asked in ((1, {(rule, version)}), (0, {(rule, version + 1)}), (0, {("other", version)})):
        assert len(await stores.alerts.open_of(asked, 10)) == found
    for found, in_force in ((1, {}), (0, {rule: version}), (1, {rule: version + 1}), (1, {"other": version}), (0, {rule: version - 1})):
        assert len(await stores.alerts.open_beside(in_force, 10)) == found
    closed = close_withdrawn(kept, None, kept.as_of, NOW)
    await stores.alerts.save([closed])
    assert (await stores.alerts.load([kept.alert_id]))[kept.alert_id] == closed
    assert await stores.alerts.open_of({(rule, version)}, 10) == await stores.alerts.open_beside({}, 10) == []
    assert await stores.alerts.due(kept.closes_at, 10) == await stores.alerts.due(kept.closes_at + 1, 10) == []


async def test_alerts_are_due_when_their_status_disagrees_with_the_event_time(stores, make):
    kept = _alert(make, uuid4())
    await stores.alerts.save([kept])
    assert await stores.alerts.due(kept.closes_at, 10) == []
    assert [each.alert_id for each in await stores.alerts.due(kept.closes_at + 1, 10)] == [kept.alert_id]
    closed = with_status(kept, kept.closes_at + 1, NOW)
    await stores.alerts.save([closed])
    assert await stores.alerts.due(kept.closes_at + HOUR, 10) == []
    assert await stores.alerts.due(kept.closes_at, 10) == [closed]


async def test_last_known_contacts_are_remembered(stores):
    if stores.mongo is None:
        pytest.skip("there is no store of contacts in memory: the contact book's own tests use a dictionary")
    memory = MongoContactMemory(stores.mongo)
    contact = AlertContact(name="agencies/a/contacts/c", organization="Cedar County Health", role="duty_desk", email="desk@health.example")
    assert await memory.recall("county:42091") is None
    await memory.remember("county:42091", (contact,))
    assert await memory.recall("county:42091") == (contact,)


async def test_states_of_areas_that_nothing_watches_any_more_are_forgotten(stores):
    await stores.areas.save([AreaState("county:42091", 1), AreaState("zip:19401", 2), AreaState("zipped:1", 3)])
    await stores.areas.forget_unwatched(frozenset({"zip"}))
    assert set(await stores.areas.load(["county:42091", "zip:19401", "zipped:1"])) == {"zip:19401"}
