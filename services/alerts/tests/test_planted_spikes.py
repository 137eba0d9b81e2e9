"""Documented spikes within drawn histories: the counts are those that were published, and the list of them is whole."""

import csv
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest

from spikewatch.alerts.domain.instants import DAY, HOUR
from spikewatch.alerts.domain.simulation.planted import Burst, planted_in, usual_times

ROOT = Path(__file__).resolve().parents[3]
SHARED = ROOT.parent / "shared" / "data"


def test_usual_times_have_their_level_and_half_of_them_vary_more():
    day = 18_000
    drawn = usual_times(np.random.default_rng(1), 3.0, ((day - 700) * DAY, day * DAY), (day - 350) * DAY, 60)
    assert len(drawn) == 60
    assert sum(len(times) for times in drawn) / 60 / 700 == pytest.approx(3.0, rel=0.05)
    assert all((np.diff(times) >= 0).all() and times[0] >= (day - 700) * DAY and times[-1] < day * DAY for times in drawn)
    spread = [np.bincount(times // DAY - (day - 700), minlength=700) for times in drawn]
    plain, wide = (np.mean([each.var() / each.mean() for each in spread[which::2]]) for which in (0, 1))
    assert plain + 0.3 < wide
    week = np.bincount((np.concatenate(drawn) // DAY + 3) % 7, minlength=7)
    assert week.argmax() == 5, "Saturdays have the most"


def test_a_planted_spike_adds_its_count_or_makes_up_the_total():
    day = 18_000 * DAY
    usual = np.arange(day - 2 * DAY, day + 2 * DAY, HOUR)
    bursts = (Burst(15, 5, 14), Burst(10, 53, 6))
    added, first, last = planted_in(np.random.default_rng(2), usual, bursts, day, is_total=False)
    assert len(added) == len(usual) + 20
    assert day + 10 * HOUR <= first < last < day + 63 * HOUR
    total, _, _ = planted_in(np.random.default_rng(2), usual, (Burst(12, 24, 6),), day, is_total=True)
    assert len(total[(total >= day + 12 * HOUR) & (total < day + 36 * HOUR)]) == 6
    assert len(total) == len(usual) - 24 + 6


def test_every_labelled_event_is_measured_with_its_published_count_or_left_out_for_want_of_one():
    table, script = SHARED / "incidents" / "labelled_events.csv", ROOT / "benchmarks" / "labelled_events.py"
    if not table.is_file() or not script.is_file():
        pytest.skip("the table of labelled events or the benchmark is not there")
    spec = spec_from_file_location("labelled_events", script)
    assert spec is not None
    assert spec.loader is not None
    benchmark = module_from_spec(spec)
    sys.modules["labelled_events"] = benchmark  # its dataclasses look themselves up there
    spec.loader.exec_module(benchmark)
    rows = {row["event_id"]: row for row in csv.DictReader(table.read_text("utf-8").splitlines())}
    assert rows.keys() == {*benchmark.SHAPES, *benchmark.WITHOUT_A_COUNT}
    assert not any(rows[name]["reported_overdoses"] or rows[name]["reported_deaths"] for name in benchmark.WITHOUT_A_COUNT)
    for event in benchmark.events(SHARED):
        bursts = event.shape.bursts
        assert sum(one.number for one in bursts) == event.number
        assert max(one.begins + one.hours for one in bursts) * HOUR <= event.end + DAY - event.start
        assert 0.2 < event.usual < 10
    (huntington,) = [event for event in benchmark.events(SHARED) if event.name.startswith("huntington")]
    told = benchmark.measured(huntington, draws=2, times_usual=1.0, seed=1)
    assert told["spikewatch-daily (default)"].hits == told["budget-24h"].hits == 1
    assert 0 < told["budget-24h"].days < 2
