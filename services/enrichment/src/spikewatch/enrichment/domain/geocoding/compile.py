"""Compiles what was read of files into the packed arrays of an index."""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from spikewatch.enrichment.domain.geocoding.areas_of_streets import areas_of_streets
from spikewatch.enrichment.domain.geocoding.fold import fold_name
from spikewatch.enrichment.domain.geocoding.network import network_arrays, usable
from spikewatch.enrichment.domain.geocoding.packed import FORMAT, JSON, SCALE, Packed, narrowed, of_text
from spikewatch.enrichment.domain.geocoding.records import AddressPoint, Alias, Landmark, PlaceArea, StreetSegment, Vintage
from spikewatch.enrichment.domain.geocoding.spelling import spelling_arrays
from spikewatch.enrichment.domain.geocoding.street_name import StreetName, read_street

__all__ = ["compiled"]

_HIGHEST: Final = 999_999  # a larger house number is a parcel's or a slip of the keyboard


class _Contexts:
    """Numbers each combination of ZIP code, city, county and source."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, str, str, int], int] = {}

    def number(self, zip5: str, city: str, county: str, source: int) -> int:
        return self._numbers.setdefault((zip5[:5], fold_name(city), county, source), len(self._numbers))

    def rows(self) -> list[JSON]:
        return [list(row) for row in self._numbers]


class _Names:
    """Numbers each street by its name in parts, and keeps how it is written."""

    def __init__(self) -> None:
        self.numbers: dict[StreetName, int] = {}
        self.of_key: dict[str, list[StreetName]] = {}
        self._read: dict[str, int | None] = {}

    def number(self, written: str) -> int | None:
        if written in self._read:
            return self._read[written]
        name = read_street(fold_name(written).split())
        found = None
        if name is not None:
            if name not in self.numbers:
                self.of_key.setdefault(name.key, []).append(name)
            found = self.numbers.setdefault(name, len(self.numbers))
        self._read[written] = found
        return found


def compiled(
    segments: Iterable[StreetSegment],
    points: Iterable[AddressPoint] = (),
    landmarks: Iterable[Landmark] = (),
    places: Iterable[PlaceArea] = (),
    aliases: Iterable[Alias] = (),
    *,
    vintages: Sequence[Vintage],
) -> Packed:
    """Return the packed index of all that was read.

    What has no name, no line, or a position that is not on earth is left out.
    """
    contexts, names = _Contexts(), _Names()
    segments = [segment for segment in segments if usable(segment)]
    points, places = _on_earth(points), list(places)
    arrays = _segments(segments, names, contexts)
    hyphened = _hyphened(segments, points, names)
    arrays |= _points(points, names, contexts, hyphened)
    arrays["hyphened_street"] = narrowed(sorted(hyphened))
    street_count = len(names.numbers)
    arrays |= _aliases(aliases, names)
    keys = list(dict.fromkeys(name.key for name in names.numbers))
    arrays |= spelling_arrays(keys)
    arrays["street_text"] = of_text(["\t".join(name) for name in names.numbers])
    for column in ("street_first", "point_first"):  # streets that only have points end where the others do, and the other way round
        have = arrays[column]
        arrays[column] = np.concatenate([have, np.full(street_count + 1 - len(have), have[-1], dtype=np.uint32)])
    arrays |= _landmarks(landmarks, contexts)
    arrays |= _places([*places, *areas_of_streets(segments, points, places)])
    facts: dict[str, JSON] = {
        "format": FORMAT,
        "vintages": [list(vintage) for vintage in vintages],
        "contexts": contexts.rows(),
        "streets": street_count,
    }
    return Packed(arrays, facts)


def _full_name(segment: StreetSegment) -> str:
    return " ".join(part for part in (segment.pre_direction, segment.name, segment.type, segment.post_direction) if part)


def _segments(segments: Iterable[StreetSegment], names: _Names, contexts: _Contexts) -> dict[str, np.ndarray]:
    kept = [(street, segment) for segment in segments if (street := names.number(_full_name(segment))) is not None]
    kept.sort(key=lambda pair: (pair[0], min(pair[1][2] or _HIGHEST, pair[1][4] or _HIGHEST)))
    ordered = [segment for _, segment in kept]
    arrays = {
        column: narrowed([min(max(int(getattr(segment, column)), 0), _HIGHEST) for segment in ordered])
        for column in ("left_from", "left_to", "right_from", "right_to")
    }
    arrays["left_context"] = narrowed([contexts.number(s.left_zip, s.left_city, s.county, s.source) for s in ordered])
    arrays["right_context"] = narrowed([contexts.number(s.right_zip, s.right_city, s.county, s.source) for s in ordered])
    arrays |= network_arrays(ordered)
    arrays["street_first"] = _first_of([street for street, _ in kept], len(names.numbers))
    return arrays


def _first_of(streets: list[int], count: int) -> np.ndarray:
    return np.searchsorted(np.array(streets, dtype=np.int64), np.arange(count + 1)).astype(np.uint32)


def _on_earth(points: Iterable[AddressPoint]) -> list[AddressPoint]:
    return [point for point in points if 0 < point.number <= _HIGHEST and -90 <= point.lat <= 90 and -180 <= point.lon <= 180]


def _hyphened(segments: Iterable[StreetSegment], points: Iterable[AddressPoint], names: _Names) -> set[int]:
    """Return the streets on which a hyphen is part of a house number, as in Queens: their segments say so, or most of their points."""
    found = {street for segment in segments if segment.is_hyphened and (street := names.number(_full_name(segment))) is not None}
    falling: dict[int, int] = {}
    for point in points:
        if point.number_to and (street := names.number(point.street)) is not None:
            # 12-14 may be either, 52-01 is no range.
            falling[street] = falling.get(street, 0) + (1 if point.number_to < point.number else -1)
    return found | {street for street, count in falling.items() if count > 0}


def _points(points: Iterable[AddressPoint], names: _Names, contexts: _Contexts, hyphened: set[int]) -> dict[str, np.ndarray]:
    rows: dict[tuple[int, int, int], tuple[int, int]] = {}
    for point in points:
        if (street := names.number(point.street)) is not None:
            context = contexts.number(point.zip5, point.city, point.county, point.source)
            # Flats of one house share its point: the first stands for all.
            number = point.number * 100 + point.number_to if 0 < point.number_to < 100 and street in hyphened else point.number
            rows.setdefault((street, number, context), (round(point.lat * SCALE), round(point.lon * SCALE)))
    order = sorted(rows)
    return {
        "point_first": _first_of([street for street, _, _ in order], len(names.numbers)),
        "point_number": narrowed([number for _, number, _ in order]),
        "point_context": narrowed([context for _, _, context in order]),
        "point_lat": np.array([rows[key][0] for key in order], dtype=np.int32),
        "point_lon": np.array([rows[key][1] for key in order], dtype=np.int32),
    }


def _aliases(aliases: Iterable[Alias], names: _Names) -> dict[str, np.ndarray]:
    target_of: list[int] = []
    known = dict(names.numbers)
    of_key = {key: list(streets) for key, streets in names.of_key.items()}
    for alias in aliases:
        target, other = read_street(fold_name(alias.street).split()), read_street(fold_name(alias.alias).split())
        if target is None or other is None:
            continue
        same = [target] if target in known else [name for name in of_key.get(target.key, []) if not target.type or name.type == target.type]
        for street in same:
            # An alias without a direction goes with each direction of its street.
            told = StreetName(other.key, other.words, other.pre or street.pre, other.type, other.post or street.post)
            if told not in names.numbers:
                names.numbers[told] = len(names.numbers)
                target_of.append(known[street])
    return {"alias_street": np.array(target_of, dtype=np.uint32)}


def _landmarks(landmarks: Iterable[Landmark], contexts: _Contexts) -> dict[str, np.ndarray]:
    kept = [(fold_name(landmark.name), landmark) for landmark in landmarks]
    kept = [(name, landmark) for name, landmark in kept if name and -90 <= landmark.lat <= 90 and -180 <= landmark.lon <= 180]
    return {
        "landmark_text": of_text([name for name, _ in kept]),
        "landmark_lat": np.array([round(landmark.lat * SCALE) for _, landmark in kept], dtype=np.int32),
        "landmark_lon": np.array([round(landmark.lon * SCALE) for _, landmark in kept], dtype=np.int32),
        "landmark_radius": np.array([min(max(landmark.radius_m, 1), 65_000) for _, landmark in kept], dtype=np.uint16),
        "landmark_context": narrowed([contexts.number("", landmark.city, landmark.county, landmark.source) for _, landmark in kept]),
    }


def _places(places: Iterable[PlaceArea]) -> dict[str, np.ndarray]:
    kept = [(fold_name(place.name), place) for place in places]
    kept = [(name, place) for name, place in kept if name and -90 <= place.lat <= 90 and -180 <= place.lon <= 180]
    return {
        "place_text": of_text(["\t".join((place.kind, name, place.code, place.county, str(place.source))) for name, place in kept]),
        "place_lat": np.array([round(place.lat * SCALE) for _, place in kept], dtype=np.int32),
        "place_lon": np.array([round(place.lon * SCALE) for _, place in kept], dtype=np.int32),
        "place_radius": np.array([max(place.radius_m, 1) for _, place in kept], dtype=np.float32),
    }
