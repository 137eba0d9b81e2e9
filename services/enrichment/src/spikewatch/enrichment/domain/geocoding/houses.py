"""Places a house number or a hundred-block on a street: its own point, the range that holds it, the nearest range, the street."""

from bisect import bisect_left, bisect_right
from typing import Final

from spikewatch.enrichment.domain.geocoding.answer import Precision
from spikewatch.enrichment.domain.geocoding.contexts import Contexts, Told
from spikewatch.enrichment.domain.geocoding.finder import Found
from spikewatch.enrichment.domain.geocoding.hits import NO_CONTEXT, Hit, clusters, joined, metres
from spikewatch.enrichment.domain.geocoding.packed import SCALE
from spikewatch.enrichment.domain.geocoding.streets import Side, Sides, Street, Streets

__all__ = ["Houses"]

_INSET_M: Final = 15.0  # the cross street's half width and half a house: no house stands in the crossing itself
_MOST_SIDES: Final = 12
_OTHER_SIDE: Final = 0.06
_BEYOND: Final = 0.15
_FAR_BEYOND: Final = 0.28
_NEAR_NUMBERS: Final = 100  # one block: farther from every range the number says nothing of where on the street
_LONGEST_STREET_M: Final = 750.0  # the middle of a longer street says less than its ZIP code
_LONGEST_CONTRADICTED_M: Final = 300.0
_CONTRADICTIONS: Final = frozenset({"number_not_in_ranges", "streets_do_not_cross"})
_DOUBTFUL: Final = frozenset({"name_corrected", "name_shortened", "type_conflict", "direction_conflict"})
_MOSTLY: Final = 0.33
_NEAR_M: Final = 100.0
_MOST_PIECES: Final = 12  # of a hundred-block; more are slivers
_SAME_BLOCK_M: Final = 400.0  # pieces of one hundred-block lie closer together than this; those of two towns do not


