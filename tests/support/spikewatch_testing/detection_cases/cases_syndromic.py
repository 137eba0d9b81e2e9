"""Adapters of Rnssp and pynssp: their arguments in our words, and our answers in their columns."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import numpy as np

from spikewatch.alerts.domain.detection.detection import Detected
from spikewatch.alerts.domain.detection.essence.ewma import Ewma, ewma
from spikewatch.alerts.domain.detection.essence.farrington import EssenceFarrington, essence_farrington
from spikewatch.alerts.domain.detection.essence.negative_binomial import NegativeBinomialWeekly, negative_binomial_weekly
from spikewatch.alerts.domain.detection.essence.regression import Regression, regression
from spikewatch.alerts.domain.detection.essence.serfling import Serfling, serfling
from spikewatch.alerts.domain.detection.essence.switch import Switch, switch
from spikewatch.alerts.domain.detection.essence.trend import Trend, trend
from spikewatch.alerts.domain.detection.series import Series
from spikewatch_testing.detection_cases.case import Case, compare

__all__ = ["check", "handles"]

Columns = dict[str, Any]
Arguments = Mapping[str, str]
_COMPAT = {"Rnssp": "rnssp-0.3.1", "pynssp": "pynssp-0.1.0"}
_COLOURS = {-1: "grey", 0: "blue", 1: "yellow", 2: "red"}
_NAMES = {"B": "baseline", "g": "guard_band", "w1": "slow_weight", "w2": "fast_weight"}


def handles(case: Case) -> bool:
    """Whether a case is of a peer that this module knows."""
    return case.package in _COMPAT


def check(case: Case) -> None:
    """Assert that we give what the peer gave."""
    function = next(name for name in _FUNCTIONS if name in case.algorithm)
    arguments = _arguments(case)
    series, rows = _series(case, arguments)
    columns = _FUNCTIONS[function](series, arguments, _COMPAT[case.package], grouped=len(series.areas) > 1)
    flat = {name: [values[row] for row in rows] for name, values in columns.items()}
    compare(case, flat)


def _arguments(case: Case) -> dict[str, str]:
    """Return the arguments of the call and of ``params``, each as text: ``baseline_end=as.Date('2021-12-26')`` gives the date."""
    found = re.findall(r"\b(\w+)\s*=\s*(?:as\.Date\(|c\()?\s*[\"']?([^,()\"']*)", case.call)
    return {name: value.strip() for name, value in found} | {name: str(value) for name, value in case.parameters.items()}


def _series(case: Case, arguments: Arguments) -> tuple[Series, list[tuple[int, int]]]:
    """Return the input as one area for each group, and where each row of the expectation lies in it."""
    names = list(case.input)
    day = arguments.get("t") if arguments.get("t") in case.input else next(name for name in names if name.lower() in {"date", "t", "week"})
    visits = arguments.get("all_count", "allCount")
    counted = arguments.get("y", arguments.get("data_count", ""))
    if counted not in case.input:
        counted = next(name for name in ("count", "cases", "dataCount", "y") if name in case.input)
    groups = [name for name in names if name not in {day, counted, visits}] if len(set(case.input[day])) < len(case.input[day]) else []
    keys = list(zip(*(case.input[name] for name in groups), strict=True)) if groups else [()] * len(case.input[day])
    areas = list(dict.fromkeys(keys))
    days = sorted({text[:10] for text in case.input[day]})
    where = {text: number for number, text in enumerate(days)}
    counts, totals = np.full((len(areas), len(days)), np.nan), np.full((len(areas), len(days)), np.nan)
    values = case.numbers(counted)
    for row, key in enumerate(keys):
        counts[areas.index(key), where[case.input[day][row][:10]]] = values[row]
        if visits in case.input:
            totals[areas.index(key), where[case.input[day][row][:10]]] = float(case.input[visits][row])
    series = Series(
        np.array([date.fromisoformat(text) for text in days], dtype="datetime64[D]"),
        counts,
        tuple("/".join(key) or "one" for key in areas),
        denominator=totals if visits in case.input else None,
    )
    expected_day = day if day in case.expected else next(name for name in case.expected if name.lower() in {"date", "t", "week"})
    expected_keys = list(zip(*(case.expected[name] for name in groups), strict=True)) if groups else [()] * len(case.expected[expected_day])
    rows = [(areas.index(key), where[text[:10]]) for key, text in zip(expected_keys, case.expected[expected_day], strict=True)]
    return series, rows


def _given(arguments: Arguments, *names: str) -> dict[str, Any]:
    return {_NAMES[name]: arguments[name] for name in names if name in arguments}


def _daily(found: Detected, *, grouped: bool, compat: str) -> Columns:
    """Return the columns of the daily detectors; Rnssp paints a withdrawn alert blue, or grey when there are groups."""
    alert = np.vectorize(_COLOURS.__getitem__)(found.also["tier"]).astype(object)
    if "withdrawn" in found.also and compat == "rnssp-0.3.1":
        alert[found.also["withdrawn"].astype(bool)] = "grey" if grouped else "blue"
    return {
        "baseline_expected": found.expected,
        "test_statistic": found.statistic,
        "p.value": found.p_value,
        "p_value": found.p_value,
        "alert": alert,
        "alarm": (alert == "red").astype(float),
    }


def _ewma(series: Series, arguments: Arguments, compat: str, *, grouped: bool) -> Columns:
    return _daily(ewma(series, Ewma(**_given(arguments, "B", "g", "w1", "w2"), compat=compat)), grouped=grouped, compat=compat)


def _regression(series: Series, arguments: Arguments, compat: str, *, grouped: bool) -> Columns:
    found = regression(series, Regression(**_given(arguments, "B", "g"), compat=compat))
    return _daily(found, grouped=grouped, compat=compat) | {name: found.also[name] for name in ("sigma", "adjusted_r_squared")}


def _switch(series: Series, arguments: Arguments, compat: str, *, grouped: bool) -> Columns:
    found = switch(series, Switch(**_given(arguments, "B", "g", "w1", "w2"), compat=compat))
    by = np.where(found.also["by_regression"].astype(bool), "Adaptive Multiple Regression", "EWMA")
    return _daily(found, grouped=grouped, compat=compat) | {"detector": np.where(np.isnan(found.statistic), "", by).astype(object)}


def _weekly(series: Series, found: Detected, end: str | None) -> Columns:
    inside = series.starts <= np.datetime64(end) if end else np.ones(len(series.starts), dtype=bool)
    shape = series.counts.shape
    return {
        "estimate": found.expected,
        "threshold": found.threshold,
        "alarm": (found.alarm == 1).astype(float),
        "split": np.broadcast_to(np.where(inside, "Baseline Period", "Prediction Period"), shape).astype(object),
    }


def _serfling(series: Series, arguments: Arguments, compat: str, *, grouped: bool) -> Columns:
    end = arguments.get("baseline_end")
    found = serfling(series, Serfling(baseline_end=end))
    return _weekly(series, found, end) | {"epidemic_period": found.also["epidemic_period"].astype(float)}


def _nbinom(series: Series, arguments: Arguments, compat: str, *, grouped: bool) -> Columns:
    end, trend_ = arguments.get("baseline_end"), arguments.get("include_time", "TRUE").upper() in {"TRUE", "T"}
    found = negative_binomial_weekly(series, NegativeBinomialWeekly(baseline_end=end, trend=trend_, compat=compat))
    return _weekly(series, found, end) | {"time_term": np.full(series.counts.shape, float(trend_))}


def _farrington(series: Series, arguments: Arguments, compat: str, *, grouped: bool) -> Columns:
    names = {"B": "years", "g": "guard_band", "w": "half_width", "p": "periods", "method": "method"}
    given = {ours: arguments[theirs] for theirs, ours in names.items() if theirs in arguments}
    found = essence_farrington(series, EssenceFarrington(**given, compat=compat))
    evaluated = ~np.isnan(found.statistic)
    return {
        "predicted": found.expected,
        "time_coefficient": found.also["time_coefficient"],
        "include_time_term": np.where(np.isnan(found.expected), np.nan, 1.0),
        "upper": found.threshold,
        "alert_score": found.statistic,
        "alert": np.where(found.alarm == 1, "red", np.where(evaluated, "blue", "grey")).astype(object),
        "alarm": (found.alarm == 1).astype(float),
    }


def _trend(series: Series, arguments: Arguments, compat: str, *, grouped: bool) -> Columns:
    found = trend(series, Trend(window=arguments.get("B", 12), compat=compat))
    direction = found.also["direction"].astype(float)
    texts = np.select(
        [direction > 0, direction < 0, direction == 0], ["Significant Increase", "Significant Decrease", "Stable"], "Insufficient Data"
    )
    return {
        "statistic": found.statistic,
        "p.value": found.p_value,
        "p_value": found.p_value,
        "trend_classification": texts.astype(object),
        "alarm": (found.alarm == 1).astype(float),
    }


_FUNCTIONS: dict[str, Callable[..., Columns]] = {
    "ewma": _ewma,
    "regression": _regression,
    "switch": _switch,
    "serfling": _serfling,
    "nbinom": _nbinom,
    "farrington": _farrington,
    "trend": _trend,
}
