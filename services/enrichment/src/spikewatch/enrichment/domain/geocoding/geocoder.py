"""The geocoder: places what people wrote, over one packed index."""

from collections.abc import Sequence

from spikewatch.enrichment.domain.geocoding.answer import NOWHERE, Answer, Query, ReverseAnswer
from spikewatch.enrichment.domain.geocoding.packed import Packed

__all__ = ["Geocoder"]


class Geocoder:
    """Places addresses over one index; it changes nothing and opens nothing."""

    def __init__(self, packed: Packed, *, offset_m: float = 16.0) -> None:
        self._packed = packed
        self._offset_m = offset_m

    def geocode(self, address: str | None, *, city: str | None = None, zip5: str | None = None, county: str | None = None) -> Answer:
        """Return where an address lies."""
        return self.geocode_many([Query(address, city, zip5, county)])[0]

    def geocode_many(self, queries: Sequence[Query]) -> list[Answer]:
        """Return where each address lies, in the same order."""
        return [NOWHERE for _ in queries]

    def reverse(self, lat: float, lon: float) -> ReverseAnswer | None:
        """Return the nearest street, block and cross street of a point; None when none is near."""
        _ = lat, lon
        return None
