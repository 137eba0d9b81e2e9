"""A shapefile: its .shp, .dbf, and .prj and .cpg where it has them, read side by side."""

from collections.abc import Generator
from contextlib import ExitStack
from typing import Final

from typing_extensions import override

from spikewatch.enrichment.adapters.geodata.layer import Feature, Layer
from spikewatch.enrichment.adapters.geodata.shapefile_parts import columns_of, encoding_of, rows_of, shapes_of
from spikewatch.enrichment.adapters.geodata.stored_file import StoredFile, failures_told
from spikewatch.enrichment.adapters.geodata.unusable import GeodataUnusable

__all__ = ["ShapeLayer", "TableLayer"]

_SMALL: Final = 65_536  # bytes of a .prj or .cpg that are looked at
_EVERY: Final = 1024


class TableLayer(Layer):
    """A .dbf alone: the names of streets that TIGER keeps in FEATNAMES."""

    def __init__(self, dbf: StoredFile, cpg: StoredFile | None = None) -> None:
        self.name = dbf.name
        self._dbf = dbf
        self._encoding = encoding_of(cpg.whole(_SMALL).decode("ascii", "replace") if cpg else "")
        self.size = dbf.size
        with dbf.opened() as (stream, _):
            self.columns = columns_of(dbf.name, stream)

    @override
    def features(self) -> Generator[Feature, None, None]:
        with self._dbf.opened() as (stream, done):
            for row, values in enumerate(rows_of(self.name, stream, self._encoding), start=1):
                if row % _EVERY == 1:
                    self.done = done()
                if values is not None:
                    yield Feature(row, values)
        self.done = self.size


class ShapeLayer(Layer):
    """A shapefile.

    Raises:
        GeodataUnusable: its .dbf is missing, or a part is no such file.
    """

    def __init__(self, shp: StoredFile, dbf: StoredFile | None, prj: StoredFile | None = None, cpg: StoredFile | None = None) -> None:
        if dbf is None:
            raise GeodataUnusable(
                f"{shp.name} lacks its .dbf, which holds the names and numbers; put it beside the .shp under the same name"
            )
        self.name = shp.name
        self._shp = shp
        self._dbf = dbf
        self._encoding = encoding_of(cpg.whole(_SMALL).decode("ascii", "replace") if cpg else "")
        self.reference = prj.whole(_SMALL).decode("utf-8", "replace") if prj else ""
        self.size = shp.size + dbf.size
        with dbf.opened() as (stream, _):
            self.columns = columns_of(dbf.name, stream)

    @override
    def features(self) -> Generator[Feature, None, None]:
        with ExitStack() as stack:
            shp, shp_done = stack.enter_context(self._shp.opened())
            dbf, dbf_done = stack.enter_context(self._dbf.opened())
            shapes = shapes_of(self.name, shp)
            for row, values in enumerate(rows_of(self._dbf.name, dbf, self._encoding), start=1):
                if row % _EVERY == 1:
                    self.done = shp_done() + dbf_done()
                try:
                    with failures_told(self.name):
                        shape = next(shapes)
                except StopIteration:
                    raise GeodataUnusable(f"{self.name} has fewer shapes than its .dbf has rows; fetch the shapefile again") from None
                if values is not None:
                    yield Feature(row, values, shape)
            if next(shapes, self) is not self:
                raise GeodataUnusable(f"{self.name} has more shapes than its .dbf has rows; fetch the shapefile again")
        self.done = self.size
