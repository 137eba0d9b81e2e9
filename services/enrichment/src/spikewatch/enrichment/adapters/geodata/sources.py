"""Reads files of any mixture: settles what each is, then gives the records of all, kind by kind, in bounded memory."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path
from typing import Final, TypeVar

from spikewatch.enrichment.adapters.geodata import layer_records
from spikewatch.enrichment.adapters.geodata.build_report import BuildReport, SourceReport
from spikewatch.enrichment.adapters.geodata.column_map import ColumnMap, Kind, MapFile
from spikewatch.enrichment.adapters.geodata.drawing_order import FALLING, in_drawing_order
from spikewatch.enrichment.adapters.geodata.layer import Feature, Layer, Position
from spikewatch.enrichment.adapters.geodata.layers import layers_of
from spikewatch.enrichment.adapters.geodata.mapped_rows import MappedLayer, coordinates_of
from spikewatch.enrichment.adapters.geodata.projection import projection_of
from spikewatch.enrichment.adapters.geodata.proposal import propose, sample_of, shape_in
from spikewatch.enrichment.adapters.geodata.unusable import GeodataUnusable, NothingKnown
from spikewatch.enrichment.domain.geocoding.records import AddressPoint, Alias, Landmark, PlaceArea, StreetSegment, Vintage

__all__ = ["Reading", "SourceOptions", "proposals", "read_sources"]

_Record = TypeVar("_Record")
_TIGER: Final = re.compile(r"(tl|cb)_(\d{4})_(us|\d{2}|\d{5})_(\w+?)(?:_\d+[km])?$", re.IGNORECASE)
_YEAR: Final = re.compile(r"(?<!\d)(?:19|20)\d{2}(?:-?[01]\d(?:-?[0-3]\d)?)?(?!\d)")
_KINDS: Final = {Kind.STREET: "street", Kind.POINT: "point", Kind.LANDMARK: "landmark", Kind.ALIAS: "alias", Kind.NAMES: "alias"}
_EVERY: Final = 512  # records between two looks at how far it is


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """What people say of the files; what they do not say is proposed.

    Attributes:
        maps: column maps by file.
        kinds: kinds by the file's name or a pattern of it.
        county: FIPS code for rows that have none.
        city: name of the city for rows that have none.
        vintage: year or day that all files describe.
    """

    maps: MapFile = field(default_factory=MapFile)
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    county: str = ""
    city: str = ""
    vintage: str = ""


class Reading:
    """The records of some files. Each method may be called once: reading counts what was kept.

    Attributes:
        report: what was read; whole when every record was taken.
        vintages: the sources, with their counts once they were read.
        size: bytes that all files have.
        passed_over: a sentence for each file of a folder or a zip that is nothing that is known.
    """

    def __init__(self, layers: Sequence[MappedLayer], passed_over: Sequence[str] = ()) -> None:
        self.passed_over = passed_over
        self._layers = layers
        self.report = BuildReport([mapped.report for mapped in layers])
        self.vintages: list[Vintage] = [mapped.report.vintage for mapped in layers]
        self.size = sum(mapped.layer.size for mapped in layers)
        self.tick: Callable[[], None] = lambda: None

    @property
    def done(self) -> int:
        """How many bytes were read so far."""
        return sum(mapped.layer.done for mapped in self._layers)

    def segments(self) -> Iterator[StreetSegment]:
        """Return the segments of all streets."""
        names: dict[str, dict[str, None]] = {}
        for mapped in self._of(Kind.NAMES):
            for edge, name in self._counted(mapped, layer_records.names_of_edges(mapped)):
                names.setdefault(edge, {})[name] = None
        by_edge = {edge: tuple(known) for edge, known in names.items()}
        for mapped in self._of(Kind.STREET):
            for segment, is_turned in in_drawing_order(self._counted(mapped, layer_records.segments(mapped, by_edge))):
                mapped.report.notes[FALLING] += is_turned
                yield segment
            mapped.report.notes += Counter()  # what was never counted is not told

    def points(self) -> Iterator[AddressPoint]:
        """Return all address points."""
        for mapped in self._of(Kind.POINT):
            yield from self._counted(mapped, layer_records.address_points(mapped))

    def landmarks(self) -> Iterator[Landmark]:
        """Return all landmarks."""
        for mapped in self._of(Kind.LANDMARK):
            yield from self._counted(mapped, layer_records.landmarks(mapped))

    def places(self) -> Iterator[PlaceArea]:
        """Return all ZIP codes, cities and counties."""
        for mapped in self._of(Kind.ZIP, Kind.CITY, Kind.COUNTY):
            yield from self._counted(mapped, layer_records.places(mapped))

    def aliases(self) -> Iterator[Alias]:
        """Return all aliases of streets."""
        for mapped in self._of(Kind.ALIAS):
            yield from self._counted(mapped, layer_records.aliases(mapped))

    def _of(self, *kinds: Kind) -> list[MappedLayer]:
        return [mapped for mapped in self._layers if mapped.report.column_map.kind in kinds]

    def _counted(self, mapped: MappedLayer, records: Iterator[_Record]) -> Iterator[_Record]:
        count = 0
        for count, record in enumerate(records, start=1):
            if count % _EVERY == 0:
                self.tick()
            yield record
        vintage = mapped.report.vintage._replace(records=count)
        mapped.report.vintage = self.vintages[mapped.source] = vintage
        self.tick()


def read_sources(paths: Sequence[Path], options: SourceOptions | None = None) -> Reading:
    """Settle what the files are, and return their records, which are read when they are taken.

    Raises:
        GeodataUnusable: a file cannot be read, is nothing that is known, or is not in degrees.
    """
    given = options or SourceOptions()
    mapped: list[MappedLayer] = []
    passed_over: list[str] = []
    for path in paths:
        dated = _day_of(path)
        layers = layers_of(path)
        for layer in layers:
            try:
                column_map, sample = _map_of(layer, given)
            except NothingKnown as error:
                # Of a folder or a zip not every file is meant; one that was named is.
                if len(layers) == 1:
                    raise
                passed_over.append(str(error))
                continue
            if column_map.kind is Kind.SKIP:
                continue
            report = SourceReport(layer.name, column_map, _vintage(layer, column_map, dated))
            places = {name: layer.columns.index(column) for name, column in column_map.columns.items() if column in layer.columns}
            projection = projection_of(layer, _positions(sample, places))
            mapped.append(MappedLayer(layer, report, projection, len(mapped)))
    if not mapped:
        why = passed_over[0] if passed_over else "no file is left to build from; give at least one file of streets or address points"
        raise GeodataUnusable(why)
    return Reading(mapped, passed_over)


def proposals(path: Path, options: SourceOptions | None = None) -> list[tuple[Layer, ColumnMap]]:
    """Return what each layer of a path would be taken for; of several, one that is nothing that is known would be passed over.

    Raises:
        GeodataUnusable: one cannot be read, or the only one is nothing that is known.
    """
    given = options or SourceOptions()
    layers = layers_of(path)
    found: list[tuple[Layer, ColumnMap]] = []
    for layer in layers:
        try:
            found.append((layer, _map_of(layer, given)[0]))
        except NothingKnown as error:
            if len(layers) == 1:
                raise
            found.append((layer, ColumnMap(Kind.SKIP, sure=0.0, why=str(error))))
    return found


def _map_of(layer: Layer, options: SourceOptions) -> tuple[ColumnMap, list[Feature]]:
    kind = next((kind for pattern, kind in options.kinds.items() if _is_meant(layer.name, pattern)), None)
    found = options.maps.of(layer)
    if Kind.SKIP in {kind, found.kind if found else None}:
        return ColumnMap(Kind.SKIP), []
    sample = sample_of(layer)
    if found is None:
        found = propose(layer, sample, kind)
    tiger = _tiger(layer)
    county = tiger[3] if tiger and len(tiger[3]) == 5 else ""
    return replace(
        found,
        county=found.county or options.county or county,
        city=found.city or options.city,
        vintage=found.vintage or options.vintage,
    ), sample


def _is_meant(name: str, pattern: str) -> bool:
    plain = pattern.rpartition("/")[2]
    inner, outer = name.rpartition("/")[2], name.partition("/")[0]
    return any(fnmatch(one, pattern) or one == plain for one in (name, inner, outer))


def _tiger(layer: Layer) -> re.Match[str] | None:
    return _TIGER.search(_stem(layer))


def _stem(layer: Layer) -> str:
    return re.sub(r"(?:\.\w{2,8}){1,2}$", "", layer.name.rpartition("/")[2])


def _vintage(layer: Layer, column_map: ColumnMap, dated: str) -> Vintage:
    kind = _KINDS.get(column_map.kind, "area")
    if tiger := _tiger(layer):
        program = "TIGER/Line" if tiger[1].lower() == "tl" else "Census cartographic boundary"
        name, date = f"{program} {tiger[4].upper()} {tiger[3]}", tiger[2]
    else:
        year = _YEAR.search(_stem(layer))
        name, date = _stem(layer), year[0] if year else dated
    return Vintage(column_map.source or name, column_map.vintage or date, kind)


def _day_of(path: Path) -> str:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).date().isoformat() if path.exists() else ""


def _positions(sample: Sequence[Feature], places: dict[str, int]) -> Iterator[Position]:
    for feature in sample:
        try:
            shape = shape_in(feature, places.get("geometry")) or coordinates_of(feature, places)
        except ValueError:
            continue
        if shape is not None:
            yield shape.parts[0][0]
