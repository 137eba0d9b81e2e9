"""Looks up what the parser made of a text: one way for each kind of place, each a ladder on which the surer comes first."""

from collections.abc import Callable
from typing import Final

from spikewatch.enrichment.domain.geocoding.answer import Precision
from spikewatch.enrichment.domain.geocoding.contexts import Contexts, Told
from spikewatch.enrichment.domain.geocoding.crossings import Crossings
from spikewatch.enrichment.domain.geocoding.finder import CONFLICT, REFUSED, Finder, Found
from spikewatch.enrichment.domain.geocoding.hits import Hit, metres
from spikewatch.enrichment.domain.geocoding.houses import Houses
from spikewatch.enrichment.domain.geocoding.landmarks import Mark, parts_of
from spikewatch.enrichment.domain.geocoding.parsed import Kind, Parsed
from spikewatch.enrichment.domain.geocoding.phrases import NUMBERED_THINGS
from spikewatch.enrichment.domain.geocoding.places import Places
from spikewatch.enrichment.domain.geocoding.street_words import STRONG_TYPES, TYPES

__all__ = ["LookUps"]

_DECIDES: Final = 0.05  # names that fit worse than the best place found by more than this are not even looked at
_CONSIDERED: Final = 0.2  # unless a ZIP code or city was told, which can make up for as much
_NO_STREET: Final = 0.2  # a name alone, without number or crossing, must fit better than this to be taken for a street
_MOST_STREETS: Final = 40
_MOST_LEADING: Final = 8  # words before a house number
_NUMBERS: Final = {"ONE": 1, "TWO": 2, "THREE": 3, "FOUR": 4, "FIVE": 5, "SIX": 6, "SEVEN": 7, "EIGHT": 8, "NINE": 9, "TEN": 10}
_NUMBERED: Final = frozenset({Precision.POINT, Precision.RANGE})


