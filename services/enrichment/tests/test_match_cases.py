"""What becomes of incidents when reports come late, move, are withdrawn or placed anew, and what people decided about them."""

from datetime import UTC, datetime, timedelta

import pytest
from spikewatch_testing.matching_histories import AGENCIES, CALL, CREW, OFFICER, PLACES, SAID, WEIGHTS, Build, check, expected, run, told

from spikewatch.contracts.identifiers import incident_id
from spikewatch.contracts.incident import Incident, IncidentChange
from spikewatch.contracts.vocabulary import Outcome, Sex
from spikewatch.enrichment.domain.matching.decisions import Decision, DecisionKind, DecisionLevel, Decisions
from spikewatch.enrichment.service import MatchReports
from spikewatch.enrichment.testing import InMemoryDecisions, InMemoryMatchStore


async def test_a_late_report_merges_two_incidents_and_the_ended_one_becomes_an_alias(located: Build) -> None:
    store = InMemoryMatchStore()
    south = located("1", **CREW, location=PLACES[0])
    north = located("2", **OFFICER, location=PLACES[2], minutes=30)
    await MatchReports(store, WEIGHTS).apply([south, north])
    between = located("3", **CALL, location=PLACES[1], minutes=20)
    published = await MatchReports(store, WEIGHTS).apply([between])
    first, second = incident_id(south.report.report_key), incident_id(north.report.report_key)
    by_id = {one.incident.incident_id: one.incident for one in published}
    merged = Incident.model_validate_json(by_id[first].body or b"")
    assert (merged.change, merged.version, merged.aliases) == (IncidentChange.MERGED, 2, (second,))
    assert (by_id[second].active, by_id[second].version, by_id[second].body) == (False, 2, None)
    assert by_id[second].merged_into == first, "its tombstone names the incident that goes on"


async def test_withdrawing_the_bridge_splits_the_incident_and_the_reopened_id_continues_its_version(located: Build) -> None:
    store = InMemoryMatchStore()
    south, north = located("1", **CREW, location=PLACES[0]), located("2", **OFFICER, location=PLACES[2], minutes=30)
    bridge = {"record": "3", **CALL, "location": PLACES[1], "minutes": 20}
    await MatchReports(store, WEIGHTS).apply([south, north])
    await MatchReports(store, WEIGHTS).apply([located(**bridge)])
    published = await MatchReports(store, WEIGHTS).apply([located(**bridge, revision=2, withdrawn=True)])
    by_id = {one.incident.incident_id: Incident.model_validate_json(one.incident.body or b"") for one in published}
    kept, reopened = by_id[incident_id(south.report.report_key)], by_id[incident_id(north.report.report_key)]
    assert (kept.change, kept.version, kept.aliases) == (IncidentChange.SPLIT, 3, ())
    assert (reopened.change, reopened.version) == (IncidentChange.OPENED, 3)
    assert (reopened.split_from, kept.split_from) == (kept.incident_id, None)
    renewed = await MatchReports(store, WEIGHTS).apply([located("2", **OFFICER, location=PLACES[2], minutes=31, revision=2)])
    (later,) = [Incident.model_validate_json(one.incident.body or b"") for one in renewed]
    assert (later.change, later.split_from) == (IncidentChange.UPDATED, kept.incident_id), "it is told for as long as the incident lasts"


async def test_of_an_incident_that_ends_in_two_one_inherits_the_id_and_the_other_is_split_from_it(located: Build) -> None:
    bridge = {"record": "3", **CALL, "location": PLACES[1]}
    south, north = located("1", **CREW, location=PLACES[0], minutes=5), located("2", **OFFICER, location=PLACES[2], minutes=30)
    gone = located(**bridge, revision=2, withdrawn=True)
    store, bus = await run([[located(**bridge), south, north], [gone]])
    (ended,) = [one for one in store.kept_incidents.values() if not one.active]
    one, two = (store.kept_incidents[incident_id(report.report.report_key)] for report in (south, north))
    heir, other = (one, two) if ended.merged_into == one.incident_id else (two, one)
    assert ended.merged_into == heir.incident_id
    assert (heir.aliases, heir.split_from) == ((ended.incident_id,), None)
    assert (other.aliases, other.split_from) == ((), ended.incident_id)
    check(store, bus, [south, north, gone])


