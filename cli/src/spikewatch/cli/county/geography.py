"""The map of Cedar County, drawn by arithmetic on the open Atlantic so that nobody takes it for a real place.

State 99 and county 99001 are codes that are given to nobody; ZIPs 99951 to 99959 likewise.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final

__all__ = ["COUNTY_FIPS", "NEIGHBOURHOODS", "STATE", "TIME_ZONE", "Neighbourhood", "crossing", "feature_collection", "point_in"]

STATE: Final = "99"
COUNTY_FIPS: Final = "99001"
# Three hours behind UTC all year, as fits the longitude: no hour comes twice, so a naive local time is never ambiguous.
TIME_ZONE: Final = "Etc/GMT+3"

_WEST: Final = -45.0
_SOUTH: Final = 30.0
_ZIP_DEGREES: Final = 0.1  # about 11 by 9.6 km
_NEIGHBOURHOOD_DEGREES: Final = _ZIP_DEGREES / 2
_COLUMNS: Final = 3
_ROWS: Final = 3
_FIRST_ZIP: Final = 99951
_CITIES: Final = ("Westmark", "Middlemark", "Eastmark")
_TREES: Final = ("Alder", "Beech", "Birch", "Elm", "Hazel", "Linden", "Maple", "Rowan", "Willow")
_CORNERS: Final = ("Green", "Hill", "Park", "Quay")
# Grid of streets, so that the same spot always has the same name: 25 a side, about 220 m apart.
_STREETS_A_SIDE: Final = 25
# Positions are kept to about 1 m, as dispatch systems write them.
_DIGITS: Final = 5


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """One square of the map; ``west`` and ``south`` are its corner in degrees."""

    code: str
    name: str
    city: str
    zip5: str
    west: float
    south: float

    @property
    def area(self) -> str:
        """The area id."""
        return f"neighborhood:{self.code}"

    @property
    def zip_area(self) -> str:
        """The area id of its ZIP."""
        return f"zip:{self.zip5}"

    @property
    def city_area(self) -> str:
        """The area id of its city."""
        return f"city:{COUNTY_FIPS}-{self.city.lower()}"

    @property
    def ring(self) -> list[list[float]]:
        """Return the closed outline, counter-clockwise, as longitude and latitude."""
        return _ring(self.west, self.south, _NEIGHBOURHOOD_DEGREES, _NEIGHBOURHOOD_DEGREES)


def _ring(west: float, south: float, width: float, height: float) -> list[list[float]]:
    east, north = round(west + width, 6), round(south + height, 6)
    west, south = round(west, 6), round(south, 6)
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def _neighbourhoods() -> tuple[Neighbourhood, ...]:
    found = []
    for index in range(_COLUMNS * _ROWS):
        column, row = index % _COLUMNS, index // _COLUMNS
        for quarter, corner in enumerate(_CORNERS):
            found.append(
                Neighbourhood(
                    code=f"cedar-{_TREES[index]}-{corner}".lower(),
                    name=f"{_TREES[index]} {corner}",
                    city=_CITIES[column],
                    zip5=str(_FIRST_ZIP + index),
                    west=_WEST + column * _ZIP_DEGREES + (quarter % 2) * _NEIGHBOURHOOD_DEGREES,
                    south=_SOUTH + row * _ZIP_DEGREES + (quarter // 2) * _NEIGHBOURHOOD_DEGREES,
                )
            )
    return tuple(found)


NEIGHBOURHOODS: Final = _neighbourhoods()


def point_in(place: Neighbourhood, random: Random) -> tuple[float, float]:
    """Draw a latitude and longitude inside a neighbourhood, off its edge so that rounding cannot move it next door."""
    return (
        round(place.south + (0.02 + 0.96 * random.random()) * _NEIGHBOURHOOD_DEGREES, _DIGITS),
        round(place.west + (0.02 + 0.96 * random.random()) * _NEIGHBOURHOOD_DEGREES, _DIGITS),
    )


def crossing(place: Neighbourhood, lat: float, lon: float) -> str:
    """Name the street corner nearest to a point, for example ``MAPLE 4 ST & 11 AVE``."""
    street = int((lat - place.south) / _NEIGHBOURHOOD_DEGREES * _STREETS_A_SIDE) + 1
    avenue = int((lon - place.west) / _NEIGHBOURHOOD_DEGREES * _STREETS_A_SIDE) + 1
    return f"{place.name.split()[0].upper()} {street} ST & {avenue} AVE"


def _feature(area: str, name: str, rings: list[list[list[float]]]) -> dict[str, Any]:
    kind, _, code = area.partition(":")
    return {
        "type": "Feature",
        "id": area,
        "properties": {"area": area, "kind": kind, "code": code, "name": name},
        "geometry": {"type": "Polygon", "coordinates": rings},
    }


def feature_collection() -> Mapping[str, Any]:
    """Return the polygons of state, county, cities, ZIPs and neighbourhoods as one GeoJSON document."""
    width, height = _COLUMNS * _ZIP_DEGREES, _ROWS * _ZIP_DEGREES
    whole = [_ring(_WEST, _SOUTH, width, height)]
    features = [_feature(f"state:{STATE}", "State of Example (fictional)", whole)]
    features.append(_feature(f"county:{COUNTY_FIPS}", "Cedar County (fictional)", whole))
    for column, city in enumerate(_CITIES):
        features.append(
            _feature(f"city:{COUNTY_FIPS}-{city.lower()}", city, [_ring(_WEST + column * _ZIP_DEGREES, _SOUTH, _ZIP_DEGREES, height)])
        )
    for index in range(_COLUMNS * _ROWS):
        column, row = index % _COLUMNS, index // _COLUMNS
        ring = _ring(_WEST + column * _ZIP_DEGREES, _SOUTH + row * _ZIP_DEGREES, _ZIP_DEGREES, _ZIP_DEGREES)
        features.append(_feature(f"zip:{_FIRST_ZIP + index}", f"ZIP {_FIRST_ZIP + index}", [ring]))
    features.extend(_feature(place.area, place.name, [place.ring]) for place in NEIGHBOURHOODS)
    return {"type": "FeatureCollection", "name": "Cedar County, which does not exist", "features": features}
