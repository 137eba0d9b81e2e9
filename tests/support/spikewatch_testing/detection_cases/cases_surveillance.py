"""Adapters of R ``surveillance`` and epysurv: their arguments in our words, our answers in their columns."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
from scipy.special import ndtri

from spikewatch.alerts.domain.detection.detection import Detected
from spikewatch.alerts.domain.detection.registry import ALGORITHMS
from spikewatch.alerts.domain.detection.series import Floats, Series
from spikewatch_testing.detection_cases.case import Case, argument, compare

__all__ = ["check", "handles"]

_COMPAT: Final = "surveillance-1.20.3"
Columns = Mapping[str, Any]


def handles(case: Case) -> bool:
    """Whether a case is of a peer that this module knows."""
    return case.package in {"surveillance", "epysurv"}


def check(case: Case) -> None:
    """Assert that we give what the peer gave."""
    name, adapter = _adapter(case)
    whole, arguments = adapter(case)
    rows = case.numbers("t", of=case.expected).astype(int) - 1
    end = int(rows.max()) + 1
    population, denominator = (None if each is None else each[:, :end] for each in (whole.population, whole.denominator))
    series = Series(whole.starts[:end], whole.counts[:, :end], whole.areas, population, denominator)
    detected = ALGORITHMS[name].run(series, ALGORITHMS[name].parameters(**arguments))
    compare(case, _columns(case, name, arguments, detected, rows))


def _columns(case: Case, name: str, arguments: Mapping[str, Any], found: Detected, rows: np.ndarray[Any, np.dtype[np.int_]]) -> Columns:
    bound, expected = found.threshold, found.expected
    if name == "farrington_flexible":
        known = found.also["has_enough"] & ~np.isnan(bound)
        bound, expected = (np.where(known, each, np.nan) for each in (bound, expected))
    elif name == "farrington":
        bound = np.where(found.also["has_enough"], bound, 0.0)
    elif name in {"glr_poisson", "glr_nb", "lr_cusum"}:
        bound = np.nan_to_num(np.maximum(bound if argument(case, "ret") == "cases" else found.statistic, 0), nan=0.0)
        if name == "glr_nb" and argument(case, "ret") == "cases" and arguments["alpha"] != 0:
            # the peer's search by trial does not begin at a count of 0
            bound = np.where((case.numbers("observed")[: bound.shape[1]] == 0) & (found.alarm == 0), 1e99, bound)
            if arguments["direction"] == "dec":  # and it looks upwards for what is below
                bound = np.where(found.alarm == 0, 1e99, 0.0)
    elif name == "outbreak_p":
        # nor does it tell that even a count of 0 would alarm, except of the first step
        told = np.where(bound == 0, np.nan, bound)
        told[:, 0] = np.nan if arguments["k"] >= 1 else 0.0
        bound = told if argument(case, "ret") == "cases" else found.statistic
    alarm = found.alarm.astype(float)
    # the peer leaves an alarm empty where its bound is not a number, except for the flexible method's too few recent incidents
    alarm = np.where(found.alarm < 0, 0.0 if name == "farrington_flexible" else np.nan, alarm)
    columns = {"upperbound": bound, "alarm": alarm, "expected": expected, "pvalue": found.p_value, **found.also}
    if name == "farrington_flexible":
        columns |= _scored(case, arguments, found)
    return {column: np.asarray(values)[0, rows] for column, values in columns.items()}


def _scored(case: Case, arguments: Mapping[str, Any], found: Detected) -> Columns:
    """Return what the flexible method keeps in its control list: on the regression's own scale, or on that of the counts."""
    on_counts = arguments["threshold_method"] == "delta"
    centre = found.expected if on_counts else found.also["predictor"]
    deviation = found.also["error"] * (found.expected if on_counts else 1)
    quantile = 0.0 if arguments["threshold_method"] == "nbPlugin" else float(ndtri(1 - arguments["alpha"]))
    series = case.series()
    # months: the peer's unit of time is as long as the first step, ours 30 days
    unit = 1.0 if "period" in arguments else float(np.diff(series.starts[:2]).astype(np.float64)[0]) / series.step_days()
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        score = (series.counts[:, : centre.shape[1]] - centre) / (found.threshold - centre)
        return {"score": score, "mu0": np.exp(centre + quantile * deviation), "trend": found.also["trend"] * unit}


