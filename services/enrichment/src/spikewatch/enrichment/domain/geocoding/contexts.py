"""ZIP codes, cities, counties and sources of an index, and how well each fits what a report tells of its place."""

from typing import Final, NamedTuple

from spikewatch.enrichment.domain.geocoding.fold import fold_name
from spikewatch.enrichment.domain.geocoding.packed import JSON
from spikewatch.enrichment.domain.geocoding.street_words import STATE_OF_FIPS

__all__ = ["Context", "Contexts", "Told"]

# Penalties in the scorer's unit. A ZIP code is often the neighbour's; a city of the post often is not the one that governs;
# a county is nearly always right.
_OTHER_ZIP: Final = 0.06
_OTHER_CITY: Final = 0.12
_OTHER_BOTH: Final = 0.12
_OTHER_COUNTY: Final = 0.5
_KEPT: Final = 4096


class Context(NamedTuple):
    """Where one side of a segment lies, and what source says so."""

    zip5: str
    city: str
    county: str
    vintage: str


class Told(NamedTuple):
    """What a report tells besides the address, as far as the index knows of it; ``is_empty`` when that is nothing."""

    zip5: str = ""
    city: str = ""
    county: str = ""
    reason: str = ""
    is_elsewhere: bool = False
    is_empty: bool = True


_NOTHING: Final = Told()


class Contexts:
    """All contexts by number."""

    def __init__(self, facts: dict[str, JSON]) -> None:
        vintages = [f"{row[0]} {row[1]}".strip() for row in _rows(facts.get("vintages"))]
        self.rows = [
            Context(str(zip5), str(city), str(county), vintages[int(str(source))] if int(str(source)) < len(vintages) else "")
            for zip5, city, county, source in _rows(facts.get("contexts"))
        ]
        self.zips = frozenset(row.zip5 for row in self.rows if row.zip5)
        self.cities = frozenset(row.city for row in self.rows if row.city)
        self.counties = frozenset(row.county for row in self.rows if row.county)
        self.states = frozenset(STATE_OF_FIPS.get(county[:2], "") for county in self.counties)
        self._near_zips = frozenset(zip5[:3] for zip5 in self.zips)
        self._told: dict[tuple[str | None, str | None, str | None, str], Told] = {}
        self.vintage = vintages[0] if vintages else ""

    def told(self, zip5: str | None, city: str | None, county: str | None, state: str) -> Told:
        """Return what of the told place the index can judge; one that cannot lie in the index is marked as elsewhere."""
        if not (zip5 or city or county or state):
            return _NOTHING
        key = (zip5, city, county, state)
        known = self._told.get(key)
        if known is None:
            if len(self._told) > _KEPT:
                self._told.clear()
            known = self._told[key] = self._read(zip5, city, county, state)
        return known

    def _read(self, zip5: str | None, city: str | None, county: str | None, state: str) -> Told:
        five = (zip5 or "").strip()[:5]
        five = five if len(five) == 5 and five.isdigit() and five.isascii() else ""
        if state and self.states and state not in self.states:
            return Told(reason="other_state", is_elsewhere=True)
        fips = (county or "").strip()
        fips = fips if len(fips) == 5 and fips.isdigit() and fips.isascii() else ""
        if fips and self.counties and fips not in self.counties:
            return Told(reason="other_county", is_elsewhere=True)
        if five and self.zips and five not in self.zips:
            if five[:3] not in self._near_zips:
                return Told(reason="zip_elsewhere", is_elsewhere=True)
            return self._of("", city, fips, "zip_not_in_index")
        return self._of(five if self.zips else "", city, fips, "")

    def _of(self, zip5: str, city: str | None, county: str, reason: str) -> Told:
        known_city, known_county = self._city(city), county if self.counties else ""
        if not reason and city and self.cities and not known_city and not zip5:
            reason = "city_not_in_index"
        return Told(zip5, known_city, known_county, reason, is_empty=not (zip5 or known_city or known_county))

    def _city(self, city: str | None) -> str:
        folded = fold_name(city) if city else ""
        return folded if folded in self.cities else ""

    def penalty(self, context: int, told: Told) -> float:
        """Return how badly a context fits what was told; 0 when it fits or when nothing can be said."""
        row = self.rows[context]
        penalty = 0.0
        if told.zip5 and row.zip5 != told.zip5 and row.zip5:
            penalty = _OTHER_ZIP
        if told.city and row.city != told.city and row.city:
            # City and ZIP code together are hardly both wrong.
            penalty += _OTHER_CITY + _OTHER_BOTH if penalty else _OTHER_CITY
        if told.county and row.county != told.county and row.county:
            penalty += _OTHER_COUNTY
        return penalty


def _rows(value: JSON) -> list[list[JSON]]:
    return [row for row in value if isinstance(row, list)] if isinstance(value, list) else []
