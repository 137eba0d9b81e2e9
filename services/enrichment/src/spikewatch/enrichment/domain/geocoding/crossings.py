"""Places where two streets cross: a node that both have, else the nearest nodes; and the stretch of a street between two others."""

from collections.abc import Sequence
from typing import Final

from spikewatch.enrichment.domain.geocoding.answer import Precision
from spikewatch.enrichment.domain.geocoding.contexts import Contexts, Told
from spikewatch.enrichment.domain.geocoding.finder import CONFLICT, Found
from spikewatch.enrichment.domain.geocoding.hits import NO_CONTEXT, Hit, clusters, metres
from spikewatch.enrichment.domain.geocoding.packed import SCALE
from spikewatch.enrichment.domain.geocoding.streets import Street, Streets

__all__ = ["Crossings"]

_ONE_CROSSING_M: Final = 90.0  # a divided street crosses another at two to four nodes; farther apart are two crossings
_NEAREST_M: Final = 250.0
_ALMOST_M: Final = 30.0  # less than a street's width is a crossing that the drawing misses
_APART: Final = 0.12
_MOST_STREETS: Final = 8
_MOST_NODES: Final = 1500  # of two streets of a whole state; more are not compared one by one
_CELL: Final = 4000  # steps of a degree: 445 m north, more than _NEAREST_M also east and west up to 55 degrees of latitude


class Crossings:
    """Looks crossings up of streets that were found by name."""

    def __init__(self, streets: Streets, contexts: Contexts) -> None:
        self._streets = streets
        self._contexts = contexts

    def crossing(self, one: Sequence[Found], other: Sequence[Found], told: Told) -> list[Hit]:
        """Return where a street of the first crosses one of the second, best first; each hit is a different crossing."""
        hits: list[Hit] = []
        least = 9.0
        pairs = [(a.penalty + b.penalty, a, b) for a in one[:_MOST_STREETS] for b in other[:_MOST_STREETS] if a.street is not b.street]
        if len(pairs) > 1:
            pairs.sort(key=lambda pair: pair[0])
        for penalty, a, b in pairs:
            if penalty > least + 0.05:
                break
            if shared := self._streets.nodes(a.street) & self._streets.nodes(b.street):
                hits += self._at(penalty, a, b, sorted(shared), told)
                least = min(least, penalty)
        if not hits or least >= CONFLICT:
            for penalty, a, b in pairs:
                if penalty < CONFLICT and a.street.number != b.street.number and (near := self._nearest(penalty, a, b, told)) is not None:
                    hits.append(near)
        hits.sort(key=lambda hit: hit.penalty)
        return hits

    def _at(self, penalty: float, a: Found, b: Found, shared: list[int], told: Told) -> list[Hit]:
        lines = self._streets.lines
        spots = [(lines.node_lat[node] / SCALE, lines.node_lon[node] / SCALE) for node in shared]
        matched = f"{a.street.shown} & {b.street.shown}"
        reasons = a.reasons + b.reasons
        made: list[Hit] = []
        for group in [[0]] if len(spots) == 1 else clusters(spots, _ONE_CROSSING_M):
            lat = sum(spots[at][0] for at in group) / len(group)
            lon = sum(spots[at][1] for at in group) / len(group)
            reach = max(metres(lat, lon, *spots[at]) for at in group) if len(group) > 1 else 0.0
            context, more = self._context(a.street, shared[group[0]], told)
            made.append(Hit(penalty + more, lat, lon, Precision.INTERSECTION, reach, matched, reasons, context))
        return made

    def _context(self, street: Street, node: int, told: Told) -> tuple[int, float]:
        """Return the context at a node that fits best what was told, and its penalty."""
        streets, lines = self._streets, self._streets.lines
        best, least = NO_CONTEXT, 9.0
        for at in range(street.first, street.last):
            if lines.from_node[at] == node or lines.to_node[at] == node:
                for context in (streets.left_context[at], streets.right_context[at]):
                    penalty = 0.0 if told.is_empty else self._contexts.penalty(context, told)
                    if penalty < least:
                        best, least = context, penalty
                if told.is_empty:
                    break
        return best, 0.0 if best == NO_CONTEXT else least

    def _nearest(self, penalty: float, a: Found, b: Found, told: Told) -> Hit | None:
        lines = self._streets.lines
        few, many = sorted((self._streets.nodes(a.street), self._streets.nodes(b.street)), key=len)
        if not few or len(many) > _MOST_NODES:
            return None
        cells: dict[tuple[int, int], list[int]] = {}
        for node in many:
            cells.setdefault((lines.node_lat[node] // _CELL, lines.node_lon[node] // _CELL), []).append(node)
        best: tuple[float, int, int] | None = None
        for node in few:
            lat, lon = lines.node_lat[node], lines.node_lon[node]
            row, column = lat // _CELL, lon // _CELL
            for cell in [(row + up, column + right) for up in (-1, 0, 1) for right in (-1, 0, 1)]:
                for other in cells.get(cell, ()):
                    apart = metres(lat / SCALE, lon / SCALE, lines.node_lat[other] / SCALE, lines.node_lon[other] / SCALE)
                    if apart <= _NEAREST_M and (best is None or apart < best[0]):
                        best = (apart, node, other)
        if best is None:
            return None
        apart, node, other = best
        lat = (lines.node_lat[node] + lines.node_lat[other]) / 2 / SCALE
        lon = (lines.node_lon[node] + lines.node_lon[other]) / 2 / SCALE
        is_almost = apart <= _ALMOST_M
        street = a.street if node in self._streets.nodes(a.street) else b.street
        context, more = self._context(street, node, told)
        return Hit(
            penalty + more + (0.02 if is_almost else _APART),
            lat,
            lon,
            Precision.INTERSECTION if is_almost else Precision.NEAR_INTERSECTION,
            apart,
            f"{a.street.shown} & {b.street.shown}",
            a.reasons + b.reasons + (() if is_almost else ("streets_do_not_touch",)),
            context,
        )

    def between(self, street: Sequence[Found], one: Sequence[Found], other: Sequence[Found], told: Told) -> list[Hit]:
        """Return the stretch of a street between two others: the middle between its nearest two crossings with them."""
        starts, ends = self.crossing(street, one, told), self.crossing(street, other, told)
        best: tuple[float, float, Hit, Hit] | None = None
        for a in starts:
            for b in ends:
                apart = metres(a.lat, a.lon, b.lat, b.lon)
                weight = a.penalty + b.penalty + apart / 2000
                if best is None or weight < best[0]:
                    best = (weight, apart, a, b)
        if best is None:
            return [
                hit._replace(precision=Precision.NEAR_INTERSECTION, penalty=hit.penalty + 0.1, extent_m=150.0, reasons=(*hit.reasons, "other_end_unknown"))
                for hit in starts or ends
            ]
        _, apart, a, b = best
        matched = f"{a.matched.partition(' & ')[0]} BETWEEN {a.matched.partition(' & ')[2]} AND {b.matched.partition(' & ')[2]}"
        reasons = tuple(dict.fromkeys(a.reasons + b.reasons))
        return [Hit(max(a.penalty, b.penalty), (a.lat + b.lat) / 2, (a.lon + b.lon) / 2, Precision.BLOCK, apart, matched, reasons, a.context)]
