"""Finds the pairs worth comparing without comparing all: by number, by place and time, by hospital and time, by person and time.

Invariant: which pairs are found follows from the set of records alone. At a hot spot a record meets only so many of the
records next to it in time, so that a flood of records in one place and hour costs its length, not its square.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from spikewatch.enrichment.domain.matching.codes import KIND_CODE
from spikewatch.enrichment.domain.matching.columns import Columns, Floats, Ints
from spikewatch.enrichment.domain.matching.comparison import STAYED, distances, share_hospitals, share_numbers, within_reach

__all__ = [
    "AGES",
    "ARRIVAL_WINDOW",
    "BAND",
    "BEFORE",
    "CELL_M",
    "DATE_WINDOW",
    "DEATH_WINDOW",
    "HOUR",
    "METRES",
    "NUMBER_WINDOW",
    "SCENE_WINDOW",
    "Candidates",
    "candidates",
    "pairs_within",
]

HOUR: Final = 3_600.0
CELL_M: Final = 400.0  # with its ring, everything within 400 m and most within 800 is met
_MOST: Final = 24  # partners on each side that a record meets by one key; true pairs are further apart in one case of a thousand
NUMBER_WINDOW: Final = 12 * HOUR  # numbers start again each year or day, so they need an end
SCENE_WINDOW: Final = 3 * HOUR
DATE_WINDOW: Final = 34 * HOUR  # a day that is told by the clock on the wall ends as many as ten hours later than by UTC
DEATH_WINDOW: Final = 60 * HOUR
BEFORE: Final = 2 * HOUR
ARRIVAL_WINDOW: Final = 3 * HOUR
_LATER_WINDOW: Final = 12 * HOUR  # who was not taken comes by themselves, who was received is sent on; nearly all within this
AGES: Final = 2  # years that two agencies' ages of one person may differ
METRES: Final = 111_194.9
BAND: Final = 0.1  # degrees of latitude in which cells have one width
_ED: Final = KIND_CODE["ed"]
_ME: Final = KIND_CODE["me"]
_EMS: Final = KIND_CODE["ems"]
_BY_AGENCY: Final = 2  # of ``Columns.located``

Mask = npt.NDArray[np.bool_]
_Shared = Callable[[Columns, Ints, Ints, Floats], Mask]


@dataclass(frozen=True, slots=True)
class Candidates:
    """The pairs, each once with the earlier record first, and which records share place or call with more others than are compared."""

    first: Ints
    second: Ints
    crowded: Ints


def candidates(columns: Columns, *, wide: bool = False, bounded: bool = True) -> Candidates:
    """Return the pairs of records, given in canonical order, that are worth comparing.

    Without ``bounded`` a record meets everybody its keys find, so that whether two are a pair follows from the two alone, whatever else
    is there: for parts of a stream, from which floods are kept out.
    With ``wide`` the people of hospitals and medical examiners are met by time alone, whatever their age: for learning how
    often two people agree by chance, which cannot be seen among pairs that were chosen because they agree.
    """
    found = _Found(columns, len(columns) if not bounded else 4 * _MOST if wide else _MOST)
    kind = columns.kind
    rough = columns.rough > 0
    exact = ~rough
    numbered = columns.cad > 0
    # Every region counts its calls from one: the same number in another one is another call.
    regions = 1 + columns.region.max(initial=0)
    numbers = columns.cad * regions + columns.region
    # Whoever states no place is of the part of the country that its agency serves, where that is known.
    reached = within_reach if (columns.located == _BY_AGENCY).any() else None
    found.join(found.line(numbers, numbered), numbers, numbered, 0.0, NUMBER_WINDOW, shared=reached)
    placed = (columns.place_class > 0) & (columns.place_class < 4)
    scene = placed & exact & (kind != _ME)
    examined = placed & (kind == _ME)
    cells, around = _cells(columns)
    scenes, places, timed_places = found.line(cells, scene), found.line(cells, placed), found.line(cells, placed & exact)
    for probe in around:
        found.join(scenes, probe, scene, 0.0, SCENE_WINDOW)
        found.join(places, probe, placed & rough, -BEFORE, DATE_WINDOW)
        found.join(timed_places, probe, examined, -DEATH_WINDOW, BEFORE)
    if bounded:
        _join_coarse(found, columns, cells, exact & (kind != _ED) & (kind != _ME), reached)
    # A place that was read wrongly may lie anywhere; the hundred-block as it was written still says the same.
    named = (columns.street > 0) & exact & (kind != _ED) & (kind != _ME)
    streets = columns.street * regions + columns.region
    found.join(found.line(streets, named), streets, named, 0.0, HOUR, shared=share_numbers)
    treated = columns.hospital > 0
    hospitals = columns.hospital
    aged = (columns.age_low >= 0) & (columns.age_low == columns.age_high) & (columns.age_rough == 0)
    ages = 1 + columns.age_low + 200 * columns.region
    visited = exact & (kind == _ED)
    if wide:
        found.join(found.line(columns.region, kind != _ED), columns.region, kind == _ED, -ARRIVAL_WINDOW, HOUR)
        found.join(found.line(columns.region, exact & (kind != _ME)), columns.region, visited, -_LATER_WINDOW, 0.0)
        found.join(found.line(columns.region, kind != _ME), columns.region, kind == _ME, -DEATH_WINDOW, BEFORE)
    visits = ((exact, -ARRIVAL_WINDOW, HOUR), (rough, -ARRIVAL_WINDOW, DATE_WINDOW))
    deaths = ((exact, -DEATH_WINDOW, BEFORE), (rough, -DEATH_WINDOW, DATE_WINDOW))
    for late, windows in ((kind == _ED, visits), (kind == _ME, deaths)):
        patients, people = found.line(hospitals, treated & ~late), found.line(ages, aged & ~late)
        for told, begin, end in windows:
            found.join(patients, hospitals, treated & told & late, begin, end, shared=share_hospitals)
            for years in range(-AGES, AGES + 1):
                found.join(people, ages + years, aged & told & late, begin, end, shared=reached)
    if bounded:
        stayed = found.line(ages, aged & (visited | (exact & (kind == _EMS) & STAYED[columns.disposition])))
        for years in range(-AGES, AGES + 1):
            found.join(stayed, ages + years, aged & visited, -_LATER_WINDOW, 0.0, shared=share_hospitals)
    return found.all()


def _join_coarse(found: "_Found", columns: Columns, cells: Ints, timed: Mask, reached: "_Shared | None") -> None:
    """Add what those of whom no more than a ZIP code or a county is known may be: in whole files, where a ZIP code is not a nation's."""
    area, nowhere = timed & (columns.place_class == 4), timed & (columns.place_class == 0)
    coded = timed & (columns.zip5 > 0)
    codes = columns.zip5 * (1 + columns.region.max(initial=0)) + columns.region
    found.join(found.line(codes, coded), codes, coded & (area | nowhere), -SCENE_WINDOW, SCENE_WINDOW)
    found.join(found.line(cells, area), cells, area, -SCENE_WINDOW, SCENE_WINDOW)
    found.join(found.line(columns.region, timed), columns.region, nowhere & ~coded, -HOUR, HOUR, shared=reached)


