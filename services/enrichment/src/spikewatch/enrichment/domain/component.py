"""The reports that may influence one another: grown link by link from the reports of a batch."""

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable
from operator import itemgetter
from uuid import UUID

from spikewatch.enrichment.domain.candidate import Candidate
from spikewatch.enrichment.domain.links import Link

__all__ = ["Components"]

_seconds = itemgetter(0)


class _Block:
    """What lies in one block: reports by time that are bound to nobody here yet, and clusters of those that are.

    Attributes:
        waiting: event time in seconds since 1970 and key, in order of time.
        clusters: the keys that are known to be connected, with the times of the first and the last of them.
    """

    __slots__ = ("clusters", "waiting")

    def __init__(self) -> None:
        self.waiting: list[tuple[float, UUID]] = []
        self.clusters: list[_Cluster] = []


class _Cluster:
    __slots__ = ("first", "keys", "last")

    def __init__(self) -> None:
        self.keys: list[UUID] = []
        self.first, self.last = float("inf"), float("-inf")

    def take(self, other: "_Cluster") -> None:
        self.keys += other.keys
        self.first, self.last = min(self.first, other.first), max(self.last, other.last)


class Components:
    """Connected reports, found block by block.

    The caller alternates: ``wanted`` says which blocks to look up, ``learn`` takes what lies there, ``spread`` follows
    the links. A report that was only looked at and links to nothing reached stays outside.
    """

    def __init__(self) -> None:
        self._known: dict[UUID, Candidate] = {}
        self._block: dict[str, _Block] = defaultdict(_Block)
        self._asked: set[str] = set()
        self._frontier: list[UUID] = []
        self._parent: dict[UUID, UUID] = {}

    @property
    def size(self) -> int:
        """How many reports were seen."""
        return len(self._known)

    @property
    def reached(self) -> set[UUID]:
        """Every report that takes part, also those that are withdrawn or gone."""
        return set(self._parent)

    def reach(self, key: UUID, candidate: Candidate | None) -> None:
        """Take a report in; without a candidate it takes part only as a former member of incidents."""
        if candidate is not None:
            self.learn([candidate])
        if key not in self._parent:
            self._parent[key] = key
            if candidate is not None:
                self._frontier.append(key)

    def knows(self, key: UUID) -> bool:
        """Return whether the report was seen, reached or not."""
        return key in self._known

    def unite(self, keys: Iterable[UUID]) -> None:
        """Bind reports that belong together for another reason than a link; all must have been reached."""
        first, *rest = keys
        for other in rest:
            self._join(first, other)

    def wanted(self) -> list[str]:
        """Return the blocks that must be looked up before ``spread``; each is asked for once."""
        probes = {probe for key in self._frontier for probe in self._known[key].links.probes} - self._asked
        self._asked |= probes
        return sorted(probes)

    def learn(self, candidates: Iterable[Candidate]) -> None:
        """Take note of reports that lie in the blocks asked for."""
        for candidate in candidates:
            if candidate.key not in self._known:
                self._known[candidate.key] = candidate
                for block in candidate.links.blocks:
                    insort(self._block[block].waiting, (candidate.links.seconds, candidate.key))

    def spread(self) -> bool:
        """Follow the links of all reports whose blocks are known now; return whether new blocks are wanted."""
        frontier, self._frontier = self._frontier, []
        for key in frontier:
            links = self._known[key].links
            for link, probes in ((Link.NUMBER, links.number_probes), (Link.PLACE, links.place_probes)):
                for probe in probes:
                    if (block := self._block.get(probe)) is not None:
                        self._meet(key, block, link.seconds)
        return bool(self._frontier)

    def _meet(self, key: UUID, block: _Block, reach_s: float) -> None:
        # Who is further away in time than the block's kind of link reaches is not looked at; who links by the other kind is met
        # in a block of that kind. Members of a cluster are known to be connected, so a cluster is looked at once and not
        # each of its members: a corner with a thousand reports costs a thousand steps, not a million.
        links = self._known[key].links
        begin, end = links.seconds - reach_s, links.seconds + reach_s
        low, high = bisect_left(block.waiting, begin, key=_seconds), bisect_right(block.waiting, end, key=_seconds)
        mine, unbound = _Cluster(), []
        for seconds, other in block.waiting[low:high]:
            if not self._is_with(key, other):
                if links.link(self._known[other].links) is None:
                    unbound.append((seconds, other))
                    continue
                self._bind(key, other)
            mine.keys.append(other)
            mine.first, mine.last = min(mine.first, seconds), max(mine.last, seconds)
        block.waiting[low:high] = unbound
        apart: list[_Cluster] = []
        for cluster in block.clusters:
            if not self._is_with(key, cluster.keys[0]):
                is_near = cluster.first <= end and begin <= cluster.last
                if not is_near or all(links.link(self._known[other].links) is None for other in cluster.keys):
                    apart.append(cluster)
                    continue
                self._bind(key, cluster.keys[0])
            if len(cluster.keys) > len(mine.keys):
                mine, cluster = cluster, mine  # noqa: PLW2901  # the longer list stays where it is
            mine.take(cluster)
        block.clusters = [mine, *apart] if mine.keys else apart

    def _is_with(self, key: UUID, other: UUID) -> bool:
        return other in self._parent and self._root(other) == self._root(key)

    def _bind(self, key: UUID, other: UUID) -> None:
        if other not in self._parent:
            self._parent[other] = other
            self._frontier.append(other)
        self._join(key, other)

    def groups(self) -> list[tuple[frozenset[UUID], list[Candidate]]]:
        """Return each component: the keys of all that take part, and the reports that count."""
        groups: dict[UUID, list[UUID]] = defaultdict(list)
        for key in self._parent:
            groups[self._root(key)].append(key)
        return [(frozenset(keys), [self._known[key] for key in keys if key in self._known]) for keys in groups.values()]

    def _join(self, one: UUID, other: UUID) -> None:
        self._parent[self._root(other)] = self._root(one)

    def _root(self, key: UUID) -> UUID:
        parent = self._parent
        while (above := parent[key]) != key:
            parent[key] = key = parent[above]
        return key
