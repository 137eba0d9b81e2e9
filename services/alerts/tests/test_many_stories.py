"""Stories of incidents that very many alerts share: compared some at a time, each with a bounded number of others."""

import pytest

from spikewatch.alerts.service import tell_stories
from spikewatch.alerts.service.tell_stories import TellStories

AREAS = tuple(f"custom:{place}" for place in range(12))


@pytest.mark.parametrize(("touched", "sharing"), [(500, 2_000), (5, 2_000), (5, 6)])
async def test_alerts_are_compared_some_at_a_time_until_none_waits(make, monkeypatch, touched, sharing):
    monkeypatch.setattr(tell_stories, "_MOST_TOUCHED", touched)
    monkeypatch.setattr(tell_stories, "_MOST_SHARING", sharing)
    service = make.service(make.rule(area_kinds=("custom",)))
    for number in range(3):
        await service.take(*(make.event(make.contribution(number, [number], 1, area), 0, incident=number, area=area) for area in AREAS))
    asked: list[int] = []
    ask = service.alerts.sharing

    async def counted(incidents, named, limit):
        found = await ask(incidents, named, limit)
        asked.append(len(found))
        return found

    service.alerts.sharing = counted
    await TellStories(service.alerts, service.publishing, clock=lambda: service.now)()
    assert not service.alerts.waiting
    assert len(service.standing()) == len(AREAS)
    assert max(asked) <= max(touched, sharing)
    if touched > len(AREAS):
        assert len(asked) == 2, "few alerts are compared all at once"
    named = [len(alert.related) for alert in service.standing()]
    assert min(named) >= min(sharing, len(AREAS)) - 1