def _cells(columns: Columns) -> tuple[Ints, list[Ints]]:
    """Return the key of each record's cell, and the keys of the nine around it, its own among them."""
    row = np.floor(columns.lat * (METRES / CELL_M)).astype(np.int64)

    def column(rows: Ints) -> Ints:
        # Width by bands of latitude, so that neighbouring rows have the same columns but for the borders of the bands.
        middle = np.floor(rows * (CELL_M / METRES) / BAND) * BAND
        width = np.maximum(np.cos(np.radians(middle)), 0.01) * (METRES / CELL_M)
        whole: Ints = np.floor((columns.lon + 360.0) * width).astype(np.int64)
        return whole

    middles = [(row + up) * (1 << 22) + column(row + up) for up in (-1, 0, 1)]
    return middles[1], [middle + aside for middle in middles for aside in (-1, 0, 1)]


def pairs_within(group: Ints) -> Ints:
    """Return all pairs of records with one group, each as first times the number of records plus second; groups below 0 have none."""
    order = np.argsort(group, kind="stable")
    order = order[group[order] >= 0]
    pairs: list[Ints] = [np.zeros(0, dtype=np.int64)]
    step = 1
    while len(order) > step:
        one, two = order[:-step], order[step:]
        same = group[one] == group[two]
        if not same.any():
            break
        pairs.append(one[same] * len(group) + two[same])
        step += 1
    return np.concatenate(pairs)


