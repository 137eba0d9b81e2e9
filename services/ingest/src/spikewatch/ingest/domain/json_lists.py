"""Finds the records inside what JSON interfaces put around them: an object with one list, and the features of map servers."""

from collections.abc import Mapping
from typing import Final

__all__ = ["list_name", "without_feature"]

# What interfaces call the list; beside one of another name nothing else may stand but what tells of the answer as a whole.
_LISTS: Final = frozenset({
    "reports", "records", "overdoses", "features", "incidents", "data", "items", "results", "rows", "value", "entries", "cases",
    "events", "submissions", "list",
})  # fmt: skip
_OF_THE_ANSWER: Final = frozenset({
    "type", "name", "crs", "bbox", "count", "total", "totalcount", "recordcount", "totalrecords", "size", "limit", "offset", "page",
    "pages", "pagesize", "next", "previous", "prev", "first", "last", "self", "links", "href", "meta", "metadata", "pagination",
    "status", "success", "code", "message", "ok", "error", "errors", "version", "schema", "format", "generated", "generatedat",
    "exportedat", "exported", "created", "createdat", "updated", "updatedat", "timestamp", "date", "from", "to", "start", "end",
    "agency", "agencyid", "agencyname", "source", "sender", "fields", "fieldaliases", "geometrytype", "spatialreference",
    "displayfieldname", "objectidfieldname", "globalidfieldname", "exceededtransferlimit", "hasmore", "uniqueidfield",
})  # fmt: skip
_MOST_BESIDE: Final = 4  # further members beside a list of a known name: an object with more is a record that holds a list
_OF_A_FEATURE: Final = frozenset({"type", "geometry", "id", "attributes", "properties", "bbox", "centroid"})
_DEGREES: Final = (frozenset({"lat", "latitude", "y"}), frozenset({"lon", "lng", "long", "longitude", "x"}))


def list_name(value: Mapping[str, object]) -> str | None:
    """Return the member of an object that holds the records; None: it is a record itself, or nobody can tell which list is meant."""
    lists = [name for name, part in value.items() if _holds_objects(part)]
    if len(lists) > 1:  # of Esri: the columns stand beside the rows
        lists = [name for name in lists if _plain(name) not in _OF_THE_ANSWER]
    if len(lists) != 1:
        return None
    beside = [name for name, part in value.items() if name != lists[0] and _plain(name) not in _OF_THE_ANSWER and part is not None]
    return lists[0] if len(beside) <= (_MOST_BESIDE if _plain(lists[0]) in _LISTS else 0) else None


def without_feature(value: dict[str, object]) -> dict[str, object]:
    """Return the members of a feature of Esri or GeoJSON, with its point as ``lat`` and ``lon`` where they lack; else the object itself."""
    inner = value.get("attributes") if "attributes" in value else value.get("properties")
    if not isinstance(inner, dict) or not value.keys() <= _OF_A_FEATURE:
        return value
    point = _point(value.get("geometry"))
    stated = {_plain(name) for name, part in inner.items() if part is not None}
    if point is None or stated & _DEGREES[0] or stated & _DEGREES[1]:
        return inner
    kept = {name: part for name, part in inner.items() if _plain(name) not in _DEGREES[0] | _DEGREES[1]}
    return {**kept, "lat": point[0], "lon": point[1]}


def _point(geometry: object) -> tuple[float, float] | None:
    """Return degrees north and east. What lies outside the world is in another projection, and is no point here."""
    if not isinstance(geometry, dict):
        return None
    pair = geometry.get("coordinates") if geometry.get("type") == "Point" else [geometry.get("x"), geometry.get("y")]
    if not isinstance(pair, list) or len(pair) not in {2, 3}:
        return None
    east, north = pair[:2]
    if not _is_number(east) or not _is_number(north) or not (-180 <= east <= 180 and -90 <= north <= 90):
        return None
    return north, east


def _is_number(part: object) -> bool:
    return isinstance(part, int | float) and not isinstance(part, bool)


def _holds_objects(part: object) -> bool:
    return isinstance(part, list) and bool(part) and all(isinstance(one, dict) for one in part)


def _plain(name: str) -> str:
    return name.replace("_", "").replace("-", "").replace("@", "").replace(" ", "").lower()
