"""Finds agencies whose times lie whole hours off, as when a time of the wall is sent as if it were UTC: for whole files.

Whoever is hours off meets nobody, so it shows in reports that share what hardly two people share: a call's number, a doorstep, or
age and sex in one hospital or one square of the map. For such an agency the times of others lie around another hour. One agency
after the other is set by those set before it, those that write during the call first, so that nobody is put right against
a clock that goes wrong itself. Of the clocks that were set together most are taken to go right.

What an agency of a kind may need to write is no hour that is off. Police or a hospital that write hours later nearly always are set
like a clock, because others look for them around the usual hour; of those that do so now and then the times stay, and a medical examiner
may always be late: only one who writes before the call is set.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from spikewatch.enrichment.domain.matching.blocking import METRES
from spikewatch.enrichment.domain.matching.codes import KIND_CODE, KINDS
from spikewatch.enrichment.domain.matching.columns import Columns, Floats, Ints
from spikewatch.enrichment.domain.matching.comparison import distances, share_hospitals, share_numbers
from spikewatch.enrichment.domain.matching.records import Compared

__all__ = ["Hours", "put_right", "set_clocks", "wrong_hours"]


class _Kind(NamedTuple):
    """How long after the call an agency of a kind dates an overdose, in minutes, and how much sooner or later it may without a wrong clock.

    ``turn`` is its place among those that are set one after the other; within ``tail`` after an hour most lags of one clock lie.
    """

    turn: int
    expected: float
    sooner: float
    later: float
    tail: float = 60.0


_KINDS: Final = {
    "cad": _Kind(0, 0.0, 45.0, 45.0),
    "ems": _Kind(0, 8.0, 45.0, 45.0),
    "fire": _Kind(0, 5.0, 45.0, 45.0),
    "police": _Kind(1, 20.0, 40.0, 60.0, tail=150.0),
    "ed": _Kind(2, 45.0, 40.0, 60.0, tail=180.0),
    "other": _Kind(3, 30.0, 100.0, 100.0, tail=180.0),
    "me": _Kind(4, 75.0, 150.0, 10_000.0, tail=360.0),
}
_TURN, _EXPECTED, _SOONER, _LATER, _TAIL = np.array([_KINDS[name] for name in KINDS]).T
_HOUR: Final = 3_600.0
_MOST_HOURS: Final = 14  # of any place's time from UTC
_HOURS: Final = 60.0 * np.arange(-_MOST_HOURS, _MOST_HOURS + 1)  # minutes
_REACH: Final = 90.0  # minutes from an hour at which a time no longer speaks for it
_LEAST: Final = 12.0  # pairs, more than chance makes, that speak for another hour
_TIMES: Final = 2.0  # how many times as many as speak for the agency's own
_SHARE: Final = 0.5  # of all that chance does not make
_LEAST_SEASON: Final = 12  # pairs of a season by which it is told from the other
_TURNS: Final = (40.0, 80.0)  # minutes that are an hour of summer time
_ERRORS: Final = 4.0  # of that difference, that it must be greater than
_STEPS: Final = 4
_LOOKED_AT: Final = 60_000  # reports; of more, days in turn
_BLOCK_DAYS: Final = 3
_DOOR_M: Final = 50.0
_SQUARE_M: Final = 2_000.0
_OTHER_AGE: Final = 15  # years between ages that nobody mistakes for one

Hours = tuple[int, int]
"""How many hours a clock goes ahead in winter and in summer."""


def wrong_hours(columns: Columns) -> dict[int, Hours]:
    """Return by agency how many hours its clock goes ahead in winter and in summer; those that go right are left out.

    Summer is that of the United States, because the agencies are: a clock elsewhere is right for most of the year.
    """
    one, two = _evidence(columns)
    mine, theirs = np.concatenate([one, two]), np.concatenate([two, one])
    order = np.argsort(columns.agency[mine], kind="stable")
    mine, theirs = mine[order], theirs[order]
    agencies, begins, counts = np.unique(columns.agency[mine], return_index=True, return_counts=True)
    kinds = columns.kind[mine[begins]]
    ahead = np.zeros((int(columns.agency.max(initial=0)) + 1, 2))
    group = np.full(len(ahead), -1)  # agencies that were set by one another
    summer = _is_summer(columns.seconds).astype(np.int64)
    for turn in np.unique(_TURN).tolist():
        _trust_most(agencies, kinds, group, ahead)
        those = np.flatnonzero(_TURN[kinds] == turn)
        for at in those[np.argsort(-counts[those], kind="stable")].tolist():
            agency, kind = agencies[at], int(kinds[at])
            part = slice(begins[at], begins[at] + counts[at])
            known = group[columns.agency[theirs[part]]]
            group[agency] = agency
            if not (known >= 0).any():
                continue
            best = int(np.bincount(known[known >= 0]).argmax())
            first, second = mine[part][known == best], theirs[part][known == best]
            their_kinds = columns.kind[second]
            late = (columns.seconds[first] - columns.seconds[second]) / 60.0 - _EXPECTED[kind] + _EXPECTED[their_kinds]
            late += 60.0 * ahead[columns.agency[second], summer[second]]
            sooner, later = np.maximum(_SOONER[kind], _LATER[their_kinds]), np.maximum(_LATER[kind], _SOONER[their_kinds])
            own = (late >= -sooner) & (late <= later)
            hours = _hours(late, summer[first] > 0, own, float((sooner + later).mean()), float(_TAIL[kind]))
            if hours is not None:
                ahead[agency], group[agency] = hours, best
    hours_of = {agency: (int(ahead[agency][0]), int(ahead[agency][1])) for agency in agencies.tolist()}
    return {agency: hours for agency, hours in hours_of.items() if hours != (0, 0)}


def set_clocks(records: Sequence[Compared]) -> tuple[list[Compared], dict[str, Hours]]:
    """Return the records, given in canonical order, as if all clocks went right, and by agency how many hours were taken off."""
    columns = Columns.of(records)
    hours = wrong_hours(columns)
    if not hours:
        return list(records), {}
    names = {record.agency: hours[one] for record, one in zip(records, columns.agency.tolist(), strict=True) if one in hours}
    return put_right(records, columns, hours), names


def put_right(records: Sequence[Compared], columns: Columns, hours: dict[int, Hours]) -> list[Compared]:
    """Return the records, in canonical order, with the times of these agencies as others would have told them. Dates stay."""
    summer = _is_summer(columns.seconds).tolist()
    made = []
    for record, agency, is_summer in zip(records, columns.agency.tolist(), summer, strict=True):
        ahead = hours[agency][is_summer] if agency in hours and not record.is_rough else 0
        made.append(record._replace(seconds=record.seconds - ahead * _HOUR) if ahead else record)
    return sorted(made, key=lambda one: (one.seconds, one.key.int))


def _trust_most(agencies: Ints, kinds: Ints, group: Ints, ahead: Floats) -> None:
    """Take the hours that most agencies of a group share for right; of as many, those of whom comes first during a call."""
    for one in np.unique(group[group >= 0]).tolist():
        members = agencies[np.lexsort((agencies, kinds))]
        members = members[group[members] == one]
        ahead[members] -= Counter(map(tuple, ahead[members].tolist())).most_common(1)[0][0]


def _hours(late: Floats, summer: npt.NDArray[np.bool_], own: npt.NDArray[np.bool_], width: float, tail: float) -> Hours | None:
    """Return how many hours the times of one agency lie after those of others in winter and in summer, or nothing where too little tells.

    ``late`` are minutes beyond what is expected, ``own`` those that need no wrong clock, over ``width`` minutes.
    """
    best = _nearest(late)
    near = np.abs(late - 60.0 * best) <= _REACH
    seasons = late[near & ~summer], late[near & summer]
    if min(map(len, seasons)) >= _LEAST_SEASON:
        between = float(np.median(seasons[1]) - np.median(seasons[0]))
        unsure = 1.25 * np.sqrt(sum(season.var() / len(season) for season in seasons))  # standard error of medians
        if max(_TURNS[0], _ERRORS * unsure) <= abs(between) <= _TURNS[1]:  # no lag knows of summer time
            turn = int(np.sign(between))
            best = _nearest(late - 60.0 * turn * summer)
            return best, best + turn
    per_hour = np.array([np.count_nonzero(np.abs(late - hour) < 30.0) for hour in _HOURS.tolist()])
    chance = float(np.median(per_hour))
    right = max(1.0, np.count_nonzero(own) - chance * min(width / 60.0, len(_HOURS)))
    away = np.count_nonzero((late >= 60.0 * best - 60.0) & (late <= 60.0 * best + tail) & ~own) - chance * (1.0 + tail / 60.0)
    if best and away >= max(_LEAST, _TIMES * right, _SHARE * (len(late) - chance * len(_HOURS))):
        return best, best
    return (0, 0) if max(2.0 * right, away) >= _LEAST else None


def _nearest(late: Floats) -> int:
    weight = [np.maximum(0.0, 1.0 - np.abs(late - hour) / _REACH).sum() for hour in _HOURS.tolist()]
    return int(np.argmax(weight)) - _MOST_HOURS


def _evidence(columns: Columns) -> tuple[Ints, Ints]:
    """Return pairs of reports of two agencies next to one another in time that share what hardly two people share."""
    count = len(columns)
    turns = -(-count // _LOOKED_AT)
    looked = (columns.rough == 0) & (np.floor(columns.seconds / (86_400 * _BLOCK_DAYS)).astype(np.int64) % turns == 0)
    at_scene = (columns.place_class == 1) & (columns.kind != KIND_CODE["ed"])
    is_person = (columns.age_low >= 0) & (columns.age_low == columns.age_high) & (columns.age_rough == 0) & (columns.sex > 0)
    person = columns.age_low * 4 + columns.sex
    square = _square(columns, _SQUARE_M) * 1024 + person
    keys = (
        (columns.cad, columns.cad > 0),
        (_square(columns, _DOOR_M), at_scene),
        (columns.hospital * 1024 + person, is_person & (columns.hospital > 0)),
        (square, is_person & (columns.place_class > 0)),
    )
    pairs: list[Ints] = [np.zeros((2, 0), dtype=np.int64)]
    for key, known in keys:
        among = np.flatnonzero(known & looked)
        line = among[np.argsort(key[among], kind="stable")]  # records come in order of time
        for step in range(1, _STEPS + 1):
            one, two = line[:-step], line[step:]
            near = (key[one] == key[two]) & (columns.agency[one] != columns.agency[two])
            near &= columns.seconds[two] - columns.seconds[one] <= (_MOST_HOURS + 2) * _HOUR
            pairs.append(np.stack([one[near], two[near]]))
    first, second = np.concatenate(pairs, axis=1)
    aged = (columns.age_low[first] >= 0) & (columns.age_low[second] >= 0)
    unlike = aged & (np.abs(columns.age_low[first] - columns.age_low[second]) > _OTHER_AGE)
    unlike |= (columns.sex[first] != columns.sex[second]) & (columns.sex[first] > 0) & (columns.sex[second] > 0)
    apart_m = distances(columns, first, second)
    kept = ~unlike & share_numbers(columns, first, second, apart_m) & share_hospitals(columns, first, second, apart_m)
    pair = np.unique(first[kept] * count + second[kept])
    return pair // max(count, 1), pair % max(count, 1)


def _square(columns: Columns, metres: float) -> Ints:
    """Return the number of each place's square, which is one at 45 degrees."""
    number = np.floor(columns.lat * (METRES / metres)).astype(np.int64) * (1 << 24)
    number += np.floor((columns.lon + 360.0) * (METRES / 1.4 / metres)).astype(np.int64)
    return number


def _is_summer(seconds: Floats) -> npt.NDArray[np.bool_]:
    """Return which times of the wall are of summer time: from the second Sunday of March to the first of November, two o'clock."""
    years = seconds.astype("datetime64[s]").astype("datetime64[Y]").astype(np.int64) + 1970
    found = np.zeros(len(seconds), dtype=np.bool_)
    for year in np.unique(years).tolist():
        begin, end = _sunday(year, 3, 8), _sunday(year, 11, 1)
        found |= (years == year) & (seconds >= begin) & (seconds < end)
    return found


def _sunday(year: int, month: int, day: int) -> float:
    """Return two o'clock of the first Sunday from a day on."""
    from_day = date(year, month, day)
    sunday = from_day + timedelta(days=6 - from_day.weekday())
    return datetime.combine(sunday, time(2), UTC).timestamp()
