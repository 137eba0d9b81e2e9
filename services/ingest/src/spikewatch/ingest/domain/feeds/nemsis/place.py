"""Where the scene was. The patient's home is never read, nor the apartment."""

import re
from typing import Final

from spikewatch.contracts.report import Location, QualityNote
from spikewatch.contracts.vocabulary import PlacePrecision
from spikewatch.ingest.domain.feeds.feed import COUNTY_ASSUMED, Source
from spikewatch.ingest.domain.feeds.nemsis.elements import Pcr
from spikewatch.ingest.domain.feeds.reported import location_of
from spikewatch.ingest.domain.identifying import without_identifiers

__all__ = ["scene"]

_GPS: Final = re.compile(r"([+-]?\d{1,2}(?:\.\d{1,10})?)\s*,\s*([+-]?\d{1,3}(?:\.\d{1,10})?)", re.ASCII)
_ZIP: Final = re.compile(r"(\d{5})(?:-\d{4,5})?", re.ASCII)
_COUNTY: Final = re.compile(r"\d{5}", re.ASCII)
_COUNTY_OF_STATE: Final = re.compile(r"\d{3}", re.ASCII)
_STATE: Final = re.compile(r"\d{2}", re.ASCII)
_TRACT: Final = re.compile(r"\d{11}", re.ASCII)
_GNIS: Final = re.compile(r"\d{1,10}", re.ASCII)
_CITY: Final = re.compile(r"[^\W\d_](?:[^\W\d_]|[ .'-]){0,63}")
_PLACE_TYPE: Final = re.compile(r"Y92(?:\.\d{1,3})?", re.ASCII)
_CROSSING: Final = re.compile(r"[^&@/]{2,60}[&@/][^&@/]{2,60}")  # two streets; anything else is a direction in anybody's words
_FILLERS: Final = frozenset({"00000", "99999"})
_LONGEST: Final = 255
_LONGEST_KEPT: Final = 512


def scene(pcr: Pcr, source: Source) -> tuple[Location, list[QualityNote]]:
    """Return the scene. What cannot be used of it is left out and noted: the report counts all the same."""
    doubts: list[QualityNote] = []

    def take(name: str, field: str, pattern: re.Pattern[str]) -> re.Match[str] | None:
        text = pcr.text(name)
        if text is None:
            return None
        match = pattern.fullmatch(text)
        if match is None or match[0] in _FILLERS:
            doubts.append(QualityNote(field=f"location.{field}", code="not_usable"))
            return None
        return match

    point = _point(take("eScene.11", "lat", _GPS), doubts)
    address = _street(pcr, "eScene.15", "address", doubts)
    crossing: str | None = None
    if address and "&" in address:
        address, crossing = None, address
    elif _CROSSING.fullmatch(pcr.text("eScene.20") or ""):
        crossing = _street(pcr, "eScene.20", "intersection", doubts)
    zip5 = take("eScene.19", "zip5", _ZIP)
    tract = take("eScene.23", "tract", _TRACT)
    county = _county(pcr, source, doubts)
    if county is None and tract:
        county = tract[0][:5]
    city = _city(pcr.text("eScene.17"))
    place_type = take("eScene.09", "place_type", _PLACE_TYPE)
    return (
        location_of(
            lat=point[0] if point else None,
            lon=point[1] if point else None,
            precision=_precision(point, zip5, city, county),
            address=address,
            intersection=crossing,
            city=city,
            zip5=zip5[1] if zip5 else None,
            county_fips=county,
            tract=tract[0] if tract else None,
            place_type=place_type[0] if place_type else None,
        ),
        doubts,
    )


def _point(gps: re.Match[str] | None, doubts: list[QualityNote]) -> tuple[float, float] | None:
    if gps is None:
        return None
    north, east = float(gps[1]), float(gps[2])
    if abs(north) > 90 or abs(east) > 180 or (north, east) == (0.0, 0.0):
        doubts.append(QualityNote(field="location.lat", code="not_usable"))
        return None
    return north, east


def _precision(point: object, zip5: object, city: object, county: object) -> PlacePrecision:
    if point is not None:
        return PlacePrecision.POINT
    if zip5:
        return PlacePrecision.ZIP
    if city:
        return PlacePrecision.CITY
    return PlacePrecision.COUNTY if county else PlacePrecision.NONE


def _county(pcr: Pcr, source: Source, doubts: list[QualityNote]) -> str | None:
    county, state = pcr.text("eScene.21") or "", pcr.text("eScene.18") or ""
    if _STATE.fullmatch(state) and _COUNTY_OF_STATE.fullmatch(county):  # without its state's digits, as older files have it
        county = state + county
    if _COUNTY.fullmatch(county) and county not in _FILLERS:
        if _STATE.fullmatch(state) and not county.startswith(state):
            doubts.append(QualityNote(field="location.county_fips", code="other_state"))
        return county
    if county:
        doubts.append(QualityNote(field="location.county_fips", code="not_usable"))
    if source.county_fips and not pcr.text("eScene.23"):
        doubts.append(COUNTY_ASSUMED)
        return source.county_fips
    return None


def _city(text: str | None) -> str | None:
    if text is None:
        return None
    if _GNIS.fullmatch(text):
        return f"gnis:{int(text)}"
    return text if _CITY.fullmatch(text) else None


def _street(pcr: Pcr, name: str, field: str, doubts: list[QualityNote]) -> str | None:
    text = " ".join((pcr.text(name) or "").split())
    if not text:
        return None
    if len(text) > _LONGEST or not text.isprintable():
        doubts.append(QualityNote(field=f"location.{field}", code="not_usable"))
        return None
    text, is_cut = without_identifiers(text)
    if is_cut:
        doubts.append(QualityNote(field=f"location.{field}", code="identifier_removed"))
    return text[:_LONGEST_KEPT]  # what is put in place of an identifier may be longer
