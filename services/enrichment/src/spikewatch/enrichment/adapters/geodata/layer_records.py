"""Makes records of a mapped layer's rows: segments, address points, landmarks, areas and aliases."""

import re
from collections.abc import Iterator, Mapping
from sys import intern
from typing import Final

from spikewatch.enrichment.adapters.geodata.column_look import hyphened_number, number
from spikewatch.enrichment.adapters.geodata.column_map import Kind
from spikewatch.enrichment.adapters.geodata.layer import ShapeKind
from spikewatch.enrichment.adapters.geodata.mapped_rows import MappedLayer, Row, zip5
from spikewatch.enrichment.adapters.geodata.shapes import line_of, middle_of, point_of
from spikewatch.enrichment.domain.geocoding.records import AddressPoint, Alias, Landmark, PlaceArea, StreetSegment

__all__ = ["address_points", "aliases", "landmarks", "names_of_edges", "places", "segments", "split_address"]

_ADDRESS: Final = re.compile(
    r"((?:[NSEW]\d{1,5}\s?[NSEW](?=\d)|[NSEW](?=\d{3}))?\d{1,7}(?:\s?-\s?\d{1,7})?)[A-Za-z]?(?:\s+1/[24])?\s+(.*\S)", re.DOTALL
)
# What follows a street: anything after a comma, or a word for a unit with its number or letter. FLORIDA ST and LOT RD are streets.
_UNIT: Final = re.compile(
    r"\s*[,;#(].*|\s+(?:APT|APARTMENT|UNIT|STE|SUITE|RM|ROOM|FL|FLOOR|BLDG|LOT|TRLR|SPC|SPACE)\b[ .#]*(?:\d\w*|[A-Z]\d*)\s*$",
    re.IGNORECASE | re.DOTALL,
)
_RADII: Final = {Kind.ZIP: 8_000.0, Kind.CITY: 10_000.0, Kind.COUNTY: 40_000.0}  # of what a file gives a point for, in metres
_HYPHENED_END: Final = re.compile(r"\s*\d{1,4}\s?-\s?\d{2}\s*")
_ENDS: Final = ("left_from", "left_to", "right_from", "right_to", "from", "to")
_LANDMARK_M: Final = 150.0
_NO: Final = frozenset({"N", "0", "NO", "FALSE"})
_NO_NAMES: Final = frozenset({"", "UNNAMED", "NO NAME", "UNNAMED ST", "UNNAMED STREET", "UNNAMED ROAD"})
_NO_CITIES: Final = frozenset({"UNINCORPORATED", "UNINC", "UNINCORPORATED AREA", "UNINCORPORATED COUNTY", "COUNTY"})


def split_address(address: str) -> tuple[int, str]:
    """Return the house number and the street of a whole address without its unit and city; 0 and nothing when it is none."""
    written, street = _number_and_street(address)
    return hyphened_number(written)[0], street


def _number_and_street(address: str) -> tuple[str, str]:
    match = _ADDRESS.match(address.strip())
    if match is None:
        return "", ""
    return match[1], " ".join(_UNIT.sub("", match[2]).split())


def names_of_edges(mapped: MappedLayer) -> Iterator[tuple[str, str]]:
    """Return the number of an edge and one of its names."""
    for row in mapped.rows(placed_only=False):
        name = row.whole_street()
        if not name or not row["edge"]:
            mapped.report.left_out["no name"] += 1
            continue
        mapped.report.kept += 1
        yield row["edge"], name


def segments(mapped: MappedLayer, names: Mapping[str, tuple[str, ...]]) -> Iterator[StreetSegment]:
    """Return the segments, one for each name of a piece of street.

    Args:
        mapped: the layer.
        names: further names by the edge's number, from TIGER's FEATNAMES.
    """
    report = mapped.report
    # ADDRFEAT has a row for each name of an edge already; only EDGES, which tells its roads from its rivers, lacks them.
    further = names if mapped.has("is_road") else {}
    for row in mapped.rows():
        others = further.get(row["edge"], ())
        if row["is_road"].upper() in _NO:
            report.left_out["no road"] += 1
        elif row["name"].upper() in _NO_NAMES and not others:
            report.left_out["no name"] += 1
        else:
            made = _segment(mapped, row)
            if made is None:
                continue
            report.kept += 1
            if made.name:
                yield made
            for other in others:
                if other.upper() != made.name.upper():
                    report.notes["a further name of the same piece of street"] += 1
                    yield made._replace(name=other, type="", pre_direction="", post_direction="")


def address_points(mapped: MappedLayer) -> Iterator[AddressPoint]:
    """Return the address points, the same one after itself (flats of one house) once."""
    report = mapped.report
    whole = not mapped.has("number")
    city = report.column_map.city
    last: AddressPoint | None = None
    for row in mapped.rows():
        if whole:
            written, street = _number_and_street(row["address"])
        else:
            written, street = row["number"], row.whole_street()
        house, house_to = hyphened_number(written)
        if not house or not street:
            report.left_out["no house number" if street else "no name of a street"] += 1
            continue
        if row.shape is None:
            continue
        lon, lat = point_of(row.shape)
        made = AddressPoint(
            house, street, lat, lon, zip5(row["zip"]), _city(row, "city") or city, mapped.county(row), mapped.source, house_to
        )
        report.kept += 1
        if made == last:
            report.notes["the same address again"] += 1
            continue
        last = made
        yield made


def landmarks(mapped: MappedLayer) -> Iterator[Landmark]:
    """Return the landmarks."""
    for row, name, lat, lon, radius in _named(mapped, _LANDMARK_M):
        yield Landmark(name, lat, lon, radius, _city(row, "city") or mapped.report.column_map.city, mapped.county(row), mapped.source)


