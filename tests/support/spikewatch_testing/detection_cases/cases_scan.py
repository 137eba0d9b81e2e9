"""Adapter of SaTScan: its parameter file in our words, and our clusters in its columns.

SaTScan leaves out clusters that every draw exceeds, so ours may go on where its list ends. Of two centres whose circles hold the
same areas either may be told.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np

from spikewatch.alerts.domain.detection.scan.clusters import Cluster, Scan, scan
from spikewatch.alerts.domain.detection.scan.places import Places
from spikewatch.alerts.domain.detection.series import Series
from spikewatch_testing.detection_cases.case import Case

__all__ = ["check", "handles"]

_SECONDARY = ("no_overlap", "no_centre_in_other", "no_centre_in_likelier", "no_centre_in_less_likely", "no_centres_in_each_other", "all")
_MODELS = {0: "poisson", 2: "space_time_permutation"}
_PROSPECTIVE = 4
_RATIO = 1e-5
_HARDLY_RARE = 0.95
_ZERO = 700_000


def handles(case: Case) -> bool:
    """Whether a case is of a peer that this module knows."""
    return case.package == "SaTScan"


def check(case: Case) -> None:
    """Assert that we give what the peer gave."""
    given = case.parameters
    assert int(given.get("AnalysisType", _PROSPECTIVE)) == _PROSPECTIVE, f"{case.name}: only prospective space-time scans are computed"
    geo = case.table("geo.csv")
    identifier, first, second = (
        _column(geo, names) for names in (("location", "LOC_ID"), ("lat_or_x", "lat", "x"), ("lon_or_y", "lon", "y"))
    )
    places = list(dict.fromkeys(geo[identifier]))
    at = {name: geo[identifier].index(name) for name in places}
    series = _series(case, given, places)
    kind = "geographic" if int(given.get("CoordinatesType", 1)) else "plane"
    found = scan(
        series,
        Places(*(np.array([float(geo[column][at[name]]) for name in places]) for column in (first, second)), kind=kind),
        _parameters(given, series),
    ).clusters
    expected = case.expected
    assert len(found) >= len(expected["CLUSTER"]), f"{case.name}: {len(found)} clusters, expected {len(expected['CLUSTER'])}"
    members = _members(case)
    for row, cluster in enumerate(found[: len(expected["CLUSTER"])]):
        theirs = {name: values[row] for name, values in expected.items()}
        _compare(case, series, places, cluster, theirs, members.get(theirs["CLUSTER"]))
    rest = found[len(expected["CLUSTER"]) :]
    assert all(math.isnan(each.p_value) or each.p_value >= _HARDLY_RARE for each in rest), (
        f"{case.name}: a cluster that SaTScan does not tell"
    )


def _column(table: Mapping[str, Sequence[str]], names: Sequence[str]) -> str:
    return next(name for name in names if name in table)


def _day(text: str) -> date:
    """Read a day, or the number of a step of no unit (``PrecisionCaseTimes`` 4) as so many days from one that is never told."""
    if text.strip().lstrip("-").isdigit() and len(text.strip()) != 4:
        return date.fromordinal(_ZERO + int(text))
    year, month, day = (int(part) for part in text.replace("-", "/").split("/")[:3])
    return date(year, month, day)


def _series(case: Case, given: Mapping[str, Any], places: list[str]) -> Series:
    """Return the cases by place and interval; intervals are counted back from the last day."""
    start, end = _day(given["StartDate"]), _day(given["EndDate"])
    length = int(given.get("TimeAggregationLength", 1))
    steps = -(-((end - start).days + 1) // length)
    index = {name: number for number, name in enumerate(places)}
    counts = np.zeros((len(places), steps))
    location, when = _column(case.input, ("location", "LOC_ID")), _column(case.input, ("date", "time"))
    number = case.input.get("count") or ["1"] * len(case.input[location])
    for name, cases, text in zip(case.input[location], number, case.input[when], strict=True):
        counts[index[name], steps - 1 - (end - _day(text)).days // length] += float(cases)
    starts = np.datetime64(end) - length * np.arange(steps)[::-1].astype("timedelta64[D]") - np.timedelta64(length - 1, "D")
    return Series(starts.astype("datetime64[D]"), counts, tuple(places), _population(case, index, starts) if _is_poisson(given) else None)


def _is_poisson(given: Mapping[str, Any]) -> bool:
    return int(given["ModelType"]) == 0


def _population(case: Case, index: Mapping[str, int], starts: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return people by place and interval, between two censuses on the line between them."""
    table = case.table("population.csv")
    censuses: dict[int, list[tuple[int, float]]] = {}
    for name, text, people in zip(table["location"], table["date"], table["population"], strict=True):
        parts = [int(part) for part in text.replace("-", "/").split("/")]
        day = date(parts[0], parts[1] if len(parts) > 1 else 7, parts[2] if len(parts) > 2 else 1).toordinal()
        censuses.setdefault(index[name], []).append((day, float(people)))
    days = starts.astype("datetime64[D]").astype(np.int64) + date(1970, 1, 1).toordinal()
    found = np.zeros((len(index), len(starts)))
    for place, pairs in censuses.items():
        at, people = zip(*sorted(pairs), strict=True)
        found[place] = np.interp(days, at, people)
    return found


