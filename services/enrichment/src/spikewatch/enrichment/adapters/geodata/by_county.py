"""Splits what was read by county, for one index each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from spikewatch.enrichment.adapters.geodata.sources import Reading
from spikewatch.enrichment.domain.geocoding.compile import compiled
from spikewatch.enrichment.domain.geocoding.packed import Packed
from spikewatch.enrichment.domain.geocoding.records import AddressPoint, Landmark, PlaceArea, StreetSegment, Vintage

__all__ = ["NO_COUNTY", "packed_by_county"]

NO_COUNTY: Final = "other"
"""The index of records that tell no county."""


@dataclass(slots=True)
class _County:
    segments: list[StreetSegment] = field(default_factory=list)
    points: list[AddressPoint] = field(default_factory=list)
    landmarks: list[Landmark] = field(default_factory=list)
    places: list[PlaceArea] = field(default_factory=list)


def packed_by_county(reading: Reading) -> Iterable[tuple[str, Packed]]:
    """Return the FIPS code of each county with its index. All records are held at once; aliases are in every index."""
    counties: dict[str, _County] = {}

    def of(code: str) -> _County:
        return counties.setdefault(code or NO_COUNTY, _County())

    for segment in reading.segments():
        of(segment.county).segments.append(segment)
    for point in reading.points():
        of(point.county).points.append(point)
    for landmark in reading.landmarks():
        of(landmark.county).landmarks.append(landmark)
    for place in reading.places():
        of(place.county).places.append(place)
    aliases = list(reading.aliases())
    for code, county in sorted(counties.items()):
        counts = [0] * len(reading.vintages)
        records: Sequence[StreetSegment | AddressPoint | Landmark | PlaceArea]
        for records in (county.segments, county.points, county.landmarks, county.places):
            for record in records:
                counts[record.source] += 1
        vintages: list[Vintage] = [one._replace(records=count) for one, count in zip(reading.vintages, counts, strict=True)]
        yield code, compiled(county.segments, county.points, county.landmarks, county.places, aliases, vintages=vintages)
