"""Finds the column of each field by what its name says and what its values are; the values have the last word."""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Final

from spikewatch.enrichment.adapters.geodata.column_look import Look
from spikewatch.enrichment.adapters.geodata.column_words import end_of_range, listed, side_besides
from spikewatch.enrichment.domain.geocoding.street_words import DIRECTIONS, TYPES

__all__ = ["areas_of", "coordinates", "first_of", "named", "nodes", "ranges", "street_name"]

_HERE: Final = ("physical", "phys", "situs", "site", "prop", "property", "premise", "location", "loc")
_ZIP: Final = frozenset((*listed("zip zip5 zipcode zipcd zcta postal postalcode postcode post code pcode zc 5 addr"), *_HERE))
_ZIP_MEANS: Final = ("zip", "zc", "post", "pcode")
_CITIES: Final = (
    frozenset((*listed("city cityname citynm citytown cty name nm inc post postal mail usps addr po"), *_HERE)),
    frozenset(listed("post postal msag inc uninc legal comm community muni munic municipality mcn mun name nm")),
    frozenset({"town", "township", "twp", "village", "place", "placename", "juris", "jurisdiction", "borough", "name", "nm"}),
)
_CITY_MEANS: Final = ("city", "cty", "comm", "muni", "mcn", "mun", "town", "twp", "vill", "place", "juris", "borough")
_STREETS: Final = {
    "fullname": 1.0, "fullstreetname": 1.0, "streetfullname": 1.0, "stfullname": 1.0, "fullstname": 1.0, "stnamfull": 1.0,
    "fullstreet": 1.0, "stfull": 1.0, "stnamecom": 1.0,
    "stnameconcat": 1.0, "ordstnameconcat": 1.0, "fullroadname": 1.0, "streetname": 0.9, "stname": 0.88,
    "street": 0.87, "strname": 0.87, "roadname": 0.86, "rdname": 0.86, "stnam": 0.85, "streetnam": 0.85, "strnam": 0.85, "road": 0.8,
    "fename": 0.8, "lstname": 0.78, "ordstname": 0.78, "addrstreet": 0.85, "basename": 0.6, "name": 0.6, "streetlabel": 0.6, "label": 0.45,
}  # fmt: skip
_STREET: Final = re.compile(
    r"l?(?:full)?(?:street|stree|str|st|road|rd)\d{0,2}(?:full)?(?:name|nam|nme|nm|label|concat|full)?(?:full|label|lab|concat|all|cat)?"
)
_STREET_WORDS: Final = frozenset({"street", "st", "str", "road", "rd", "strt"})
_NAME_WORDS: Final = frozenset({"name", "nam", "nm", "full", "concat", "label"})
_OTHER_THAN_NAME: Final = frozenset(
    listed(
        "alias alt alt1 alt2 altname old former prev cross from to left right intersect maint owner class type typ id code suffix prefix "
        "dir soundex number num no side low high legacy lst"
    )
)
_TYPE_MEANS: Final = ("typ", "suf", "sfx", "sttp", "ext", "namepot")
_BEFORE: Final = re.compile(r"pre|prd|pfx|dirp|pd$")
_AFTER: Final = re.compile(r"suf|sfx|pos|pod$|dirs|sd$|quad")
_DIRECTION_MEANS: Final = re.compile(rf"dir|{_BEFORE.pattern}|{_AFTER.pattern}")
# Where traffic goes, and on which side of the city's middle a block lies, is no part of the name.
_OTHER_DIRECTION: Final = re.compile(r"one_?way|travel|traf|flow|ewns|cross|seg|drive|snow|bike")
_NODE: Final = r"(?:tn|node|nd|int|junction|intersection|xnode)(?:id|no|num|number|cnn)?"
_FROM_NODE: Final = re.compile(rf"(?:from|frm|fr|f|start|begin|beg|b){_NODE}|{_NODE}(?:from|frm|fr|f|start)|refinid")
_TO_NODE: Final = re.compile(rf"(?:to|t|end|e){_NODE}|{_NODE}(?:to|t|end)|nrefinid")
_LATITUDES: Final = listed("latitude lat latdd latdec primlatdec latitudedd ycoord ycoordinate pointy y gpsy northing intptlat")
_LONGITUDES: Final = listed(
    "longitude lon lng long londd longdd longdec primlongdec longitudedd xcoord xcoordinate pointx x gpsx easting intptlon"
)
# Of one range for both sides; TOADDR is the right side's where FRADDL stands beside it.
_ONE_RANGE: Final = {
    f"{one}{number}": end
    for end, ones in (("from", listed("from fr low lo begin start min")), ("to", listed("to high hi end max")))
    for one in ones
    for number in listed("addr address add addrs hn num number house housenumber addrnum range")
}
_STATES: Final = listed("statefp statefp20 statefp10 state statel lstate stateleft leftstate statecode stateabbr stusps region st")
_COUNTY: Final = frozenset(listed("county cnty cnt co code cd name nm nam fips fp id"))
_COUNTY_NUMBERS: Final = listed("countyfp countyfp20 countyfp10 cntyfips countyfips")
_SEEN_IN: Final = 0.5