class Houses:
    """Looks house numbers up on streets that were found by name."""

    def __init__(self, streets: Streets, contexts: Contexts, offset_m: float) -> None:
        self._streets = streets
        self._contexts = contexts
        self._offset_m = offset_m

    def house(self, found: Found, number: int, told: Told) -> list[Hit]:
        """Return where a number can be on one street, finest rung only; penalties include what was told of the place."""
        street = found.street
        if street.point_first != street.point_last and (points := self._points(found, number, told)):
            return points
        ready = self._streets.sides(street)
        sides, reach = ready.sides, ready.reach
        at = bisect_right(ready.lows, number) - 1
        parity = number & 1
        hits: list[Side] = []
        across: list[Side] = []
        while at >= 0 and reach[at] >= number:
            side = sides[at]
            at -= 1
            if side[1] >= number:
                (hits if side[2] == parity or side[2] == 2 else across).append(side)
        if hits:
            chosen = hits if len(hits) == 1 else self._fitting(hits, told)
            # EVANS ST for EVANS AVE is mostly right, and when it is wrong it is wrong by miles: no rung for which the block is sure.
            precision = Precision.NEAR_RANGE if "type_conflict" in found.reasons else Precision.RANGE
            return [self._on(found, side, number, precision, told) for side in chosen]
        if across:
            chosen = self._fitting(across, told)
            return [self._on(found, side, number, Precision.NEAR_RANGE, told, _OTHER_SIDE, "other_side") for side in chosen]
        return self._beyond(found, sides, number, told) or self.street(
            found, told, "number_not_in_ranges" if sides else "street_without_numbers"
        )

    def _fitting(self, sides: list[Side], told: Told) -> list[Side]:
        """Return the sides that fit best what was told: of a name in fifty towns only those can count, a dozen show the doubt."""
        if not told.is_empty:
            penalties = [self._contexts.penalty(side[5], told) for side in sides]
            least = min(penalties)
            sides = [side for side, penalty in zip(sides, penalties, strict=True) if penalty <= least + 0.05]
        return sides[:_MOST_SIDES]

    def _points(self, found: Found, number: int, told: Told) -> list[Hit]:
        street, streets = found.street, self._streets
        hits: list[Hit] = []
        at = bisect_left(streets.point_number, number, street.point_first, street.point_last)
        while at < street.point_last and streets.point_number[at] == number:
            context = streets.point_context[at]
            penalty = found.penalty if told.is_empty else found.penalty + self._contexts.penalty(context, told)
            lat, lon = streets.point_lat[at] / SCALE, streets.point_lon[at] / SCALE
            hits.append(Hit(penalty, lat, lon, Precision.POINT, 0.0, f"{number} {street.shown}", found.reasons, context))
            at += 1
        return hits

    def _on(self, found: Found, side: Side, number: int, precision: Precision, told: Told, more: float = 0.0, reason: str = "") -> Hit:
        low, high, _, segment, is_left, context = side
        if high == low:
            share = 0.5
        elif low <= number <= high:
            share = (number - low) / (high - low)
        else:
            share = 0.0 if number < low else 1.0
        if self._streets.is_descending(segment, is_left=is_left):
            share = 1 - share
        aside = self._offset_m if is_left else -self._offset_m
        if reason == "other_side":
            aside = -aside
        lat, lon, length = self._streets.lines.along(segment, share, aside, _INSET_M)
        penalty = found.penalty + more
        if not told.is_empty:
            penalty += self._contexts.penalty(context, told)
        reasons = (*found.reasons, reason) if reason else found.reasons
        return Hit(penalty, lat, lon, precision, length, f"{number} {found.street.shown}", reasons, context)

    def _beyond(self, found: Found, sides: list[Side], number: int, told: Told) -> list[Hit]:
        parity = number & 1
        near: list[tuple[int, Side]] = []
        for side in sides:
            gap = side[0] - number if side[0] > number else number - side[1]
            if gap <= _NEAR_NUMBERS:
                near.append((gap + (0 if side[2] in (parity, 2) else 20), side))
        if not near:
            return []
        least = min(gap for gap, _ in near)
        gaps = {id(side): gap for gap, side in near}
        chosen = self._fitting([side for gap, side in near if gap <= least + 2], told)
        return [
            self._on(found, side, number, Precision.NEAR_RANGE, told, _BEYOND + gaps[id(side)] / 1000, "number_beyond_range")
            for side in chosen
        ]

    def block(self, found: Found, number: int, told: Told) -> list[Hit]:
        """Return where a hundred-block can be on one street: one hit for each group of pieces that hang together."""
        street = found.street
        ready = self._streets.sides(street)
        places = ready.blocks.get(number)
        if places is None:
            places = ready.blocks[number] = self._block_places(ready, number)
        if not places:
            return self._block_of_points(found, number, told) or self._no_block(found, number, told)
        matched = f"{number} BLOCK {street.shown}"
        return [
            Hit(
                found.penalty if told.is_empty else found.penalty + self._contexts.penalty(context, told),
                lat, lon, Precision.BLOCK, length, matched, found.reasons, context,
            )
            for lat, lon, context, length in places
        ]  # fmt: skip

    def _block_places(self, ready: Sides, number: int) -> list[tuple[float, float, int, float]]:
        """Return middle, context and length of each group of pieces of a block."""
        first, last = number, number + 99
        pieces: dict[int, tuple[int, int, Side]] = {}
        at = bisect_right(ready.lows, last) - 1
        while at >= 0 and ready.reach[at] >= first:
            side = ready.sides[at]
            at -= 1
            if side[1] >= first:
                low, high = max(side[0], first), min(side[1], last)
                known = pieces.get(side[3])
                if known is None or high - low > known[1] - known[0]:
                    pieces[side[3]] = (low, high, side)
        made = [self._piece(*piece) for piece in pieces.values()]
        groups = [[0]] if len(made) == 1 else clusters([(piece[0], piece[1]) for piece in made], _SAME_BLOCK_M)
        return [_middle([made[one] for one in group]) for group in groups]

    def _piece(self, low: int, high: int, side: Side) -> tuple[float, float, float, int, int]:
        """Return the middle of a piece of a block, its length, context, and how many of the block's numbers it has."""
        start, end, _, segment, is_left, context = side
        # Dispatch systems take the middle of the piece of street, unless most of its numbers are another block's.
        share = 0.5 if end - start <= (high - low) / _MOSTLY else ((low + high) / 2 - start) / (end - start)
        if self._streets.is_descending(segment, is_left=is_left):
            share = 1 - share
        lat, lon, length = self._streets.lines.along(segment, share, 0.0, 0.0)
        return lat, lon, length * (high - low + 1) / (end - start + 1), context, high - low + 1

    def _block_of_points(self, found: Found, number: int, told: Told) -> list[Hit]:
        street, streets = found.street, self._streets
        start = bisect_left(streets.point_number, number, street.point_first, street.point_last)
        end = bisect_left(streets.point_number, number + 100, start, street.point_last)
        if start == end:
            return []
        middle = (start + end) // 2
        lat, lon = streets.point_lat[middle] / SCALE, streets.point_lon[middle] / SCALE
        context = streets.point_context[middle]
        penalty = found.penalty + self._contexts.penalty(context, told)
        extent = 2 * max(metres(lat, lon, streets.point_lat[at] / SCALE, streets.point_lon[at] / SCALE) for at in (start, end - 1))
        return [Hit(penalty, lat, lon, Precision.BLOCK, extent, f"{number} BLOCK {street.shown}", found.reasons, context)]

    def _no_block(self, found: Found, number: int, told: Told) -> list[Hit]:
        near = self._beyond(found, self._streets.sides(found.street).sides, number + 50, told)
        matched = f"{number} BLOCK {found.street.shown}"
        return [hit._replace(matched=matched) for hit in near] or self.street(found, told, "number_not_in_ranges")

    def street(self, found: Found, told: Told, reason: str) -> list[Hit]:
        """Return the middle of a street as far as it lies where was told; empty when it has no line and no points."""
        street = found.street
        reasons = (*found.reasons, reason) if reason else found.reasons
        if reason in _CONTRADICTIONS and not _DOUBTFUL.isdisjoint(found.reasons):
            return []  # a name that was corrected and a number that it does not have: another street is meant
        best, spots, context = self._spots(street, told)
        if not spots:
            return []
        if reason == "no_number" and "type_missing" not in found.reasons:
            # Nothing but the whole name of a street: however long it is, the circle holds all of it.
            groups = joined(spots)
            return [
                Hit(found.penalty + best, *_on_street(group), Precision.STREET, _reach(group), street.shown, reasons, context)
                for group in groups
            ]
        lat, lon = _on_street(spots)
        reach = _reach(spots)
        # A number that no range comes near, or a crossing that is none, speaks against the whole street.
        if reach > (_LONGEST_CONTRADICTED_M if reason in _CONTRADICTIONS else _LONGEST_STREET_M):
            return []
        penalty = found.penalty + best + (_FAR_BEYOND if reason in {"number_not_in_ranges", "street_without_numbers"} else 0.0)
        return [Hit(penalty, lat, lon, Precision.STREET, reach, street.shown, reasons, context)]

    def _spots(self, street: Street, told: Told) -> tuple[float, list[tuple[float, float]], int]:
        """Return the least penalty of the street's parts, and nodes or points of those parts."""
        streets, lines = self._streets, self._streets.lines
        of_penalty: dict[float, list[tuple[float, float]]] = {}
        contexts: dict[float, int] = {}
        for at in range(street.first, street.last):
            context = streets.left_context[at]
            penalty = (
                min(self._contexts.penalty(context, told), self._contexts.penalty(streets.right_context[at], told))
                if not told.is_empty
                else 0.0
            )
            spots = of_penalty.setdefault(penalty, [])
            contexts.setdefault(penalty, context)
            for node in (lines.from_node[at], lines.to_node[at]):
                spots.append((lines.node_lat[node] / SCALE, lines.node_lon[node] / SCALE))
        if not of_penalty:
            for at in range(street.point_first, street.point_last):
                penalty = self._contexts.penalty(streets.point_context[at], told)
                of_penalty.setdefault(penalty, []).append((streets.point_lat[at] / SCALE, streets.point_lon[at] / SCALE))
                contexts.setdefault(penalty, streets.point_context[at])
        if not of_penalty:
            return 0.0, [], NO_CONTEXT
        best = min(of_penalty)
        return best, of_penalty[best], contexts[best]