class LookUps:
    """The ways from the parts of an address to the places it can mean.

    Args:
        finder: of streets by name.
        houses: of numbers on a street.
        crossings: of two streets.
        places: known by name alone.
        contexts: of the index.
        cities: names of all cities that the index knows.
    """

    def __init__(
        self, finder: Finder, houses: Houses, crossings: Crossings, places: Places, contexts: Contexts, cities: frozenset[str]
    ) -> None:
        self.finder = finder
        self.places = places
        self.contexts = contexts
        self.cities = cities
        self._houses = houses
        self._crossings = crossings
        self._ways: dict[Kind, Callable[[Parsed, Told], list[Hit]]] = {
            Kind.HOUSE: self._house,
            Kind.BLOCK: self._block,
            Kind.CROSSING: self._crossing,
            Kind.BETWEEN: self._between,
            Kind.MILE: self._mile,
            Kind.NAME: self._name,
        }

    def places_of(self, parsed: Parsed, told: Told) -> list[Hit]:
        """Return the places that the parts can mean, best first; empty when there is none."""
        way = self._ways.get(parsed.kind)
        return way(parsed, told) if way is not None else []

    def _house(self, parsed: Parsed, told: Told) -> list[Hit]:  # noqa: C901  # a ladder: the surer comes first
        words = parsed.streets[0]
        found = self.finder.find(words)
        if parsed.suffix and parsed.suffix in "NSEW" and (with_way := self.finder.find([parsed.suffix, *words])):
            found = with_way if not found or with_way[0].penalty < found[0].penalty else found
        joined = parsed.number * 100 + parsed.number_to if 0 < parsed.number_to < 100 else 0
        hyphened = [one for one in found if one.street.is_hyphened] if joined else []
        if hyphened and (as_one := self._hyphened(hyphened, parsed, told)):
            return as_one  # 12-34 56TH AVE, as in Queens
        hits = self._numbered(found, parsed.number, told)
        if hits and hits[0].precision in _NUMBERED:
            return hits
        if joined and (as_one := self._hyphened(found, parsed, told)):
            return as_one
        if len(parsed.streets) > 1 and found and (not hits or hits[0].precision is Precision.STREET):
            crossing = self._crossings.crossing(found, self.finder.find(parsed.streets[1]), told)
            if crossing:
                return [hit._replace(reasons=(*hit.reasons, "number_not_in_ranges")) for hit in crossing]
        if hits and hits[0].precision is Precision.STREET:
            # HAYS ST has no numbers, HAYES ST has this one: who knows which is meant?
            others = self._numbered(self.finder.alike(words), parsed.number, told)
            hits += [hit._replace(penalty=hits[0].penalty) for hit in others if hit.precision in _NUMBERED]
        if not found or found[0].penalty >= CONFLICT:
            whole = [str(parsed.number), *words]  # 8 MILE RD
            if self.finder.is_known(whole):
                if len(parsed.streets) > 1:
                    return self._crossing(parsed._replace(streets=(whole, *parsed.streets[1:])), told)
                return self._name(Parsed(Kind.NAME, (whole,)), told)
            if marks := self._landmarks(whole, told):
                return marks
        return hits

    def _hyphened(self, found: list[Found], parsed: Parsed, told: Told) -> list[Hit]:
        """Take both halves of a number with a hyphen for one number: 52-01 is 5201."""
        number = parsed.number * 100 + parsed.number_to
        hits = self._numbered(found, number, told)
        if not hits or hits[0].precision not in _NUMBERED:
            return []
        shown = f"{parsed.number}-{parsed.number_to:02d} "
        return [hit._replace(matched=shown + hit.matched.partition(" ")[2]) for hit in hits]

    def _numbered(self, found: list[Found], number: int, told: Told) -> list[Hit]:
        return self._on_streets(self._houses.house, found, number, told)

    def _blocks(self, found: list[Found], number: int, told: Told) -> list[Hit]:
        return self._on_streets(self._houses.block, found, number, told)

    def _on_streets(self, place: Callable[[Found, int, Told], list[Hit]], found: list[Found], number: int, told: Told) -> list[Hit]:
        """Return where a number is on each street that fits nearly as well as the best place found; best first."""
        hits: list[Hit] = []
        best = 9.0
        for one in found[:_MOST_STREETS]:
            if one.penalty > best + (_DECIDES if told.is_empty else _CONSIDERED):
                break
            for hit in place(one, number, told):
                hits.append(hit)
                best = min(best, hit.penalty)
        if len(hits) > 1:
            hits.sort(key=lambda hit: hit.penalty)
        return hits

    def _block(self, parsed: Parsed, told: Told) -> list[Hit]:
        words = parsed.streets[0]
        hits = self._blocks(self.finder.find(words), parsed.number, told)
        if hits and hits[0].precision is Precision.STREET:
            # HAYS ST has no such block, HAYES ST has: who knows which is meant?
            others = self._blocks(self.finder.alike(words), parsed.number, told)
            hits += [hit._replace(penalty=hits[0].penalty) for hit in others if hit.precision is Precision.BLOCK]
        return hits

    def _qualified(self, streets: tuple[list[str], ...], tail: tuple[str, ...], told: Told) -> list[Hit]:
        """Try with the word after the comma in the streets' names: 9TH ST/AVENUE B, TI is 9TH TI ST there."""
        part = tail[0].split()
        if len(part) != 1 or len(streets) < 2:
            return []
        found = []
        for words in streets[:2]:
            ways = [self.finder.find(way) for way in ([*words[:-1], part[0], words[-1]], [*words, part[0]]) if self.finder.is_known(way)]
            found.append([one for way in ways for one in way] + self.finder.find(words))
        hits = self._crossings.crossing(found[0], found[1], told)
        return hits if hits and hits[0].penalty < CONFLICT else []

    def _crossing(self, parsed: Parsed, told: Told) -> list[Hit]:
        streets, tail = parsed.streets, parsed.tail
        found = [self.finder.find(words) for words in streets[:4]]
        best: list[Hit] = []
        for at, one in enumerate(found):
            for other in found[at + 1 :]:
                hits = self._crossings.crossing(one, other, told) if one and other else []
                if hits and (not best or hits[0].penalty < best[0].penalty):
                    best = hits
        if best and best[0].penalty < REFUSED:
            return best
        if tail and (qualified := self._qualified(streets, tail, told)):
            return qualified
        if len(streets) > 1 and (marks := self._landmarks([*streets[0], *streets[1]], told)):
            return marks
        known = [one for one in found if one and one[0].penalty < _NO_STREET]
        if len(known) == 1:
            return self._whole(known[0], told, "other_street_unknown")
        if known:
            return self._whole(known[0], told, "streets_do_not_cross")
        return []

    def _whole(self, found: list[Found], told: Told, reason: str) -> list[Hit]:
        best = [one for one in found[:_MOST_STREETS] if one.penalty <= found[0].penalty + _DECIDES]
        hits = [hit for one in best for hit in self._houses.street(one, told, reason)]
        return sorted(hits, key=lambda hit: hit.penalty)

    def _between(self, parsed: Parsed, told: Told) -> list[Hit]:
        street, one, other = (self.finder.find(words) for words in parsed.streets)
        hits = self._crossings.between(street, one, other, told) if street else []
        if (not hits or hits[0].precision is not Precision.BLOCK) and street and parsed.number_to:
            middle = (parsed.number + parsed.number_to) // 2
            numbered = [
                hit._replace(precision=Precision.BLOCK, matched=f"{parsed.number}-{parsed.number_to} {hit.matched.partition(' ')[2]}")
                for hit in self._numbered(street, middle, told)
                if hit.precision in {Precision.POINT, Precision.RANGE, Precision.NEAR_RANGE}
            ]
            hits = numbered or hits
        if not hits and street and street[0].penalty < _NO_STREET:
            return self._whole(street, told, "streets_do_not_cross")
        return hits

    def _mile(self, parsed: Parsed, told: Told) -> list[Hit]:
        mark = self.places.milepost(parsed.streets[0], parsed.mile)
        if mark is not None:
            return [self._mark_hit(mark, told)._replace(penalty=0.0, matched=f"{' '.join(parsed.streets[0])} {parsed.mile}")]
        found = self.finder.find(parsed.streets[0])
        return self._whole(found, told, "milepost_not_in_index") if found and found[0].penalty < _NO_STREET else []

    def _name(self, parsed: Parsed, told: Told) -> list[Hit]:
        if not parsed.streets:
            return []
        words = parsed.streets[0]
        if marks := self._landmarks(words, told):
            return marks
        if " ".join(words) in self.cities:
            return []
        found = self.finder.find(words)
        if found and found[0].penalty < _NO_STREET and "trailing_words_dropped" not in found[0].reasons:
            return self._whole(found, told, "no_number")
        numbered = self._number_among(words, told)
        if numbered is not None:
            return numbered
        for part in parsed.tail:
            if marks := self._landmarks(part.split(), told):
                return marks
        return []

    def _number_among(self, words: list[str], told: Told) -> list[Hit] | None:
        """Return the houses of a number that stands behind the street, in words, or after something else; None when there is no such."""
        if len(words) > 2 and words[-1].isdigit() and len(words[-1]) < 6 and TYPES.get(words[-2]) in STRONG_TYPES:
            hits = self._numbered(self.finder.find(words[:-1]), int(words[-1]), told)  # OAK RD 112
            return [hit._replace(reasons=(*hit.reasons, "number_after_street")) for hit in hits if hit.precision in _NUMBERED]
        if len(words) > 2 and words[0] in _NUMBERS and self.finder.is_known(words[1:], typed=True):
            return self._numbered(self.finder.find(words[1:]), _NUMBERS[words[0]], told)  # ONE OAK RD
        # FRIENDS HOUSE 481 MINNA ST: what stands before a number and a street that exists tells something else.
        for at in range(1, min(len(words) - 1, _MOST_LEADING)):
            owner = words[at - 1]  # PIER 7 and ROOM 7 are no house 7
            if (
                words[at].isdigit()
                and len(words[at]) < 6
                and owner not in NUMBERED_THINGS
                and self.finder.is_known(words[at + 1 :], typed=True)
            ):
                hits = self._numbered(self.finder.find(words[at + 1 :]), int(words[at]), told)
                return [hit._replace(reasons=(*hit.reasons, "lead_in_dropped")) for hit in hits if hit.precision in _NUMBERED]
        return None

    def _landmarks(self, words: list[str], told: Told) -> list[Hit]:
        return sorted(self._mark_hit(mark, told) for mark in self.places.landmarks.named(words))

    def landmarks_in(self, text: str, told: Told) -> list[Hit]:
        """Return the landmarks that a text names beside other things: the smallest when the others hold it, else all of them."""
        hits: list[Hit] = []
        for words in parts_of(text):
            marks, reason = self.places.landmarks.starting(words)
            hits += [self._mark_hit(mark, told, reason) for mark in marks]
        if not hits:
            return []
        least = min(hits, key=lambda hit: (hit.penalty >= REFUSED, hit.extent_m))
        if all(metres(least.lat, least.lon, hit.lat, hit.lon) <= max(least.extent_m, hit.extent_m) for hit in hits):
            return [least]
        return sorted(hits)

    def _mark_hit(self, mark: Mark, told: Told, reason: str = "") -> Hit:
        penalty = self.contexts.penalty(mark.context, told)
        reasons = (reason,) if reason else ()
        return Hit(penalty, mark.lat, mark.lon, Precision.LANDMARK, mark.radius_m, mark.name, reasons, mark.context)
