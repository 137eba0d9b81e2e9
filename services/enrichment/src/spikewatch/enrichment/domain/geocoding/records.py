"""What an index is made of, whatever file it came from: segments of streets, address points, landmarks, areas with a name.

Positions are WGS 84 degrees, longitude before latitude in a line as in the files; house numbers are whole numbers, for what follows
them (12 1/2, 12A) decides nothing of where a house stands.
"""

from typing import NamedTuple

__all__ = ["AddressPoint", "Alias", "Landmark", "PlaceArea", "StreetSegment", "Vintage"]


class Vintage(NamedTuple):
    """One source of an index.

    Attributes:
        name: what people call it: ``TIGER/Line ADDRFEAT 30059``.
        date: year or day it describes, as text: ``2021``.
        kind: ``street``, ``point``, ``landmark``, ``area`` or ``alias``.
        records: how many of it are in the index.
    """

    name: str
    date: str
    kind: str
    records: int = 0


class StreetSegment(NamedTuple):
    """A piece of a street between two crossings.

    Attributes:
        name: the whole name as written there, with type and directions: ``SAINT GERMAIN AVE``, ``E Larime St``.
        line: longitude and latitude of its vertices in drawing order, at least two.
        left_from: first house number on the left in drawing order, 0 when the side has none; it may be larger than the last.
        left_to: last one on the left.
        right_from: first one on the right.
        right_to: last one on the right.
        left_zip: ZIP code on the left, five digits, empty when not told.
        right_zip: ZIP code on the right.
        left_city: name of the city on the left, empty when not told.
        right_city: name of the city on the right.
        county: FIPS code of five digits, empty when not told.
        from_node: the crossing at its first vertex, as the source numbers it; None: crossings follow from equal end points.
        to_node: the crossing at its last vertex.
        type: type of the street where the source has it in a field of its own and ``name`` lacks it, else empty.
        pre_direction: direction before the name, likewise.
        post_direction: direction after it, likewise.
        source: position in the list of vintages.
        is_hyphened: the file writes its numbers with a hyphen that is part of them: 52-01 is 5201 here.
    """

    name: str
    line: tuple[tuple[float, float], ...]
    left_from: int = 0
    left_to: int = 0
    right_from: int = 0
    right_to: int = 0
    left_zip: str = ""
    right_zip: str = ""
    left_city: str = ""
    right_city: str = ""
    county: str = ""
    from_node: int | str | None = None
    to_node: int | str | None = None
    type: str = ""
    pre_direction: str = ""
    post_direction: str = ""
    source: int = 0
    is_hyphened: bool = False


class AddressPoint(NamedTuple):
    """One address with its own point, of a county's address points, of NAD or of OpenAddresses.

    Where a number has a hyphen, ``number_to`` is what follows it: the last number of a house, or on streets with such numbers the second
    half of the number. It is 0 when there is none.
    """

    number: int
    street: str
    lat: float
    lon: float
    zip5: str = ""
    city: str = ""
    county: str = ""
    source: int = 0
    number_to: int = 0


class Landmark(NamedTuple):
    """A place that people call by its name: a park, a hospital, a station."""

    name: str
    lat: float
    lon: float
    radius_m: float = 150.0
    city: str = ""
    county: str = ""
    source: int = 0


class PlaceArea(NamedTuple):
    """A ZIP code, city or county, known by its middle.

    Attributes:
        kind: ``zip``, ``city`` or ``county``.
        name: the ZIP code, the city's name, or the county's name.
        code: its code where it has one: FIPS of a county.
        lat: of a point inside.
        lon: of the same point.
        radius_m: reaches all of it.
        county: FIPS code of the county that holds it, empty when not told.
    """

    kind: str
    name: str
    lat: float
    lon: float
    radius_m: float
    code: str = ""
    county: str = ""
    source: int = 0


class Alias(NamedTuple):
    """Another name of a street: a new one after renaming, a route's number, what everybody says."""

    alias: str
    street: str
    source: int = 0
