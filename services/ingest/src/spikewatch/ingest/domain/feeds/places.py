"""The place of a record whose fields are named as ours are: ``lat``, ``lon``, ``address``, ``cross``, ``city``, ``zip``."""

import re
from typing import Final

from spikewatch.contracts.report import Location, QualityNote
from spikewatch.contracts.vocabulary import PlacePrecision
from spikewatch.ingest.domain.feeds.feed import COUNTY_ASSUMED, Source
from spikewatch.ingest.domain.feeds.fields import coordinates, free_text, stated
from spikewatch.ingest.domain.feeds.reported import location_of
from spikewatch.ingest.domain.identifying import is_identifying
from spikewatch.ingest.domain.record import Fields
from spikewatch.ingest.domain.rejection import Fault, Rejected

__all__ = ["call_place"]

# 19401, 19401.0 as spreadsheets write it, 19401-1234; and those that lost their leading zero: 1101, 1101.0, 1101-1234
_ZIP: Final = re.compile(r"(\d{5})(?:\.0|-?\d{4})?|(\d{4})(?:\.0|-\d{4})?", re.ASCII)
_NOT_KNOWN: Final = frozenset({"unknown", "unk", "u", "?", "not known"})
_TOWNSHIP: Final = re.compile(r"[^\W\d_][^\W\d_ .'/&-]*(?:[ .'/&-]+[^\W\d_]+)*\.?")
_CROSSING: Final = re.compile(r"\S\s*(?:@|/|\b(?:AND|AT)\b)\s*\S", re.IGNORECASE)
_NUMBERED: Final = re.compile(r"\d+\w*\s")  # 100 MAIN ST, 1400-BLK MAIN ST
_TOWN_BEHIND: Final = re.compile(r"\s*;\s*(?:TWP|TOWNSHIP|MUNI?|BORO|CITY)\s*:(.*)", re.IGNORECASE)  # MAIN ST ; TWP: WEST CHESTER
_LONGEST_CITY: Final = 64
_NO_FIX: Final = QualityNote(field="location.lat", code="no_fix")
_MILLIONTHS: Final = QualityNote(field="location.lat", code="millionths_of_degree")
_ZERO_RESTORED: Final = QualityNote(field="location.zip5", code="leading_zero_restored")
_WHOLE: Final = re.compile(r"[+-]?\d{7,9}(?:\.0+)?", re.ASCII)
_STATES: Final = ((13.0, 72.0, -180.0, -64.0), (13.0, 21.0, 144.0, 147.0))  # with Puerto Rico, Alaska, Hawaii, Guam; degrees N, N, E, E
_CROSSING_CLEANED: Final = QualityNote(field="location.intersection", code="identifier_removed")
_ADDRESS_CLEANED: Final = QualityNote(field="location.address", code="identifier_removed")
_NOWHERE: Final = re.compile(r"[+-]?0+(?:\.0*)?|-361(?:\.0*)?", re.ASCII)  # what dispatch systems write for a call without a position


def call_place(fields: Fields, source: Source) -> tuple[Location, tuple[QualityNote, ...]]:
    """Return where a call was, and the doubts about it.

    A part that cannot be read is left out and noted, for a call must not be lost for a detail of its place.

    Raises:
        Rejected: a part cannot be read, and the row has no other place.
    """
    doubts: list[QualityNote] = []
    refused: list[Rejected] = []
    point = _point(fields, doubts, refused)
    street, removed, town = _street(fields, "addr", doubts, refused)
    is_crossing = street is not None and ("&" in street or (not _NUMBERED.match(street) and _CROSSING.search(street) is not None))
    crossing, is_cleaned = street, removed
    if not is_crossing:
        crossing, is_cleaned, other = _street(fields, "cross", doubts, refused)
        town = town or other
    if removed or is_cleaned:
        doubts.append(_CROSSING_CLEANED if is_crossing else _ADDRESS_CLEANED)
    zip5 = _zip5(fields, doubts, refused)
    city = _city(stated(fields, "twp") if "twp" in fields else None) or _city(town)
    if refused and not (point or street or crossing or zip5 or city):
        raise refused[0]
    if point is not None:
        precision = PlacePrecision.INTERSECTION if is_crossing else PlacePrecision.BLOCK
    elif zip5:
        precision = PlacePrecision.ZIP
    elif city:
        precision = PlacePrecision.CITY
    else:
        precision = PlacePrecision.COUNTY if source.county_fips else PlacePrecision.NONE
    if source.county_fips:
        doubts.append(COUNTY_ASSUMED)
    location = location_of(
        lat=point[0] if point else None,
        lon=point[1] if point else None,
        precision=precision,
        address=None if is_crossing else street,
        intersection=crossing,
        city=city,
        zip5=zip5,
        county_fips=source.county_fips,
    )
    return location, tuple(doubts)


