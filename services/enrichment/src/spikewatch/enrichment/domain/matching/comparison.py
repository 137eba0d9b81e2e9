"""Compares pairs of records: for every pair and field the place of its weight in the one array of weights.

What is not so is taken out by multiplying, and bins are looked up, not searched: of pairs nobody can foretell which branch they take.
"""

from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from spikewatch.enrichment.domain.matching.codes import DISPOSITIONS, DRUGS, KIND_CODE, KINDS, OUTCOMES
from spikewatch.enrichment.domain.matching.columns import Columns, Floats, Ints
from spikewatch.enrichment.domain.matching.fields import (
    AGE_EDGES,
    DAY_EDGES,
    DISTANCE_EDGES_M,
    FIELDS,
    OFFSETS,
    PAIR_OF_KINDS,
    TIME_CONTEXTS,
    TIME_EDGES_MIN,
)
from spikewatch.enrichment.domain.matching.homes import REACH_M

__all__ = ["AT_ONCE", "STAYED", "Looked", "compare", "distances", "oriented", "share_hospitals", "share_numbers", "within_reach"]

AT_ONCE: Final = 8_192
"""Pairs that are compared in one go: all that is looked up for them stays in the cache of a processor."""

Looked = npt.NDArray[np.int64]
"""One row a field, one column a pair: places in the array of weights, 0 for missing; as wide as an index, which is three times as fast."""


_Mask = npt.NDArray[np.bool_]


class _Put(Protocol):
    def __call__(self, number: int, context: Ints | int, level: Ints, known: _Mask) -> None: ...


_PAIRS: Final = np.array(PAIR_OF_KINDS, dtype=np.int64).ravel()
_FURTHEST_MIN: Final = TIME_EDGES_MIN[-1]
# The bin of every whole minute and metre: an index is ten times as fast as a search.
_TIME_BIN: Final = np.searchsorted(np.array(TIME_EDGES_MIN), np.arange(-_FURTHEST_MIN - 1, _FURTHEST_MIN + 1), side="right")
_FURTHEST_M: Final = DISTANCE_EDGES_M[-1]
_DISTANCE_BIN: Final = np.searchsorted(np.array(DISTANCE_EDGES_M), np.arange(_FURTHEST_M + 1), side="right")
_AGE_BIN: Final = np.searchsorted(np.array(AGE_EDGES), np.arange(200), side="right")
_DAY_BIN: Final = np.searchsorted(np.array(DAY_EDGES), np.arange(-4, 5), side="right")
_FURTHEST_DAY: Final = 4
_ED: Final = KIND_CODE["ed"]
_ME: Final = KIND_CODE["me"]
_POLICE: Final = KIND_CODE["police"]
_EMS: Final = KIND_CODE["ems"]
STAYED: Final = np.isin(DISPOSITIONS, ("refused", "released", "ama"))
"""Of each disposition whether it says that an ambulance took nobody, and somebody lived."""
_STAYED: Final = TIME_CONTEXTS.index("ems|ed stayed")
_ELSEWHERE: Final = TIME_CONTEXTS.index("ems|ed elsewhere")
_WHO: Final = np.array([2 if _ME in (a, b) else 1 if _ED in (a, b) else 0 for a in range(len(KINDS)) for b in range(len(KINDS))])
_WHO[_ED * len(KINDS) + _ED] = 3
_ONE_DISPATCH_M: Final = 10_000.0
_ONE_CITY_M: Final = 100_000.0  # a helicopter brings people from further; then all else must speak for it
_NEAR_HOUSE: Final = 24  # numbers of the next dozen houses of one side
_PARENTS: Final = {"fentanyl": "opioid", "heroin": "opioid", "cocaine": "stimulant", "methamphetamine": "stimulant"}


def _drug_level(one: str, two: str) -> int:
    same = len(DRUGS) - 1
    if one == two:
        return DRUGS.index(one) - 1
    if _PARENTS.get(one) == two or _PARENTS.get(two) == one:
        return same
    return same + 1 if "unknown" in (one, two) else same + 2


