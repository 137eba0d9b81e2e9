"""Alerts are written by others too, as when one story is told of several: then they are judged again, and nothing else is."""

from dataclasses import replace

import pytest

from spikewatch.alerts.ports import Overtaken


class Elsewhere:
    """A store of alerts into which another writer writes just before we do, so many times."""

    def __init__(self, store, times):
        self._store = store
        self.times = times

    def __getattr__(self, name):
        return getattr(self._store, name)

    async def save(self, alerts):
        if self.times:
            self.times -= 1
            known = await self._store.load([each.alert_id for each in alerts])
            await self._store.save([replace(one, alert=one.alert.changed(version=one.alert.version + 1)) for one in known.values()])
            await self._store.settle({one.alert_id: one.alert.version + 1 for one in known.values()})
        await self._store.save(alerts)


async def opened_service(make, times):
    service = make.service(make.rule(), make.rule("mean_plus_sd"))
    await service.take(*(make.event(make.contribution(number, [number]), number) for number in range(4)))
    service.alerts = Elsewhere(service.alerts, 0)
    service.evaluate._alerts = service.alerts
    service.alerts.times = times
    return service


async def test_an_alert_that_another_writes_meanwhile_is_judged_again_and_no_area_is_read_anew(make, monkeypatch):
    service = await opened_service(make, 2)
    reads = []

    async def counted(spans, rows=service.contributions.rows):
        reads.append(spans)
        return await rows(spans)

    monkeypatch.setattr(service.contributions, "rows", counted)
    (alert,) = await service.take(make.event(make.contribution(4, [30]), 4))
    assert (alert.observed, alert.version) == (5, 4), "two versions of another writer, and ours"
    assert [spans for spans in reads if spans] == []
    (quiet,) = await service.take(make.event(make.contribution(5, [31]), 5))
    assert (quiet.observed, quiet.version) == (6, 5)


async def test_a_batch_gives_way_to_writers_that_never_rest_and_comes_again(make):
    service = await opened_service(make, 10**6)
    event = make.event(make.contribution(4, [30]), 4)
    with pytest.raises(Overtaken):
        await service.evaluate([event])
    service.alerts.times = 0
    (alert,) = await service.take(event)
    assert alert.observed == 5