def _point(fields: Fields, doubts: list[QualityNote], refused: list[Rejected]) -> tuple[float, float] | None:
    if _is_nowhere(fields.get("lat")) and _is_nowhere(fields.get("lng")):
        doubts.append(_NO_FIX)
        return None
    try:
        return coordinates(fields, "lat", "lng")
    except Rejected as fault:
        if (point := _of_millionths(fields.get("lat"), fields.get("lng"))) is not None:
            doubts.append(_MILLIONTHS)
            return point
        _leave_out("location.lat", fault, doubts, refused)
        return None


def _of_millionths(lat: object, lng: object) -> tuple[float, float] | None:
    """Return degrees of what some dispatch systems write in millionths of them; None: it is something else, feet of a state's plane."""
    written = [str(value).strip() if isinstance(value, str | int | float) else "" for value in (lat, lng)]
    if not all(map(_WHOLE.fullmatch, written)):
        return None
    north, east = (float(text) / 1_000_000 for text in written)
    is_plausible = any(south <= north <= top and west <= east <= end for south, top, west, end in _STATES)
    return (north, east) if is_plausible else None


def _street(fields: Fields, name: str, doubts: list[QualityNote], refused: list[Rejected]) -> tuple[str | None, bool, str | None]:
    """Return a street without what is behind it, whether an identifier was taken out, and the town that stood behind."""
    try:
        text, is_cleaned = free_text(fields, name, "MAIN ST & 2ND AVE")
    except Rejected as fault:
        _leave_out("location.address" if name == "addr" else "location.intersection", fault, doubts, refused)
        return None, False, None
    behind = None if text is None or ";" not in text else _TOWN_BEHIND.search(text)
    if text is None or behind is None:
        return text, is_cleaned, None
    return text[: behind.start()] or None, is_cleaned, behind[1].strip()


def _zip5(fields: Fields, doubts: list[QualityNote], refused: list[Rejected]) -> str | None:
    value = stated(fields, "zip") if "zip" in fields else None
    text = str(value) if isinstance(value, str | float) or (isinstance(value, int) and 0 <= value < 10**9) else ""
    if value is None or text.lower() in _NOT_KNOWN:
        return None
    match = _ZIP.fullmatch(text)
    if match is None or is_identifying(text):
        fault = Rejected(Fault.INVALID_FIELD, "zip", "is not of the expected form", "a ZIP code of five digits", "19401")
        _leave_out("location.zip5", fault, doubts, refused)
        return None
    if match[1]:
        return match[1]
    doubts.append(_ZERO_RESTORED)  # a spreadsheet took it away
    return f"0{match[2]}"


def _city(town: object) -> str | None:
    if not isinstance(town, str) or len(town) > _LONGEST_CITY or not _TOWNSHIP.fullmatch(town):
        return None
    return " ".join(town.split())


def _leave_out(field: str, fault: Rejected, doubts: list[QualityNote], refused: list[Rejected]) -> None:
    doubts.append(QualityNote(field=field, code="out_of_range" if fault.fault is Fault.OUT_OF_RANGE else "not_recognised"))
    refused.append(fault)


def _is_nowhere(value: object) -> bool:
    return isinstance(value, str | int | float) and _NOWHERE.fullmatch(str(value).strip()) is not None
