"""Fan-out: contributions for every area, tombstones where the incident left, the same again for the same record."""

from dataclasses import replace

import pytest

from spikewatch.alerts.service.fan_out import FanOut
from spikewatch.alerts.testing import InMemoryFannedStore
from spikewatch.chassis.kafka.message import Event, Record
from spikewatch.chassis.outcome import DeadLetter, Drop, Emit
from spikewatch.contracts.cloudevents import Attributes
from spikewatch.contracts.contribution import Contribution, contribution_key
from spikewatch.contracts.incident import Incident, IncidentChange, Overdose
from spikewatch.contracts.report import Drug
from spikewatch.contracts.topics import EventType
from spikewatch.contracts.vocabulary import DrugClass, Outcome, TimePrecision


@pytest.fixture
def incident(make):
    def build(version: int, *areas: str) -> Incident:
        reports = make.contribution("i", [5]).overdoses[0].reports
        drugs = tuple(
            Drug(term=term, drug_class=kind) for term, kind in (("h", DrugClass.HEROIN), ("d", DrugClass.HEROIN), ("f", DrugClass.FENTANYL))
        )
        return Incident(
            incident_id=make.named("incident", "i"),
            version=version,
            change=IncidentChange.UPDATED,
            occurred_at=make.at(5),
            place_key="42091",
            areas=areas,
            overdoses=(
                Overdose(
                    overdose_id=make.named("o"),
                    occurred_at=make.at(5),
                    occurred_at_precision=TimePrecision.SECOND,
                    outcome=Outcome.FATAL,
                    drugs=drugs,
                    reports=reports,
                ),
            ),
        )

    return build


@pytest.fixture
def record(make):
    def build(body: Incident | None, offset: int, key: str | None = None) -> Event[Incident]:
        name = key if key is not None else str(make.named("incident", "i"))
        return Event(
            Record("overdose.incidents.v1", 2, offset, name.encode(), None, (), make.at(0)),
            Attributes(id=str(offset), source="/services/enrichment", type="t"),
            body,
        )

    return build


def told(outcome: object) -> list[tuple[str, str, bool]]:
    assert isinstance(outcome, Emit)
    return [(message.key.partition("|")[0], message.partition_by or "", message.body is None) for message in outcome.messages]


async def test_an_incident_contributes_to_each_area_under_its_own_key(incident, record):
    (outcome,) = await FanOut(InMemoryFannedStore())([record(incident(1, "zip:19401", "county:42091", "zip:19401"), 0)])
    assert told(outcome) == [("county:42091", "county:42091", False), ("zip:19401", "zip:19401", False)]
    for message in outcome.messages:
        assert message.event_type is EventType.CONTRIBUTION_CHANGED
        contribution = Contribution.model_validate_json(message.body)
        assert contribution.to_json() == message.body, "what is written once for all areas is what the contract writes for each"
        assert message.key == contribution_key(contribution.area, contribution.incident_id)
        assert contribution.overdoses[0].drug_classes == (DrugClass.HEROIN, DrugClass.FENTANYL)
        assert contribution.revision == 1


async def test_a_moved_incident_leaves_tombstones_and_a_repetition_gives_the_same(incident, record):
    store = InMemoryFannedStore()
    moved = record(incident(2, "county:42045"), 1)
    first = await FanOut(store)([record(incident(1, "county:42091"), 0), moved])
    assert told(first[1]) == [("county:42045", "county:42045", False), ("county:42091", "county:42091", True)]
    again = await FanOut(store)([moved])
    assert [message.event_id for message in again[0].messages] == [message.event_id for message in first[1].messages]


async def test_tombstones_lost_in_a_crash_come_with_the_next_version(incident, record):
    store = InMemoryFannedStore()
    await FanOut(store)([record(incident(1, "a:1"), 0)])
    await FanOut(store)([record(incident(2, "a:2"), 1)])  # written, never published
    (outcome,) = await FanOut(store)([record(incident(3, "a:3"), 2)])
    assert told(outcome) == [("a:3", "a:3", False), ("a:1", "a:1", True), ("a:2", "a:2", True)]


async def test_an_older_version_is_dropped(incident, record):
    store = InMemoryFannedStore()
    outcomes = await FanOut(store)([record(incident(2, "a:1"), 0), record(incident(1, "a:2"), 1)])
    assert isinstance(outcomes[1], Drop)
    assert next(iter(store.held.values())).areas == ("a:1",)


async def test_a_retracted_incident_leaves_all_areas_and_a_replay_does_not_bring_it_back(incident, record):
    store = InMemoryFannedStore()
    records = [record(incident(1, "a:1"), 0), record(incident(2, "a:2"), 1), record(None, 2)]
    outcomes = await FanOut(store)(records)
    assert told(outcomes[2]) == [("a:1", "a:1", True), ("a:2", "a:2", True)]
    held = dict(store.held)
    replayed = await FanOut(store)(records)
    assert [type(outcome) for outcome in replayed] == [Drop, Drop, Emit]
    assert {key: replace(value, sequence=0) for key, value in store.held.items()} == {k: replace(v, sequence=0) for k, v in held.items()}


async def test_an_incident_founded_anew_after_its_retraction_counts_again(incident, record):
    store = InMemoryFannedStore()
    await FanOut(store)([record(incident(4, "a:1"), 0), record(None, 1)])
    (outcome,) = await FanOut(store)([record(incident(1, "a:1"), 2)])
    assert told(outcome) == [("a:1", "a:1", False)]


async def test_a_tombstone_without_an_incident_id_is_dead_lettered_and_the_others_go_on(incident, record):
    outcomes = await FanOut(InMemoryFannedStore())([record(None, 0, key="no uuid"), record(incident(1, "a:1"), 1)])
    assert isinstance(outcomes[0], DeadLetter)
    assert outcomes[0].field == "key"
    assert isinstance(outcomes[1], Emit)


async def test_a_first_version_that_came_before_is_found_though_it_was_taken_for_new(incident, record):
    store = InMemoryFannedStore()
    await FanOut(store)([record(incident(1, "county:42091"), 0), record(incident(2, "zip:19401"), 1)])
    (outcome,) = await FanOut(store)([record(incident(1, "county:42091"), 0)])
    assert isinstance(outcome, Drop)
