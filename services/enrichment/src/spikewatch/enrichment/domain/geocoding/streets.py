"""The streets of an index in memory: names in a dictionary, house numbers and crossings of a street made when it is first asked for."""

from collections import OrderedDict
from typing import Final

from spikewatch.enrichment.domain.geocoding.lines import Lines
from spikewatch.enrichment.domain.geocoding.packed import Packed, texts, view
from spikewatch.enrichment.domain.geocoding.street_name import StreetName, shown
from spikewatch.enrichment.domain.geocoding.street_words import STRONG_TYPES

__all__ = ["SHORTEST_WORD", "Side", "Sides", "Street", "Streets"]

# Streets whose sides are kept ready. About 3 kB each, so 60 MB at the most; a city of a million people has some 10,000 streets.
_READY: Final = 20_000

SHORTEST_WORD: Final = 4
"""Letters of a word by which a longer name may be found."""

Side = tuple[int, int, int, int, bool, int]
"""Lowest and highest number, parity (0 even, 1 odd, 2 both), segment, whether it is the left side, context."""


class Sides:
    """All numbered sides of one street, by lowest number."""

    __slots__ = ("blocks", "lows", "reach", "sides")

    def __init__(self, sides: list[Side]) -> None:
        self.sides = sides
        self.blocks: dict[int, list[tuple[float, float, int, float]]] = {}  # kept when first asked for
        self.lows = [side[0] for side in sides]
        self.reach: list[int] = []
        top = 0
        for side in sides:
            top = max(top, side[1])
            self.reach.append(top)


class Street:
    """One name of a street and where its segments stand in the arrays."""

    __slots__ = ("first", "is_hyphened", "last", "name", "number", "point_first", "point_last", "shown")

    def __init__(self, number: int, name: StreetName, spans: tuple[int, int, int, int], *, is_hyphened: bool = False) -> None:
        self.number = number
        self.is_hyphened = is_hyphened
        self.name = name
        self.shown = shown(name._replace(words=_long(name.words)) if name.type != "ROUTE" else name)
        self.first, self.last, self.point_first, self.point_last = spans