async def test_an_id_that_opens_again_elsewhere_takes_its_former_ids_back(located: Build) -> None:
    # The officer's incident becomes the crew's, that one the call's. Then the crew's report turns out to be of another day.
    officer = located("1", **OFFICER, minutes=20, **SAID)
    crew: dict[str, object] = {"record": "2", **CREW, **SAID, "minutes": 10}
    call = located("3", **CALL, **SAID)
    moved = located(**crew | {"minutes": 9_000.0, "cad_number": "26-2002"}, revision=2)
    store, bus = await run([[officer], [located(**crew)], [call], [moved]])
    again = store.kept_incidents[incident_id(moved.report.report_key)]
    assert (again.active, again.aliases) == (True, (incident_id(officer.report.report_key),))
    assert store.kept_incidents[incident_id(call.report.report_key)].aliases == ()
    check(store, bus, [officer, moved, call])


async def test_an_id_that_comes_back_where_its_reports_are_no_more_is_an_alias_no_longer(located: Build) -> None:
    # Its founder is withdrawn, so its other report goes to another incident; when the founder returns it is far from that one.
    founder: dict[str, object] = {"record": "1", **CREW, "minutes": 0}
    other, call = located("2", **OFFICER, minutes=5), located("3", **CALL, minutes=-10)
    back = located(**founder | {"minutes": 9_000.0}, revision=3)
    store, bus = await run([[located(**founder), other], [located(**founder, revision=2, withdrawn=True)], [call], [back]])
    ids = [incident_id(report.report.report_key) for report in (back, other, call)]
    assert [store.kept_incidents[identity].active for identity in ids] == [True, False, True]
    assert store.kept_incidents[ids[2]].aliases == (ids[1],)
    check(store, bus, [back, other, call])


@pytest.mark.parametrize("left", [{"withdrawn": True}, {"minutes": 9_000.0}], ids=["withdrawn", "moved"])
async def test_a_report_that_leaves_takes_its_say_about_its_neighbours_with_it(located: Build, left: dict[str, object]) -> None:
    # The crew's report might have been of the officer's person; without it that person's report stands surer, in an incident of its own.
    person = {"destination": "MERCY", "age": 60}
    officer = located("1", **OFFICER, location=PLACES[2], minutes=65, **person)
    crew: dict[str, object] = {"record": "2", **CREW, "location": PLACES[0], "minutes": 44, **person}
    hospital = located("3", **AGENCIES[4], location=PLACES[2], destination="MERCY")
    leaving = located(**crew | {"revision": 2} | left)
    store, bus = await run([[officer], [located(**crew)], [hospital], [leaving]])
    check(store, bus, [officer, hospital, leaving])


async def test_an_earlier_report_that_comes_late_founds_the_incident_anew_and_the_old_id_becomes_an_alias(located: Build) -> None:
    store = InMemoryMatchStore()
    crew, call = located("1", **CREW, minutes=8, **SAID), located("2", **CALL, **SAID)
    await MatchReports(store, WEIGHTS).apply([crew])
    published = await MatchReports(store, WEIGHTS).apply([call])
    old, new = incident_id(crew.report.report_key), incident_id(call.report.report_key)
    bodies = {one.incident.incident_id: one.incident.body for one in published}
    assert bodies[old] is None
    opened = Incident.model_validate_json(bodies[new] or b"")
    assert (opened.change, opened.aliases, len(opened.overdoses)) == (IncidentChange.OPENED, (old,), 1)


async def test_a_death_reported_weeks_later_finds_its_overdose(located: Build) -> None:
    store = InMemoryMatchStore()
    crew = located("1", **CREW, age=61, sex=Sex.MALE)
    (opened,) = await MatchReports(store, WEIGHTS).apply([crew])
    death = located("2", **AGENCIES[5], minutes=150, age=61, sex=Sex.MALE, received_at=crew.report.received_at + timedelta(days=45))
    (updated,) = await MatchReports(store, WEIGHTS).apply([death])
    assert updated.incident.incident_id == opened.incident.incident_id
    (overdose,) = Incident.model_validate_json(updated.incident.body or b"").overdoses
    assert (overdose.outcome, len(overdose.reports)) == (Outcome.FATAL, 2)


