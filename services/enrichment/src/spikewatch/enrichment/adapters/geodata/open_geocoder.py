"""Opens a geocoder over an index, or over a folder of indexes, one each county."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

from spikewatch.enrichment.adapters.geodata.index_file import read_index
from spikewatch.enrichment.adapters.geodata.unusable import IndexUnusable
from spikewatch.enrichment.domain.geocoding.answer import Answer, Query, ReverseAnswer
from spikewatch.enrichment.domain.geocoding.geocoder import Geocoder
from spikewatch.enrichment.domain.geocoding.packed import FORMAT
from spikewatch.enrichment.domain.geocoding.several import Geocoders

__all__ = ["ENDING", "AnyGeocoder", "open_geocoder"]

ENDING: Final = ".geoindex"
"""What the indexes of a folder end in."""


class AnyGeocoder(Protocol):
    """What a geocoder over one index and one over several have in common."""

    def geocode_many(self, queries: Sequence[Query]) -> list[Answer]:
        """Return where each address lies, in the same order."""

    def reverse(self, lat: float, lon: float) -> ReverseAnswer | None:
        """Return the nearest street of a point; None when none is near."""


def open_geocoder(path: Path, *, offset_m: float | None = None) -> AnyGeocoder:
    """Return a geocoder over the index at ``path``, or over all indexes of that folder.

    Args:
        path: an index, or a folder with ``*.geoindex``.
        offset_m: how far from the middle of the street a house is taken to stand, in metres; None: the geocoder's own.

    Raises:
        IndexUnusable: it cannot be read, or the folder has no index.
    """
    if not path.is_dir():
        return _one(path, offset_m)
    files = sorted(path.glob(f"*{ENDING}"))
    if not files:
        raise IndexUnusable(f"{path} holds no *{ENDING}; make one with spikewatch geodata build FILE... -o {path}/NAME{ENDING}")
    opened = [_one(file, offset_m) for file in files]
    return opened[0] if len(opened) == 1 else Geocoders(opened)


def _one(path: Path, offset_m: float | None) -> Geocoder:
    packed = read_index(path)
    told = packed.facts.get("format")
    if told != FORMAT:
        raise IndexUnusable(
            f"{path} has arrays of format {told}, this program reads format {FORMAT}; build it again with spikewatch geodata build"
        )
    return Geocoder(packed) if offset_m is None else Geocoder(packed, offset_m=offset_m)