def _on_street(spots: list[tuple[float, float]]) -> tuple[float, float]:
    """Return the spot nearest to the middle of what they span: the middle itself may lie off a bent street."""
    lats, lons = [lat for lat, _ in spots], [lon for _, lon in spots]
    lat, lon = (min(lats) + max(lats)) / 2, (min(lons) + max(lons)) / 2
    return min(spots, key=lambda spot: metres(lat, lon, spot[0], spot[1]))


def _reach(spots: list[tuple[float, float]]) -> float:
    lat, lon = _on_street(spots)
    return max(metres(lat, lon, spot[0], spot[1]) for spot in spots)


def _middle(pieces: list[tuple[float, float, float, int, int]]) -> tuple[float, float, int, float]:
    if len(pieces) == 1:
        lat, lon, length, context, _ = pieces[0]
        return lat, lon, context, length
    # Nobody says which piece is meant: of middles and places halfway between two, the one with most of the block's numbers near.
    middles = [(piece[0], piece[1]) for piece in pieces[:_MOST_PIECES]]
    tried = middles + [((a[0] + b[0]) / 2, (a[1] + b[1]) / 2) for at, a in enumerate(middles) for b in middles[at + 1 :]]
    best = (0.0, 0.0)
    most = (-1, 0.0)
    for lat, lon in tried:
        near = 0
        spread = 0.0
        for piece in pieces:
            apart = metres(lat, lon, piece[0], piece[1])
            near += piece[4] if apart <= _NEAR_M else 0
            spread -= apart * piece[4]
        if (near, spread) > most:
            best, most = (lat, lon), (near, spread)
    return *best, pieces[0][3], sum(piece[2] for piece in pieces)
