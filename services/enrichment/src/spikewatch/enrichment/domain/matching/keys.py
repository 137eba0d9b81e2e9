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
from typing import Final, NamedTuple
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

__all__ = ["Keys", "keys_of"]

_ME: Final = KIND_CODE["me"]
_RARE: Final = frozenset({KIND_CODE["ed"], _ME})
_COARSE: Final = 4  # cells on a side of a block of places: 1.6 km
_ROW: Final = 0x9E3779B1  # odd factors spread neighbours over all 32 bits at a third of the cost of a text
_COLUMN: Final = 0x85EBCA77
_MARK: Final = 0xC2B2AE3D
_ALL: Final = 0xFFFFFFFF


class _Family(NamedTuple):
    """Blocks of one kind of name: how long one is, in seconds and in hours, and what tells its names from other families'."""

    seconds: float
    hours: int
    mark: int


def _family(letter: str, hours: int) -> _Family:
    return _Family(hours * HOUR, hours, ord(letter) * _MARK & _ALL)


_CALL: Final = _family("n", 24)
_PLACE: Final = _family("p", 6)  # exact times
_LONG_PLACE: Final = _family("q", 24)
_HUNDRED_BLOCK: Final = _family("s", 6)
_OF_HOSPITALS: Final = _family("d", 8)
_OF_EXAMINERS: Final = _family("m", 48)
_OF_OTHERS: Final = _family("o", 8)
_PLACELESS: Final = _family("u", 6)  # of one agency
_EXAMINER: Final = (-DEATH_WINDOW, ARRIVAL_WINDOW)  # what a medical examiner's time meets, that of a hospital included
_HOSPITAL: Final = (-ARRIVAL_WINDOW, HOUR)


class Keys(NamedTuple):
    """By what a record is found, and where others are looked for around it."""

    blocks: tuple[int, ...]
    """The blocks that it lies in: by number of the call, place, street, hospital and age."""
    probes: tuple[int, ...]
    """The blocks in which all records lie that may be compared with it, and those of its ``spots``."""
    spots: tuple[str, ...]
    """What its agency's reports are counted by, to tell a flood: its place and hours, and its call. All are among its probes."""


def keys_of(record: Compared) -> Keys:
    """Return all keys of a record: one pass, because the three have most of their names in common."""
    at, region, agency = record.seconds, record.region, record.agency
    blocks: list[int] = []
    probes: list[int] = []
    call = None
    if record.cad:
        name = _name(f"{region}:{record.cad}")
        call = _time(_CALL, at) ^ name
        blocks.append(call)
        probes += [time ^ name for time in _times(_CALL, at - NUMBER_WINDOW, at + NUMBER_WINDOW)]
    if 0 < record.place_class < 4:
        home = _by_place(record, blocks, probes)
    else:
        home = _time(_PLACELESS, at) ^ _name(f"{region}:{agency}")
        blocks.append(home)
        probes.append(home)
    if record.kind in _RARE:
        _by_rare_person(record, blocks, probes)
    else:
        if record.street and not record.is_rough:
            name = _name(f"{region}:{record.street}")
            blocks.append(_time(_HUNDRED_BLOCK, at) ^ name)
            probes += [time ^ name for time in _times(_HUNDRED_BLOCK, at - HOUR, at + HOUR)]
        _by_person(record, blocks, probes)
    own = f"{agency}|{home}"
    return Keys(tuple(blocks), tuple(probes), (own,) if call is None else (own, f"{agency}|{call}"))


def _by_place(record: Compared, blocks: list[int], probes: list[int]) -> int:
    """Add the keys of a place, and return its own."""
    at = record.seconds
    home, areas = _areas(record.lat, record.lon)
    if record.is_rough or record.kind == _ME:  # what a date or a medical examiner's time meets at a place
        begin = at - (DEATH_WINDOW if record.kind == _ME else BEFORE)
        end = at + (DATE_WINDOW if record.is_rough else BEFORE)
        lies = [time ^ area for time in _times(_LONG_PLACE, begin, end) for area in areas]
        blocks += lies
        probes += lies
        probes += [time ^ area for time in _times(_PLACE, begin, end) for area in areas]
        return _time(_LONG_PLACE, at) ^ home
    own = _time(_PLACE, at) ^ home
    blocks.append(own)
    probes += [time ^ area for time in _times(_PLACE, at - SCENE_WINDOW, at + SCENE_WINDOW) for area in areas]
    probes.append(_time(_LONG_PLACE, at) ^ home)
    return own


