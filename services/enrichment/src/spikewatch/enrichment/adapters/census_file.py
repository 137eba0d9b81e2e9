"""Who lives where, from an operator's CSV: the population of counties, or the points of households."""

import csv
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from spikewatch.enrichment.domain.public_point.households import HouseholdPoints
from spikewatch.enrichment.domain.public_point.publication import Census

__all__ = ["CensusUnusable", "census_of"]

_FIPS_DIGITS: Final = 5
_EXPECTED: Final = "columns county_fips, population (one row a county) or county_fips, lat, lon (one row a household or address)"


class CensusUnusable(Exception):  # noqa: N818  # named by its consequence
    """The file cannot be used; the service does not start, because points could be shown too near to their places."""


def census_of(path: Path) -> Census:
    """Read the file.

    Raises:
        CensusUnusable: it cannot be read, or a row is wrong; says which and what is expected.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            columns = set(rows.fieldnames or ())
            if {"county_fips", "population"} <= columns:
                return {_county(row, number): _population(row, number) for number, row in enumerate(rows, 2)}
            if {"county_fips", "lat", "lon"} <= columns:
                return _points(rows)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CensusUnusable(f"{path.name} cannot be read ({type(error).__name__}); expected a CSV with {_EXPECTED}") from None
    raise CensusUnusable(f"{path.name} has neither of both headers; expected {_EXPECTED}")


def _points(rows: "csv.DictReader[str]") -> Census:
    found: dict[str, tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
    for number, row in enumerate(rows, 2):
        lats, lons = found[_county(row, number)]
        lats.append(_degrees(row, "lat", 90, number))
        lons.append(_degrees(row, "lon", 180, number))
    return {county: HouseholdPoints(lats, lons) for county, (lats, lons) in found.items()}


def _county(row: Mapping[str, str | None], number: int) -> str:
    code = (row["county_fips"] or "").strip()
    if len(code) == _FIPS_DIGITS and code.isascii() and code.isdigit():
        return code
    raise CensusUnusable(f"line {number}: county_fips is wrong; expected five digits, for example 01001")


def _population(row: Mapping[str, str | None], number: int) -> int:
    text = (row["population"] or "").strip()
    if text.isascii() and text.isdigit() and int(text) > 0:
        return int(text)
    raise CensusUnusable(f"line {number}: population is wrong; expected a whole number above 0, for example 55869")


def _degrees(row: Mapping[str, str | None], column: str, most: float, number: int) -> float:
    try:
        degrees = float(row[column] or "")
    except ValueError:
        degrees = most + 1
    if abs(degrees) <= most:
        return degrees
    raise CensusUnusable(f"line {number}: {column} is wrong; expected WGS 84 degrees, for example 40.1234")
