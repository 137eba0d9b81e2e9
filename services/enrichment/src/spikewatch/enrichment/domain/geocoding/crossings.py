"""Places where two streets cross: a node that both have, else the nearest nodes; and the stretch of a street between two others."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from spikewatch.enrichment.domain.geocoding.answer import Precision
from spikewatch.enrichment.domain.geocoding.contexts import Contexts, Told
from spikewatch.enrichment.domain.geocoding.finder import CONFLICT, Found
from spikewatch.enrichment.domain.geocoding.hits import NO_CONTEXT, Hit, clusters, metres
from spikewatch.enrichment.domain.geocoding.lines import METRES_PER_STEP
from spikewatch.enrichment.domain.geocoding.packed import SCALE
from spikewatch.enrichment.domain.geocoding.streets import Street, Streets

__all__ = ["Crossings"]

_ONE_CROSSING_M: Final = 90.0  # a divided street crosses another at two to four nodes; farther apart are two crossings
_NEAREST_M: Final = 250.0
_ALMOST_M: Final = 30.0  # less than a street's width is a crossing that the drawing misses
_APART: Final = 0.12
_MOST_STREETS: Final = 8
_MOST_NEAR: Final = 6  # pairs of streets whose nodes are compared
_MOST_NODES: Final = 3000  # of two streets of a whole state; more are not compared
_CELL: Final = 4000  # steps of a degree: 445 m north, more than _NEAREST_M also east and west up to 55 degrees of latitude
_ROW: Final = 1_000_000  # more squares than a row around the earth has
_KEPT_SQUARES: Final = 2_000  # streets whose nodes are kept by squares
_KEPT: Final = 50_000  # crossings that are kept once they were found, some 15 MB

_Spot = tuple[float, float, float, tuple[int, ...]]
"""Latitude, longitude, reach in metres, contexts of the streets' sides there."""