@dataclass(frozen=True, slots=True)
class _Line:
    """The records that are met by one key, in the order of their keys and those of one key in that of time.

    ``at`` is one number for key and time. ``order`` are all records by key: they ask in nearly the order in which they are answered.
    """

    order: Ints
    records: Ints
    keys: Ints
    at: Floats


class _Found:
    """Collects the pairs of several joins."""

    def __init__(self, columns: Columns, most: int) -> None:
        self._most = most
        self._columns = columns
        self._count = len(columns)
        begin = columns.seconds.min(initial=np.inf)
        self._since = columns.seconds - begin + DEATH_WINDOW
        self._span = columns.seconds.max(initial=-np.inf) - begin + 4 * DEATH_WINDOW
        self._pairs: list[Ints] = []
        self._crowded: list[Ints] = []

    def line(self, key: Ints, is_met: Mask) -> _Line:
        """Return the records marked as met in the order of their keys."""
        order = np.argsort(key, kind="stable")  # records come in order of time, which it keeps
        records = order[is_met[order]]
        sorted_keys = key[records]
        is_first = np.diff(sorted_keys, prepend=sorted_keys[:1] - 1) > 0
        return _Line(order, records, sorted_keys[is_first], (np.cumsum(is_first) - 1) * self._span + self._since[records])

    def join(self, line: _Line, key: Ints, is_probe: Mask, low: float, high: float, *, shared: _Shared | None = None) -> None:
        """Add the pairs of each probe with the records met by its key whose time is from ``low`` to ``high`` seconds of its own.

        ``shared`` tells of which of them the key means the same.
        With ``low`` 0 only the records after the probe are met: the same pair comes from the other side.
        """
        probes = line.order[is_probe[line.order]]
        if not len(line.records) or not len(probes):
            return
        asked = key[probes]
        place = np.minimum(np.searchsorted(line.keys, asked), len(line.keys) - 1)
        met = line.keys[place] == asked
        probes = probes[met]
        at = place[met] * self._span + self._since[probes]
        begin = np.searchsorted(line.at, at + low, side="left")
        end = np.searchsorted(line.at, at + high, side="right")
        middle = np.searchsorted(line.at, at, side="left")
        kept_begin, kept_end = np.maximum(begin, middle - self._most), np.minimum(end, middle + self._most)
        is_scene = low == 0.0
        if is_scene:
            kept_end = np.minimum(end, middle + 2 * self._most)
        count = np.maximum(kept_end - kept_begin, 0)
        if is_scene:  # a hospital is always crowded; a place or a call is only when something is wrong
            self._crowded.append(probes[count < end - begin])
        total = int(count.sum())
        if not total:
            return
        one = np.repeat(probes, count)
        steps = np.arange(total) - np.repeat(np.cumsum(count) - count, count)
        two = line.records[np.repeat(kept_begin, count) + steps]
        keep = one != two
        if shared is not None:
            keep &= shared(self._columns, one, two, distances(self._columns, one, two))
        one, two = one[keep], two[keep]
        self._pairs.append(np.minimum(one, two) * self._count + np.maximum(one, two))

    def all(self) -> Candidates:
        """Return the pairs, each once."""
        pairs, crowded = _distinct(self._pairs), _distinct(self._crowded)
        return Candidates(pairs // max(self._count, 1), pairs % max(self._count, 1), crowded)


def _distinct(parts: list[Ints]) -> Ints:
    """Return all numbers, sorted, each once: several times as fast as ``numpy.unique``, which makes a table of them."""
    numbers = np.sort(np.concatenate([np.zeros(0, dtype=np.int64), *parts]))
    return numbers[np.diff(numbers, prepend=-1) > 0]
