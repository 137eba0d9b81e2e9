"""Alerts of nested areas about the same incidents name each other, whatever came first."""

import asyncio
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spikewatch_testing.exploring import examples

from spikewatch.alerts.domain.evidence import of_counts
from spikewatch.alerts.domain.stories import one_story, story_of
from spikewatch.alerts.service.tell_stories import TellStories
from spikewatch.contracts.alert import AlertChange, Outline, RelatedAlert

TRACT, ZIP, COUNTY, STATE = "tract:42091200100", "zip:19401", "county:42091", "state:42"
NESTED = (TRACT, ZIP, COUNTY, STATE)


def told_of(service):
    return TellStories(service.alerts, service.publishing, clock=lambda: service.now)


def watching(make, **changes):
    return make.rule(area_kinds=("tract", "zip", "county", "state"), **changes)


def in_areas(make, incident, minutes, areas, revision=1, offset=0):
    return [make.event(make.contribution(incident, minutes, revision, area), offset, incident=incident, area=area) for area in areas]


def named(service):
    """What each standing alert names, by area: ids follow from what opened first and are no part of the promise."""
    areas = {alert.alert_id: alert.area for alert in service.standing()}
    return {
        (alert.rule.rule_id, alert.area, alert.opened_at): (
            tuple((each.area, each.rule_id, each.shared) for each in alert.related),
            alert.explained_by and areas[alert.explained_by],
            alert.explanation,
        )
        for alert in service.standing()
    }


async def taken(make, service, *stories):
    for incident, (minutes, areas) in enumerate(stories):
        await service.take(*in_areas(make, incident, minutes, areas))


async def test_one_spike_in_four_levels_is_one_story_told_by_the_most_specific(make):
    service = make.service(watching(make))
    tell = told_of(service)
    await taken(make, service, *[([minute], NESTED) for minute in range(3)])
    await tell()
    found = {alert.area: alert for alert in service.standing()}
    assert {area: [each.area for each in alert.related] for area, alert in found.items()} == {
        area: [each for each in NESTED if each != area] for area in NESTED
    }
    assert found[TRACT].explained_by is None
    assert {found[area].explained_by for area in NESTED[1:]} == {found[TRACT].alert_id}
    assert found[STATE].explanation.endswith(
        " One story with the alert in tract 42091200100 (fixed-count), which says more precisely where; 2 alerts more tell of it."
    )
    assert found[TRACT].explanation.endswith(" One story with 3 alerts in zip 19401, county 42091, state 42.")
    assert of_counts(found[STATE]) == found[STATE].explanation.partition(" One story")[0]
    published = [message.body for message in service.publishing.sent]
    assert {(alert.area, alert.version, alert.change) for alert in published} == {(area, 2, AlertChange.UPDATED) for area in NESTED}
    assert not any(kept.pending for kept, _ in service.alerts.held.values())
    assert published[0].history[-1].reason.startswith("one story with the alerts in ")
    service.publishing.sent.clear()
    await tell()
    assert service.publishing.sent == [], "nothing changed, nothing is told"


async def test_a_county_that_brings_a_few_of_a_states_many_is_another_story(make):
    service = make.service(watching(make))
    await taken(make, service, *[([minute], (COUNTY, STATE) if minute < 3 else ("county:42045", STATE)) for minute in range(9)])
    await told_of(service)()
    assert {area: names for (_, area, _), (names, _, _) in named(service).items()} == {
        COUNTY: (),
        "county:42045": ((STATE, "fixed-count", 6),),
        STATE: (("county:42045", "fixed-count", 6),),
    }


async def test_a_story_that_is_revised_away_is_taken_out_of_the_others_and_comes_back(make):
    service = make.service(watching(make))
    tell = told_of(service)
    await taken(make, service, *[([minute], (ZIP, COUNTY)) for minute in range(3)])
    await tell()
    await service.take(make.event(None, 9, incident=2, area=ZIP))
    await tell()
    (alert,) = service.standing()
    assert (alert.area, alert.related, alert.explained_by) == (COUNTY, (), None)
    assert "One story" not in alert.explanation
    assert alert.history[-1].reason == "no other alert tells of most of its incidents any more"
    await service.take(*in_areas(make, 2, [2], (ZIP,), 2, 10))
    await tell()
    assert {area: [each[0] for each in names] for (_, area, _), (names, _, _) in named(service).items()} == {ZIP: [COUNTY], COUNTY: [ZIP]}


