"""Finds the place of the overdose in a row: of the ways a profile lists the first that states anything. A home is never one."""

import re
from collections.abc import Callable, Sequence
from typing import Final

from spikewatch.contracts.report import Location, QualityNote
from spikewatch.contracts.vocabulary import PlacePrecision
from spikewatch.ingest.domain.feeds.feed import COUNTY_ASSUMED, Source
from spikewatch.ingest.domain.feeds.reported import location_of
from spikewatch.ingest.domain.identifying import is_identifying, without_identifiers
from spikewatch.ingest.domain.profiles.cells import NOT_RECOGNISED, Cells, Doubts, Reader, condition, keys_of, value
from spikewatch.ingest.domain.profiles.model import Place, Value
from spikewatch.ingest.domain.record import Fields
from spikewatch.ingest.domain.repeated import repeated

__all__ = ["location"]

_LONGEST_STREET: Final = 512
_NEAR: Final = 0.0005  # degrees, about 50 m: a placeholder is written with more or fewer digits
_ZIP: Final = re.compile(r"(\d{4,5})(?:-\d{4}|\.0)?", re.ASCII)
_COUNTY: Final = re.compile(r"(\d{4,5})(?:\.0)?", re.ASCII)
_CITY: Final = re.compile(r"[^\W\d_][^\W\d_ .'/&()-]*(?:[ .'/&()-]+[^\W\d_]+)*\.?\)?")
_is_degrees: Final = re.compile(r"[+-]?\d{1,3}(?:\.\d{1,20})?", re.ASCII).fullmatch
_PAIR: Final = re.compile(r"\(\s*([+-]?\d{1,3}(?:\.\d{1,20})?)\s*,\s*([+-]?\d{1,3}(?:\.\d{1,20})?)\s*\)", re.ASCII)
_PAIR_ALONE: Final = re.compile(r"\s*([+-]?\d{1,3}(?:\.\d{1,20})?)\s*[,;]\s*([+-]?\d{1,3}(?:\.\d{1,20})?)\s*", re.ASCII)  # ESO: 42.1, -72.5
_WKT: Final = re.compile(r"POINT\s*\(\s*([+-]?\d{1,3}(?:\.\d{1,20})?)\s+([+-]?\d{1,3}(?:\.\d{1,20})?)\s*\)", re.ASCII | re.IGNORECASE)
_CROSSING: Final = re.compile(r"\S\s*&\s*\S|\S\s+(?:AND|/|@)\s+\S", re.IGNORECASE)

Way = Callable[[Fields, Doubts], "_Found | None"]


class _Found:
    """What one way states."""

    point: tuple[float, float] | None = None
    address: str | None = None
    intersection: str | None = None
    city: str | None = None
    zip5: str | None = None
    county: str | None = None
    place_type: str | None = None
    precision: PlacePrecision | None = None

    def says_a_place(self) -> bool:
        return bool(self.point or self.address or self.intersection or self.city or self.zip5 or self.county)


def location(cells: Cells, ways: Sequence[Place]) -> Callable[[Fields, Source, Doubts], Location]:
    """Return what finds the place of a row; without any it is the agency's home county, noted."""
    readers = [(_way(cells, way), way.note) for way in ways]

    def read(row: Fields, source: Source, doubts: Doubts) -> Location:
        found: _Found | None = None
        for position, (way, note) in enumerate(readers):
            found = way(row, doubts)
            if found is None:
                continue
            if found.says_a_place():
                if position:
                    doubts.append(QualityNote(field="location", code="preferred_place_missing"))
                if note is not None:
                    doubts.append(QualityNote(field="location", code=note))
                break
        found = found or _Found()
        county = found.county
        if county is None and source.county_fips is not None:
            county = source.county_fips
            doubts.append(COUNTY_ASSUMED)
        point = found.point
        return location_of(
            lat=None if point is None else point[0],
            lon=None if point is None else point[1],
            precision=_precision(found, county),
            address=found.address,
            intersection=found.intersection,
            city=found.city,
            zip5=found.zip5,
            county_fips=county,
            tract=None,
            place_type=found.place_type,
        )

    return read


def _precision(found: _Found, county: str | None) -> PlacePrecision:
    if found.point is not None:
        return found.precision or (PlacePrecision.INTERSECTION if found.intersection else PlacePrecision.POINT)
    if found.zip5:
        return PlacePrecision.ZIP
    if found.city:
        return PlacePrecision.CITY
    return PlacePrecision.COUNTY if county else PlacePrecision.NONE


