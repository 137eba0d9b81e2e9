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

__all__ = ["ENDING", "AnyGeocoder", "indexes_of", "open_dated", "open_geocoder"]

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
    return open_dated(path, offset_m=offset_m)[0]


def open_dated(path: Path, *, offset_m: float | None = None) -> tuple[AnyGeocoder, int]:
    """Do the same, and tell the second at which the newest of the indexes was built; 0 where none tells.

    Raises:
        IndexUnusable: it cannot be read, or the folder has no index.
    """
    files = indexes_of(path)
    if not files:
        raise IndexUnusable(f"{path} holds no *{ENDING}; make one with spikewatch geodata build FILE... -o {path}/NAME{ENDING}")
    opened = [_one(file, offset_m) for file in files]
    geocoders = [geocoder for geocoder, _ in opened]
    return geocoders[0] if len(geocoders) == 1 else Geocoders(geocoders), max(built_at for _, built_at in opened)


def indexes_of(path: Path) -> list[Path]:
    """Return the indexes of a folder in the order of their names; of anything else, it alone."""
    return sorted(path.glob(f"*{ENDING}")) if path.is_dir() else [path]


def _one(path: Path, offset_m: float | None) -> tuple[Geocoder, int]:
    packed = read_index(path)
    told = packed.facts.get("format")
    if told != FORMAT:
        raise IndexUnusable(
            f"{path} has arrays of format {told}, this program reads format {FORMAT}; build it again with spikewatch geodata build"
        )
    built_at = packed.facts.get("built_at")
    geocoder = Geocoder(packed) if offset_m is None else Geocoder(packed, offset_m=offset_m)
    return geocoder, built_at if isinstance(built_at, int) else 0
