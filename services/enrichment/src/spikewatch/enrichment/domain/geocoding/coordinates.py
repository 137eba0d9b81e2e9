"""Finds coordinates in a text: decimal degrees, or degrees, minutes and seconds, with or without letters of the sky."""

import re
from collections.abc import Sequence
from typing import Final

__all__ = ["coordinates_in"]

# 37.7749, -122.4194 · N37.7749 W122.4194 · (37.7749 -122.4194) · 37.7749N, 122.4194W · lat: 37.77 lon: -122.4
_DECIMAL: Final = re.compile(
    r"[\s(\[]*(?:LAT(?:ITUDE)?|GPS)?[\s:=]*([NS]?)\s*([-+]?\d{1,3}\.\d{2,15})\s*°?\s*([NS]?)\s*[,;/ ]\s*(?:LON(?:G|GITUDE)?|LNG)?[\s:=]*"
    r"([EW]?)\s*([-+]?\d{1,3}\.\d{2,15})\s*°?\s*([EW]?)[\s)\]]*"
)
# 37°46'30.5"N 122°25'9.8"W · 37 46 30 N 122 25 10 W
_SEXAGESIMAL: Final = re.compile(
    r"\s*([NS]?)\s*(\d{1,2})[°\s]\s*(\d{1,2})['\s]\s*(\d{1,2}(?:\.\d{1,6})?)[\"'\s]*([NS]?)\s*[,;/]?\s*"
    r"([EW]?)\s*(\d{1,3})[°\s]\s*(\d{1,2})['\s]\s*(\d{1,2}(?:\.\d{1,6})?)[\"'\s]*([EW]?)\s*"
)
# -084:01:12.0000,040:01:12.0000 between LL( and ): dispatch systems
_COLONS: Final = re.compile(
    r"[\s(]*([-+]?)(\d{1,3}):(\d{1,2}):(\d{1,2}(?:\.\d{1,6})?)\s*,\s*([-+]?)(\d{1,3}):(\d{1,2}):(\d{1,2}(?:\.\d{1,6})?)[\s)]*"
)
_MARKS: Final = str.maketrans(
    {
        "\u00ba": "\u00b0",
        "\u02da": "\u00b0",
        "\u2019": "'",
        "\u2032": "'",
        "\u2033": '"',
        "\u201d": '"',
        "\u201c": '"',
        "\u2212": "-",
        "\u2013": "-",
    }
)
_LONGEST: Final = 80


def coordinates_in(text: str) -> tuple[float, float] | None:
    """Return latitude and longitude when the whole text is coordinates on earth, else None.

    A pair without letters is read as it stands, latitude before longitude, unless only the other order lies on earth.
    """
    if len(text) > _LONGEST:
        return None
    folded = text.upper().translate(_MARKS).strip().removeprefix("LL")  # as dispatch systems mark them: LL(39.75,-84.19)
    if not folded.isascii() and "°" not in folded:
        return None
    if (found := _DECIMAL.fullmatch(folded)) is not None:
        north, lat, north_after, east, lon, east_after = found.groups()
        return _on_earth(float(lat), float(lon), north or north_after, east or east_after)
    if (found := _COLONS.fullmatch(folded)) is not None:
        lat, lon = (_degrees(found.groups()[at + 1 : at + 4]) * (-1 if found[at + 1] == "-" else 1) for at in (0, 4))
        return _on_earth(lat, lon, "", "")
    if (found := _SEXAGESIMAL.fullmatch(folded)) is not None:
        parts = found.groups()
        letters = parts[0] or parts[4], parts[5] or parts[9]
        if not all(letters):
            return None  # six bare numbers may be anything
        return _on_earth(_degrees(parts[1:4]), _degrees(parts[6:9]), *letters)
    return None


def _degrees(parts: Sequence[str]) -> float:
    return float(parts[0]) + float(parts[1]) / 60 + float(parts[2]) / 3600


def _on_earth(lat: float, lon: float, north: str, east: str) -> tuple[float, float] | None:
    lat = -abs(lat) if north == "S" else lat
    lon = -abs(lon) if east == "W" else lon
    if abs(lat) > 90 and not (north or east):
        lat, lon = lon, lat  # -84.2, 39.7 can be read either way, -122.4, 37.7 only one way
    return (lat, lon) if abs(lat) <= 90 and abs(lon) <= 180 and (lat or lon) else None
