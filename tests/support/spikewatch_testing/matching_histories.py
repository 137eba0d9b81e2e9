"""Histories of reports as agencies send, correct and withdraw them, and what they must amount to in the match stage."""

import random
from collections.abc import Callable, Collection, Sequence
from uuid import UUID

from hypothesis import strategies as st

from spikewatch.contracts.incident import Incident, IncidentChange
from spikewatch.contracts.report import LocatedReport
from spikewatch.contracts.vocabulary import Disposition, Outcome, PlacePrecision, Sex, SourceType, TimePrecision
from spikewatch.enrichment.adapters.matching_weights import load_weights
from spikewatch.enrichment.domain.candidate import Candidate
from spikewatch.enrichment.domain.matched import matched
from spikewatch.enrichment.domain.matching.decisions import Decisions
from spikewatch.enrichment.domain.matching.weights import Weights
from spikewatch.enrichment.domain.survivorship import incident
from spikewatch.enrichment.domain.transition import StoredIncident
from spikewatch.enrichment.service import MatchReports, Publication
from spikewatch.enrichment.testing import InMemoryMatchStore

__all__ = [
    "AGENCIES",
    "CALL",
    "CREW",
    "OFFICER",
    "PLACES",
    "SAID",
    "WEIGHTS",
    "Build",
    "Bus",
    "check",
    "check_ids",
    "expected",
    "histories",
    "run",
    "split",
    "told",
]

Build = Callable[..., LocatedReport]
WEIGHTS = load_weights()

PLACES: tuple[dict[str, object], ...] = (
    {"lat": 40.5, "lon": -79.5, "precision": PlacePrecision.POINT, "address": "12 ELM ST"},
    {"lat": 40.5015, "lon": -79.5, "precision": PlacePrecision.BLOCK},  # 167 m north of the first
    {"lat": 40.503, "lon": -79.5, "precision": PlacePrecision.POINT},  # 334 m north: near the second, not the first
    {"lat": 40.5, "lon": -78.999, "precision": PlacePrecision.POINT},  # the county next door
    {"lat": 40.5, "lon": -79.001, "precision": PlacePrecision.POINT},  # just on this side of the border, 169 m from the one before
    {"zip5": "99901"},
    {},
)
AGENCIES = (
    {"agency": "cedar-911", "source_type": SourceType.CAD},
    {"agency": "cedar-ems", "source_type": SourceType.EMS},
    {"agency": "cedar-police", "source_type": SourceType.POLICE},
    {"agency": "cedar-fire", "source_type": SourceType.FIRE},
    {"agency": "cedar-hospital", "source_type": SourceType.ED},
    {"agency": "cedar-me", "source_type": SourceType.ME, "outcome": Outcome.FATAL},
)


class Bus:
    """What a compacted topic holds: the newest value of each key."""

    def __init__(self) -> None:
        self.newest: dict[UUID, tuple[int, bytes | None]] = {}
        self.sent: list[tuple[UUID, int, bytes | None]] = []

    def publish(self, publications: Sequence[Publication]) -> None:
        for publication in publications:
            one = publication.incident
            self.newest[one.incident_id] = (one.version, one.body)
            self.sent.append((one.incident_id, one.version, one.body))

    def live(self) -> dict[UUID, tuple[int, bytes | None]]:
        return {key: newest for key, newest in self.newest.items() if newest[1] is not None}


def told(bodies: Collection[bytes | None]) -> dict[UUID, str]:
    """Return incidents without what tells of their history: version, change, aliases and what they split from."""
    incidents = [Incident.model_validate_json(body) for body in bodies if body is not None]
    return {one.incident_id: one.model_dump_json(exclude={"version", "change", "aliases", "split_from"}) for one in incidents}


def expected(
    reports: Sequence[LocatedReport], decisions: Decisions | None = None, flooded: Collection[UUID] = (), weights: Weights = WEIGHTS
) -> dict[UUID, str]:
    """Return what the newest revisions amount to, matched at once without any service."""
    newest: dict[UUID, LocatedReport] = {}
    for one in sorted(reports, key=lambda one: one.report.revision):
        newest[one.report.report_key] = one
    candidates = [Candidate.of(one) for one in newest.values() if not one.report.withdrawn]
    found = matched(candidates, weights, decisions or Decisions(), flooded)
    return told([incident(one, version=1, change=IncidentChange.OPENED).to_json() for one in found])


