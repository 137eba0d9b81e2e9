import gc
import weakref
from itertools import count

import pytest

from spikewatch.chassis.collector import _LOOKS_TO_ALL, collect_cycles, spare_collector


class Cycle:
    def __init__(self) -> None:
        self.me = self


@pytest.fixture(autouse=True)
def collector():
    """Leave the garbage collector of the test run as it is."""
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


async def test_what_refers_to_itself_is_freed_between_batches():
    spare_collector(collects_between=True)
    lost = weakref.ref(Cycle())
    assert lost() is not None
    await collect_cycles()
    assert lost() is None


async def test_what_lived_through_a_look_is_freed_when_all_is_looked_at(monkeypatch):
    monkeypatch.setattr("spikewatch.chassis.collector._looks", count(1))
    spare_collector(collects_between=True)
    cycle = Cycle()
    lost = weakref.ref(cycle)
    await collect_cycles()
    del cycle
    await collect_cycles()
    assert lost() is not None
    for _ in range(_LOOKS_TO_ALL - 2):
        await collect_cycles()
    assert lost() is None


@pytest.mark.parametrize("collects_between", [True, False])
def test_the_collector_still_starts_by_itself(collects_between):
    spare_collector(collects_between=collects_between)
    lost = weakref.ref(Cycle())
    kept = []
    while lost() is not None and len(kept) < 600_000:
        kept.append([])
    assert lost() is None
