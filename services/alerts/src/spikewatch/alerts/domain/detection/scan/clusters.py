"""Prospective space-time scans: clusters of areas that are alive on the last step, with their p-values.

Numbers agree with SaTScan 10.3.2 (``AnalysisType`` 4): circles, likelihoods, secondary clusters and recurrence intervals.
"""

from dataclasses import dataclass
from typing import Annotated, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from spikewatch.alerts.domain.detection.algorithm import Parameters
from spikewatch.alerts.domain.detection.scan.likelihood import log_likelihood_ratio
from spikewatch.alerts.domain.detection.scan.null import Null, Permutation, Poisson
from spikewatch.alerts.domain.detection.scan.places import Circles, Places, circles
from spikewatch.alerts.domain.detection.scan.replications import Windows, largest_ratios
from spikewatch.alerts.domain.detection.series import Floats, Series, SeriesError

__all__ = ["Cluster", "Scan", "Scanned", "scan"]

_SAME: Final = 1e-10  # ratios closer than this are equal: sums in another order differ by rounding
_ROWS: Final = 64
_LOOK_INSIDE: Final = frozenset({"no_centre_in_other", "no_centre_in_less_likely", "no_centres_in_each_other"})

Ints = NDArray[np.int64]


class Scan(Parameters):
    """Parameters of ``scan``; the names in brackets are those of SaTScan's parameter files."""

    model: Literal["space_time_permutation", "poisson"] = Field(
        default="space_time_permutation",
        description="What chance is: times shuffled over cases, or cases in proportion to people (ModelType 2, 0).",
    )
    radius: Annotated[float, Field(gt=0)] | None = Field(
        default=None, description="Largest radius in km, or the plane's unit (MaxSpatialSizeInDistanceFromCenter); none by default."
    )
    largest_share: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.5,
        description="Largest share of all cases (of all people for poisson) in a circle (MaxSpatialSizeInPopulationAtRisk / 100).",
    )
    longest: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Steps of the longest window (MaxTemporalSize); half of the series by default."
    )
    shortest: Annotated[int, Field(ge=1)] = Field(default=1, description="Steps of the shortest window (MinimumTemporalClusterSize).")
    least_cases: Annotated[int, Field(ge=1)] = Field(default=2, description="Least cases of a cluster (MinimumCasesInHighRateClusters).")
    weekly: bool = Field(default=False, description="Whether the day of the week is adjusted for, by strata (AdjustForWeeklyTrends).")
    replications: Annotated[int, Field(ge=0, le=99_999)] = Field(
        default=999, description="Draws from chance (MonteCarloReps); 0 gives no p-values."
    )
    seed: Annotated[int, Field(ge=0)] = Field(default=20_240_229, description="Seed of the draws; the same seed gives the same p-values.")
    threads: Annotated[int, Field(ge=1, le=64)] = Field(default=2, description="Threads that draw; they change no result.")
    secondary: Literal[
        "no_overlap", "no_centre_in_other", "no_centre_in_likelier", "no_centre_in_less_likely", "no_centres_in_each_other", "all"
    ] = Field(
        default="no_overlap", description="Which clusters beside the likeliest are told (CriteriaForReportingSecondaryClusters 0 to 5)."
    )
    looks: Annotated[int, Field(ge=1)] = Field(
        default=1, description="Steps since the prospective surveillance began, this one included: recurrence intervals are of one look."
    )


@dataclass(frozen=True, slots=True)
class Cluster:
    """Areas with more cases than chance gives, from ``first`` to the last step of the series.

    ``radius`` is the distance from the centre to the farthest area (km on a sphere of 6,367 km, or the plane's unit).
    ``p_value`` is nan without replications. ``recurrence`` is in steps: how often chance gives such a cluster.
    """

    centre: int
    members: Ints
    radius: float
    first: int
    observed: int
    expected: float
    ratio: float
    p_value: float
    recurrence: float


@dataclass(frozen=True, slots=True)
class Scanned:
    """Clusters, the likeliest first, and the largest log likelihood ratio of each draw from chance."""

    clusters: tuple[Cluster, ...]
    draws: Floats


def scan(series: Series, places: Places, p: Scan) -> Scanned:
    """Look for circles of areas with more cases in the last steps than chance gives.

    A gap counts as no case, for the likelihood needs whole margins: leave silent areas out instead. No case at all gives no
    cluster.

    Raises:
        SeriesError: places that are not one for each area, a window longer than the series, no population for ``poisson``, or
            days of the week for steps that are not days.
    """
    counts = np.nan_to_num(series.counts).astype(np.int64)
    steps = counts.shape[1]
    longest = steps // 2 if p.longest is None else p.longest
    if len(places.first) != len(counts):
        raise SeriesError("places: expected one for each area")
    if not p.shortest <= longest <= steps:
        raise SeriesError("longest: expected a window of at least shortest steps and at most the series")
    if not counts.sum():
        return Scanned(clusters=(), draws=np.zeros(p.replications))
    null = _null(series, counts, p, longest)
    zones = circles(places, radius=p.radius, weight=null.weight, largest_share=p.largest_share)
    candidates = _best_of_each_centre(zones, counts, null, p)
    told = _told(candidates, zones, p)
    draws = np.zeros(0)
    if p.replications:
        draws = largest_ratios(
            Windows.of(zones, null, p.least_cases, p.shortest), replications=p.replications, seed=p.seed, threads=p.threads
        )
    return Scanned(clusters=tuple(_finished(each, zones, draws, steps, p) for each in told), draws=draws)