def places(mapped: MappedLayer) -> Iterator[PlaceArea]:
    """Return the areas with a name."""
    kind = mapped.report.column_map.kind
    for row, name, lat, lon, radius in _named(mapped, _RADII[kind]):
        if kind is Kind.ZIP:
            code = zip5(name)
            if not code:
                mapped.report.left_out["no ZIP code"] += 1
                mapped.report.kept -= 1
                continue
            yield PlaceArea("zip", code, lat, lon, radius, code, mapped.county(row), mapped.source)
        elif kind is Kind.COUNTY:
            code = row["code"].zfill(5) if row["code"].isdigit() else row["code"]
            yield PlaceArea("county", name, lat, lon, radius, code, code, mapped.source)
        else:
            yield PlaceArea("city", name, lat, lon, radius, row["code"], mapped.county(row), mapped.source)


def aliases(mapped: MappedLayer) -> Iterator[Alias]:
    """Return the aliases of streets."""
    for row in mapped.rows(placed_only=False):
        if not row["alias"] or not row["name"]:
            mapped.report.left_out["no alias or no street"] += 1
            continue
        mapped.report.kept += 1
        yield Alias(row["alias"], row["name"], mapped.source)


def _segment(mapped: MappedLayer, row: Row) -> StreetSegment | None:
    report = mapped.report
    if row.shape is None or row.shape.kind is not ShapeKind.LINE:
        report.left_out["no line"] += 1
        return None
    line, is_whole = line_of(row.shape)
    if len(line) < 2 or line[0] == line[-1] == line[len(line) // 2]:
        report.left_out["a line without length"] += 1
        return None
    if not is_whole:
        report.notes["a line in pieces that do not meet: its longest is taken"] += 1
    left, right = _side(mapped, row, "left"), _side(mapped, row, "right")
    if mapped.has("from"):
        left, right = _both_sides(_end(row["from"]), _end(row["to"]))
    city = report.column_map.city
    first, last = _node(row["from_node"]), _node(row["to_node"])
    # All segments of a county are held at once, and share the texts that many of them have.
    return StreetSegment(
        name=intern(" ".join(f"{row['pre_type']} {row['name']}".split())),
        line=line,
        left_from=left[0],
        left_to=left[1],
        right_from=right[0],
        right_to=right[1],
        left_zip=intern(zip5(row.first("left_zip", "zip"))),
        right_zip=intern(zip5(row.first("right_zip", "zip"))),
        left_city=intern(_city(row, "left_city", "city") or city),
        right_city=intern(_city(row, "right_city", "city") or city),
        county=mapped.county(row),
        # A line of which only a piece is taken does not end where the file says; then equal end points tell the crossings.
        from_node=first if first is not None and last is not None and is_whole else None,
        to_node=last if first is not None and last is not None and is_whole else None,
        type=intern(row["type"]),
        pre_direction=intern(row["pre_direction"]),
        post_direction=intern(row["post_direction"]),
        source=mapped.source,
        is_hyphened=any(_HYPHENED_END.fullmatch(row[field]) for field in _ENDS),
    )


def _city(row: Row, *fields: str) -> str:
    """Return the city; what lies in none is told by a word in NG9-1-1 and NAD, which is no city's name."""
    return "" if (told := row.first(*fields)).upper() in _NO_CITIES else told


def _end(text: str) -> int:
    """Return the number at one end of a range; a hyphen there can only be part of the number: 52-01 is 5201."""
    first, second = hyphened_number(text)
    return first * 100 + second if _HYPHENED_END.fullmatch(text) else first


def _side(mapped: MappedLayer, row: Row, side: str) -> tuple[int, int]:
    first, last = _end(row[f"{side}_from"]), _end(row[f"{side}_to"])
    if bool(first) == bool(last):
        return first, last
    mapped.report.notes["one end of a range of house numbers is missing"] += 1
    known = first or last
    # 0 to 98 is the first block of a street, which begins with 2; elsewhere what is known is all that is known.
    other = (2 - known % 2) if known < 100 else known
    return (known, other) if first else (other, known)


def _both_sides(first: int, last: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the even and the odd numbers of one range for both sides; which side has which nobody told."""
    if not first or not last:
        return (0, 0), (0, 0)
    rising = first <= last
    low, high = min(first, last), max(first, last)
    even, odd = (low + low % 2, high - high % 2), (low + 1 - low % 2, high - 1 + high % 2)
    sides = [side if side[0] <= side[1] else (0, 0) for side in (even, odd)]
    ordered = [side if rising else side[::-1] for side in sides]
    return (ordered[0][0], ordered[0][1]), (ordered[1][0], ordered[1][1])


def _node(text: str) -> int | str | None:
    plain = text.removesuffix(".0")
    if not plain.strip("0"):
        return None
    return int(plain) if plain.isdigit() else plain


def _named(mapped: MappedLayer, radius_m: float) -> Iterator[tuple[Row, str, float, float, float]]:
    report = mapped.report
    for row in mapped.rows():
        name = row["name"]
        if name.upper() in _NO_NAMES or row.shape is None:
            report.left_out["no name"] += 1
            continue
        report.kept += 1
        told = number(row["radius_m"])
        if row.shape.kind is ShapeKind.POLYGON:
            (lon, lat), reach, is_sound = middle_of(row.shape)
            if not is_sound:
                report.notes["an outline that crosses itself or is not closed: put right for its middle"] += 1
        else:
            (lon, lat), reach = point_of(row.shape), radius_m
        yield row, name, lat, lon, told if told and told > 0 else reach