class Streets:
    """Every street by its key, over the packed arrays."""

    def __init__(self, packed: Packed) -> None:
        arrays = packed.arrays
        self.lines = Lines(arrays)
        self.left_from, self.left_to = view(arrays["left_from"]), view(arrays["left_to"])
        self.right_from, self.right_to = view(arrays["right_from"]), view(arrays["right_to"])
        self.left_context, self.right_context = view(arrays["left_context"]), view(arrays["right_context"])
        self.point_number, self.point_context = view(arrays["point_number"]), view(arrays["point_context"])
        self.point_lat, self.point_lon = view(arrays["point_lat"]), view(arrays["point_lon"])
        self._ready: OrderedDict[int, Sides] = OrderedDict()
        self._crossings: OrderedDict[int, frozenset[int]] = OrderedDict()
        self.by_key: dict[str, list[Street]] = {}
        self.glued: dict[str, list[Street]] = {}
        first, point_first = arrays["street_first"].tolist(), arrays["point_first"].tolist()
        aliases = arrays["alias_street"].tolist()
        lines = texts(arrays["street_text"])
        real = len(lines) - len(aliases)
        hyphened = frozenset(arrays["hyphened_street"].tolist()) if "hyphened_street" in arrays else frozenset()
        for at, line in enumerate(lines):
            of = at if at < real else aliases[at - real]
            spans = (first[of], first[of + 1], point_first[of], point_first[of + 1])
            street = Street(of, StreetName(*line.split("\t")), spans, is_hyphened=of in hyphened)
            self.by_key.setdefault(street.name.key, []).append(street)
        for streets in self.by_key.values():
            for street in streets:
                self._glue(street)
        self.keys = list(self.by_key)
        self.of_word: dict[str, list[str]] = {}
        for key, streets in self.by_key.items():
            words = streets[0].name.words.split()
            if len(words) > 1:
                for word in words:
                    if len(word) >= SHORTEST_WORD:
                        self.of_word.setdefault(word, []).append(key)

    def __len__(self) -> int:
        return sum(map(len, self.by_key.values()))

    def _glue(self, street: Street) -> None:
        """File a street under its letters as people run them together: BUENAVISTAEAST, SOUTHVANNESS, SVANNESS, MARKETST."""
        name = street.name
        if name.type == "ROUTE":
            return
        for words in {name.words, _long(name.words)}:
            bare = words.replace(" ", "")
            if bare != name.key:
                self.glued.setdefault(bare, []).append(street)
            if name.type and name.type not in STRONG_TYPES:
                self.glued.setdefault(bare + name.type, []).append(street)  # so that BUENA VISTA ST finds BUENA VISTA
            if name.pre or name.post:
                for pre in {name.pre, _LONG_DIRECTIONS.get(name.pre, "")}:
                    for post in {name.post, _LONG_DIRECTIONS.get(name.post, "")}:
                        self.glued.setdefault(pre + bare + post, []).append(street)

    def sides(self, street: Street) -> Sides:
        """Return the numbered sides of a street."""
        ready = self._ready.get(street.number)
        if ready is None:
            ready = self._ready[street.number] = Sides(self._made(street))
            if len(self._ready) > _READY:
                self._ready.popitem(last=False)
        return ready

    def _made(self, street: Street) -> list[Side]:
        made: list[Side] = []
        for starts, ends, contexts, is_left in (
            (self.left_from, self.left_to, self.left_context, True),
            (self.right_from, self.right_to, self.right_context, False),
        ):
            for segment in range(street.first, street.last):
                start, end = starts[segment], ends[segment]
                if start or end:
                    low, high = (start, end) if start <= end else (end, start)
                    parity = start & 1 if not (start ^ end) & 1 else 2
                    if not low and parity == 0:
                        low = min(2, high)  # no house is number 0
                    made.append((low, high, parity, segment, is_left, contexts[segment]))
        made.sort()
        return made

    def is_descending(self, segment: int, *, is_left: bool) -> bool:
        """Return whether the numbers of a side fall in drawing order."""
        return self.left_from[segment] > self.left_to[segment] if is_left else self.right_from[segment] > self.right_to[segment]

    def nodes(self, street: Street) -> frozenset[int]:
        """Return the nodes on a street."""
        known = self._crossings.get(street.number)
        if known is None:
            lines, first, last = self.lines, street.first, street.last
            known = frozenset(lines.from_node[first:last].tolist()).union(lines.to_node[first:last].tolist())
            self._crossings[street.number] = known
            if len(self._crossings) > _READY:
                self._crossings.popitem(last=False)
        return known

    def contexts_of(self, street: Street) -> set[int]:
        """Return the contexts that a street runs through."""
        span = range(street.first, street.last)
        return {self.left_context[at] for at in span} | {self.right_context[at] for at in span}


_LONG_DIRECTIONS: Final = {
    "N": "NORTH", "S": "SOUTH", "E": "EAST", "W": "WEST", "NE": "NORTHEAST", "NW": "NORTHWEST", "SE": "SOUTHEAST", "SW": "SOUTHWEST",
}  # fmt: skip
# Short forms that stand for one long form where a name is run together. ST in front is SAINT there.
_LONG_WORDS: Final = {
    "ST": "SAINT", "MT": "MOUNT", "FT": "FORT", "PT": "POINT", "LK": "LAKE", "HTS": "HEIGHTS", "HL": "HILL", "VIS": "VISTA",
    "VW": "VIEW", "CTR": "CENTER", "SPG": "SPRING", "SPGS": "SPRINGS", "MTN": "MOUNTAIN", "VLY": "VALLEY", "RDG": "RIDGE",
    "GRN": "GREEN", "FRST": "FOREST", "CRK": "CREEK", "RIV": "RIVER", "IS": "ISLAND", "BCH": "BEACH", "BRK": "BROOK", "GLN": "GLEN",
    "MDW": "MEADOW", "MSN": "MISSION", "PNE": "PINE", "SHR": "SHORE", "FLD": "FIELD", "GRV": "GROVE", "MNR": "MANOR", "LN": "LANE",
    "AVE": "AVENUE", "RD": "ROAD", "CT": "COURT", "SQ": "SQUARE", "PRT": "PORT", "HBR": "HARBOR", "BRG": "BRIDGE", "ML": "MILL",
    "STA": "STATION", "FRD": "FORD", "FLS": "FALLS", "CYN": "CANYON", "UN": "UNION", "VLG": "VILLAGE", "WL": "WELL", "GDN": "GARDEN",
    "ORCH": "ORCHARD", "KNL": "KNOLL", "CLF": "CLIFF",
}  # fmt: skip


def _long(words: str) -> str:
    return " ".join(_LONG_WORDS.get(word, word) for word in words.split())