def _first(case: Case) -> int:
    """Return how many steps lie before the first that is evaluated."""
    wanted = case.parameters.get("range")
    if isinstance(wanted, list) and wanted:
        return int(min(wanted)) - 1
    return int(case.numbers("t", of=case.expected).min()) - 1


def _frequency(case: Case) -> int:
    return int(case.meta.get("freq") or argument(case, "freq") or 52)


def _ears(case: Case) -> tuple[Series, dict[str, Any]]:
    method = argument(case, "method", "C1")
    arguments = {
        "baseline": int(argument(case, "baseline", 7)),
        "min_sigma": argument(case, "minSigma", 0.0),
        "alpha": argument(case, "alpha", 0.025 if method == "C3" else 0.001),
    }
    return case.series(), arguments | ({"compat": _COMPAT} if method == "C3" else {})


def _bayes(case: Case) -> tuple[Series, dict[str, Any]]:
    return case.series(), {
        "years": int(argument(case, "b", 0)),
        "half_window": int(argument(case, "w", 6)),
        "this_year": bool(argument(case, "actY", True)),
        "alpha": argument(case, "alpha", 0.05),
        "period": _frequency(case),
        "compat": _COMPAT,
    }


def _cusum(case: Case) -> tuple[Series, dict[str, Any]]:
    mean, alpha = argument(case, "m"), argument(case, "alpha")
    return case.series(), {
        "training": _first(case),
        "k": argument(case, "k", 1.04),
        "h": argument(case, "h", 2.26),
        "mean": "training" if mean is None else tuple(mean) if isinstance(mean, list) else mean,
        "transform": argument(case, "trans", "standard"),
        "alpha": 0.1 if alpha is None else alpha,
        "period": _frequency(case),
        "compat": _COMPAT,
    }


def _rogerson(case: Case) -> tuple[Series, dict[str, Any]]:
    arguments: dict[str, Any] = {
        "training": _first(case),
        "rates": tuple(case.numbers("theta0", of=case.expected)),
        "shift": argument(case, "s", 1),
        "run_length": argument(case, "ARL0", 500),
        "distribution": argument(case, "distribution", "poisson"),
        "head_start": bool(argument(case, "FIR", False)),
        "digits": int(argument(case, "digits", 1)),
    }
    limit = argument(case, "limit")
    if limit is not None and limit >= 0:
        arguments["limit"] = limit
    if (case.folder / "hvalues.csv").exists():
        table = case.table("hvalues.csv")
        arguments["table"] = tuple(zip(*(case.numbers(column, of=table) for column in ("theta0", "h", "k")), strict=True))
    series = case.series()
    if arguments["distribution"] == "binomial":
        series = replace(series, denominator=_sizes(case, series))
    return series, arguments


def _sizes(case: Case, series: Series) -> Floats:
    """Return the binomial sizes of all steps: one for all (``n``), or one each (``nt``) in the input, the expectation or ``params``."""
    for table in (case.input, case.expected):
        name = next((each for each in ("nt", "n", "denominator", "size", "population") if each in table), None)
        if name is not None:
            return _placed(case, series, case.numbers(name, of=table))
    sizes = argument(case, "nt")
    return _placed(case, series, np.atleast_1d(np.asarray(argument(case, "n", 1) if sizes is None else sizes, dtype=np.float64)))


def _placed(case: Case, series: Series, sizes: Floats) -> Floats:
    """Return sizes of all steps; those before the first that is evaluated do not count."""
    steps = series.counts.shape[1]
    if len(sizes) in {1, steps}:
        return np.broadcast_to(sizes, series.counts.shape)
    whole = np.ones(series.counts.shape)
    whole[0, _first(case) : _first(case) + len(sizes)] = sizes
    return whole


def _glr(case: Case) -> tuple[Series, dict[str, Any]]:
    control = argument(case, "mu0")
    given = isinstance(control, list)
    model = control if isinstance(control, Mapping) else {}
    arguments: dict[str, Any] = {
        "training": _first(case),
        "limit": argument(case, "c.ARL", 5.0),
        "harmonics": int(model.get("S", 1)),
        "trend": bool(model.get("trend", False)),
        "refit": bool(model.get("refit", False)),
        "period": _frequency(case),
    }
    if argument(case, "change") == "epi":
        arguments["compat"] = _COMPAT
    if given:
        arguments["mean"] = tuple(control)
    elif "mu0" in case.expected:
        arguments["mean"] = tuple(case.numbers("mu0", of=case.expected))
    theta = argument(case, "theta")
    is_poisson = "pois" in case.algorithm.lower() or case.call.startswith("glrpois")
    if not is_poisson:
        arguments["alpha"] = argument(case, "alpha")
    if theta is not None:
        return case.series(), arguments | {"theta": theta}
    arguments |= {
        "change": argument(case, "change", "intercept"),
        "direction": argument(case, "dir", "inc"),
        "window": int(argument(case, "M", -1)),
        "least_steps": int(argument(case, "Mtilde", 1)),
        "finds_threshold": argument(case, "ret", "value") == "cases",
    }
    if "xMax" in case.parameters:
        arguments["max_threshold"] = case.parameters["xMax"]
    return case.series(), arguments


