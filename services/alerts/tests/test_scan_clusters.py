"""Space-time scans on their schedule: a planted cluster becomes one alert, which follows it, ends, and is taken back."""

from dataclasses import replace
from datetime import timedelta

import h3
import pytest

from spikewatch.alerts.domain.clusters.cells import is_inside, outline_of
from spikewatch.alerts.domain.clusters.look import Placed, look
from spikewatch.alerts.domain.instants import DAY, HOUR, micros
from spikewatch.alerts.service.scan_clusters import ScanClusters
from spikewatch.contracts.alert import Alert, AlertChange, AlertStatus
from spikewatch.contracts.contribution import contribution_key

CENTRE = h3.latlng_to_cell(40.2, -75.3, 7)
CELLS = [f"h3:{cell}" for cell in sorted(h3.grid_disk(CENTRE, 3), key=lambda cell: (h3.grid_distance(CENTRE, cell), cell))]
A_DAY = 1_440
STATE, COUNTY = "state:42", "county:42091"


def scan_rule(make, **changes):
    fields = {
        "area_kinds": ("state",),
        "window_hours": 72,
        "quiet_hours": 48,
        "minimum_count": 3,
        "parameters": {"days": 30, "radius_km": 3, "probability": 0.05, "replications": 399},
        "tiers": ({"name": "reported", "probability_below": 0.4}, {"name": "spike", "probability_below": 0.02, "audience": ("public",)}),
    }
    return make.rule("space_time_scan", **{**fields, **changes})


def background(make, days=40):
    """Return contributions of each cell every fifth day: nothing stands out."""
    return [
        make.contribution(f"{place}/{day}", [day * A_DAY + 10 * place], area=cell)
        for place, cell in enumerate(CELLS)
        for day in range(days)
        if (place + day) % 5 == 0
    ]


def planted(make, day, cells=(0, 1), count=4, hour=6, name="planted"):
    return [
        make.contribution(f"{name}/{day}/{place}/{number}", [day * A_DAY + hour * 60 + number], area=CELLS[place])
        for place in cells
        for number in range(count)
    ]


class Watched:
    """The stores of a service and its schedule."""

    def __init__(self, make, *rules, every_seconds=3600, is_live=True):
        self.make, self.offset = make, 0
        self.service = make.service(*(rules or (scan_rule(make),)), is_live=is_live)
        self.every, self.is_live = every_seconds, is_live
        self.restart()

    def restart(self):
        service = self.service
        self.scan = ScanClusters(
            service.rulebook,
            service.contributions,
            service.alerts,
            service.contacts,
            service.feeds,
            service.publishing,
            clock=lambda: service.now,
            every_seconds=self.every,
            is_live=self.is_live,
        )

    async def take(self, contributions):
        events = []
        for one in contributions:
            events.append(self.make.event(one, self.offset))
            self.offset += 1
        assert await self.service.take(*events) == [], "no overdose meets a scan by itself"

    async def withdraw(self, contributions):
        for one in contributions:
            event = self.make.event(None, self.offset, area=one.area)
            key = contribution_key(one.area, one.incident_id).encode()
            await self.service.take(replace(event, record=replace(event.record, key=key)))
            self.offset += 1

    async def look(self, day, hour=12) -> list[Alert]:
        """Let the clock stand at an hour of a day and return what is published."""
        self.service.now = self.make.at(day * A_DAY + hour * 60 + 1)
        before = len(self.service.publishing.sent)
        await self.scan()
        return [message.body for message in self.service.publishing.sent[before:]]


@pytest.fixture
async def watched(make):
    made = Watched(make)
    await made.take(background(make))
    return made


async def test_nothing_stands_out_and_nothing_is_told(watched):
    for day in (10, 30, 35):
        assert await watched.look(day) == []


async def test_a_planted_cluster_is_an_alert_with_its_outline(watched, make):
    added = planted(make, 30)
    await watched.take(added)
    (alert,) = await watched.look(30)
    assert (alert.status, alert.change, alert.area, alert.rule.kind) == (AlertStatus.OPEN, AlertChange.OPENED, STATE, "space_time_scan")
    assert alert.observed >= 8 > 3 * alert.expected
    assert alert.probability <= 24**0.4 * 2.01 / 400, "of a day that is looked at every hour"
    assert alert.recurrence_days == pytest.approx(1 / alert.probability)
    assert (alert.tier, alert.audience) == ("spike", ("public",))
    assert {one.incident_id for one in added} <= {one.incident_id for one in alert.contributors}
    assert sum(one.overdoses for one in alert.contributors) == alert.observed
    assert alert.window.end == make.at(30 * A_DAY + 12 * 60)
    assert alert.opened_at == max(one.overdoses[0].occurred_at for one in added)
    ring = alert.outline.ring
    assert ring[0] == ring[-1]
    assert is_inside(CELLS[0], ring)
    assert is_inside(CELLS[1], ring)
    assert not is_inside(CELLS[-1], ring)
    assert alert.explanation.startswith(f"{alert.observed} suspected overdoses in ")
    assert "map cells near one another of state 42" in alert.explanation
    assert alert.picture.startswith("<svg")
    assert watched.service.contacts.asked == [(COUNTY, STATE)]
    assert not any(kept.pending for kept, _ in watched.service.alerts.held.values())