def first_of(looks: Iterable[Look], *tests: Callable[[Look], bool]) -> Look | None:
    """Return the first column that passes the first test that any passes."""
    listed = list(looks)
    return next((look for test in tests for look in listed if test(look)), None)


def named(looks: Sequence[Look], names: Iterable[str]) -> list[Look]:
    """Return the columns of such names, in the order of the names."""
    return [look for name in names for look in looks if look.letters == name]


def ranges(looks: Sequence[Look]) -> dict[str, str]:
    """Return the columns of house numbers by field; empty when no side has both ends."""
    found: dict[str, Look] = {}
    alone = {field: look for look in looks if (field := _ONE_RANGE.get(look.letters)) and look.house_numbers > _SEEN_IN}
    if len(alone) == 2 and not any((told := end_of_range(look.name)) and told[0] == "left" for look in looks):
        return {field: look.name for field, look in alone.items()}
    for look in looks:
        end = end_of_range(look.name)
        if end is None or (look.stated and look.house_numbers < _SEEN_IN):
            continue
        field = f"{end[0]}_{end[1]}"
        if field not in found or look.filled > found[field].filled:
            found[field] = look
    whole = [side for side in ("left", "right") if f"{side}_from" in found and f"{side}_to" in found]
    return {f"{side}_{end}": found[f"{side}_{end}"].name for side in whole for end in ("from", "to")}


def street_name(looks: Sequence[Look]) -> dict[str, str]:
    """Return the columns of the street's name: one for all of it, or its parts, or one and what it lacks."""
    rated = [(rate, look) for look in looks if (rate := _is_street(look))]
    if not rated:
        return {}
    name = max(rated, key=lambda pair: (pair[0] + 0.3 * pair[1].typed_names) * min(1.0, 0.2 + pair[1].filled))[1]
    found = {"name": name.name}
    others = [look for look in looks if look is not name]
    directed = [look for look in others if _is_direction(look) and not _AFTER.search(look.letters)]
    parts = {
        "type": _best(others, _is_type),
        "pre_type": _best(others, _is_type_before),
        "pre_direction": _best([look for look in directed if _BEFORE.search(look.letters)] or directed, _is_direction),
        "post_direction": _best(others, lambda look: _is_direction(look) and bool(_AFTER.search(look.letters))),
    }
    for field, look in parts.items():
        if look is not None and _lacks(name, look, field):
            found[field] = look.name
    # Of a rare direction the first rows may say nothing: 117TH ST SW of a city with no other SW is in row 30,000.
    if name.typed_names < _SEEN_IN:
        silent = [look for look in others if not look.stated and "dir" in look.letters and not _OTHER_DIRECTION.search(look.letters)]
        for field, told in (("pre_direction", _BEFORE), ("post_direction", _AFTER)):
            for look in silent:
                if told.search(look.letters):
                    found.setdefault(field, look.name)
    return found


def areas_of(looks: Sequence[Look], *, sides: bool) -> dict[str, str]:
    """Return the columns of ZIP code and city, for each side where the file tells them apart and ``sides`` asks for it."""
    found: dict[str, str] = {}
    zips = [look for look in looks if any(map(look.letters.__contains__, _ZIP_MEANS)) and look.zips > 0.8]
    _take_sides(found, "zip", zips, partial(_side_of, _ZIP), sides=sides)
    cities = [look for look in looks if any(map(look.letters.__contains__, _CITY_MEANS)) and look.worded > 0.9]
    for group in _CITIES:
        if not any("city" in field for field in found):
            _take_sides(found, "city", cities, partial(_side_of, group), sides=sides)
    state = next((look for look in named(looks, _STATES) if look.stated and all(len(value) == 2 for value in look.stated)), None)
    county = first_of(
        looks,
        lambda look: look.counties > 0.95 and ("county" in look.letters or "fips" in look.letters or _is_county(look)),
        lambda look: look.letters in _COUNTY_NUMBERS and look.numbers > 0.95,
        lambda look: _is_county(look) and "co" in look.letters and look.worded > 0.9,
    )
    if county is not None:
        found["county"] = county.name
        if state is not None:
            found["state"] = state.name
    return found


