"""The geocoder: places what people wrote, over one packed index. Nothing is remembered of what it was asked, and nothing is opened."""

from collections.abc import Sequence

from spikewatch.enrichment.domain.geocoding.answer import NOWHERE, Answer, Query, ReverseAnswer
from spikewatch.enrichment.domain.geocoding.calibration import worth
from spikewatch.enrichment.domain.geocoding.coarse import Coarse
from spikewatch.enrichment.domain.geocoding.contexts import Contexts, Told
from spikewatch.enrichment.domain.geocoding.crossings import Crossings
from spikewatch.enrichment.domain.geocoding.finder import CONFLICT, REFUSED, Finder
from spikewatch.enrichment.domain.geocoding.fold import fold_name
from spikewatch.enrichment.domain.geocoding.hits import NO_CONTEXT, Hit, alternatives, rivals
from spikewatch.enrichment.domain.geocoding.houses import Houses
from spikewatch.enrichment.domain.geocoding.look_ups import LookUps
from spikewatch.enrichment.domain.geocoding.packed import SCALE, Packed
from spikewatch.enrichment.domain.geocoding.parsed import Kind, Parsed
from spikewatch.enrichment.domain.geocoding.parser import parse
from spikewatch.enrichment.domain.geocoding.places import Places
from spikewatch.enrichment.domain.geocoding.reverse import Reverse
from spikewatch.enrichment.domain.geocoding.spelling import Spelling
from spikewatch.enrichment.domain.geocoding.street_words import STRONG_TYPES, TYPES
from spikewatch.enrichment.domain.geocoding.streets import Streets

__all__ = ["Geocoder"]

# Metres from the middle line at which the median of 1,976 development rows of authoritative address points is: at 14 m 19.8, 16 m 18.1,
# 17 m 17.2, 18 m 16.4, 19 m 15.6, 20 m 14.9; each address once: 16.3, 14.9, 14.2, 13.7, 13.1, 12.6. The median of businesses, which have
# points at the door, rises meanwhile: 14.1, 15.7, 16.5, 17.3, 18.1, 19.0. None of them leaves or enters 100 m. 18 m keeps all of it low.
_OFFSET_M = 18.0
_WHY_NOT = {Kind.NOTHING: "", Kind.MILE: "milepost_not_in_index"}
_MAY_NAME_LANDMARK = frozenset({Kind.HOUSE, Kind.CROSSING, Kind.NAME})


class Geocoder:
    """Places addresses over one index; many threads and processes may share the index's arrays.

    Args:
        packed: the index; its arrays may be read-only memory maps.
        offset_m: how far houses stand from the middle line of their street. 18 m hits best on city streets.
    """

    def __init__(self, packed: Packed, *, offset_m: float = _OFFSET_M) -> None:
        self.contexts = Contexts(packed.facts)
        self.places = Places(packed, self.contexts)
        self.streets = Streets(packed)
        finder = Finder(self.streets, Spelling(packed.arrays["spelling_hash"], packed.arrays["spelling_name"], self.streets.keys))
        houses = Houses(self.streets, self.contexts, offset_m)
        crossings = Crossings(self.streets, self.contexts)
        self._reverse = Reverse(packed, self.streets, self.contexts)
        self.cities = self.contexts.cities | frozenset(self.places.cities)
        self._city_ends = frozenset(city.rpartition(" ")[2] for city in self.cities)
        self._look_ups = LookUps(finder, houses, crossings, self.places, self.contexts, self.cities)
        self._coarse = Coarse(packed, self.contexts, self.places)

    def geocode(self, address: str | None, *, city: str | None = None, zip5: str | None = None, county: str | None = None) -> Answer:
        """Return where an address lies; never raises, whatever the text.

        Args:
            address: as people wrote it.
            city: of the report, when it is told apart from the address.
            zip5: ZIP code, likewise; more than five digits are cut.
            county: FIPS code, likewise.
        """
        parsed = parse(address)
        kind = parsed.kind
        if kind is Kind.COORDINATES:
            return self._coarse.coordinates(parsed)
        if self.cities and parsed.streets:
            parsed, city = self._without_city(parsed, city)
        told = self.contexts.told(zip5 or parsed.zip5, city, county, parsed.state)
        if told.is_elsewhere:
            return NOWHERE._replace(reasons=(*parsed.reasons, told.reason))
        hits = self._look_ups.places_of(parsed, told)
        if not hits or hits[0].penalty >= (CONFLICT if kind is Kind.BLOCK else REFUSED):
            if kind in _MAY_NAME_LANDMARK and address and self.places.landmarks:
                hits = [hit for hit in self._look_ups.landmarks_in(address, told) if hit.penalty < REFUSED]
                if hits:
                    return self._chosen(hits, parsed, told, city, zip5, county)
            return self._coarse.area(parsed, told, Query(None, city, zip5, county), _WHY_NOT.get(kind, "place_not_found"))
        return self._chosen(hits, parsed, told, city, zip5, county)

    def geocode_many(self, queries: Sequence[Query]) -> list[Answer]:
        """Return where each address lies, in the same order."""
        return [self.geocode(query.address, city=query.city, zip5=query.zip5, county=query.county) for query in queries]

    def reverse(self, lat: float, lon: float) -> ReverseAnswer | None:
        """Return the nearest street, block and cross street of a point; None when no street is within 2 km."""
        return self._reverse.nearest(lat, lon)

    def _chosen(self, hits: list[Hit], parsed: Parsed, told: Told, city: str | None, zip5: str | None, county: str | None) -> Answer:
        if len(hits) > 1:
            hits.sort(key=lambda hit: hit.penalty)
            different = rivals(hits)
            if len(different) > 1:
                answer = self._coarse.area(parsed, told, Query(None, city, zip5, county), "ambiguous")
                return answer._replace(candidates=len(hits), alternatives=alternatives(different, self.contexts))
        best = hits[0]
        reasons = best.reasons + parsed.reasons
        if told.reason:
            reasons = (*reasons, told.reason)
        if best.context == NO_CONTEXT:
            its_zip, its_county, vintage = "", "", self.contexts.vintage
        else:
            its_zip, its_city, its_county, vintage = self.contexts.rows[best.context]
            if told.zip5 and its_zip and its_zip != told.zip5:
                reasons = (*reasons, "other_zip")
            if told.city and its_city and its_city != told.city:
                reasons = (*reasons, "other_city")
        radius, confidence = worth(best.precision, best.extent_m, reasons)
        lat, lon = round(best.lat * SCALE) / SCALE, round(best.lon * SCALE) / SCALE  # much quicker than to six digits
        return Answer(lat, lon, best.precision, radius, confidence, best.matched, reasons, len(hits), (), its_zip, its_county, vintage)

    def _without_city(self, parsed: Parsed, city: str | None) -> tuple[Parsed, str | None]:
        """Take a known city from the end of the text: after a comma, or after the street's type."""
        for part in reversed(parsed.tail):
            name = fold_name(part)
            if name in self.cities:
                return parsed, city or name
        if parsed.streets and (words := parsed.streets[-1]) and words[-1] in self._city_ends and len(words) > 2:
            for start in range(max(len(words) - 4, 1), len(words)):
                if TYPES.get(words[start - 1]) in STRONG_TYPES and " ".join(words[start:]) in self.cities and start > 1:
                    return parsed._replace(streets=(*parsed.streets[:-1], words[:start])), city or " ".join(words[start:])
        return parsed, city
