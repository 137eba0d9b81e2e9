"""What a layer is taken for: its kind, and which column holds which field; written by the proposal or by people, as YAML."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final

import yaml

from spikewatch.enrichment.adapters.geodata.layer import Layer
from spikewatch.enrichment.adapters.geodata.unusable import GeodataUnusable

__all__ = ["FIELDS", "ColumnMap", "Kind", "MapFile", "map_text", "read_map_file"]


class Kind(StrEnum):
    """What the rows of a layer are."""

    STREET = "street"
    NAMES = "names"
    POINT = "point"
    LANDMARK = "landmark"
    ZIP = "zip"
    CITY = "city"
    COUNTY = "county"
    ALIAS = "alias"
    SKIP = "skip"


_STREET_NAME: Final = ("name", "type", "pre_type", "pre_direction", "post_direction")
_PLACE: Final = ("geometry", "lat", "lon")
_AREA: Final = (*_PLACE, "name", "code", "radius_m", "county", "state")
FIELDS: Final[Mapping[Kind, tuple[str, ...]]] = {
    Kind.STREET: (
        *_STREET_NAME, "left_from", "left_to", "right_from", "right_to", "from", "to", "left_zip", "right_zip", "zip", "left_city",
        "right_city", "city", "county", "state", "from_node", "to_node", "edge", "is_road", "geometry",
    ),
    Kind.NAMES: ("edge", *_STREET_NAME),
    Kind.POINT: ("number", *_STREET_NAME, "address", "zip", "city", "county", "state", *_PLACE),
    Kind.LANDMARK: ("name", "radius_m", "city", "county", "state", *_PLACE),
    Kind.ZIP: _AREA,
    Kind.CITY: _AREA,
    Kind.COUNTY: _AREA,
    Kind.ALIAS: ("alias", "name"),
    Kind.SKIP: (),
}  # fmt: skip
"""The fields that a layer of each kind may have."""
_OPTIONS: Final = ("file", "kind", "columns", "county", "city", "vintage", "source")


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """What a layer is taken for.

    Attributes:
        kind: of its rows.
        columns: the column that holds a field, by the field.
        sure: from 0 to 1, how sure the proposal is; 1 for what people wrote.
        why: what it was told by.
        county: FIPS code for rows that have none.
        city: name for rows that have none.
        vintage: year or day that the file describes; empty: told by the file's name, else by its own date.
        source: what people call the file's content; empty: its name.
    """

    kind: Kind
    columns: Mapping[str, str] = field(default_factory=dict)
    sure: float = 1.0
    why: str = "the map says so"
    county: str = ""
    city: str = ""
    vintage: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class MapFile:
    """Maps by the files they are meant for; the first that fits is taken."""

    entries: Sequence[tuple[str, ColumnMap]] = ()

    def of(self, layer: Layer) -> ColumnMap | None:
        """Return the map of a layer; None when none is meant for it."""
        name = layer.name
        return next((one for pattern, one in self.entries if fnmatch(name, pattern) or fnmatch(name.rpartition("/")[2], pattern)), None)


def map_text(name: str, proposed: ColumnMap) -> str:
    """Return an entry of a map file as YAML, with what the proposal was told by."""
    entry: dict[str, Any] = {"file": name, "kind": proposed.kind.value}
    entry |= {key: value for key in ("county", "city", "vintage", "source") if (value := getattr(proposed, key))}
    if proposed.columns:
        entry["columns"] = dict(proposed.columns)
    text = yaml.safe_dump([entry], sort_keys=False, allow_unicode=True, width=1000)
    lines = [f"  {line}" for line in text.splitlines()]
    return "\n".join([f"  # {proposed.sure:.0%} sure: {proposed.why}", *lines]) + "\n"


def read_map_file(path: Path) -> MapFile:
    """Read a map file.

    Raises:
        GeodataUnusable: it cannot be read or says what no map says.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise GeodataUnusable(f"{path} cannot be read ({type(error).__name__}); check its path") from None
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", -1) + 1
        raise GeodataUnusable(
            f"{path} is no YAML{f', see line {line}' if line else ''}; spikewatch geodata propose FILE writes one"
        ) from None
    entries = content.get("files") if isinstance(content, dict) and set(content) <= {"files"} else None
    if not isinstance(entries, list) or not entries:
        raise GeodataUnusable(f"{path} has no list under files; spikewatch geodata propose FILE writes one")
    return MapFile([_entry(path, place, one) for place, one in enumerate(entries, start=1)])


def _entry(path: Path, place: int, entry: Any) -> tuple[str, ColumnMap]:
    where = f"{path}, entry {place}"
    if not isinstance(entry, dict) or not all(isinstance(key, str) for key in entry) or "file" not in entry or "kind" not in entry:
        raise GeodataUnusable(f"{where} lacks file or kind; expected file: NAME, kind: {'|'.join(Kind)}, columns: FIELD: COLUMN")
    if unknown := [key for key in entry if key not in _OPTIONS]:
        raise GeodataUnusable(f"{where}: {unknown[0]!r} is not known; expected one of {', '.join(_OPTIONS)}")
    try:
        kind = Kind(str(entry["kind"]))
    except ValueError:
        raise GeodataUnusable(f"{where}: the kind is not known; expected one of {', '.join(Kind)}") from None
    columns = entry.get("columns") or {}
    if not isinstance(columns, dict):
        raise GeodataUnusable(f"{where}: columns is no mapping; expected FIELD: COLUMN")
    for name in columns:
        if name not in FIELDS[kind]:
            raise GeodataUnusable(f"{where}: {kind} has no field {name!r}; expected some of {', '.join(FIELDS[kind])}")
    county, city, vintage, source = ("" if entry.get(key) is None else str(entry[key]) for key in ("county", "city", "vintage", "source"))
    if county and not (len(county) == 5 and county.isdigit()):
        raise GeodataUnusable(f"{where}: county is no FIPS code; expected five digits in quotes, for example '06075'")
    named = {name: str(column) for name, column in columns.items()}
    return str(entry["file"]), ColumnMap(kind, named, county=county, city=city, vintage=vintage, source=source)
