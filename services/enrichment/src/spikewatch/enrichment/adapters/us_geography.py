"""United States counties and ZIP codes from two packages of the extra ``geography``, for operators without files of their own.

Counties: US Census cartographic boundaries 1:500,000 of 2016 (public domain) as carried by ``plotly-geo``. ZIP codes:
one point each, as carried by ``zipcodes``. What changed since is not in them: Connecticut's planning regions of 2022,
Alaska's Chugach and Copper River of 2019.
"""

from importlib.resources import as_file, files
from typing import Final

import shapefile
import shapely

from spikewatch.enrichment.domain.geography import Place

__all__ = ["UsGeographyMissing", "us_counties", "us_zip_codes"]

_COUNTIES: Final = "cb_2016_us_county_500k"


class UsGeographyMissing(Exception):  # noqa: N818  # named by its consequence
    """The extra ``geography`` is not installed and no geography folder is set, so no report could be placed."""


def us_counties() -> list[Place]:
    """Return the counties of all states and territories; takes about a second.

    Raises:
        UsGeographyMissing: the packages are not installed.
    """
    try:
        folder = files("_plotly_geo") / "package_data"
    except ImportError as error:
        raise UsGeographyMissing(
            f"{error.name} is not installed; install spikewatch-enrichment[geography] or set a geography folder"
        ) from error
    with (
        as_file(folder / f"{_COUNTIES}.shp") as shp,
        as_file(folder / f"{_COUNTIES}.dbf") as dbf,
        as_file(folder / f"{_COUNTIES}.shx") as shx,
        shapefile.Reader(shp=str(shp), dbf=str(dbf), shx=str(shx)) as reader,
    ):
        return [
            Place(f"county:{entry.record['GEOID']}", str(entry.record["NAME"]), shapely.geometry.shape(entry.shape.__geo_interface__))
            for entry in reader.iterShapeRecords(fields=["GEOID", "NAME"])
        ]


def us_zip_codes() -> list[Place]:
    """Return a point for each ZIP code that has coordinates.

    Raises:
        UsGeographyMissing: the packages are not installed.
    """
    try:
        import zipcodes  # noqa: PLC0415  # an optional extra: a deployment with geography files of its own does without
    except ImportError as error:
        raise UsGeographyMissing(
            f"{error.name} is not installed; install spikewatch-enrichment[geography] or set a geography folder"
        ) from error
    known = [
        entry
        for entry in zipcodes.list_all()  # type: ignore[no-untyped-call]  # typed stubs exist, the package's own function has none
        if entry["lat"] and entry["long"]
    ]
    points = shapely.points([float(entry["long"]) for entry in known], [float(entry["lat"]) for entry in known])
    return [
        Place(f"zip:{entry['zip_code']}", f"{entry['city']}, {entry['state']}", point) for entry, point in zip(known, points, strict=True)
    ]
