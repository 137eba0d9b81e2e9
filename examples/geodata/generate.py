"""Writes the files of an invented town beside itself, drawn by arithmetic on the open Atlantic: nobody lives there.

Streets run north from River Street and are numbered, avenues run west to east and are called after trees. Every block has a hundred
house numbers, even ones on the right as the numbers rise.
"""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

HERE = Path(__file__).parent
WEST, SOUTH = -44.95, 30.05
BLOCK = 0.001  # degrees: about 111 m to the north and 96 m to the east
COUNTY = "99001"
TOWN = "Westmark"
AVENUES = ("Alder", "Beech", "Birch", "Elm", "Hazel", "Linden", "Maple", "Rowan", "Saint Mary", "Willow")
STREETS = 12
ORDINALS = {1: "st", 2: "nd", 3: "rd"}
Point = tuple[float, float]


def files() -> dict[str, bytes]:
    """Return the files by name."""
    return {
        "streets.csv": _csv(
            ["FULL_NAME", "L_F_ADD", "L_T_ADD", "R_F_ADD", "R_T_ADD", "ZIP_L", "ZIP_R", "CITY", "COUNTY_FIPS", "WKT"], _streets()
        ),
        "points.csv": _csv(["LON", "LAT", "NUMBER", "STREET", "UNIT", "CITY", "POSTCODE", "COUNTY_FIPS"], _points()),
        "places.geojson": json.dumps({"type": "FeatureCollection", "features": _places()}, indent=1).encode() + b"\n",
        "landmarks.csv": _csv(
            ["name", "latitude", "longitude"], [["Willow Park", *_lat_lon(at(5.5, 9.5))], ["Harbor Clinic", *_lat_lon(at(0.5, 0.5))]]
        ),
        "aliases.csv": _csv(["alias", "street"], [["State Route 9", "Elm Ave"], ["Poplar Ave", "Hazel Ave"]]),
        "known.csv": _csv(["address", "city", "zip", "lat", "lon"], _known()),
        "calls.csv": _csv(["call", "address", "city", "zip"], _calls()),
    }


def at(east: float, north: float) -> Point:
    """Return the place so many blocks from the south-west corner, as longitude and latitude."""
    return round(WEST + east * BLOCK, 6), round(SOUTH + north * BLOCK, 6)


def numbered(street: int) -> str:
    """Return the name of a numbered street."""
    return f"{street}{ORDINALS.get(street, 'th')} St"


def _streets() -> Iterable[list[object]]:
    for row, tree in enumerate(AVENUES):
        for column in range(STREETS - 1):
            yield [f"{tree} Ave", *_numbers(column + 1), *_zips(column), TOWN, COUNTY, _line(at(column, row), at(column + 1, row))]
    for column in range(STREETS):
        for row in range(len(AVENUES) - 1):
            yield [numbered(column + 1), *_numbers(row + 1), *_zips(column), TOWN, COUNTY, _line(at(column, row), at(column, row + 1))]
    # A road out of town that nobody has numbered.
    yield ["River Rd", 0, 0, 0, 0, *_zips(0), "", COUNTY, _line(at(0, 0), at(-3, -1), at(-9, -1))]


def _numbers(block: int) -> tuple[int, int, int, int]:
    return 100 * block + 1, 100 * block + 99, 100 * block, 100 * block + 98


def _zips(column: int) -> tuple[str, str]:
    return ("99951", "99951") if column < STREETS // 2 else ("99952", "99952")


def _points() -> Iterable[list[object]]:
    for row in (2, 3):
        for number in range(101, 400, 14):
            east, north = _house(number, row)
            yield [east, north, number, f"{AVENUES[row]} Ave", "", TOWN, "99951", COUNTY]


def _house(number: int, row: int) -> Point:
    side = 0.16 if number % 2 else -0.16
    return at(number // 100 - 1 + number % 100 / 100, row + side)


def _places() -> list[dict[str, object]]:
    half, top = STREETS / 2 - 0.5, len(AVENUES) - 0.5
    zips = {"99951": (-0.5, half), "99952": (half, STREETS - 0.5), "99953": (STREETS - 0.5, STREETS + 3)}
    return [_feature({"ZCTA5CE20": code}, _outline(west, -0.5, east, top)) for code, (west, east) in zips.items()]


def _outline(west: float, south: float, east: float, north: float) -> list[Point]:
    return [at(west, south), at(east, south), at(east, north), at(west, north), at(west, south)]


def _feature(properties: dict[str, str], ring: Sequence[Point]) -> dict[str, object]:
    return {"type": "Feature", "properties": properties, "geometry": {"type": "Polygon", "coordinates": [list(map(list, ring))]}}


def _known() -> Iterable[list[object]]:
    for number, row in ((123, 0), (456, 4), (789, 7), (1034, 9)):
        east, north = _house(number, row)
        yield [f"{number} {AVENUES[row]} Ave", TOWN, "99951" if number < 700 else "99952", north, east]
    yield ["300 Block of BIRCH AVE", TOWN, "99951", *_lat_lon(at(2.5, 2))]
    yield ["ELM AV/4TH ST", TOWN, "", *_lat_lon(at(3, 3))]
    yield ["Fifth St & Willow Ave", "", "", *_lat_lon(at(4, 9))]


def _calls() -> list[list[object]]:
    return [
        ["26-0001", "200 Block of MAPLE AV", "Westmark", "99951"],
        ["26-0002", "7TH ST/LINDEN AVE", "Westmark", ""],
        ["26-0003", "in a home at 143 Birch Avenue, Apt 3", "", "99951"],
        ["26-0004", "1012 st marys av", "Westmark", "99952"],
        ["26-0005", "Willow Park", "", ""],
        ["26-0006", "350 STATE ROUTE 9", "", ""],
        ["26-0007", "unknown", "Westmark", ""],
        ["26-0008", "", "", ""],
    ]


def _line(*points: Point) -> str:
    return f"LINESTRING ({', '.join(f'{east} {north}' for east, north in points)})"


def _lat_lon(point: Point) -> tuple[float, float]:
    return point[1], point[0]


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    return text.getvalue().encode()


if __name__ == "__main__":
    for name, content in files().items():
        (HERE / name).write_bytes(content)
