"""Evaluation: the life of an alert as a reader of the topic sees it."""

from datetime import UTC, datetime, timedelta

import pytest

from spikewatch.alerts.domain.instants import micros
from spikewatch.chassis.outcome import DeadLetter, Drop, Emit, Transient
from spikewatch.contracts.alert import Alert, AlertChange, AlertContact, AlertStatus, SilentFeed


async def test_an_alert_explains_itself(make):
    service = make.service(make.rule())
    service.contacts.contacts = (AlertContact(name="agencies/a/contacts/c", organization="Cedar County Health", role="duty_desk"),)
    (alert,) = await service.take(*(make.event(make.contribution(n, [n * 10]), n) for n in range(3)))
    assert (alert.status, alert.change, alert.version) == (AlertStatus.OPEN, AlertChange.OPENED, 1)
    assert alert.opened_at == alert.window.end == make.at(20)
    assert alert.window.end - alert.window.start == timedelta(hours=1)
    assert (alert.observed, alert.threshold) == (3, 3.0)
    assert [each.incident_id for each in alert.contributors] == [make.named("incident", n) for n in range(3)]
    assert alert.contributors[0].reports[0].trace_id == make.named("trace", 0).hex
    assert alert.rule.parameters == {"threshold": 3, "comparison": "at_least", "window_hours": 1.0, "quiet_hours": 2.0, "outcome": "any"}
    assert alert.contacts == service.contacts.contacts
    assert service.contacts.asked == [("county:42091", "state:42")]
    assert alert.explanation == (
        "3 suspected overdoses in county 42091 in the 1 h to 2026-03-01 00:20 UTC. Rule fixed-count (version 1) asks for at least 3."
    )


async def test_the_alert_is_caused_by_every_record_of_its_area(make):
    service = make.service(make.rule())
    events = [make.event(make.contribution(n, [n * 10]), n) for n in range(3)]
    events.insert(2, make.event(make.contribution("x", [5], area="county:42045"), 9))
    outcomes = await service.evaluate(events)
    assert [len(outcome.messages) for outcome in outcomes] == [0, 0, 0, 1]
    message = outcomes[3].messages[0]
    assert message.also_caused_by == (0, 1)
    assert (message.partition_by, message.key) == ("county:42091", str(message.body.alert_id))


async def test_a_growing_spike_is_one_alert_and_every_step_is_on_record(make):
    service = make.service(make.rule())
    (first,) = await service.take(*(make.event(make.contribution(n, [n]), n) for n in range(3)))
    (second,) = await service.take(make.event(make.contribution(3, [30]), 3))
    assert second.alert_id == first.alert_id
    assert (second.version, second.change, second.observed) == (2, AlertChange.UPDATED, 4)
    assert second.history[-1].reason == "the highest count went from 3 to 4"
    assert await service.take(make.event(make.contribution(3, [30]), 4)) == [], "a duplicate changes nothing"


async def test_history_keeps_the_first_and_the_newest_steps(make):
    service = make.service(make.rule())
    for number in range(70):
        await service.take(make.event(make.contribution(number, [number / 10]), number))
    (alert,) = service.standing()
    assert len(alert.history) == 50
    assert alert.history[0].change is AlertChange.OPENED
    assert alert.history[-1].observed == 70


async def test_a_correction_that_takes_the_spike_away_retracts_the_alert_and_its_return_revives_it(make):
    service = make.service(make.rule())
    (alert,) = await service.take(*(make.event(make.contribution(n, [n]), n) for n in range(3)))
    (gone,) = await service.take(make.event(make.contribution(2, [900], 2), 3))
    assert (gone.alert_id, gone.status, gone.change, gone.version) == (alert.alert_id, AlertStatus.RETRACTED, AlertChange.RETRACTED, 2)
    assert "revised away" in gone.history[-1].reason
    (back,) = await service.take(make.event(make.contribution(2, [2], 3), 4))
    assert (back.alert_id, back.status, back.change, back.version) == (alert.alert_id, AlertStatus.OPEN, AlertChange.OPENED, 3)


async def test_other_case_definitions_of_the_same_reports_raise_an_alert_and_take_it_back(make):
    service = make.service(make.rule(case_definitions=("opioid",)))
    opioids, drugs = ("any-drug@2", "opioid@1"), ("any-drug@2",)
    events = [make.event(make.contribution(n, [n], definitions=opioids if n < 2 else drugs), n) for n in range(4)]
    assert await service.take(*events) == []
    service.restart()
    (alert,) = await service.take(make.event(make.contribution(2, [2], 2, definitions=(*drugs, "opioid@2")), 4))
    assert (alert.observed, alert.rule.parameters["case_definitions"]) == (3, "opioid")
    assert [each.incident_id for each in alert.contributors] == [make.named("incident", n) for n in range(3)]
    assert alert.explanation.startswith("3 suspected overdoses that meet opioid in county 42091 ")
    (gone,) = await service.take(make.event(make.contribution(0, [0], 2, definitions=drugs), 5))
    assert (gone.alert_id, gone.status) == (alert.alert_id, AlertStatus.RETRACTED)


