"""Arguments of R surveillance and pynssp beyond their defaults: made-up series, and what 1.20.3 and 0.1.0 give for them.

The cases are written as folders, so that what reads the arguments of a reference case is tested, too.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from spikewatch_testing.detection_cases import cases_odmap, cases_surveillance, cases_syndromic
from spikewatch_testing.detection_cases.case import read_case

from spikewatch.alerts.domain.detection.registry import ALGORITHMS
from spikewatch.alerts.domain.detection.rogerson import Rogerson
from spikewatch.alerts.domain.detection.run_length import decision_interval
from spikewatch.alerts.domain.detection.series import Series, SeriesError

COUNTS = (3, 1, 2, 4, 2, 0, 3, 5, 2, 3, 1, 2, 6, 3, 2, 4, 1, 2, 9, 8, 3, 2, 1, 0, 2, 1, 3, 2, 4, 12, 2, 3, 1, 1, 0, 2)
FLAT = (*[0] * 12, 2, 0, 0, 0, 0, 1, 0, 0)

# function, arguments, counts, first step, upper bounds, alarms (None: empty)
CASES: dict[str, tuple[str, Mapping[str, Any], Sequence[int | None], int, Sequence[float | None], Sequence[int | None]]] = {
    "one step of each past year": (
        "bayes",
        {"b": 2, "w": 0, "actY": False, "alpha": 0.05},
        COUNTS,
        27,
        [6, 9, 5, 4, 12, 12],
        [0, 0, 0, 1, 0, 0],
    ),
    "no step of this year": ("bayes", {"b": 1, "w": 0, "actY": True, "alpha": 0.05}, COUNTS, 27, [5, 7, 6, 11, 14, 9], [0, 0, 0, 1, 0, 0]),
    "a mean for each step": (
        "cusum",
        {"k": 0.5, "h": 2, "m": [2, 3, 4, 5, 4, 3], "trans": "anscombe"},
        COUNTS,
        27,
        [6.43086987128368, 7.86487309442482, 9.92938027233284, 11.52911673402, 4.70243478931441, 6.95249442401044],
        [0, 0, 0, 1, 0, 0],
    ),
    "a dispersion of none": (
        "cusum",
        {"k": 0.5, "h": 2, "m": 3, "trans": "pearsonNegBin", "alpha": 0},
        COUNTS,
        27,
        [7.33012701892219, 7.33012701892219, 7.33012701892219, 7.19615242270663, 0, 0.928203230275508],
        [0, 0, 0, 1, 1, 1],
    ),
    "part of the only year": (
        "farrington",
        {"b": 1, "w": 2, "alpha": 0.05, "limit54": [0, 4]},
        COUNTS,
        14,
        [6.66167260322461, 6.34883632088208, 5.050428138649, 5.84015576240565, 7.62980410777289, 6.43955586926971],
        [0, 0, 0, 0, 0, 1],
    ),
    "an offset without a population": (
        "farrington",
        {"b": 2, "w": 2, "alpha": 0.05, "limit54": [0, 4], "fitFun": "algo.farrington.fitGLM.populationOffset"},
        COUNTS,
        27,
        [6.49004804021043, 5.4596632006849, 6.60932516184383, 9.42186162521894, 9.04181886940352, 8.82861208015863],
        [0, 0, 0, 1, 0, 0],
    ),
    "a flexible offset without a population": (
        "farringtonFlexible",
        {"b": 2, "w": 2, "alpha": 0.05, "limit54": [0, 4], "populationOffset": True},
        COUNTS,
        28,
        [4.94840515241826, 7.89599356227197, 9.54083876986754, 9.44584919216478, 9.31098495259618],
        [0, 0, 1, 0, 0],
    ),
    "more alarms than none": (
        "farringtonFlexible",
        {"b": 2, "w": 2, "alpha": 0.9, "limit54": [0, 4]},
        COUNTS,
        28,
        [4.25223016254371, 6.65653880872776, 8.1283774489101, 7.97206507915325, 7.93014592459943],
        [0, 0, 1, 0, 0],
    ),
    "a fall": (
        "glrpois",
        {"mu0": [4] * 17, "dir": "dec", "c.ARL": 2, "ret": "cases"},
        COUNTS,
        20,
        [0, 0, 1, 2, 0, 0, 0, 3, 2, 3, 2, 0, 2, 1, 3, 0, 0],
        [0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1],
    ),
    "a ratio below one": ("outbreakP", {"k": 0.5, "ret": "cases"}, COUNTS[:6], 1, [0, *[None] * 5], [1] * 6),
    "a bound below the step's own count": (
        "outbreakP",
        {"k": 2, "ret": "cases", "maxUpperboundCases": 4},
        COUNTS[:24],
        17,
        [1, 3, 4, *[None] * 5],
        [1, 0, *[1] * 6],
    ),
    "a training with a gap": ("cusum", {"k": 0.5, "h": 2}, (*COUNTS[:4], None, *COUNTS[5:]), 27, [0] * 4, [None] * 4),
    "a training without an incident": (
        "cusum",
        {"m": "glm", "trans": "pearsonNegBin", "alpha": 0.5, "k": 1.5, "h": 3},
        FLAT,
        13,
        [1.44153861689808e-05, *[0] * 7],
        [1] * 8,
    ),
    "a chart after no incident": (
        "glrpois",
        {"ret": "value"},
        FLAT,
        13,
        [49.9914645471182, 0, 0, 0, 0, 24.3025850930043, 0, 0],
        [1, 0, 0, 0, 0, 1, 0, 0],
    ),
    "a flat baseline": (
        "earsC",
        {"method": "C3"},
        FLAT,
        12,
        [*[float("nan")] * 6, 2.48159350906749, 1.48159350906749, 1.48159350906749],
        [*[None] * 6, 0, 0, 0],
    ),
}


def _text(value: float | None) -> str:
    return "" if value is None else repr(value)


def _folder(path: Path, meta: Mapping[str, Any], columns: Mapping[str, Sequence[Any]], expected: Mapping[str, Sequence[Any]]) -> Path:
    (path / "meta.json").write_text(json.dumps({"tolerance": {"rel": 1e-9, "abs": 1e-9}, "call": "", **meta}), encoding="utf-8")
    for name, table in (("input.csv", columns), ("expected.csv", expected)):
        rows = [",".join(table), *(",".join(map(str, row)) for row in zip(*table.values(), strict=True))]
        (path / name).write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def _surveillance(
    path: Path, function: str, arguments: Mapping[str, Any], counts: Sequence[int | None], first: int, bounds: Any, alarms: Any
) -> Path:
    meta = {
        "algorithm": function,
        "package": {"name": "surveillance"},
        "params": {"range": list(range(first, first + len(bounds))), **arguments},
        "compare": ["upperbound", "alarm"],
        "freq": 12 if counts is not FLAT else 52,
    }
    expected = {
        "t": range(first, first + len(bounds)),
        "observed": list(map(_text, counts[first - 1 : first - 1 + len(bounds)])),
        "upperbound": list(map(_text, bounds)),
        "alarm": list(map(_text, alarms)),
    }
    return _folder(path, meta, {"t": range(1, len(counts) + 1), "observed": list(map(_text, counts))}, expected)


@pytest.mark.parametrize("name", list(CASES))
def test_an_argument_gives_what_the_peer_gives(name: str, tmp_path: Path) -> None:
    cases_surveillance.check(read_case(_surveillance(tmp_path, *CASES[name])))


@pytest.mark.parametrize("place", ["input", "expected"])
def test_binomial_counts_have_their_sizes(place: str, tmp_path: Path) -> None:
    counts, rates = [1, 1, 1, 0, 2, 3, 1, 5, 4, 0], [0.05, 0.05, 0.1, 0.1, 0.05, 0.05, 0.1, 0.1]
    meta = {
        "algorithm": "rogerson_binomial",
        "package": {"name": "surveillance"},
        "params": {"ARL0": 60, "s": 2, "distribution": "binomial"},
        "compare": ["upperbound", "alarm"],
    }
    sizes = [1, 1, 20, 22, 25, 20, 18, 20, 24, 20]
    columns: dict[str, Sequence[float]] = {"t": range(1, 11), "observed": counts}
    expected: dict[str, Sequence[float]] = {
        "t": range(3, 11),
        "observed": counts[2:],
        "theta0": rates,
        "upperbound": [5, 5, 7, 7, 5, 5, 4, 2],
        "alarm": [0, 0, 0, 0, 0, 1, 1, 0],
    }
    if place == "input":
        columns["nt"] = sizes
    else:
        expected["nt"] = sizes[2:]
    _folder(tmp_path, meta, columns, expected)
    (tmp_path / "hvalues.csv").write_text("theta0,h,k\n0.05,3.4,1.4\n0.1,3.5,2.8\n", encoding="utf-8")
    cases_surveillance.check(read_case(tmp_path))


@pytest.mark.parametrize(("rate", "wanted", "h", "k"), [(1, 60, 3.4, 1.4), (2, 60, 4.4, 2.6), (3, 20, 2.9, 3.8), (1.3, 20, 2.3, 1.8)])
def test_short_times_between_false_alarms_have_their_interval(rate: float, wanted: float, h: float, k: float) -> None:
    found = decision_interval(rate, wanted)
    assert (found.h, found.k) == (h, k)
    assert Rogerson(run_length=wanted).run_length == wanted


@pytest.mark.parametrize(("name", "parameter"), [("cusum", "mean"), ("glr_poisson", "mean"), ("lr_cusum", "mean"), ("rogerson", "rates")])
def test_numbers_for_too_many_steps_are_refused_by_name(name: str, parameter: str, series_of_counts: Series) -> None:
    algorithm = ALGORITHMS[name]
    parameters = algorithm.parameters.model_validate({"training": 30, parameter: (2.0, 3.0, 4.0)})
    with pytest.raises(SeriesError, match=rf"{parameter}: 3 numbers are given; expected one for each of the 6 evaluated steps"):
        algorithm.run(series_of_counts, parameters)


@pytest.fixture
def series_of_counts() -> Series:
    starts = (np.datetime64("2024-01-01") + np.arange(len(COUNTS))).astype("datetime64[D]")
    return Series(starts, np.array([COUNTS], dtype=np.float64), ("one",))


@pytest.mark.parametrize(
    ("arguments", "estimates", "thresholds"),
    [
        ("", [15.89264509960534, 15.880952965101962], [40, 40]),
        (", include_time=False", [15.117038632896376, 15.097621178050561], [33, 33]),
    ],
)
def test_weekly_bounds_are_those_of_pynssp(arguments: str, estimates: list[float], thresholds: list[int], tmp_path: Path) -> None:
    meta = {
        "algorithm": "alert_nbinom",
        "package": {"name": "pynssp"},
        "call": f"pynssp.alert_nbinom(df, baseline_end='2022-01-09'{arguments})",
        "tolerance": {"rel": 1e-6},
        "compare": ["estimate", "threshold"],
    }
    days = [str(np.datetime64("2020-01-05") + 7 * week) for week in range(120)]
    counts = [(7 * week * week + 3 * week) % 23 + (week * 5) % 11 for week in range(120)]
    expected = {"date": days[-2:], "estimate": estimates, "threshold": thresholds}
    cases_syndromic.check(read_case(_folder(tmp_path, meta, {"date": days, "count": counts}, expected)))


def test_a_weight_of_one_smooths_nothing(tmp_path: Path) -> None:
    counts = [(7 * day * day + 3 * day) % 23 + (day * 5) % 11 for day in range(40)]
    days = [str(np.datetime64("2022-01-03") + day) for day in range(40)]
    meta = {
        "algorithm": "alert_ewma",
        "package": {"name": "pynssp"},
        "call": "pynssp.alert_ewma(df, B=21, g=1, w1=.2, w2=1.0)",
        "compare": ["p_value", "test_statistic"],
    }
    expected = {
        "date": days[-3:],
        "p_value": [0.26070894432794844, 0.4329402759054952, 0.6879271385774202],
        "test_statistic": [0.6520889274209496, 0.17097441934308538, -0.4972980023652667],
    }
    cases_syndromic.check(read_case(_folder(tmp_path, meta, {"date": days, "count": counts}, expected)))


def test_a_rule_from_published_words_is_known_by_its_package(tmp_path: Path) -> None:
    meta = {
        "algorithm": "rolling 12 h count with fixed threshold",
        "package": {"name": "specification"},
        "params": {"window_h": 12, "threshold": 2},
        "compare": ["count12_at_receipt", "alert_ge"],
    }
    columns = {
        "county_fips": ["42091"] * 3,
        "occurred_at": ["2024-01-01T00:00:00Z", "2024-01-01T06:00:00Z", "2024-01-01T13:00:00Z"],
        "received_at": ["2024-01-01T01:00:00Z", "2024-01-01T07:00:00Z", "2024-01-01T14:00:00Z"],
    }
    case = read_case(_folder(tmp_path, meta, columns, {"count12_at_receipt": [1, 2, 2], "alert_ge": [0, 1, 1]}))
    assert cases_odmap.handles(case)
    assert not cases_surveillance.handles(case)
    cases_odmap.check(case)
