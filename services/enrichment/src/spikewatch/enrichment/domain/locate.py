"""Where a report is placed: reported coordinates first, else its address or corner, else the middle of its ZIP code, city or county.

A report is never dropped for its place. What is doubtful is marked, and a centroid stays a centroid: it decides
about state, county and ZIP code, never about a neighbourhood or a map cell.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import h3  # type: ignore[import-untyped]  # no types are shipped

from spikewatch.contracts.contract import area_kind
from spikewatch.contracts.report import LocatedReport, Position, QualityNote, Report
from spikewatch.contracts.vocabulary import PlacePrecision
from spikewatch.enrichment.domain.addresses import AddressSearch, addressed
from spikewatch.enrichment.domain.geocoding.answer import Answer
from spikewatch.enrichment.domain.geography import Geography

__all__ = ["EXACT", "WATER", "Geodata", "locate"]

WATER: Final = "water"
"""Kind of the areas that say where nobody lives; nothing is counted by them."""

EXACT: Final = frozenset(
    {
        PlacePrecision.POINT,
        PlacePrecision.RANGE,
        PlacePrecision.NEAR_RANGE,
        PlacePrecision.BLOCK,
        PlacePrecision.INTERSECTION,
        PlacePrecision.NEAR_INTERSECTION,
    }
)
"""Precisions that place a report at a scene; all others are the middle of something larger."""

_AREA_CELL: Final = 7  # H3 cells of about 5 km²: a part of town, coarse enough to hold more than one household
_COARSE_CELL: Final = 5  # about 250 km², the size of a small county, for reports that no county holds
# Crews cross the county line to help and border roads are digitised roughly; a point farther out is far more often
# a wrong sign, swapped axes or the seat of the vendor than a scene.
_FAR_OUTSIDE_M: Final = 25_000.0
_STREETS: Final = EXACT | {PlacePrecision.STREET, PlacePrecision.LANDMARK}  # what an address may be found as; the rest is its surroundings
# How far the scene may lie from coordinates stated with this precision. Street interpolation puts 95 % of urban
# points within 152 m; the coarse ones are cautious, because the extent of the area is not stated with them.
_RADIUS_M: Final = {
    PlacePrecision.POINT: 50.0,
    PlacePrecision.INTERSECTION: 100.0,
    PlacePrecision.RANGE: 152.0,
    PlacePrecision.NEAR_RANGE: 300.0,
    PlacePrecision.NEAR_INTERSECTION: 250.0,
    PlacePrecision.BLOCK: 152.0,
    PlacePrecision.STREET: 2_000.0,
    PlacePrecision.LANDMARK: 500.0,
    PlacePrecision.ZIP: 10_000.0,
    PlacePrecision.CITY: 15_000.0,
    PlacePrecision.COUNTY: 50_000.0,
}


class Geodata(NamedTuple):
    """What reports are placed by.

    Attributes:
        geography: polygons and middles of areas.
        addresses: finds written addresses; None: there is no index of streets, and they stay unplaced.
        version: grows with each change of either, see ``LocatedReport.geodata_version``.
    """

    geography: Geography
    addresses: AddressSearch | None = None
    version: int = 0


@dataclass(slots=True)
class _Placement:
    position: Position | None
    county: str | None
    zip5: str | None
    polygons: tuple[str, ...]
    notes: tuple[QualityNote, ...]


def locate(reports: Sequence[Report], geodata: Geodata) -> list[LocatedReport]:
    """Return each report with its position, areas and place key, in the same order; one bulk look-up for all of them."""
    geography = geodata.geography
    answers = {} if geodata.addresses is None else addressed([one for one in reports if _coordinates(one) is None], geodata.addresses)
    points: dict[tuple[float, float], tuple[str, ...]] = {}
    for report in reports:
        if (stated := _coordinates(report)) is not None:
            points[stated] = ()
        if (middle := _zip_middle(report, geography)) is not None:
            points[middle] = ()
    points |= {point: () for answer in answers.values() if (point := _point(answer)) is not None}
    order = list(points)
    points = dict(zip(order, geography.areas_at([lat for lat, _ in order], [lon for _, lon in order]), strict=True))
    return [_located(report, _place(report, answers.get(report.report_id), points, geodata), geodata.version) for report in reports]


def _point(answer: Answer) -> tuple[float, float] | None:
    return None if answer.lat is None or answer.lon is None else (answer.lat, answer.lon)


def _coordinates(report: Report) -> tuple[float, float] | None:
    place = report.location
    if place.lat is None or place.lon is None or (place.lat == 0 and place.lon == 0):
        return None
    return place.lat, place.lon


def _zip_middle(report: Report, geography: Geography) -> tuple[float, float] | None:
    middle = geography.centroid(f"zip:{report.location.zip5}") if report.location.zip5 else None
    return None if middle is None else (middle.lat, middle.lon)


_Points = dict[tuple[float, float], tuple[str, ...]]


def _place(report: Report, answer: Answer | None, points: _Points, geodata: Geodata) -> _Placement:
    stated, geography = report.location, geodata.geography
    notes: list[QualityNote] = []
    coordinates = _coordinates(report)
    if coordinates is not None:
        placed = _by_coordinates(report, coordinates, points[coordinates], geography, notes)
        if placed is not None:
            return placed
    elif stated.lat is not None:
        notes.append(QualityNote(field="location", code="coordinates_zero"))
    if answer is not None and (placed := _by_address(report, answer, points, geography, notes)) is not None:
        return placed
    if coordinates is None and (stated.address or stated.intersection):
        notes.append(QualityNote(field="location.address", code="address_not_geocoded"))
    return _by_middle(report, points, geography, notes)


def _by_address(report: Report, answer: Answer, points: _Points, geography: Geography, notes: list[QualityNote]) -> _Placement | None:
    point = _point(answer)
    if "ambiguous" in answer.reasons:
        notes.append(QualityNote(field="location.address", code="address_ambiguous"))
    # The middles of ZIP codes and counties are geography's own; of cities it has none.
    wanted = _STREETS if report.location.zip5 else _STREETS | {PlacePrecision.CITY}
    if point is None or answer.precision not in wanted:
        return None
    polygons = points[point]
    stated, county = report.location.county_fips, _code(polygons, "county") or answer.county or None
    if stated is not None and county is not None and county != stated:
        outside = geography.metres_outside(f"county:{stated}", *point)
        if outside is None or outside > _FAR_OUTSIDE_M:
            notes.append(QualityNote(field="location.address", code="address_outside_county"))
            return None
        notes.append(QualityNote(field="location.county_fips", code="address_in_other_county"))
    position = Position(
        lat=point[0],
        lon=point[1],
        precision=answer.precision,
        radius_m=answer.radius_m,
        method="geocoded",
        confidence=answer.confidence,
        reasons=answer.reasons,
        candidates=answer.candidates,
        vintage=answer.vintage or None,
    )
    # The middle of a long street or of a city says nothing of the ZIP code.
    zip5 = (_code(polygons, "zip") if answer.precision in EXACT else None) or report.location.zip5 or answer.zip5 or None
    return _Placement(position, county or stated, zip5, polygons, tuple(notes))


def _by_coordinates(
    report: Report, point: tuple[float, float], polygons: tuple[str, ...], geography: Geography, notes: list[QualityNote]
) -> _Placement | None:
    stated = report.location
    county = _code(polygons, "county")
    if stated.county_fips is not None and county != stated.county_fips:
        outside = geography.metres_outside(f"county:{stated.county_fips}", *point)
        if outside is not None and outside > _FAR_OUTSIDE_M:
            notes.append(QualityNote(field="location", code="coordinates_outside_county"))
            return None
        if county is not None:
            notes.append(QualityNote(field="location.county_fips", code="coordinates_in_other_county"))
        county = county or stated.county_fips
    elif county is None:
        notes.append(QualityNote(field="location", code="coordinates_outside_county"))
        if _zip_middle(report, geography) is not None:
            return None
    precision = stated.precision
    if precision is PlacePrecision.NONE:
        precision = PlacePrecision.BLOCK
        notes.append(QualityNote(field="location.precision", code="precision_assumed"))
    position = Position(lat=point[0], lon=point[1], precision=precision, radius_m=_RADIUS_M[precision], method="reported")
    return _Placement(position, county, _code(polygons, "zip") or stated.zip5, polygons, tuple(notes))


def _by_middle(report: Report, points: _Points, geography: Geography, notes: list[QualityNote]) -> _Placement:
    stated = report.location
    county = stated.county_fips
    position: Position | None = None
    middle = geography.centroid(f"zip:{stated.zip5}") if stated.zip5 else None
    if middle is not None:
        county = county or _code(points[(middle.lat, middle.lon)], "county")
        position = Position(lat=middle.lat, lon=middle.lon, precision=PlacePrecision.ZIP, radius_m=middle.radius_m, method="zip_centroid")
    elif county is not None and (middle := geography.centroid(f"county:{county}")) is not None:
        position = Position(
            lat=middle.lat, lon=middle.lon, precision=PlacePrecision.COUNTY, radius_m=middle.radius_m, method="county_centroid"
        )
    return _Placement(position, county, stated.zip5, (), tuple(notes))


def _located(report: Report, placed: _Placement, version: int) -> LocatedReport:
    areas: list[str] = []
    if placed.county is not None:
        areas += [f"state:{placed.county[:2]}", f"county:{placed.county}"]
    if placed.zip5 is not None:
        areas.append(f"zip:{placed.zip5}")
    position = placed.position
    if position is not None and position.precision in EXACT:
        areas += [area for area in placed.polygons if area_kind(area) not in {"state", "county", "zip", WATER}]
        areas.append(f"h3:{h3.latlng_to_cell(position.lat, position.lon, _AREA_CELL)}")
    elif position is not None and position.precision is PlacePrecision.CITY:
        # The middle of a city lies in it, and in no neighbourhood of it that anything was said of.
        areas += [area for area in placed.polygons if area_kind(area) == "city"]
    if placed.county is not None:
        key = placed.county
    elif position is not None:
        key = f"cell-{h3.latlng_to_cell(position.lat, position.lon, _COARSE_CELL)}"
    else:
        key = f"agency-{report.source_agency_id}"
    return LocatedReport(report=report, position=position, areas=tuple(areas), place_key=key, quality=placed.notes, geodata_version=version)


def _code(areas: Sequence[str], kind: str) -> str | None:
    # Sorted, so that a point on a border falls to the same side each time.
    return next((area.partition(":")[2] for area in areas if area_kind(area) == kind), None)