async def test_a_withdrawn_incident_is_counted_no_more_and_a_replay_does_not_bring_it_back(make):
    service = make.service(make.rule())
    events = [make.event(make.contribution(n, [n]), n) for n in range(3)]
    await service.take(*events)
    (gone,) = await service.take(make.event(None, 3, incident=1))
    assert gone.status is AlertStatus.RETRACTED
    outcomes = await service.evaluate(events)
    assert isinstance(outcomes[1], Drop)
    assert service.standing() == []


async def test_two_alerts_that_become_one_leave_the_older_id(make):
    service = make.service(make.rule())
    one = await service.take(*(make.event(make.contribution(n, [n]), n) for n in range(3)))
    two = await service.take(*(make.event(make.contribution(10 + n, [200 + n]), 10 + n) for n in range(3)))
    changed = await service.take(*(make.event(make.contribution(20 + n, [100 + n]), 20 + n) for n in range(3)))
    assert {(alert.alert_id, alert.change) for alert in changed} == {
        (one[0].alert_id, AlertChange.UPDATED),
        (two[0].alert_id, AlertChange.RETRACTED),
    }
    reason = next(alert for alert in changed if alert.change is AlertChange.RETRACTED).history[-1].reason
    assert reason == f"it became a part of alert {one[0].alert_id}"


async def test_an_older_first_overdose_gives_a_baseline_rule_its_history(make):
    rule = make.rule("mean_plus_sd")
    service = make.service(rule)
    assert await service.take(*(make.event(make.contribution(n, [100 + n]), n) for n in range(3))) == []
    # far outside every baseline, but from here on the area was watched
    changed = await service.take(make.event(make.contribution("old", [-5000]), 3))
    assert [alert.opened_at for alert in changed] == [make.at(101)]
    (gone,) = await service.take(make.event(None, 4, incident="old"))
    assert gone.status is AlertStatus.RETRACTED


async def test_a_quiet_alert_closes_at_the_event_time_that_decided_it(make):
    service = make.service(make.rule())
    await service.take(*(make.event(make.contribution(n, [n]), n) for n in range(3)))
    await service.quiet.close()
    assert service.publishing.sent == []
    await service.take(make.event(make.contribution("later", [500], area="county:42045"), 9))
    await service.quiet.close()
    (message,) = service.publishing.sent
    alert = message.body
    assert isinstance(alert, Alert)
    assert (alert.status, alert.closed_at, alert.version) == (AlertStatus.CLOSED, make.at(2 + 120), 2)
    await service.quiet.close()
    assert len(service.publishing.sent) == 1
    (again,) = await service.take(make.event(make.contribution("late", [30]), 10))
    assert (again.alert_id, again.observed, again.status) == (alert.alert_id, 4, AlertStatus.CLOSED)


async def test_live_a_spike_found_after_it_was_over_is_closed_at_once(make):
    service = make.service(make.rule(), is_live=True)
    (alert,) = await service.take(*(make.event(make.contribution(n, [n]), n) for n in range(3)))
    assert (alert.version, alert.status, alert.change) == (1, AlertStatus.CLOSED, AlertChange.CLOSED)
    assert [step.change for step in alert.history] == [AlertChange.OPENED, AlertChange.CLOSED]
    assert alert.history[-1].reason.startswith("retrospective")


async def test_live_an_alert_closes_by_the_wall_clock(make):
    service = make.service(make.rule(), is_live=True, now=make.at(10))
    (alert,) = await service.take(*(make.event(make.contribution(n, [n]), n) for n in range(3)))
    assert alert.status is AlertStatus.OPEN
    service.now = make.at(2 + 121)
    await service.quiet.close()
    assert service.publishing.sent[0].body.status is AlertStatus.CLOSED


async def test_alerts_written_but_not_published_go_out_with_the_same_records_again(make):
    service = make.service(make.rule())
    events = [make.event(make.contribution(n, [n]), n) for n in range(3)]
    first = await service.evaluate(events)
    service.restart()  # before the broker acknowledged anything
    second = await service.evaluate(events)
    ids = [
        [message.event_id for outcome in outcomes if isinstance(outcome, Emit) for message in outcome.messages]
        for outcomes in (first, second)
    ]
    assert ids[0] == ids[1]
    assert len(ids[0]) == 1
    await service.evaluate.on_published()
    assert await service.take(*events) == []


