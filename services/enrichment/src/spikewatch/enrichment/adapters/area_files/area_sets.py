"""Versioned sets of areas in the geography folder: one GeoJSON file a set, exchanged as a whole, older versions kept beside.

A version is the day it was loaded and the first digits of the hash of what it says, so that the same file loaded
again is the same version. The service reads the folder's ``*.geojson`` and takes up an exchanged one while it runs.
"""

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import shapely

from spikewatch.contracts.contract import area_kind
from spikewatch.enrichment.adapters.area_files.boundaries import Boundary
from spikewatch.enrichment.adapters.geojson_geography import GeographyError, geojson_file_places
from spikewatch.enrichment.domain.areas.drawing import Change, changes
from spikewatch.enrichment.domain.areas.naming import AreasUnusable, Naming, named

__all__ = ["AreaSet", "Loaded", "area_sets", "load", "newest_load", "proposed"]

MEMBER: Final = "spikewatch_set"
"""The member of the FeatureCollection that tells kind, version and when it was loaded; other readers pass it over."""

_VERSIONS: Final = "versions"  # a folder: the service reads only the files beside it
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_DIGITS: Final = 7  # of a degree: 1 cm, finer than any boundary is known


@dataclass(frozen=True, slots=True)
class AreaSet:
    """One file of the geography folder; version and time are None for a file that was put there by hand."""

    name: str
    kinds: tuple[str, ...]
    areas: int
    version: str | None
    loaded_at: datetime | None


@dataclass(frozen=True, slots=True)
class Loaded:
    """What loading did, or would do.

    Attributes:
        name: of the set.
        version: that it now has.
        areas: how many.
        source: where ids and names come from, one sentence.
        repaired: numbers of the features that crossed themselves and were put right.
        repeated: how many features said the same as an earlier one and were left out.
        changed: against the version before, None when there was none.
        is_new: whether a file was written, or would be; False when this very version was there.
    """

    name: str
    version: str
    areas: int
    source: str
    repaired: tuple[int, ...]
    repeated: int
    changed: list[Change] | None
    is_new: bool


@dataclass(frozen=True, slots=True)
class _Area:
    area: str
    name: str
    surface: shapely.Geometry


def proposed(boundaries: Sequence[Boundary], naming: Naming) -> tuple[list[_Area], str, int]:
    """Return the areas with their ids, where these come from, and how many repeated features were left out.

    Raises:
        AreasUnusable: see ``named``; or two different polygons would get one id.
    """
    ids, source = named([boundary.says for boundary in boundaries], naming)
    first: dict[str, tuple[int, shapely.Geometry]] = {}
    areas: list[_Area] = []
    repeated = 0
    for boundary, (area, name) in zip(boundaries, ids, strict=True):
        surface = shapely.normalize(shapely.transform(boundary.surface, lambda xy: xy.round(_DIGITS)))
        surface = surface if surface.is_valid else shapely.make_valid(surface)
        if area not in first:
            first[area] = boundary.row, surface
            areas.append(_Area(area, "".join(sign if sign.isprintable() else " " for sign in name[:128]), surface))
        elif shapely.equals_exact(first[area][1], surface):
            repeated += 1
        else:
            raise AreasUnusable(
                f"features {first[area][0]} and {boundary.row} would get the same id from different polygons; name a column that "
                "tells them apart with --id-column, or join them in the file"
            )
    return areas, source, repeated


