"""How far the coordinates of a report may be believed, beside what else it says of its place.

Coordinates come from receivers and from clerks: zeros for "none", axes swapped, a minus sign lost, the seat of the vendor.
Three verdicts: believed, doubted (they stand unless the address says better), refused (they are no place of this report).
"""

from enum import Enum, auto
from typing import Final, NamedTuple

from spikewatch.contracts.report import QualityNote, Report
from spikewatch.enrichment.domain.geography import Geography, metres_between

__all__ = ["FAR_M", "Trust", "Verdict", "code_of", "far_from_zip", "judged", "stated_point"]

Point = tuple[float, float]

# Crews cross the county line to help and border roads are digitised roughly; a point farther out is far more often
# a wrong sign, swapped axes or the seat of the vendor than a scene.
FAR_M: Final = 25_000.0


class Trust(Enum):
    """What becomes of coordinates."""

    BELIEVED = auto()
    DOUBTED = auto()
    REFUSED = auto()


class Verdict(NamedTuple):
    """What was found of a report's coordinates.

    Attributes:
        trust: whether they stand.
        county: FIPS code of the county the report counts in if they stand; None: in none.
        notes: the doubts, to be told whatever the report is placed by.
    """

    trust: Trust
    county: str | None
    notes: tuple[QualityNote, ...] = ()


def stated_point(report: Report) -> Point | None:
    """Return the stated coordinates, latitude first; None where there are none. Zeros stand for none, but are told by ``judged``."""
    place = report.location
    return None if place.lat is None or place.lon is None else (place.lat, place.lon)


def judged(report: Report, point: Point, areas: tuple[str, ...], geography: Geography) -> Verdict:
    """Return how far a report's coordinates are believed; ``areas`` are those that hold the point."""
    if point == (0, 0):
        return Verdict(Trust.REFUSED, None, (_note("coordinates_zero"),))
    stated, found = report.location.county_fips, code_of(areas, "county")
    if found is None or (stated is not None and found != stated):
        outside = None if stated is None else geography.metres_outside(f"county:{stated}", *point)
        is_far = outside is not None and outside > FAR_M
        # Only of what is wrong anyway: that a place has a twin with another sign proves nothing.
        if (is_far or found is None) and (mistake := _mistake(point, stated, geography)):
            return Verdict(Trust.REFUSED, None, (_note(mistake),))
        if is_far or (stated is None and far_from_zip(report, point, geography) is not None):
            return Verdict(Trust.REFUSED, None, (_note("coordinates_outside_county"),))
        if found is None:
            return Verdict(Trust.DOUBTED, stated, (_note("coordinates_outside_county"),))
        return Verdict(Trust.DOUBTED, found, (QualityNote(field="location.county_fips", code="coordinates_in_other_county"),))
    if stated is None and far_from_zip(report, point, geography):
        return Verdict(Trust.DOUBTED, found, (_note("coordinates_far_from_zip"),))
    return Verdict(Trust.BELIEVED, found)


def far_from_zip(report: Report, point: Point, geography: Geography) -> bool | None:
    """Return whether a point lies far outside of the stated ZIP code; None where none is stated or its place is not known."""
    middle = geography.centroid(f"zip:{report.location.zip5}") if report.location.zip5 else None
    return None if middle is None else metres_between(middle.lat, middle.lon, *point) > middle.radius_m + FAR_M


def code_of(areas: tuple[str, ...], kind: str) -> str | None:
    """Return the code of the first area of a kind. Areas are sorted, so a point on a border falls to the same side each time."""
    start = f"{kind}:"
    for area in areas:  # asked of every report: a generator takes twice as long
        if area.startswith(start):
            return area[len(start) :]
    return None


def _mistake(point: Point, stated: str | None, geography: Geography) -> str | None:
    """Return which slip of the pen puts the point into the stated county, or into any where none is stated."""
    lat, lon = point
    slips = [(lat, -lon), (-lat, lon), (-lat, -lon), (lon, lat), (lon, -lat), (-lon, lat)]
    # What is no place on earth lies in no area.
    counties = [code_of(areas, "county") for areas in geography.areas_at([y for y, _ in slips], [x for _, x in slips])]
    right = [county is not None and county == (stated or county) for county in counties]
    if any(right[:3]):
        return "coordinates_sign_lost"
    return "coordinates_swapped" if any(right[3:]) else None


def _note(code: str) -> QualityNote:
    return QualityNote(field="location", code=code)