_DRUG: Final = np.array([_drug_level(one, two) if one and two else -1 for one in DRUGS for two in DRUGS])


def oriented(columns: Columns, first: Ints, second: Ints) -> tuple[Ints, Ints]:
    """Return the pairs so that the kind of the first comes first, the earlier record of two of one kind."""
    kind_a, kind_b = columns.kind[first], columns.kind[second]
    swap = (kind_a > kind_b) | ((kind_a == kind_b) & (first > second))
    shift = (second - first) * swap
    return first + shift, second - shift


def distances(columns: Columns, first: Ints, second: Ints) -> Floats:
    """Return how many metres apart two places are; exact within a county, good enough beyond."""
    north = columns.north[first] - columns.north[second]
    degrees = np.abs(columns.lon[first] - columns.lon[second])
    east = np.minimum(degrees, 360.0 - degrees) * 0.5 * (columns.east_of[first] + columns.east_of[second])
    metres: Floats = np.sqrt(north * north + east * east)
    return metres


def share_numbers(columns: Columns, first: Ints, second: Ints, apart_m: Floats) -> _Mask:
    """Return whose numbers of calls may be of one dispatch: those of one region, and across its border those near one another.

    A table is one region and may hold two cities, each of which counts its calls from one.
    """
    return _one_dispatch(columns, first, second, apart_m, _placed(columns, first, second)) & within_reach(columns, first, second, apart_m)


def _placed(columns: Columns, first: Ints, second: Ints) -> _Mask:
    placed: _Mask = (columns.place_class[first] > 0) & (columns.place_class[second] > 0)
    return placed


def _one_dispatch(columns: Columns, first: Ints, second: Ints, apart_m: Floats, placed: _Mask) -> _Mask:
    one_region = columns.region[first] == columns.region[second]
    one: _Mask = one_region & ((apart_m <= _ONE_CITY_M) | ~placed) | placed & (apart_m <= _ONE_DISPATCH_M)
    return one


def within_reach(columns: Columns, first: Ints, second: Ints, apart_m: Floats) -> _Mask:
    """Return who may be of one city: all but those of whom one states no place and must be from elsewhere."""
    one, two = columns.located[first], columns.located[second]
    near: _Mask = (one + two < 3) | (one == 0) | (two == 0) | (apart_m <= _ONE_CITY_M + REACH_M * (one + two - 2))
    return near


def share_hospitals(columns: Columns, first: Ints, second: Ints, apart_m: Floats) -> _Mask:
    """Return whose hospitals' names may mean one hospital: every state has a Mercy, and a large one has several.

    Whoever states no place may be anywhere; two who state places must lie within reach of one hospital.
    """
    return _one_hospital(columns, first, second, apart_m, _placed(columns, first, second)) & within_reach(columns, first, second, apart_m)


def _one_hospital(columns: Columns, first: Ints, second: Ints, apart_m: Floats, placed: _Mask) -> _Mask:
    one, two = columns.state[first], columns.state[second]
    shared: _Mask = ((one == two) | (one == 0) | (two == 0)) & (~placed | (apart_m <= _ONE_CITY_M))
    return shared


def compare(columns: Columns, first: Ints, second: Ints) -> Looked:
    """Compare the pairs, which must be oriented.

    Returns:
        For every field (row) and pair (column) the place of its weight; 0 where one of the two says nothing.
    """
    looked = np.empty((len(FIELDS), len(first)), dtype=np.int64)
    for begin in range(0, len(first), AT_ONCE):
        part = slice(begin, begin + AT_ONCE)
        _compare(columns, first[part], second[part], looked[:, part])
    return looked


