"""Keys by which a store finds the reports that may be compared with one, without comparing all.

Invariant: where two records are candidates, the probes of each meet the blocks of the other; a store needs one index over the
blocks. Blocks are coarser than what is compared, so that a record has one block a reason and few probes.
"""

import math
from collections.abc import Iterator
from typing import Final

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

__all__ = ["blocks", "probes"]

_ED: Final = KIND_CODE["ed"]
_ME: Final = KIND_CODE["me"]
_COARSE: Final = 4  # cells on a side of a block of places: 1.6 km
_BUCKET: Final = {"n": 24 * HOUR, "p": 6 * HOUR, "s": 6 * HOUR, "r": 24 * HOUR, "m": 48 * HOUR, "d": 24 * HOUR, "o": 24 * HOUR}


def blocks(record: Compared) -> tuple[str, ...]:
    """Return the blocks that a record lies in: by number of the call, place, street, hospital and age."""
    made = []
    if record.cad:
        made.append(_key("n", record.cad, record.seconds))
    if 0 < record.place_class < 4:
        row = _row(record.lat)
        family = "m" if record.kind == _ME else "r" if record.is_rough else "p"
        made.append(_key(family, _area(row, _column(record.lon, row)), record.seconds))
    if _is_on_street(record):
        made.append(_key("s", f"{record.region}:{record.street}", record.seconds))
    family = "m" if record.kind == _ME else "d" if record.kind == _ED else "o"
    if record.hospital:
        made.append(_key(family, f"h{record.hospital}", record.seconds))
    if _is_aged(record):
        made.append(_key(family, f"a{record.region}:{record.age_low}", record.seconds))
    return tuple(made)


def probes(record: Compared) -> tuple[str, ...]:
    """Return the blocks in which all records lie that may be compared with a record."""
    made: dict[str, None] = {}
    at = record.seconds
    if record.cad:
        made.update(_span("n", record.cad, at - NUMBER_WINDOW, at + NUMBER_WINDOW))
    if 0 < record.place_class < 4:
        for area in _areas(record):
            for family, begin, end in _times_of_places(record):
                made.update(_span(family, area, begin, end))
    if _is_on_street(record):
        made.update(_span("s", f"{record.region}:{record.street}", at - HOUR, at + HOUR))
    people = [f"h{record.hospital}"] if record.hospital else []
    if _is_aged(record):
        people += [f"a{record.region}:{record.age_low + years}" for years in range(-AGES, AGES + 1)]
    for who in people:
        for family, begin, end in _times_of_people(record):
            made.update(_span(family, who, begin, end))
    return tuple(made)


def _times_of_places(record: Compared) -> list[tuple[str, float, float]]:
    at = record.seconds
    dates = ("r", at - DATE_WINDOW, at + (DATE_WINDOW if record.is_rough else BEFORE))
    if record.kind == _ME:
        return [
            ("p", at - DEATH_WINDOW, at + (DATE_WINDOW if record.is_rough else BEFORE)),
            ("m", at - DEATH_WINDOW, at + DEATH_WINDOW),
            dates,
        ]
    if record.is_rough:
        return [("p", at - BEFORE, at + DATE_WINDOW), ("m", at - DATE_WINDOW, at + DEATH_WINDOW), dates]
    return [("p", at - SCENE_WINDOW, at + SCENE_WINDOW), ("m", at - DATE_WINDOW, at + DEATH_WINDOW), dates]


def _times_of_people(record: Compared) -> list[tuple[str, float, float]]:
    at = record.seconds
    if record.kind == _ME:
        return [("d", at - DEATH_WINDOW, at + ARRIVAL_WINDOW), ("o", at - DEATH_WINDOW, at + BEFORE)]
    if record.kind == _ED:
        return [("o", at - ARRIVAL_WINDOW, at + HOUR), ("m", at - ARRIVAL_WINDOW, at + DEATH_WINDOW)]
    return [("d", at - HOUR, at + ARRIVAL_WINDOW), ("m", at - BEFORE, at + DEATH_WINDOW)]


def _is_on_street(record: Compared) -> bool:
    return bool(record.street) and not record.is_rough and record.kind not in {_ED, _ME}


def _is_aged(record: Compared) -> bool:
    return record.age_low >= 0 and record.age_low == record.age_high and not record.is_age_rough


def _row(lat: float) -> int:
    return math.floor(lat * (METRES / CELL_M))


def _column(lon: float, row: int) -> int:
    middle = math.floor(row * (CELL_M / METRES) / BAND) * BAND
    return math.floor((lon + 360.0) * max(math.cos(math.radians(middle)), 0.01) * (METRES / CELL_M))


def _areas(record: Compared) -> set[str]:
    own = _row(record.lat)
    # Two cells aside, because columns of another band are of another width: near in one row's columns may be two apart in the other's.
    return {_area(row, _column(record.lon, row) + aside) for row in (own - 1, own, own + 1) for aside in (-2, -1, 0, 1, 2)}


def _area(row: int, column: int) -> str:
    return f"{row // _COARSE}:{column // _COARSE}"


def _key(family: str, what: str, seconds: float) -> str:
    return f"{family}|{what}|{int(seconds // _BUCKET[family])}"


def _span(family: str, what: str, begin: float, end: float) -> Iterator[tuple[str, None]]:
    length = _BUCKET[family]
    for bucket in range(int(begin // length), int(end // length) + 1):
        yield f"{family}|{what}|{bucket}", None
