"""A made-up county of two towns for tests of the geocoder: a grid of streets with every kind of name, and a village that shares some.

Streets run at whole steps, so that a test can say where a house must be: avenues every 0.0015 degrees east from 84 west, streets every
0.0012 degrees north from 40 north; each piece holds one hundred of numbers, odd ones on the left.
"""

from collections.abc import Iterator
from typing import Final

from spikewatch.enrichment.domain.geocoding.records import Alias, Landmark, PlaceArea, StreetSegment, Vintage

__all__ = [
    "ALIASES", "AVENUES", "COUNTY", "EAST", "LANDMARKS", "NORTH", "PLACES", "SOUTH_EDGE", "STREETS", "VINTAGES", "WEST_EDGE", "segments",
]  # fmt: skip

SOUTH_EDGE: Final = 40.0
WEST_EDGE: Final = -84.0
EAST: Final = 0.0015
NORTH: Final = 0.0012
STREETS: Final = (
    "W Elm St", "Main St", "Oak Rd", "US Hwy 40", "County Road 12", "Avenue B", "McKinley Blvd", "Buena Vista Dr", "State Route 4",
    "8 Mile Rd",
)  # fmt: skip
AVENUES: Final = ("1st Ave", "2nd Ave", "3rd Ave", "Martin Luther King Jr Blvd", "Saint Marys St", "Theodore R Hollis Pkwy")
VILLAGE_NORTH: Final = SOUTH_EDGE + 0.2
VILLAGE_WEST: Final = WEST_EDGE + 0.3
COUNTY: Final = "39113"
VINTAGES: Final = (Vintage("Invented centreline", "2026", "street"),)
LANDMARKS: Final = (
    Landmark("Cedar Valley Hospital", 40.01, -84.01, 200.0, "Cedarton", COUNTY),
    Landmark("I-75 MM 54", 40.02, -84.02, 50.0),
    Landmark("I 75 MILE MARKER 55", 40.03, -84.02, 50.0),
    Landmark("I-75 EXIT 53B", 40.0, -84.02, 50.0),
)
PLACES: Final = (
    PlaceArea("zip", "45402", 40.0, -84.0, 2_000.0, "", COUNTY),
    PlaceArea("city", "Cedarton", 40.0, -84.0, 9_000.0, "", COUNTY),
    PlaceArea("county", "Cedar County", 39.9, -84.2, 30_000.0, COUNTY, COUNTY),
)
ALIASES: Final = (Alias("Broadway", "Oak Rd"), Alias("Old National Road", "US Hwy 40"))


def segments() -> Iterator[StreetSegment]:
    """Yield the pieces of all streets."""
    for row, name in enumerate(STREETS):
        lat = SOUTH_EDGE + row * NORTH
        for piece in range(7):
            start, end = (WEST_EDGE + piece * EAST, lat), (WEST_EDGE + (piece + 1) * EAST, lat)
            yield _piece(name, (start, end), piece * 100, "45402", "Cedarton")
    for column, name in enumerate(AVENUES):
        lon = WEST_EDGE + column * EAST
        for piece in range(9):
            start, end = (lon, SOUTH_EDGE + piece * NORTH), (lon, SOUTH_EDGE + (piece + 1) * NORTH)
            yield _piece(name, (start, end), piece * 100, "45402", "Cedarton")
    for name, north in (("Main St", 0.0), ("Elm St", 0.001)):
        for piece in range(5):
            lat = VILLAGE_NORTH + north
            start, end = (VILLAGE_WEST + piece * EAST, lat), (VILLAGE_WEST + (piece + 1) * EAST, lat)
            yield _piece(name, (start, end), piece * 100, "45322", "Elmwood")
    for column in range(5):
        lon = VILLAGE_WEST + column * EAST
        yield _piece(f"{column + 1} St", ((lon, VILLAGE_NORTH), (lon, VILLAGE_NORTH + 0.001)), 0, "45322", "Elmwood")


def _piece(name: str, line: tuple[tuple[float, float], ...], hundred: int, zip5: str, city: str) -> StreetSegment:
    return StreetSegment(name, line, hundred + 1, hundred + 99, hundred or 2, hundred + 98, zip5, zip5, city, city, COUNTY)