def _outbreak(case: Case) -> tuple[Series, dict[str, Any]]:
    return case.series(), {
        "k": argument(case, "k", 100),
        "finds_threshold": argument(case, "ret", "value") == "cases",
        "max_threshold": argument(case, "maxUpperboundCases", 1e5),
    }


def _limit54(case: Case) -> tuple[float, int]:
    limit = case.parameters.get("limit54")
    if limit is None:
        found = re.search(r"limit54\s*=\s*c\(\s*([\d.]+)\s*,\s*(\d+)\s*\)", case.call)
        limit = [float(found[1]), int(found[2])] if found else [5, 4]
    return float(limit[0]), int(limit[1])


def _farrington_arguments(case: Case) -> dict[str, Any]:
    least, steps = _limit54(case)
    arguments: dict[str, Any] = {
        "years": int(argument(case, "b", 5)),
        "half_window": int(argument(case, "w", 3)),
        "reweight": bool(argument(case, "reweight", True)),
        "trend": bool(argument(case, "trend", True)),
        "alpha": argument(case, "alpha", 0.05),
        "power": str(argument(case, "powertrans", "2/3")),
        "least_recent": least,
        "recent_steps": steps,
    }
    if not case.meta.get("epochAsDate"):
        arguments["period"] = _frequency(case)
    return arguments


def _of_ones(series: Series) -> Series:
    """Return a series with a population of 1 where it has none, as R takes it."""
    return series if series.population is not None else replace(series, population=np.ones(series.counts.shape))


def _farrington(case: Case) -> tuple[Series, dict[str, Any]]:
    arguments = _farrington_arguments(case)
    arguments["population_offset"] = "populationOffset" in str(argument(case, "fitFun", ""))
    return _of_ones(case.series()), arguments | {"compat": _COMPAT}


def _flexible(case: Case) -> tuple[Series, dict[str, Any]]:
    left_out = argument(case, "pastWeeksNotIncluded")
    return _of_ones(case.series()), _farrington_arguments(case) | {
        "periods": int(argument(case, "noPeriods", 1)),
        "left_out": None if left_out is None else int(left_out),
        "weights_threshold": argument(case, "weightsThreshold", 2.58),
        "trend_p": argument(case, "pThresholdTrend", 0.05),
        "threshold_method": argument(case, "thresholdMethod", "delta"),
        "population_offset": bool(argument(case, "populationOffset", False)),
        "compat": _COMPAT,
    }


_ADAPTERS: Final[tuple[tuple[str, str, Callable[[Case], tuple[Series, dict[str, Any]]]], ...]] = (
    # what the algorithm's or the call's name has, in small letters; the first that fits
    ("farringtonflexible", "farrington_flexible", _flexible),
    ("farrington", "farrington", _farrington),
    ("earsc", "ears", _ears),
    ("bayes", "bayes", _bayes),
    ("rogerson", "rogerson", _rogerson),
    ("cusum", "cusum", _cusum),
    ("glrpois", "glr_poisson", _glr),
    ("glrnb", "glr_nb", _glr),
    ("lrcusum", "lr_cusum", _glr),
    ("outbreakp", "outbreak_p", _outbreak),
)


def _adapter(case: Case) -> tuple[str, Callable[[Case], tuple[Series, dict[str, Any]]]]:
    for text in (case.algorithm, case.call, case.name):
        plain = re.sub(r"[^a-z]", "", text.lower())
        for part, name, adapter in _ADAPTERS:
            if part not in plain:
                continue
            if name == "ears":
                return f"ears_{str(argument(case, 'method', 'C1')).lower()}", adapter
            if name.startswith("glr") and argument(case, "theta") is not None:
                return "lr_cusum", adapter
            return name, adapter
    raise AssertionError(f"{case.name}: no adapter knows {case.algorithm}")