async def test_forgotten_alerts_are_published_once(make):
    service = make.service(make.rule())
    await service.evaluate([make.event(make.contribution(n, [n]), n) for n in range(3)])
    await service.quiet.publish_forgotten()
    assert service.publishing.sent == [], "it may still be on its way"
    service.now += timedelta(minutes=10)
    await service.quiet.publish_forgotten()
    await service.quiet.publish_forgotten()
    assert len(service.publishing.sent) == 1


async def test_a_partition_given_away_is_read_again_when_it_comes_back(make):
    service = make.service(make.rule())
    await service.take(make.event(make.contribution(0, [0]), 0), make.event(make.contribution(1, [1]), 1))
    await service.evaluate.on_revoked(frozenset({7}))
    assert len(service.cache) == 1
    await service.evaluate.on_revoked(frozenset({0}))
    assert len(service.cache) == 0
    (alert,) = await service.take(make.event(make.contribution(2, [2]), 2))
    assert alert.observed == 3


async def test_memory_is_bounded(make):
    service = make.service(make.rule(), most_overdoses=1000)
    for number in range(100):
        await service.take(make.event(make.contribution(number, [number], area=f"county:{number:05}"), number))
    assert len(service.cache) <= 1000 // 64


async def test_long_lists_of_contributors_are_cut_and_say_so(make):
    service = make.service(make.rule())
    (alert,) = await service.take(*(make.event(make.contribution(n, [n / 100]), n) for n in range(510)))
    assert (len(alert.contributors), alert.contributors_omitted, alert.observed) == (500, 10, 510)
    assert alert.contributors[-1].occurred_at == make.at(5.09)


async def test_a_tombstone_with_a_strange_key_is_dead_lettered_and_the_others_go_on(make):
    service = make.service(make.rule())
    strange = make.event(None, 0, incident=1)
    object.__setattr__(strange.record, "key", b"nonsense")
    outcomes = await service.evaluate([strange, make.event(make.contribution(1, [1]), 1)])
    assert isinstance(outcomes[0], DeadLetter)
    assert isinstance(outcomes[1], Emit)
    assert len(service.contributions.held) == 1


async def test_the_filter_decides_who_contributes(make):
    from spikewatch.contracts.vocabulary import Outcome

    service = make.service(make.rule(outcome="fatal"))
    events = [make.event(make.contribution(n, [n], outcome=(Outcome.FATAL, Outcome.NONFATAL)[n == 1]), n) for n in range(4)]
    (alert,) = await service.take(*events)
    assert [each.incident_id for each in alert.contributors] == [make.named("incident", n) for n in (0, 2, 3)]
    assert alert.explanation.startswith("3 suspected fatal overdoses in county 42091")