def _way(cells: Cells, spec: Place) -> Way:  # every decision once, the row last
    applies = condition(cells, spec.when)

    def reader(part: Value | None, field: str) -> Reader | None:
        return None if part is None else value(cells, part, f"location.{field}")

    lat, lon, inside = reader(spec.lat, "lat"), reader(spec.lon, "lon"), reader(spec.point_in, "lat")
    street, crossing = reader(spec.address, "address"), reader(spec.intersection, "intersection")
    town = _town(cells, spec)
    precision, placeholders = spec.precision, spec.placeholders

    def read(row: Fields, doubts: Doubts) -> _Found | None:  # a row of guards, one a part of the place
        if applies is not None and not applies(row):
            return None
        found = _Found()
        if lat is not None and lon is not None:
            found.point = _stated(lat(row, doubts), lon(row, doubts), doubts)
        if found.point is None and inside is not None:
            found.point = _inside(inside(row, doubts), doubts)
        point = found.point
        if placeholders and point is not None and any(abs(point[0] - x) < _NEAR and abs(point[1] - y) < _NEAR for x, y in placeholders):
            found.point = None
            doubts.append(QualityNote(field="location.lat", code="placeholder_point"))
        found.precision = precision
        if crossing is not None:
            found.intersection = _street(crossing(row, doubts), "intersection", doubts)
        if street is not None and (text := _street(street(row, doubts), "address", doubts)) is not None:
            if found.intersection is None and not text[:1].isdigit() and _CROSSING.search(text):
                found.intersection = text
            else:
                found.address = text
        found.city, found.zip5, found.county, found.place_type, own = town(row)
        doubts += own
        return found

    return read


_Town = tuple[str | None, str | None, str | None, str | None, tuple[QualityNote, ...]]
"""City, ZIP code, county, kind of the place, and the doubts about them."""


def _town(cells: Cells, spec: Place) -> Callable[[Fields], _Town]:
    def reader(part: Value | None, field: str) -> Reader:
        return _nothing if part is None else value(cells, part, f"location.{field}")

    city, zip5, county = reader(spec.city, "city"), reader(spec.zip, "zip5"), reader(spec.county_fips, "county_fips")
    kind = _nothing if spec.place_type is None else _kind(cells, spec.place_type)

    def read(row: Fields) -> _Town:
        doubts: Doubts = []
        town = _city(city(row, doubts), doubts)
        code = _digits(zip5(row, doubts), _ZIP, "zip5", doubts)
        home = _digits(county(row, doubts), _COUNTY, "county_fips", doubts)
        word = kind(row, doubts)
        return town, code, home, word if isinstance(word, str) else None, tuple(doubts)

    return repeated(keys_of(spec.city, spec.zip, spec.county_fips, spec.place_type), read)


def _nothing(_row: Fields, _doubts: Doubts) -> None:
    return None


def _kind(cells: Cells, spec: Value) -> Reader:
    # A closed list: a kind of place written freely may name a person's address.
    known = {word.lower(): word for word in [*(spec.values or {}).values(), spec.otherwise or "", spec.missing or "", spec.constant or ""]}
    return value(cells, spec, "location.place_type", known)


def _stated(north: object, east: object, doubts: Doubts) -> tuple[float, float] | None:
    if north is None and east is None:
        return None
    if not (isinstance(north, str) and isinstance(east, str) and _is_degrees(north) and _is_degrees(east)):
        doubts.append(QualityNote(field="location.lat", code=NOT_RECOGNISED))
        return None
    return _in_the_world(float(north), float(east), doubts)


def _in_the_world(north: float, east: float, doubts: Doubts) -> tuple[float, float] | None:
    if north == 0 and east == 0:
        doubts.append(QualityNote(field="location.lat", code="placeholder_point"))
        return None
    if not (-90 <= north <= 90 and -180 <= east <= 180):
        doubts.append(QualityNote(field="location.lat", code="out_of_range"))
        return None
    return north, east


def _inside(cell: object, doubts: Doubts) -> tuple[float, float] | None:
    if not isinstance(cell, str):
        return None
    text = cell[:_LONGEST_STREET]
    if "point" in text.lower() and (match := _WKT.search(text)):
        return _in_the_world(float(match[2]), float(match[1]), doubts)
    match = _PAIR.search(text) or _PAIR_ALONE.fullmatch(text)
    if match is None:
        doubts.append(QualityNote(field="location.lat", code=NOT_RECOGNISED))
        return None
    label = text[: match.start()].strip()
    if label and "," not in label:
        # "CT (41.57, -72.73)": the middle of a state, where no town was known.
        doubts.append(QualityNote(field="location.lat", code="placeholder_point"))
        return None
    return _in_the_world(float(match[1]), float(match[2]), doubts)


def _street(cell: object, field: str, doubts: Doubts) -> str | None:
    if not isinstance(cell, str):
        return None
    text = " ".join(cell.split())
    if len(text) > _LONGEST_STREET or not text.isprintable():
        doubts.append(QualityNote(field=f"location.{field}", code=NOT_RECOGNISED))
        return None
    text, removed = without_identifiers(text)
    if removed:
        doubts.append(QualityNote(field=f"location.{field}", code="identifier_removed"))
    return text


def _city(cell: object, doubts: Doubts) -> str | None:
    if not isinstance(cell, str):
        return None
    text = " ".join(cell.split())
    if len(text) > 64 or not _CITY.fullmatch(text):  # no city's name is longer
        doubts.append(QualityNote(field="location.city", code=NOT_RECOGNISED))
        return None
    return text


def _digits(cell: object, pattern: re.Pattern[str], field: str, doubts: Doubts) -> str | None:
    if not isinstance(cell, str):
        return None
    match = pattern.fullmatch(cell)
    if match is None or is_identifying(cell):
        doubts.append(QualityNote(field=f"location.{field}", code=NOT_RECOGNISED))
        return None
    if len(match[1]) == 4:  # a spreadsheet took the leading zero away
        doubts.append(QualityNote(field=f"location.{field}", code="leading_zero_restored"))
    return match[1].zfill(5)
