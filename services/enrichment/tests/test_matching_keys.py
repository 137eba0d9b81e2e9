"""A store that finds reports by keys reads all that decides where one belongs."""

import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from spikewatch.enrichment.adapters.matching_weights import load_weights
from spikewatch.enrichment.domain.matching.blocking import candidates
from spikewatch.enrichment.domain.matching.columns import Columns
from spikewatch.enrichment.domain.matching.keys import blocks, probes
from spikewatch.enrichment.domain.matching.matcher import match, related
from spikewatch.enrichment.domain.matching.records import Compared, newest, of_row

BEGIN = datetime(2026, 5, 1, tzinfo=UTC)
KINDS = ("CAD", "EMS", "FIRE", "POLICE", "ED", "ME", "LAB")


def scattered(seed: int, count: int, *, metres: float, hours: float) -> list[Compared]:
    draw = random.Random(seed)
    return newest(
        of_row(
            {
                "agency": draw.choice(KINDS),
                "agency_record_no": str(index),
                "event_time": (BEGIN + timedelta(hours=draw.uniform(0, hours))).isoformat(),
                "time_precision": draw.choice(["second", "second", "day"]),
                "cad_no": draw.choice(["", f"26-{draw.randrange(count)}11"]),
                "lat": str(40.0 + draw.uniform(0, metres) / 111_195),
                "lon": str(-79.0 + draw.uniform(0, metres) / 85_000),
                "geo_precision": draw.choice(["address", "block", "street", "zip", "none"]),
                "age": draw.choice(["", str(draw.randrange(30, 40))]),
                "age_approx": draw.choice("01"),
                "sex": draw.choice(["", "M", "F"]),
                "address_text": draw.choice(["", "12 ELM ST", "900 BLOCK OF OAK AVE", "ELM ST / OAK AVE"]),
                "hospital": draw.choice(["", "MERCY", "GENERAL"]),
            }
        )
        for index in range(count)
    )


@pytest.mark.parametrize("seed", range(6))
def test_the_probes_of_every_candidate_meet_the_blocks_of_the_other(seed: int) -> None:
    records = scattered(seed, 400, metres=3_000, hours=120)
    found = candidates(Columns.of(records))
    assert len(found.first) > 500
    lies, looks = [set(blocks(one)) for one in records], [set(probes(one)) for one in records]
    for one, two in zip(found.first.tolist(), found.second.tolist(), strict=True):
        assert looks[one] & lies[two]
        assert looks[two] & lies[one]


def test_a_record_has_few_blocks_and_probes() -> None:
    records = scattered(9, 400, metres=3_000, hours=120)
    assert max(len(blocks(one)) for one in records) <= 5
    assert max(len(probes(one)) for one in records) <= 150


class Store:
    """Reports by their blocks, as a database would keep them."""

    def __init__(self, records: list[Compared]) -> None:
        self.by_block: dict[str, list[Compared]] = defaultdict(list)
        for record in records:
            for block in blocks(record):
                self.by_block[block].append(record)

    def near(self, records: list[Compared]) -> list[Compared]:
        return [found for record in records for probe in probes(record) for found in self.by_block.get(probe, ())]


def closure(store: Store, begun: Compared) -> list[Compared]:
    """Read what a report's place depends on: its neighbours, and theirs as long as they are related."""
    core: dict[UUID, Compared] = {}
    frontier = [begun]
    known: dict[UUID, Compared] = {begun.key: begun}
    while frontier:
        core |= {one.key: one for one in frontier}
        known |= {one.key: one for one in store.near(frontier)}
        reached = {key for pair in related(known.values(), load_weights()) if not core.keys().isdisjoint(pair) for key in pair}
        frontier = [known[key] for key in reached if key not in core]
    return list(core.values())


@pytest.mark.parametrize("seed", range(4))
def test_what_is_read_by_keys_gives_the_same_as_reading_all(seed: int) -> None:
    records = scattered(seed, 150, metres=6_000, hours=200)
    everything = match(records, load_weights()).assignments()
    store = Store(records)
    for record in random.Random(seed).sample(records, 25):
        near = match(closure(store, record), load_weights()).assignments()
        assert near[record.key].overdose_id == everything[record.key].overdose_id
        assert near[record.key].incident_id == everything[record.key].incident_id