@pytest.mark.parametrize("minutes", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
async def test_the_order_of_arrival_does_not_matter(make, minutes):
    service = make.service(make.rule())
    for offset, minute in enumerate(minutes):
        await service.take(make.event(make.contribution(minute, [minute]), offset))
    (alert,) = service.standing()
    assert (micros(alert.opened_at), alert.observed) == (micros(make.at(2)), 3)


async def test_an_alert_of_a_fixed_count_shows_the_days_before_though_the_rule_needs_no_history(make):
    rule = make.rule(window_hours=24, quiet_hours=24)
    service = make.service(rule)
    early = [make.event(make.contribution(("day", day), [day * 1440]), day) for day in range(8)]
    late = make.event(make.contribution("late", [2 * 1440 + 5]), 20)
    await service.take(*early)
    service.restart()
    spike = [make.event(make.contribution(n, [8 * 1440 + n]), 10 + n) for n in range(3)]
    (alert,) = await service.take(*spike)
    assert [each.count for each in alert.baseline] == [1] * 7
    assert alert.expected == 1.0
    assert "About 1.0 would be expected by the mean of the 7 such windows before, so it is 3.0 times as many." in alert.explanation
    assert alert.picture is not None
    (told,) = await service.take(late)
    assert [each.count for each in told.baseline] == [1, 1, 2, 1, 1, 1, 1]
    assert (told.version, told.observed, told.contributors) == (2, 3, alert.contributors)
    assert told.history[-1].reason == "earlier overdoses were added, corrected or taken back"


async def test_what_no_rule_watched_is_held_until_one_does(make):
    service = make.service(
        make.rule(
            "mean_plus_sd",
            area_kinds=["zip"],
            parameters={"sds": 2, "history_days": 365, "minimum_history_days": 28, "lag_hours": 24, "minimum_count": 3},
        )
    )
    early = [make.contribution(day, [-day * 1440 - 1440]) for day in range(60)]
    assert await service.take(*(make.event(body, number) for number, body in enumerate(early))) == []
    assert service.areas.held == {}, "no state is kept up for an area that nothing watches"
    service.rulebook = make.service(make.rule()).rulebook
    service.restart()
    (alert,) = await service.take(*(make.event(make.contribution(("new", n), [n]), 100 + n) for n in range(3)))
    assert alert.observed == 3
    assert service.areas.held[make.area].first == micros(early[-1].overdoses[0].occurred_at), "the first one came before any rule did"


async def test_an_area_that_another_instance_wrote_is_read_again(make):
    service = make.service(make.rule())
    await service.take(make.event(make.contribution(0, [0]), 0))
    other = service.evaluate
    service.restart()
    await service.take(make.event(make.contribution(1, [1]), 1))
    with pytest.raises(Transient):
        await other([make.event(make.contribution(2, [2], 2), 2)])
    outcomes = await other([make.event(make.contribution(2, [2], 2), 2)])
    assert [message.body.observed for outcome in outcomes for message in outcome.messages] == [3]


async def test_a_first_revision_that_came_before_is_found_though_it_was_taken_for_new(make):
    service = make.service(make.rule())
    first = make.event(make.contribution(0, [0]), 0)
    await service.take(first)
    await service.take(make.event(make.contribution(0, [1], 2), 1))
    service.restart()
    outcomes = await service.evaluate([first, *(make.event(make.contribution(n, [n]), n) for n in (2, 3))])
    assert isinstance(outcomes[0], Drop), "a later revision is held"
    (alert,) = [message.body for outcome in outcomes[1:] for message in outcome.messages]
    assert (alert.observed, alert.opened_at) == (3, make.at(3))
    assert [each.occurred_at for each in alert.contributors] == [make.at(minute) for minute in (1, 2, 3)]


async def test_a_first_revision_that_came_before_does_not_leave_its_time_behind_as_the_first_of_its_area(make):
    service = make.service(make.rule())
    first = make.event(make.contribution(0, [0]), 0)
    await service.take(first)
    await service.take(make.event(make.contribution(0, [300], 2), 1))
    service.restart()
    await service.take(first)
    service.restart()
    await service.take(make.event(make.contribution(1, [600]), 2))
    assert service.cache.get(make.area).first == micros(make.at(300))


async def test_evaluated_spans_are_left_out_of_the_next_write_of_their_area(make):
    service = make.service(make.rule())
    await service.take(make.event(make.contribution(0, [0]), 0))
    await service.take(make.event(make.contribution(1, [5000]), 1))
    assert service.areas.held[make.area].spans == ((micros(make.at(5000)), micros(make.at(5000))),)


async def test_spans_do_not_grow_where_memory_holds_too_few_areas(make):
    service = make.service(make.rule(), most_overdoses=1)
    for number in range(5):
        areas = [make.area, "county:42045"]
        await service.take(*(make.event(make.contribution(f"{area} {number}", [number * 500], area=area), number) for area in areas))
        assert sum(len(state.spans) for state in service.areas.held.values()) <= 1


SILENT = SilentFeed(feed="birch-police/odin", agency_id="birch-police", since=datetime(2026, 2, 27, 3, 5, tzinfo=UTC))


async def test_an_alert_names_the_feeds_that_are_missing_in_its_count(make):
    service = make.service(make.rule())
    service.feeds.feeds = (SILENT,)
    (alert,) = await service.take(*(make.event(make.contribution(n, [n * 10]), n) for n in range(3)))
    assert service.feeds.asked == [(("county:42091", "state:42"), make.at(20))]
    assert alert.silent_feeds == (SILENT,)
    assert alert.explanation.endswith(
        "asks for at least 3. Silent: birch-police/odin (since 2026-02-27 03:05 UTC); the true count may be higher."
    )


async def test_a_feed_that_speaks_again_makes_no_version_and_leaves_the_next_one(make):
    service = make.service(make.rule())
    service.feeds.feeds = (SILENT,)
    events = [make.event(make.contribution(n, [n * 10]), n) for n in range(3)]
    await service.take(*events)
    service.feeds.feeds = ()
    assert await service.take(*events) == [], "nothing in the counts has changed"
    (grown,) = await service.take(make.event(make.contribution(3, [30]), 3))
    assert (grown.version, grown.silent_feeds) == (2, ())
    assert "Silent" not in grown.explanation
    # and the other way: what is kept of the evidence takes no old sentence along
    service.feeds.feeds = (SILENT, SILENT)
    (again,) = await service.take(make.event(make.contribution(4, [80]), 4), make.event(make.contribution(5, [81]), 5))
    assert again.version == 3
    assert again.explanation.count("Silent") == 1
    (later,) = await service.take(make.event(make.contribution(6, [100]), 6))
    assert later.explanation.count("Silent") == 1
