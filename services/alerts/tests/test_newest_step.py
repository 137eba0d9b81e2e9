"""The counts from which on the newest step is an alarm by the default detector: as if the whole series had been judged for each."""

import numpy as np
import pytest

from spikewatch.alerts.domain.detection.partly_reported import partly_reported
from spikewatch.alerts.domain.detection.predictive import Predictive, predictive
from spikewatch.alerts.domain.detection.series import Series
from spikewatch.alerts.domain.instants import DAY
from spikewatch.alerts.domain.rules.least_alarm import by_runs, least_alarms
from spikewatch.alerts.domain.rules.newest_step import NewestStep, Watched

PARAMETERS = Predictive()
START = 19_000 * DAY


def drawn(areas: int, steps: int, seed: int = 6) -> np.ndarray:
    draw = np.random.default_rng(seed)
    return draw.poisson(np.exp(draw.uniform(-3, 3, areas))[:, None], (areas, steps)).astype(np.float64)


def series(counts: np.ndarray, days: int) -> Series:
    first = np.datetime64(19_000, "D")
    return Series(first + np.arange(counts.shape[1]) * days, counts, tuple(map(str, range(len(counts)))))


@pytest.mark.parametrize("days", [1, 7])
def test_the_past_is_gone_through_once_and_the_answer_is_that_of_whole_series(days: int) -> None:
    before = drawn(6, 80)
    before[5] = 0
    by_all = least_alarms(by_runs(lambda counts, _: predictive(series(counts, days), PARAMETERS), before), len(before))
    once = least_alarms(NewestStep.after(before, START, days * DAY, PARAMETERS), len(before))
    assert once.tolist() == by_all.tolist()
    assert np.isfinite(once).all()
    assert len(set(once.tolist())) > 2


def test_what_is_reported_in_part_is_asked_in_part() -> None:
    before = drawn(5, 60)
    share = np.ones((5, 61))
    share[:, -3:] = [0.9, 0.6, 0.3]

    def run(counts: np.ndarray, areas: np.ndarray) -> object:
        return partly_reported("predictive", series(counts, 1), PARAMETERS, share[areas])

    by_all = least_alarms(by_runs(run, before), len(before))
    once = least_alarms(NewestStep.after(before, START, DAY, PARAMETERS, share), len(before))
    assert once.tolist() == by_all.tolist()
    assert (once < least_alarms(NewestStep.after(before, START, DAY, PARAMETERS), len(before))).any()


def test_the_next_day_goes_on_from_the_last_and_a_corrected_area_begins_anew() -> None:
    counts = drawn(6, 72)
    watched = Watched()
    watched.newest(0, counts[:4, :70], START, DAY, PARAMETERS)
    corrected = counts.copy()
    corrected[2, 40] += 9
    order = [3, 2, 5, 0, 4]  # one has gone, two are new
    for steps in (71, 71, 72):
        before = corrected[order, :steps]
        one = least_alarms(watched.newest(0, before, START, DAY, PARAMETERS), len(order))
        assert one.tolist() == least_alarms(NewestStep.after(before, START, DAY, PARAMETERS), len(order)).tolist()
    back = least_alarms(watched.newest(0, corrected[:, :60], START, DAY, PARAMETERS), 6)
    assert back.tolist() == least_alarms(NewestStep.after(corrected[:, :60], START, DAY, PARAMETERS), 6).tolist()


def test_steps_that_are_not_judged_are_learnt_from() -> None:
    counts = drawn(4, 90)
    whole, part = predictive(series(counts, 1), PARAMETERS), predictive(series(counts, 1), PARAMETERS, judged_from=70)
    for column in ("expected", "threshold", "p_value", "alarm"):
        assert np.array_equal(getattr(whole, column)[:, 70:], getattr(part, column)[:, 70:], equal_nan=True)
    assert (part.alarm[:, :70] == -1).all()
