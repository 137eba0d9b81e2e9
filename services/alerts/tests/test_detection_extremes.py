"""Histories at which regressions diverge or know all but nothing: an answer or none, and never a warning."""

import numpy as np
import pytest

from spikewatch.alerts.domain.detection.registry import ALGORITHMS
from spikewatch.alerts.domain.detection.series import Series

WEEKS = 260


def _weekly(counts: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Series:
    starts = np.datetime64("2019-01-07") + 7 * np.arange(WEEKS).astype("timedelta64[D]")
    return Series(starts.astype("datetime64[D]"), counts, tuple(map(str, range(len(counts)))))


def _extreme() -> Series:
    random = np.random.default_rng(1)
    week = np.arange(WEEKS)
    sparse = (random.random((3, WEEKS)) < 0.01) * random.integers(1, 4, (3, WEEKS)).astype(np.float64)
    million = random.poisson(1, WEEKS).astype(np.float64)
    million[200] = 1e6
    never = np.full(WEEKS, np.nan)
    rising, falling = np.exp(week / 16).round(), np.exp((WEEKS - week) / 16).round()
    switched = random.integers(0, 2, WEEKS) * 1e6
    gaps = np.where(random.random(WEEKS) < 0.7, np.nan, million)
    return _weekly(np.vstack((sparse, million, never, rising, falling, switched, gaps, np.zeros(WEEKS))))


@pytest.mark.parametrize("method", ["delta", "nbPlugin", "muan"])
@pytest.mark.parametrize("reweight", [True, False])
def test_flexible_regressions_answer_without_a_warning(method: str, reweight: bool) -> None:  # noqa: FBT001  # a case
    algorithm = ALGORITHMS["farrington_flexible"]
    found = algorithm.run(_extreme(), algorithm.parameters.model_validate({"years": 3, "threshold_method": method, "reweight": reweight}))

    assert (found.alarm[3, 200] == 1) or np.isnan(found.threshold[3, 200])
    assert (found.alarm[4] == -1).all()
    assert not (found.alarm[9] == 1).any()


def test_original_regression_answers_without_a_warning() -> None:
    algorithm = ALGORITHMS["farrington"]
    found = algorithm.run(_extreme(), algorithm.parameters.model_validate({"years": 3}))

    assert found.alarm[3, 200] == 1
    assert (found.alarm[4] == -1).all()


def test_a_count_alone_in_its_season_is_no_past_spike() -> None:
    counts = np.random.default_rng(2).poisson(3, WEEKS).astype(np.float64)
    counts[40:130] = np.nan
    algorithm = ALGORITHMS["farrington_flexible"]
    parameters = algorithm.parameters.model_validate({"years": 3})

    whole = algorithm.run(_weekly(counts[None, :]), parameters)
    shifted = algorithm.run(_weekly(np.vstack((counts, counts + 1))), parameters)

    # which areas are asked together changes the rounding; what is alone in its group must not follow it
    assert np.allclose(whole.also["phi"][0], shifted.also["phi"][0], rtol=1e-9, equal_nan=True)


def test_a_mean_without_a_decision_interval_is_told() -> None:
    algorithm = ALGORITHMS["rogerson"]
    many = _weekly(np.full((1, WEEKS), 1e6))
    with pytest.raises(ValueError, match=r"above 3,000 a step has no decision interval; expected lower counts, or a `table`"):
        algorithm.run(many, algorithm.parameters.model_validate({"training": 104}))


@pytest.mark.parametrize("one_in", [260, 130, 52])
def test_an_area_with_hardly_any_count_has_a_decision_interval(one_in: int) -> None:
    algorithm = ALGORITHMS["rogerson"]
    counts = np.zeros((2, WEEKS))
    counts[1, ::one_in] = 1
    found = algorithm.run(_weekly(counts), algorithm.parameters.model_validate({"training": 104}))

    assert not (found.alarm[0] == 1).any()
    assert np.isfinite(found.threshold[:, 104:]).all()
    assert (found.threshold[:, 104:] > 0).all()
