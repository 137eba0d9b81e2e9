"""Keys by which a store finds the reports that may be compared with one, without comparing all.

Invariant: where two records are candidates, the probes of each meet the blocks of the other; a store needs one index over the
blocks. Of two kinds of record that meet over a long time the rarer one (a date, a medical examiner's, a hospital's) lies in all the
blocks of that time and looks into them all, so that the others lie in one and look into one.

A block is a number: its hour in the upper half, a checksum of its name in the lower. So those of one time lie side by side in the store's
index, what comes now is found in a small part of it however long the history, and that two names share a number only shows a report
which the comparison leaves out.
"""

import math
from functools import lru_cache
from typing import Final
from zlib import crc32

from spikewatch.enrichment.domain.matching.blocking import (
    AGES,
    ARRIVAL_WINDOW,
    BAND,
    BEFORE,
    CELL_M,
    DATE_WINDOW,
    DEATH_WINDOW,
    HOUR,
    METRES,
    NUMBER_WINDOW,
    SCENE_WINDOW,
)
from spikewatch.enrichment.domain.matching.codes import KIND_CODE
from spikewatch.enrichment.domain.matching.records import Compared

__all__ = ["blocks", "probes", "spots"]

_ED: Final = KIND_CODE["ed"]
_ME: Final = KIND_CODE["me"]
_COARSE: Final = 4  # cells on a side of a block of places: 1.6 km
# n: number of the call; p: exact times of a place; q: places of long windows; s: hundred-block; d: hospitals' people, m: medical
# examiners', o: all others'; u: who states no place, of one agency.
_BUCKET: Final = {
    "n": 24 * HOUR,
    "p": 6 * HOUR,
    "q": 24 * HOUR,
    "s": 6 * HOUR,
    "d": 8 * HOUR,
    "o": 8 * HOUR,
    "m": 48 * HOUR,
    "u": 6 * HOUR,
}
_HOURS: Final = {family: int(length // HOUR) for family, length in _BUCKET.items()}
_Area = tuple[int, int]  # row and column of a block of places
_OF_EXAMINER: Final = (-DEATH_WINDOW, ARRIVAL_WINDOW)  # what a medical examiner's time meets, that of a hospital included
_OF_HOSPITAL: Final = (-ARRIVAL_WINDOW, HOUR)


def blocks(record: Compared) -> tuple[int, ...]:
    """Return the blocks that a record lies in: by number of the call, place, street, hospital and age."""
    at = record.seconds
    made = [_key("n", f"{record.region}:{record.cad}", at)] if record.cad else []
    if not _is_placed(record):
        made.append(_key("u", f"{record.region}:{record.agency}", at))
    elif _is_long(record):
        made += [key for area in _areas(record) for key in _span("q", area, *_reach(record))]
    else:
        made.append(_key("p", _own_area(record), at))
    if _is_on_street(record):
        made.append(_key("s", f"{record.region}:{record.street}", at))
    if record.kind in {_ED, _ME}:
        family, (begin, end) = ("m", _OF_EXAMINER) if record.kind == _ME else ("d", _OF_HOSPITAL)
        made += [key for who in _people(record, AGES) for key in _span(family, who, at + begin, at + end)]
    else:
        made += [_key("o", who, at) for who in _people(record, 0)]
    return tuple(made)


def probes(record: Compared) -> tuple[int, ...]:
    """Return the blocks in which all records lie that may be compared with a record, and those of its ``spots``."""
    at = record.seconds
    made: list[int] = []
    if record.cad:
        made += _span("n", f"{record.region}:{record.cad}", at - NUMBER_WINDOW, at + NUMBER_WINDOW)
    if not _is_placed(record):
        made.append(_key("u", f"{record.region}:{record.agency}", at))
    elif _is_long(record):
        made += [key for area in _areas(record) for family in "pq" for key in _span(family, area, *_reach(record))]
    else:
        begin, end = at - SCENE_WINDOW, at + SCENE_WINDOW
        made += [key for area in _areas(record) for key in _span("p", area, begin, end)]
        made.append(_key("q", _own_area(record), at))
    if _is_on_street(record):
        made += _span("s", f"{record.region}:{record.street}", at - HOUR, at + HOUR)
    if record.kind == _ME:
        begin, end = at + _OF_EXAMINER[0], at + _OF_EXAMINER[1]
        made += [key for who in _people(record, AGES) for family in "do" for key in _span(family, who, begin, end)]
    elif record.kind == _ED:
        begin, end = at + _OF_HOSPITAL[0], at + _OF_HOSPITAL[1]
        made += [key for who in _people(record, AGES) for key in _span("o", who, begin, end)]
        made += [_key("m", who, at) for who in _people(record, 0)]
    else:
        made += [_key(family, who, at) for who in _people(record, 0) for family in "dm"]
    return tuple(made)


def spots(record: Compared) -> tuple[str, ...]:
    """Return what one agency's reports are counted by, to tell a flood: its place and hours, and its call. All are among its probes."""
    if not _is_placed(record):
        place = _key("u", f"{record.region}:{record.agency}", record.seconds)
    else:
        place = _key("q" if _is_long(record) else "p", _own_area(record), record.seconds)
    own = f"{record.agency}|{place}"
    return (own, f"{record.agency}|{_key('n', f'{record.region}:{record.cad}', record.seconds)}") if record.cad else (own,)


def _is_placed(record: Compared) -> bool:
    return 0 < record.place_class < 4


def _is_long(record: Compared) -> bool:
    return record.is_rough or record.kind == _ME


def _reach(record: Compared) -> tuple[float, float]:
    """Return the times of the reports that a date or a medical examiner's time meets at a place."""
    begin = DEATH_WINDOW if record.kind == _ME else BEFORE
    return record.seconds - begin, record.seconds + (DATE_WINDOW if record.is_rough else BEFORE)


def _is_on_street(record: Compared) -> bool:
    return bool(record.street) and not record.is_rough and record.kind not in {_ED, _ME}


def _people(record: Compared, years: int) -> list[str]:
    """Return by what a person is met without a place: the hospital, and an age of the same region up to so many years apart."""
    who = [f"h{record.hospital}"] if record.hospital else []
    age = record.age_low
    if age >= 0 and age == record.age_high and not record.is_age_rough:
        region = record.region
        if not years:
            who.append(f"a{region}:{age}")
        else:
            who += [f"a{region}:{near}" for near in range(age - years, age + years + 1)]
    return who


def _row(lat: float) -> int:
    return math.floor(lat * (METRES / CELL_M))


@lru_cache(8192)
def _columns_a_degree(row: int) -> float:
    middle = math.floor(row * (CELL_M / METRES) / BAND) * BAND
    return max(math.cos(math.radians(middle)), 0.01) * (METRES / CELL_M)


def _own_area(record: Compared) -> _Area:
    row = _row(record.lat)
    return row // _COARSE, math.floor((record.lon + 360.0) * _columns_a_degree(row)) // _COARSE


def _areas(record: Compared) -> set[_Area]:
    own, east = _row(record.lat), record.lon + 360.0
    made = set()
    for row in (own - 1, own, own + 1):
        column = math.floor(east * _columns_a_degree(row))
        # Two cells aside, because columns of another band are of another width: near in one row's columns may be two apart in the other's.
        made.add((row // _COARSE, (column - 2) // _COARSE))
        made.add((row // _COARSE, (column + 2) // _COARSE))
    return made


def _key(family: str, what: str | _Area, seconds: float) -> int:
    return int(seconds // _BUCKET[family]) * _HOURS[family] << 32 | _checksum(family, what)


def _span(family: str, what: str | _Area, begin: float, end: float) -> list[int]:
    length, checksum, hours = _BUCKET[family], _checksum(family, what), _HOURS[family]
    first, last = int(begin // length), int(end // length)
    if first == last:  # most windows lie in one bucket
        return [first * hours << 32 | checksum]
    return [bucket * hours << 32 | checksum for bucket in range(first, last + 1)]


def _checksum(family: str, what: str | _Area) -> int:
    if isinstance(what, str):
        return crc32(f"{family}|{what}".encode())
    row, column = what  # two odd factors spread neighbours over all 32 bits at a third of the cost of a text
    return (row * 0x9E3779B1 ^ column * 0x85EBCA77 ^ ord(family) * 0xC2B2AE3D) & 0xFFFFFFFF
