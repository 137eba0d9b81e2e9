"""In which map cell the overdoses of a history lie, for rules that scan: told by the row, or by its coordinates."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from spikewatch.alerts.domain.clusters.cells import CELL_KIND, cell_at, service_cell
from spikewatch.alerts.domain.clusters.look import Placed
from spikewatch.contracts.incident import Incident
from spikewatch.contracts.report import LocatedReport, Report
from spikewatch.contracts.vocabulary import PlacePrecision
from spikewatch.enrichment.domain.locate import EXACT

__all__ = ["COLUMNS", "NO_COUNTY", "county_of", "of_incident", "of_located", "of_report", "of_table_row"]

NO_COUNTY: Final = ""
"""The place key where a row does not tell its county: no county or state can be looked at with it."""

_LATITUDES: Final = ("lat", "latitude", "geo_lat")
_LONGITUDES: Final = ("lon", "longitude", "lng", "geo_lon")
_CELLS: Final = ("h3", "area")
_PRECISIONS: Final = ("geo_precision", "precision")
COLUMNS: Final = ("h3", "county_fips", *_LATITUDES, *_LONGITUDES, *_PRECISIONS)
"""Columns of a table, beside that of the area, that say in which cell and county a row lies."""

_COUNTY_DIGITS: Final = 5
_MOST_LATITUDE: Final = 90
_MOST_LONGITUDE: Final = 180
# Coordinates without a precision are believed, as they are in service.
_NEAR: Final = EXACT | {PlacePrecision.NONE}


def county_of(*areas: str) -> str:
    """Return the FIPS code of the first county among some areas (``county:42091``, ``42091``)."""
    codes = (area.strip().removeprefix("county:") for area in areas)
    return next((code for code in codes if len(code) == _COUNTY_DIGITS and code.isdecimal()), NO_COUNTY)


def of_table_row(cells: Mapping[str, str], line: int, at: int, bits: int, count: int, county: str) -> Placed | None:
    """Return where the overdoses of a row of a table lie: by a cell in ``h3`` or ``area``, else by ``lat`` and ``lon``."""
    stated = (cells.get(name, "").strip() for name in _CELLS)
    cell = next((cell for one in stated if one and (cell := _service_cell(one)) is not None), None) or _by_coordinates(cells)
    return None if cell is None or not count else Placed(cell, county, UUID(int=line), (at,) * count, (bits,) * count)


def of_incident(incident: Incident, times: tuple[int, ...], marks: tuple[int, ...]) -> Placed | None:
    """Return where an incident lies, as the service counts it; None without an exact place."""
    cell = _among(incident.areas)
    return None if cell is None else Placed(cell, incident.place_key, incident.incident_id, times, marks)


def of_located(located: LocatedReport, at: int, bits: int) -> Placed | None:
    """Return where a located report lies."""
    cell = _among(located.areas)
    return None if cell is None else Placed(cell, located.place_key, located.report.report_key, (at,), (bits,))


def of_report(report: Report, at: int, bits: int, county: str) -> Placed | None:
    """Return where a report lies by the coordinates that its agency stated, if these are of a scene."""
    place = report.location
    if place.lat is None or place.lon is None or place.precision not in _NEAR:
        return None
    return Placed(cell_at(place.lat, place.lon), county, report.report_key, (at,), (bits,))


def _among(areas: tuple[str, ...]) -> str | None:
    return next((cell for area in areas if area.startswith(f"{CELL_KIND}:") and (cell := service_cell(area)) is not None), None)


def _service_cell(text: str) -> str | None:
    kind, _, code = text.rpartition(":")
    return service_cell(f"{CELL_KIND}:{code.lower()}") if kind in {"", CELL_KIND} else None


def _by_coordinates(cells: Mapping[str, str]) -> str | None:
    precision = next((cells[name].strip().lower() for name in _PRECISIONS if cells.get(name, "").strip()), "")
    if precision and precision not in EXACT:
        return None
    try:
        lat, lon = (float(next((cells[name] for name in names if name in cells), "")) for names in (_LATITUDES, _LONGITUDES))
    except ValueError:
        return None
    return cell_at(lat, lon) if abs(lat) <= _MOST_LATITUDE and abs(lon) <= _MOST_LONGITUDE else None
