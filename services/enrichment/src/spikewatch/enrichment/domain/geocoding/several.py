"""Several indexes, one for each county, that answer as one: asked where the report says it lies, else all of them."""

from collections.abc import Sequence
from typing import Final

from spikewatch.enrichment.domain.geocoding.answer import LADDER, NOWHERE, Alternative, Answer, Precision, Query, ReverseAnswer
from spikewatch.enrichment.domain.geocoding.fold import fold_name
from spikewatch.enrichment.domain.geocoding.geocoder import Geocoder
from spikewatch.enrichment.domain.geocoding.hits import metres

__all__ = ["Geocoders"]

_SAME_PLACE_M: Final = 200.0  # neighbours' indexes overlap at the border: one house in two of them is one place
_AS_GOOD: Final = 0.05  # confidences closer than this do not decide between two counties
_FINE: Final = LADDER.index(Precision.LANDMARK)


class Geocoders:
    """Indexes of several counties behind one face."""

    def __init__(self, geocoders: Sequence[Geocoder]) -> None:
        self._all = tuple(geocoders)
        self._of_county: dict[str, list[Geocoder]] = {}
        self._of_zip: dict[str, list[Geocoder]] = {}
        self._of_city: dict[str, list[Geocoder]] = {}
        for one in self._all:
            for table, names in (
                (self._of_county, one.contexts.counties),
                (self._of_zip, one.contexts.zips | frozenset(one.places.zips)),
                (self._of_city, one.cities),
            ):
                for name in names:
                    table.setdefault(name, []).append(one)

    def geocode(self, address: str | None, *, city: str | None = None, zip5: str | None = None, county: str | None = None) -> Answer:
        """Return where an address lies; when two counties answer as well for different places, both are alternatives and none is taken."""
        chosen = self._asked(city, zip5, county)
        answers = [one.geocode(address, city=city, zip5=zip5, county=county) for one in chosen]
        if len(answers) < 2:
            return answers[0] if answers else NOWHERE
        answers.sort(key=_rank)
        best = answers[0]
        if best.lat is None or best.lon is None:
            return next((answer for answer in answers if answer.alternatives), best)
        different = [best]
        for other in answers[1:]:
            if other.lat is None or other.lon is None or best.confidence - other.confidence > _AS_GOOD:
                continue
            if LADDER.index(other.precision) > _FINE >= LADDER.index(best.precision):
                continue
            if metres(best.lat, best.lon, other.lat, other.lon) > max(_SAME_PLACE_M, best.radius_m):
                different.append(other)
        unsure = [answer for answer in answers if answer.alternatives]
        if len(different) == 1 and not unsure:
            return best._replace(candidates=sum(answer.candidates for answer in answers))
        made = [
            Alternative(answer.matched, answer.lat, answer.lon, answer.precision, answer.zip5, "", answer.county)
            for answer in different
            if answer.lat is not None and answer.lon is not None
        ]
        for answer in unsure:
            made += answer.alternatives
        return NOWHERE._replace(reasons=("ambiguous",), candidates=len(made), alternatives=tuple(made[:10]))

    def geocode_many(self, queries: Sequence[Query]) -> list[Answer]:
        """Return where each address lies, in the same order."""
        return [self.geocode(query.address, city=query.city, zip5=query.zip5, county=query.county) for query in queries]

    def reverse(self, lat: float, lon: float) -> ReverseAnswer | None:
        """Return the nearest street of all indexes, or None when none is within 2 km."""
        found = [answer for one in self._all if (answer := one.reverse(lat, lon)) is not None]
        return min(found, key=lambda answer: answer.metres, default=None)

    def _asked(self, city: str | None, zip5: str | None, county: str | None) -> Sequence[Geocoder]:
        """Return the indexes that hold what was told, finest first; all when nothing was told that one of them knows."""
        five, name = (zip5 or "").strip()[:5], fold_name(city or "")
        for told, table in ((county, self._of_county), (five, self._of_zip), (name, self._of_city)):
            if told and told in table:
                return table[told]
        if county and self._of_county and all(one.contexts.counties for one in self._all):
            return self._all[:1]  # it knows that the county lies elsewhere, and says so
        return self._all


def _rank(answer: Answer) -> tuple[bool, int, float]:
    return (answer.lat is None, LADDER.index(answer.precision), -answer.confidence)