async def test_looks_within_an_hour_and_looks_without_news_tell_nothing(watched, make):
    await watched.take(planted(make, 30))
    assert len(await watched.look(30)) == 1
    assert await watched.look(30, 12.5) == []
    assert await watched.look(30, 13) == []
    watched.restart()
    assert await watched.look(30, 13) == []


async def test_the_same_contributions_and_the_same_day_give_the_same_alerts(make):
    published = []
    for turn in (1, -1):
        made = Watched(make)
        await made.take((background(make) + planted(make, 30))[::turn])
        published.append(await made.look(30))
    assert published[0] == published[1] != []


async def test_the_alert_follows_its_cluster_to_other_cells(watched, make):
    await watched.take(planted(make, 30, cells=(0, 1)))
    (first,) = await watched.look(30)
    await watched.take(planted(make, 31, cells=(1, 2), count=6))
    (second,) = await watched.look(31)
    assert (second.alert_id, second.version, second.change) == (first.alert_id, 2, AlertChange.UPDATED)
    assert second.opened_at == first.opened_at
    assert second.last_met_at > first.last_met_at
    assert second.outline != first.outline
    assert second.history[-1].reason.startswith("the cluster")


async def test_a_cluster_far_away_is_another_alert(watched, make):
    await watched.take(planted(make, 30, cells=(0,), count=6))
    (first,) = await watched.look(30)
    await watched.take(planted(make, 30, cells=(len(CELLS) - 1,), count=6, hour=12))
    told = await watched.look(30, 13)
    assert first.alert_id not in {alert.alert_id for alert in told if alert.change is AlertChange.OPENED}
    assert [alert.change for alert in told].count(AlertChange.OPENED) == 1
    assert len(watched.service.standing()) == 2


async def test_an_alert_ends_when_no_overdose_joined_for_the_quiet_time(watched, make):
    await watched.take(planted(make, 30))
    (alert,) = await watched.look(30)
    for day in (31, 32, 33, 34, 36):
        await watched.look(day)
        await watched.service.quiet.close()
    (kept,) = watched.service.standing()
    assert (kept.alert_id, kept.status) == (alert.alert_id, AlertStatus.CLOSED)
    assert kept.closed_at == kept.last_met_at + timedelta(hours=48)


async def test_an_alert_is_retracted_when_its_incidents_are_withdrawn_and_revived_when_they_come_back(watched, make):
    added = planted(make, 30)
    await watched.take(added)
    (alert,) = await watched.look(30)
    await watched.withdraw(added[1:])
    (gone,) = await watched.look(30, 14)
    assert (gone.alert_id, gone.status, gone.version) == (alert.alert_id, AlertStatus.RETRACTED, 2)
    assert await watched.look(30, 15) == []
    await watched.take([one.model_copy(update={"revision": 2}) for one in added])
    (back,) = await watched.look(30, 16)
    assert (back.alert_id, back.status, back.version) == (alert.alert_id, AlertStatus.OPEN, 3)


async def test_an_alert_of_days_ago_is_looked_at_again_when_its_incidents_are_withdrawn(watched, make):
    added = planted(make, 20)
    await watched.take(added)
    (alert,) = await watched.look(20)
    assert await watched.look(28) == []
    await watched.withdraw(added[:1])
    (less,) = await watched.look(28, 14)
    assert (less.alert_id, less.observed) == (alert.alert_id, alert.observed - 1)
    await watched.withdraw(added[1:])
    (gone,) = await watched.look(28, 15)
    assert (gone.alert_id, gone.status) == (alert.alert_id, AlertStatus.RETRACTED)


async def test_two_alerts_that_grow_together_become_the_older_one(watched, make):
    await watched.take(planted(make, 29, cells=(1,), count=5))
    (older,) = await watched.look(29)
    await watched.take(planted(make, 30, cells=(4,), count=7))
    told = {alert.alert_id: alert for alert in await watched.look(30)}
    if older.alert_id in told and len(told) == 1:
        pytest.fail("the second cluster is to be an alert of its own first")
    (newer,) = [alert for alert in told.values() if alert.change is AlertChange.OPENED]
    await watched.take(planted(make, 30, cells=(0, 1, 4), count=9, hour=12))
    after = {alert.alert_id: alert for alert in await watched.look(30, 14)}
    assert after[older.alert_id].status is AlertStatus.OPEN
    assert after[newer.alert_id].status is AlertStatus.RETRACTED
    assert after[newer.alert_id].history[-1].reason == f"it became a part of alert {older.alert_id}"


