"""Scans across borders: a cluster on both sides of a state's border is one alert of a rule that watches both states."""

from datetime import timedelta
from uuid import UUID

import h3
import numpy as np
import pytest

from spikewatch.alerts.domain.clusters.look import Placed, joined, look, watched_in
from spikewatch.alerts.domain.instants import DAY, HOUR, micros
from spikewatch.alerts.service.scan_clusters import ScanClusters
from spikewatch.contracts.alert import AlertChange, AlertStatus

CENTRE = h3.latlng_to_cell(40.2, -74.75, 7)
CELLS = sorted(h3.grid_disk(CENTRE, 4))
WEST, EAST = "42017", "34021"
A_DAY = 1_440


def rule(make, **changes):
    fields = {"window_hours": 72, "quiet_hours": 48, "minimum_count": 3, "areas": ("state:42", "state:34"), "area_kinds": ()}
    parameters = {"days": 30, "radius_km": 3, "probability": 0.01, "replications": 399}
    return make.rule("space_time_scan", **{**fields, "parameters": parameters, **changes})


def county_of(cell: str) -> str:
    """The river runs through the middle from north to south."""
    return WEST if h3.cell_to_latlng(cell)[1] < h3.cell_to_latlng(CENTRE)[1] else EAST


def lived(make, *, day=30, each=2):
    """Return contributions of 30 quiet days, and on one day a few in every cell around the border's middle."""
    draws = np.random.default_rng(5)
    background = [(f"usual/{n}", CELLS[draws.integers(len(CELLS))], float(draws.uniform(0, 31 * A_DAY))) for n in range(120)]
    cluster = [(f"spike/{cell}/{n}", cell, day * A_DAY + 360.0 + n) for cell in h3.grid_disk(CENTRE, 1) for n in range(each)]
    return [
        make.contribution(name, [minute], area=f"h3:{cell}").model_copy(update={"place_key": county_of(cell)})
        for name, cell, minute in background + cluster
    ]


async def alerts_of(make, one, contributions):
    service = make.service(one)
    scan = ScanClusters(
        service.rulebook,
        service.contributions,
        service.alerts,
        service.contacts,
        service.feeds,
        service.publishing,
        clock=lambda: service.now,
        every_seconds=3600,
        is_live=True,
    )
    for number, each in enumerate(contributions):
        assert await service.take(make.event(each, number)) == []
    service.now = make.at(30 * A_DAY + 12 * 60 + 1)
    await scan()
    return service, scan


@pytest.mark.parametrize("watched", [{"areas": ("state:42", "state:34")}, {"areas": (), "area_kinds": ("state",)}])
async def test_a_cluster_on_both_sides_of_a_border_is_one_alert_of_the_state_with_more_of_it(make, watched):
    service, _ = await alerts_of(make, rule(make, **watched), lived(make))
    (alert,) = service.standing()
    assert alert.observed >= 14
    assert alert.area == "state:34", "the river's cells themselves lie east of it"
    assert "of state 34 and state 42, from" in alert.explanation
    ((asked),) = service.contacts.asked
    assert set(asked) == {f"county:{WEST}", f"county:{EAST}", "state:42", "state:34"}
    assert alert.recurrence_days == pytest.approx(400 / 24**0.4), "both states are one place: the p-value is of both together already"


async def test_a_rule_of_one_state_sees_its_half_alone(make):
    service, _ = await alerts_of(make, rule(make, areas=("state:42",)), lived(make))
    assert all(alert.area == "state:42" and alert.observed < 14 for alert in service.standing())


async def test_an_alert_stays_with_its_state_when_the_cluster_crosses_the_border(make):
    first = lived(make)
    service, scan = await alerts_of(make, rule(make), first)
    (alert,) = service.standing()
    moved = [
        make.contribution(f"later/{cell}/{n}", [31 * A_DAY + 300.0 + n], area=f"h3:{cell}").model_copy(update={"place_key": WEST})
        for cell in h3.grid_disk(CENTRE, 1)
        if county_of(cell) == WEST
        for n in range(9)
    ]
    for number, each in enumerate(moved):
        await service.take(make.event(each, len(first) + number))
    service.now += timedelta(days=1)
    await scan()
    (after,) = service.standing()
    assert (after.alert_id, after.area, after.change) == (alert.alert_id, "state:34", AlertChange.UPDATED)
    assert after.observed > alert.observed
    assert after.status is AlertStatus.OPEN


async def test_counties_are_looked_at_each_by_itself_and_finds_are_of_its_cells_alone(make):
    one = rule(make, areas=(f"county:{WEST}", f"county:{EAST}"))
    service, _ = await alerts_of(make, one, lived(make, each=4))
    found = {alert.area: alert for alert in service.standing()}
    assert set(found) <= {f"county:{WEST}", f"county:{EAST}"}
    assert f"county:{EAST}" in found
    assert all(alert.observed < 28 for alert in found.values())


def test_where_a_rule_looks(make):
    both = rule(make, areas=("state:42", "state:34", f"county:{WEST}"))
    assert watched_in(both, WEST) == (f"county:{WEST}", "state")
    assert watched_in(both, "36061") == watched_in(both, "cell-85") == ()
    assert both.areas_together == 2
    alone = rule(make, areas=("state:42",))
    assert (watched_in(alone, WEST), joined(alone, "state:42")) == (("state:42",), "state:42")


def test_states_of_a_cluster_stand_by_how_much_of_it_each_has(make):
    at = micros(make.at(30 * A_DAY))
    quiet = [Placed(f"h3:{cell}", county_of(cell), UUID(int=back), (at - back * DAY,), (4,)) for back in range(1, 29) for cell in CELLS[:9]]
    here = [Placed(f"h3:{CENTRE}", WEST if n < 3 else EAST, UUID(int=99 + n), (at - n * HOUR,), (4,)) for n in range(8)]
    found = look(rule(make), "state", quiet + here, at)
    assert found[0].states == ("state:34", "state:42")
    assert found[0].counties[0] == f"county:{EAST}"
