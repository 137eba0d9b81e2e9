"""Adapters of R ``surveillance``, epysurv and the rules of ODMAP: their arguments in our words, our answers in their columns."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from spikewatch.alerts.domain.detection.algorithm import Parameters
from spikewatch.alerts.domain.detection.detection import Detected
from spikewatch.alerts.domain.detection.registry import ALGORITHMS
from spikewatch.alerts.domain.detection.rolling import Incidents, roll
from spikewatch.alerts.domain.detection.series import Series
from spikewatch_testing.detection_cases.case import Case, called_with, compare, number

__all__ = ["check", "handles"]

_COMPAT: Final = "surveillance-1.20.3"
Columns = Mapping[str, Any]


def handles(case: Case) -> bool:
    """Whether a case is of a peer that this module knows."""
    return case.package in {"surveillance", "epysurv"} or case.name.startswith("odmap")


def check(case: Case) -> None:
    """Assert that we give what the peer gave."""
    if "received_at" in case.input:
        _check_rolling(case)
        return
    if case.name.startswith("odmap"):
        _check_odmap(case)
        return
    name, adapter = _adapter(case)
    whole, arguments = adapter(case)
    rows = case.numbers("t", of=case.expected).astype(int) - 1
    end = int(rows.max()) + 1
    population = None if whole.population is None else whole.population[:, :end]
    series = Series(whole.starts[:end], whole.counts[:, :end], whole.areas, population)
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
        bound = np.nan_to_num(np.maximum(bound if _argument(case, "ret") == "cases" else found.statistic, 0), nan=0.0)
        if name == "glr_nb" and _argument(case, "ret") == "cases":
            # the peer's search does not begin at a count of 0
            bound = np.where((case.numbers("observed")[: bound.shape[1]] == 0) & (found.alarm == 0), 1e99, bound)
    elif name == "outbreak_p":
        # nor does it tell that even a count of 0 would alarm
        bound = np.where(bound == 0, np.nan, bound) if _argument(case, "ret") == "cases" else found.statistic
    alarm = found.alarm.astype(float)
    # the peer leaves an alarm empty where its bound is not a number, except for the flexible method's too few recent incidents
    alarm = np.where(found.alarm < 0, 0.0 if name == "farrington_flexible" else np.nan, alarm)
    columns = {"upperbound": bound, "alarm": alarm, "expected": expected, "pvalue": found.p_value, **found.also}
    return {column: np.asarray(values)[0, rows] for column, values in columns.items()}


def _argument(case: Case, name: str, default: Any = None) -> Any:
    """Return an argument of ``params``, else of the call, else the default."""
    if name in case.parameters:
        return case.parameters[name]
    text = called_with(case, name)
    if text is None:
        return default
    if text in {"TRUE", "FALSE", "T", "F"}:
        return text.startswith("T")
    if text == "NULL":
        return None
    try:
        return number(text)
    except ValueError:
        return text


def _first(case: Case) -> int:
    """Return how many steps lie before the first that is evaluated."""
    wanted = case.parameters.get("range")
    if isinstance(wanted, list) and wanted:
        return int(min(wanted)) - 1
    return int(case.numbers("t", of=case.expected).min()) - 1


def _frequency(case: Case) -> int:
    return int(case.meta.get("freq") or _argument(case, "freq") or 52)


def _ears(case: Case) -> tuple[Series, dict[str, Any]]:
    method = _argument(case, "method", "C1")
    arguments = {
        "baseline": int(_argument(case, "baseline", 7)),
        "min_sigma": _argument(case, "minSigma", 0.0),
        "alpha": _argument(case, "alpha", 0.025 if method == "C3" else 0.001),
    }
    return case.series(), arguments | ({"compat": _COMPAT} if method == "C3" else {})


def _bayes(case: Case) -> tuple[Series, dict[str, Any]]:
    return case.series(), {
        "years": int(_argument(case, "b", 0)),
        "half_window": int(_argument(case, "w", 6)),
        "this_year": bool(_argument(case, "actY", True)),
        "alpha": _argument(case, "alpha", 0.05),
        "period": _frequency(case),
    }


def _cusum(case: Case) -> tuple[Series, dict[str, Any]]:
    mean = _argument(case, "m")
    return case.series(), {
        "training": _first(case),
        "k": _argument(case, "k", 1.04),
        "h": _argument(case, "h", 2.26),
        "mean": "training" if mean is None else mean,
        "transform": _argument(case, "trans", "standard"),
        "alpha": _argument(case, "alpha", 0.1) or 0.1,
        "period": _frequency(case),
        "compat": _COMPAT,
    }


def _rogerson(case: Case) -> tuple[Series, dict[str, Any]]:
    arguments: dict[str, Any] = {
        "training": _first(case),
        "rates": tuple(case.numbers("theta0", of=case.expected)),
        "shift": _argument(case, "s", 1),
        "run_length": _argument(case, "ARL0", 500),
        "distribution": _argument(case, "distribution", "poisson"),
        "head_start": bool(_argument(case, "FIR", False)),
        "digits": int(_argument(case, "digits", 1)),
    }
    limit = _argument(case, "limit")
    if limit is not None and limit >= 0:
        arguments["limit"] = limit
    if (case.folder / "hvalues.csv").exists():
        table = case.table("hvalues.csv")
        arguments["table"] = tuple(zip(*(case.numbers(column, of=table) for column in ("theta0", "h", "k")), strict=True))
    return case.series(), arguments


def _glr(case: Case) -> tuple[Series, dict[str, Any]]:
    control = _argument(case, "mu0")
    given = isinstance(control, list)
    model = control if isinstance(control, Mapping) else {}
    arguments: dict[str, Any] = {
        "training": _first(case),
        "limit": _argument(case, "c.ARL", 5.0),
        "harmonics": int(model.get("S", 1)),
        "trend": bool(model.get("trend", False)),
        "refit": bool(model.get("refit", False)),
        "period": _frequency(case),
    }
    if _argument(case, "change") == "epi":
        arguments["compat"] = _COMPAT
    if given:
        arguments["mean"] = tuple(control)
    elif "mu0" in case.expected:
        arguments["mean"] = tuple(case.numbers("mu0", of=case.expected))
    theta = _argument(case, "theta")
    is_poisson = "pois" in case.algorithm.lower() or case.call.startswith("glrpois")
    if not is_poisson:
        arguments["alpha"] = _argument(case, "alpha")
    if theta is not None:
        return case.series(), arguments | {"theta": theta}
    arguments |= {
        "change": _argument(case, "change", "intercept"),
        "direction": _argument(case, "dir", "inc"),
        "window": int(_argument(case, "M", -1)),
        "least_steps": int(_argument(case, "Mtilde", 1)),
        "finds_threshold": _argument(case, "ret", "value") == "cases",
    }
    if "xMax" in case.parameters:
        arguments["max_threshold"] = case.parameters["xMax"]
    return case.series(), arguments


def _outbreak(case: Case) -> tuple[Series, dict[str, Any]]:
    return case.series(), {
        "k": _argument(case, "k", 100),
        "finds_threshold": _argument(case, "ret", "value") == "cases",
        "max_threshold": _argument(case, "maxUpperboundCases", 1e5),
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
        "years": int(_argument(case, "b", 5)),
        "half_window": int(_argument(case, "w", 3)),
        "reweight": bool(_argument(case, "reweight", True)),
        "trend": bool(_argument(case, "trend", True)),
        "alpha": _argument(case, "alpha", 0.05),
        "power": str(_argument(case, "powertrans", "2/3")),
        "least_recent": least,
        "recent_steps": steps,
    }
    if not case.meta.get("epochAsDate"):
        arguments["period"] = _frequency(case)
    return arguments


def _farrington(case: Case) -> tuple[Series, dict[str, Any]]:
    arguments = _farrington_arguments(case)
    arguments["population_offset"] = "populationOffset" in str(_argument(case, "fitFun", ""))
    return case.series(), arguments


def _flexible(case: Case) -> tuple[Series, dict[str, Any]]:
    left_out = _argument(case, "pastWeeksNotIncluded")
    return case.series(), _farrington_arguments(case) | {
        "periods": int(_argument(case, "noPeriods", 1)),
        "left_out": None if left_out is None else int(left_out),
        "weights_threshold": _argument(case, "weightsThreshold", 2.58),
        "trend_p": _argument(case, "pThresholdTrend", 0.05),
        "threshold_method": _argument(case, "thresholdMethod", "delta"),
        "population_offset": bool(_argument(case, "populationOffset", False)),
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
                return f"ears_{str(_argument(case, 'method', 'C1')).lower()}", adapter
            if name.startswith("glr") and _argument(case, "theta") is not None:
                return "lr_cusum", adapter
            return name, adapter
    raise AssertionError(f"{case.name}: no adapter knows {case.algorithm}")


def _check_odmap(case: Case) -> None:
    """Rules on daily counts; the words of the case say which."""
    words = " ".join(str(case.meta.get(key, "")) for key in ("algorithm", "call", "name", "notes", "params")).lower()
    parameters: Parameters
    if "third" in words:
        algorithm = ALGORITHMS["third_largest"]
        days = re.search(r"(\d+)[ _-]?d", words)
        parameters = algorithm.parameters(
            history=int(days[1]) if days else 30, least_threshold=0, least_history=int(days[1]) if days else 30
        )
    elif "sd" in words:
        algorithm = ALGORITHMS["mean_sd"]
        k = re.search(r"mean\s*\+?\s*(\d+(?:\.\d+)?)\s*\*?\s*sd", words)
        history = re.search(r"(?:<=|up to|last|previous)\s*(\d+)\s*(?:calendar )?days", words) or re.search(
            r"(\d+)\s*(?:calendar )?d(?:ays)?\b", words
        )
        least = re.search(r"min\s*(\d+)", words)
        given = case.parameters
        parameters = algorithm.parameters(
            k=given.get("k", float(k[1]) if k else 2),
            history=given.get("history", int(history[1]) if history else 365),
            least_history=given.get("min", int(least[1]) if least else 28),
        )
    else:
        algorithm = ALGORITHMS["fixed"]
        parameters = algorithm.parameters(threshold=case.parameters["threshold"], comparison=">" if "observed > " in words else ">=")
    found = algorithm.run(case.series(), parameters)
    rows = case.numbers("t", of=case.expected).astype(int) - 1
    alarm = np.where(found.alarm < 0, np.nan, found.alarm)
    compare(case, {"threshold": found.threshold[0, rows], "alarm": alarm[0, rows], "expected": found.expected[0, rows]})


def _check_rolling(case: Case) -> None:
    """Windows of hours over incidents in the order received."""
    areas = next(case.input[name] for name in ("county_fips", "area", "county") if name in case.input)
    occurred, received = (
        np.array([text.removesuffix("Z") for text in case.input[name]], dtype="datetime64[us]") for name in ("occurred_at", "received_at")
    )
    incidents = Incidents(occurred.astype(np.int64), received.astype(np.int64), np.unique(areas, return_inverse=True)[1])
    hours = case.parameters.get("window_h", 24)
    counts = roll(incidents, int(float(hours) * 3_600_000_000))
    threshold = case.parameters["threshold"]
    found = {
        "count24_at_receipt": counts.at_receipt,
        "alert_ge": (counts.at_receipt >= threshold).astype(int),
        "alert_gt": (counts.at_receipt > threshold).astype(int),
        "count24_at_occurrence": counts.at_occurrence,
        "worst_window_touched": counts.worst,
        "late_spike_ge": (counts.worst >= threshold).astype(int),
        "late_spike_gt": (counts.worst > threshold).astype(int),
    }
    # the order of receipt is the order of the rows; a case may name its incidents
    compare(case, found)
