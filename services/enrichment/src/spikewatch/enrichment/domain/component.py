"""The reports that may influence one another: grown link by link from the reports of a batch."""

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from spikewatch.enrichment.domain.candidate import Candidate

__all__ = ["Components"]


class Components:
    """Connected reports, found block by block.

    The caller alternates: ``wanted`` says which blocks to look up, ``learn`` takes what lies there, ``spread`` follows
    the links. A report that was only looked at and links to nothing reached stays outside.
    """

    def __init__(self) -> None:
        self._known: dict[UUID, Candidate] = {}
        self._block: dict[str, list[list[UUID]]] = defaultdict(list)  # a list of clusters each
        self._asked: set[str] = set()
        self._frontier: list[UUID] = []
        self._parent: dict[UUID, UUID] = {}

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
                    self._block[block].append([candidate.key])

    def spread(self) -> bool:
        """Follow the links of all reports whose blocks are known now; return whether new blocks are wanted."""
        frontier, self._frontier = self._frontier, []
        for key in frontier:
            for probe in self._known[key].links.probes:
                if (clusters := self._block.get(probe)) is not None:
                    self._block[probe] = self._met(key, clusters)
        return bool(self._frontier)

    def _met(self, key: UUID, clusters: list[list[UUID]]) -> list[list[UUID]]:
        # Members of a cluster are known to be connected, so a cluster is looked at once and not each of its members:
        # a corner with a thousand reports costs a thousand steps, not a million.
        links = self._known[key].links
        mine: list[UUID] = []
        apart: list[list[UUID]] = []
        for cluster in clusters:
            first = cluster[0]
            if first in self._parent and self._root(first) == self._root(key):
                mine += cluster
            elif any(links.link(self._known[other].links) is not None for other in cluster):
                if first not in self._parent:
                    self._parent[first] = first
                    self._frontier.append(first)
                self._join(key, first)
                mine += cluster
            else:
                apart.append(cluster)
        return [mine, *apart] if mine else apart

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
