"""Where a report is placed: reported coordinates first, else its address or corner, else the middle of its ZIP code, city or county.

Coordinates give way to the address where they contradict what else the report says, or are themselves the middle of something
larger (``stated_coordinates``).

A report is never dropped for its place. What is doubtful is marked, and a centroid stays a centroid: it decides
about state, county and ZIP code, never about a neighbourhood or a map cell.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple
from uuid import UUID

import h3  # type: ignore[import-untyped]  # no types are shipped

from spikewatch.contracts.contract import area_kind
from spikewatch.contracts.report import LocatedReport, Position, QualityNote, Report
from spikewatch.contracts.vocabulary import PlacePrecision
from spikewatch.enrichment.domain.addresses import RANK, AddressSearch, addressed
from spikewatch.enrichment.domain.geocoding.answer import Answer
from spikewatch.enrichment.domain.geography import Geography, metres_between
from spikewatch.enrichment.domain.stated_coordinates import FAR_M, Trust, Verdict, code_of, far_from_zip, judged, stated_point

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

Point = tuple[float, float]
_AREA_CELL: Final = 7  # H3 cells of about 5 km²: a part of town, coarse enough to hold more than one household
_COARSE_CELL: Final = 5  # about 250 km², the size of a small county, for reports that no county holds
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


_Points = dict[Point, tuple[str, ...]]


def locate(reports: Sequence[Report], geodata: Geodata) -> list[LocatedReport]:
    """Return each report with its position, areas and place key, in the same order; looked up in bulk for all of them."""
    geography = geodata.geography
    given = [stated_point(report) for report in reports]
    points = _areas_of([*given, *(_zip_middle(report, geography) for report in reports)], geography)
    verdicts = [
        None if point is None else judged(report, point, points[point], geography) for report, point in zip(reports, given, strict=True)
    ]
    answers: dict[UUID, Answer] = {}
    if geodata.addresses is not None:
        asking = [report for report, verdict in zip(reports, verdicts, strict=True) if _may_be_bettered(report, verdict)]
        answers = addressed(asking, geodata.addresses)
        points |= _areas_of([_point(answer) for answer in answers.values()], geography)
    return [
        _located(report, _place(report, point, verdict, answers.get(report.report_id), points, geography), geodata.version)
        for report, point, verdict in zip(reports, given, verdicts, strict=True)
    ]


def _areas_of(points: Iterable[Point | None], geography: Geography) -> _Points:
    asked = list(dict.fromkeys(point for point in points if point is not None))
    return dict(zip(asked, geography.areas_at([lat for lat, _ in asked], [lon for _, lon in asked]), strict=True)) if asked else {}


def _may_be_bettered(report: Report, verdict: Verdict | None) -> bool:
    """Return whether the address must be looked up: coordinates that are believed and exact need none."""
    return verdict is None or verdict.trust is not Trust.BELIEVED or _stated_precision(report) not in EXACT


def _stated_precision(report: Report) -> PlacePrecision:
    return report.location.precision if report.location.precision is not PlacePrecision.NONE else PlacePrecision.BLOCK


def _point(answer: Answer) -> Point | None:
    return None if answer.lat is None or answer.lon is None else (answer.lat, answer.lon)


def _zip_middle(report: Report, geography: Geography) -> Point | None:
    middle = geography.centroid(f"zip:{report.location.zip5}") if report.location.zip5 else None
    return None if middle is None else (middle.lat, middle.lon)


def _place(
    report: Report, given: Point | None, verdict: Verdict | None, answer: Answer | None, points: _Points, geography: Geography
) -> _Placement:
    if given is None or verdict is None or verdict.trust is Trust.REFUSED:
        notes = [] if verdict is None else list(verdict.notes)
        placed = None if answer is None else _by_address(report, answer, points, geography, notes)
        if placed is not None:
            return placed
        if report.location.address or report.location.intersection:
            notes.append(QualityNote(field="location.address", code="address_not_geocoded"))
        return _by_middle(report, points, geography, notes)
    if answer is not None:
        placed = _by_better_address(report, given, verdict, answer, points, geography)
        if placed is not None:
            return placed
    return _by_coordinates(report, given, verdict, points)


def _by_better_address(
    report: Report, given: Point, verdict: Verdict, answer: Answer, points: _Points, geography: Geography
) -> _Placement | None:
    """Place by the address in place of coordinates that stand: doubted ones, and ones that are the middle of something larger."""
    point = _point(answer)
    if point is None:
        return None
    precision = _stated_precision(report)
    notes = list(verdict.notes)
    if verdict.trust is Trust.DOUBTED:
        stated, county = report.location.county_fips, code_of(points[point], "county") or answer.county or None
        # Where the address does not bear out what else the report says, there is no more to be said for it than for the coordinates.
        if answer.precision not in EXACT or county is None or county != (stated or county) or far_from_zip(report, point, geography):
            return None
    elif RANK[answer.precision] >= RANK[precision] or metres_between(*given, *point) > max(_RADIUS_M[precision], FAR_M):
        return None  # not better known, or another place of the same name
    else:
        notes.append(QualityNote(field="location", code="coordinates_coarser_than_address"))
    return _by_address(report, answer, points, geography, notes)


def _by_address(report: Report, answer: Answer, points: _Points, geography: Geography, notes: list[QualityNote]) -> _Placement | None:
    point = _point(answer)
    if "ambiguous" in answer.reasons:
        notes.append(QualityNote(field="location.address", code="address_ambiguous"))
    # The middles of ZIP codes and counties are geography's own; of cities it has none.
    wanted = _STREETS if report.location.zip5 else _STREETS | {PlacePrecision.CITY}
    if point is None or answer.precision not in wanted:
        return None
    polygons = points[point]
    stated, county = report.location.county_fips, code_of(polygons, "county") or answer.county or None
    if stated is not None and county is not None and county != stated:
        outside = geography.metres_outside(f"county:{stated}", *point)
        if outside is None or outside > FAR_M:
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
    zip5 = (code_of(polygons, "zip") if answer.precision in EXACT else None) or report.location.zip5 or answer.zip5 or None
    return _Placement(position, county or stated, zip5, polygons, tuple(notes))


def _by_coordinates(report: Report, point: Point, verdict: Verdict, points: _Points) -> _Placement:
    stated, notes = report.location, verdict.notes
    precision = stated.precision
    if precision is PlacePrecision.NONE:
        precision = _stated_precision(report)
        notes = (*notes, QualityNote(field="location.precision", code="precision_assumed"))
    position = Position(lat=point[0], lon=point[1], precision=precision, radius_m=_RADIUS_M[precision], method="reported")
    polygons = points[point]
    return _Placement(position, verdict.county, code_of(polygons, "zip") or stated.zip5, polygons, notes)


def _by_middle(report: Report, points: _Points, geography: Geography, notes: list[QualityNote]) -> _Placement:
    stated = report.location
    county = stated.county_fips
    position: Position | None = None
    middle = geography.centroid(f"zip:{stated.zip5}") if stated.zip5 else None
    if middle is not None:
        county = county or code_of(points[(middle.lat, middle.lon)], "county")
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
