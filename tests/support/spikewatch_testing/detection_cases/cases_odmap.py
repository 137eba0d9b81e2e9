"""Adapters of ODMAP's rules, of which there is no reference program: cases computed from the published words."""

import re

import numpy as np

from spikewatch.alerts.domain.detection.algorithm import Parameters
from spikewatch.alerts.domain.detection.registry import ALGORITHMS
from spikewatch.alerts.domain.detection.rolling import Incidents, roll
from spikewatch_testing.detection_cases.case import Case, compare

__all__ = ["check", "handles"]


def handles(case: Case) -> bool:
    """Whether a case is of a rule that this module knows; those made from published words say so, or bear ODMAP's name."""
    return case.package == "specification" or (case.name.startswith("odmap") and case.package in {"", "ODMAP"})


def check(case: Case) -> None:
    """Assert that we give what the case has."""
    if "received_at" in case.input:
        _check_rolling(case)
    else:
        _check_counts(case)


def _check_counts(case: Case) -> None:
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
        f"count{float(hours):g}_at_receipt": counts.at_receipt,
        "alert_ge": (counts.at_receipt >= threshold).astype(int),
        "alert_gt": (counts.at_receipt > threshold).astype(int),
        f"count{float(hours):g}_at_occurrence": counts.at_occurrence,
        "worst_window_touched": counts.worst,
        "late_spike_ge": (counts.worst >= threshold).astype(int),
        "late_spike_gt": (counts.worst > threshold).astype(int),
    }
    # the order of receipt is the order of the rows; a case may name its incidents
    compare(case, found)
