"""The place of a record whose fields are named as ours are: ``lat``, ``lon``, ``address``, ``cross``, ``city``, ``zip``."""

import re
from typing import Final

from spikewatch.contracts.report import Location, QualityNote
from spikewatch.contracts.vocabulary import PlacePrecision
from spikewatch.ingest.domain.feeds.feed import COUNTY_ASSUMED, Source
from spikewatch.ingest.domain.feeds.fields import coordinates, free_text, matching, stated
from spikewatch.ingest.domain.feeds.reported import location_of
from spikewatch.ingest.domain.record import Fields

__all__ = ["call_place"]

_ZIP: Final = re.compile(r"(\d{5})(?:\.0|-?\d{4})?", re.ASCII)  # 19401, 19401.0 as spreadsheets write it, 19401-1234
_TOWNSHIP: Final = re.compile(r"[^\W\d_][^\W\d_ .'/&-]*(?:[ .'/&-]+[^\W\d_]+)*\.?")
_CROSSING: Final = re.compile(r"\S\s*(?:@|/|\b(?:AND|AT)\b)\s*\S", re.IGNORECASE)
_NUMBERED: Final = re.compile(r"\d+\w*\s")  # 100 MAIN ST, 1400-BLK MAIN ST
_LONGEST_CITY: Final = 64
_NO_FIX: Final = QualityNote(field="location.lat", code="no_fix")
_CROSSING_CLEANED: Final = QualityNote(field="location.intersection", code="identifier_removed")
_ADDRESS_CLEANED: Final = QualityNote(field="location.address", code="identifier_removed")
_NOWHERE: Final = re.compile(r"[+-]?0+(?:\.0*)?|-361(?:\.0*)?", re.ASCII)  # what dispatch systems write for a call without a position


def call_place(fields: Fields, source: Source) -> tuple[Location, tuple[QualityNote, ...]]:
    """Return where a call was, and the doubts about it.

    Raises:
        Rejected: a coordinate is wrong, or a text cannot be read.
    """
    doubts: list[QualityNote] = []
    point = None
    if _is_nowhere(fields.get("lat")) and _is_nowhere(fields.get("lng")):
        doubts.append(_NO_FIX)
    else:
        point = coordinates(fields, "lat", "lng")
    street, removed = free_text(fields, "addr", "MAIN ST & 2ND AVE")
    is_crossing = street is not None and ("&" in street or (not _NUMBERED.match(street) and _CROSSING.search(street) is not None))
    crossing, is_cleaned = (street, removed) if is_crossing else free_text(fields, "cross", "MAIN ST & 2ND AVE")
    if removed or is_cleaned:
        doubts.append(_CROSSING_CLEANED if is_crossing else _ADDRESS_CLEANED)
    zip5 = matching(fields, "zip", _ZIP, "a ZIP code of five digits", "19401")
    town = stated(fields, "twp") if "twp" in fields else None
    city = " ".join(town.split()) if isinstance(town, str) and len(town) <= _LONGEST_CITY and _TOWNSHIP.fullmatch(town) else None
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
        zip5=zip5[:5] if zip5 else None,
        county_fips=source.county_fips,
    )
    return location, tuple(doubts)


def _is_nowhere(value: object) -> bool:
    return isinstance(value, str | int | float) and _NOWHERE.fullmatch(str(value).strip()) is not None
