"""Tells what a layer is, from its shapes, the names of its columns and the values of its first rows."""

import re
from collections.abc import Sequence
from contextlib import closing
from itertools import islice
from typing import Final

from spikewatch.enrichment.adapters.geodata.column_guess import areas_of, coordinates, first_of, named, nodes, ranges, street_name
from spikewatch.enrichment.adapters.geodata.column_look import Look
from spikewatch.enrichment.adapters.geodata.column_map import ColumnMap, Kind
from spikewatch.enrichment.adapters.geodata.column_words import listed
from spikewatch.enrichment.adapters.geodata.layer import Feature, Layer, Position, Shape, ShapeKind
from spikewatch.enrichment.adapters.geodata.node_check import nodes_fit
from spikewatch.enrichment.adapters.geodata.shapes import ShapeUnreadable, shape_of_wkt
from spikewatch.enrichment.adapters.geodata.unusable import NothingKnown

__all__ = ["SAMPLE", "propose", "sample_of", "shape_in"]

SAMPLE: Final = 2_000
"""Rows that are looked at."""
_HOUSES: Final = listed(
    "housenumber addnumber addressnumber addrnumber addrnum addrno addressno stno stnum stnumber streetnumber streetno streetnum housenum "
    "houseno hsenbr hsenum hseno hnum hn addrhn number num hse house addno primaryaddressnumber stnbr addrnbr addressnum numb anumber "
    "addrnocom addressnumbercomplete addnumfull addnofull physicalstreetnum situsstreetnum"
)  # fmt: skip
_ADDRESSES: Final = listed(
    "fulladdress fulladdr address addressfull siteaddress siteaddr streetaddress fulladd addressline addrfull addr address1 locaddress "
    "propertyaddress propaddr physicaladdress situsaddress location addressline1 addrline1"
)
_NAMES: Final = listed(
    "name fullname featurename landmark landmarkname placename facility facilityname title poi poiname parkname schoolname station "
    "sitename label nhood neighborhood neighbourhood namelsad"
)
_ALIASES: Final = ("alias", "aliasname", "altname", "alternatename", "oldname", "formername", "alsoknownas", "aka")
_ALIAS_OF: Final = ("street", "streetname", "fullname", "name", "official", "officialname", "newname", "currentname", "stname")
_ZIPS: Final = listed("zcta5ce20 zcta5ce10 zcta5ce zcta zcta5 zip zipcode zip5 postalcode postcode geoid20 geoid10 geoid name")
_CITY_NAMES: Final = listed("city cityname town township municipality municipal muni munname place placename name citynm namelsad")
_COUNTY_CODES: Final = ("geoid", "geoid20", "geoid10", "fips", "countyfips", "fipscode", "cofips", "cntyfips", "geoidfq")
_RADII: Final = ("radiusm", "radius")
_COUNTY_NAMES: Final = ("county", "countyname", "countynm", "name", "cntyname", "namelsad")
_CITY_MARKS: Final = frozenset(
    listed("placefp placefp20 cousubfp cousubfp20 municipal municipality muni munname city cityname town township placens")
)
_FINER: Final = frozenset(listed("tractce tractce20 blkgrpce blockce blockce20 placefp cousubfp tractce10 zcta5ce10 zcta5ce20"))
_HOUSE: Final = re.compile(
    r"(?:primary|full)?(?:house|hse|address|addr|add|adr|street|str|st|site|situs|loc|building|bldg)+(?:number|numb|num|nmbr|nbr|no|nb)"
)
_PREMISES: Final = re.compile(r"add|situs|premis")
_OWNER: Final = re.compile(r"mail|(?<!t)own|bill|tax|contact|home|resid")
_MOST_HOUSES: Final = 0.75


def sample_of(layer: Layer) -> list[Feature]:
    """Return the first rows that can be used."""
    with closing(layer.features()) as features:
        return list(islice((feature for feature in features if not feature.problem), SAMPLE))


def shape_in(feature: Feature, column: int | None) -> Shape | None:
    """Return a row's shape: its own, else the one written in a column; None when it has none that can be read."""
    if feature.shape is not None or column is None:
        return feature.shape
    try:
        return shape_of_wkt(feature.values[column])
    except ShapeUnreadable:
        return None