async def test_what_an_evaluation_says_anew_keeps_the_story(make):
    service = make.service(watching(make))
    tell = told_of(service)
    await taken(make, service, *[([minute], (ZIP, COUNTY)) for minute in range(3)])
    await tell()
    changed = await service.take(*in_areas(make, "late", [10], (ZIP, COUNTY), offset=20))
    assert all(alert.observed == 4 and alert.related[0].shared == 3 and "One story" in alert.explanation for alert in changed)
    await tell()
    assert all(alert.related[0].shared == 4 for alert in service.standing())


async def test_an_evaluation_that_was_first_is_not_overwritten(make):
    service = make.service(watching(make))
    tell = told_of(service)
    await taken(make, service, *[([minute], (ZIP, COUNTY)) for minute in range(3)])
    shared = service.alerts.sharing

    async def then_changed(incidents, ids, limit):
        found = await shared(incidents, ids, limit)
        if not ids:
            await service.take(*in_areas(make, "late", [10], (COUNTY,), offset=20))
        return found

    service.alerts.sharing = then_changed
    await tell()
    service.alerts.sharing = shared
    await tell()
    assert {area: names for (_, area, _), (names, _, _) in named(service).items()} == {
        ZIP: ((COUNTY, "fixed-count", 3),),
        COUNTY: ((ZIP, "fixed-count", 3),),
    }


@st.composite
def spikes(draw):
    """For each incident its minute, and at which level of area it lies: of two tracts, beside both, or elsewhere in the state."""
    places = [(TRACT, ZIP, COUNTY, STATE), ("tract:42091200200", ZIP, COUNTY, STATE), (ZIP, COUNTY, STATE), ("county:42045", STATE)]
    return draw(st.lists(st.tuples(st.integers(0, 300), st.sampled_from(places)), min_size=6, max_size=24))


@settings(max_examples=examples(25), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(spikes=spikes(), seed=st.integers(0, 2**32))
def test_stories_are_the_same_for_any_order(make, spikes, seed):
    chance = random.Random(seed)

    async def ended(shuffled):
        service = make.service(watching(make), make.rule("poisson", area_kinds=("zip", "county"), window_hours=2, quiet_hours=3))
        tell = told_of(service)
        events = [
            event for incident, (minute, areas) in enumerate(spikes) for event in in_areas(make, incident, [minute], areas, offset=incident)
        ]
        if shuffled:
            chance.shuffle(events)
        while events:
            size = chance.randint(1, 6) if shuffled else 1
            await service.take(*events[:size])
            del events[:size]
            if chance.random() < 0.4:
                await tell()
        await service.quiet.close()
        await tell()
        return named(service)

    assert asyncio.run(ended(shuffled=True)) == asyncio.run(ended(shuffled=False))


async def test_a_cluster_is_more_specific_than_its_county_and_less_than_a_neighbourhood(make):
    service = make.service(watching(make))
    await taken(make, service, *[([minute], (TRACT, COUNTY)) for minute in range(3)])
    tract, county = sorted(service.standing(), key=lambda alert: alert.area, reverse=True)
    ring = ((-75.3, 40.2), (-75.2, 40.2), (-75.2, 40.3), (-75.3, 40.2))
    cluster = county.model_copy(update={"alert_id": make.named("cluster"), "outline": Outline(coordinates=(ring,))})
    assert story_of(county, [tract, cluster]).explained_by == tract.alert_id
    assert story_of(county, [cluster]).explained_by == cluster.alert_id
    assert story_of(cluster, [county]).explained_by is None
    assert story_of(county, [county.model_copy(update={"alert_id": make.named("other rule")})]).related == ()


def test_a_long_story_stays_a_short_sentence(make):
    related = [RelatedAlert(alert_id=make.named(n), area=f"zip:{n:0120d}", rule_id="r" * 128, shared=3) for n in range(20)]
    assert len(one_story(related, None)) < 500
    assert len(one_story(related, related[0].alert_id)) < 500
    assert one_story((), None) == ""


@pytest.mark.parametrize("number", [60])
async def test_many_alerts_that_wait_are_all_compared(make, number):
    service = make.service(watching(make))
    for each in range(number):
        areas = (f"zip:{each:05d}", f"county:{each:05d}")
        for incident in range(3):
            await service.take(*in_areas(make, (each, incident), [incident], areas))
    await told_of(service)()
    assert len(service.standing()) == 2 * number
    assert all(len(alert.related) == 1 for alert in service.standing())
