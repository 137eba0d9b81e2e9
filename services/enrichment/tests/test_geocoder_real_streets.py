"""The geocoder on real streets: a city's centreline with strings whose place is known, and a rural county of TIGER/Line."""

import csv
import gzip
import os
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import shapefile

from spikewatch.enrichment.domain.geocoding.answer import Precision
from spikewatch.enrichment.domain.geocoding.compile import compiled
from spikewatch.enrichment.domain.geocoding.geocoder import Geocoder
from spikewatch.enrichment.domain.geocoding.hits import metres
from spikewatch.enrichment.domain.geocoding.records import StreetSegment, Vintage

GEO = Path(os.environ.get("SPIKEWATCH_GEO", str(Path(__file__).parents[4] / "shared" / "data" / "geo")))
CITY, TIGER = GEO / "sf", GEO / "tiger" / "tl_2021_30059_addrfeat.shp"


def city_segments() -> Iterator[StreetSegment]:
    with gzip.open(CITY / "sf_streets.csv.gz", "rt", encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            numbers = [int(float(row[column] or 0)) for column in ("lf_from", "lf_to", "rt_from", "rt_to")]
            pairs = [pair.split() for pair in row["wkt"].removeprefix("LINESTRING(").removesuffix(")").split(",")]
            line = tuple((float(lon), float(lat)) for lon, lat in pairs)
            nodes = int(float(row["f_node"])), int(float(row["t_node"]))
            yield StreetSegment(
                row["fullname"], line, *numbers, left_zip=row["zip"], right_zip=row["zip"], from_node=nodes[0], to_node=nodes[1]
            )


@pytest.fixture(scope="module")
def city() -> Geocoder:
    if not (CITY / "sf_streets.csv.gz").exists():
        pytest.skip("the shared reference data are absent: no centreline of a city")
    return Geocoder(compiled(city_segments(), vintages=[Vintage("centreline", "2014", "street")]))


def known(file: str, columns: tuple[str, str, str], mark: str = "") -> list[tuple[str, float, float]]:
    """Half of the different strings of a file, with their places: the half that the geocoder was built with."""
    with (CITY / file).open(encoding="utf-8", newline="") as rows:
        told = {
            row[columns[0]]: (float(row[columns[1]]), float(row[columns[2]])) for row in csv.DictReader(rows) if mark in row[columns[0]]
        }
    return [(text, *place) for text, place in told.items() if zlib.crc32(text.encode()) % 2 == 0]


FIRE = ("sffd_incidents_dev.csv", ("Address", "lat", "lon"))


@pytest.mark.parametrize(
    ("file", "columns", "mark", "near", "precision"),
    [
        ("sf_eas_address_points_dev.csv", ("address", "latitude", "longitude"), "", 0.99, Precision.RANGE),
        (*FIRE, " Block of ", 0.97, Precision.BLOCK),
        (*FIRE, "/", 0.95, Precision.INTERSECTION),
    ],
    ids=["address points", "blocks", "crossings"],
)
def test_real_strings_are_placed_within_100_metres(
    city: Geocoder, file: str, columns: tuple[str, str, str], mark: str, near: float, precision: Precision
) -> None:
    rows = known(file, columns, mark)
    answers = [(city.geocode(text), lat, lon) for text, lat, lon in rows]
    right = [a for a, lat, lon in answers if a.lat is not None and a.lon is not None and metres(a.lat, a.lon, lat, lon) <= 100]
    assert len(rows) > 20
    assert len(right) / len(rows) >= near
    assert sum(a.precision is precision for a in right) / len(right) > 0.95


def test_the_index_of_a_city_takes_less_than_100_bytes_a_segment() -> None:
    if not (CITY / "sf_streets.csv.gz").exists():
        pytest.skip("the shared reference data are absent: no centreline of a city")
    packed = compiled(city_segments(), vintages=[])
    assert sum(array.nbytes for array in packed.arrays.values()) / len(packed.arrays["from_node"]) < 100


def test_every_range_of_a_rural_county_is_found_on_its_own_line() -> None:
    if not TIGER.exists():
        pytest.skip("the shared reference data are absent: no TIGER/Line county")

    def number(text: str) -> int:
        return int(text) if text.isdigit() else 0

    with shapefile.Reader(str(TIGER)) as reader:
        segments = [
            StreetSegment(
                row.record["FULLNAME"],
                tuple((float(lon), float(lat)) for lon, lat in row.shape.points),
                *(number(row.record[column]) for column in ("LFROMHN", "LTOHN", "RFROMHN", "RTOHN")),
                left_zip=row.record["ZIPL"],
                right_zip=row.record["ZIPR"],
                county="30059",
            )
            for row in reader.iterShapeRecords()
        ]
    geocoder = Geocoder(compiled(segments, vintages=[Vintage("TIGER/Line ADDRFEAT 30059", "2021", "street")]))
    asked = unplaced = 0
    for segment in segments:
        for start, zip5 in ((segment.left_from, segment.left_zip), (segment.right_from, segment.right_zip)):
            if start:
                asked += 1
                answer = geocoder.geocode(f"{start} {segment.name.upper()}, MT {zip5}")
                assert answer.precision is not Precision.STREET
                unplaced += answer.lat is None
                assert answer.lat is not None or "ambiguous" in answer.reasons
    assert asked > 500
    assert unplaced / asked < 0.03