async def test_fewer_than_the_minimum_are_never_told(make):
    for minimum, alerts in ((3, 1), (4, 0)):
        made = Watched(make, scan_rule(make, minimum_count=minimum, parameters={"days": 30, "radius_km": 3, "probability": 0.9}))
        await made.take([make.contribution(f"old/{day}", [day * A_DAY + 5], area=CELLS[-1]) for day in range(25)])
        await made.take(planted(make, 30, cells=(0,), count=3))
        assert len(await made.look(30)) == alerts, minimum


async def test_a_county_is_looked_at_alone_and_cells_of_no_county_nowhere(make):
    made = Watched(
        make, scan_rule(make, area_kinds=(), areas=(COUNTY,)), scan_rule(make, id="elsewhere", area_kinds=(), areas=("state:34",))
    )
    await made.take(background(make) + planted(make, 30))
    await made.take([one.model_copy(update={"place_key": "cell-85"}) for one in planted(make, 30, cells=(20,), count=9, name="no county")])
    (alert,) = await made.look(30)
    assert (alert.area, alert.rule.rule_id) == (COUNTY, "space-time-scan")
    assert not is_inside(CELLS[20], alert.outline.ring)


async def test_a_replay_looks_at_each_step_of_event_time(make):
    made = Watched(make, every_seconds=86_400, is_live=False)
    await made.scan()
    await made.take([one for one in background(make, 30) + planted(make, 28) if one.overdoses[0].occurred_at < make.at(20 * A_DAY)])
    assert await made.look(400) == []
    await made.take([one for one in background(make, 32) + planted(make, 28) if one.overdoses[0].occurred_at >= make.at(20 * A_DAY)])
    opened, *_ = await made.look(400)
    assert opened.change is AlertChange.OPENED
    assert opened.window.end == make.at(29 * A_DAY), "by the day after the cluster, not by the newest one"


async def test_a_day_far_in_the_future_is_looked_at_and_not_every_hour_up_to_it(make):
    made = Watched(make, is_live=False)
    await made.take(background(make, 30))
    assert await made.look(400) == []
    await made.take([make.contribution("late", [4_000 * A_DAY], area=CELLS[0])])
    assert await made.look(400) == []


def test_a_look_is_of_the_days_up_to_its_moment(make):
    rule = scan_rule(make)
    at = micros(make.at(30 * A_DAY))
    day = [Placed(cell, "42091", make.named(cell, back), (at - back * DAY,), (4,)) for back in range(1, 29) for cell in CELLS[:12]]
    here = [Placed(CELLS[0], "42091", make.named("here", n), (at - n * HOUR,), (4,)) for n in range(8)]
    after = [Placed(CELLS[5], "42091", make.named("after", n), (at + 1 + n,), (4,)) for n in range(99)]
    (found,) = look(rule, STATE, day + here + after, at)
    assert found.cells[0] == CELLS[0]
    assert found.observed == len(found.times) >= 8
    assert found.newest == at
    assert found == look(rule, STATE, (day + after + here)[::-1], at)[0]
    assert [end - start for start, end, _ in found.before] == [found.before[0][1] - found.before[0][0]] * len(found.before)
    assert look(rule, STATE, after, at) == ()
    assert look(rule, STATE, [Placed("h3:nowhere", "42091", make.named(n), (at,), (4,)) for n in range(9)], at) == ()


def test_an_outline_holds_whole_cells(make):
    one = outline_of(CELLS[:1])
    assert len(one) == 7
    assert is_inside(CELLS[0], one)
    assert not is_inside(CELLS[1], one)
    fiji = f"h3:{h3.latlng_to_cell(-17.0, 179.99, 7)}"
    around = [f"h3:{cell}" for cell in h3.grid_disk(fiji.partition(":")[2], 1)]
    assert all(is_inside(cell, outline_of(around)) for cell in around)
    assert not is_inside(CELLS[0], outline_of(around))


@pytest.mark.parametrize(
    "changes",
    [
        {"area_kinds": ("zip",)},
        {"areas": ("zip:19401",)},
        {"window_hours": 36},
        {"window_hours": 24 * 16},
        {"parameters": {"radius_km": 3, "probability": 0.05, "model": "poisson"}},
        {"parameters": {"probability": 0.05}},
    ],
)
def test_a_scan_that_cannot_be_made_is_refused(make, changes):
    with pytest.raises(ValueError, match=r"expected|areas only|Field required|Input should be"):
        scan_rule(make, **changes)