def _null(series: Series, counts: Ints, p: Scan, longest: int) -> Null:
    steps = counts.shape[1]
    if p.weekly and series.step_days() != 1:
        raise SeriesError("weekly: expected steps of one day")
    strata = np.arange(steps) % 7 if p.weekly else np.zeros(steps, dtype=np.int64)
    if p.model == "space_time_permutation":
        return Permutation.of(counts, strata, longest)
    if series.population is None:
        raise SeriesError("population: expected people for every area and step")
    return Poisson.of(counts, series.population, strata if p.weekly else None, longest)


@dataclass(frozen=True, slots=True)
class _Candidate:
    centre: int
    size: int
    window: int
    observed: int
    expected: float
    ratio: float


def _best_of_each_centre(zones: Circles, counts: Ints, null: Null, p: Scan) -> list[_Candidate]:
    """Return the likeliest cluster of each centre, the likeliest of all first; of equals that of fewest areas, then the narrower."""
    longest = null.expected.shape[1]
    seen = np.cumsum(counts[:, ::-1][:, :longest], axis=1)
    chance = np.cumsum(null.expected, axis=1)
    found = []
    for low in range(0, len(counts), _ROWS):
        rows = slice(low, low + _ROWS)
        most = max(int(zones.length[rows].max()), 1)
        neighbour = zones.neighbour[rows, :most]
        inside = (neighbour >= 0)[..., None]
        observed = np.cumsum(np.where(inside, seen[neighbour], 0), axis=1).astype(np.float64)
        expected = np.cumsum(np.where(inside, chance[neighbour], 0.0), axis=1)
        ratio = log_likelihood_ratio(observed, expected, float(null.total), p.least_cases)
        ratio[~zones.is_circle[rows, :most]] = 0.0
        ratio[:, :, : p.shortest - 1] = 0.0
        flat = ratio.reshape(len(ratio), -1)
        best = np.argmax(flat >= flat.max(axis=1, keepdims=True) - _SAME, axis=1)
        for row, at in enumerate(best):
            size, window = divmod(int(at), longest)
            if flat[row, at] > 0:
                values = (int(observed[row, size, window]), float(expected[row, size, window]), float(flat[row, at]))
                found.append(_Candidate(low + row, size + 1, window + 1, *values))
    return sorted(found, key=lambda each: (-round(each.ratio / _SAME), each.size, zones.distance[each.centre, each.size - 1]))


def _told(candidates: list[_Candidate], zones: Circles, p: Scan) -> list[_Candidate]:
    """Return the clusters that the criterion lets stand beside the likelier ones."""
    told: list[_Candidate] = []
    covered = np.zeros(len(zones.length), dtype=np.bool_)  # areas of the clusters told
    holders: dict[int, set[int]] = {}  # area to the told clusters, by centre, that hold it
    for each in candidates:
        members = zones.members(each.centre, each.size)
        in_others = holders.get(each.centre, set())
        others_in_it = {other.centre for other in told if other.centre in members} if p.secondary in _LOOK_INSIDE else set()
        if _stands(members, covered, in_others, others_in_it, p):
            told.append(each)
            covered[members] = True
            for member in members.tolist():
                holders.setdefault(member, set()).add(each.centre)
    return told


def _stands(members: Ints, covered: NDArray[np.bool_], in_others: set[int], others_in_it: set[int], p: Scan) -> bool:
    match p.secondary:
        case "no_overlap":
            return not covered[members].any()
        case "no_centre_in_other":
            return not in_others and not others_in_it
        case "no_centre_in_likelier":
            return not in_others
        case "no_centre_in_less_likely":
            return not others_in_it
        case "no_centres_in_each_other":
            return not in_others & others_in_it
        case "all":
            return True


def _finished(each: _Candidate, zones: Circles, draws: Floats, steps: int, p: Scan) -> Cluster:
    p_value = (1 + int((draws >= each.ratio - _SAME).sum())) / (1 + len(draws)) if len(draws) else float("nan")
    one_look = 1 - (1 - p_value) ** (1 / p.looks)
    return Cluster(
        centre=each.centre,
        members=zones.members(each.centre, each.size),
        radius=float(zones.distance[each.centre, each.size - 1]),
        first=steps - each.window,
        observed=each.observed,
        expected=each.expected,
        ratio=each.ratio,
        p_value=p_value,
        recurrence=1 / one_look,
    )
