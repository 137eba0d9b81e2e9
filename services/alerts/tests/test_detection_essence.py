"""The detectors of ESSENCE beyond their reference cases: many areas, gaps, short histories, extremes, and the peers' differences."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.special import stdtr

from spikewatch.alerts.domain.detection.detection import ALARM, NOT_EVALUATED, Detected
from spikewatch.alerts.domain.detection.essence.ewma import Ewma, ewma
from spikewatch.alerts.domain.detection.essence.farrington import EssenceFarrington, essence_farrington
from spikewatch.alerts.domain.detection.essence.negative_binomial import NegativeBinomialWeekly, negative_binomial_weekly
from spikewatch.alerts.domain.detection.essence.regression import Regression, regression
from spikewatch.alerts.domain.detection.essence.serfling import Serfling, serfling
from spikewatch.alerts.domain.detection.essence.student import student_tail
from spikewatch.alerts.domain.detection.essence.switch import Switch, switch
from spikewatch.alerts.domain.detection.essence.trend import Trend, trend
from spikewatch.alerts.domain.detection.series import Series, SeriesError

DAILY: list[tuple[Callable[..., Detected], Any]] = [(ewma, Ewma()), (regression, Regression()), (switch, Switch())]
WEEKLY: list[tuple[Callable[..., Detected], Any]] = [
    (serfling, Serfling()),
    (negative_binomial_weekly, NegativeBinomialWeekly()),
    (essence_farrington, EssenceFarrington()),
    (essence_farrington, EssenceFarrington(method="modified")),
]


def series(counts: Any, *, days: int = 1) -> Series:
    values = np.atleast_2d(np.asarray(counts, dtype=np.float64))
    starts = np.datetime64("2018-01-07") + days * np.arange(values.shape[1]).astype("timedelta64[D]")
    return Series(starts.astype("datetime64[D]"), values, tuple(f"area {number}" for number in range(len(values))))


def draws(areas: int, steps: int, mean: float = 4, seed: int = 1) -> Any:
    return np.random.default_rng(seed).negative_binomial(5, 5 / (5 + mean), (areas, steps)).astype(float)


def both(found: Detected) -> list[Any]:
    return [found.expected, found.threshold, found.statistic, found.p_value, found.alarm]


@pytest.mark.parametrize(("detector", "parameters"), [*DAILY, *WEEKLY])
def test_many_areas_are_judged_as_each_alone_is(detector: Any, parameters: Any) -> None:
    days = 1 if (detector, parameters) in DAILY else 7
    counts = draws(4, 80 if days == 1 else 230)
    counts[2] = 0  # nothing ever
    counts[3, 50] = np.nan  # a gap
    together = detector(series(counts, days=days), parameters)
    for area in range(4):
        alone = detector(series(counts[area], days=days), parameters)
        for mine, theirs in zip(both(together), both(alone), strict=True):
            np.testing.assert_allclose(mine[area], theirs[0], rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(("detector", "parameters"), [*DAILY, *WEEKLY])
def test_what_is_not_evaluated_is_said_and_a_gap_is_no_alarm(detector: Any, parameters: Any) -> None:
    days = 1 if (detector, parameters) in DAILY else 7
    counts = draws(1, 80 if days == 1 else 230)
    counts[0, -3] = np.nan
    found = detector(series(counts, days=days), parameters)
    assert found.alarm[0, -3] == NOT_EVALUATED
    known = found.alarm != NOT_EVALUATED
    assert known.any()
    assert not np.isnan(found.threshold[known]).any()
    assert not np.isnan(found.expected[known]).any()


@pytest.mark.parametrize(("detector", "parameters"), [*DAILY, *WEEKLY])
def test_a_million_in_one_step_is_an_alarm_and_stays_finite(detector: Any, parameters: Any) -> None:
    days = 1 if (detector, parameters) in DAILY else 7
    counts = draws(1, 80 if days == 1 else 230)
    counts[0, -1] = 1e6
    judged_on_itself = detector in {serfling, negative_binomial_weekly}  # their baseline is the whole series by default
    ending = {"baseline_end": "2022-01-31"} if judged_on_itself else {}
    found = detector(series(counts, days=days), parameters.model_copy(update=ending) if not ending else type(parameters)(**ending))
    assert found.alarm[0, -1] == ALARM
    assert np.isfinite(found.threshold[0, -1])


@pytest.mark.parametrize(("detector", "parameters"), [*DAILY, *WEEKLY[:2]])
def test_one_step_of_history_is_refused(detector: Any, parameters: Any) -> None:
    with pytest.raises(SeriesError, match="expected"):
        detector(series([3]), parameters)


def test_a_short_weekly_history_is_not_evaluated_by_farrington() -> None:
    assert (essence_farrington(series(draws(2, 100), days=7), EssenceFarrington()).alarm == NOT_EVALUATED).all()


@pytest.mark.parametrize("detector", [serfling, negative_binomial_weekly, essence_farrington])
def test_weekly_detectors_refuse_days(detector: Any) -> None:
    parameters = {serfling: Serfling(), negative_binomial_weekly: NegativeBinomialWeekly(), essence_farrington: EssenceFarrington()}
    with pytest.raises(SeriesError, match="seven days"):
        detector(series(draws(1, 300)), parameters[detector])


def test_adaptive_regression_refuses_weeks() -> None:
    with pytest.raises(SeriesError, match="one day"):
        regression(series(draws(1, 60), days=7), Regression())


def test_a_gap_leaves_the_smoothed_count_and_shortens_the_baseline() -> None:
    counts = np.full(40, 5.0)
    counts[20] = np.nan
    found = ewma(series(counts), Ewma())
    assert found.alarm[0, 20] == NOT_EVALUATED
    # a constant series stays at its mean, with or without the day
    np.testing.assert_allclose(found.statistic[0, 21:], 0, atol=1e-12)


def test_an_alert_below_the_week_is_withdrawn_and_pynssp_keeps_it() -> None:
    counts = np.tile([9.0, 9, 9, 9, 9, 0, 0], 8)
    rng = np.random.default_rng(0)
    counts += rng.integers(0, 2, len(counts))
    saturday = 5 + 7 * 7
    counts[saturday - 6 : saturday] += 4
    counts[saturday + 1] = 3.0
    ours, theirs = (regression(series(counts), Regression(compat=compat)) for compat in ("", "pynssp-0.1.0"))
    assert not theirs.also["withdrawn"].any()
    both_tiers = ours.also["tier"], theirs.also["tier"]
    evaluated = both_tiers[0] >= 0
    withdrawn = ours.also["withdrawn"] & evaluated
    assert (both_tiers[0][withdrawn] == 0).all()
    assert (ours.p_value[withdrawn] < 0.05).all()


def test_the_switch_takes_the_regression_where_it_explains() -> None:
    steady = np.tile([30.0, 10, 10, 12, 14, 40, 42], 10) + np.random.default_rng(2).integers(0, 3, 70)
    noisy = draws(1, 70)[0]
    found = switch(series([steady, noisy]), Switch())
    assert found.also["by_regression"][0, 40:].all()
    assert not found.also["by_regression"][1, 40:].all()
    line = regression(series([steady, noisy]), Regression())
    np.testing.assert_array_equal(found.expected[0, 40:], line.expected[0, 40:])


def test_the_size_of_counts_that_vary_as_poisson_does_is_so_large_that_it_is_none() -> None:
    counts = np.random.default_rng(3).binomial(40, 0.5, (1, 200)).astype(float)  # less than Poisson's variance
    found = negative_binomial_weekly(series(counts, days=7), NegativeBinomialWeekly())
    assert found.also["theta"][0, 0] > 1e6
    assert (found.alarm != NOT_EVALUATED).all()
    nothing = negative_binomial_weekly(series(np.zeros((1, 200)), days=7), NegativeBinomialWeekly())
    assert (nothing.alarm == NOT_EVALUATED).all()


def test_large_and_small_counts_give_one_size_by_table_and_by_special_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = series(draws(3, 200), days=7)
    by_table = negative_binomial_weekly(counts, NegativeBinomialWeekly())
    monkeypatch.setattr("spikewatch.alerts.domain.detection.essence.negative_binomial._SHORT", 0)
    np.testing.assert_allclose(by_table.also["theta"], negative_binomial_weekly(counts, NegativeBinomialWeekly()).also["theta"], rtol=1e-8)


def test_the_corrected_dispersion_of_farrington_differs_from_the_peer_only_behind_the_switch() -> None:
    counts = series(draws(1, 240, mean=8, seed=5), days=7)
    ours = essence_farrington(counts, EssenceFarrington(method="modified"))
    theirs = essence_farrington(counts, EssenceFarrington(method="modified", compat="rnssp-0.3.1"))
    evaluated = ~np.isnan(ours.statistic)
    assert not np.allclose(ours.statistic[evaluated], theirs.statistic[evaluated])
    # on the scale of counts a score above one is a count above the threshold
    np.testing.assert_array_equal(ours.statistic[evaluated] > 1, (counts.counts > ours.threshold)[evaluated])


def test_a_rising_share_is_a_trend() -> None:
    total = np.full((2, 30), 500.0)
    hits = np.array([np.linspace(5, 90, 30).round(), np.full(30, 20.0)])
    with_total = Series(series(hits).starts, hits, ("rising", "level"), denominator=total)
    found = trend(with_total, Trend())
    assert (found.also["direction"][0, 11:] == 1).all()
    assert (found.also["direction"][1, 11:] == 0).all()
    assert (found.alarm[:, :11] == NOT_EVALUATED).all()
    with pytest.raises(SeriesError, match="all visits"):
        trend(series(hits), Trend())
    with pytest.raises(SeriesError, match="at least the count"):
        trend(Series(with_total.starts, hits, ("a", "b"), denominator=hits - 1), Trend())


@pytest.mark.parametrize("degrees", [1, 2, 3, 4, 7, 10, 27, 28, 55])
def test_student_s_tail_is_that_of_the_special_function(degrees: int) -> None:
    t = np.concatenate([np.linspace(-30, 30, 601), [np.nan]])[None]
    np.testing.assert_allclose(student_tail(np.full(t.shape, degrees), t), stdtr(degrees, -t), rtol=1e-9)