# A person is met without a place, too: by the hospital, and by an age of the same region.
def _by_person(record: Compared, blocks: list[int], probes: list[int]) -> None:
    at, who = record.seconds, _people(record, 0)
    if who:
        other, hospital, examiner = _time(_OF_OTHERS, at), _time(_OF_HOSPITALS, at), _time(_OF_EXAMINERS, at)
        for name in who:
            blocks.append(other ^ name)
            probes += (hospital ^ name, examiner ^ name)


def _by_rare_person(record: Compared, blocks: list[int], probes: list[int]) -> None:
    at, who = record.seconds, _people(record, AGES)
    is_examiner = record.kind == _ME
    family, (before, after) = (_OF_EXAMINERS, _EXAMINER) if is_examiner else (_OF_HOSPITALS, _HOSPITAL)
    begin, end = at + before, at + (DATE_WINDOW if record.is_rough else after)
    blocks += [time ^ name for time in _times(family, begin, end) for name in who]
    probes += [time ^ name for time in _times(_OF_OTHERS, begin, end) for name in who]
    if is_examiner:
        probes += [time ^ name for time in _times(_OF_HOSPITALS, begin, end) for name in who]
    else:
        probes += [_time(_OF_EXAMINERS, at) ^ name for name in _people(record, 0)]


def _people(record: Compared, years: int) -> tuple[int, ...]:
    """Return the names of a record's hospital, and of its age with so many years more and less."""
    age = record.age_low
    if age < 0 or age != record.age_high or record.is_age_rough:
        return (_hospital(record.hospital),) if record.hospital else ()
    ages = _ages(record.region, age, years)
    return (_hospital(record.hospital), *ages) if record.hospital else ages


@lru_cache(8192)
def _columns_a_degree(row: int) -> float:
    middle = math.floor(row * (CELL_M / METRES) / BAND) * BAND
    return max(math.cos(math.radians(middle)), 0.01) * (METRES / CELL_M)


@lru_cache(8192)
def _rows(own: int) -> tuple[tuple[int, float], ...]:
    """Return of a row of cells, and then of the two beside it, what differs: the row of blocks and the columns in a degree."""
    return tuple({(row // _COARSE * _ROW, _columns_a_degree(row)): None for row in (own, own - 1, own + 1)})


def _areas(lat: float, lon: float) -> tuple[int, list[int]]:
    """Return the name of the block of places that a place lies in, and those of all within reach of it."""
    east = lon + 360.0
    rows = _rows(math.floor(lat * (METRES / CELL_M)))
    found: list[int] = []
    for row, width in rows:
        column = math.floor(east * width)
        # Two cells aside, because columns of another band are of another width: near in one row's columns may be two apart in the other's.
        west, east_of_it = (column - 2) // _COARSE, (column + 2) // _COARSE
        for aside in (west,) if west == east_of_it else (west, east_of_it):
            area = (row ^ aside * _COLUMN) & _ALL
            if area not in found:
                found.append(area)
    row, width = rows[0]
    return (row ^ math.floor(east * width) // _COARSE * _COLUMN) & _ALL, found


# A key is its time, which holds the mark of the family, with its name: ``_time(family, at) ^ name``.
def _time(family: _Family, seconds: float) -> int:
    length, hours, mark = family
    return int(seconds // length) * hours << 32 | mark


def _times(family: _Family, begin: float, end: float) -> list[int]:
    length, hours, mark = family
    first, last = int(begin // length), int(end // length)
    if first == last:  # most windows lie in one bucket
        return [first * hours << 32 | mark]
    return [bucket * hours << 32 | mark for bucket in range(first, last + 1)]


def _name(text: str) -> int:
    return crc32(text.encode())


@lru_cache(4096)
def _hospital(name: str) -> int:
    return _name(f"h{name}")


@lru_cache(16_384)
def _ages(region: str, age: int, years: int) -> tuple[int, ...]:
    return tuple(_name(f"a{region}:{near}") for near in range(age - years, age + years + 1))