@st.composite
def histories(draw: st.DrawFn, most: int = 14) -> list[dict[str, object]]:
    revision = st.fixed_dictionaries(
        {
            "agency": st.sampled_from(AGENCIES),
            "record": st.sampled_from(["1", "2", "3"]),
            "minutes": st.sampled_from([-800.0, -70.0, -30.0, 0.0, 0.0, 8.0, 20.0, 44.0, 65.0, 110.0, 700.0]),
            "location": st.sampled_from(PLACES[:4] + PLACES),
            "occurred_at_precision": st.sampled_from([TimePrecision.SECOND, TimePrecision.SECOND, TimePrecision.DATE]),
            "cad_number": st.sampled_from([None, None, "26-0001", "26-0002"]),
            "destination": st.sampled_from([None, "MERCY"]),
            "disposition": st.sampled_from([Disposition.UNKNOWN, Disposition.TRANSPORTED, Disposition.DIED_ON_SCENE]),
            "age": st.sampled_from([None, 25, 25, 60]),
            "sex": st.sampled_from([Sex.UNKNOWN, Sex.MALE, Sex.MALE, Sex.FEMALE]),
            "count": st.sampled_from([None, None, 2]),
            "withdrawn": st.sampled_from([False, False, False, True]),
            "case_definition_hits": st.sampled_from([(), ("opioid@1",), ("any-drug@2", "opioid@2")]),
        }
    )
    revisions = [one | one.pop("agency") for one in draw(st.lists(revision, min_size=1, max_size=most))]  # type: ignore[operator]
    seen: dict[tuple[object, object], int] = {}
    for one in revisions:
        key = (one["agency"], one["record"])
        seen[key] = one["revision"] = seen.get(key, 0) + 1
    return revisions


async def run(batches: Sequence[Sequence[LocatedReport]]) -> tuple[InMemoryMatchStore, Bus]:
    store, bus = InMemoryMatchStore(), Bus()
    for batch in batches:
        bus.publish(await MatchReports(store, WEIGHTS).apply(batch))
    return store, bus


def split(reports: Sequence[LocatedReport], choose: random.Random) -> list[list[LocatedReport]]:
    batches: list[list[LocatedReport]] = [[]]
    for one in reports:
        if choose.random() < 0.4:
            batches.append([])
        batches[-1].append(one)
    return [batch for batch in batches if batch]


def check(store: InMemoryMatchStore, bus: Bus, reports: Sequence[LocatedReport]) -> None:
    active = {one.incident_id: (one.version, one.body) for one in store.kept_incidents.values() if one.active}
    assert told([body for _, body in active.values()]) == expected(reports)
    assert bus.live() == active
    assert all(bus.newest[one.incident_id] == (one.version, None) for one in store.kept_incidents.values() if not one.active)
    check_ids(store)


def check_ids(store: InMemoryMatchStore) -> None:
    """Assert that each ended id is an alias of the one incident that its tombstones lead to, and nothing else is an alias."""
    kept = store.kept_incidents

    def heir(identity: UUID) -> UUID | None:
        one: StoredIncident | None = kept[identity]
        while one is not None and not one.active:
            one = None if one.merged_into is None else kept[one.merged_into]
        return None if one is None else one.incident_id

    aliases = [(alias, one.incident_id) for one in kept.values() if one.active for alias in one.aliases]
    led = [(identity, end) for identity, one in kept.items() if not one.active and (end := heir(identity)) is not None]
    assert sorted(aliases) == sorted(led)
    # What a change is told with is what it is found by when that is delivered again.
    assert all(one.causes <= one.keys for one in kept.values())
    told_by = {one.incident_id: Incident.model_validate_json(one.body) for one in kept.values() if one.body is not None}
    assert all((body.aliases, body.split_from) == (kept[key].aliases, kept[key].split_from) for key, body in told_by.items())


SAID = {"age": 40, "sex": Sex.MALE, "cad_number": "26-1001"}
CREW, OFFICER, CALL = {"agency": "cedar-ems"}, {"agency": "cedar-police", "source_type": SourceType.POLICE}, AGENCIES[0]