def load(
    boundaries: Sequence[Boundary],
    naming: Naming,
    folder: Path,
    name: str,
    now: datetime,
    *,
    is_dry_run: bool = False,
    strict: bool = False,
) -> Loaded:
    """Write boundaries as a set of areas into the geography folder.

    Args:
        boundaries: the polygons of a file.
        naming: how they get ids.
        folder: the geography folder; made when it is not there.
        name: of the set; a set of this name is exchanged.
        now: with a time zone; the version's date.
        is_dry_run: write nothing.
        strict: refuse polygons that cross themselves in place of putting them right.

    Raises:
        AreasUnusable: nothing was written; says why.
        GeographyError: a file of the folder is wrong.
    """
    if not _NAME.fullmatch(name):
        raise AreasUnusable("the name of the set is wrong; expected lower-case letters, digits and hyphens, for example denver-districts")
    repaired = tuple(boundary.row for boundary in boundaries if boundary.is_repaired)
    if strict and repaired:
        raise AreasUnusable(f"features {', '.join(map(str, repaired))} cross themselves; draw them again, or leave --strict out")
    areas, source, repeated = proposed(boundaries, naming)
    before = {file.stem: _shapes(file) for file in sorted(folder.glob("*.geojson"))}
    for other, shapes in before.items():
        if other != name and (taken := sum(area.area in shapes for area in areas)):
            raise AreasUnusable(
                f"{taken} of {len(areas)} ids are in the set {other} already; give these a --prefix, or, where they are meant to take the "
                f"place of that set, --set {other}"
            )
    after = {area.area: area.surface for area in areas}
    changed = changes(before[name], after) if name in before else None
    body = [_feature(area) for area in sorted(areas, key=lambda area: area.area)]
    content = hashlib.sha256(json.dumps(body, ensure_ascii=False, sort_keys=True).encode()).hexdigest()
    present = _described(folder / f"{name}.geojson")
    if present.get("sha256") == content:
        return Loaded(name, str(present.get("version")), len(areas), source, repaired, repeated, changed, is_new=False)
    version = f"{now.astimezone(UTC):%Y-%m-%d}-{content[:12]}"
    if not is_dry_run:
        if name in before and "version" not in present:  # put there by hand: keep it too
            by_hand = (folder / f"{name}.geojson").read_bytes()
            _write(folder / _VERSIONS / name / f"by-hand-{hashlib.sha256(by_hand).hexdigest()[:12]}.geojson", by_hand.decode())
        described = {
            "kind": naming.kind,
            "version": version,
            "loaded_at": now.astimezone(UTC).isoformat(timespec="seconds"),
            "sha256": content,
        }
        text = json.dumps({"type": "FeatureCollection", MEMBER: described, "features": body}, ensure_ascii=False)
        _write(folder / _VERSIONS / name / f"{version}.geojson", text)
        _write(folder / f"{name}.geojson", text)
    return Loaded(name, version, len(areas), source, repaired, repeated, changed, is_new=True)


def area_sets(folder: Path) -> list[AreaSet]:
    """Return the sets of a geography folder, by name.

    Raises:
        GeographyError: a file is wrong.
    """
    found: list[AreaSet] = []
    for file in sorted(folder.glob("*.geojson")):
        places = geojson_file_places(file)
        described = _described(file)
        kinds = tuple(sorted({area_kind(place.area) for place in places}))
        found.append(AreaSet(file.stem, kinds, len({place.area for place in places}), described.get("version"), _loaded_at(described)))
    return found


def newest_load(folder: Path) -> int:
    """Return when the newest set of a geography folder was loaded, in seconds since 1970; 0 where none was loaded by command.

    This is the areas' part of ``geodata_version``. Files that cannot be read count as not loaded.
    """
    moments = [_loaded_at(_described(file)) for file in folder.glob("*.geojson")]
    return max((int(moment.timestamp()) for moment in moments if moment), default=0)


def _shapes(file: Path) -> dict[str, shapely.Geometry]:
    return {place.area: place.geometry for place in geojson_file_places(file)}


def _described(file: Path) -> Mapping[str, str]:
    try:
        collection: Any = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    told = collection.get(MEMBER) if isinstance(collection, dict) else None
    return {key: value for key, value in told.items() if isinstance(value, str)} if isinstance(told, dict) else {}


def _loaded_at(described: Mapping[str, str]) -> datetime | None:
    try:
        moment = datetime.fromisoformat(described.get("loaded_at", ""))
    except ValueError:  # none, or edited by hand
        return None
    return moment if moment.tzinfo else None


def _feature(area: _Area) -> dict[str, Any]:
    return {
        "type": "Feature",
        "properties": {"area": area.area, "name": area.name},
        "geometry": json.loads(shapely.to_geojson(area.surface)),
    }


def _write(file: Path, text: str) -> None:
    """Write a whole file or none: a reader sees the old one until the new one is on the disk."""
    draft = file.with_name(f".{file.name}.draft")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(file)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise GeographyError(f"{file.name} cannot be written ({type(error).__name__}); check the folder's rights and free space") from error
