"""From records to overdoses and incidents: a pure function of the set of records.

Invariant: no order of arrival, no repetition and no earlier decision takes part; equal sets of newest revisions give equal ids.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import numpy as np

from spikewatch.contracts.identifiers import incident_id, overdose_id
from spikewatch.enrichment.domain.matching.blocking import Mask, candidates, pairs_within
from spikewatch.enrichment.domain.matching.clocks import put_right, wrong_hours
from spikewatch.enrichment.domain.matching.clustering import Clusters, cluster, scored
from spikewatch.enrichment.domain.matching.codes import KIND_CODE
from spikewatch.enrichment.domain.matching.columns import Columns, Ints
from spikewatch.enrichment.domain.matching.comparison import distances, share_numbers
from spikewatch.enrichment.domain.matching.confidence import signs_of
from spikewatch.enrichment.domain.matching.decided import Decided
from spikewatch.enrichment.domain.matching.decisions import Decisions
from spikewatch.enrichment.domain.matching.homes import at_home
from spikewatch.enrichment.domain.matching.lags import learn_lags
from spikewatch.enrichment.domain.matching.own_words import without_own_words
from spikewatch.enrichment.domain.matching.records import Compared, newest
from spikewatch.enrichment.domain.matching.weights import Weights

__all__ = ["CALL_S", "SCENE_M", "SCENE_S", "Assignment", "Matched", "compared_pairs", "match", "ties"]

CALL_S: Final = 12 * 3_600.0  # how far apart two records of one call are: numbers start again each year or day
SCENE_S: Final = 3_600.0
SCENE_M: Final = 250.0
"""Two overdoses of one call, or of one place and hour, are one incident."""

_ED: Final = KIND_CODE["ed"]
_ME: Final = KIND_CODE["me"]
_NONE: Final = Decisions()


@dataclass(frozen=True, slots=True)
class Assignment:
    """Where a report belongs. ``confidence`` is the probability that the overdose holds all reports of one person and no other."""

    overdose_id: UUID
    incident_id: UUID
    confidence: float


@dataclass(frozen=True, slots=True)
class Matched:
    """The records that stand, in canonical order, and by place in it the founding record of their overdose and incident.

    ``crowded`` are records at a hot spot that met more partners than are compared, or a group too large to compare each with each.
    ``clocks`` tells which agencies' clocks were found to go whole hours ahead (in winter, in summer); their times here are put right.
    """

    records: tuple[Compared, ...]
    columns: Columns
    weights: Weights
    clusters: Clusters
    incident: Ints
    crowded: Ints
    clocks: dict[str, tuple[int, int]] = field(default_factory=dict)
    _ids: dict[UUID, Assignment] = field(default_factory=dict)

    def assignments(self) -> dict[UUID, Assignment]:
        """Return where every report belongs, by report key, in canonical order."""
        if not self._ids:
            of_person: dict[int, Assignment] = {}
            for scene, people in self.scenes().items():
                incident = incident_id(self.records[scene].key)
                for person, (_, confidence) in people.items():
                    of_person[person] = Assignment(overdose_id(self.records[person].key), incident, confidence)
            persons = self.clusters.founder.tolist()
            self._ids.update({record.key: of_person[person] for record, person in zip(self.records, persons, strict=True)})
        return self._ids

    def scenes(self) -> dict[int, dict[int, tuple[list[int], float]]]:
        """Return the incidents, of each the overdoses, and of each its records and its confidence.

        All are places in the canonical order, and in it: an incident's and an overdose's is that of its founding record.
        """
        people: dict[int, list[int]] = {}
        for place, person in enumerate(self.clusters.founder.tolist()):
            people.setdefault(person, []).append(place)
        incident, within, outside = self.incident.tolist(), self.clusters.within.tolist(), self.clusters.outside.tolist()
        signs = signs_of(self.columns, self.clusters.founder, self.clusters.outside, self.incident).tolist()
        sure = self.weights.confidence.of
        found: dict[int, dict[int, tuple[list[int], float]]] = {}
        for person, places in people.items():
            confidence = sure(len(places), within[person], outside[person], signs[person])
            found.setdefault(incident[person], {})[person] = (places, confidence)
        return found


def match(
    records: Iterable[Compared], weights: Weights, *, learns_lags: bool = False, decisions: Decisions = _NONE, bounded: bool = True
) -> Matched:
    """Return the overdoses and incidents of a set of records; resends, corrections and withdrawals may be among them.

    What people decided outranks every score. With ``learns_lags`` clocks that go whole hours wrong are put right, names and numbers that
    only one side writes are left out, and what part of the country each agency serves and the weights of time differences are learnt from
    these very records first, without labels: for whole files. A part of a stream is matched with the weights as they are, and without
    ``bounded``, so that it does not matter which part it is: matching two unrelated sets at once gives what matching each alone gives.
    """
    standing = newest(records)
    if learns_lags:
        standing = without_own_words(at_home(standing))
    columns = Columns.of(standing)
    if not standing:
        nothing = np.zeros(0, dtype=np.int64)
        return Matched((), columns, weights, Clusters(nothing, nothing, nothing, nothing, nothing), nothing, nothing)
    clocks: dict[str, tuple[int, int]] = {}
    if learns_lags and (hours := wrong_hours(columns)):
        clocks = {record.agency: hours[one] for record, one in zip(standing, columns.agency.tolist(), strict=True) if one in hours}
        standing = put_right(standing, columns, hours)
        columns = Columns.of(standing)
    found = candidates(columns, bounded=bounded)
    if learns_lags:
        weights = learn_lags(columns, found.first, found.second, weights)
    decided = Decided.of(standing, decisions)
    scores = scored(columns, found.first, found.second, weights)
    clusters = cluster(columns, found.first, found.second, scores, weights, decided)
    while parted := _torn(clusters.founder, decided):
        clusters = cluster(columns, found.first, found.second, scores, weights, decided := decided.with_apart(parted))
    incident = _incidents(standing, columns, found.first, found.second, clusters.founder, decided)
    return Matched(tuple(standing), columns, weights, clusters, incident, np.union1d(found.crowded, clusters.cut), clocks)


def compared_pairs(matched: Matched) -> tuple[Ints, Ints]:
    """Return the pairs that were compared: those of the blocks, and all within each connected group."""
    found, count = candidates(matched.columns), max(len(matched.records), 1)
    pairs = np.union1d(found.first * count + found.second, pairs_within(matched.clusters.component))
    return pairs // count, pairs % count


def ties(records: Sequence[Compared], weights: Weights, of: Mask | None = None, flooded: Mask | None = None) -> list[tuple[int, int]]:
    """Return the pairs of reports that have a say in where the other belongs: tied by their score, or by call or scene.

    Whether two are a pair follows from the two alone. Where a report belongs follows from the reports that it is tied to, from
    those that they are tied to, and so on, decisions aside: a store that reads these, and no others, gives ``match`` all it needs
    (``keys`` finds them). Each report is given once, in any order, none withdrawn; a pair is two places among them. With ``of`` only
    the ties of the reports marked there are returned, and those of ``flooded`` ones among one another never.
    """
    if not records:
        return []
    order = sorted(range(len(records)), key=[(one.seconds, one.key.int) for one in records].__getitem__)
    columns = Columns.of([records[place] for place in order])
    found = candidates(columns, bounded=False)
    first, second = found.first, found.second
    if of is not None:
        asked = of[order]
        kept = asked[first] | asked[second]
        if flooded is not None:
            many = flooded[order]
            kept &= ~(many[first] & many[second])
        first, second = first[kept], second[kept]
    call, scene = _linked(columns, first, second)
    kept = (scored(columns, first, second, weights) >= weights.join) | call | scene
    places = np.array(order)
    return list(zip(places[first[kept]].tolist(), places[second[kept]].tolist(), strict=True))


def _linked(columns: Columns, first: Ints, second: Ints) -> tuple[Mask, Mask]:
    """Return which pairs are of one call, and which of one scene."""
    apart = np.abs(columns.seconds[first] - columns.seconds[second])
    metres = distances(columns, first, second)
    call = (columns.cad[first] > 0) & (columns.cad[first] == columns.cad[second]) & (apart <= CALL_S)
    call &= share_numbers(columns, first, second, metres)
    scene = (apart <= SCENE_S) & (metres <= SCENE_M)
    for side in (first, second):
        # What an emergency department or a medical examiner states may be the home or the hospital.
        kind, place = columns.kind[side], columns.place_class[side]
        scene &= (place > 0) & (place < 3) & (columns.rough[side] == 0) & (kind != _ED) & (kind != _ME)
    return call, scene


def _incidents(records: Sequence[Compared], columns: Columns, first: Ints, second: Ints, person: Ints, decided: Decided) -> Ints:
    """Return for every record the record that founds its incident.

    Overdoses of one call (an equal number) or of one scene (within an hour and 250 m) are one incident. As the window counts
    from the incident's founding record, a busy corner is cut into incidents of an hour instead of growing into one that never ends.
    """
    person = _of_one_scene(person, decided)
    crossing = person[first] != person[second]
    first, second = first[crossing], second[crossing]
    call, scene = _linked(columns, first, second)
    linked = call | scene
    reach = np.where(call, CALL_S, SCENE_S)[linked].tolist()
    links: dict[int, dict[int, float]] = {}
    for one, two, seconds in zip(person[first[linked]].tolist(), person[second[linked]].tolist(), reach, strict=True):
        earlier, later = (one, two) if one < two else (two, one)
        near = links.setdefault(later, {})
        near[earlier] = max(near.get(earlier, 0.0), seconds)
    apart: dict[int, set[int]] = {}
    for one, two in decided.scenes_apart:
        apart.setdefault(int(person[one]), set()).add(int(person[two]))
        apart.setdefault(int(person[two]), set()).add(int(person[one]))
    home: dict[int, int] = {}
    of_founder: dict[int, set[int]] = {}
    for later in sorted(links):
        opened = records[later].seconds
        founders: dict[int, float] = {}
        for earlier, seconds in links[later].items():
            founder = home.get(earlier, earlier)
            founders[founder] = max(founders.get(founder, 0.0), seconds)
        for founder, seconds in sorted(founders.items()):
            members = of_founder.setdefault(founder, {founder})
            if opened - records[founder].seconds <= seconds and members.isdisjoint(apart.get(later, ())):
                home[later] = founder
                members.add(later)
                break
    if not home:
        return person
    moved = np.arange(len(records))
    moved[list(home)] = list(home.values())
    incident: Ints = moved[person]
    return incident


def _torn(person: Ints, decided: Decided) -> list[tuple[int, int]]:
    """Return the pairs that only their scores hold together, and that bind two incidents which were decided to be apart.

    Where A and B were decided to be one incident and C and D to be two, C cannot be the person of A while D is the person of B.
    """
    if not decided.scenes or not decided.scenes_apart:
        return []
    scene = _of_one_scene(person, decided)
    bound = {pair for sides in (decided.together, decided.apart) for pair in zip(*(side.tolist() for side in sides), strict=True)}
    parted: set[tuple[int, int]] = set()
    for pair in decided.scenes_apart:
        if scene[pair[0]] == scene[pair[1]]:
            for one in reversed(pair):  # the later report leaves its person, or else the earlier one
                others = [(min(one, other), max(one, other)) for other in np.flatnonzero(person == person[one]).tolist() if other != one]
                if loose := [two for two in others if two not in bound]:
                    parted.update(loose)
                    break
    return sorted(parted)


def _of_one_scene(person: Ints, decided: Decided) -> Ints:
    """Return the founding record of each record's overdose, or of the first of the overdoses that were decided to be one incident."""
    if not decided.scenes:
        return person
    root = np.arange(len(person))
    for group in decided.scenes:
        people = {int(person[one]) for one in group}
        # Groups of reports are disjoint, groups of people need not be: one person may have reports in two of them.
        roots = {_root(root, one) for one in people}
        root[list(roots)] = min(roots)
    scene: Ints = np.array([_root(root, one) for one in person.tolist()], dtype=np.int64)
    return scene


def _root(root: Ints, one: int) -> int:
    while (above := int(root[one])) != one:
        one = above
    return one
