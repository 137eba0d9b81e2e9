"""What is left when no street is found: coordinates that stand in the text, else the middle of the ZIP code, city or county."""

from typing import Final

from spikewatch.enrichment.domain.geocoding.answer import NOWHERE, Answer, Precision, Query
from spikewatch.enrichment.domain.geocoding.calibration import worth
from spikewatch.enrichment.domain.geocoding.contexts import Contexts, Told
from spikewatch.enrichment.domain.geocoding.fold import fold_name
from spikewatch.enrichment.domain.geocoding.packed import SCALE, Packed
from spikewatch.enrichment.domain.geocoding.parsed import Kind, Parsed
from spikewatch.enrichment.domain.geocoding.places import Area, Places

__all__ = ["Coarse"]

_WAY_OUTSIDE_DEGREES: Final = 0.5  # coordinates farther from every street than this belong to another region, or are wrong


class Coarse:
    """The lower rungs of the ladder."""

    def __init__(self, packed: Packed, contexts: Contexts, places: Places) -> None:
        self._contexts = contexts
        self._places = places
        lat, lon = packed.arrays["node_lat"], packed.arrays["node_lon"]
        edges = (lat.min(), lat.max(), lon.min(), lon.max()) if lat.size else (-90 * SCALE, 90 * SCALE, -180 * SCALE, 180 * SCALE)
        self._south, self._north, self._west, self._east = (float(edge) / SCALE for edge in edges)

    def coordinates(self, parsed: Parsed) -> Answer:
        """Return the coordinates that stand in the text."""
        tried = (
            (parsed.lat, parsed.lon, ()),
            (parsed.lon, parsed.lat, ("coordinates_swapped",)),
            (parsed.lat, -parsed.lon, ("longitude_sign_assumed",)),
        )
        lat, lon, why = next((one for one in tried if self._is_near(one[0], one[1])), (*tried[0][:2], ("coordinates_outside_index",)))
        reasons = ("coordinates_in_text", *why)
        radius, confidence = worth(Precision.POINT, 0.0, reasons)
        return Answer(lat, lon, Precision.POINT, radius, confidence, f"{lat:.6f}, {lon:.6f}", reasons, 1)

    def _is_near(self, lat: float, lon: float) -> bool:
        margin = _WAY_OUTSIDE_DEGREES
        return self._south - margin <= lat <= self._north + margin and self._west - margin <= lon <= self._east + margin

    def area(self, parsed: Parsed, told: Told, asked: Query, why: str) -> Answer:
        """Return the middle of the ZIP code, city or county that was told, and why it is no finer; nowhere when none is known."""
        alone = " ".join(parsed.streets[0]) if parsed.kind is Kind.NAME and parsed.streets else ""
        area = self._area(parsed, asked, alone)
        reasons = parsed.reasons + ((told.reason,) if told.reason else ())
        if area is None:
            return NOWHERE._replace(reasons=(*reasons, why) if why else reasons)
        precision = Precision(area.kind)
        radius, confidence = worth(precision, area.radius_m, ())
        if why and (why == "ambiguous" or (parsed.streets and alone != area.name)):
            reasons = (*reasons, why)
        if area.is_of_streets:
            reasons = (*reasons, "area_from_streets")
        zip5 = area.name if area.kind == "zip" else ""
        lat, lon = round(area.lat, 6), round(area.lon, 6)
        return Answer(lat, lon, precision, radius, confidence, area.name, reasons, 1, (), zip5, area.county, self._contexts.vintage)

    def _area(self, parsed: Parsed, asked: Query, alone: str) -> Area | None:
        five = (asked.zip5 or "").strip()[:5] or parsed.zip5
        if (area := self._places.zips.get(five)) is not None:
            return area
        names = [fold_name(asked.city) if asked.city else "", alone, *(fold_name(part) for part in parsed.tail)]
        for name in names:
            if name and (area := self._places.city(name)) is not None:
                return area
        county = fold_name(asked.county) if asked.county else ""
        for name in [county, *(name for name in names if name.endswith(" COUNTY"))]:
            if name and (area := self._places.county(name)) is not None:
                return area
        return None