def nodes(looks: Sequence[Look]) -> dict[str, str]:
    """Return the columns with the numbers of a segment's two crossings."""
    first, last = ([look for look in looks if name.fullmatch(look.letters) and look.filled > _SEEN_IN] for name in (_FROM_NODE, _TO_NODE))
    return {"from_node": first[0].name, "to_node": last[0].name} if first and last else {}


def coordinates(looks: Sequence[Look]) -> dict[str, str]:
    """Return the columns of latitude and longitude; those in degrees before others, which are refused later by their values."""
    lats = [look for look in named(looks, _LATITUDES) if look.numbers > _SEEN_IN]
    lons = [look for look in named(looks, _LONGITUDES) if look.numbers > _SEEN_IN]
    lat = max(lats, key=lambda look: look.within(-90, 90) > 0.9, default=None)
    lon = max(lons, key=lambda look: look.within(-180, 180) > 0.9, default=None)
    return {"lat": lat.name, "lon": lon.name} if lat and lon else {}


def _take_sides(found: dict[str, str], field: str, looks: Sequence[Look], side: Callable[[Look], str | None], *, sides: bool) -> None:
    by_side: dict[str, Look] = {}
    for look in looks:
        of = side(look)
        if of is not None and (of not in by_side or look.filled > by_side[of].filled):
            by_side[of] = look
    if sides and "left" in by_side and "right" in by_side:
        found[f"left_{field}"], found[f"right_{field}"] = by_side["left"].name, by_side["right"].name
    elif one := by_side.get("both") or by_side.get("left") or by_side.get("right"):
        found[field] = one.name


def _is_county(look: Look) -> bool:
    return look.letters == "geoid" or side_besides(look.name, _COUNTY) is not None


def _side_of(meaning: frozenset[str], look: Look) -> str | None:
    return side_besides(look.name, meaning)


def _is_street(look: Look) -> float:
    if look.stated and (
        look.share(_has_name) < _SEEN_IN or look.types > 0.8 or look.directions > 0.8 or look.addresses > 0.8 > look.typed_names
    ):
        return 0.0
    if look.letters in _STREETS:
        return _STREETS[look.letters]
    if _STREET.fullmatch(look.letters) or (look.words & _STREET_WORDS and look.words & _NAME_WORDS and not look.words & _OTHER_THAN_NAME):
        return 0.8
    return 0.0


def _has_name(value: str) -> bool:
    return any(map(str.isalpha, value)) or (value.isdigit() and len(value) < 4)  # a street may be called 12


def _is_type(look: Look) -> bool:
    return _says(look, _TYPE_MEANS) and not _BEFORE.search(look.letters) and (look.types > 0.7 if look.stated else False)


def _is_type_before(look: Look) -> bool:
    return bool(_BEFORE.search(look.letters)) and "typ" in look.letters and look.worded > 0.7


def _is_direction(look: Look) -> bool:
    told = _DIRECTION_MEANS.search(look.letters) and not _OTHER_DIRECTION.search(look.letters)
    return bool(told) and look.directions > 0.9


def _says(look: Look, parts: Iterable[str]) -> bool:
    return any(part in look.letters for part in parts)


def _best(looks: Sequence[Look], test: Callable[[Look], bool]) -> Look | None:
    return max((look for look in looks if test(look)), key=lambda look: look.filled, default=None)


def _lacks(name: Look, part: Look, field: str) -> bool:
    """Tell whether names lack what a part says, in most of the rows that state it."""
    stated = [(whole.upper().split(), value.upper()) for whole, value in zip(name.values, part.values, strict=True) if whole and value]
    has = 0
    for whole, value in stated:
        normal = DIRECTIONS.get(value) if field.endswith("direction") else TYPES.get(value.rstrip("."))
        known = DIRECTIONS if field.endswith("direction") else TYPES
        near = whole[:1] if field.startswith("pre") else whole[-1:] if field == "post_direction" else whole[-2:]
        has += any(known.get(word) == normal for word in near) if normal else value in " ".join(whole)
    return bool(stated) and has < _SEEN_IN * len(stated)