def propose(layer: Layer, sample: Sequence[Feature], kind: Kind | None = None) -> ColumnMap:
    """Return what a layer is taken for.

    Args:
        layer: the layer.
        sample: its first rows.
        kind: what people say that it is; None: told by the file.

    Raises:
        NothingKnown: it is nothing that is known, or lacks what a layer of that kind must have.
    """
    if not sample:
        raise NothingKnown(f"{layer.name} has no row that can be read")
    looks = [Look(place, name, [feature.values[place] for feature in sample]) for place, name in enumerate(layer.columns)]
    draft = _Draft(layer.name, looks, sample)
    return draft.map_for(kind or draft.kind())


class _Draft:
    def __init__(self, name: str, looks: Sequence[Look], sample: Sequence[Feature]) -> None:
        self._name = name
        self._looks = looks
        self._sample = sample
        written = first_of(looks, lambda look: bool(look.shape_word) and look.filled > 0.5)
        own = next((feature.shape for feature in sample if feature.shape is not None), None)
        self._geometry: dict[str, str] = {}
        self._shape: ShapeKind | None = own.kind if own else None
        if own is None and written is not None:
            self._geometry = {"geometry": written.name}
            self._shape = {"POINT": ShapeKind.POINT, "LINESTRING": ShapeKind.LINE, "POLYGON": ShapeKind.POLYGON}[written.shape_word]
        elif own is None:
            self._geometry = coordinates(looks)
            self._shape = ShapeKind.POINT if self._geometry else None
        self._column = written.place if written is not None and self._geometry.get("geometry") else None

    def kind(self) -> Kind:
        """Tell the kind."""
        names = {look.letters for look in self._looks}
        if self._shape is None:
            if "tlid" in names:
                return Kind.NAMES
            if named(self._looks, _ALIASES) and named(self._looks, _ALIAS_OF):
                return Kind.ALIAS
            raise NothingKnown(
                f"{self._name} has neither shapes, nor columns of latitude and longitude, nor aliases of streets; say what it is with "
                "--map, or leave it out"
            )
        if self._shape is ShapeKind.LINE:
            return Kind.STREET
        if self._house() or self._address():
            return Kind.POINT
        if self._zip():
            return Kind.ZIP
        if self._county_code() and not names & _FINER:
            return Kind.COUNTY
        if self._shape is ShapeKind.POLYGON and names & _CITY_MARKS and named(self._looks, _CITY_NAMES):
            return Kind.CITY
        return Kind.LANDMARK

    def map_for(self, kind: Kind) -> ColumnMap:
        """Return the map."""
        match kind:
            case Kind.STREET:
                return self._street()
            case Kind.NAMES:
                return self._names()
            case Kind.POINT:
                return self._point()
            case Kind.ALIAS:
                return self._alias()
            case Kind.SKIP:
                return ColumnMap(Kind.SKIP)
            case _:
                return self._area(kind)

    def _street(self) -> ColumnMap:
        name = street_name(self._looks)
        if self._shape is not ShapeKind.LINE or not name:
            raise NothingKnown(
                f"{self._name} has no {'column with the name of a street' if not name else 'lines'}; say with --map which column it is"
            )
        numbers = ranges(self._looks)
        found = name | numbers | areas_of(self._looks, sides=True) | self._geometry
        crossing = nodes(self._looks)
        if crossing and self._nodes_fit(crossing):
            found |= crossing
        if edge := named(self._looks, ("tlid",)):
            found["edge"] = edge[0].name
        if road := named(self._looks, ("roadflg",)):
            found["is_road"] = road[0].name
        whole = len(numbers) == 4 and (set(name) > {"name"} or self._look(name["name"]).typed_names > 0.5)
        told = "house numbers on both sides" if len(numbers) == 4 else "house numbers of one range" if numbers else "no house numbers"
        return ColumnMap(Kind.STREET, found, 0.95 if whole else 0.8 if numbers else 0.6, f"lines with names of streets, {told}")

    def _names(self) -> ColumnMap:
        name, edge = street_name(self._looks), named(self._looks, ("tlid",))
        if not name or not edge:
            raise NothingKnown(f"{self._name} lacks TLID or the name of a street; say with --map which columns they are")
        return ColumnMap(Kind.NAMES, {"edge": edge[0].name, **name}, 0.95, "TLID and names without shapes, as in TIGER's FEATNAMES")

    def _point(self) -> ColumnMap:
        house, address = self._house(), self._address()
        name = street_name([look for look in self._looks if look is not house and look is not address]) if house else {}
        if self._shape is None or not (name or address):
            raise NothingKnown(f"{self._name} has no column with addresses, or no coordinates; say with --map which columns they are")
        if house and name:
            found, sure = {"number": house.name, **name}, 0.95
        else:
            found, sure = {"address": address.name if address else ""}, 0.85
        others = [look for look in self._looks if look is not address]
        if any("owner" in look.letters for look in others):  # then the city of the mail is the owner's, else the post office's
            others = [look for look in others if not _OWNER.search(look.letters)]
        found |= areas_of(others, sides=False) | self._geometry
        told = "house numbers and names of streets" if "number" in found else "whole addresses"
        return ColumnMap(Kind.POINT, found, sure, f"{self._shape}s with {told}")

    def _alias(self) -> ColumnMap:
        alias, street = named(self._looks, _ALIASES), named(self._looks, _ALIAS_OF)
        if not alias or not street:
            raise NothingKnown(f"{self._name} lacks a column called alias or one called street; say with --map which they are")
        return ColumnMap(Kind.ALIAS, {"alias": alias[0].name, "name": street[0].name}, 0.9, "a column of aliases and one of streets")

    def _area(self, kind: Kind) -> ColumnMap:
        code, zips = self._county_code(), self._zip()
        by_kind = {Kind.CITY: _CITY_NAMES, Kind.COUNTY: _COUNTY_NAMES}
        names = [look for look in named(self._looks, by_kind.get(kind, _NAMES)) if look.worded > 0.5 or not look.stated]
        name = zips if kind is Kind.ZIP else names[0] if names else None
        if self._shape is None or name is None or (kind is Kind.COUNTY and code is None):
            needs = {Kind.ZIP: "ZIP codes", Kind.COUNTY: "FIPS codes of counties and names"}.get(kind, "names")
            raise NothingKnown(f"{self._name} has no column with {needs}, or no coordinates; say with --map which columns they are")
        found = {"name": name.name} | ({"code": code.name} if kind is Kind.COUNTY and code else {}) | self._geometry
        radii = [look for look in named(self._looks, _RADII) if look.numbers > 0.5 and self._shape is ShapeKind.POINT]
        found |= {"radius_m": radii[0].name} if radii else {}
        if kind in {Kind.LANDMARK, Kind.ZIP}:
            found |= {field: column for field, column in areas_of(self._looks, sides=False).items() if field in {"county", "state"}}
        if kind is Kind.LANDMARK:
            found |= {
                field: column for field, column in areas_of(self._looks, sides=False).items() if field == "city" and column != name.name
            }
            sure = 0.7 if self._shape is ShapeKind.POINT else 0.5
            return ColumnMap(kind, found, sure, f"{self._shape}s with names; if they are cities: --kind FILE=city")
        what = {Kind.ZIP: "ZIP codes", Kind.COUNTY: "FIPS codes of counties", Kind.CITY: "names of cities"}[kind]
        return ColumnMap(kind, found, 0.9, f"{self._shape}s with {what}")

    def _house(self) -> Look | None:
        known = [*named(self._looks, _HOUSES), *(look for look in self._looks if _HOUSE.fullmatch(look.letters))]
        return next((look for look in known if look.house_numbers > _MOST_HOUSES and look.filled > 0.5), None)

    def _address(self) -> Look | None:
        known = [*named(self._looks, _ADDRESSES), *(look for look in self._looks if _PREMISES.search(look.letters))]
        return next((look for look in known if look.addresses > 0.5 and not _OWNER.search(look.letters)), None)

    def _zip(self) -> Look | None:
        # Each ZIP once or a few times: a file of anything else repeats them.
        zips = [look for look in named(self._looks, _ZIPS) if look.zips > 0.95 and (look.distinct > 0.5 or "zcta" in look.letters)]
        # GEOID is the ZIP code in files of ZCTAs alone; elsewhere its five digits are a county's.
        return next((look for look in zips if not look.letters.startswith("geoid") or "zcta" in self._name.lower()), None)

    def _county_code(self) -> Look | None:
        return next((look for look in named(self._looks, _COUNTY_CODES) if look.counties > 0.95 and look.distinct > 0.9), None)

    def _look(self, name: str) -> Look:
        return next(look for look in self._looks if look.name == name)

    def _nodes_fit(self, crossing: dict[str, str]) -> bool:
        first, last = self._look(crossing["from_node"]), self._look(crossing["to_node"])
        ends: list[tuple[str, Position]] = []
        for feature in self._sample:
            shape = shape_in(feature, self._column)
            if shape is not None:
                ends += [(feature.values[first.place], shape.parts[0][0]), (feature.values[last.place], shape.parts[-1][-1])]
        return nodes_fit(ends)