def _parameters(given: Mapping[str, Any], series: Series) -> Scan:
    steps = len(series.starts)
    size = float(given.get("MaxTemporalSize", 50))
    longest = int(size) if int(given.get("MaxTemporalSizeInterpretation", 0)) == 1 else int(steps * size / 100)
    by_distance = str(given.get("UseDistanceFromCenterOption", "n")).lower() == "y"
    end, since = _day(given["EndDate"]), _day(given.get("ProspectiveStartDate", given["EndDate"]))
    return Scan(
        model=_MODELS[int(given["ModelType"])],
        radius=float(given["MaxSpatialSizeInDistanceFromCenter"]) if by_distance else None,
        largest_share=float(given.get("MaxSpatialSizeInPopulationAtRisk", 50)) / 100,
        longest=max(1, longest),
        shortest=int(given.get("MinimumTemporalClusterSize", 1)),
        least_cases=int(given.get("MinimumCasesInHighRateClusters", 2)),
        weekly=str(given.get("AdjustForWeeklyTrends", "n")).lower() == "y",
        replications=int(given.get("MonteCarloReps", 999)),
        secondary=_SECONDARY[int(given.get("CriteriaForReportingSecondaryClusters", 0))],
        looks=(end - since).days // int(given.get("TimeAggregationLength", 1)) + 1,
    )


def _members(case: Case) -> dict[str, frozenset[str]]:
    if not (case.folder / "expected_members.csv").is_file():
        return {}
    table = case.table("expected_members.csv")
    found: dict[str, set[str]] = {}
    for name, number in zip(table["LOC_ID"], table["CLUSTER"], strict=True):
        found.setdefault(number, set()).add(name)
    return {number: frozenset(names) for number, names in found.items()}


def _compare(
    case: Case, series: Series, places: list[str], mine: Cluster, theirs: Mapping[str, str], members: frozenset[str] | None
) -> None:
    where = f"{case.name}, cluster {theirs['CLUSTER']}"
    tolerance = case.meta.get("tolerance") or {}
    ratio = float(theirs.get("TEST_STAT") or theirs["LLR"])
    assert abs(mine.ratio - ratio) <= float(tolerance.get("TEST_STAT_abs", _RATIO)), f"{where}: ratio {mine.ratio}, expected {ratio}"
    assert mine.observed == int(float(theirs["OBSERVED"])), f"{where}: {mine.observed} observed, expected {theirs['OBSERVED']}"
    decimals = len(theirs["EXPECTED"].partition(".")[2])
    assert abs(mine.expected - float(theirs["EXPECTED"])) <= 0.51 * 10**-decimals, (
        f"{where}: {mine.expected} expected cases, not {theirs['EXPECTED']}"
    )
    assert str(series.starts[mine.first]) == _day(theirs["START_DATE"]).isoformat(), f"{where}: begins {series.starts[mine.first]}"
    assert len(mine.members) == int(theirs["NUMBER_LOC"]), f"{where}: {len(mine.members)} areas, expected {theirs['NUMBER_LOC']}"
    names = frozenset(places[member] for member in mine.members)
    same = members is not None and names == members
    assert members is None or same, f"{where}: other areas"
    if places[mine.centre] == theirs["LOC_ID"]:
        assert abs(mine.radius - float(theirs["RADIUS"])) <= float(tolerance.get("RADIUS_km_abs", 0.01)), f"{where}: radius {mine.radius}"
    else:
        assert same, f"{where}: another centre"
    if "P_VALUE" in theirs and not math.isnan(mine.p_value):
        p, draws = float(theirs["P_VALUE"]), int(case.parameters.get("MonteCarloReps", 999))
        # both are estimates from so many draws, and neither is below one over them
        error = 3 * math.sqrt(2 * max(p * (1 - p), 1 / draws) / draws) + 1 / draws
        assert abs(mine.p_value - p) <= error, f"{where}: p {mine.p_value}, expected {p}"