def _compare(columns: Columns, first: Ints, second: Ints, looked: Looked) -> None:
    kind_a, kind_b = columns.kind[first], columns.kind[second]
    both = kind_a * len(KINDS) + kind_b
    kinds, who = _PAIRS[both], _WHO[both]

    def put(number: int, context: Ints | int, level: Ints, known: _Mask) -> None:
        width = len(FIELDS[number].levels)
        np.multiply(OFFSETS[number] + context * width + level, known, out=looked[number])

    def equal(number: int, context: Ints | int, column: Ints, missing: int) -> None:
        one, two = column[first], column[second]
        put(number, context, (one != two).astype(np.int64), (one != missing) & (two != missing))

    always = np.ones(len(first), dtype=np.bool_)
    one, two = columns.hospital[first], columns.hospital[second]
    visits, elsewhere = kind_b == _ED, (one != two) & (one > 0) & (two > 0)
    # Departments of two hospitals may write under one name.
    two_agencies = (kind_a == kind_b) & ((columns.agency[first] != columns.agency[second]) | (visits & elsewhere))
    put(0, kinds, two_agencies.astype(np.int64), always)
    met = visits & (kind_a == _EMS)
    later = np.where(met & STAYED[columns.disposition[first]], _STAYED, np.where(met & elsewhere, _ELSEWHERE, kinds))
    _times(columns, first, second, kinds, later, put)
    place = np.maximum(columns.place_class[first], columns.place_class[second])
    placed, metres = _placed(columns, first, second), distances(columns, first, second)
    near = within_reach(columns, first, second, metres)
    put(3, who * 4 + place - 1, _DISTANCE_BIN[np.minimum(metres, _FURTHEST_M).astype(np.int64)], placed)
    low_a, low_b = columns.age_low[first], columns.age_low[second]
    apart = np.maximum(np.maximum(low_b - columns.age_high[first], low_a - columns.age_high[second]), 0)
    put(4, columns.age_rough[first] + columns.age_rough[second], _AGE_BIN[np.minimum(apart, 199)], (low_a >= 0) & (low_b >= 0))
    equal(5, kinds, columns.sex, 0)
    equal(6, 0, columns.race, 0)
    one, two = columns.outcome[first], columns.outcome[second]
    put(7, kinds, (one - 1) * (len(OUTCOMES) - 1) + two - 1, (one > 0) & (two > 0))
    one, two = columns.disposition[first], columns.disposition[second]
    put(8, kinds, one * len(DISPOSITIONS) + two, (one > 0) | (two > 0))
    one, two = columns.cad[first], columns.cad[second]
    put(9, kinds, (one != two).astype(np.int64), (one > 0) & (two > 0) & near & _one_dispatch(columns, first, second, metres, placed))
    one, two = columns.hospital[first], columns.hospital[second]
    put(10, kinds, (one != two).astype(np.int64), (one > 0) & (two > 0) & near & _one_hospital(columns, first, second, metres, placed))
    one, two = columns.drug[first], columns.drug[second]
    police = ((kind_a == _POLICE) | (kind_b == _POLICE)).astype(np.int64)
    put(11, police, _DRUG[one * len(DRUGS) + two], (one > 0) & (two > 0))
    equal(12, who, columns.zip5, 0)
    one, two = columns.naloxone[first], columns.naloxone[second]
    put(13, kinds, one + two, (one >= 0) & (two >= 0))
    equal(14, kinds, columns.doses, -1)
    one, two = columns.house[first], columns.house[second]
    gap = np.abs(one - two)
    put(15, who, (gap > 0).astype(np.int64) + (gap > _NEAR_HOUSE), (one >= 0) & (two >= 0))
    equal(16, who, columns.unit, 0)
    equal(17, who, columns.street, 0)


def _times(columns: Columns, first: Ints, second: Ints, kinds: Ints, later: Ints, put: _Put) -> None:
    one, two = columns.seconds[first], columns.seconds[second]
    rough = (columns.rough[first] | columns.rough[second]) > 0
    minutes = np.floor((two - one) / 60.0).astype(np.int64)
    inside = np.clip(minutes, -_FURTHEST_MIN - 1, _FURTHEST_MIN) + _FURTHEST_MIN + 1
    put(1, later, _TIME_BIN[inside], ~rough)
    days = (np.floor(two / 86_400.0) - np.floor(one / 86_400.0)).astype(np.int64)
    put(2, kinds, _DAY_BIN[np.clip(days, -_FURTHEST_DAY, _FURTHEST_DAY) + _FURTHEST_DAY], rough)