async def test_a_revision_that_moves_to_another_county_leaves_its_old_incident(located: Build) -> None:
    store = InMemoryMatchStore()
    stays, moves = located("1", "cedar-ems"), located("2", "cedar-police")
    await MatchReports(store, WEIGHTS).apply([stays, moves])
    published = await MatchReports(store, WEIGHTS).apply([located("2", "cedar-police", revision=2, location=PLACES[3])])
    bodies = [Incident.model_validate_json(one.incident.body) for one in published if one.incident.body is not None]
    assert {one.place_key: len(one.overdoses[0].reports) for one in bodies} == {"99001": 1, "99003": 1}


async def test_the_same_revision_placed_by_newer_geodata_moves_and_by_older_does_not(located: Build) -> None:
    store = InMemoryMatchStore()
    stays, moves = located("1", "cedar-ems"), located("2", "cedar-police")
    await MatchReports(store, WEIGHTS).apply([stays, moves])
    anew = located("2", "cedar-police", location=PLACES[3]).changed(geodata_version=7)
    published = await MatchReports(store, WEIGHTS).apply([anew])
    bodies = [Incident.model_validate_json(one.incident.body) for one in published if one.incident.body is not None]
    assert {one.place_key: len(one.overdoses[0].reports) for one in bodies} == {"99001": 1, "99003": 1}
    before = dict(store.kept_incidents)
    await MatchReports(store, WEIGHTS).apply([moves, moves.changed(geodata_version=6)])
    assert store.kept_incidents == before


async def test_of_two_placings_in_one_batch_the_newer_stands(located: Build) -> None:
    placed = located("1", "cedar-ems", location=PLACES[3]).changed(geodata_version=7)
    (published,) = await MatchReports(InMemoryMatchStore(), WEIGHTS).apply([placed, located("1", "cedar-ems")])
    assert Incident.model_validate_json(published.incident.body or b"").place_key == "99003"


async def test_a_stale_revision_changes_nothing(located: Build) -> None:
    store = InMemoryMatchStore()
    await MatchReports(store, WEIGHTS).apply([located("1", revision=2, age=30)])
    before = dict(store.kept_incidents)
    await MatchReports(store, WEIGHTS).apply([located("1", revision=1, age=70, withdrawn=True)])
    assert store.kept_incidents == before


async def test_the_last_report_withdrawn_retracts_the_incident(located: Build) -> None:
    store = InMemoryMatchStore()
    await MatchReports(store, WEIGHTS).apply([located("1")])
    (retracted,) = await MatchReports(store, WEIGHTS).apply([located("1", revision=2, withdrawn=True)])
    assert (retracted.incident.active, retracted.incident.body, retracted.incident.version) == (False, None, 2)
    assert retracted.incident.merged_into is None


async def test_what_people_decided_binds_reports_that_no_block_brings_together(located: Build) -> None:
    store, people = InMemoryMatchStore(), InMemoryDecisions()
    one, two = located("1", **CREW, location=PLACES[0]), located("2", **OFFICER, location=PLACES[2], minutes=600)
    keys = [one.report.report_key, two.report.report_key]
    service = MatchReports(store, WEIGHTS, people=people)
    await service.apply([one, two])
    joined = Decision.of(
        DecisionKind.TOGETHER,
        DecisionLevel.OVERDOSE,
        keys,
        author="reviewer-7",
        reason="one person",
        decided_at=datetime(2026, 6, 1, tzinfo=UTC),
    )
    await people.add([joined])
    await service.rematch(keys)
    both = expected([one, two], Decisions([joined]))
    assert len(both) == 1
    assert told([held.body for held in store.kept_incidents.values() if held.active]) == both
    # A report about one of them alone still finds the other by the decision.
    await service.apply([located("2", **OFFICER, location=PLACES[2], minutes=610, revision=2)])
    assert len([held for held in store.kept_incidents.values() if held.active]) == 1
