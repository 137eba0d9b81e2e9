"""GeoJSON: one collection, or one feature a line, read feature by feature, so that a state's file needs no more memory than a town's."""

import io
import json
import re
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from itertools import islice
from typing import Any, Final

from typing_extensions import override

from spikewatch.enrichment.adapters.geodata.layer import Feature, Layer, Shape
from spikewatch.enrichment.adapters.geodata.shapes import shape_of_geojson
from spikewatch.enrichment.adapters.geodata.stored_file import StoredFile
from spikewatch.enrichment.adapters.geodata.text_lines import start_of_text, text_of
from spikewatch.enrichment.adapters.geodata.unusable import GeodataUnusable

__all__ = ["GeojsonLayer"]

_AT_ONCE: Final = 1 << 18
_LONGEST_FEATURE: Final = 1 << 27  # characters
_FEATURES: Final = re.compile(r'"features"\s*:\s*\[')
_CRS: Final = re.compile(r'"crs"\s*:\s*\{.{0,200}?"name"\s*:\s*"([^"]{1,200})"', re.DOTALL)
_SPACE: Final = re.compile(r"[\s,]*")
_FOR_COLUMNS: Final = 200  # features whose members are looked at for the columns
_EVERY: Final = 256


class GeojsonLayer(Layer):
    """A file of features. Its columns are the members that its first features have.

    Raises:
        GeodataUnusable: it is empty or holds no features.
    """

    def __init__(self, file: StoredFile) -> None:
        self.name = file.name
        self._file = file
        self.size = file.size
        self._encoding, text = start_of_text(file, "a GeoJSON FeatureCollection, or one feature a line")
        self._is_lines = not _FEATURES.search(text)
        if told := _CRS.search(text):
            self.reference = told[1]
        names: dict[str, None] = {}
        with closing(self._objects()) as objects:
            for _, feature in islice(objects, _FOR_COLUMNS):
                if isinstance(feature, dict):
                    names.update(dict.fromkeys(_properties(feature)))
        self.columns = tuple(names)

    @override
    def features(self) -> Generator[Feature, None, None]:
        found = False
        for row, feature in self._objects():
            if not isinstance(feature, dict) or ("geometry" not in feature and "properties" not in feature):
                yield Feature(row, ("",) * len(self.columns), problem="no GeoJSON feature")
                continue
            found = True
            properties = _properties(feature)
            values = tuple(_text(properties.get(name)) for name in self.columns)
            try:
                shape: Shape | None = shape_of_geojson(feature.get("geometry"))
            except (ValueError, TypeError, IndexError, KeyError):
                yield Feature(row, values, problem="a geometry that cannot be read")
                continue
            yield Feature(row, values, shape)
        if not found:
            raise GeodataUnusable(f"{self.name} holds no GeoJSON feature; expected a FeatureCollection, or one feature a line")
        self.done = self.size

    def _objects(self) -> Generator[tuple[int, Any], None, None]:
        with self._file.opened() as (stream, done), text_of(stream, self._encoding) as lines:
            read = self._lines if self._is_lines else self._members
            for count, found in enumerate(read(lines)):
                if count % _EVERY == 0:
                    self.done = done()
                yield found

    def _lines(self, lines: io.TextIOWrapper) -> Iterator[tuple[int, Any]]:
        row = 0
        while line := lines.readline(_LONGEST_FEATURE):
            row += 1
            text = line.strip("\x1e \t\r\n,")  # a record separator stands before each in GeoJSON text sequences
            if not text:
                continue
            try:
                yield row, json.loads(text)
            except ValueError:
                yield row, None

    def _members(self, lines: io.TextIOWrapper) -> Iterator[tuple[int, Any]]:
        """Return the members of ``features``, each cut off the text as soon as it is whole."""
        text = lines.read(_AT_ONCE)
        begin = _FEATURES.search(text)
        at = begin.end() if begin else len(text)
        decoder = json.JSONDecoder()
        row = 0
        while True:
            blank = _SPACE.match(text, at)
            at = blank.end() if blank else at
            if text.startswith("]", at):
                break
            try:
                member, at = decoder.raw_decode(text, at)
            except ValueError:
                more = lines.read(max(_AT_ONCE, len(text) - at))  # doubling: a long feature is not begun anew for every piece
                if not more or len(text) - at > _LONGEST_FEATURE:
                    raise GeodataUnusable(f"{self.name} breaks off or is no JSON after feature {row:,}; fetch it again") from None
                text, at = text[at:] + more, 0
                continue
            row += 1
            yield row, member


def _properties(feature: Mapping[str, Any]) -> Mapping[str, Any]:
    properties = feature.get("properties")
    return properties if isinstance(properties, dict) else {}


def _text(value: object) -> str:
    if isinstance(value, str):
        return value.strip()
    if value is None:
        return ""
    if isinstance(value, bool):
        return "Y" if value else "N"
    return str(value) if isinstance(value, int | float) else json.dumps(value)
