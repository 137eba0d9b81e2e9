"""Finds agencies whose clock goes whole hours wrong, as when a time of the wall is sent as if it were UTC: for whole files.

Whoever is hours off meets nobody, so it shows in reports that share a call's number, a doorstep, or hospital, age and sex: for
such an agency the times of others lie around another hour. A clock that goes right is never touched: the other hour must hold
four times as many reports as its own.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from spikewatch.enrichment.domain.matching.blocking import METRES
from spikewatch.enrichment.domain.matching.codes import KIND_CODE
from spikewatch.enrichment.domain.matching.columns import Columns, Floats, Ints
from spikewatch.enrichment.domain.matching.records import Compared

__all__ = ["put_right", "wrong_hours"]

_HOUR: Final = 3_600.0
_MOST_HOURS: Final = 14  # of any place's time from UTC
_BEFORE: Final = -0.5 * _HOUR  # where two reports about one person mostly lie
_AFTER: Final = 1.5 * _HOUR
_LEAST: Final = 20  # pairs that speak for another hour
_TIMES: Final = 4  # how many times as many as speak for the agency's own
_SUMMER: Final = 1.1  # how many times as many when the hour changes in summer
_STEPS: Final = 4
_LOOKED_AT: Final = 60_000  # reports; of more, days in turn
_BLOCK_DAYS: Final = 3
_DOOR_M: Final = 50.0
_HOURS: Final = np.arange(-_MOST_HOURS, _MOST_HOURS + 1)


def wrong_hours(columns: Columns) -> dict[int, tuple[int, int]]:
    """Return by agency how many hours its clock goes ahead in winter and in summer; those that go right are left out.

    Summer is that of the United States, because the agencies are: a clock elsewhere is right for most of the year.
    """
    first, second = _evidence(columns)
    found: dict[int, tuple[int, int]] = {}
    for agency in np.unique(columns.agency).tolist():
        own, other = columns.agency[first] == agency, columns.agency[second] == agency
        mine = np.concatenate([first[own & ~other], second[other & ~own]])
        theirs = np.concatenate([second[own & ~other], first[other & ~own]])
        hours = _hours(columns.seconds[mine], columns.seconds[mine] - columns.seconds[theirs])
        if hours != (0, 0):
            found[agency] = hours
    return found


def put_right(records: Sequence[Compared], columns: Columns, hours: dict[int, tuple[int, int]]) -> list[Compared]:
    """Return the records, in canonical order, with the times of these agencies as others would have told them. Dates stay."""
    summer = _is_summer(columns.seconds).tolist()
    made = []
    for record, agency, is_summer in zip(records, columns.agency.tolist(), summer, strict=True):
        ahead = hours[agency][is_summer] if agency in hours and not record.is_rough else 0
        made.append(record._replace(seconds=record.seconds - ahead * _HOUR) if ahead else record)
    return sorted(made, key=lambda one: (one.seconds, one.key.int))


def _hours(at: Floats, apart: Floats) -> tuple[int, int]:
    summer = _is_summer(at)
    winters, summers = (_counts(apart[season]) for season in (~summer, summer))
    steady = winters + summers
    changing = winters[:-1] + summers[1:]  # an hour further ahead in summer
    best, turning = int(steady.argmax()), int(changing.argmax())
    turns = changing[turning] > _SUMMER * steady[best] and winters[turning] > 0
    most = int(changing[turning] if turns else steady[best])
    if most < _LEAST or most < _TIMES * steady[_MOST_HOURS] or most < _TIMES * float(np.median(steady)):
        return 0, 0
    if turns:
        return int(_HOURS[turning]), int(_HOURS[turning + 1])
    # A short lag lies within two hours' windows: then the seasons' middles tell.
    inside = (apart >= _HOURS[best] * _HOUR + _BEFORE) & (apart < _HOURS[best] * _HOUR + _AFTER)
    seasons = [apart[inside & season] for season in (~summer, summer)]
    turns = min(map(len, seasons)) >= _LEAST // 2 and float(np.median(seasons[1]) - np.median(seasons[0])) > _HOUR / 2
    return int(_HOURS[best]), int(_HOURS[best]) + int(turns)


def _counts(apart: Floats) -> Ints:
    line = np.sort(apart)
    begin, end = (np.searchsorted(line, _HOURS * _HOUR + edge, side="left") for edge in (_BEFORE, _AFTER))
    counts: Ints = (end - begin).astype(np.int64)
    return counts


def _evidence(columns: Columns) -> tuple[Ints, Ints]:
    """Return pairs of reports next to one another in time that share what hardly two people share."""
    count = len(columns)
    turns = -(-count // _LOOKED_AT)
    looked = (columns.rough == 0) & (np.floor(columns.seconds / (86_400 * _BLOCK_DAYS)).astype(np.int64) % turns == 0)
    door = np.floor(columns.lat * (METRES / _DOOR_M)).astype(np.int64) * (1 << 24)
    door += np.floor((columns.lon + 360.0) * (METRES / 1.4 / _DOOR_M)).astype(np.int64)  # square at 45 degrees
    at_scene = (columns.place_class == 1) & (columns.kind != KIND_CODE["ed"]) & (columns.kind != KIND_CODE["me"])
    person = (columns.hospital * 256 + columns.age_low) * 4 + columns.sex
    is_person = (columns.hospital > 0) & (columns.age_low >= 0) & (columns.age_low == columns.age_high) & (columns.sex > 0)
    pairs: list[Ints] = [np.zeros((2, 0), dtype=np.int64)]
    for key, known in ((columns.cad, columns.cad > 0), (door, at_scene), (person, is_person)):
        among = np.flatnonzero(known & looked)
        line = among[np.argsort(key[among], kind="stable")]  # records come in order of time
        for step in range(1, _STEPS + 1):
            one, two = line[:-step], line[step:]
            near = (key[one] == key[two]) & (columns.seconds[two] - columns.seconds[one] <= (_MOST_HOURS + 2) * _HOUR)
            pairs.append(np.stack([one[near], two[near]]))
    first, second = np.concatenate(pairs, axis=1)
    return first, second


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