class Crossings:
    """Looks crossings up of streets that were found by name."""

    def __init__(self, streets: Streets, contexts: Contexts) -> None:
        self._streets = streets
        self._contexts = contexts
        self._kept: dict[tuple[int, int], list[_Spot]] = {}
        self._squares: dict[int, tuple[NDArray[np.int64], NDArray[np.int64]]] = {}
        self._kept_near: dict[tuple[int, int], _Spot | None] = {}

    def crossing(self, one: Sequence[Found], other: Sequence[Found], told: Told) -> list[Hit]:
        """Return where a street of the first crosses one of the second, best first; each hit is a different crossing."""
        if len(one) == len(other) == 1 and (spots := self._shared(one[0].street, other[0].street)):
            return self._at(one[0].penalty + other[0].penalty, one[0], other[0], spots, told)
        hits: list[Hit] = []
        least = 9.0
        pairs = [(a.penalty + b.penalty, a, b) for a in one[:_MOST_STREETS] for b in other[:_MOST_STREETS] if a.street is not b.street]
        if len(pairs) > 1:
            pairs.sort(key=lambda pair: pair[0])
        for penalty, a, b in pairs:
            if penalty > least + 0.05:
                break
            if spots := self._shared(a.street, b.street):
                hits += self._at(penalty, a, b, spots, told)
                least = min(least, penalty)
        if not hits or least >= CONFLICT:
            for penalty, a, b in pairs[:_MOST_NEAR]:
                if penalty < CONFLICT and a.street.number != b.street.number and (spot := self._nearest(a.street, b.street)) is not None:
                    hits.append(self._near_hit(penalty, a, b, spot, told))
        hits.sort(key=lambda hit: hit.penalty)
        return hits

    def _at(self, penalty: float, a: Found, b: Found, spots: list[_Spot], told: Told) -> list[Hit]:
        matched = f"{a.street.shown} & {b.street.shown}"
        reasons = a.reasons + b.reasons
        made: list[Hit] = []
        for lat, lon, reach, contexts in spots:
            context, more = self._fitting(contexts, told)
            made.append(Hit(penalty + more, lat, lon, Precision.INTERSECTION, reach, matched, reasons, context))
        return made

    def _shared(self, one: Street, other: Street) -> list[_Spot]:
        """Return the places where two streets share a node; those of one wide crossing are one."""
        key = (one.number, other.number)
        known = self._kept.get(key)
        if known is not None:
            return known
        made: list[_Spot] = []
        if shared := sorted(self._streets.nodes(one) & self._streets.nodes(other)):
            lines = self._streets.lines
            spots = [(lines.node_lat[node] / SCALE, lines.node_lon[node] / SCALE) for node in shared]
            contexts_at = self._contexts_at(one, set(shared))
            for group in [[0]] if len(spots) == 1 else clusters(spots, _ONE_CROSSING_M):
                lat = sum(spots[at][0] for at in group) / len(group)
                lon = sum(spots[at][1] for at in group) / len(group)
                reach = max(metres(lat, lon, *spots[at]) for at in group) if len(group) > 1 else 0.0
                found = dict.fromkeys(context for at in group for context in contexts_at[shared[at]])
                made.append((lat, lon, reach, tuple(found)))
        if len(self._kept) >= _KEPT:
            self._kept.clear()
        self._kept[key] = made
        return made

    def _contexts_at(self, street: Street, nodes: set[int]) -> dict[int, list[int]]:
        """Return the contexts of the pieces of a street that end at each of the nodes; one turn for all of them."""
        streets, lines, first, last = self._streets, self._streets.lines, street.first, street.last
        found: dict[int, list[int]] = {node: [] for node in nodes}
        wanted = np.fromiter(nodes, dtype=np.int64, count=len(nodes))
        for ends in (lines.from_node, lines.to_node):
            for at in np.flatnonzero(np.isin(np.asarray(ends[first:last]), wanted)).tolist():
                found[ends[first + at]] += streets.left_context[first + at], streets.right_context[first + at]
        return found

    def _fitting(self, contexts: tuple[int, ...], told: Told) -> tuple[int, float]:
        """Return the context that fits best what was told, and its penalty."""
        if not contexts:
            return NO_CONTEXT, 0.0
        if told.is_empty:
            return contexts[0], 0.0
        return min(((context, self._contexts.penalty(context, told)) for context in contexts), key=lambda pair: pair[1])

    def _nearest(self, one: Street, other: Street) -> _Spot | None:
        """Return the middle between the nearest nodes of two streets that share none, and how far apart those are."""
        key = (one.number, other.number)
        if key in self._kept_near:
            return self._kept_near[key]
        if len(self._kept_near) >= _KEPT:
            self._kept_near.clear()
        made = self._kept_near[key] = self._nearest_made(one, other)
        return made

    def _nearest_made(self, one: Street, other: Street) -> _Spot | None:
        lines = self._streets.lines
        few, many = sorted((one, other), key=lambda street: len(self._streets.nodes(street)))
        if len(self._streets.nodes(many)) > _MOST_NODES:
            return None
        own, (squares, others) = self._by_square(few)[1], self._by_square(many)
        lats, lons = np.asarray(lines.node_lat), np.asarray(lines.node_lon)
        own_lats, own_lons = lats[own].astype(np.int64), lons[own].astype(np.int64)
        ones, twos = [], []
        for up in (-1, 0, 1):
            for right in (-1, 0, 1):
                wanted = (own_lats // _CELL + up) * _ROW + own_lons // _CELL + right
                start, end = np.searchsorted(squares, wanted), np.searchsorted(squares, wanted, "right")
                counts = end - start
                ones.append(np.repeat(own, counts))
                twos.append(others[np.repeat(end - np.cumsum(counts), counts) + np.arange(counts.sum())])
        one_nodes, other_nodes = np.concatenate(ones), np.concatenate(twos)
        if not one_nodes.size:
            return None
        north = (lats[one_nodes] - lats[other_nodes]).astype(float)
        east = (lons[one_nodes] - lons[other_nodes]) * math.cos(math.radians(float(lats[one_nodes[0]]) / SCALE))
        square_steps = north * north + east * east
        least = int(square_steps.argmin())
        apart = math.sqrt(float(square_steps[least])) * METRES_PER_STEP
        if apart > _NEAREST_M:
            return None
        node, its = int(one_nodes[least]), int(other_nodes[least])
        lat = (lines.node_lat[node] + lines.node_lat[its]) / 2 / SCALE
        lon = (lines.node_lon[node] + lines.node_lon[its]) / 2 / SCALE
        return lat, lon, apart, tuple(dict.fromkeys(self._contexts_at(few, {node})[node]))

    def _by_square(self, street: Street) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return a street's nodes ordered by squares of the map, and the numbers of those squares."""
        known = self._squares.get(street.number)
        if known is None:
            nodes = np.array(sorted(self._streets.nodes(street)), dtype=np.int64)
            lines = self._streets.lines
            lats, lons = np.asarray(lines.node_lat)[nodes].astype(np.int64), np.asarray(lines.node_lon)[nodes].astype(np.int64)
            squares = (lats // _CELL) * _ROW + lons // _CELL
            order = np.argsort(squares, kind="stable")
            if len(self._squares) >= _KEPT_SQUARES:
                self._squares.clear()
            known = self._squares[street.number] = squares[order], nodes[order]
        return known

    def _near_hit(self, penalty: float, a: Found, b: Found, spot: _Spot, told: Told) -> Hit:
        lat, lon, apart, contexts = spot
        context, more = self._fitting(contexts, told)
        matched = f"{a.street.shown} & {b.street.shown}"
        reasons = a.reasons + b.reasons
        if apart <= _ALMOST_M:
            return Hit(penalty + more + 0.02, lat, lon, Precision.INTERSECTION, apart, matched, reasons, context)
        return Hit(
            penalty + more + _APART, lat, lon, Precision.NEAR_INTERSECTION, apart, matched, (*reasons, "streets_do_not_touch"), context
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
                hit._replace(
                    precision=Precision.NEAR_INTERSECTION,
                    penalty=hit.penalty + 0.1,
                    extent_m=150.0,
                    reasons=(*hit.reasons, "other_end_unknown"),
                )
                for hit in starts or ends
            ]
        _, apart, a, b = best
        matched = f"{a.matched.partition(' & ')[0]} BETWEEN {a.matched.partition(' & ')[2]} AND {b.matched.partition(' & ')[2]}"
        reasons = tuple(dict.fromkeys(a.reasons + b.reasons))
        return [
            Hit(max(a.penalty, b.penalty), (a.lat + b.lat) / 2, (a.lon + b.lon) / 2, Precision.BLOCK, apart, matched, reasons, a.context)
        ]
