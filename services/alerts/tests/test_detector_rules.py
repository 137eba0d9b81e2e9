"""Detectors as rules: the thresholds are those of the detector on calendar steps, whatever is asked together."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikewatch.alerts.domain.detection.registry import ALGORITHMS
from spikewatch.alerts.domain.detection.series import Series as Counts
from spikewatch.alerts.domain.episodes import Zone, all_episodes, recomputed
from spikewatch.alerts.domain.evidence import finding_of
from spikewatch.alerts.domain.instants import DAY, HOUR
from spikewatch.alerts.domain.rulebook import Rulebook
from spikewatch.alerts.domain.rules.detector import NO_RULE
from spikewatch.alerts.domain.series import History
from spikewatch.alerts.service.area_cache import AreaCache
from spikewatch.alerts.service.begin_steps import BeginSteps

USABLE = [name for name in ALGORITHMS if name not in NO_RULE]
DAILY = 100
EPOCH = date(1970, 1, 1)


def rule(make, algorithm, window_hours=24, **parameters):
    return make.rule(
        kind="detector",
        id="detected",
        window_hours=window_hours,
        quiet_hours=1,
        parameters={"algorithm": algorithm, "history_days": 60, "minimum_history_days": 0} | parameters,
    )


def spread(counts):
    """Overdoses of each day from its second hour on, a minute apart."""
    rows = [(day * DAY + 2 * HOUR + 60_000_000 * one, 4) for day, count in enumerate(counts) for one in range(count)]
    return History.of(rows, rows[0][0], -(2**60))


def steps(algorithm, counts, days, judged_from=0):
    """What a rule hears from the algorithm of the counts as days, or as weeks where it judges only those."""
    for length in (1, 7):
        starts = (np.datetime64("1970-01-05") + length * np.arange(len(counts))).astype("datetime64[D]")
        asked = Counts(starts, counts[None, :], ("a",))
        try:
            found = ALGORITHMS[algorithm].judged(asked, ALGORITHMS[algorithm].parameters(), judged_from)
        except ValueError:
            continue
        if days in {0, length} and (found.alarm[0] >= 0).any():
            return length, found
    raise AssertionError("judges neither days nor weeks")


@pytest.mark.parametrize("algorithm", USABLE)
def test_an_alarm_needs_the_past_alone_and_more_never_undo_it(algorithm):
    """What a rule needs of an algorithm: it may be asked in the middle of a step, and asked about a step when it is long past."""
    draw = np.random.default_rng(5)
    length = 400 if "training" in ALGORITHMS[algorithm].parameters.model_fields else 290
    counts = draw.poisson(4, length).astype(np.float64)
    counts[draw.choice(length, 12)] += 15
    length, found = steps(algorithm, counts, 0)
    evaluated = np.flatnonzero(found.alarm[0] >= 0)
    for cut in evaluated[[-20, -1]]:
        was = -1
        for last in (0, 6, 40, 2**20):
            partly = counts[: cut + 1].copy()
            partly[cut] = last
            _, again = steps(algorithm, partly, length, cut)
            assert again.alarm[0, cut] >= was
            was = int(again.alarm[0, cut])
        _, again = steps(algorithm, counts[: cut + 1], length, cut)
        assert again.alarm[0, cut] == found.alarm[0, cut]


def test_alarms_are_those_of_the_detector_on_days(make):
    draw = np.random.default_rng(3)
    counts = draw.poisson(3, DAILY)
    counts[[40, 70, 71, 90]] += 9
    history = spread(counts.tolist())
    asked = rule(make, "ears_c2", baseline=28, history_days=400)
    days = sorted({episode.opened_at // DAY for episode in all_episodes(history, asked)})
    settings = ALGORITHMS["ears_c2"].parameters(baseline=28)
    starts = np.arange(DAILY).astype("datetime64[D]")
    found = ALGORITHMS["ears_c2"].run(Counts(starts, counts[None, :].astype(np.float64), ("a",)), settings)
    assert days == np.flatnonzero(found.alarm[0] == 1).tolist()
    episode = next(one for one in all_episodes(history, asked) if one.opened_at // DAY == 40)
    finding = finding_of(history, asked, episode)
    assert finding.threshold == np.floor(found.threshold[0, 40]) + 1
    assert finding.expected == pytest.approx(found.expected[0, 40])
    assert episode.observed == counts[40]
    assert [count for _, _, count in finding.baseline] == counts[10:40].tolist()


@given(cut=st.integers(40, DAILY - 1))
def test_what_is_asked_together_does_not_matter(make, cut):
    draw = np.random.default_rng(9)
    counts = draw.poisson(3, DAILY)
    counts[[50, 70, 71, 90]] += 9
    asked = rule(make, "ears_c2", baseline=14, history_days=30)
    whole = [one for one in all_episodes(spread(counts.tolist()), asked) if one.last_met_at < cut * DAY]
    part = [one for one in all_episodes(spread(counts[:cut].tolist()), asked) if one.last_met_at < cut * DAY]
    assert part == whole


@pytest.mark.parametrize("algorithm", ["ears_c2", "ewma", "third_largest", "fixed", "predictive"])
def test_areas_that_are_prepared_together_are_judged_as_they_are_alone(make, algorithm):
    draw = np.random.default_rng(4)
    histories = [spread(draw.poisson(mean, DAILY).tolist()) for mean in (0.3, 1, 4, 9)]
    histories.append(spread([0] * 70 + [1] * 30))
    now = DAILY * DAY + 12 * HOUR
    prepared, alone = (rule(make, algorithm, **({"threshold": 3} if algorithm == "fixed" else {})) for _ in range(2))
    prepared.criterion.prepare([history.select(0, now) for history in histories], now, DAY)
    assert prepared.criterion.step(now, DAY) == DAILY
    assert len(prepared.criterion._known) == len(histories)
    for history in histories:
        today = history.changed((), [(DAILY * DAY + 3 * HOUR + one, 4) for one in range(30)], history.first)
        assert all_episodes(today, prepared) == all_episodes(today, alone)


@pytest.mark.parametrize("algorithm", ["serfling", "negative_binomial_weekly", "essence_farrington", "farrington", "farrington_flexible"])
def test_weeks_are_judged_alike_together_alone_and_in_a_back_test(make, algorithm):
    draw = np.random.default_rng(2)
    weeks = [draw.poisson(mean, 290).tolist() for mean in (0.7, 3, 8)]
    histories = [spread([count if day % 7 == 6 else 0 for count in counts for day in range(7)]) for counts in weeks]
    at = int(max(history.newest for history in histories)) + 7 * DAY
    prepared, alone, foreseen = (rule(make, algorithm, window_hours=168, history_days=2030) for _ in range(3))
    prepared.criterion.prepare([history.select(0, at) for history in histories], at, 7 * DAY)
    spikes = [history.changed((), [(at - DAY + one, 4) for one in range(45)], history.first) for history in histories]
    foreseen.criterion.foresee([spike.select(0, at) for spike in spikes], 7 * DAY, since=at - 30 * DAY)
    for history in spikes:
        zone = Zone(at - 30 * DAY, at, ())
        found = recomputed(history, alone, zone)
        assert found[-1].opened_at > at - DAY - 1, "the spike of this week is found, not before it began"
        assert recomputed(history, prepared, zone) == found
        assert recomputed(history, foreseen, zone) == found
        live = [one for one in history.times.tolist() if one > at - 30 * DAY]
        series = history.select(0, at)
        met = [
            one
            for one in live
            if alone.criterion.met_once(series, one, series.count_one(alone.criterion.start(one, 7 * DAY), one), 7 * DAY)
        ]
        assert met[0] == found[0].opened_at
        assert met[-1] == found[-1].last_met_at


async def test_steps_are_begun_once_for_the_areas_in_memory(make):
    asked = rule(make, "ears_c2")
    cache = AreaCache(10_000)
    cache.put("county:42091", spread([1] * 50), 0)
    cache.put("zip:19401", spread([1] * 50), 0)
    now = datetime(1970, 2, 25, 12, tzinfo=UTC)
    begin = BeginSteps(Rulebook((asked, make.rule())), cache, clock=lambda: now)
    await begin()
    assert len(asked.criterion._known) == 1, "the ZIP code is not watched"
    asked.criterion._known.clear()
    await begin()
    assert not asked.criterion._known, "the day has begun already"
    now += timedelta(days=1)
    await begin()
    assert len(asked.criterion._known) == 1


@pytest.mark.parametrize("algorithm", USABLE)
def test_the_first_days_of_an_area_raise_nothing_but_what_needs_no_history(make, algorithm):
    own = {"threshold": 3} if algorithm == "fixed" else {}
    weekly = algorithm in {"serfling", "negative_binomial_weekly", "essence_farrington", "farrington_flexible"}
    asked = rule(make, algorithm, window_hours=168 if weekly else 24, history_days=2200 if weekly else 400, **own)
    early = all_episodes(spread([9, 9]), asked)
    assert bool(early) == (algorithm == "fixed")


def test_a_day_may_begin_elsewhere_than_in_greenwich(make):
    counts = [2] * 50
    rows = [(day * DAY + 60_000_000 * one, 4) for day, count in enumerate(counts) for one in range(count)]
    late = [(50 * DAY + 4 * HOUR + one, 4) for one in range(4)] + [(50 * DAY + 6 * HOUR + one, 4) for one in range(4)]
    history = History.of(rows + late, 1, -(2**60))
    greenwich = all_episodes(history, rule(make, "ears_c2", baseline=28))
    eastern = all_episodes(history, rule(make, "ears_c2", baseline=28, day_starts_hour=5))
    assert max(one.observed for one in greenwich) == 8
    assert [one.observed for one in eastern] == [4, 4], "the four before five o'clock are of the day before"


def test_wrong_settings_are_refused(make):
    for wrong in ({"algorithm": "ears_c9"}, {"algorithm": "ears_c2", "baseline": 1}, {"algorithm": "ears_c2", "wheels": 4}):
        with pytest.raises(ValueError, match=r"unknown algorithm|baseline|wheels"):
            make.rule("detector", window_hours=24, parameters=wrong)
    with pytest.raises(ValueError, match="expected 24"):
        make.rule("detector", window_hours=12, parameters={"algorithm": "ears_c2"})
