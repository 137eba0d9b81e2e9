"""The geodata that a service places by: read at its start, and again when its files are exchanged under it."""

from pathlib import Path
from typing import Final

from spikewatch.enrichment.adapters.area_files.area_sets import newest_load
from spikewatch.enrichment.adapters.geodata.open_geocoder import indexes_of, open_dated
from spikewatch.enrichment.adapters.geography import load_atlas
from spikewatch.enrichment.domain.locate import Geodata

__all__ = ["GeodataFiles"]

_MAPS: Final = "*.geojson"
_Look = frozenset[tuple[str, int, int, int]]


class GeodataFiles:
    """Areas and streets on disk. Reading takes seconds: call it off the event loop.

    Args:
        geography: folder of areas; None: the packaged counties and ZIP codes.
        index: an index of streets, or a folder of them; None: addresses stay unplaced.
    """

    def __init__(self, geography: Path | None, index: Path | None) -> None:
        self._geography = geography
        self._index = index
        self._read: _Look = frozenset()

    def load(self) -> Geodata:
        """Read all of it.

        Raises:
            GeographyError: a file of areas is wrong.
            IndexUnusable: an index is cut short, damaged, or of another version.
            UsGeographyMissing: the packaged geography is needed and not installed.
        """
        self._read = self._look()
        atlas = load_atlas(self._geography)
        loaded = 0 if self._geography is None else newest_load(self._geography)
        if self._index is None:
            return Geodata(atlas, version=loaded)
        # One reading gives both: an index that is exchanged meanwhile must not lend its date to the one before it.
        geocoder, built_at = open_dated(self._index)
        return Geodata(atlas, geocoder, max(loaded, built_at))

    def is_exchanged(self) -> bool:
        """Return whether other files lie there than those that were last read, or tried."""
        return self._look() != self._read

    def _look(self) -> _Look:
        found: set[tuple[str, int, int, int]] = set()
        indexes = () if self._index is None else indexes_of(self._index)
        for file in (*indexes, *(() if self._geography is None else self._geography.glob(_MAPS))):
            try:
                state = file.stat()
            except FileNotFoundError:  # exchanged at this very moment: the next look sees the new one
                continue
            found.add((file.name, state.st_ino, state.st_size, state.st_mtime_ns))
        return frozenset(found)
